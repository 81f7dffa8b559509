"""Following a peer's log through every trouble: pauses, endpoints, resuming, and what an operator is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import NotReady
from node.federation.follower import Backoff, Follower, PeerNames
from node.federation.hearing import Hearing
from node.federation.patience import Patience
from node.federation.unavailable import PeerUnavailable
from node.ledger.assembly import EntryDraft
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.model.log import EntryKind, FeedBatch, LogHead, LogMoved
from node.model.offsets import ClockSample
from node.model.peers import PeerCondition, PeerTrouble
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.ledger.world import COSIGNERS, NOW, ORIGIN, PeerLog, Troubled, failing, grow, minutes
from tests.support.nodes import until
from tests.support.trust import key

AWAY = PeerUnavailable("Synthetic: away.")
SILENCE = "from here on the peer keeps silent"
QUIET = "for the rest of this connection the peer keeps silent"
A_MOMENT = "the peer takes its time"
Step = FeedBatch | Exception | str
ENDPOINTS = ("one:1", "two:2", "three:3")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Troubled]:
    database = await Database.open(f"sqlite:///{tmp_path}/node.db")
    await database.migrate()
    yield Troubled(database)
    await database.close()


@dataclass(frozen=True, slots=True)
class Counting(Backoff):
    """Pauses of no length, noted by the number of attempts that they follow."""

    asked: list[int] = field(default_factory=list)

    def pause(self, attempts: int, jitter: float) -> float:
        assert Backoff.pause(self, attempts, jitter) > 0
        self.asked.append(attempts)
        return 0


@dataclass
class ScriptedPeer:
    """A peer that plays one script per connection and then keeps silent."""

    scripts: Sequence[Sequence[Step]]
    endpoints: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    open: int = 0
    silent: bool = False

    def connect(self, endpoint: str) -> ScriptedConnection:
        self.endpoints.append(endpoint)
        self.open += 1
        played = len(self.endpoints) - 1
        return ScriptedConnection(self, self.scripts[played] if played < len(self.scripts) else [SILENCE])


@dataclass
class ScriptedConnection:
    peer: ScriptedPeer
    script: Sequence[Step]

    async def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]:
        assert (origin, limit) == (ORIGIN, 7)
        self.peer.starts.append(start)
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            if step == A_MOMENT:
                await asyncio.sleep(0.02)
            elif step == QUIET:
                await asyncio.Event().wait()
            elif isinstance(step, str):
                self.peer.silent = True
                await asyncio.Event().wait()
            else:
                yield step

    async def acknowledge(self, origin: str, size: int) -> None:
        assert origin == ORIGIN
        self.peer.acknowledged.append(size)

    async def close(self) -> None:
        self.peer.open -= 1


def follower_of(peer: ScriptedPeer, store: LogStore, backoff: Backoff, patience: Patience) -> Follower:
    def read_entry(entry: bytes, digest: bytes) -> EntryDraft:
        return EntryDraft(entry, digest, EntryKind.OTHER)

    keys = ReplicaKeys(ORIGIN, key("head").public, COSIGNERS)
    view = Replica(store, keys, HeadBoard(), lambda: minutes(60), read_entry, minutes(1) - NOW)
    hearing = Hearing(lambda: minutes(60), lambda: 100.0)
    return Follower(
        PeerNames("140000", "山西省", ENDPOINTS, ORIGIN),
        peer.connect,
        view,
        backoff,
        lambda: 0.5,
        7,
        hearing,
        patience,
    )


@asynccontextmanager
async def following(
    peer: ScriptedPeer, store: LogStore, silence: float = 60.0
) -> AsyncIterator[tuple[Follower, list[int]]]:
    """A follower that has played all scripts, and the pauses that it made."""
    backoff = Counting(1.0, 60.0)
    follower = follower_of(peer, store, backoff, Patience(silence, 3_600_000))
    task = asyncio.create_task(follower.run())
    try:
        await until(lambda: peer.silent or task.done())
        yield follower, backoff.asked
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert peer.open == 0


# Pauses


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0.01, 10), st.floats(10, 1000))
def test_pauses_double_up_to_the_longest(attempts: int, jitter: float, least: float, most: float) -> None:
    whole = min(most, least * 2.0 ** min(attempts - 1, 40))
    pause = Backoff(least, most).pause(attempts, jitter)
    assert whole / 2 <= pause <= whole
    assert Backoff(least, most).pause(attempts + 1, jitter) >= pause


async def test_each_failure_makes_the_next_pause_longer(store: Troubled) -> None:
    async with following(ScriptedPeer([[AWAY]] * 4), store) as (follower, pauses):
        assert pauses == [1, 2, 3, 4]
        assert follower.state().state is PeerCondition.WAITING
        assert follower.state().last_error == "Synthetic: away."


async def test_contact_ends_the_long_pauses(store: Troubled) -> None:
    batch = PeerLog(size=3).batch(0, 3)
    async with following(ScriptedPeer([[AWAY], [AWAY], [batch, AWAY], [AWAY], [AWAY]]), store) as (_, pauses):
        assert pauses == [1, 2, 1, 1, 2]


async def test_a_head_that_says_nothing_new_is_contact_as_well(store: Troubled) -> None:
    """A peer whose connection breaks often must not be asked more and more rarely."""
    again = PeerLog(size=3).batch(3, 3)
    scripts: list[list[Step]] = [[PeerLog(size=3).batch(0, 3), AWAY], [again, AWAY], [again, AWAY], [again, AWAY]]
    async with following(ScriptedPeer(scripts), store) as (_, pauses):
        assert pauses == [1, 1, 1, 1]


# Endpoints


async def test_every_failed_attempt_takes_the_next_endpoint(store: Troubled) -> None:
    peer = ScriptedPeer([[AWAY]] * 4)
    async with following(peer, store) as (follower, _):
        assert peer.endpoints == ["one:1", "two:2", "three:3", "one:1", "two:2"]
        assert follower.state().endpoint == "two:2"


async def test_after_contact_the_preferred_endpoint_comes_first(store: Troubled) -> None:
    peer = ScriptedPeer([[AWAY], [PeerLog(size=3).batch(0, 3), AWAY], [AWAY]])
    async with following(peer, store):
        assert peer.endpoints == ["one:1", "two:2", "one:1", "two:2"]


# Following


async def test_it_goes_on_where_the_connection_broke(store: Troubled) -> None:
    log = PeerLog(size=9)
    peer = ScriptedPeer([[log.batch(0, 4, 9), AWAY], [log.batch(4, 6, 9)], [log.batch(6, 9)]])
    async with following(peer, store) as (follower, _):
        assert peer.starts == [0, 4, 6, 9]
        state = follower.state()
    assert (state.division, state.name_zh) == ("140000", "山西省")
    assert (state.replicated, state.head_size, state.fresh_at) == (9, 9, NOW)
    assert await store.entries(ORIGIN, 0, 20) == log.entries


async def test_an_ended_stream_is_trouble_too(store: Troubled) -> None:
    async with following(ScriptedPeer([[]]), store) as (follower, pauses):
        assert pauses == [1]
        assert follower.state().last_error == "The peer ended the stream."


async def test_a_peer_that_answers_is_connected(store: Troubled) -> None:
    peer = ScriptedPeer([[AWAY], [PeerLog(size=3).batch(0, 3), SILENCE]])
    async with following(peer, store) as (follower, _):
        assert (follower.state().state, follower.state().last_error) == (PeerCondition.CONNECTED, "")


async def test_what_is_known_of_a_peer_that_is_away_when_the_node_starts(store: Troubled) -> None:
    """Its age must show from the first moment: an alert on it would else be silent."""
    await grow(store, 3)
    async with following(ScriptedPeer([[AWAY]]), store) as (follower, _):
        state = follower.state()
    assert (state.replicated, state.fresh_at) == (3, NOW)


async def test_a_peer_that_refuses_us_is_told_apart(store: Troubled) -> None:
    refused = PeerUnavailable("Synthetic: refused.", PeerTrouble.REFUSED)
    async with following(ScriptedPeer([[refused]]), store) as (follower, pauses):
        assert (follower.state().state, pauses) == (PeerCondition.REFUSED, [1])


async def test_a_batch_that_does_not_verify_is_told_and_asked_for_again(store: Troubled) -> None:
    log = PeerLog(size=6)
    bad = replace(log.batch(0, 3, 6), first_index=1)
    async with following(ScriptedPeer([[bad], [log.batch(0, 6)]]), store) as (follower, pauses):
        assert pauses == [1, 1]
        assert follower.state().replicated == 6
    async with following(ScriptedPeer([[replace(bad, first_index=9)]]), store) as (follower, _):
        state = follower.state()
    assert state.state is PeerCondition.WAITING
    assert state.last_error.startswith("What the peer sent was refused: ")


async def test_a_peer_with_two_histories_is_not_asked_again(store: Troubled) -> None:
    one, other = PeerLog(size=5), PeerLog("other", 8)
    peer = ScriptedPeer([[one.batch(0, 5), AWAY], [other.batch(5, 8)], [one.batch(5, 5)]])
    async with following(peer, store) as (follower, _):
        state = follower.state()
    assert len(peer.endpoints) == 2
    assert state.state is PeerCondition.HALTED
    assert (state.replicated, state.fresh_at) == (5, NOW)
    assert await store.entries(ORIGIN, 0, 20) == one.entries


# Patience


async def test_a_peer_that_says_nothing_is_left_and_asked_again(store: Troubled) -> None:
    """Its pings are answered, so that the connection would last for ever."""
    log = PeerLog(size=6)
    peer = ScriptedPeer([[log.batch(0, 3, 6), QUIET], [QUIET], [log.batch(3, 6), SILENCE]])
    async with following(peer, store, silence=0.3) as (follower, pauses):
        assert peer.starts[:3] == [0, 3, 3]
        assert pauses[:2] == [1, 1], "the silence after contact, then the silence from the start"
        assert (follower.state().replicated, follower.state().last_reason) == (6, "")


async def test_silence_is_told_to_operators(store: Troubled) -> None:
    async with following(ScriptedPeer([[QUIET]]), store, silence=0.2) as (follower, _):
        state = follower.state()
    assert (state.state, state.last_reason) == (PeerCondition.WAITING, "PEER_SILENT")
    assert state.last_error.startswith("The peer said nothing whole for 0.2 seconds")


async def test_a_peer_that_announces_more_and_does_not_tell_it_is_left_and_stays_named(store: Troubled) -> None:
    """A head now and then is no silence, yet its log would never be told."""
    log = PeerLog(size=200)
    heads: list[Step] = [each for _ in range(60) for each in (A_MOMENT, log.batch(1, 1, 200))]
    peer = ScriptedPeer([[log.batch(0, 1, 200), *heads], [log.batch(1, 2, 200), SILENCE]])
    async with following(peer, store, silence=0.5) as (follower, _):
        state = follower.state()
    assert peer.starts == [0, 1]
    assert (state.state, state.last_reason) == (PeerCondition.CONNECTED, "PEER_DRIPS")


async def test_what_a_peer_was_left_for_stands_until_it_has_told_everything(store: Troubled) -> None:
    log = PeerLog(size=9)
    lie = replace(log.batch(3, 6, 9), first_index=7)
    scripts: list[list[Step]] = [[log.batch(0, 3, 9), lie], [log.batch(3, 6, 9), SILENCE]]
    async with following(ScriptedPeer(scripts), store) as (follower, _):
        state = follower.state()
    assert (state.state, state.last_reason) == (PeerCondition.CONNECTED, "PROOF_INVALID")
    async with following(ScriptedPeer([[log.batch(6, 9), SILENCE]]), store) as (follower, _):
        assert (follower.state().last_error, follower.state().last_reason) == ("", "")


@pytest.mark.parametrize("trouble", [PeerTrouble.TOO_MUCH, PeerTrouble.NO_MESSAGE, PeerTrouble.DRIPS])
async def test_contact_does_not_excuse_what_no_honest_peer_sends(store: Troubled, trouble: PeerTrouble) -> None:
    """Else an honest head before each lie would buy a new one after the shortest pause."""
    again, offence = PeerLog(size=3).batch(3, 3), PeerUnavailable("Synthetic: an offence.", trouble)
    repeated: list[list[Step]] = [[again, offence]] * 3
    peer = ScriptedPeer([[PeerLog(size=3).batch(0, 3), offence], *repeated, [again, AWAY], [AWAY]])
    async with following(peer, store) as (_, pauses):
        assert pauses == [1, 2, 3, 4, 1, 1]
        assert peer.endpoints == ["one:1", "two:2", "three:3", "one:1", "two:2", "one:1", "two:2"]


async def test_heads_without_news_cost_no_commit(store: Troubled) -> None:
    log = PeerLog(size=3)
    same = [log.batch(3, 3, at=minutes(1))] * 15
    updates: list[LogHead] = []

    async def counted(head: LogHead, seen_at: datetime | None = None) -> bool:
        updates.append(head)
        return await LogStore.update_head(store, head, seen_at)

    store.update_head = counted  # type: ignore[method-assign]
    async with following(ScriptedPeer([[log.batch(0, 3), *same, SILENCE]]), store) as (follower, _):
        assert follower.state().fresh_at == minutes(1)
    assert [head.fresh_at for head in updates] == [minutes(1)]


async def test_heads_without_end_are_read_slowly_and_named(store: Troubled) -> None:
    log = PeerLog(size=3)
    heads = [log.batch(3, 3, at=minutes(at / 10)) for at in range(24)]
    began = asyncio.get_running_loop().time()
    async with following(ScriptedPeer([[log.batch(0, 3), *heads, SILENCE]]), store) as (follower, _):
        state = follower.state()
    assert asyncio.get_running_loop().time() - began >= 1.0, "two a second beyond the first twenty"
    assert (state.state, state.last_reason) == (PeerCondition.CONNECTED, "PEER_FLOODS")


async def test_a_log_without_end_is_read_slowly_and_named(store: Troubled) -> None:
    log = PeerLog(size=18)
    peer = ScriptedPeer([[log.batch(at, at + 6) for at in (0, 6, 12)]])
    follower = follower_of(peer, store, Counting(1.0, 60.0), Patience(60.0, entries_per_hour=7))
    task = asyncio.create_task(follower.run())
    await until(lambda: follower.state().last_reason == "PEER_LOGS_TOO_MUCH")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (follower.state().replicated, follower.state().state) == (12, PeerCondition.CONNECTED)


async def test_full_batches_are_no_flood(store: Troubled) -> None:
    """A long log is told as fast as it is taken in."""
    log = PeerLog(size=960)
    batches = [log.batch(at, at + 4, 960) for at in range(0, 960, 4)]
    async with following(ScriptedPeer([[*batches, SILENCE]]), store) as (follower, _):
        assert (follower.state().replicated, follower.state().last_reason) == (960, "")


# The peer's clock


async def test_heads_that_come_while_we_wait_tell_the_peers_clock(store: Troubled) -> None:
    log = PeerLog(size=3)
    heads = [log.batch(3, 3, at=minutes(at)) for at in (1, 2)]
    peer = ScriptedPeer([[log.batch(0, 2, 3), log.batch(2, 3), *heads, SILENCE]])
    async with following(peer, store) as (follower, _):
        samples = follower.state().clock_samples
    assert samples == tuple(ClockSample(minutes(at), 100.0, live=True) for at in (1, 2))


async def test_a_head_that_is_refused_for_its_time_still_tells_the_peers_clock(store: Troubled) -> None:
    """Our clock may be the one that is wrong: then every peer's heads come from the future, and none is accepted."""
    log = PeerLog(size=3)
    peer = ScriptedPeer([[log.batch(0, 3, at=minutes(90))], [log.batch(0, 3, at=minutes(91))]])
    async with following(peer, store) as (follower, _):
        state = follower.state()
    assert state.replicated == 0
    assert [(sample.cosigned_at, sample.live) for sample in state.clock_samples] == [
        (minutes(90), False),
        (minutes(91), False),
    ]


