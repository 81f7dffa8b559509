"""Closed logs are brought to their last honest head, from whatever this node holds of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from node.ledger.comparison import Comparison, ComparisonLimits
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.ledger.settlement import Settlement
from node.ledger.standings import Standings
from node.model.witnesses import PeerHead, ShownHead, SplitNotes, SplitView
from node.storage.closed_logs import ClosedLogStore
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from tests.ledger.test_replica import KEYS, SKEW, read_entry
from tests.ledger.world import NOW, ORIGIN, PeerLog
from tests.support.trust import key
from trust.errors import HeadInconsistent
from trust.issuers import ClosedLog
from trust.log.checkpoint import cosign


@dataclass
class Forked(PeerLog):
    """Another history: the same entries up to `parting`."""

    parting: int = 0

    @property
    def entries(self) -> list[bytes]:
        common = PeerLog(size=self.size).entries[: self.parting]
        return common + PeerLog("another", self.size).entries[self.parting :]


HONEST = PeerLog(size=40)
LAST = ClosedLog(ORIGIN, key("head").public, key("cosigner").public, 20, HONEST.root(20), HONEST.note(20), NOW, b"s")


@dataclass
class Desk:
    """One node's stores."""

    logs: LogStore
    closed: ClosedLogStore
    witnessed: WitnessStore
    settlement: Settlement

    async def hold(self, peer: PeerLog, stop: int) -> None:
        replica = Replica(self.logs, KEYS, HeadBoard(), lambda: NOW, read_entry, SKEW)
        await replica.accept(peer.batch(0, stop))

    async def follow_up(self) -> None:
        """As the follower of a closed log does."""
        head = await self.logs.head(ORIGIN)
        keys = ReplicaKeys(ORIGIN, KEYS.head, KEYS.cosigners, last=(LAST.size, LAST.root))
        replica = Replica(self.logs, keys, HeadBoard(), lambda: NOW, read_entry, timedelta(seconds=1))
        await replica.accept(HONEST.batch(0 if head is None else head.size, LAST.size))

    async def require_settled(self) -> None:
        assert await self.settlement.settle(LAST)
        assert self.settlement.settled(LAST)
        assert await self.logs.entries(ORIGIN, 0, 100) == HONEST.entries[:20]
        head = await self.logs.head(ORIGIN)
        assert head is not None
        assert (head.size, head.root, head.checkpoint) == (20, LAST.root, LAST.note)
        anew = Settlement(self.logs, self.closed, self.settlement.standings, _nothing)
        assert not anew.settled(LAST)
        await anew.load()
        assert anew.settled(LAST), "after a restart, and for another replica"

    async def agreed(self, size: int) -> None:
        """A peer has shown the other history, with which we agreed up to here."""
        split = SplitView(ORIGIN, "620100", NOW, size, SplitNotes("a", "b", bytes(32), ()))
        await self.witnessed.keep_split(split)
        await self.settlement.standings.load(self.witnessed)


async def _nothing() -> None:
    """Nothing has to be known again."""


@pytest.fixture
def desk(database: Database) -> Desk:
    logs, closed, witnessed, standings = (
        LogStore(database),
        ClosedLogStore(database),
        WitnessStore(database),
        Standings("520000"),
    )
    settlement = Settlement(logs, closed, standings, lambda: standings.load(witnessed))
    return Desk(logs, closed, witnessed, settlement)


async def test_a_longer_view_of_the_same_history_is_cut_back(desk: Desk) -> None:
    await desk.hold(HONEST, 33)
    assert not desk.settlement.settled(LAST)
    await desk.require_settled()


async def test_a_view_that_ends_there_is_settled_as_it_is(desk: Desk) -> None:
    await desk.hold(HONEST, 20)
    await desk.require_settled()


async def test_a_shorter_view_is_followed_up(desk: Desk) -> None:
    assert not await desk.settlement.settle(LAST), "nothing is held at all"
    await desk.settlement.give_up(LAST)
    await desk.hold(HONEST, 7)
    assert not await desk.settlement.settle(LAST)
    assert not desk.settlement.settled(LAST)
    await desk.follow_up()
    await desk.require_settled()


