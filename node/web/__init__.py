"""HTTP doors. Here so far: the operations pages, on an address of their own."""
