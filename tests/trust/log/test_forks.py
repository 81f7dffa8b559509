"""Two signed heads that cannot both be honest, as anybody can check them (R184; RFC 9162 section 2.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.trust import key
from trust.errors import CheckpointInvalid, ProofInvalid
from trust.log import checkpoint
from trust.log.forks import MAX_HASHES, ForkProof, open_fork
from trust.log.proofs import consistency_plan
from trust.log.tree import leaf_hash, root_of

ORIGIN = "huxin/140000"
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ONE = [b"%d" % number for number in range(11)]
OTHER = [*ONE[:4], *(b"other %d" % number for number in range(4, 11))]


def note(entries: Sequence[bytes], *cosigners: str, head: str = "head", origin: str = ORIGIN) -> str:
    text = checkpoint.sign_head(origin, len(entries), root(entries), key(head))
    for name in cosigners:
        text = checkpoint.cosign(text, name, key(name), AT)
    return text


def root(entries: Sequence[bytes]) -> bytes:
    return root_of([leaf_hash(entry) for entry in entries])


def consistency(entries: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    leaves = [leaf_hash(entry) for entry in entries]
    plan = consistency_plan(old, len(entries))
    return plan.fold({s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees})


def proof(first: Sequence[bytes], second: Sequence[bytes]) -> ForkProof:
    size = len(first)
    return ForkProof(note(first), note(second), root(second[:size]), consistency(second, size))


def opened(found: ForkProof) -> tuple[int, int]:
    fork = open_fork(found, key("head").public, ORIGIN, {"huxin/520000/node": key("huxin/520000/node").public})
    return fork.first.size, fork.second.size


@pytest.mark.parametrize(("first", "second"), [(5, 5), (5, 6), (7, 11), (8, 11), (11, 11)])
def test_two_histories_are_proven(first: int, second: int) -> None:
    assert opened(proof(OTHER[:first], ONE[:second])) == (first, second)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 11), (4, 8), (11, 11)])
def test_one_history_proves_nothing(first: int, second: int) -> None:
    with pytest.raises(ProofInvalid, match="continue each other"):
        opened(proof(ONE[:first], ONE[:second]))


def test_nobody_but_the_log_makes_evidence_against_it() -> None:
    genuine = proof(OTHER[:7], ONE)
    for forged in (
        replace(genuine, first=note(OTHER[:7], head="another")),
        replace(genuine, second=note(ONE, head="another")),
        replace(genuine, first=note(OTHER[:7], origin="huxin/520000")),
    ):
        with pytest.raises(CheckpointInvalid):
            opened(forged)


def test_a_root_that_the_larger_head_does_not_continue_proves_nothing() -> None:
    """Else whoever holds one head could invent a root and accuse the log."""
    honest = proof(ONE[:7], ONE)
    for forged in (
        replace(honest, root=bytes(32)),
        replace(honest, root=b""),
        replace(honest, consistency=()),
        replace(honest, consistency=(bytes(32),) * len(honest.consistency)),
        replace(honest, first=honest.second, second=honest.first),
        replace(proof(OTHER[:5], ONE[:5]), root=bytes(32)),
    ):
        with pytest.raises(ProofInvalid):
            opened(forged)
    with pytest.raises(ProofInvalid, match="more hashes than any"):
        opened(replace(honest, consistency=(bytes(32),) * (MAX_HASHES + 1)))


def test_lines_of_cosigners_unknown_here_spoil_no_evidence() -> None:
    known, unknown = "huxin/520000/node", "huxin/999999/node"
    text = note(OTHER[:7], known, unknown)
    with pytest.raises(CheckpointInvalid):
        checkpoint.open_checkpoint(text, key("head").public, ORIGIN, {known: key(known).public})
    fork = open_fork(replace(proof(OTHER[:7], ONE), first=text), key("head").public, ORIGIN, {known: key(known).public})
    assert dict(fork.first.cosigners) == {known: AT}


def test_a_line_of_a_known_cosigner_must_verify() -> None:
    known = "huxin/520000/node"
    with pytest.raises(CheckpointInvalid):
        open_fork(
            replace(proof(OTHER[:7], ONE), first=note(OTHER[:7], known)),
            key("head").public,
            ORIGIN,
            {known: key("another").public},
        )
