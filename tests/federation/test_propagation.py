"""How long news take to each peer: from commit to acknowledgement, whatever the peer claims, in bounded memory."""

from __future__ import annotations

import asyncio

import pytest

from node.errors import InvalidInput, NotFound
from node.federation import propagation
from node.federation.propagation import Propagation
from node.model.peers import Acknowledged

ORIGIN = "huxin/140000"
GUIZHOU, LIAONING = "520000", "210000"


class World:
    """An own log with a clock that is set. `stored`: its size in the database, whoever committed it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stored = 0
        self.measured: list[tuple[str, float]] = []
        self.counted: list[tuple[str, str]] = []
        self.reads = 0
        self.propagation = Propagation(
            ORIGIN, self._size, lambda: self.now, lambda *seen: self.measured.append(seen), self._count
        )

    def _count(self, peer: str, result: str) -> None:
        self.counted.append((peer, result))

    async def _size(self) -> int:
        self.reads += 1
        await asyncio.sleep(0)
        return self.stored

    def commit(self, at: float, size: int) -> None:
        self.now, self.stored = at, size
        self.propagation.committed(size)

    async def acknowledge(self, at: float, size: int, peer: str = GUIZHOU) -> int:
        self.now = at
        return await self.propagation.acknowledge(peer, ORIGIN, size)


async def test_each_commit_is_measured_once_for_each_peer() -> None:
    world = World()
    assert world.propagation.of(GUIZHOU) is None
    for peer in (GUIZHOU, LIAONING):
        assert await world.acknowledge(0, 0, peer) == 0
        assert world.propagation.of(peer) == Acknowledged(0, 0, measured=0, p50_seconds=None, p99_seconds=None)
    world.commit(1, 3)
    world.commit(2, 4)
    await world.acknowledge(2.5, 4)
    await world.acknowledge(2.6, 4)  # again the same: nothing is new
    await world.acknowledge(5, 3, LIAONING)
    await world.acknowledge(9, 4, LIAONING)
    assert world.measured == [(GUIZHOU, 1.5), (GUIZHOU, 0.5), (LIAONING, 4.0), (LIAONING, 7.0)]
    known = world.propagation.of(LIAONING)
    assert known is not None
    assert (known.size, known.lag, known.measured, known.p50_seconds, known.p99_seconds) == (4, 0, 2, 4.0, 7.0)
    assert not world.propagation._commits, "what everybody has is forgotten"


async def test_history_that_a_new_peer_catches_up_with_is_not_measured() -> None:
    world = World()
    for at in range(10):
        world.commit(at, 10 * (at + 1))
    await world.acknowledge(1_000, 10)
    await world.acknowledge(1_001, 100)
    assert world.measured == []
    world.commit(1_002, 101)
    await world.acknowledge(1_003, 101)
    assert world.measured == [(GUIZHOU, 1.0)]


async def test_more_than_there_is_is_refused_and_less_than_before_ignored() -> None:
    world = World()
    world.commit(1, 5)
    await world.acknowledge(2, 5)
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            await world.acknowledge(3, 6)
        assert (caught.value.reason, caught.value.field) == ("ACKNOWLEDGEMENT_BEYOND_LOG", "size")
    assert await world.acknowledge(4, 2) == 5
    with pytest.raises(InvalidInput):  # of a peer that has said nothing else, too
        await world.acknowledge(4, 2**64 - 1, LIAONING)
    assert world.propagation.of(LIAONING) is None
    known = world.propagation.of(GUIZHOU)
    assert known is not None
    assert (known.size, known.lag) == (5, 0)
    assert [result for _, result in world.counted[:4]] == ["COUNTED", "BEYOND_LOG", "BEYOND_LOG", "BEHIND"]


async def test_another_log_is_not_acknowledged_here() -> None:
    world = World()
    with pytest.raises(NotFound) as caught:
        await world.propagation.acknowledge(GUIZHOU, "huxin/520000", 0)
    assert caught.value.reason == "NO_SUCH_LOG"


async def test_what_another_replica_committed_is_acknowledged_and_not_measured() -> None:
    world = World()
    await world.acknowledge(0, 0)
    world.stored = 7
    assert await world.acknowledge(1, 7) == 7
    assert world.measured == []
    assert await world.acknowledge(1, 7) == 7
    assert world.reads == 1, "the database is asked for what is not known here alone"


async def test_a_peer_that_stays_away_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagation, "_MOST_COMMITS", 64)
    world = World()
    await world.acknowledge(0, 0)
    for at in range(1, 10_001):
        world.commit(at, at)
        assert len(world.propagation._commits) <= 65
    await world.acknowledge(10_000, 10_000)
    times = [seconds for _, seconds in world.measured]
    assert times[-1] == 0.0
    assert times[0] == 9_999.0, "the oldest one is left"
    assert len([each for each in times if each > 5_000]) > 2, "and others"
    assert times == sorted(times, reverse=True)
    assert not world.propagation._commits
    known = world.propagation.of(GUIZHOU)
    assert known is not None
    assert known.measured <= propagation.RECENT


async def test_quantiles_are_of_the_newest() -> None:
    world = World()
    await world.acknowledge(0, 0)
    for number in range(1, propagation.RECENT + 101):
        world.commit(number, number)
        await world.acknowledge(number + (0.9 if number <= 100 else 0.1 if number % 50 else 0.5), number)
    known = world.propagation.of(GUIZHOU)
    assert known is not None
    assert known.measured == propagation.RECENT
    assert known.p50_seconds == pytest.approx(0.1)
    assert known.p99_seconds == pytest.approx(0.5)
