"""Peers: following their logs, and what is known of each connection."""
