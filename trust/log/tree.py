"""The Merkle tree of a log (RFC 6962 section 2.1, RFC 9162 section 2.1.1, SHA-256) without its nodes in memory.

A `Frontier` is all that appending needs: the roots of the perfect subtrees that a tree of its size consists of. The
store keeps every leaf hash and the root of every completed subtree at `STORED_LEVELS`. Whatever else is asked (a
frontier after a restart, a proof) is first *planned*: the plan names perfect subtrees, `stored_run` names the stored
hashes that each is computed from, and a fold makes the answer. So nothing here reads, and nothing here waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from trust.errors import ProofInvalid

STORED_LEVELS = (4, 8, 12, 16, 20, 24, 28, 32, 36)
"""Levels whose subtree roots are stored: the root of a perfect subtree needs at most 8 stored hashes below 2**40."""

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 9162 section 2.1.1)."""

HASH_BYTES = 32


class Subtree(NamedTuple):
    """The perfect subtree over leaves [index * 2**level, (index + 1) * 2**level).

    A tuple, for a proof names some thirty of them, each looked up twice: a dataclass hashes and compares in Python.
    """

    level: int
    index: int  # type: ignore[assignment]  # nobody looks for a value in it, which is what tuple.index is for


@dataclass(frozen=True, slots=True)
class SubtreeRoot:
    """Root, 32 bytes, of a completed subtree at one of `STORED_LEVELS`."""

    level: int
    index: int
    hash: bytes


class StoredRun(NamedTuple):
    """Stored hashes number `start` to before `stop`: leaf hashes at level 0, else roots at one of `STORED_LEVELS`."""

    level: int
    start: int
    stop: int


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Hashes one level up. An odd last hash is left out: the caller knows whether it waits or is promoted."""
    return parents_of(b"".join(hashes))


def parents_of(row: bytes) -> list[bytes]:
    """The same from hashes in one piece: one concatenation less per node than node_hash, which counts at a million."""
    return [sha256(b"\x01" + row[at : at + 64]).digest() for at in range(0, len(row) - 63, 64)]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes, 32 bytes each.

    Folding row by row and promoting an odd last hash unchanged gives the tree of RFC 9162 section 2.1.1: both split
    at the largest power of two below the number of leaves.
    """
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        above = parents(row)
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves, told by the roots of its perfect subtrees, largest first, 32 bytes each."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count():
            raise ProofInvalid(
                "The number of subtree roots does not fit the size of the tree. Rebuild the frontier from the store."
            )

    def append(self, leaf_hashes: Iterable[bytes]) -> tuple[Frontier, list[SubtreeRoot]]:
        """The tree with these leaf hashes (32 bytes each) at its end, and the subtrees to store that it completed.

        One hash per leaf, and O(log size) more per call. This frontier stays as it is.
        """
        row = list(leaf_hashes)
        size, added = self.size, len(row)
        waiting = list(self.roots)
        left_over: list[bytes] = []
        completed: list[SubtreeRoot] = []
        level = 0
        while row:
            if size >> level & 1:
                row.insert(0, waiting.pop())
            if len(row) % 2:
                left_over.append(row[-1])
            row = parents(row)
            level += 1
            if level in STORED_LEVELS:
                first = size >> level
                completed += [SubtreeRoot(level, first + at, root) for at, root in enumerate(row)]
        return Frontier(size + added, (*waiting, *reversed(left_over))), completed

    def root(self) -> bytes:
        """Root of the whole tree, 32 bytes."""
        return fold_right(self.roots) if self.roots else EMPTY_ROOT


def fold_right(roots: Sequence[bytes]) -> bytes:
    """Root over adjoining subtrees, largest first: what RFC 9162 calls MTH of the range that they cover."""
    result = roots[-1]
    for left in reversed(roots[:-1]):
        result = node_hash(left, result)
    return result


@lru_cache(maxsize=8192)
def perfect_subtrees(start: int, stop: int) -> tuple[Subtree, ...]:
    """The perfect subtrees that leaves [start, stop) consist of, largest first.

    `start` must be a multiple of the largest power of two that is not greater than `stop - start`, as it is for
    every range in a tree of RFC 9162. The frontier of a tree of n leaves is `perfect_subtrees(0, n)`.
    """
    # Remembered, for all proofs against one head share the ranges at its right edge, and most of those high above
    # their entries.
    found = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        found.append(Subtree(level, start >> level))
        start += 1 << level
    return tuple(found)


def stored_run(subtree: Subtree) -> StoredRun:
    """The stored hashes that give the subtree's root by `root_of`: a power of two of them, at most 8 below 2**40."""
    level = max((stored for stored in STORED_LEVELS if stored <= subtree.level), default=0)
    span = subtree.level - level
    return StoredRun(level, subtree.index << span, (subtree.index + 1) << span)


def frontier_from(size: int, roots: Sequence[bytes]) -> Frontier:
    """The frontier of a tree of `size` leaves from the roots of `perfect_subtrees(0, size)`, in that order.

    Raises ProofInvalid when their number or a length does not fit.
    """
    if any(len(root) != HASH_BYTES for root in roots):
        raise ProofInvalid("A stored subtree root is not 32 bytes long. Rebuild it from the log's entries.")
    return Frontier(size, tuple(roots))
