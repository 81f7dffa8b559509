"""Roots of perfect subtrees of a log, for proofs: one read for all of them, and none for what is remembered.

An audit path crosses one tile (`trust.log.tiles`) for every four levels: six at ten million entries. All but the lowest
two are few enough to be remembered whatever is asked; the lowest, of leaf hashes, is read for nearly every entry of a
large log that is asked for at random. So leaf tiles have a place of their own, where they push out nothing but each
other: it serves the newest entries, which are asked for most.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from node.ledger.assembly import HashReader
from trust.errors import ProofInvalid
from trust.log.tiles import Tile, TileName, tile_name, tile_of, tile_run
from trust.log.tree import Subtree

TILE_COST: Final = 1_400
"""Bytes of memory that a remembered tile takes, at the most: 960 of hashes, the rest Python's."""
LEAF_TILES_BYTES: Final = 4 << 20
"""About 48,000 entries."""
UPPER_TILES_BYTES: Final = 64 << 20
"""All tiles above the leaves of a log of twelve million entries; of a longer one, those that were asked for last."""


class TileCache:
    """The tiles that were used last, in so many bytes. What is forgotten costs a read and nothing else."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = max(1, limit_bytes // TILE_COST)
        self._tiles: OrderedDict[TileName, Tile] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tiles)

    def get(self, name: TileName) -> Tile | None:
        """The tile as far as it was known when it was put here."""
        tile = self._tiles.get(name)
        if tile is not None:
            self._tiles.move_to_end(name)
        return tile

    def put(self, name: TileName, tile: Tile) -> None:
        """Remembers a tile, in place of a shorter one of the same name: reads may end in another order."""
        known = self._tiles.get(name)
        if known is None or known.count < tile.count:
            self._tiles[name] = tile
        self._tiles.move_to_end(name)
        if len(self._tiles) > self._limit:
            self._tiles.popitem(last=False)


class SubtreeReader:
    """Reads one log. Concurrent proofs share their reads, if the reader groups them."""

    def __init__(
        self,
        reader: HashReader,
        origin: str,
        leaf_bytes: int = LEAF_TILES_BYTES,
        upper_bytes: int = UPPER_TILES_BYTES,
    ) -> None:
        self._reader = reader
        self._origin = origin
        self._leaves = TileCache(leaf_bytes)
        self._uppers = TileCache(upper_bytes)

    @property
    def remembered(self) -> int:
        """Tiles held at the moment."""
        return len(self._leaves) + len(self._uppers)

    async def roots(self, subtrees: Iterable[Subtree]) -> dict[Subtree, bytes]:
        """The root of each, 32 bytes. All of them MUST lie below a committed head.

        Raises ProofInvalid when the store lacks one: it is damaged.
        """
        found: dict[Subtree, bytes] = {}
        missing: dict[TileName, list[Subtree]] = {}
        at_hand: dict[TileName, Tile | None] = {}
        for subtree in subtrees:
            name = tile_name(subtree)
            if name not in at_hand:
                at_hand[name] = self._cache(name).get(name)
            tile = at_hand[name]
            root = None if tile is None else tile.root(subtree)
            if root is None:
                missing.setdefault(name, []).append(subtree)
            else:
                found[subtree] = root
        if missing:
            stored = await self._reader.hash_runs(self._origin, [tile_run(name) for name in missing])
            for (name, members), hashes in zip(missing.items(), stored, strict=True):
                tile = tile_of(hashes)
                self._cache(name).put(name, tile)
                for subtree in members:
                    found[subtree] = _require(tile.root(subtree))
        return found

    def _cache(self, name: TileName) -> TileCache:
        return self._uppers if name[0] else self._leaves


def _require(root: bytes | None) -> bytes:
    if root is None:
        raise ProofInvalid("The store lacks a hash that the proof needs. Rebuild the stored hashes from the entries.")
    return root
