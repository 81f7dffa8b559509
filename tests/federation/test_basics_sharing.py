"""What a sweep tells whom, over a real store and real seals: the difference, full queues, and what got lost."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from node.federation.basics_sharing import MOST_QUEUED, ShareBasics, difference
from node.federation.messages import Writer
from node.model.delivery import Delivery, DeliveryHeader, RecordRow
from node.model.messages import OUTBOX_PURPOSE, OutboxState
from node.model.records import PENALTY_ORDINARY, ViolationRecord
from node.model.sharing import Holding, SharedBasics, SubjectBasics
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.database import Database
from node.storage.outbox_store import OutboxStore
from node.storage.record_store import RecordStore
from node.storage.sharing_store import SharingStore
from node.wire.basics import BasicsContent
from tests.federation.couriers import OneKey
from tests.support.nodes import synthetic_code

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
WEEK = timedelta(days=7)
SUBJECT = SubjectRef(IdType.USCC, synthetic_code("520000", 1))
SINCE = date(2026, 11, 20)
HELD, GONE = SubjectBasics(SUBJECT, "", SINCE), SubjectBasics(SUBJECT)
HOME, OTHER = "520000", "620100"


def told(basics: SubjectBasics, state: str, receiver: str = HOME, days: int = 1) -> SharedBasics:
    return SharedBasics(receiver, basics, bytes(16), NOW - timedelta(days=days), state)


def named(name: str) -> Registration:
    return Registration(SUBJECT, name, SubjectKind.ENTERPRISE, HOME)


@pytest.mark.parametrize(
    ("shared", "target", "tell"),
    [
        ((), None, []),
        ((), HOME, [(HOME, HELD)]),
        # What is on its way, or arrived, is not said again, and the day that was said stands.
        ((told(replace(HELD, since=date(2026, 1, 1)), "queued"),), HOME, []),
        ((told(HELD, "delivered", days=400),), HOME, []),
        # What did not arrive is said again when its time is over, and not before.
        ((told(HELD, "expired", days=7),), HOME, [(HOME, HELD)]),
        ((told(HELD, "refused", days=6),), HOME, []),
        ((told(HELD, "refused", days=8),), HOME, [(HOME, HELD)]),
        ((told(HELD, "", days=2000),), HOME, [(HOME, HELD)]),
        # What is withdrawn is withdrawn whatever became of the first message.
        ((told(HELD, "delivered"),), None, [(HOME, GONE)]),
        ((told(HELD, "queued"),), None, [(HOME, GONE)]),
        ((told(HELD, "expired"),), None, [(HOME, GONE)]),
        ((told(GONE, "queued"),), None, []),
        ((told(GONE, "expired", days=8),), None, [(HOME, GONE)]),
        # It is held again; it moved from one jurisdiction to another.
        ((told(GONE, "queued"),), HOME, [(HOME, HELD)]),
        ((told(HELD, "delivered", OTHER),), HOME, [(OTHER, GONE), (HOME, HELD)]),
        # Nobody is reached there now: it waits.
        ((told(HELD, "delivered", "210000"),), None, []),
    ],
)
def test_the_difference_is_told(
    shared: tuple[SharedBasics, ...], target: str | None, tell: list[tuple[str, SubjectBasics]]
) -> None:
    holding = Holding(SUBJECT, SINCE if target else None, None, shared)
    found = difference(holding, target, {HOME, OTHER}, NOW - WEEK)
    assert [(receiver, basics) for receiver, basics, _ in found.tell] == tell
    assert found.ended == ()


def test_a_withdrawal_that_arrived_has_ended() -> None:
    arrived = told(GONE, "delivered")
    found = difference(Holding(SUBJECT, None, None, (arrived,)), None, {HOME}, NOW - WEEK)
    assert (found.tell, found.ended) == ((), (arrived,))


def test_a_new_name_is_told_cut_to_what_a_message_takes() -> None:
    before = told(HELD, "delivered")
    holding = Holding(SUBJECT, SINCE, named(f" {'长' * 300} "), (before,))
    assert difference(holding, HOME, {HOME}, NOW - WEEK).tell == ((HOME, replace(HELD, name="长" * 200), before),)


@dataclass
class World:
    """Shanxi, which tells two others."""

    database: Database
    reachable: set[str] = field(default_factory=lambda: {HOME, OTHER})
    known: set[str] = field(default_factory=lambda: {HOME, OTHER})
    willing: set[str] = field(default_factory=lambda: {HOME, OTHER})
    vault: OneKey = field(default_factory=OneKey)
    queued: list[str] = field(default_factory=list)
    now: datetime = NOW

    def share(self) -> ShareBasics:
        writer = Writer("140000", self.vault, lambda: self.now, os.urandom, WEEK)
        return ShareBasics(
            "140000",
            self.willing,
            lambda: self.reachable,
            lambda: self.known,
            SharingStore(self.database),
            writer,
            BasicsContent(),
            life=WEEK,
            now=lambda: self.now,
            queued=self.queued.append,
        )

    async def hold(self, *codes: str) -> None:
        record = ViolationRecord("合成", "合成〔2026〕1号", date(2026, 1, 5), "合成", "合成")
        rows = [
            RecordRow(2, SubjectRef(IdType.USCC, code), "6", PENALTY_ORDINARY, record, True, False, False, False, False)
            for code in codes
        ]
        digest = sha256("".join(codes).encode()).digest()
        delivery = Delivery(DeliveryHeader("合成", ("6",), date(2026, 11, 20), True), NOW, digest)
        await RecordStore(self.database).apply_delivery(delivery, rows)

    async def waiting(self, receiver: str = HOME) -> list[str]:
        """The codes of which a peer is to be told, as its queue has them."""
        due = await OutboxStore(self.database, "140000").due(receiver, self.now, 1_000)
        contents = [self.vault.kept(each.content, each.header.bound(OUTBOX_PURPOSE)) for each in due]
        return [BasicsContent().read_basics(content).subject.id for content in contents]

    async def deliver_all(self, receiver: str = HOME) -> None:
        outbox = OutboxStore(self.database, "140000")
        while due := await outbox.due(receiver, self.now, 1_000):
            for each in due:
                await outbox.end(each.header.id, OutboxState.DELIVERED, None, self.now)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = await Database.open(f"sqlite:///{tmp_path}/node.db")
    await database.migrate()
    yield World(database)
    await database.close()


async def test_a_full_queue_holds_up_nobody_and_loses_nothing(world: World) -> None:
    theirs = sorted(synthetic_code(HOME, number) for number in range(2 * MOST_QUEUED + 5))
    last = synthetic_code(OTHER, 1)
    await world.hold(*theirs, last)
    share = world.share()
    share.begin()
    assert await share.sweep() == MOST_QUEUED + 1
    assert (await world.waiting(), await world.waiting(OTHER)) == (theirs[:MOST_QUEUED], [last])
    assert set(world.queued) == {HOME, OTHER}
    assert await share.sweep() == 0, "no room"
    for _ in range(2):
        await world.deliver_all()
        await share.sweep()
    assert await world.waiting() == theirs[2 * MOST_QUEUED :]
    await world.deliver_all()
    share.begin()
    assert await share.sweep() == 0, "everything is told, once"


async def test_another_replica_and_another_life_come_to_the_same(world: World) -> None:
    codes = sorted(synthetic_code(HOME, number) for number in range(3))
    await world.hold(*codes)
    first, second = world.share(), world.share()
    for each in (first, second):
        each.begin()
        await each.sweep()
    assert await world.waiting() == codes


async def test_nobody_is_told_who_is_not_named_not_reached_or_not_the_nearest(world: World) -> None:
    await world.hold(synthetic_code(HOME, 1), synthetic_code("520100", 1), synthetic_code("140100", 1))
    world.known = {HOME, OTHER, "520100"}  # known, and its bundle cannot be checked here: not for its province
    share = world.share()
    share.begin()
    await share.sweep()
    assert await world.waiting() == [synthetic_code(HOME, 1)]
    await world.deliver_all()
    world.willing = set()
    share = world.share()
    assert not await share.idle(), "who was told must hear of the withdrawal"
    world.reachable.clear()
    share.begin()
    assert await share.sweep() == 0
    world.reachable = {HOME}
    share.begin()
    assert await share.sweep() == 1


async def test_who_names_nobody_and_told_nobody_has_nothing_to_do(world: World) -> None:
    await world.hold(synthetic_code(HOME, 1))
    world.willing = set()
    assert await world.share().idle()
    world.willing = {"140000"}  # itself
    assert await world.share().idle()
