"""Closed logs brought to their last honest head, so that what they held before a split counts again.

A log that was succeeded (`trust.log.succession`) counts as far as k of n signed it off, and here only once our own tree
leads to that very head. Where our tree is longer it is cut back to it; where it holds another history it is cut back to
what both histories agree on, or to nothing, and followed up again; where it ends before it is followed up. What is cut
off is kept apart and never counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from node.ledger.assembly import HashReader, load_frontier
from node.ledger.standings import Standings
from node.model.log import LogClosed, LogHead, LogMoved
from trust.issuers import ClosedLog

_log = structlog.get_logger(__name__)


class SettlementLogs(HashReader, Protocol):
    """Our trees. What `head` answers is committed."""

    async def head(self, origin: str) -> LogHead | None: ...


class ClosingStore(Protocol):
    """Durable. `cut` raises LogMoved when another head is stored by now, LogClosed when the log is closed already."""

    async def closed(self) -> Mapping[str, int]: ...
    async def cut(self, found: LogHead, kept: LogHead, *, close: bool) -> None: ...


class Settlement:
    """Which closed logs our trees lead to the end of. One per process; replicas of a node may settle at once."""

    def __init__(
        self,
        logs: SettlementLogs,
        store: ClosingStore,
        standings: Standings,
        forgotten: Callable[[], Awaitable[object]],
    ) -> None:
        """`forgotten` makes `standings` know again what is stored, once heads of peers count for less."""
        self._logs = logs
        self._store = store
        self.standings = standings
        self._forgotten = forgotten
        self._sizes: Mapping[str, int] = {}

    async def load(self) -> None:
        """Takes in what is settled, also by other replicas."""
        self._sizes = await self._store.closed()

    def settled(self, log: ClosedLog) -> bool:
        """Whether what we hold of a closed log is exactly what counts of it; of our own at least that."""
        return log.size == 0 or self._sizes.get(log.origin) == log.size

    async def settle(self, log: ClosedLog) -> bool:
        """Settles a log as far as our own store allows. False: the rest of it is still to be followed.

        Raises NotReady when the database cannot be used.
        """
        while not self.settled(log):
            head = await self._logs.head(log.origin)
            if head is None or head.size < log.size:
                return False
            # By that note the log was this long at its time at the least; what we held may have been halted before.
            fresh_at = log.cosigned_at if head.fresh_at is None else max(head.fresh_at, log.cosigned_at)
            kept = LogHead(log.origin, log.size, log.root, log.note, fresh_at)
            if await self._root(head, log.size) != log.root:
                await self._cut_back(log, head)
            elif await self._cut(head, kept, close=True):
                _log.info("closed_log_settled", origin=log.origin, size=log.size, discarded=head.size - log.size)
        return True

    async def give_up(self, log: ClosedLog) -> None:
        """Our tree, though not longer, is not the beginning of what counts: cut it back, to be followed up again."""
        head = await self._logs.head(log.origin)
        if head is not None and head.size and not self.settled(log):
            await self._cut_back(log, head)

    async def _cut_back(self, log: ClosedLog, head: LogHead) -> None:
        """To what both histories are known to agree on, if that is less than we hold; else to nothing."""
        agreed = self.standings.witnessing(log.origin).agreed or 0
        size = agreed if agreed < min(head.size, log.size) else 0
        kept = LogHead(log.origin, size, await self._root(head, size), log.note, head.fresh_at)
        if await self._cut(head, kept, close=False):
            _log.warning("closed_log_cut_back", origin=log.origin, size=size, discarded=head.size - size)

    async def _cut(self, head: LogHead, kept: LogHead, *, close: bool) -> bool:
        """False when another replica was first."""
        try:
            await self._store.cut(head, kept, close=close)
        except (LogMoved, LogClosed):
            return False
        finally:
            # Before the log counts here: whose head was of another history vouches for what is kept alone. What is
            # being compared at this moment is told to nobody any more.
            self.standings.cut(head.origin)
            await self._forgotten()
            await self.load()
        return True

    async def _root(self, head: LogHead, size: int) -> bytes:
        return head.root if size == head.size else (await load_frontier(self._logs, head.origin, size)).root()
