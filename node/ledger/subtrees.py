"""Roots of perfect subtrees of a log, for proofs: few reads, and none for what was read before."""

from __future__ import annotations

from collections.abc import Iterable

from node.ledger.assembly import HashReader, read_run
from trust.log.tree import StoredRun, Subtree, root_of, stored_run

_BLOCK = 256
"""Stored hashes read at once at the most: neighbours of one entry on its way up lie in the same block."""
_REMEMBERED = 65_536
"""About 10 MB. A perfect subtree never changes, so what is forgotten costs a read and nothing else."""


class SubtreeReader:
    """Reads one log. A proof takes a handful of reads: beside the entry and at the right edge, once a stored level."""

    def __init__(self, reader: HashReader, origin: str) -> None:
        self._reader = reader
        self._origin = origin
        self._known: dict[Subtree, bytes] = {}

    async def roots(self, subtrees: Iterable[Subtree]) -> dict[Subtree, bytes]:
        """The root of each, 32 bytes. All of them MUST lie below a committed head."""
        wanted = tuple(subtrees)
        blocks: dict[tuple[int, int], list[tuple[Subtree, StoredRun]]] = {}
        for subtree in wanted:
            if subtree not in self._known:
                run = stored_run(subtree)
                blocks.setdefault((run.level, run.start // _BLOCK), []).append((subtree, run))
        found = {subtree: self._known[subtree] for subtree in wanted if subtree in self._known}
        for (level, _), members in blocks.items():
            first = min(run.start for _, run in members)
            hashes = await read_run(
                self._reader, self._origin, StoredRun(level, first, max(run.stop for _, run in members))
            )
            for subtree, run in members:
                found[subtree] = root_of(hashes[run.start - first : run.stop - first])
        if len(self._known) + len(found) > _REMEMBERED:
            self._known.clear()
        self._known.update(found)
        return found
