"""Roots for proofs: a handful of reads the first time, fewer the second."""

from __future__ import annotations

from node.ledger.subtrees import SubtreeReader
from node.storage.log_store import LogStore
from tests.ledger.world import ORIGIN, grow
from trust.log import proofs


class CountingReader:
    """A real store that counts what is read of it."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self.reads = 0

    async def leaf_hashes(self, origin: str, start: int, stop: int) -> list[bytes]:
        self.reads += 1
        return await self._store.leaf_hashes(origin, start, stop)

    async def subtree_roots(self, origin: str, level: int, start: int, stop: int) -> list[bytes]:
        self.reads += 1
        return await self._store.subtree_roots(origin, level, start, stop)


async def test_a_proof_takes_a_handful_of_reads_and_is_remembered(store: LogStore) -> None:
    size = 777
    await grow(store, size)
    counting = CountingReader(store)
    reader = SubtreeReader(counting, ORIGIN)
    plan = proofs.inclusion_plan(300, size)
    first = plan.fold(await reader.roots(plan.subtrees))
    assert 1 <= counting.reads <= 4, "neighbours are read together"
    reads = counting.reads
    assert plan.fold(await reader.roots(plan.subtrees)) == first
    assert counting.reads == reads, "what never changes is read once"
    other = proofs.inclusion_plan(301, size)
    await reader.roots(other.subtrees)
    assert counting.reads <= reads + 1
