"""A stored log derived anew from its entries, block by block, and whatever differs from what is stored told.

What an entry should be stored with (hashes, kind, number, status) follows from its bytes, what every stored subtree
and the head should be from the leaf hashes, and the head must be what the log's keys have signed. A block is the leaves
under one subtree of the lowest stored level. Memory holds one page of entries and O(log n) hashes, however long the
log is.

One fault must not drown the others. An entry that fits neither of its two stored hashes was changed itself: the tree
goes on with its stored leaf hash, and comes out right if only the entry was changed. A block with entries missing
cannot be derived: the tree goes on with its stored root, and so the rest is still checked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from node.ledger.assembly import EntryDraft
from node.model.counting import in_entries
from node.model.log import EntryKind, LogHead
from node.model.log_audit import AuditProgress, Difference, Part, StoredEntry, StoredStatus
from trust.errors import TrustError
from trust.log.checkpoint import SignedHead
from trust.log.tree import (
    EMPTY_ROOT,
    HASH_BYTES,
    STORED_LEVELS,
    Frontier,
    SubtreeRoot,
    fold_right,
    leaf_hash,
    root_of,
)

_BLOCK_LEVEL = STORED_LEVELS[0]
_BLOCK = 1 << _BLOCK_LEVEL
_PAGE = 1024
"""Entries read at once, whole blocks of them: a few megabytes with post-quantum signatures."""


class AuditReader(Protocol):
    """Reads stored logs as they lie there. The `beyond` readers ask at one moment for what the head does not cover."""

    async def head(self, origin: str) -> LogHead | None: ...
    async def last_index(self, origin: str) -> int: ...
    async def entries(self, origin: str, start: int, stop: int) -> list[StoredEntry]: ...
    async def statuses(self, origin: str, start: int, stop: int) -> list[StoredStatus]: ...
    async def subtrees(self, origin: str, level: int, start: int, stop: int) -> dict[int, bytes]: ...
    def entries_beyond(self, origin: str) -> AsyncIterator[int]: ...
    def statuses_beyond(self, origin: str) -> AsyncIterator[int]: ...
    def subtrees_beyond(self, origin: str, levels: tuple[int, ...]) -> AsyncIterator[tuple[int, int]]: ...


Readings = Callable[[bytes, bytes], Sequence[EntryDraft]]
"""(entry, digest) -> everything that an entry may have been filed as, the likeliest first. Raises nothing."""

OpenNote = Callable[[str], SignedHead]
"""Verifies a head's note with the keys that are trusted now. Raises TrustError."""