async def test_a_head_that_the_peer_did_not_sign_tells_nothing(store: Troubled) -> None:
    forged = replace(PeerLog(size=3).batch(0, 3, at=minutes(90)), checkpoint="forged")
    async with following(ScriptedPeer([[forged]]), store) as (follower, _):
        assert follower.state().clock_samples == ()


# Trouble of our own


async def test_another_replica_that_was_faster_costs_no_pause(store: Troubled) -> None:
    log = PeerLog(size=6)
    store.before = failing(LogMoved())
    async with following(ScriptedPeer([[log.batch(0, 3, 6)], [log.batch(0, 6), SILENCE]]), store) as (follower, pauses):
        assert (follower.state().replicated, pauses) == (6, [])


@pytest.mark.parametrize("error", [NotReady("DATABASE", "Synthetic: no space left."), RuntimeError("synthetic fault")])
async def test_it_outlives_trouble_with_its_own_database(store: Troubled, error: Exception) -> None:
    """A follower that ended would let its view grow stale for ever, over one full disk."""
    log = PeerLog(size=6)
    store.before = failing(error)
    peer = ScriptedPeer([[log.batch(0, 6)], [log.batch(0, 6)]])
    async with following(peer, store) as (follower, pauses):
        assert (follower.state().replicated, pauses) == (6, [1, 1])
    assert peer.starts == [0, 0, 6]


