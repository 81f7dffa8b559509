"""The pace of a courier: back-off, contact, retirement, deferral; over a real store and real seals.

The peer is a simulator of its one method. Pauses are those that the courier asks for: the clock is moved by hand.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from node.model.messages import (
    OUTBOX_PURPOSE,
    Delivery,
    DeliveryOutcome,
    MessageReason,
)
from node.storage.errors import StorageFault
from tests.federation.couriers import DELIVERED, FULL, Peer, delivering, patience, require_never_retired
from tests.support.nodes import eventually, until
from trust.errors import MalformedInput
from trust.sealing import generate_sealing_key


async def test_what_is_queued_goes_at_once_over_one_connection(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer()) as world:
        for number in (1, 2, 3, 4, 5, 6):
            await world.queue(number)
        world.begin()
        await until(lambda: len(world.ended) == 6)
        assert world.ended == [("140000", "delivered")] * 6
        assert world.peer.connections == ["first:1"]
        assert [content for call in world.peer.calls for content in call] == [b"%d" % n for n in range(1, 7)]
        await until(lambda: world.peer.closed == 1)


async def test_what_is_queued_later_goes_when_the_courier_is_told(tmp_path: Path) -> None:
    """It looks by itself in ten minutes only."""
    async with delivering(tmp_path, patience(), Peer()) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.ended) == 1 and world.peer.closed == 1)
        await world.queue(2)
        world.courier.notify()
        await until(lambda: len(world.ended) == 2)


async def test_after_a_failure_nothing_that_is_queued_breaks_the_pause(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer(away=True)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) == 1)
        world.courier.notify()
        world.courier.heard()  # contact ends the pause, but not before the shortest one is over
        await asyncio.sleep(0.1)
        assert len(world.peer.calls) == 1
        assert await world.state(1) == ("queued", "UNREACHABLE")


async def test_contact_ends_the_pause_after_a_failure(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(least=0.01, most=600.0), Peer(away=True)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) >= 5)
        world.peer.away = False
        world.courier.heard()
        await until(lambda: world.ended == [("140000", "delivered")])
        assert set(world.peer.connections) == {"first:1", "second:2"}, "each attempt takes the next endpoint"


async def test_whatever_goes_wrong_after_a_failure_the_courier_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A courier that ended would let messages expire behind our back."""
    async with delivering(tmp_path, patience(least=0.01, most=0.02), Peer(away=True)) as world:

        async def broken(_receiver: str, _reason: MessageReason) -> None:
            raise StorageFault("SQLITE_CORRUPT")

        monkeypatch.setattr(world.store, "note_waiting", broken)
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) >= 2)
        world.peer.away = False
        await until(lambda: world.ended == [("140000", "delivered")])


async def test_an_operator_ends_any_pause(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer(away=True)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) == 1)
        world.peer.away = False
        world.courier.hurry()
        await until(lambda: world.ended == [("140000", "delivered")])


async def test_a_peer_that_defers_is_not_asked_again_because_it_was_heard(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(least=0.01, most=600.0), Peer(says=[FULL] * 1_000)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) >= 3)
        for _ in range(20):
            world.courier.heard()
            await asyncio.sleep(0.005)
        # The pauses doubled from 10 ms meanwhile; had contact ended them, there would be many more.
        assert len(world.peer.calls) < 10
        assert await world.state(1) == ("queued", "INBOX_FULL")


async def test_one_that_is_deferred_holds_up_no_other(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer(says=[FULL, DELIVERED, FULL])) as world:
        for number in (1, 2):
            await world.queue(number)
        world.begin()
        await until(lambda: len(world.peer.calls) == 2)
        assert world.ended == [("140000", "delivered")]
        assert await world.state(1) == ("queued", "INBOX_FULL")


async def test_a_refusal_is_final(tmp_path: Path) -> None:
    refused = Delivery(DeliveryOutcome.REFUSED, MessageReason.UNKNOWN_KIND)
    async with delivering(tmp_path, patience(), Peer(says=[refused])) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: world.ended == [("140000", "refused")])
        assert await world.state(1) == ("refused", "UNKNOWN_KIND")


