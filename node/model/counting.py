"""Numbers with their nouns, in sentences for people."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 entry`, `2 entries`; without `many` the noun with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def in_entries(number: int) -> str:
    """So many entries of a log."""
    return counted(number, "entry", "entries")
