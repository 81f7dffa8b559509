"""Tiles: every root that a proof can ask for lies in one, and says what all the leaves say."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import ProofInvalid
from trust.log.tiles import TILE_HASHES, TILE_LEVELS, Tile, tile_name, tile_of, tile_run
from trust.log.tree import STORED_LEVELS, Subtree, root_of, stored_run

HASHES = [sha256(bytes([number])).digest() for number in range(TILE_HASHES)]


def test_tiles_begin_where_hashes_are_stored() -> None:
    levels = (0, *STORED_LEVELS)
    assert {upper - lower for lower, upper in pairwise(levels)} == {TILE_LEVELS}


@pytest.mark.parametrize("count", range(TILE_HASHES + 1))
@pytest.mark.parametrize("level", [0, 4, 20])
def test_a_tile_of_any_length_knows_the_roots_below_it_and_no_other(count: int, level: int) -> None:
    tile = tile_of(b"".join(HASHES[:count]))
    assert tile.count == count
    for row in range(TILE_LEVELS):
        for place in range(TILE_HASHES >> row):
            covered = HASHES[place << row : (place + 1) << row]
            expected = root_of(covered) if (place + 1) << row <= count else None
            # The same place in the third tile of its level.
            subtree = Subtree(level + row, 2 * (TILE_HASHES >> row) + place)
            assert tile_name(subtree) == (level, 2)
            assert tile.root(subtree) == expected


@given(st.integers(0, 39), st.integers(0, 1 << 24))
def test_what_a_root_is_computed_from_lies_in_its_tile(level: int, index: int) -> None:
    run, tile = stored_run(Subtree(level, index)), tile_run(tile_name(Subtree(level, index)))
    assert run.level == tile.level
    assert tile.start <= run.start < run.stop <= tile.stop


@pytest.mark.parametrize("length", [1, 31, 33, 32 * 16 + 1, 32 * 17])
def test_hashes_of_a_wrong_length_are_refused(length: int) -> None:
    with pytest.raises(ProofInvalid, match="wrong length"):
        tile_of(bytes(length))


def test_an_empty_tile_knows_nothing() -> None:
    assert tile_of(b"") == Tile(0, b"")
    assert tile_of(b"").root(Subtree(0, 0)) is None
