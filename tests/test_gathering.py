"""Callers of a busy node share groups, and nobody waits for a caller who does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from node import gathering
from node.gathering import Gathering
from node.storage import grouping
from node.storage.grouping import GroupedLookup

LONG = 3600.0
SOON = 5.0
"""Seconds: far less than LONG, far more than anything here takes by itself."""


class Desk:
    """A look-up of some milliseconds behind a gathering; remembers the size of each group."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self._gathering = Gathering()
        self._lookup = GroupedLookup(self._fetch, gathering=self._gathering)

    async def ask(self, key: object) -> None:
        with self._gathering.under_way():
            assert await self._lookup.get(key) == key

    async def _fetch(self, keys: Sequence[object]) -> dict[object, object]:
        self.groups.append(len(keys))
        await asyncio.sleep(0.002)
        return {key: key for key in keys}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(gathering, "QUIET_SECONDS", LONG)
    monkeypatch.setattr(grouping, "PATIENCE_SECONDS", LONG)
    return monkeypatch


async def test_who_comes_again_shares_the_next_group_with_all_others() -> None:
    desk = Desk()

    async def caller(number: int) -> None:
        for _ in range(6):
            await desk.ask(number)
            await asyncio.sleep(0.001 * number)  # each takes its own time to its next question

    async with asyncio.timeout(SOON):
        await asyncio.gather(*(caller(number) for number in range(8)))
    assert desk.groups == [8] * 6


async def test_a_lone_caller_never_waits() -> None:
    desk = Desk()
    async with asyncio.timeout(SOON):
        for number in range(20):
            await desk.ask(number)
    assert desk.groups == [1] * 20


async def test_who_went_for_good_is_waited_for_once_and_not_for_long(quiet: pytest.MonkeyPatch) -> None:
    desk = Desk()
    await asyncio.gather(desk.ask("stays"), desk.ask("goes"))
    quiet.setattr(gathering, "QUIET_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(SOON):
        await desk.ask("stays")
        assert loop.time() - began > 0.03
        quiet.setattr(gathering, "QUIET_SECONDS", LONG)
        await desk.ask("stays")
    assert desk.groups == [2, 1, 1]


async def test_patience_ends_even_while_callers_come_and_go(quiet: pytest.MonkeyPatch) -> None:
    quiet.setattr(grouping, "PATIENCE_SECONDS", 0.05)
    desk = Desk()
    await asyncio.gather(desk.ask("stays"), desk.ask("goes"))
    async with asyncio.timeout(SOON):
        await desk.ask("stays")
    assert desk.groups == [2, 1]


async def test_a_full_group_waits_for_nobody() -> None:
    together = Gathering()
    point = together.meeting_point(2, LONG)
    with together.under_way(), together.under_way(), together.under_way():
        with together.under_way():
            pass  # comes and goes: it may come again
        point.arrived()
        point.arrived()
        async with asyncio.timeout(SOON):
            await point.gathered()
