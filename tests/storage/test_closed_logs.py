"""Closed logs on both engines: what is cut off, who loses a race, and that nothing is added afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

from node.model.log import LogClosed, LogEntry, LogHead, LogMoved, StatusFlag, SubtreeRoot
from node.model.witnesses import OURSELVES, CosignedNote, HeadState
from node.storage.closed_logs import ClosedLogStore
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.schema import log_discarded, log_status, log_subtrees
from node.storage.witness_store import WitnessStore
from tests.storage.samples import NOW, ORIGIN, sample_entry, sample_head, sample_status
from tests.storage.test_witness_store import AGREED, AHEAD

NEXT, OTHER = f"{ORIGIN}/2", "huxin/520000"
ABOUT = sha256(b"an attestation").digest()
SIZE, KEPT = 40, 20
SUBTREES = [SubtreeRoot(4, 0, b"0" * 32), SubtreeRoot(4, 1, b"1" * 32), SubtreeRoot(8, 0, b"8" * 32)]
"""The third is of more entries than there are, as if another log had left it."""


@pytest.fixture
def store(database: Database) -> LogStore:
    return LogStore(database)


@pytest.fixture
def closed(database: Database) -> ClosedLogStore:
    return ClosedLogStore(database)


def entries(origin: str = ORIGIN) -> list[LogEntry]:
    found = [sample_entry(index, origin) for index in range(SIZE)]
    found[5] = sample_status(5, ABOUT, StatusFlag.UNDER_OBJECTION, origin)
    found[30] = sample_status(30, ABOUT, StatusFlag.REVOKED, origin)
    lifted = sample_status(31, ABOUT, StatusFlag.CORRECTED, origin)
    assert lifted.status is not None
    found[31] = replace(lifted, status=replace(lifted.status, set=False))
    return found


async def filled(store: LogStore, database: Database) -> None:
    """Two logs of forty entries, and what peers showed of them."""
    for origin in (ORIGIN, OTHER):
        await store.append(0, sample_head(SIZE, origin), entries(origin), SUBTREES)
        for head in (replace(AHEAD, size=50), replace(AGREED, size=30), replace(AGREED, peer="620100", size=10)):
            await WitnessStore(database).keep_peer_head(replace(head, origin=origin))


def kept(size: int = KEPT) -> LogHead:
    return replace(sample_head(size), checkpoint="the last honest head")


async def test_who_saw_more_saw_what_is_kept_and_nothing_that_comes_after_it(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    """Else an entry that takes a discarded one's place would seem as old as that."""
    for size, minute in ((10, 1), (30, 2), (SIZE, 3)):
        start = 0 if size == 10 else 10 if size == 30 else 30
        batch = [sample_entry(index) for index in range(start, size)]
        await store.append(start, sample_head(size), batch, (), (), NOW + timedelta(minutes=minute))
    witness = WitnessStore(database)
    for size in (10, 30):
        note = CosignedNote(NOW + timedelta(minutes=size), f"of {size} entries")
        await witness.remember_cosigned(ORIGIN, size, bytes(32), note)
    await closed.cut(sample_head(SIZE), kept(), close=False)

    first = await store.first_sightings([(ORIGIN, OURSELVES, index) for index in (5, 15, KEPT - 1, KEPT, 35)])
    assert {index: found.at for (_, _, index), found in first.items()} == {
        5: NOW + timedelta(minutes=1),
        15: NOW + timedelta(minutes=2),
        KEPT - 1: NOW + timedelta(minutes=2),
    }
    assert await witness.note_before(ORIGIN, NOW + timedelta(days=1)) == "of 10 entries"
    await closed.cut(kept(), kept(0), close=False)
    assert await store.last_sighting(ORIGIN) is None


async def test_what_lies_beyond_counts_no_more(store: LogStore, closed: ClosedLogStore, database: Database) -> None:
    await filled(store, database)
    await closed.cut(sample_head(SIZE), kept(), close=True)

    assert await store.head(ORIGIN) == kept()
    assert await closed.closed() == {ORIGIN: KEPT}
    assert len(await store.entries(ORIGIN, 0, 100)) == KEPT
    assert await store.subtree_roots(ORIGIN, 4, 0, 9) == [b"0" * 32]
    assert await store.subtree_roots(ORIGIN, 8, 0, 9) == []
    async with database.read() as connection:
        rows = (await connection.execute(select(log_discarded).order_by(log_discarded.c.idx))).all()
    assert [row.idx for row in rows] == list(range(KEPT, SIZE))
    assert [row.entry for row in rows] == [each.entry for each in entries()[KEPT:]]
    statuses = await closed.statuses([(ORIGIN, ABOUT), (OTHER, ABOUT), (ORIGIN, bytes(32))])
    assert [event.flag for event in statuses[ORIGIN, ABOUT]] == [StatusFlag.UNDER_OBJECTION]
    assert len(statuses[OTHER, ABOUT]) == 3, "the other log is as it was"
    assert set(statuses) == {(ORIGIN, ABOUT), (OTHER, ABOUT)}
    flags = await closed.discarded_flags([(ORIGIN, ABOUT), (OTHER, ABOUT)], {ORIGIN})
    assert flags == {(ORIGIN, ABOUT): {StatusFlag.REVOKED}}, "what lifts a flag leaves no doubt"
    assert len(await store.entries(OTHER, 0, 100)) == SIZE
    assert len(await store.subtree_roots(OTHER, 4, 0, 9)) == 2


