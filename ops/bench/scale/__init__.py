"""`make bench-scale`: how a log of ten million entries behaves against one of ten thousand."""
