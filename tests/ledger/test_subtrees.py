"""Roots for proofs: the same from memory, from storage and from all leaves; few reads, and bounded memory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from hashlib import sha256

import pytest

from node.ledger.subtrees import TILE_COST, SubtreeReader, TileCache
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.ledger.world import ORIGIN, grow
from tests.support.databases import statements_of
from trust.errors import ProofInvalid
from trust.log import proofs
from trust.log.proofs import ProofPlan
from trust.log.tiles import Tile, TileName, tile_of
from trust.log.tree import root_of

SIZE = 777


class CountingReader:
    """A real store that counts what is read of it, and may lack hashes."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self.reads = 0
        self.tiles = 0
        self.lacking: tuple[int, int] | None = None

    async def hash_runs(self, origin: str, runs: Sequence[tuple[int, int, int]]) -> list[bytes]:
        self.reads += 1
        self.tiles += len(runs)
        stored = await self._store.hash_runs(origin, runs)
        return [
            b"" if (level, start) == self.lacking else found
            for (level, start, _), found in zip(runs, stored, strict=True)
        ]


async def leaves_of(store: LogStore) -> list[bytes]:
    return await store.leaf_hashes(ORIGIN, 0, SIZE + 1)


def from_leaves(plan: ProofPlan, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    return plan.fold({s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees})


async def proof(reader: SubtreeReader, plan: ProofPlan) -> tuple[bytes, ...]:
    return plan.fold(await reader.roots(plan.subtrees))


async def test_a_proof_from_memory_is_that_from_storage_and_that_from_all_leaves(store: LogStore) -> None:
    await grow(store, SIZE)
    leaves = await leaves_of(store)
    plans = [proofs.inclusion_plan(index, SIZE) for index in range(0, SIZE, 5)]
    plans += [proofs.consistency_plan(old, SIZE) for old in range(1, SIZE + 1, 7)]
    remembering = SubtreeReader(store, ORIGIN)
    for plan in plans:
        expected = from_leaves(plan, leaves)
        assert await proof(SubtreeReader(store, ORIGIN), plan) == expected, "from storage"
        assert await proof(remembering, plan) == expected, "the first time"
    counting = CountingReader(store)
    remembering._reader = counting
    for plan in plans:
        assert await proof(remembering, plan) == from_leaves(plan, leaves), "from memory"
    assert counting.reads == 0


async def test_a_proof_takes_one_read_and_is_remembered(store: LogStore) -> None:
    await grow(store, SIZE)
    counting = CountingReader(store)
    reader = SubtreeReader(counting, ORIGIN)
    plan = proofs.inclusion_plan(300, SIZE)
    first = await proof(reader, plan)
    assert counting.reads == 1, "everything that is missing is read at once"
    assert await proof(reader, plan) == first
    assert counting.reads == 1, "what never changes is read once"
    await proof(reader, proofs.inclusion_plan(301, SIZE))
    assert counting.reads == 1, "neighbours share tiles"


async def test_what_grew_at_the_edge_is_read_again_and_nothing_else(store: LogStore) -> None:
    counting = CountingReader(store)
    reader = SubtreeReader(counting, ORIGIN)
    size = 0
    for grown in (1, 9, 15, 16, 17, 250, 257, 300):
        await grow(store, grown, size)
        size = grown
        leaves = await leaves_of(store)
        counting.tiles = 0
        for index in range(size):
            plan = proofs.inclusion_plan(index, size)
            assert await proof(reader, plan) == from_leaves(plan, leaves)
    # From 257 to 300 entries: what was full before is not read again. Leaf tiles 16 to 18 (four hashes of the last
    # were new), the tile of level 4 that grew, and the one above it.
    assert counting.tiles <= 5


async def test_memory_stays_bounded_and_proofs_right_when_nearly_nothing_is_remembered(store: LogStore) -> None:
    await grow(store, SIZE)
    leaves = await leaves_of(store)
    reader = SubtreeReader(store, ORIGIN, leaf_bytes=2 * TILE_COST, upper_bytes=TILE_COST)
    for index in (number * 331 % SIZE for number in range(200)):
        plan = proofs.inclusion_plan(index, SIZE)
        assert await proof(reader, plan) == from_leaves(plan, leaves)
        assert reader.remembered <= 3


async def test_64_proofs_at_once_share_queries(store: LogStore, database: Database) -> None:
    await grow(store, SIZE)
    leaves = await leaves_of(store)
    reader = SubtreeReader(store, ORIGIN)
    plans = [proofs.inclusion_plan(index * 12, SIZE) for index in range(64)]
    with statements_of(database) as statements:
        found = await asyncio.gather(*(proof(reader, plan) for plan in plans))
    assert len(statements) <= 2
    assert found == [from_leaves(plan, leaves) for plan in plans]


async def test_a_store_that_lacks_a_hash_makes_no_proof(store: LogStore) -> None:
    await grow(store, SIZE)
    counting = CountingReader(store)
    for lacking in ((0, 304), (4, 16), (8, 0)):
        counting.lacking = lacking
        with pytest.raises(ProofInvalid, match="Rebuild the stored hashes"):
            await proof(SubtreeReader(counting, ORIGIN), proofs.inclusion_plan(305, SIZE))


def _tile(count: int) -> Tile:
    return tile_of(b"".join(sha256(bytes([at])).digest() for at in range(count)))


def test_the_tile_used_longest_ago_is_forgotten() -> None:
    cache = TileCache(2 * TILE_COST)
    cache.put((0, 1), _tile(16))
    cache.put((0, 2), _tile(16))
    assert cache.get((0, 1)) is not None
    cache.put((0, 3), _tile(16))
    assert [cache.get((0, index)) is not None for index in (1, 2, 3)] == [True, False, True]
    assert len(cache) == 2


def test_a_shorter_tile_does_not_replace_a_longer_one() -> None:
    """Two reads of the edge may end in another order than they began."""
    cache = TileCache(TILE_COST)
    for count in (3, 9, 5):
        cache.put((0, 0), _tile(count))
    found = cache.get((0, 0))
    assert found is not None
    assert found.count == 9


def test_a_tile_costs_no_more_memory_than_is_reckoned() -> None:
    name: TileName = (4, 1 << 20)
    tile = _tile(16)
    parts = sum(sys.getsizeof(part) for part in (name, name[1], tile, tile.count, tile.nodes))
    # An OrderedDict holds per item a slot of the table (at most half empty) and a node of its list.
    many = TileCache(1000 * TILE_COST)
    for index in range(1000):
        many.put((4, index), tile)
    assert parts + sys.getsizeof(many._tiles) / 1000 <= TILE_COST