@pytest.mark.parametrize(("agreed", "kept"), [(12, 12), (None, 0), (0, 0), (39, 0)])
async def test_another_history_is_given_up_down_to_what_both_agree_on(
    desk: Desk, agreed: int | None, kept: int
) -> None:
    await desk.hold(Forked(size=40, parting=12), 33)
    if agreed is not None:
        await desk.agreed(agreed)
    assert not await desk.settlement.settle(LAST)
    assert await desk.logs.entries(ORIGIN, 0, 100) == HONEST.entries[:kept]
    await desk.follow_up()
    await desk.require_settled()


async def test_what_both_are_said_to_agree_on_is_not_believed(desk: Desk) -> None:
    """The histories part before: following up under the last honest head shows it, and all is given up."""
    await desk.hold(Forked(size=40, parting=5), 33)
    await desk.agreed(12)
    assert not await desk.settlement.settle(LAST)
    assert len(await desk.logs.entries(ORIGIN, 0, 100)) == 12
    with pytest.raises(HeadInconsistent):
        await desk.follow_up()
    assert not await desk.settlement.settle(LAST)
    await desk.settlement.give_up(LAST)
    assert await desk.logs.entries(ORIGIN, 0, 100) == []
    await desk.follow_up()
    await desk.require_settled()


async def test_a_shorter_view_of_another_history_is_given_up_as_well(desk: Desk) -> None:
    await desk.hold(Forked(size=40, parting=5), 15)
    await desk.agreed(5)
    assert not await desk.settlement.settle(LAST), "nobody can tell yet"
    with pytest.raises(HeadInconsistent):
        await desk.follow_up()
    await desk.settlement.give_up(LAST)
    assert await desk.logs.entries(ORIGIN, 0, 100) == HONEST.entries[:5]
    await desk.follow_up()
    await desk.require_settled()


async def test_what_is_settled_is_not_given_up(desk: Desk) -> None:
    await desk.hold(HONEST, 33)
    await desk.require_settled()
    await desk.settlement.give_up(LAST)
    await desk.require_settled()


# What is compared while a log is cut back


class Interrupted(WitnessStore):
    """A node that cuts the log back at one moment of keeping what a peer showed."""

    def __init__(self, database: Database, cut: Callable[[], Awaitable[object]], *, first: bool) -> None:
        super().__init__(database)
        self._cut = cut
        self._first = first

    async def keep_peer_head(self, head: PeerHead) -> bool:
        if self._first:
            await self._cut()
        kept = await super().keep_peer_head(head)
        if not self._first:
            await self._cut()
        return kept


@pytest.mark.parametrize("first", [True, False], ids=["before it is written", "after it is written"])
async def test_who_agreed_with_what_was_cut_off_is_no_witness_of_what_comes_instead(
    desk: Desk, database: Database, first: bool
) -> None:
    """A peer shows a head of the history that we are giving up at this moment."""
    other, standings = Forked(size=40, parting=5), desk.settlement.standings
    await desk.hold(other, 33)
    await desk.agreed(5)
    store = Interrupted(database, lambda: desk.settlement.settle(LAST), first=first)
    limits = ComparisonLimits(lambda: NOW, SKEW, "520000")
    comparison = Comparison(desk.logs, store, standings, limits, lambda _split: None)
    name = "huxin/210000/node"
    keys = replace(KEYS, cosigners={**KEYS.cosigners, name: key(name).public})
    note = cosign(other.note(30), name, key(name), NOW)
    await comparison.shown("210000", keys, ShownHead(ORIGIN, note))
    for _ in range(2):
        assert standings.witnessing(ORIGIN).sizes.get(name, 0) <= 5, "not even for a moment"
        await standings.load(desk.witnessed)
    await desk.follow_up()
    await desk.require_settled()
    await standings.load(desk.witnessed)
    assert standings.witnessing(ORIGIN).sizes.get(name, 0) <= 5
