"""Proof that one log has two histories: two signed heads that cannot both be honest, for anybody to check.

Two heads of one size need nothing else. For two sizes the root of the larger log at the smaller size is stated and
proven by a consistency proof (RFC 9162 section 2.1.4) from there to the larger head: where it differs from the root
that the smaller head signs, both were signed by one log and neither continues the other. No tool of ours is needed for
that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust.algorithms import PublicKey
from trust.errors import ProofInvalid
from trust.log.checkpoint import SignedHead, open_checkpoint, with_lines_of
from trust.log.proofs import verify_consistency

MAX_HASHES = 64
"""More than a consistency proof between any two trees has that a head can name."""


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two notes of one log, smaller head first; `root` (32 bytes) is that of the second one's log at the first's size.

    `consistency` leads from there to the second head, 32 bytes each, and is empty for equal sizes.
    """

    first: str
    second: str
    root: bytes
    consistency: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A proof that was verified: both heads, smaller first, with the cosigners that are known here."""

    first: SignedHead
    second: SignedHead


def open_fork(proof: ForkProof, head_key: PublicKey, origin: str, cosigners: Mapping[str, PublicKey]) -> Fork:
    """Check a proof under the log's key. Lines of cosigners that are not given say nothing and are left out.

    Raises CheckpointInvalid when a note is not signed by the log, ProofInvalid when the two heads can be honest.
    """
    first, second = (
        open_checkpoint(with_lines_of(text, cosigners), head_key, origin, cosigners)
        for text in (proof.first, proof.second)
    )
    if len(proof.consistency) > MAX_HASHES:
        raise ProofInvalid("The proof of two histories has more hashes than any. Fetch it again.")
    verify_consistency(first.size, proof.root, second.size, second.root, proof.consistency)
    if proof.root == first.root:
        raise ProofInvalid("The two heads continue each other: they prove nothing against the log.")
    return Fork(first, second)
