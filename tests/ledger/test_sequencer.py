"""One sequencer extends the own log: groups share commits, nobody is answered before theirs, every index once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from node.errors import Conflict, NotReady
from node.gathering import Gathering
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import GROUP_LIMIT, Sequencer, keep_cosigning
from node.model.log import LogHead
from node.storage.closed_logs import ClosedLogStore
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.report_store import ReportStore
from tests.ledger.world import (
    KEYS,
    NOW,
    ORIGIN,
    Troubled,
    check_log,
    draft,
    entry,
    failing,
    grow,
    minutes,
    opened,
    request,
    sequencer_of,
    sequencing,
)


async def test_callers_share_commits_and_each_gets_its_own_index(store: LogStore) -> None:
    board, groups = HeadBoard(), list[int]()
    async with sequencing(store, board, groups) as sequencer:
        indexes = await asyncio.gather(*(sequencer.append(draft(name), request(name)) for name in range(60)))
    assert sorted(indexes) == list(range(60))
    assert sum(groups) == 60
    assert len(groups) < 30
    entries = await check_log(store)
    assert [entries[index] for index in indexes] == [entry(name) for name in range(60)]
    newest = board.newest(ORIGIN)
    assert newest == await store.head(ORIGIN)
    assert newest is not None
    assert opened(newest).cosigned_at == newest.fresh_at == NOW


async def test_a_lone_caller_does_not_wait_for_company(store: LogStore) -> None:
    groups = list[int]()
    async with sequencing(store, None, groups) as sequencer:
        for name in range(3):
            assert await sequencer.append(draft(name), request(name)) == name
    assert groups == [1, 1, 1]


async def test_a_group_has_a_limit(store: LogStore) -> None:
    groups = list[int]()
    async with sequencing(store, None, groups) as sequencer:
        waiting = [sequencer.append(draft(name), request(name)) for name in range(GROUP_LIMIT + 10)]
        await asyncio.gather(*waiting)
    assert max(groups) <= GROUP_LIMIT
    assert len(await check_log(store)) == GROUP_LIMIT + 10


async def test_nobody_is_answered_before_the_commit(database: Database) -> None:
    store = Troubled(database)
    store.gate.clear()
    async with sequencing(store) as sequencer:
        answers = [asyncio.create_task(sequencer.append(draft(name), request(name))) for name in range(3)]
        await store.waiting.wait()
        assert await store.head(ORIGIN) is None
        assert not any(answer.done() for answer in answers)
        store.gate.set()
        assert sorted(await asyncio.gather(*answers)) == [0, 1, 2]


async def test_two_replicas_of_a_node_extend_one_log(store: LogStore, other_store: LogStore) -> None:
    """The database decides each race; the loser goes on from what the winner committed."""
    async with sequencing(store) as one, sequencing(other_store) as other:
        indexes = await asyncio.gather(
            *((one if name % 2 else other).append(draft(name), request(name)) for name in range(80))
        )
    assert sorted(indexes) == list(range(80))
    entries = await check_log(store)
    assert [entries[index] for index in indexes] == [entry(name) for name in range(80)]


async def test_a_replica_that_always_loses_says_so(database: Database, other_store: LogStore) -> None:
    class Overtaken(LogStore):
        """Another replica appends just before, every time."""

        async def append(self, *arguments: object, **named: object) -> None:
            head = await other_store.head(ORIGIN)
            size = 0 if head is None else head.size
            await grow(other_store, size + 1, size)
            await super().append(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    async with sequencing(Overtaken(database)) as sequencer:
        with pytest.raises(NotReady) as caught:
            await sequencer.append(draft("late"), request("late"))
    assert caught.value.reason == "LOG_BUSY"
    assert entry("late") not in await check_log(other_store)


async def test_a_request_repeated_in_one_group_is_told_after_the_commit(database: Database) -> None:
    """Whoever repeats a request id looks for its answer at once: it must be there by then (AIP-155)."""
    store, reports = Troubled(database), ReportStore(database)
    store.gate.clear()
    async with sequencing(store) as sequencer:
        first = asyncio.create_task(sequencer.append(draft("blocks"), request("blocks")))
        await store.waiting.wait()

        async def repeated() -> int:
            with pytest.raises(Conflict):
                await sequencer.append(draft("again"), request("same"))
            found = await reports.find_status_request("caller", "same")
            assert found is not None
            return found[1]

        group = [asyncio.create_task(sequencer.append(draft("same"), request("same")))]
        group += [asyncio.create_task(repeated()), asyncio.create_task(sequencer.append(draft("x"), request("x")))]
        await asyncio.sleep(0)
        store.gate.set()
        same, again, other = await asyncio.gather(*group)
        assert await first == 0
    assert same == again
    assert {same, other} == {1, 2}
    assert await check_log(store) == [entry(name) for name in ("blocks", "same", "x")]


async def test_a_request_that_was_answered_before_is_a_conflict(store: LogStore) -> None:
    await grow(store, 1)
    async with sequencing(store) as sequencer:
        answers = await asyncio.gather(
            sequencer.append(draft("again"), request(0)),
            sequencer.append(draft("new"), request("new")),
            return_exceptions=True,
        )
    assert isinstance(answers[0], Conflict)
    assert answers[1] == 1
    assert await check_log(store) == [entry(0), entry("new")]


async def test_a_failed_commit_is_told_to_everyone_and_forgotten(database: Database) -> None:
    store = Troubled(database, before=failing(NotReady("DATABASE", "Synthetic trouble.")))
    async with sequencing(store) as sequencer:
        answers = await asyncio.gather(
            *(sequencer.append(draft(name), request(name)) for name in range(4)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [NotReady] * 4
        assert await asyncio.gather(*(sequencer.append(draft(name), request(name)) for name in range(4))) == [*range(4)]
    assert len(await check_log(store)) == 4


async def test_a_commit_whose_answer_is_lost_is_found_by_its_request_id(database: Database) -> None:
    """The connection broke after COMMIT: callers hear of trouble, the log is whole, and repeating finds the entry."""
    store = Troubled(database, after=failing(ConnectionResetError()))
    async with sequencing(store) as sequencer:
        with pytest.raises(ConnectionResetError):
            await sequencer.append(draft("lost"), request("lost"))
        with pytest.raises(Conflict):
            await sequencer.append(draft("repeated"), request("lost"))
        assert await sequencer.append(draft("next"), request("next")) == 1
    assert await ReportStore(database).find_status_request("caller", "lost") is not None
    assert await check_log(store) == [entry("lost"), entry("next")]


async def test_a_caller_that_goes_away_before_its_group_leaves_nothing(database: Database) -> None:
    store = Troubled(database)
    store.gate.clear()
    async with sequencing(store) as sequencer:
        first = asyncio.create_task(sequencer.append(draft("first"), request("first")))
        await store.waiting.wait()
        leaving, staying = (asyncio.create_task(sequencer.append(draft(n), request(n))) for n in ("leaves", "stays"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        store.gate.set()
        assert [await first, await staying] == [0, 1]
    assert await check_log(store) == [entry("first"), entry("stays")]


async def test_a_caller_that_goes_away_during_the_commit_disturbs_nobody(database: Database) -> None:
    store = Troubled(database)
    store.gate.clear()
    async with sequencing(store) as sequencer:
        leaving, staying = (asyncio.create_task(sequencer.append(draft(n), request(n))) for n in ("leaves", "stays"))
        await store.waiting.wait()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        store.gate.set()
        assert await staying == 1
    assert await check_log(store) == [entry("leaves"), entry("stays")]


async def test_stopping_answers_whoever_waits(database: Database) -> None:
    """Those of the group under way as well: a caller that is never answered holds its connection for ever."""
    store = Troubled(database)
    store.gate.clear()
    async with sequencing(store) as sequencer:
        under_way = asyncio.create_task(sequencer.append(draft("under way"), request("under way")))
        await store.waiting.wait()
        queued = asyncio.create_task(sequencer.append(draft("queued"), request("queued")))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(under_way, queued, return_exceptions=True)
    assert [getattr(answer, "reason", answer) for answer in answers] == ["STOPPING", "STOPPING"]


# Cosigning


async def test_the_first_cosigning_creates_an_empty_log(store: LogStore) -> None:
    head = await sequencer_of(store).cosign()
    assert (head.size, head.fresh_at) == (0, NOW)
    assert await check_log(store) == []
    await grow(store, 2)
    assert len(await check_log(store)) == 2


async def test_replicas_that_begin_a_log_together_agree(store: LogStore, other_store: LogStore) -> None:
    sequencers = [sequencer_of(each) for each in (store, other_store)]
    heads = await asyncio.gather(*(sequencer.cosign() for sequencer in sequencers))
    assert [head.size for head in heads] == [0, 0]
    assert await check_log(store) == []


async def test_cosigning_again_renews_the_time_alone(store: LogStore) -> None:
    await grow(store, 3)
    board = HeadBoard()
    before = await store.head(ORIGIN)
    head = await sequencer_of(store, board, minutes(1)).cosign()
    assert before is not None
    assert (head.size, head.root, head.fresh_at) == (before.size, before.root, minutes(1))
    assert opened(head).cosigned_at == minutes(1)
    assert board.newest(ORIGIN) == head == await store.head(ORIGIN)


async def test_a_clock_that_was_set_back_takes_no_freshness_away(store: LogStore) -> None:
    await sequencer_of(store, now=minutes(1)).cosign()
    await sequencer_of(store).cosign()
    head = await store.head(ORIGIN)
    assert head is not None
    assert head.fresh_at == opened(head).cosigned_at == minutes(1)


@pytest.mark.parametrize("error", [NotReady("DATABASE", "Synthetic trouble."), RuntimeError("synthetic fault")])
async def test_cosigning_goes_on_after_trouble(database: Database, error: Exception) -> None:
    """A log that is cosigned no more looks dead to every peer, over one full disk."""
    store, board = Troubled(database, before=failing(error)), HeadBoard()
    task = asyncio.create_task(keep_cosigning(sequencer_of(store, board), timedelta(0)))
    async with asyncio.timeout(10):
        assert await board.newer_than(None, ORIGIN, 10) is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(NotReady("DATABASE", "Synthetic trouble."), "DATABASE"), (RuntimeError("a secret text"), "RuntimeError")],
)
async def test_a_cosigning_that_failed_is_known_until_the_next_that_does_not(
    database: Database, error: Exception, reason: str
) -> None:
    sequencer = sequencer_of(Troubled(database, before=failing(error)))
    assert sequencer.cosign_failure == ""
    with pytest.raises(type(error)):
        await sequencer.cosign()
    assert sequencer.cosign_failure == reason
    await sequencer.cosign()
    assert sequencer.cosign_failure == ""


async def test_a_log_that_grows_while_it_is_cosigned(database: Database, other_store: LogStore) -> None:
    await grow(other_store, 1)

    class Growing(LogStore):
        """The log grows between the read and the write."""

        grown = False

        async def update_head(self, head: LogHead, seen_at: datetime | None = None) -> bool:
            if not self.grown:
                self.grown = True
                await grow(other_store, 2, 1)
            return await super().update_head(head, seen_at)

    head = await sequencer_of(Growing(database), now=minutes(2)).cosign()
    assert (head.size, head.fresh_at) == (2, minutes(2))
    assert len(await check_log(other_store)) == 2


async def test_a_successor_is_never_begun_by_whoever_comes_first(store: LogStore) -> None:
    sequencer = Sequencer(store, replace(KEYS, successor=True), HeadBoard(), lambda: NOW, Gathering())
    with pytest.raises(NotReady) as caught:
        await sequencer.cosign()
    assert (caught.value.reason, sequencer.cosign_failure) == ("LOG_NOT_FOUNDED", "LOG_NOT_FOUNDED")
    task = asyncio.create_task(sequencer.run())
    with pytest.raises(NotReady, match="huxin log found"):
        await sequencer.append(draft(0), request(0))
    task.cancel()
    assert await store.head(ORIGIN) is None


async def test_nothing_is_added_to_a_log_that_was_closed(store: LogStore, database: Database) -> None:
    await grow(store, 3)
    async with sequencing(store) as sequencer:
        await sequencer.append(draft("before"), request("before"))
        head = await store.head(ORIGIN)
        assert head is not None
        await ClosedLogStore(database).cut(head, head, close=True)
        for name in ("one", "another"):
            with pytest.raises(NotReady) as caught:
                await sequencer.append(draft(name), request(name))
            assert caught.value.reason == "LOG_CLOSED"
        with pytest.raises(NotReady) as caught:
            await sequencer.cosign()
        assert (caught.value.reason, sequencer.cosign_failure) == ("LOG_CLOSED", "LOG_CLOSED")
    assert len(await check_log(store)) == 4
