"""Acknowledgements: at once after quiet, few when much comes, again when they failed, and never in the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from node.federation import acknowledging
from node.federation.acknowledging import PAUSE_SECONDS, Acknowledging
from node.federation.unavailable import PeerUnavailable
from tests.support.nodes import until


class Peer:
    """Takes what it is told, after the failures that it has in store."""

    def __init__(self, *failures: Exception) -> None:
        self.told: list[int] = []
        self.asked = 0
        self._failures = list(failures)

    async def send(self, size: int) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures.pop(0)
        self.told.append(size)


@asynccontextmanager
async def telling(peer: Peer) -> AsyncIterator[Acknowledging]:
    one = Acknowledging("140000", peer.send)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_the_newest_size_is_told_a_few_times_a_second() -> None:
    peer = Peer()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with telling(peer) as one:
        for size in range(1, 501):
            one.holds(size)
            await asyncio.sleep(0.001)
        await until(lambda: peer.told[-1:] == [500])
        took = loop.time() - began
    assert peer.told[0] < 500, "the first one at once"
    assert peer.told == sorted(set(peer.told))
    assert len(peer.told) <= 2 + took / PAUSE_SECONDS


async def test_the_same_size_is_told_once() -> None:
    peer = Peer()
    async with telling(peer) as one:
        one.holds(3)
        await until(lambda: peer.told == [3])
        one.holds(3)
        await asyncio.sleep(2 * PAUSE_SECONDS)
    assert peer.told == [3]


async def test_what_failed_is_told_again_and_an_unforeseen_error_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledging, "PAUSE_SECONDS", 0.01)
    peer = Peer(PeerUnavailable("Synthetic: away."), RuntimeError("synthetic"))
    async with telling(peer) as one:
        with capture_logs() as logs:
            one.holds(3)
            await until(lambda: peer.asked == 1)
            one.holds(4)
            await until(lambda: bool(peer.told))
    assert (peer.told, peer.asked) == ([4], 3)
    assert [line["event"] for line in logs] == ["not_acknowledged"]


@pytest.mark.parametrize(
    ("failures", "asked", "pause"),
    [(0, 0.0, 0.1), (1, 0.0, 0.4), (2, 0.0, 1.6), (20, 0.0, 60.0), (1, 7.0, 7.0), (1, 3_600.0, 3_600.0)],
)
def test_pauses_grow_with_failures_and_what_the_peer_asks_is_heeded(failures: int, asked: float, pause: float) -> None:
    assert acknowledging._pause(failures, asked) == pytest.approx(pause)
