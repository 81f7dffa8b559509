"""Frozen values that every room of the node speaks in. Nothing here does I/O or reads a clock."""