# Contact and waiting


@dataclass(frozen=True, slots=True)
class Long(Backoff):
    """Pauses that no test outlives, but for their least part."""

    def pause(self, attempts: int, jitter: float) -> float:
        return Backoff.pause(self, attempts, jitter) + 3_600.0


async def test_a_call_of_the_peer_ends_the_pause(store: Troubled) -> None:
    """After an outage both sides wait; whoever is first wakes the other."""
    peer = ScriptedPeer([[AWAY], [PeerLog(size=3).batch(0, 3), SILENCE]])
    follower = follower_of(peer, store, Long(0.01, 3_600.0), Patience(60.0, 3_600_000))
    task = asyncio.create_task(follower.run())
    try:
        await until(lambda: follower.state().last_error == "Synthetic: away.")
        await asyncio.sleep(0.1)
        assert len(peer.endpoints) == 1, "without a call it would wait for an hour"
        follower.heard()
        await until(lambda: peer.silent)
        assert follower.state().replicated == 3
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_calls_of_the_peer_shorten_no_pause_below_the_least(store: Troubled) -> None:
    """A peer that calls a thousand times a second is not asked a thousand times a second."""
    peer = ScriptedPeer([[AWAY]] * 1_000)
    follower = follower_of(peer, store, Long(0.2, 3_600.0), Patience(60.0, 3_600_000))
    task = asyncio.create_task(follower.run())
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        while loop.time() - began < 0.7:
            follower.heard()
            await asyncio.sleep(0)
        assert 1 <= len(peer.endpoints) <= 2 + (loop.time() - began) / 0.2
        assert set(peer.endpoints) <= set(ENDPOINTS)
        assert len(set(peer.endpoints)) > 1, "an endpoint that is dead must not be all that is tried"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_the_peer_asks_us_to_wait_is_waited(store: Troubled) -> None:
    busy = PeerUnavailable("Synthetic: come back.", retry_seconds=0.5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with following(ScriptedPeer([[busy]]), store) as (follower, _):
        follower.heard()
        assert loop.time() - began >= 0.5


async def test_what_is_stored_is_acknowledged(store: Troubled) -> None:
    log = PeerLog(size=9)
    peer = ScriptedPeer([[log.batch(0, 4, 9), log.batch(4, 9), SILENCE]])
    async with following(peer, store):
        await until(lambda: peer.acknowledged[-1:] == [9])
        assert len(await store.entries(ORIGIN, 0, 20)) == 9
