"""Deliveries of source units become records in reach of reports: read, checked, filed, or put aside with the reason."""
