"""The tree against Certificate Transparency's published vectors and against RFC 9162's definition, written naively."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import ProofInvalid
from trust.log.tree import (
    EMPTY_ROOT,
    STORED_LEVELS,
    Frontier,
    StoredRun,
    Subtree,
    SubtreeRoot,
    frontier_from,
    leaf_hash,
    node_hash,
    perfect_subtrees,
    root_of,
    stored_run,
)

# google/certificate-transparency, python/ct/crypto/merkle_test.py: test_vector_leaves and test_vector_hashes.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(1 << bit for bit in range(len(leaves).bit_length()) if 1 << bit < len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(8, "big")) for number in range(count)]


LEAVES = leaves_of(1300)


def test_hashes_are_those_of_certificate_transparency() -> None:
    assert leaf_hash(b"").hex() == ROOTS[1]
    assert (
        leaf_hash(bytes(range(0x10, 0x20))).hex() == "3bfb960453ebaebf33727da7a1f4db38acc051d381b6da20d6d4e88f0eabfd7a"
    )
    node = node_hash(bytes(range(0x20)), bytes(range(0x20, 0x40)))
    assert node.hex() == "1a378704c17da31e2d05b6d121c2bb2c7d76f6ee6fa8f983e596c2d034963c57"


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES[:size]]
    frontier, _ = Frontier().append(hashes)
    assert frontier.root().hex() == root_of(hashes).hex() == naive_root(hashes).hex() == ROOTS[size]


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == root_of([]) == EMPTY_ROOT == sha256(b"").digest()


@given(st.lists(st.integers(0, 1300), max_size=12))
def test_however_it_is_batched_the_tree_is_the_same(cuts: list[int]) -> None:
    frontier, completed = Frontier(), []
    bounds = [0, *sorted(cuts)]
    for start, stop in pairwise(bounds):
        before = frontier
        frontier, roots = frontier.append(LEAVES[start:stop])
        assert before.size == start
        completed += roots
    size = bounds[-1]
    assert frontier.size == size
    assert frontier.root() == naive_root(LEAVES[:size])
    for level in (4, 8):
        assert [each for each in completed if each.level == level] == [
            SubtreeRoot(level, at, naive_root(LEAVES[at << level : (at + 1) << level])) for at in range(size >> level)
        ]
    assert {each.level for each in completed} <= {4, 8}


def test_a_frontier_is_left_as_it_was_by_appending() -> None:
    frontier, _ = Frontier().append(LEAVES[:7])
    frontier.append(LEAVES[7:20])
    assert frontier == Frontier().append(LEAVES[:7])[0]


def test_roots_of_65536_leaves_are_yielded_at_every_fourth_level() -> None:
    hashes = leaves_of(65_536 + 300)
    _, completed = Frontier().append(hashes)
    assert [(root.level, root.index) for root in completed] == [
        *((4, at) for at in range(4096 + 18)),
        *((8, at) for at in range(257)),
        *((12, at) for at in range(16)),
        (16, 0),
    ]
    assert completed[-1].hash == root_of(hashes[:65_536])
    assert completed[-1].hash == root_of([root.hash for root in completed if root.level == 8][:256])


def test_the_last_leaf_of_2_to_the_32_completes_a_root_at_every_stored_level() -> None:
    full = Frontier((1 << 32) - 1, tuple(sha256(bytes([level])).digest() for level in range(32)))
    after, completed = full.append([LEAVES[0]])
    assert [(root.level, root.index) for root in completed] == [
        (level, (1 << (32 - level)) - 1) for level in STORED_LEVELS if level <= 32
    ]
    assert after == Frontier(1 << 32, (completed[-1].hash,))
    assert completed[-1].hash == node_hash(full.roots[0], root_of_tail(full.roots[1:], LEAVES[0]))


def root_of_tail(roots: tuple[bytes, ...], last: bytes) -> bytes:
    result = last
    for root in reversed(roots):
        result = node_hash(root, result)
    return result


@given(st.integers(0, 1300))
def test_a_frontier_is_rebuilt_from_what_is_stored(size: int) -> None:
    frontier, completed = Frontier().append(LEAVES[:size])
    stored = {(root.level, root.index): root.hash for root in completed}
    stored |= {(0, index): leaf for index, leaf in enumerate(LEAVES[:size])}
    runs = [stored_run(subtree) for subtree in perfect_subtrees(0, size)]
    roots = [root_of([stored[run.level, at] for at in range(run.start, run.stop)]) for run in runs]
    assert frontier_from(size, roots) == frontier


@given(st.integers(0, 39), st.integers(0, 1 << 24))
def test_a_perfect_subtree_needs_at_most_8_stored_hashes(level: int, index: int) -> None:
    run = stored_run(Subtree(level, index))
    count = run.stop - run.start
    assert run.level in (0, *STORED_LEVELS)
    assert count <= 8
    assert count << run.level == 1 << level
    assert run.start << run.level == index << level


def test_a_stored_root_is_read_not_computed() -> None:
    assert stored_run(Subtree(8, 5)) == StoredRun(8, 5, 6)
    assert stored_run(Subtree(7, 5)) == StoredRun(4, 40, 48)
    assert stored_run(Subtree(3, 5)) == StoredRun(0, 40, 48)
    assert stored_run(Subtree(17, 1)) == StoredRun(16, 2, 4)


@given(st.integers(0, 1 << 40))
def test_perfect_subtrees_cover_every_leaf_once_largest_first(size: int) -> None:
    subtrees = perfect_subtrees(0, size)
    assert [subtree.level for subtree in subtrees] == sorted({subtree.level for subtree in subtrees}, reverse=True)
    at = 0
    for subtree in subtrees:
        assert subtree.index << subtree.level == at
        at += 1 << subtree.level
    assert at == size


@pytest.mark.parametrize(("size", "roots"), [(0, 1), (3, 1), (4, 2), (-1, 1)])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, roots: int) -> None:
    with pytest.raises(ProofInvalid):
        Frontier(size, tuple(LEAVES[:roots]))


def test_a_stored_root_of_wrong_length_is_refused() -> None:
    with pytest.raises(ProofInvalid):
        frontier_from(3, [LEAVES[0], LEAVES[1][:31]])
