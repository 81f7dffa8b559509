"""GroupedLookup: who shares a query, and who suffers when one fails or leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from node.storage.grouping import GroupedLookup


class Source:
    """Answers key -> key * 10 for positive keys, when the gate is open."""

    def __init__(self) -> None:
        self.queries: list[list[int]] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, keys: Sequence[int]) -> dict[int, int]:
        self.queries.append(list(keys))
        self.asked.set()
        await self.gate.wait()
        if 13 in keys:
            raise LookupError("unlucky")
        return {key: key * 10 for key in keys if key > 0}


async def test_calls_of_one_turn_share_a_query_and_equal_keys_a_place() -> None:
    source = Source()
    lookup = GroupedLookup(source.fetch)
    assert await asyncio.gather(*(lookup.get(key) for key in (1, 2, -3, 2))) == [10, 20, None, 20]
    assert source.queries == [[1, 2, -3]]


async def test_calls_during_a_query_form_the_next_group() -> None:
    source = Source()
    source.gate.clear()
    lookup = GroupedLookup(source.fetch)
    first = asyncio.create_task(lookup.get(1))
    await source.asked.wait()
    later = [asyncio.create_task(lookup.get(key)) for key in (2, 3)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.queries == [[1]]
    source.gate.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30]
    assert source.queries == [[1], [2, 3]]


async def test_a_group_has_a_limit() -> None:
    source = Source()
    lookup = GroupedLookup(source.fetch, limit=2)
    assert await asyncio.gather(*(lookup.get(key) for key in range(1, 6))) == [10, 20, 30, 40, 50]
    assert source.queries == [[1, 2], [3, 4], [5]]


async def test_an_error_reaches_every_caller_of_its_group_and_no_other() -> None:
    lookup = GroupedLookup(Source().fetch, limit=2)
    outcomes = await asyncio.gather(*(lookup.get(key) for key in (1, 13, 2, 3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LookupError, LookupError, int, int]
    assert await lookup.get(4) == 40


async def test_a_caller_that_leaves_harms_nobody() -> None:
    source = Source()
    source.gate.clear()
    lookup = GroupedLookup(source.fetch)
    callers = [asyncio.create_task(lookup.get(key)) for key in (1, 1, 2)]
    await source.asked.wait()
    waiting = asyncio.create_task(lookup.get(3))
    await asyncio.sleep(0)
    callers[0].cancel()
    waiting.cancel()
    source.gate.set()
    assert await asyncio.gather(*callers[1:]) == [10, 20]
    with pytest.raises(asyncio.CancelledError):
        await callers[0]
    # Nobody wanted 3 any more when its turn came.
    assert source.queries == [[1, 2]]
    assert await lookup.get(4) == 40


async def test_when_the_loop_ends_nobody_waits_for_ever() -> None:
    source = Source()
    source.gate.clear()
    lookup = GroupedLookup(source.fetch)
    first = asyncio.create_task(lookup.get(1))
    await source.asked.wait()
    second = asyncio.create_task(lookup.get(2))
    await asyncio.sleep(0)
    assert lookup._runner is not None
    lookup._runner.cancel()
    assert [type(outcome) for outcome in await asyncio.gather(first, second, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
