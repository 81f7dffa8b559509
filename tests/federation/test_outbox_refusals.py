"""A peer that refuses each call: it is alive, and is asked when it says. Over a real store and real seals."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from node.federation.unavailable import PeerUnavailable
from node.model.peers import PeerTrouble
from tests.federation.couriers import Peer, delivering, patience, require_never_retired
from tests.support.nodes import until


def over_limit(seconds: float) -> PeerUnavailable:
    return PeerUnavailable("come back", PeerTrouble.LIMITS_US, retry_seconds=seconds, answered=True)


async def test_a_peer_whose_limits_we_met_is_asked_when_it_says(tmp_path: Path) -> None:
    """Our own pauses are of 10 ms, and contact would end them."""
    async with delivering(tmp_path, patience(least=0.01, most=0.01), Peer(refuses=over_limit(0.5))) as world:
        await world.queue(1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        world.begin()
        while len(world.peer.calls) < 2:
            world.courier.heard()
            await asyncio.sleep(0.01)
        assert loop.time() - began >= 0.5
        assert await world.state(1) == ("queued", "OVER_LIMIT")
        world.peer.refuses = None
        await until(lambda: world.ended == [("140000", "delivered")])


@pytest.mark.parametrize(
    "refusal",
    [
        over_limit(0.0),
        PeerUnavailable("no", PeerTrouble.REFUSED, answered=True),
        PeerUnavailable("not ready", answered=True),
    ],
    ids=["limits", "certificate", "not ready"],
)
async def test_a_peer_that_refuses_for_days_is_not_retired(tmp_path: Path, refusal: PeerUnavailable) -> None:
    pauses = patience(least=0.01, most=0.02, retire_after=3_600.0)
    async with delivering(tmp_path, pauses, Peer(refuses=refusal)) as world:
        await require_never_retired(world)


async def test_what_a_peer_does_not_take_for_its_size_is_told_apart_from_its_other_limits(tmp_path: Path) -> None:
    refusal = PeerUnavailable("too large", PeerTrouble.TAKES_LESS, answered=True)
    async with delivering(tmp_path, patience(least=0.01, most=0.02), Peer(refuses=refusal)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) > 1)
        assert await world.state(1) == ("queued", "CALL_TOO_LARGE")
        world.peer.refuses = None
        await until(lambda: world.ended == [("140000", "delivered")])


async def test_a_retired_peer_that_refuses_is_back(tmp_path: Path) -> None:
    pauses = patience(least=0.01, most=0.02, retire_after=3_600.0)
    async with delivering(tmp_path, pauses, Peer(away=True)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) >= 1)
        world.clock.advance(timedelta(hours=2))
        await until(lambda: world.courier.retired)
        world.peer.away, world.peer.refuses = False, over_limit(0.0)
        world.courier.hurry()
        await until(lambda: not world.courier.retired)
