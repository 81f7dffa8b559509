"""The pace of a courier: back-off, contact, retirement, deferral; over a real store and real seals.

The peer is a simulator of its one method. Pauses are those that the courier asks for: the clock is moved by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.messages import Patience, Timing
from node.federation.outbox import Addressee, Courier
from node.federation.unavailable import PeerUnavailable
from node.model.messages import (
    OUTBOX_PURPOSE,
    WIRE_PURPOSE,
    Delivery,
    DeliveryOutcome,
    Draft,
    MessageHeader,
    MessageReason,
    SealedMessage,
)
from node.model.peers import PeerTrouble
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.outbox_store import OutboxStore, queue
from tests.support.clock import SettableClock
from tests.support.nodes import eventually, until
from trust.errors import MalformedInput
from trust.sealing import generate_sealing_key

DELIVERED = Delivery(DeliveryOutcome.DELIVERED)
FULL = Delivery(DeliveryOutcome.DEFERRED, MessageReason.INBOX_FULL)
PEER = generate_sealing_key()


class OneKey:
    """The own keys: one, in memory."""

    def __init__(self) -> None:
        self.key = generate_sealing_key()
        self.gone: set[bytes] = set()

    def holds(self, key_id: str) -> bool:
        return key_id == self.key.key_id

    def open(self, _key_id: str, sealed: bytes, info: bytes) -> bytes:
        return self.key.open(sealed, info)

    def keep(self, content: bytes, context: bytes) -> bytes:
        return self.key.public.seal(content, context)

    def kept(self, stored: bytes, context: bytes) -> bytes:
        if stored in self.gone:
            raise NotReady("KEY_NOT_LOADED", "Restore its file.")
        return self.key.open(stored, context)

    def pseudonym(self, purpose: bytes, name: bytes) -> bytes:
        return self.key.pseudonyms.pseudonym(purpose, name)


@dataclass
class Peer:
    """Answers with what `says` has next, or is away, or refuses each call as a whole."""

    away: bool = False
    refuses: PeerUnavailable | None = None
    meanwhile: Callable[[], None] = lambda: None
    says: list[Delivery] = field(default_factory=list)
    calls: list[list[bytes]] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    closed: int = 0

    def connect(self, endpoint: str) -> Peer:
        self.connections.append(endpoint)
        return self

    async def deliver(self, messages: Sequence[SealedMessage]) -> list[Delivery]:
        self.calls.append([PEER.open(each.sealed, each.header.bound(WIRE_PURPOSE, each.key_id)) for each in messages])
        self.meanwhile()
        if self.away:
            raise PeerUnavailable("away")
        if self.refuses is not None:
            raise self.refuses
        return [self.says.pop(0) if self.says else DELIVERED for _ in messages]

    async def close(self) -> None:
        self.closed += 1


@dataclass
class World:
    store: OutboxStore
    database: Database
    vault: OneKey
    peer: Peer
    clock: SettableClock
    courier: Courier
    ended: list[tuple[str, str]]
    task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on the courier runs: what is queued before is there when it first looks."""
        self.task = asyncio.create_task(self.courier.run())

    async def queue(self, number: int, content: bytes = b"", order: int = 0) -> Draft:
        now, order = self.clock.now(), order or number
        header = MessageHeader(
            bytes([number]) * 16, "520000", "140000", "report_request", bytes([order]) * 32, now, now + timedelta(7)
        )
        made = Draft(header, self.vault.keep(content or b"%d" % number, header.bound(OUTBOX_PURPOSE)))
        async with self.database.write() as connection:
            await queue(connection, [made])
        return made

    async def state(self, number: int) -> tuple[str, str]:
        line = await self.store.line(bytes([number]) * 16)
        assert line is not None
        return line.state, line.reason


def patience(least: float = 60.0, most: float = 600.0, retire_after: float = 1e9) -> Patience:
    """Pauses longer than any test, unless something ends them."""
    return Patience(Backoff(least, most), 600.0, retire_after, 86_400.0)


@asynccontextmanager
async def delivering(folder: Path, pauses: Patience, peer: Peer) -> AsyncIterator[World]:
    """A courier that is about to run, with an empty queue."""
    database = await Database.open(f"sqlite:///{folder}/node.db")
    await database.migrate()
    clock, vault, ended = SettableClock(), OneKey(), list[tuple[str, str]]()
    store = OutboxStore(database, "520000")
    courier = Courier(
        Addressee("140000", ("first:1", "second:2"), lambda: PEER.public),
        peer.connect,
        store,
        vault,
        pauses,
        Timing(clock.now, clock.monotonic, lambda: 0.5),
        lambda division, state: ended.append((division, state)),
    )
    world = World(store, database, vault, peer, clock, courier, ended)
    try:
        yield world
    finally:
        if world.task is not None:
            world.task.cancel()
            with suppress(asyncio.CancelledError):
                await world.task
        await database.close()


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
        await world.queue(1)
        world.begin()
        for _ in range(3):
            calls = len(world.peer.calls)
            world.clock.advance(timedelta(hours=2))
            await until(lambda: len(world.peer.calls) > calls + 1)  # noqa: B023 - awaited here
        assert not world.courier.retired


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
        await world.queue(1)
        world.begin()
        for _ in range(3):
            calls = len(world.peer.calls)
            world.clock.advance(timedelta(hours=2))
            await until(lambda: len(world.peer.calls) > calls + 1)  # noqa: B023 - awaited here
        assert not world.courier.retired


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
