"""The log of signed statements: its tree (RFC 6962), its proofs (RFC 9162) and its signed heads (C2SP notes)."""