class LogAudit:
    """One look at one log. `progress` is for whoever shows how far it is."""

    def __init__(self, reader: AuditReader, origin: str, readings: Readings, open_note: OpenNote, *, own: bool) -> None:
        """`own`: the log is this node's, so its head is always signed at its full size."""
        self._reader = reader
        self._origin = origin
        self._readings = readings
        self._open_note = open_note
        self._own = own
        self._blocks = Frontier()
        """The tree over the roots of the blocks: from their level on it is the log's own."""
        self._tail = Frontier()
        self._derived = True
        self.progress = AuditProgress(origin)

    async def differences(self) -> AsyncIterator[Difference]:
        """Everything that differs, in the order of the log, the head at the end."""
        head = await self._reader.head(self._origin)
        if head is not None:
            self.progress.size = head.size
            stop = min(head.size, await self._reader.last_index(self._origin) + 1)
            async for found in self._entries(stop):
                yield found
            if stop < head.size:
                self._derived = False
                yield self._missing(stop, head.size)
            for found in self._head(head):
                yield found
        else:
            yield self._found(Part.NO_HEAD, "Rows of this log are stored, but no head: nothing authenticates them.")
        async for found in self._outside():
            yield found

    async def _entries(self, stop: int) -> AsyncIterator[Difference]:
        for start in range(0, stop, _PAGE):
            end = min(start + _PAGE, stop)
            stored = {found.index: found for found in await self._reader.entries(self._origin, start, end)}
            statuses = {found.index: found for found in await self._reader.statuses(self._origin, start, end)}
            leaves: list[bytes | None] = []
            for index in range(start, end):
                entry = stored.get(index)
                leaf, told = (None, []) if entry is None else self._entry(entry, statuses.get(index))
                leaves.append(leaf)
                for found in told:
                    yield found
            for gap in _gaps(start, end, stored):
                yield self._missing(*gap)
            for index in sorted(statuses.keys() - stored.keys()):
                yield self._found(Part.STATUS, "A status is stored for an entry that is not.", index)
            async for found in self._subtrees(start, leaves):
                yield found
            self.progress.checked = end

    def _entry(self, stored: StoredEntry, status: StoredStatus | None) -> tuple[bytes | None, list[Difference]]:
        """The leaf hash to go on with, and what differs."""
        leaf, digest = leaf_hash(stored.entry), sha256(stored.entry).digest()
        if stored.leaf_hash != leaf and stored.digest != digest:
            sentence = "The entry's bytes fit neither the digest nor the leaf hash stored with it: the entry changed."
            trusted = stored.leaf_hash if len(stored.leaf_hash) == HASH_BYTES else None
            return trusted, [self._found(Part.ENTRY, sentence, stored.index)]
        told = []
        if stored.leaf_hash != leaf:
            told.append(self._found(Part.LEAF_HASH, "The stored leaf hash is not that of the entry.", stored.index))
        if stored.digest != digest:
            told.append(self._found(Part.DIGEST, "The stored digest is not that of the entry.", stored.index))
        readings = self._readings(stored.entry, digest)
        if not any(_filed_as(stored, status, draft) for draft in readings):
            told += self._misfiled(stored, status, readings[0])
        return leaf, told

    def _misfiled(self, stored: StoredEntry, status: StoredStatus | None, draft: EntryDraft) -> Iterator[Difference]:
        if stored.kind != draft.kind.value:
            said = stored.kind if stored.kind in set(EntryKind) else "unknown"
            sentence = f"The entry is stored as of kind {said}, and states {draft.kind.value}."
            yield self._found(Part.KIND, sentence, stored.index)
        if stored.report_number != draft.report_number:
            named = draft.report_number or "none"
            sentence = f"The report number stored with the entry is not the one that it names, {named}."
            yield self._found(Part.REPORT_NUMBER, sentence, stored.index)
        if not _says(status, draft):
            if status is None:
                sentence = "The entry changes a report's status, and no row says so: the report would count as before."
            elif draft.status is None:
                sentence = "A change of a report's status is stored that the entry does not state, or not validly."
            else:
                sentence = "The stored change of a report's status is not the one that the entry states."
            yield self._found(Part.STATUS, sentence, stored.index)

    async def _subtrees(self, start: int, leaves: list[bytes | None]) -> AsyncIterator[Difference]:
        """Extends the tree by a page and compares every stored root that it completes."""
        first = start >> _BLOCK_LEVEL
        count = len(leaves) >> _BLOCK_LEVEL
        stored = await self._reader.subtrees(self._origin, _BLOCK_LEVEL, first, first + count)
        roots = []
        for place in range(count):
            block = leaves[place * _BLOCK : (place + 1) * _BLOCK]
            known = [leaf for leaf in block if leaf is not None]
            kept = stored.get(first + place)
            if len(known) == _BLOCK:
                root = root_of(known)
                for found in self._subtree(_BLOCK_LEVEL, first + place, kept, root):
                    yield found
            elif kept is not None and len(kept) == HASH_BYTES:
                root = kept
            else:
                root, self._derived = EMPTY_ROOT, False
            roots.append(root)
        self._blocks, completed = self._blocks.append(roots)
        if self._derived:
            async for found in self._upper(completed):
                yield found
        rest = leaves[count * _BLOCK :]
        tail = [leaf for leaf in rest if leaf is not None]
        self._derived = self._derived and len(tail) == len(rest)
        self._tail, _ = Frontier().append(tail)

    async def _upper(self, completed: list[SubtreeRoot]) -> AsyncIterator[Difference]:
        """Compares the roots above the blocks that a page completed. Their levels count from that of the blocks."""
        levels: dict[int, dict[int, bytes]] = {}
        for above in completed:
            levels.setdefault(above.level + _BLOCK_LEVEL, {})[above.index] = above.hash
        for level, roots in sorted(levels.items()):
            if level in STORED_LEVELS:
                stored = await self._reader.subtrees(self._origin, level, min(roots), max(roots) + 1)
                for index, root in roots.items():
                    for found in self._subtree(level, index, stored.get(index), root):
                        yield found

    def _subtree(self, level: int, index: int, kept: bytes | None, root: bytes) -> Iterator[Difference]:
        if kept is None:
            yield self._found(Part.SUBTREE, "The root of this subtree is not stored.", index, level)
        elif kept != root:
            sentence = "The stored root of this subtree is not the one that the leaf hashes under it give."
            yield self._found(Part.SUBTREE, sentence, index, level)

    def _head(self, head: LogHead) -> Iterator[Difference]:
        frontier = (*self._blocks.roots, *self._tail.roots)
        root = None
        if self._derived:
            root = fold_right(frontier) if frontier else EMPTY_ROOT
        if root is None:
            yield self._found(Part.HEAD_ROOT, "The root of the head cannot be derived: entries are missing.")
        elif head.root != root:
            yield self._found(Part.HEAD_ROOT, "The stored root of the head is not the one that the entries give.")
        try:
            signed = self._open_note(head.checkpoint)
        except TrustError as error:
            yield self._found(Part.CHECKPOINT, f"The signed note of the head is not accepted: {error.message}")
            return
        if signed.size < head.size or (self._own and signed.size != head.size):
            sentence = f"The note is signed for {in_entries(signed.size)}, the stored head has {head.size}."
            yield self._found(Part.CHECKPOINT, sentence)
        elif signed.size == head.size and signed.root != (head.root if root is None else root):
            yield self._found(Part.CHECKPOINT, "The note is signed for another root than the log has.")
        if not self._fresh(head, signed):
            sentence = "The stored time of the head is not that of the cosignature in its note."
            yield self._found(Part.FRESH_AT, sentence)

    def _fresh(self, head: LogHead, signed: SignedHead) -> bool:
        """Whether the stored time can have come from this note.

        A replica keeps the latest of all notes that it has caught up with, so its time may be later than this note's.
        """
        if signed.size != head.size or signed.cosigned_at is None:
            return True
        if head.fresh_at is None:
            return False
        seconds: datetime = head.fresh_at.replace(microsecond=0)
        return seconds == signed.cosigned_at if self._own else seconds >= signed.cosigned_at

    async def _outside(self) -> AsyncIterator[Difference]:
        async for index in self._reader.entries_beyond(self._origin):
            yield self._found(Part.EXTRA_ENTRY, "An entry is stored that the head does not cover.", index)
        async for index in self._reader.statuses_beyond(self._origin):
            yield self._found(Part.STATUS, "A status is stored for an index that the head does not cover.", index)
        async for level, index in self._reader.subtrees_beyond(self._origin, STORED_LEVELS):
            yield self._found(Part.SUBTREE, "A subtree root is stored that the head does not complete.", index, level)

    def _missing(self, start: int, stop: int) -> Difference:
        sentence = (
            "The entry is not stored." if stop - start == 1 else f"The entries {start} to {stop - 1} are not stored."
        )
        return self._found(Part.MISSING_ENTRY, sentence, start)

    def _found(self, part: Part, sentence: str, index: int | None = None, level: int | None = None) -> Difference:
        return Difference(self._origin, part, sentence, index, level)


def _filed_as(stored: StoredEntry, status: StoredStatus | None, draft: EntryDraft) -> bool:
    return stored.kind == draft.kind.value and stored.report_number == draft.report_number and _says(status, draft)


def _says(status: StoredStatus | None, draft: EntryDraft) -> bool:
    stated = draft.status
    if status is None or stated is None:
        return status is None and stated is None
    return (
        status.attestation_digest == stated.attestation_digest
        and status.flag == stated.flag.value
        and status.is_set == stated.set
        and status.effective_at == stated.effective_at
    )


def _gaps(start: int, stop: int, stored: dict[int, StoredEntry]) -> Iterator[tuple[int, int]]:
    """The runs of indexes in [start, stop) without an entry, as [first, end)."""
    first: int | None = None
    for index in range(start, stop + 1):
        there = index == stop or index in stored
        if there and first is not None:
            yield first, index
            first = None
        elif not there and first is None:
            first = index
