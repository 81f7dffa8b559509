"""When a node remembers how far a log had grown: with commits that are made anyway, across restarts and replicas."""

from __future__ import annotations

from datetime import datetime

import pytest

from node.errors import NotReady
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica
from node.model.witnesses import OURSELVES, Sighting
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.ledger.test_replica import KEYS, SKEW, read_entry
from tests.ledger.world import NOW, ORIGIN, PeerLog, Troubled, failing, grow, minutes, sequencer_of

PEER = PeerLog(size=30)


class Clock:
    now: datetime = NOW


def follower(store: LogStore, clock: Clock) -> Replica:
    return Replica(store, KEYS, HeadBoard(), lambda: clock.now, read_entry, SKEW)


async def seen(store: LogStore, index: int) -> Sighting | None:
    key = (ORIGIN, OURSELVES, index)
    return (await store.first_sightings([key])).get(key)


async def test_a_replica_remembers_when_it_held_what(store: LogStore) -> None:
    clock = Clock()
    replica = follower(store, clock)
    for start, stop, at in ((0, 4, 0.0), (4, 6, 0.5), (6, 9, 0.9), (9, 12, 1.0)):
        clock.now = minutes(at)
        await replica.accept(PEER.batch(start, stop, at=minutes(at)))
    assert await seen(store, 3) == Sighting(OURSELVES, 4, minutes(0))
    assert await seen(store, 4) == await seen(store, 11) == Sighting(OURSELVES, 12, minutes(1))
    assert await seen(store, 12) is None


async def test_the_next_head_tells_of_the_rest_of_a_minute(store: LogStore) -> None:
    clock = Clock()
    replica = follower(store, clock)
    await replica.accept(PEER.batch(0, 4, 4, minutes(0)))
    clock.now = minutes(0.2)
    await replica.accept(PEER.batch(4, 6, 6, minutes(0.2)))
    assert await seen(store, 4) is None
    clock.now = minutes(1.1)
    await replica.accept(PEER.batch(6, 6, 6, minutes(1.1)))
    assert await seen(store, 5) == Sighting(OURSELVES, 6, minutes(1.1))


async def test_a_late_clock_dates_nothing_before_its_issuers_word(store: LogStore) -> None:
    """Else an entry would seem older to us than its own issuer says."""
    clock = Clock()
    clock.now = minutes(5) - SKEW
    await follower(store, clock).accept(PEER.batch(0, 4, 4, minutes(5)))
    assert await seen(store, 0) == Sighting(OURSELVES, 4, minutes(5))


async def test_a_restart_goes_on_where_it_was(store: LogStore, other_store: LogStore) -> None:
    clock = Clock()
    await follower(store, clock).accept(PEER.batch(0, 4, 4, minutes(0)))
    again = follower(other_store, clock)
    await again.open()
    clock.now = minutes(0.5)
    await again.accept(PEER.batch(4, 6, 6, minutes(0.5)))
    assert await seen(store, 4) is None, "within the minute of the process before"
    clock.now = minutes(2)
    await again.accept(PEER.batch(6, 8, 8, minutes(2)))
    assert await seen(store, 4) == Sighting(OURSELVES, 8, minutes(2))
    assert await seen(store, 0) == Sighting(OURSELVES, 4, minutes(0)), "what was seen stays so"


async def test_a_commit_that_failed_is_no_sighting(database: Database) -> None:
    store, clock = Troubled(database), Clock()
    store.before = failing(NotReady("DATABASE", "Synthetic trouble."))
    replica = follower(store, clock)
    with pytest.raises(NotReady):
        await replica.accept(PEER.batch(0, 4, 4, minutes(0)))
    assert await seen(store, 0) is None
    clock.now = minutes(0.5)
    await replica.open()
    await replica.accept(PEER.batch(0, 4, 4, minutes(0.5)))
    assert await seen(store, 0) == Sighting(OURSELVES, 4, minutes(0.5)), "nor does it stand in the way of the next"


async def test_the_own_log_is_remembered_when_it_is_cosigned(store: LogStore) -> None:
    """Not with each group of entries: callers wait for those."""
    await grow(store, 5)
    assert await seen(store, 0) is None
    await sequencer_of(store, now=minutes(1)).cosign()
    assert await seen(store, 4) == Sighting(OURSELVES, 5, minutes(1))
    later = sequencer_of(store, now=minutes(9))
    await later.cosign()
    assert await seen(store, 4) == Sighting(OURSELVES, 5, minutes(1))
    await grow(store, 7, 5)
    await later.cosign()
    assert await seen(store, 6) == Sighting(OURSELVES, 7, minutes(9))


async def test_an_empty_log_was_seen_by_nobody(store: LogStore) -> None:
    await sequencer_of(store).cosign()
    assert await store.last_sighting(ORIGIN) is None
