"""Division codes (GB/T 2260) as territories: a division and what lies below it."""

from __future__ import annotations


def contains(outer: str, inner: str) -> bool:
    """Whether division `outer` is `inner` or lies above it: `140000` contains `140500`, `620100` contains `620102`.

    Both are six-digit codes; pairs of trailing zeros in `outer` are the levels that it leaves open.
    """
    prefix = outer
    while prefix.endswith("00"):
        prefix = prefix[:-2]
    return bool(prefix) and inner.startswith(prefix)
