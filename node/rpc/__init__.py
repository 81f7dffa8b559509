"""The gRPC door: mTLS, one guard around every method, one permission table, one error table, thin services."""
