"""Entries become part of a tree: what is stored for a batch, computed before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.model.log import EntryKind, LogEntry, StatusEvent, SubtreeRoot
from trust.log.tree import Frontier, StoredRun, frontier_from, leaf_hash, perfect_subtrees, root_of, stored_run


class HashReader(Protocol):
    """Reads stored hashes of a log: leaf hashes at level 0, roots of completed subtrees at levels 8, 16, 24, 32."""

    async def leaf_hashes(self, origin: str, start: int, stop: int) -> list[bytes]: ...
    async def subtree_roots(self, origin: str, level: int, start: int, stop: int) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry before it has an index. `digest` is SHA-256 of `entry`."""

    entry: bytes
    digest: bytes
    kind: EntryKind
    report_number: str = ""
    status: StatusEvent | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one append stores, apart from the head."""

    entries: tuple[LogEntry, ...]
    subtrees: tuple[SubtreeRoot, ...]
    frontier: Frontier


def assemble(frontier: Frontier, drafts: Sequence[EntryDraft]) -> Batch:
    """Extends `frontier` by `drafts`. Pure: the old frontier stays as it is, so that a failed commit costs nothing."""
    hashes = [leaf_hash(draft.entry) for draft in drafts]
    extended, completed = frontier.append(hashes)
    entries = tuple(
        LogEntry(index, draft.entry, draft.digest, leaf, draft.kind, draft.report_number, draft.status)
        for index, (draft, leaf) in enumerate(zip(drafts, hashes, strict=True), start=frontier.size)
    )
    return Batch(entries, tuple(SubtreeRoot(root.level, root.index, root.hash) for root in completed), extended)


async def load_frontier(reader: HashReader, origin: str, size: int) -> Frontier:
    """The frontier of a stored tree of `size` leaves, read with at most a few hundred hashes."""
    roots = [root_of(await read_run(reader, origin, stored_run(subtree))) for subtree in perfect_subtrees(0, size)]
    return frontier_from(size, roots)


async def read_run(reader: HashReader, origin: str, run: StoredRun) -> list[bytes]:
    """The stored hashes that a plan names, 32 bytes each."""
    if run.level == 0:
        return await reader.leaf_hashes(origin, run.start, run.stop)
    return await reader.subtree_roots(origin, run.level, run.start, run.stop)
