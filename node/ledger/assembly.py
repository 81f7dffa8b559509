"""Entries become part of a tree: what is stored for a batch, computed before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from node.model.log import EntryKind, LogEntry, StatusEvent, SubtreeRoot
from trust.errors import ProofInvalid
from trust.log.tree import HASH_BYTES, Frontier, frontier_from, leaf_hash, perfect_subtrees, root_of, stored_run


class HashReader(Protocol):
    """Reads stored hashes of a log: leaf hashes at level 0, roots of completed subtrees at STORED_LEVELS.

    `hash_runs` gives for each run (level, start, stop) its hashes in one piece, 32 bytes each; fewer where the log
    ends.
    """

    async def hash_runs(self, origin: str, runs: Sequence[tuple[int, int, int]]) -> list[bytes]: ...


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
    """The frontier of a stored tree of `size` leaves, read at once: a few hundred hashes at the most.

    Raises ProofInvalid when the store lacks some of them.
    """
    runs = [stored_run(subtree) for subtree in perfect_subtrees(0, size)]
    roots = []
    for run, stored in zip(runs, await reader.hash_runs(origin, runs), strict=True):
        if len(stored) != (run.stop - run.start) * HASH_BYTES:
            raise ProofInvalid("The store lacks hashes of the log. Rebuild the stored hashes from the entries.")
        roots.append(root_of([stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES)]))
    return frontier_from(size, roots)
