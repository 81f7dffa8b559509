"""Who waits for whom in an inbox: over a real store and real seals, with handlers that do as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.inbox import Attendant
from node.federation.messages import Patience, Timing
from node.model.messages import WIRE_PURPOSE, Handled, MessageHeader, SealedMessage
from node.storage.database import Database
from node.storage.inbox_store import InboxStore
from node.tasks import ended
from tests.federation.couriers import OneKey
from tests.support.clock import SettableClock
from tests.support.nodes import eventually, until

PEER, OWN = "520000", "140000"
REQUEST, BASICS = "report_request", "subject_basics"


@dataclass
class World:
    store: InboxStore
    vault: OneKey
    clock: SettableClock
    attendant: Attendant
    handled: list[int] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    tried: list[int] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on the attendant runs: what was taken before is there when it first looks."""
        self.task = asyncio.create_task(self.attendant.run())

    async def handle(self, header: MessageHeader, content: bytes) -> Handled:
        self.tried.append(int(content))
        if header.kind in self.away:
            raise NotReady("KEY_NOT_LOADED", "The signing key is away.")
        self.handled.append(int(content))
        return Handled(outcome="done")

    async def take(self, number: int, kind: str, order: int = 0) -> None:
        now = self.clock.now()
        order_key = bytes([order or number]) * 32
        header = MessageHeader(bytes([number]) * 16, PEER, OWN, kind, order_key, now, now + timedelta(7))
        key_id = bytes.fromhex(self.vault.key.key_id)
        sealed = self.vault.key.public.seal(b"%d" % number, header.bound(WIRE_PURPOSE, key_id))
        await self.store.take(PEER, [SealedMessage(header, key_id, sealed)])

    async def stands(self, number: int, state: str, reason: str) -> None:
        """Waits until a message does."""

        async def there() -> bool:
            line = await self.store.line(bytes([number]) * 16)
            return line is not None and (line.state, line.reason) == (state, reason)

        await eventually(there)


@asynccontextmanager
async def attending(folder: Path, away: str = "") -> AsyncIterator[World]:
    """An attendant that is about to run. `away`: the kind of messages that this node cannot handle."""
    database = await Database.open(f"sqlite:///{folder}/node.db")
    await database.migrate()
    clock, vault, store = SettableClock(), OneKey(), InboxStore(database, OWN, 100)

    async def handle(header: MessageHeader, content: bytes) -> Handled:
        return await world.handle(header, content)

    attendant = Attendant(
        PEER,
        store,
        vault,
        {REQUEST: handle, BASICS: handle},
        Patience(Backoff(0.01, 0.05), 600.0, 1e9, 1e9),
        Timing(clock.now, clock.monotonic, lambda: 0.5),
        lambda _peer, _outcome: None,
        lambda _receiver: None,
    )
    world = World(store, vault, clock, attendant, away={away} if away else set())
    try:
        yield world
    finally:
        if world.task is not None:
            await ended(world.task)
        await database.close()


async def test_what_cannot_be_handled_for_now_holds_up_its_subject_alone(tmp_path: Path) -> None:
    """The signing key of this node is away: nothing can be issued, and everything else goes on."""
    async with attending(tmp_path, away=REQUEST) as world:
        await world.take(1, REQUEST)
        await world.take(2, REQUEST)
        await world.take(3, BASICS, order=1)
        await world.take(4, BASICS)
        world.begin()
        await until(lambda: world.handled == [4])
        await world.stands(1, "waiting", "NOT_READY")
        await until(lambda: world.tried.count(1) >= 3)
        assert world.handled == [4], "what is of the subject of one that waits may rest on it"
        assert 2 not in world.tried, "one of a kind tells of all: each attempt writes twice"
        world.away.clear()
        await until(lambda: len(world.handled) == 4)
        assert world.handled == [4, 1, 2, 3]


async def test_what_comes_while_others_wait_is_handled(tmp_path: Path) -> None:
    async with attending(tmp_path, away=REQUEST) as world:
        await world.take(1, REQUEST)
        world.begin()
        await until(lambda: world.tried.count(1) >= 2)
        await world.take(2, BASICS)
        await until(lambda: world.handled == [2])


async def test_a_message_whose_key_is_gone_is_parked_and_told(tmp_path: Path) -> None:
    async with attending(tmp_path) as world:
        await world.take(1, REQUEST)
        key, world.vault.key = world.vault.key, OneKey().key
        await world.take(2, REQUEST, order=1)
        await world.take(3, REQUEST)
        world.begin()
        await until(lambda: world.handled == [3])
        await world.stands(1, "parked", "KEY_NOT_LOADED")
        world.vault.key = key
        assert await world.store.retry(bytes([1]) * 16)
        world.attendant.notify()
        await until(lambda: 1 in world.handled)
        await world.stands(2, "parked", "KEY_NOT_LOADED")
