"""Serving the own log to followers: batches from an index on, then live, each with what authenticates it.

Logs that were closed before it are served as far as they count, under their last honest head.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from node.errors import InvalidInput, NotFound
from node.ledger.assembly import HashReader
from node.ledger.heads import HeadBoard
from node.ledger.subtrees import SubtreeReader
from node.model.counting import in_entries
from node.model.log import FeedBatch, LogHead
from trust.bundle import Inclusion
from trust.issuers import ClosedLog
from trust.log import proofs

_POLL_SECONDS = 1.0
"""How long a head that another replica of this node committed can go unnoticed."""

MAX_BATCH_BYTES = 1 << 20
"""Entries of one batch: a thousand of them with post-quantum signatures would be larger than what followers receive."""


class FeedStore(HashReader, Protocol):
    """Reads of committed logs."""

    async def head(self, origin: str) -> LogHead | None: ...
    async def entries(self, origin: str, start: int, limit: int) -> list[bytes]: ...


class Feed:
    """Reads of one log, and of those before it. Only own logs are served: replicas are each node's private view."""

    def __init__(self, store: FeedStore, origin: str, board: HeadBoard, closed: Sequence[ClosedLog] = ()) -> None:
        self._store = store
        self._origin = origin
        self._board = board
        self._closed = {log.origin: log for log in closed}
        self._subtrees = {each: SubtreeReader(store, each) for each in (origin, *self._closed)}

    async def checkpoint(self, origin: str) -> str:
        """The newest signed and cosigned head as a note. Raises NotFound for another origin."""
        return (await self._head(origin)).checkpoint

    async def size(self) -> int:
        """How many entries the log has."""
        return (await self._head(self._origin)).size

    async def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]:
        """Batches of at most `limit` entries from index `start` on; when all are told, newer heads as they come.

        Of a log that was closed there are none: the stream ends.

        A batch has at most MAX_BATCH_BYTES of entries, or is a single one that is larger.

        Raises NotFound for another origin, InvalidInput when `start` lies beyond the log.
        """
        head = await self._head(origin)
        if start > head.size:
            held = in_entries(head.size)
            raise InvalidInput("start", f"The log has {held}; a larger view cannot have come from it.")
        told: LogHead | None = None
        while True:
            if start < head.size:
                entries = _within(
                    MAX_BATCH_BYTES, await self._store.entries(origin, start, min(limit, head.size - start))
                )
                end = start + len(entries)
                yield FeedBatch(start, tuple(entries), head.checkpoint, await self._consistency(origin, end, head.size))
                start = end
                told = head if end == head.size else None
            elif head != told:
                yield FeedBatch(start, (), head.checkpoint, ())
                told = head
            if start == head.size and origin in self._closed:
                return
            if start == head.size:
                head = await self._newer_head(head)

    async def prove(self, index: int, origin: str = "") -> Inclusion:
        """Proof that the entry at `index` is in the newest committed head of the own log, or the last of a closed one.

        Raises NotFound for another origin, ProofInvalid for an entry that is in no such head.
        """
        head = await self._head(origin or self._origin)
        hashes = await self._fold(head.origin, proofs.inclusion_plan(index, head.size))
        return Inclusion(index, hashes, head.checkpoint)

    async def _head(self, origin: str) -> LogHead:
        if origin in self._closed:
            log = self._closed[origin]
            return LogHead(origin, log.size, log.root, log.note, None)
        head = await self._store.head(origin) if origin == self._origin else None
        if head is None:
            raise NotFound("NO_SUCH_LOG", f"This node serves the log {self._origin} only.")
        return head

    async def _newer_head(self, known: LogHead) -> LogHead:
        while True:
            await self._board.newer_than(known, self._origin, _POLL_SECONDS)
            head = await self._head(self._origin)
            if head != known:
                return head

    async def _consistency(self, origin: str, old: int, new: int) -> tuple[bytes, ...]:
        return () if old == new else await self._fold(origin, proofs.consistency_plan(old, new))

    async def _fold(self, origin: str, plan: proofs.ProofPlan) -> tuple[bytes, ...]:
        return plan.fold(await self._subtrees[origin].roots(plan.subtrees))


def _within(size: int, entries: list[bytes]) -> list[bytes]:
    """The first entries that together hold at most `size` bytes, but at least one."""
    total = 0
    for count, entry in enumerate(entries):
        total += len(entry)
        if total > size and count:
            return entries[:count]
    return entries
