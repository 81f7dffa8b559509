"""A courier over a real store and real seals, with a simulator of the peer's one method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from node import tasks
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
from node.storage.database import Database
from node.storage.outbox_store import OutboxStore, queue
from tests.support.clock import SettableClock
from tests.support.nodes import until
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
            await tasks.ended(world.task)
        await database.close()


async def require_never_retired(world: World) -> None:
    """A peer that answers, and takes nothing, is asked again and again for days."""
    await world.queue(1)
    world.begin()
    for _ in range(3):
        calls = len(world.peer.calls)
        world.clock.advance(timedelta(hours=2))
        await until(lambda: len(world.peer.calls) > calls + 1)  # noqa: B023 - awaited here
    assert not world.courier.retired
