"""Our view of a peer's log: nothing is stored that a head signed by the peer does not prove."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from node.errors import NotReady
from node.ledger.assembly import EntryDraft
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.ledger.sequencer import LedgerStore
from node.model.log import EntryKind, FeedBatch, LogHead, LogMoved
from node.storage.closed_logs import ClosedLogStore
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.ledger.world import COSIGNERS, NOW, ORIGIN, PeerLog, Troubled, draft, entry, failing, minutes
from tests.support.trust import key
from trust.errors import CheckpointInvalid, HeadInconsistent, MalformedInput, ProofInvalid, TrustError
from trust.log.checkpoint import cosign, sign_head

KEYS = ReplicaKeys(ORIGIN, key("head").public, COSIGNERS)
SKEW = timedelta(seconds=30)


def read_entry(entry: bytes, digest: bytes) -> EntryDraft:
    """Entries of later versions begin with a question mark."""
    if entry.startswith(b"?"):
        raise MalformedInput("synthetic: of a later version")
    return EntryDraft(entry, digest, EntryKind.ATTESTATION, f"number {digest.hex()[:8]}")


def replica_of(store: LedgerStore, board: HeadBoard | None = None, now: datetime = NOW) -> Replica:
    return Replica(store, KEYS, board or HeadBoard(), lambda: now, read_entry, SKEW)


@pytest.fixture
def peer() -> PeerLog:
    return PeerLog(size=10)


async def stored(store: LogStore) -> list[bytes]:
    return await store.entries(ORIGIN, 0, 10_000)


# Honest peers


async def test_batches_are_stored_and_published(store: LogStore, peer: PeerLog) -> None:
    board = HeadBoard()
    replica = replica_of(store, board)
    assert await replica.open() is None
    for start, stop in ((0, 4), (4, 5), (5, 10)):
        view = await replica.accept(peer.batch(start, stop, 10))
        assert (view.size, view.root) == (stop, peer.root(stop))
        assert board.newest(ORIGIN) == view == await store.head(ORIGIN)
        assert replica.head_size == 10
    assert await stored(store) == peer.entries


async def test_a_long_batch_lets_others_have_their_turns(store: LogStore) -> None:
    """Reading a thousand entries at a stretch would keep every caller of this node waiting."""
    turns = 0
    read_in: Counter[int] = Counter()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def noting(entry: bytes, digest: bytes) -> EntryDraft:
        read_in[turns] += 1
        return read_entry(entry, digest)

    peer, beside = PeerLog(size=600), asyncio.create_task(others())
    view = await Replica(store, KEYS, HeadBoard(), lambda: NOW, noting, SKEW).accept(peer.batch(0, 600))
    beside.cancel()
    assert (view.size, view.root) == (600, peer.root(600))
    assert read_in.total() == 600
    assert max(read_in.values()) <= 64


async def test_an_empty_log_is_a_view_as_well(store: LogStore) -> None:
    view = await replica_of(store).accept(PeerLog().batch(0, 0))
    assert (view.size, view.fresh_at) == (0, NOW)
    assert await store.head(ORIGIN) == view


async def test_after_any_stop_it_goes_on_where_it_was(store: LogStore, peer: PeerLog) -> None:
    await replica_of(store).accept(peer.batch(0, 6, 10))
    board = HeadBoard()
    again = replica_of(store, board)
    known = await again.open()
    assert known is not None
    assert known.size == 6
    assert board.newest(ORIGIN) == known
    assert (await again.accept(peer.batch(6, 10))).size == 10
    assert await stored(store) == peer.entries


async def test_a_large_log_goes_on_from_its_stored_subtrees(store: LogStore) -> None:
    peer = PeerLog(size=700)
    for start, stop in ((0, 300), (300, 513), (513, 700)):
        await replica_of(store).accept(peer.batch(start, stop, 700))
    head = await store.head(ORIGIN)
    assert head is not None
    assert head.root == peer.root(700)
    assert len(await store.subtree_roots(ORIGIN, 8, 0, 10)) == 2


async def test_a_newer_head_alone_renews_the_time(store: LogStore, peer: PeerLog) -> None:
    replica = replica_of(store, now=minutes(5))
    await replica.accept(peer.batch(0, 10))
    for at, fresh_at in ((minutes(2), minutes(2)), (minutes(1), minutes(2)), (None, minutes(2))):
        view = await replica.accept(peer.batch(10, 10, at=at))
        assert (view.size, view.fresh_at) == (10, fresh_at)
    head = await store.head(ORIGIN)
    assert head is not None
    assert head.fresh_at == minutes(2)


async def test_a_view_that_has_not_caught_up_is_as_fresh_as_when_it_last_had(store: LogStore, peer: PeerLog) -> None:
    """The head tells of entries, such as a revocation, that we do not hold yet: its time proves nothing for us."""
    replica = replica_of(store, now=minutes(60))
    assert (await replica.accept(peer.batch(0, 4, 10, minutes(1)))).fresh_at is None
    assert (await replica.accept(peer.batch(4, 10, 10, minutes(1)))).fresh_at == minutes(1)
    peer.size = 15
    for start, stop, fresh_at in ((10, 12, 1), (12, 14, 1), (14, 15, 30)):
        view = await replica.accept(peer.batch(start, stop, 15, minutes(30)))
        assert view.fresh_at == minutes(fresh_at)
        head = await store.head(ORIGIN)
        assert head is not None
        assert head.fresh_at == minutes(fresh_at)


async def test_what_a_later_version_logged_is_kept_and_counts_for_nothing(store: LogStore) -> None:
    class Newer(PeerLog):
        @property
        def entries(self) -> list[bytes]:
            return [b"? of a later version", *super().entries[1:]]

    peer = Newer(size=3)
    await replica_of(store).accept(peer.batch(0, 3))
    assert await stored(store) == peer.entries
    key = ORIGIN, sha256(peer.entries[0]).digest(), ""
    found = (await store.find_by_digests([key]))[key]
    assert (found.index, found.statuses) == (0, ())


# Peers that err or lie


def _altered(batch: FeedBatch) -> FeedBatch:
    return replace(batch, entries=(entry("altered"), *batch.entries[1:]))


LIES: tuple[Callable[[FeedBatch], FeedBatch], ...] = (
    _altered,
    lambda batch: replace(batch, entries=batch.entries[1:]),
    lambda batch: replace(batch, entries=(*batch.entries[:1], *batch.entries)),
    lambda batch: replace(batch, entries=batch.entries[::-1]),
    lambda batch: replace(batch, entries=(*batch.entries, entry("added"))),
    lambda batch: replace(batch, consistency=batch.consistency[1:]),
    lambda batch: replace(batch, consistency=(*batch.consistency, b"h" * 32)),
    lambda batch: replace(batch, consistency=(b"short",)),
    lambda batch: replace(batch, first_index=batch.first_index + 1),
    lambda batch: replace(batch, first_index=batch.first_index - 1),
    lambda batch: replace(batch, checkpoint=batch.checkpoint.replace("10\n", "11\n", 1)),
    lambda batch: replace(batch, checkpoint=""),
)


async def test_a_batch_that_its_head_does_not_prove_changes_nothing(store: LogStore, peer: PeerLog) -> None:
    board = HeadBoard()
    replica = replica_of(store, board)
    before = await replica.accept(peer.batch(0, 3, 10))
    for place, lie in enumerate(LIES):
        with pytest.raises(TrustError):
            await replica.accept(lie(peer.batch(3, 7, 10)))
        assert await store.head(ORIGIN) == board.newest(ORIGIN) == before, place
        assert await stored(store) == peer.entries[:3], place
    # The peer may have erred: what is right is taken afterwards.
    assert (await replica.accept(peer.batch(3, 10))).size == 10


async def test_a_gap_is_told_as_such(store: LogStore, peer: PeerLog) -> None:
    with pytest.raises(ProofInvalid, match=r"starts at 2, our view ends at 0"):
        await replica_of(store).accept(peer.batch(2, 4, 10))


async def test_another_history_is_told_as_such(store: LogStore, peer: PeerLog) -> None:
    replica = replica_of(store)
    before = await replica.accept(peer.batch(0, 5))
    other = PeerLog("another", 10)
    for batch in (other.batch(5, 7, 10), other.batch(5, 10), other.batch(5, 5), PeerLog("another", 5).batch(5, 5)):
        with pytest.raises(HeadInconsistent):
            await replica.accept(batch)
    assert await store.head(ORIGIN) == before
    assert await stored(store) == peer.entries[:5]


async def test_a_log_that_shrinks_is_told_as_such(store: LogStore, peer: PeerLog) -> None:
    """A peer that was restored from an older copy rewrote what it had shown."""
    replica = replica_of(store)
    before = await replica.accept(peer.batch(0, 10))
    with pytest.raises(HeadInconsistent, match="8 entries, we were shown 10"):
        await replica.accept(FeedBatch(10, (), peer.note(8), ()))
    assert await store.head(ORIGIN) == before


@pytest.mark.parametrize(
    "note",
    [
        lambda peer: cosign(
            sign_head(ORIGIN, 10, peer.root(10), key("stranger")), f"{ORIGIN}/node", key("cosigner"), NOW
        ),
        lambda peer: cosign(sign_head(ORIGIN, 10, peer.root(10), key("head")), f"{ORIGIN}/node", key("stranger"), NOW),
        lambda peer: cosign(
            sign_head("huxin/520000", 10, peer.root(10), key("head")), "huxin/520000/node", key("cosigner"), NOW
        ),
        lambda peer: cosign(peer.note(10), "a stranger".replace(" ", "-"), key("stranger"), NOW),
    ],
    ids=["head key", "cosigner key", "origin", "unknown cosigner"],
)
async def test_a_head_that_its_keys_did_not_sign(
    store: LogStore, peer: PeerLog, note: Callable[[PeerLog], str]
) -> None:
    batch = replace(peer.batch(0, 10), checkpoint=note(peer))
    with pytest.raises(CheckpointInvalid):
        await replica_of(store).accept(batch)
    assert await store.head(ORIGIN) is None


@pytest.mark.parametrize(("ahead", "accepted"), [(0, True), (30, True), (31, False), (3600, False)])
async def test_a_cosignature_from_the_future(store: LogStore, peer: PeerLog, ahead: int, accepted: bool) -> None:
    """It would keep a view fresh that long after the peer has gone."""
    batch = peer.batch(0, 10, at=NOW + timedelta(seconds=ahead))
    if accepted:
        assert (await replica_of(store).accept(batch)).size == 10
        return
    with pytest.raises(CheckpointInvalid, match="clocks"):
        await replica_of(store).accept(batch)
    assert await store.head(ORIGIN) is None


# Trouble on our side


async def test_another_replica_of_this_node_was_faster(store: LogStore, other_store: LogStore, peer: PeerLog) -> None:
    slow, fast = replica_of(store), replica_of(other_store)
    for replica in (slow, fast):
        await replica.open()
    await fast.accept(peer.batch(0, 4, 10))
    with pytest.raises(LogMoved):
        await slow.accept(peer.batch(0, 6, 10))
    known = await slow.open()
    assert isinstance(known, LogHead)
    assert (await slow.accept(peer.batch(known.size, 10))).size == 10
    assert await stored(store) == peer.entries


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_batch_that_could_not_be_stored_is_asked_for_again(
    database: Database, peer: PeerLog, when: str
) -> None:
    """Before its commit nothing of it is there; after it, opening again finds all of it."""
    store, trouble = Troubled(database), failing(NotReady("DATABASE", "Synthetic trouble."))
    store.before, store.after = (trouble, None) if when == "before" else (None, trouble)
    replica = replica_of(store)
    with pytest.raises(NotReady):
        await replica.accept(peer.batch(0, 6, 10))
    known = await replica.open()
    assert (0 if known is None else known.size) == (0 if when == "before" else 6)
    assert (await replica.accept(peer.batch(0 if known is None else known.size, 10))).size == 10
    assert await stored(store) == peer.entries


async def test_logs_of_two_peers_do_not_touch(store: LogStore, peer: PeerLog) -> None:
    await replica_of(store).accept(peer.batch(0, 10))
    assert await store.head("huxin/520000") is None
    assert await store.find_by_report_number("huxin/520000", draft("peer 0").report_number) is None


# Logs that were closed, and those that go on in their place


def at_most(peer: PeerLog, size: int) -> ReplicaKeys:
    return replace(KEYS, last=(size, peer.root(size)))


async def test_of_a_closed_log_the_last_honest_head_alone_counts(store: LogStore, peer: PeerLog) -> None:
    replica = Replica(store, at_most(peer, 6), HeadBoard(), lambda: NOW, read_entry, SKEW)
    await replica.accept(peer.batch(0, 4, 6))
    other = PeerLog("another", 6)
    for batch in (peer.batch(4, 7, 7), peer.batch(4, 5, 5), other.batch(4, 6, 6)):
        with pytest.raises(CheckpointInvalid):
            await replica.accept(batch)
    view = await replica.accept(peer.batch(4, 6, 6))
    assert (view.size, view.root) == (6, peer.root(6))
    assert await stored(store) == peer.entries[:6]


async def test_a_tree_that_is_no_beginning_of_it_is_told(store: LogStore, peer: PeerLog) -> None:
    await replica_of(store).accept(PeerLog("another", 3).batch(0, 3))
    replica = Replica(store, at_most(peer, 6), HeadBoard(), lambda: NOW, read_entry, SKEW)
    with pytest.raises(HeadInconsistent):
        await replica.accept(peer.batch(3, 6, 6))
    assert len(await stored(store)) == 3


async def test_a_successor_begins_with_what_was_signed_off(store: LogStore, peer: PeerLog) -> None:
    for first, fits in ((b"another succession", False), (peer.entries[0], True)):
        replica = Replica(store, replace(KEYS, first=first), HeadBoard(), lambda: NOW, read_entry, SKEW)
        if fits:
            await replica.accept(peer.batch(0, 2, 10))
            await replica.accept(peer.batch(2, 10, 10))
        else:
            with pytest.raises(HeadInconsistent, match="does not begin with the succession"):
                await replica.accept(peer.batch(0, 2, 10))
            assert await stored(store) == []


async def test_a_log_that_was_closed_meanwhile_ends(store: LogStore, database: Database, peer: PeerLog) -> None:
    replica = replica_of(store)
    await replica.accept(peer.batch(0, 4, 10))
    head = await store.head(ORIGIN)
    assert head is not None
    await ClosedLogStore(database).cut(head, head, close=True)
    with pytest.raises(HeadInconsistent, match="goes on in another"):
        await replica.accept(peer.batch(4, 6, 10))
    assert len(await stored(store)) == 4
    assert await store.head(ORIGIN) == head


async def test_a_log_that_was_closed_grows_no_fresher(store: LogStore, database: Database, peer: PeerLog) -> None:
    replica = replica_of(store)
    head = await replica.accept(peer.batch(0, 10))
    await ClosedLogStore(database).cut(head, head, close=True)
    with pytest.raises(HeadInconsistent, match="goes on in another"):
        await replica.accept(peer.batch(10, 10, at=minutes(0.25)))
    assert await store.head(ORIGIN) == head
