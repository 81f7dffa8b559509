"""Division codes (GB/T 2260) as territories: a division and what lies below it."""

from __future__ import annotations


def contains(outer: str, inner: str) -> bool:
    """Whether division `outer` is `inner` or lies above it: `140000` contains `140500`, `620100` contains `620102`.

    Both are six-digit codes; pairs of trailing zeros in `outer` are the levels that it leaves open.
    """
    prefix = prefix_of(outer)
    return bool(prefix) and inner.startswith(prefix)


def prefix_of(division: str) -> str:
    """The digits with which every division inside one begins: `14` of `140000`. Empty for `000000`, which has none."""
    while division.endswith("00"):
        division = division[:-2]
    return division
