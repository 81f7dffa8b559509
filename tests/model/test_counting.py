"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from node.model.counting import counted, in_entries


@pytest.mark.parametrize(("number", "said"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries")])
def test_one_is_singular(number: int, said: str) -> None:
    assert in_entries(number) == said


def test_most_nouns_take_an_s() -> None:
    assert (counted(1, "day"), counted(21, "day")) == ("1 day", "21 days")
