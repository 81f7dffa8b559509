"""Proofs that an entry is in a log, and that one head continues another (RFC 9162 sections 2.1.3 and 2.1.4).

Making a proof is two pure steps around one read: a *plan* names the perfect subtrees whose roots are needed
(`trust.log.tree.stored_run` says which stored hashes give each), `ProofPlan.fold` turns the roots into the proof.
Checking a proof needs no plan and no tree: it follows the two algorithms of RFC 9162 step by step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trust.errors import ProofInvalid
from trust.log.tree import HASH_BYTES, Subtree, fold_right, node_hash, perfect_subtrees


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """What a proof consists of: for each of its hashes, in order, the perfect subtrees under it, largest first."""

    parts: tuple[tuple[Subtree, ...], ...]

    @property
    def subtrees(self) -> tuple[Subtree, ...]:
        """Every perfect subtree whose root is needed, in the order of the proof."""
        return tuple(subtree for part in self.parts for subtree in part)

    def fold(self, roots: Mapping[Subtree, bytes]) -> tuple[bytes, ...]:
        """The proof's hashes, 32 bytes each, from the roots of `subtrees`.

        Raises ProofInvalid when a root is missing or not 32 bytes long: the store that gave them is damaged.
        """
        parts = [[roots.get(subtree, b"") for subtree in part] for part in self.parts]
        if any(len(root) != HASH_BYTES for part in parts for root in part):
            raise ProofInvalid(
                "The store lacks a hash that the proof needs. Rebuild the stored hashes from the entries."
            )
        return tuple(part[0] if len(part) == 1 else fold_right(part) for part in parts)


def inclusion_plan(index: int, size: int) -> ProofPlan:
    """The audit path of leaf `index` in the tree of `size` leaves (RFC 9162 section 2.1.3.1), lowest hash first.

    Raises ProofInvalid unless 0 <= index < size.
    """
    _require_index(index, size)
    parts: list[tuple[Subtree, ...]] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            parts.append(perfect_subtrees(middle, stop))
            stop = middle
        else:
            parts.append(perfect_subtrees(start, middle))
            start = middle
    return ProofPlan(tuple(reversed(parts)))


def consistency_plan(old: int, new: int) -> ProofPlan:
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162 section 2.1.4.1).

    Empty when the sizes are equal. Raises ProofInvalid unless 0 < old <= new.
    """
    _require_sizes(old, new)
    parts: list[tuple[Subtree, ...]] = []
    start, stop = 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            parts.append(perfect_subtrees(middle, stop))
            stop = middle
        else:
            parts.append(perfect_subtrees(start, middle))
            start = middle
    if start:  # else what is left is the whole old tree, whose root the verifier has
        parts.append(perfect_subtrees(start, stop))
    return ProofPlan(tuple(reversed(parts)))


def verify_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash `leaf` is number `index` of the `size` leaves under `root` (RFC 9162 2.1.3.2).

    All hashes are 32 bytes. Raises ProofInvalid for anything else than exactly the one audit path.
    """
    _require_index(index, size)
    _require_hashes(leaf, root, *hashes)
    fn, sn, result = index, size - 1, leaf
    for sibling in hashes:
        if not sn:
            raise _wrong_length()
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            fn, sn = _up_past_right_edge(fn, sn)
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise _wrong_length()
    _require_root(result, root)


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, hashes: Sequence[bytes]) -> None:
    """Check that the tree under `new_root` begins with the tree under `old_root` (RFC 9162 section 2.1.4.2).

    All hashes are 32 bytes. For equal sizes the proof is empty and the roots are the same. Raises ProofInvalid for
    anything else than exactly the one proof, and when a size is zero: an empty tree proves nothing.
    """
    _require_sizes(old_size, new_size)
    _require_hashes(old_root, new_root, *hashes)
    if old_size == new_size:
        if hashes:
            raise _wrong_length()
        _require_root(old_root, new_root)
        return
    remaining: Iterator[bytes] = iter(hashes)
    # A power of two is a subtree of its own: its root heads the proof without being sent.
    seed = old_root if not old_size & (old_size - 1) else next(remaining, None)
    if seed is None:
        raise _wrong_length()
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_result = new_result = seed
    for sibling in remaining:
        if not sn:
            raise _wrong_length()
        if fn & 1 or fn == sn:
            old_result = node_hash(sibling, old_result)
            new_result = node_hash(sibling, new_result)
            fn, sn = _up_past_right_edge(fn, sn)
        else:
            new_result = node_hash(new_result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise _wrong_length()
    _require_root(old_result, old_root)
    _require_root(new_result, new_root)


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _up_past_right_edge(fn: int, sn: int) -> tuple[int, int]:
    """Climb the levels at which the node is the last, without a sibling: it is promoted there, not hashed."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofInvalid("The entry's index lies outside the tree. Ask for a proof against a head that holds it.")


def _require_sizes(old: int, new: int) -> None:
    if not 0 < old <= new:
        raise ProofInvalid("A consistency proof leads from a tree that is not empty to one that is not smaller.")


def _require_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofInvalid("A hash of the proof is not 32 bytes long. Fetch the proof again from the log.")


def _require_root(found: bytes, expected: bytes) -> None:
    if found != expected:
        raise ProofInvalid("The proof does not lead to the tree head's root: it belongs to another entry or tree.")


def _wrong_length() -> ProofInvalid:
    return ProofInvalid("The proof has too few or too many hashes for these sizes. Fetch it again from the log.")
