"""The trust kernel: pure. Knows no network, no database, no gRPC, no node. Time and randomness are arguments."""
