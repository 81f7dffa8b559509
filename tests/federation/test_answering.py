"""Whom a jurisdiction answers, and how often."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from node.errors import NotEligible
from node.federation.answering import AnswerPolicy

NOW = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
"""A minute before midnight in China."""


def policy(whom: tuple[str, ...], handled: int = 0, recognised: bool = False) -> tuple[AnswerPolicy, list[datetime]]:
    """At most two a day; and from when on requests were counted."""
    since: list[datetime] = []

    async def count(division: str, start: datetime) -> int:
        assert division == "520000"
        since.append(start)
        return handled

    return AnswerPolicy(whom, 2, lambda division: division == "520000" and recognised, count, lambda: NOW), since


@pytest.mark.parametrize(
    ("whom", "recognised", "answered"),
    [
        ((), True, False),
        (("recognised",), True, True),
        (("recognised",), False, False),
        (("trusted",), False, True),
        (("520000",), False, True),
        (("620100", "140000"), True, False),
        (("620100", "recognised"), True, True),
    ],
)
async def test_who_is_answered(whom: tuple[str, ...], recognised: bool, answered: bool) -> None:
    found, counted = policy(whom, recognised=recognised)
    if answered:
        await found.require("520000")
        return
    with pytest.raises(NotEligible) as refused:
        await found.require("520000")
    assert refused.value.reason == "ASKER_NOT_ANSWERED"
    assert counted == []


async def test_a_day_is_one_of_china() -> None:
    found, counted = policy(("trusted",), handled=1)
    await found.require("520000")
    assert counted == [datetime(2026, 11, 21, 16, tzinfo=UTC)]
    full, _ = policy(("trusted",), handled=2)
    with pytest.raises(NotEligible, match="tomorrow") as refused:
        await full.require("520000")
    assert refused.value.reason == "ASKED_TOO_OFTEN"
