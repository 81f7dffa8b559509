"""By when a log had a size, and who says so: kept with the commit that it speaks of, at most once a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from node.model.log import LogMoved, StatusFlag
from node.model.witnesses import OTHERS_EVERY, OURSELVES, SIGHTING_EVERY, HeadState, PeerHead, Sighting
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from tests.storage.samples import NOW, ORIGIN, sample_entry, sample_head, sample_status

OTHER = "huxin/520000"
TICK, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
"""Cosignatures tell whole seconds: what they say was seen by a second later."""


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def store(database: Database) -> LogStore:
    return LogStore(database)


async def hold(store: LogStore, size: int, seen_at: datetime | None, origin: str = ORIGIN, start: int = 0) -> None:
    entries = [sample_entry(index, origin) for index in range(start, size)]
    await store.append(start, sample_head(size, origin), entries, (), (), seen_at)


async def first(store: LogStore, index: int, witness: str = OURSELVES, origin: str = ORIGIN) -> Sighting | None:
    key = origin, witness, index
    return (await store.first_sightings([key])).get(key)


async def test_a_sighting_is_committed_with_what_was_seen(store: LogStore) -> None:
    await hold(store, 3, at(0))
    await hold(store, 5, None, start=3)
    await hold(store, 9, at(2), start=5)
    assert await first(store, 0) == await first(store, 2) == Sighting(OURSELVES, 3, at(0))
    for index in (3, 4, 8):
        assert await first(store, index) == Sighting(OURSELVES, 9, at(2)), "seen by then at the latest"
    assert await first(store, 9) is None
    assert await store.last_sighting(ORIGIN) == Sighting(OURSELVES, 9, at(2))


async def test_what_is_not_committed_was_not_seen(store: LogStore) -> None:
    await hold(store, 3, at(0))
    with pytest.raises(LogMoved):
        await hold(store, 2, at(5))
    assert await store.last_sighting(ORIGIN) == Sighting(OURSELVES, 3, at(0))
    assert not await store.update_head(sample_head(2), at(6)), "the stored log is another one"
    assert await store.last_sighting(ORIGIN) == Sighting(OURSELVES, 3, at(0))


async def test_a_fresher_head_tells_of_what_came_before_it(store: LogStore) -> None:
    await hold(store, 3, None)
    assert await first(store, 0) is None
    assert await store.update_head(sample_head(3, fresh_at=at(1)), at(1))
    assert await first(store, 2) == Sighting(OURSELVES, 3, at(1))


@pytest.mark.parametrize("later", [-SIGHTING_EVERY, timedelta(0), SIGHTING_EVERY - TICK])
async def test_one_row_a_minute_and_none_for_a_clock_that_went_back(store: LogStore, later: timedelta) -> None:
    await hold(store, 3, at(0))
    await hold(store, 5, at(0) + later, start=3)
    assert await first(store, 4) is None
    await hold(store, 6, at(0) + SIGHTING_EVERY, start=5)
    assert await first(store, 4) == Sighting(OURSELVES, 6, at(0) + SIGHTING_EVERY)


async def test_the_same_size_later_is_no_news(store: LogStore) -> None:
    await hold(store, 3, at(0))
    assert await store.update_head(sample_head(3, fresh_at=at(9)), at(9))
    assert await first(store, 0) == Sighting(OURSELVES, 3, at(0))


async def test_logs_and_witnesses_are_kept_apart(store: LogStore, database: Database) -> None:
    witnessed = WitnessStore(database)
    await hold(store, 3, at(0))
    await hold(store, 4, at(1), OTHER)
    await witnessed.keep_peer_head(peer_head("620100", 2, cosigned=at(2)))
    keys = [(ORIGIN, OURSELVES, 1), (OTHER, OURSELVES, 1), (ORIGIN, "620100", 1), (ORIGIN, "620100", 2)]
    assert await store.first_sightings([*keys, keys[0], (ORIGIN, "210000", 1)]) == {
        keys[0]: Sighting(OURSELVES, 3, at(0)),
        keys[1]: Sighting(OURSELVES, 4, at(1)),
        keys[2]: Sighting("620100", 2, at(2) + SECOND),
    }
    assert await store.first_sightings([]) == {}


async def test_thousands_are_looked_up_at_once(store: LogStore) -> None:
    await hold(store, 3, at(0))
    keys = [(ORIGIN, f"{number:06}", index) for number in range(1_700) for index in range(3)]
    ours = [(ORIGIN, OURSELVES, index) for index in range(3)]
    assert set(await store.first_sightings([*keys, *ours])) == set(ours)


def peer_head(
    peer: str, size: int, state: HeadState = HeadState.AGREED, cosigned: datetime = NOW, since: datetime = NOW
) -> PeerHead:
    return PeerHead(ORIGIN, peer, state, size, b"r" * 32, cosigned, since, "note")


async def test_a_witness_tells_by_its_cosignature_and_never_earlier_than_the_log(
    store: LogStore, database: Database
) -> None:
    witnessed = WitnessStore(database)
    await witnessed.keep_peer_head(peer_head("620100", 3, cosigned=at(1), since=at(0)))
    assert await first(store, 0, "620100") == Sighting("620100", 3, at(1) + SECOND)
    lie = peer_head("620100", 5, cosigned=at(2), since=at(90))
    await witnessed.keep_peer_head(lie)
    assert await first(store, 4, "620100") == Sighting("620100", 5, at(90) + SECOND), "cosigned before the head was"
    soon = at(90) + OTHERS_EVERY - TICK
    await witnessed.keep_peer_head(peer_head("620100", 6, cosigned=soon, since=soon))
    assert await first(store, 5, "620100") is None, "one an hour"
    later = at(90) + OTHERS_EVERY
    await witnessed.keep_peer_head(peer_head("620100", 6, cosigned=later, since=later))
    assert await first(store, 5, "620100") == Sighting("620100", 6, later + SECOND)


async def test_a_head_that_was_not_compared_proves_nothing(store: LogStore, database: Database) -> None:
    await WitnessStore(database).keep_peer_head(peer_head("620100", 3, HeadState.AHEAD))
    assert await first(store, 0, "620100") is None


async def test_what_clears_a_flag_is_found_in_log_order(store: LogStore) -> None:
    report, another = sample_entry(0), sample_entry(1)
    changes = [sample_status(index, report.digest, StatusFlag.UNDER_OBJECTION) for index in (2, 3, 4, 5)]
    for place in (1, 3):
        status = changes[place].status
        assert status is not None
        changes[place] = replace(changes[place], status=replace(status, set=False))
    entries = [report, another, *changes]
    await store.append(0, sample_head(6), entries, ())
    keys = [(ORIGIN, report.digest), (ORIGIN, another.digest), (OTHER, report.digest)]
    found = await store.liftings(keys)
    assert {key: [(each.index, each.entry) for each in found[key]] for key in found} == {
        keys[0]: [(3, entries[3].entry), (5, entries[5].entry)]
    }
    assert await store.liftings([]) == {}
