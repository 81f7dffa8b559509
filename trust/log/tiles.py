"""Sixteen neighbouring stored hashes of a log and the nodes above them: the unit in which hashes are read and kept.

A tile at level L holds hashes that the store keeps (leaf hashes at level 0, roots at one of `STORED_LEVELS` above) and
all their inner nodes below level L + 4, where the next stored level begins. So the root of any perfect subtree lies in
exactly one tile, and an audit path crosses one tile for every four levels. What a tile says never changes; one at the
right edge of the tree may hold fewer hashes now than later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trust.errors import ProofInvalid
from trust.log.tree import HASH_BYTES, StoredRun, Subtree, parents_of

TILE_LEVELS: Final = 4
"""Distance of stored levels; `tests/trust/log/test_tiles.py` holds it against STORED_LEVELS."""
TILE_HASHES: Final = 1 << TILE_LEVELS

TileName = tuple[int, int]
"""(level, index): the tile of stored hashes [index * 16, index * 16 + 16) of that level."""

# Where each row of a tile of so many hashes begins, counted in hashes: 16, 8, 4 and 2 of them when it is full.
_ROWS: Final = tuple((0, n, n + n // 2, n + n // 2 + n // 4) for n in range(TILE_HASHES + 1))


@dataclass(frozen=True, slots=True)
class Tile:
    """`nodes`: its `count` stored hashes, then the nodes of each level above them, 32 bytes each."""

    count: int
    nodes: bytes

    def root(self, subtree: Subtree) -> bytes | None:
        """Root of a subtree that lies in this tile by `tile_name`, 32 bytes; None while the tile is too short."""
        row = subtree.level % TILE_LEVELS
        place = subtree.index & ((TILE_HASHES >> row) - 1)
        if (place + 1) << row > self.count:
            return None
        at = (_ROWS[self.count][row] + place) * HASH_BYTES
        return self.nodes[at : at + HASH_BYTES]


def tile_name(subtree: Subtree) -> TileName:
    """The one tile in which the root of this subtree lies."""
    row = subtree.level % TILE_LEVELS
    return subtree.level - row, subtree.index >> (TILE_LEVELS - row)


def tile_run(name: TileName) -> StoredRun:
    """The stored hashes of a tile; where the log ends, the store has fewer of them."""
    level, index = name
    return StoredRun(level, index * TILE_HASHES, (index + 1) * TILE_HASHES)


def tile_of(stored: bytes) -> Tile:
    """The tile over at most 16 stored hashes, 32 bytes each, in one piece.

    Raises ProofInvalid for any other length: the store that gave them is damaged.
    """
    count, rest = divmod(len(stored), HASH_BYTES)
    if rest or count > TILE_HASHES:
        raise ProofInvalid("The store gave hashes of a wrong length. Rebuild the stored hashes from the entries.")
    nodes = row = stored
    for _ in range(TILE_LEVELS - 1):
        row = b"".join(parents_of(row))
        nodes += row
    return Tile(count, nodes)
