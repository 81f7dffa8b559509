"""The one sequencer of this node's own log: entries share commits, and nobody is answered before theirs.

Exactly one sequencer extends a log at a time, whichever replica of the node runs it: the database decides by
compare-and-swap on the size of the head. Who loses the race reloads the frontier and tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from node.errors import Conflict, NotReady
from node.gathering import Gathering
from node.ledger.assembly import Batch, EntryDraft, HashReader, assemble, load_frontier
from node.ledger.growth import Growth
from node.ledger.heads import HeadBoard
from node.model.issuing import ReportRow, StatusRow
from node.model.log import DuplicateRequests, LogClosed, LogEntry, LogHead, LogMoved, SubtreeRoot
from node.model.witnesses import Sighting
from trust.keys import Signer
from trust.log import checkpoint
from trust.log.tree import EMPTY_ROOT, Frontier

_log = structlog.get_logger(__name__)

GROUP_LIMIT = 256
LINGER_SECONDS = 0.01
"""Longest wait of a group for callers that are known to be on their way; a lone caller never waits."""
_RACES_LOST_BEFORE_GIVING_UP = 10


class LedgerStore(HashReader, Protocol):
    """Durable log storage. `append` commits everything or nothing, and returns only after the commit.

    Raises LogMoved when the stored size is not `expected_size`, DuplicateRequests when request keys clash.
    """

    async def head(self, origin: str) -> LogHead | None: ...
    async def append(
        self,
        expected_size: int,
        head: LogHead,
        entries: Sequence[LogEntry],
        subtrees: Sequence[SubtreeRoot],
        attachments: Sequence[ReportRow | StatusRow] = (),
        seen_at: datetime | None = None,
    ) -> None: ...
    async def update_head(self, head: LogHead, seen_at: datetime | None = None) -> bool: ...
    async def last_sighting(self, origin: str) -> Sighting | None: ...


Attach = Callable[[int], ReportRow | StatusRow]


@dataclass(slots=True)
class _Waiting:
    draft: EntryDraft
    attach: Attach
    answer: asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class LogKeys:
    """Origin of a log, the key that signs its heads, and name and key with which the node cosigns them.

    `successor`: the log goes on in the place of another. It is begun by `huxin log found` alone, with what k of n
    signed off, never by whoever comes first.
    """

    origin: str
    head: Signer
    cosigner_name: str
    cosigner: Signer
    successor: bool = False


class Sequencer:
    """Appends to the own log in groups. Run `run()` as a task; `append` waits for it."""

    def __init__(
        self,
        store: LedgerStore,
        keys: LogKeys,
        board: HeadBoard,
        now: Callable[[], datetime],
        gathering: Gathering,
        observe_group: Callable[[int], None] = lambda _size: None,
        committed: Callable[[int], None] = lambda _size: None,
    ) -> None:
        """`observe_group` is told how many entries shared a commit, `committed` the size of the log after it."""
        self._store = store
        self._keys = keys
        self._board = board
        self._now = now
        self._observe_group = observe_group
        self._committed = committed
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._frontier: Frontier | None = None
        self._growth = Growth(store, keys.origin)
        self._group = gathering.meeting_point(GROUP_LIMIT, LINGER_SECONDS)
        self.cosign_failure = ""
        """Reason why the newest attempt to cosign failed, empty when it did not."""

    @property
    def keys(self) -> LogKeys:
        """What the heads are signed and cosigned with."""
        return self._keys

    async def append(self, draft: EntryDraft, attach: Attach) -> int:
        """Index of the entry, once entry, head and attachment are committed together.

        Raises Conflict when the attachment's request id came before, NotReady when storage cannot commit.
        """
        waiting = _Waiting(draft, attach, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(waiting)
        self._group.arrived()
        return await waiting.answer

    async def run(self) -> None:
        """Commits group after group until cancelled. Who still waits then gets NotReady.

        The group under way may have been committed or not: whoever repeats a request id learns which.
        """
        group: list[_Waiting] = []
        try:
            while True:
                group.clear()
                await self._gather(group)
                await self._commit([waiting for waiting in group if not waiting.answer.done()])
        finally:
            while not self._queue.empty():
                group.append(self._queue.get_nowait())
            _answer_all(group, NotReady("STOPPING", "The node is stopping; ask again soon."))

    async def recall(self) -> None:
        """Tells the newest stored head as it is: what was signed before stays true while no key can sign."""
        head = await self._store.head(self._keys.origin)
        if head is not None:
            self._board.publish(head)

    async def cosign(self) -> LogHead:
        """Cosigns the newest head again with the present time: the proof of freshness. Creates the first head.

        Raises NotReady, and whatever a signer raises. How it went is kept in `cosign_failure` for readiness.
        """
        try:
            head = await self._cosign()
        except NotReady as error:
            self.cosign_failure = error.reason
            raise
        except Exception as error:
            # The name of the class and not its text: that may hold anything.
            self.cosign_failure = type(error).__name__
            raise
        self.cosign_failure = ""
        return head

    async def _cosign(self) -> LogHead:
        head = await self._store.head(self._keys.origin)
        if head is None:
            self._require_may_begin()
            head = self._signed_head(0, EMPTY_ROOT)
            try:
                # A crash here leaves no head or an empty one: both mean an empty log.
                await self._store.append(0, head, (), ())
            except LogMoved:
                return await self._cosign()  # another replica of this node began the log
        else:
            at = self._now()
            text = checkpoint.cosign(head.checkpoint, self._keys.cosigner_name, self._keys.cosigner, at)
            head = LogHead(head.origin, head.size, head.root, text, at)
            seen_at = await self._growth.due(head.size, at)
            # A crash here leaves the older cosignature: followers see an older, still true, time. What is remembered
            # of the log's growth is written here and not with each group of entries, for that is what callers wait for.
            try:
                if not await self._store.update_head(head, seen_at):
                    return await self._cosign()  # the log grew meanwhile, and with a fresher cosignature
            except LogClosed:
                raise _closed() from None
            self._growth.kept(head.size, seen_at)
        self._board.publish(head)
        return head

    async def _gather(self, group: list[_Waiting]) -> None:
        """Puts the next group into a list that is empty."""
        group.append(await self._queue.get())
        await self._group.gathered()
        while len(group) < GROUP_LIMIT and not self._queue.empty():
            group.append(self._queue.get_nowait())

    async def _commit(self, group: list[_Waiting]) -> None:
        repeated: list[_Waiting] = []
        lost = 0
        while group:
            try:
                await self._commit_once(group)
            except LogMoved:
                self._frontier = None
                lost += 1
                if lost > _RACES_LOST_BEFORE_GIVING_UP:
                    busy = NotReady("LOG_BUSY", "Other replicas are faster; ask again soon.")
                    return _answer_all([*group, *repeated], busy)
            except LogClosed:
                return _answer_all([*group, *repeated], _closed())
            except DuplicateRequests as duplicates:
                repeated += [waiting for place, waiting in enumerate(group) if place in duplicates.places]
                group = [waiting for place, waiting in enumerate(group) if place not in duplicates.places]
            except Exception as error:  # noqa: BLE001 - whatever it was, every caller of the group must be answered
                # Nobody may be told that a report was issued when it was not: the frontier is read again from what
                # is committed, and each caller of the group gets the error and may repeat its request id.
                self._frontier = None
                _log.exception("group_not_committed", size=len(group))
                return _answer_all([*group, *repeated], error)
            else:
                break
        # Only now: the request that came first may stand in this very group, and who repeats it looks for its report.
        return _answer_all(repeated, Conflict("REQUEST_ID_REUSED", "This request_id was used before."))

    async def _commit_once(self, group: Sequence[_Waiting]) -> None:
        if self._frontier is None:
            stored = await self._store.head(self._keys.origin)
            if stored is None:
                self._require_may_begin()
            size = 0 if stored is None else stored.size
            self._frontier = await load_frontier(self._store, self._keys.origin, size)
        batch: Batch = assemble(self._frontier, [waiting.draft for waiting in group])
        head = self._signed_head(batch.frontier.size, batch.frontier.root())
        attachments = [waiting.attach(entry.index) for waiting, entry in zip(group, batch.entries, strict=True)]
        # The commit point of issuing. A crash before it: nothing happened, nobody was answered, the same request ids
        # work again. A crash after it: reports, entries and head are all there, and the repeated request ids find them.
        await self._store.append(self._frontier.size, head, batch.entries, batch.subtrees, attachments)
        self._frontier = batch.frontier
        self._committed(head.size)
        self._board.publish(head)
        self._observe_group(len(group))
        for waiting, entry in zip(group, batch.entries, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(entry.index)

    def _require_may_begin(self) -> None:
        if self._keys.successor:
            raise NotReady(
                "LOG_NOT_FOUNDED",
                "The registry names a successor of this node's log, which is not founded yet; found it with "
                "`huxin log found`.",
            )

    def _signed_head(self, size: int, root: bytes) -> LogHead:
        return signed_head(self._keys, size, root, self._now())


def signed_head(keys: LogKeys, size: int, root: bytes, at: datetime) -> LogHead:
    """A head of a tree that whoever calls holds, signed and cosigned. It MUST continue all heads signed before."""
    signed = checkpoint.sign_head(keys.origin, size, root, keys.head)
    return LogHead(keys.origin, size, root, checkpoint.cosign(signed, keys.cosigner_name, keys.cosigner, at), at)


async def keep_cosigning(sequencer: Sequencer, every: timedelta) -> None:
    """Cosigns the own head again and again, until cancelled: a quiet log must not look like a dead one."""
    while True:
        try:
            await sequencer.cosign()
        except NotReady as error:
            _log.warning("cosigning_failed", reason=error.reason)
        except Exception:  # noqa: BLE001 - a log that is cosigned no more looks dead to every peer
            _log.exception("cosigning_failed")
        await asyncio.sleep(every.total_seconds())


def _closed() -> NotReady:
    return NotReady(
        "LOG_CLOSED",
        "This node's log was closed, and another one goes on in its place; restart the node to go on there.",
    )


def _answer_all(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        _answer_error(waiting, error)


def _answer_error(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
