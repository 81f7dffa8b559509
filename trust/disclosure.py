"""Salted section tree: show some sections of a report, prove them against its signed root, hide the rest.

The tree is that of RFC 9162 section 2.1.1 over salted leaves. What is hidden (R191) stays countable, since the number
of sections is signed, but unreadable: each leaf has 32 random bytes of its own, so that nobody can try values. Salts
come in as arguments; whoever issues draws them, fresh for every section, commitment and digest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise

from trust.errors import MalformedInput, ProofInvalid
from trust.log.tree import HASH_BYTES, node_hash, root_of

SALT_BYTES = 32

_SUBJECT_PREFIX = b"huxin/subject/v1"
_REPORT_PREFIX = b"huxin/report/v1"


def section_leaves(salts: Sequence[bytes], sections: Sequence[bytes]) -> list[bytes]:
    """SHA-256(0x00 || salt || section) of each pair, 32 bytes each.

    Raises MalformedInput unless every section has its salt of 32 bytes.
    """
    if len(salts) != len(sections) or not _all_long(salts, SALT_BYTES):
        raise MalformedInput("every shown section has its salt of 32 bytes: ask for the report again")
    return [sha256(b"\x00" + salt + section).digest() for salt, section in zip(salts, sections, strict=True)]


def commitment(salt: bytes, id_type: str, normalised_id: str) -> bytes:
    """SHA-256("huxin/subject/v1" || salt || id type || id), 32 bytes: names the subject to whoever holds the salt.

    `id_type` is the closed code of the register (`uscc`), `normalised_id` the identifier in its one form, both UTF-8.
    Raises MalformedInput unless the salt has 32 bytes.
    """
    _require_salt(salt)
    return sha256(_SUBJECT_PREFIX + salt + id_type.encode() + normalised_id.encode()).digest()


def report_digest(salt: bytes, report: bytes) -> bytes:
    """SHA-256("huxin/report/v1" || salt || report), 32 bytes. Raises MalformedInput unless the salt has 32 bytes."""
    _require_salt(salt)
    return sha256(_REPORT_PREFIX + salt + report).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Root over all section leaves, 32 bytes. Raises ProofInvalid when there is none or one is not 32 bytes long."""
    if not leaves:
        raise ProofInvalid("A report has at least its summary section. Take the sections from the report itself.")
    _require_hashes(leaves)
    return root_of(leaves)


def disclose(leaves: Sequence[bytes], positions: Sequence[int]) -> list[bytes]:
    """The complement: roots of the largest subtrees that hold no shown section, left to right, 32 bytes each.

    `leaves` are all section leaves, `positions` the shown ones, strictly rising. Raises ProofInvalid when they are not.
    """
    _require_hashes(leaves)
    _require_positions(len(leaves), positions)
    return [root_of(leaves[start:stop]) for start, stop in _hidden(positions, 0, len(leaves))]


def disclosed_root(count: int, positions: Sequence[int], leaves: Sequence[bytes], complement: Sequence[bytes]) -> bytes:
    """Root of the tree of `count` sections, 32 bytes, from the shown leaves and the complement of the hidden ones.

    Work is bounded by the number of positions times the depth of the tree, whatever `count` claims. Raises
    ProofInvalid when positions are not strictly rising within the count, a length is wrong, or the complement has
    more or fewer hashes than these positions leave open. The caller compares the root with the signed one.
    """
    _require_positions(count, positions)
    if len(leaves) != len(positions):
        raise ProofInvalid("Sections and positions differ in number. Ask the holder to hand over the report again.")
    _require_hashes(leaves)
    _require_hashes(complement)
    if len(positions) == count and not complement:
        return root_of(leaves)
    remaining = iter(complement)
    root = _range_root(positions, leaves, remaining, (0, count), (0, len(positions)))
    if next(remaining, None) is not None:
        raise _wrong_complement()
    return root


def _range_root(
    positions: Sequence[int],
    leaves: Sequence[bytes],
    remaining: Iterator[bytes],
    sections: tuple[int, int],
    shown: tuple[int, int],
) -> bytes:
    """Root over the sections [start, stop), of which positions[first:last] are shown.

    Depth of recursion is the depth of the tree: 32 for the largest count.
    """
    (start, stop), (first, last) = sections, shown
    if first == last:
        hidden = next(remaining, None)
        if hidden is None:
            raise _wrong_complement()
        return hidden
    if last - first == stop - start:
        return leaves[first] if last - first == 1 else root_of(leaves[first:last])
    middle = _middle(start, stop)
    between = bisect_left(positions, middle, first, last)
    left = _range_root(positions, leaves, remaining, (start, middle), (first, between))
    return node_hash(left, _range_root(positions, leaves, remaining, (middle, stop), (between, last)))


def _hidden(positions: Sequence[int], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The largest subtrees without a shown section, as ranges, left to right: the order `_range_root` reads them in."""
    at = bisect_left(positions, start)
    if at == len(positions) or positions[at] >= stop:
        yield start, stop
    elif stop - start > 1:
        middle = _middle(start, stop)
        yield from _hidden(positions, start, middle)
        yield from _hidden(positions, middle, stop)


def _middle(start: int, stop: int) -> int:
    """Where RFC 9162 splits a range: the largest power of two below its length."""
    return start + (1 << ((stop - start - 1).bit_length() - 1))


def _require_salt(salt: bytes) -> None:
    if len(salt) != SALT_BYTES:
        raise MalformedInput("A salt has exactly 32 random bytes. Hand over the salt that came with the report.")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if not _all_long(hashes, HASH_BYTES):
        raise ProofInvalid("A hash of the section tree is not 32 bytes long. Ask for the report again.")


def _all_long(values: Sequence[bytes], size: int) -> bool:
    """Whether all values have that many bytes; in one pass of C code, for reports have a hundred sections."""
    return {size}.issuperset(map(len, values))


def _require_positions(count: int, positions: Sequence[int]) -> None:
    rising = all(before < after for before, after in pairwise(positions))
    if not positions or not rising or positions[0] < 0 or positions[-1] >= count:
        raise ProofInvalid("Shown sections are told by rising positions inside the tree. Ask for the report again.")


def _wrong_complement() -> ProofInvalid:
    return ProofInvalid("The hashes of the hidden sections are too few or too many. Ask for the report again.")