async def test_who_has_not_heard_of_the_succession_sees_the_flags_that_were_cut_off(
    store: LogStore, closed: ClosedLogStore
) -> None:
    """Another replica of this node cuts the log back while we still go by the trusted state of before."""
    about = [sample_entry(index) for index in range(3)]
    batch = [
        *about,
        sample_status(3, about[0].digest, StatusFlag.UNDER_OBJECTION),
        sample_status(4, about[0].digest, StatusFlag.REVOKED),
        sample_status(5, about[0].digest, StatusFlag.CORRECTED),
        sample_status(6, about[1].digest, StatusFlag.CORRECTED),
    ]
    await store.append(0, sample_head(7), batch, ())
    await closed.cut(sample_head(7), kept(4), close=False)
    keys = [(ORIGIN, each.digest, each.report_number or "") for each in about]
    found = await store.find_by_digests(keys)
    told = [[event.flag for event in found[key].statuses if event.set] for key in keys]
    assert told == [[StatusFlag.UNDER_OBJECTION, StatusFlag.REVOKED], [StatusFlag.CORRECTED], []]


async def test_witnesses_vouch_for_what_is_kept_and_no_more(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    await filled(store, database)
    await closed.cut(sample_head(SIZE), kept(), close=False)
    held = {(head.origin, head.peer, head.state): head.size for head in await WitnessStore(database).peer_heads()}
    assert {key: size for key, size in held.items() if key[0] == ORIGIN} == {
        (ORIGIN, AGREED.peer, HeadState.AGREED): KEPT,
        (ORIGIN, "620100", HeadState.AGREED): 10,
    }
    assert len([key for key in held if key[0] == OTHER]) == 3
    await closed.cut(kept(), kept(0), close=False)
    assert [head.origin for head in await WitnessStore(database).peer_heads() if head.origin == ORIGIN] == []
    assert await store.entries(ORIGIN, 0, 100) == []
    async with database.read() as connection:
        assert (await connection.execute(select(log_status).where(log_status.c.origin == ORIGIN))).all() == []
        assert (await connection.execute(select(log_subtrees).where(log_subtrees.c.origin == ORIGIN))).all() == []


async def test_a_log_that_was_cut_back_grows_again_until_it_is_closed(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    await filled(store, database)
    await closed.cut(sample_head(SIZE), kept(), close=False)
    more = [replace(sample_entry(index), entry=b"honest") for index in range(KEPT, KEPT + 3)]
    await store.append(KEPT, sample_head(KEPT + 3), more, ())
    await closed.cut(sample_head(KEPT + 3), kept(KEPT + 3), close=True)
    with pytest.raises(LogClosed):
        await store.append(KEPT + 3, sample_head(KEPT + 4), [sample_entry(KEPT + 3)], ())
    with pytest.raises(LogClosed):
        await store.append(0, sample_head(1), [sample_entry(0)], ())
    with pytest.raises(LogClosed):
        await store.update_head(replace(kept(KEPT + 3), fresh_at=NOW))
    with pytest.raises(LogClosed):
        await closed.cut(kept(KEPT + 3), kept(2), close=True)
    assert len(await store.entries(ORIGIN, 0, 100)) == KEPT + 3


async def test_what_stands_again_in_its_place_is_not_given_up(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    """Cut to nothing, and followed up again: an objection that was raised and answered there leaves no doubt."""
    await filled(store, database)
    await closed.cut(sample_head(SIZE), kept(0), close=False)
    keys, both = [(ORIGIN, ABOUT)], {(ORIGIN, ABOUT): {StatusFlag.UNDER_OBJECTION, StatusFlag.REVOKED}}
    assert await closed.discarded_flags(keys, {ORIGIN}) == both
    again = entries()[:35]
    again[30] = replace(sample_entry(30), entry=b"honest")  # the revocation was of the other history
    await store.append(0, sample_head(35), again, ())
    assert await closed.discarded_flags(keys, ()) == both, "until it is settled nothing of it counts"
    await closed.cut(sample_head(35), kept(35), close=True)
    assert await closed.discarded_flags(keys, {ORIGIN}) == {(ORIGIN, ABOUT): {StatusFlag.REVOKED}}


async def test_what_was_given_up_and_is_said_in_another_place_is_not_the_same(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    await filled(store, database)
    await closed.cut(sample_head(SIZE), kept(0), close=False)
    moved = [replace(each, index=place) for place, each in enumerate([sample_entry(100), *entries()[:35]])]
    await store.append(0, sample_head(36), moved, ())
    await closed.cut(sample_head(36), kept(36), close=True)
    flags = await closed.discarded_flags([(ORIGIN, ABOUT)], {ORIGIN})
    assert flags == {(ORIGIN, ABOUT): {StatusFlag.UNDER_OBJECTION, StatusFlag.REVOKED}}


async def test_another_head_than_was_looked_at_is_not_cut(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    await filled(store, database)
    for found in (sample_head(SIZE - 1), replace(sample_head(SIZE), root=bytes(32)), sample_head(SIZE, NEXT)):
        with pytest.raises(LogMoved):
            await closed.cut(found, kept(), close=True)
    assert await store.head(ORIGIN) == sample_head(SIZE)
    assert await closed.closed() == {}


async def test_of_two_replicas_that_cut_one_does(store: LogStore, closed: ClosedLogStore, database: Database) -> None:
    await filled(store, database)
    cuts = (closed.cut(sample_head(SIZE), kept(), close=True) for _ in range(4))
    answers = await asyncio.gather(*cuts, return_exceptions=True)
    assert [answer for answer in answers if answer is None] == [None]
    assert {type(answer) for answer in answers if answer is not None} <= {LogMoved, LogClosed}
    assert len(await store.entries(ORIGIN, 0, 100)) == KEPT


async def test_a_successor_begins_whole_and_ends_the_log_before(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    await filled(store, database)
    first = [sample_entry(0, NEXT), sample_status(1, ABOUT, StatusFlag.REVOKED, NEXT)]
    head = sample_head(2, NEXT)
    with pytest.raises(LogMoved):
        await closed.succeed(sample_head(SIZE - 1), KEPT, head, first, ())
    assert await store.head(NEXT) is None
    await closed.succeed(sample_head(SIZE), KEPT, head, first, ())

    assert await store.head(NEXT) == head
    assert len(await store.entries(NEXT, 0, 9)) == 2
    assert (await closed.statuses([(NEXT, ABOUT)]))[NEXT, ABOUT][0].flag is StatusFlag.REVOKED
    assert await closed.closed() == {ORIGIN: KEPT}
    assert len(await store.entries(ORIGIN, 0, 100)) == SIZE, "our own log is never rewritten"
    with pytest.raises(LogClosed):
        await store.append(SIZE, sample_head(SIZE + 1), [sample_entry(SIZE)], ())
    with pytest.raises(LogClosed):
        await closed.succeed(sample_head(SIZE), KEPT, head, first, ())
    await store.append(2, sample_head(3, NEXT), [sample_entry(2, NEXT)], ())


async def test_an_append_and_a_founding_at_once_lose_nothing(
    store: LogStore, closed: ClosedLogStore, database: Database
) -> None:
    """Whatever is answered as logged stands in the log that was looked at, or was never answered."""
    await filled(store, database)
    founding = closed.succeed(sample_head(SIZE), KEPT, sample_head(1, NEXT), [sample_entry(0, NEXT)], ())
    appending = store.append(SIZE, sample_head(SIZE + 1), [sample_entry(SIZE)], ())
    founded, appended = await asyncio.gather(founding, appending, return_exceptions=True)
    assert (founded is None) != (appended is None)
    assert len(await store.entries(ORIGIN, 0, 100)) == (SIZE if founded is None else SIZE + 1)


@pytest.mark.parametrize(("size", "close", "counts"), [(10, False, True), (KEPT + 1, False, False), (10, True, False)])
async def test_what_agreed_with_a_tree_that_was_cut_back_since_is_not_kept(
    store: LogStore, closed: ClosedLogStore, database: Database, size: int, close: bool, counts: bool
) -> None:
    """It was held against our tree before the cut, by this replica or another, and comes to be written after it."""
    await filled(store, database)
    witness = WitnessStore(database)
    await closed.cut(sample_head(SIZE), kept(), close=close)
    before = {*await witness.peer_heads()}
    late = replace(AGREED, peer="210000", size=size)
    assert await witness.keep_peer_head(late) is counts
    await witness.keep_recalled(replace(late, peer="330000"))
    assert {*await witness.peer_heads()} == ({*before, late} if counts else before)
    seen = await store.first_sightings([(ORIGIN, by, size - 1) for by in ("210000", "330000")])
    assert len(seen) == (2 if counts else 0)