@pytest.mark.parametrize(("passes", "state"), [(8, "expired"), (0, "refused")])
async def test_what_expires_on_its_way_has_expired(tmp_path: Path, passes: int, state: str) -> None:
    """A peer that says so of what has time left by our own clock has refused it: one clock is wrong."""
    late = Delivery(DeliveryOutcome.REFUSED, MessageReason.EXPIRED)
    async with delivering(tmp_path, patience(), Peer(says=[late])) as world:
        world.peer.meanwhile = lambda: world.clock.advance(timedelta(days=passes))
        await world.queue(1)
        world.begin()
        await until(lambda: world.ended == [("140000", state)])
        assert await world.state(1) == (state, "EXPIRED")


async def test_a_peer_that_is_silent_for_long_is_retired_and_returns_when_heard(tmp_path: Path) -> None:
    pauses = patience(least=0.01, most=0.02, retire_after=3_600.0)
    async with delivering(tmp_path, pauses, Peer(away=True)) as world:
        await world.queue(1)
        world.begin()
        await until(lambda: len(world.peer.calls) >= 3)
        assert not world.courier.retired
        world.clock.advance(timedelta(hours=2))
        await until(lambda: world.courier.retired)
        calls = len(world.peer.calls)
        await asyncio.sleep(0.2)  # ten of the longest pauses between ordinary attempts
        assert len(world.peer.calls) == calls
        world.peer.away = False
        world.courier.heard()
        await until(lambda: world.ended == [("140000", "delivered")])
        assert not world.courier.retired


async def test_a_peer_that_defers_for_days_is_not_retired(tmp_path: Path) -> None:
    pauses = patience(least=0.01, most=0.02, retire_after=3_600.0)
    async with delivering(tmp_path, pauses, Peer(says=[FULL] * 1_000)) as world:
        await require_never_retired(world)


async def test_one_that_waits_for_a_key_of_ours_holds_up_its_subject_alone(tmp_path: Path) -> None:
    """More of them than are taken at once."""
    async with delivering(tmp_path, patience(least=0.01, most=0.02), Peer()) as world:
        lost = [await world.queue(number) for number in range(1, 7)]
        world.vault.gone = {draft.content for draft in lost}
        await world.queue(7)
        await world.queue(8, order=1)
        world.begin()
        await until(lambda: world.ended == [("140000", "delivered")])
        assert await world.state(7) == ("delivered", "")

        async def noted() -> bool:
            return await world.state(1) == await world.state(8) == ("queued", "KEY_NOT_LOADED")

        await eventually(noted)
        assert [content for call in world.peer.calls for content in call] == [b"7"]
        world.vault.gone.clear()
        await until(lambda: len(world.ended) == 8)
        sent = [content for call in world.peer.calls for content in call]
        assert sorted(sent) == [b"%d" % number for number in range(1, 9)]
        assert sent.index(b"1") < sent.index(b"8")


async def test_what_does_not_open_any_more_ends_and_the_others_go(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer()) as world:
        lost = await world.queue(1)
        world.vault.key = generate_sealing_key()
        await world.queue(2)
        world.begin()
        await until(lambda: len(world.ended) == 2)
        assert await world.state(1) == ("refused", "NOT_OPENED")
        assert await world.state(2) == ("delivered", "")
        with pytest.raises(MalformedInput):
            world.vault.kept(lost.content, lost.header.bound(OUTBOX_PURPOSE))


async def test_a_call_carries_no_more_than_the_receiver_takes(tmp_path: Path) -> None:
    async with delivering(tmp_path, patience(), Peer()) as world:
        for number in range(1, 5):
            await world.queue(number, bytes([number]) * (1_100_000 - number))
        world.begin()
        await until(lambda: len(world.ended) == 4)
        assert [len(call) for call in world.peer.calls] == [3, 1]
