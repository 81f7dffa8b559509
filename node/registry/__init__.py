"""Whom this node trusts, and for what: today a directory of signed files, later a refreshed registry behind it."""
