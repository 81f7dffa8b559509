"""Enough holders of the old root and of the new one, each counted once, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import pytest

from node.registry.ceremony import RootChanges, next_root, next_targets
from node.registry.documents import RootDocument, read_root
from node.registry.signatures import (
    Quorum,
    holder_of,
    merge,
    missing,
    require_complete,
    require_own_quorum,
    sign,
)
from tests.registry.holders import DIVISIONS, EXPIRES, delegated, founded, new_keys, public, signed
from trust.algorithms import Suite
from trust.errors import MalformedInput, NotCanonical, SignatureInvalid
from trust.keys import PrivateKey, generate

HOLDERS = new_keys()
SHANXI, GUIZHOU, LANZHOU = (HOLDERS[division] for division in DIVISIONS)
FIRST = signed(founded(HOLDERS), [SHANXI, GUIZHOU])
NEW_GUIZHOU = generate(Suite.ED25519)
SECOND = next_root(FIRST, RootChanges(replace={"520000": NEW_GUIZHOU.public}), EXPIRES)
TARGETS = delegated(FIRST, new_keys())
STRANGER = generate(Suite.ED25519)


def test_the_first_root_is_signed_by_enough_of_its_holders() -> None:
    draft = replace(FIRST, signatures={})
    assert missing(draft, None).quorums == (Quorum("1.root.json", 2, (), DIVISIONS),)
    one = sign(draft, LANZHOU, None)
    state = missing(one, None)
    assert (state.complete, state.quorums[0].missing, state.wanted) == (False, 1, ("140000", "520000"))
    with pytest.raises(SignatureInvalid, match="1 of the 2 signatures") as caught:
        require_complete(one, None)
    assert caught.value.reason == "TOO_FEW_SIGNATURES"
    two = sign(one, SHANXI, None)
    assert (missing(two, None).complete, missing(two, None).wanted) == (True, ())
    require_complete(two, None)
    require_complete(sign(two, GUIZHOU, None), None)  # one more than needed does no harm


def test_a_holder_counts_once() -> None:
    one = sign(replace(FIRST, signatures={}), SHANXI, None)
    assert sign(one, SHANXI, None) is one
    assert missing(merge([one, one, one], None), None).quorums[0].missing == 1


def test_a_holder_counts_once_whose_suite_signs_differently_each_time() -> None:
    holders = {**HOLDERS, "620100": generate(Suite.ECDSA_P256_SHA256)}
    draft = founded(holders)
    one, other = sign(draft, holders["620100"], None), sign(draft, holders["620100"], None)
    assert one.signatures != other.signatures
    assert sign(one, holders["620100"], None) is one
    merged = merge([one, other], None)
    assert missing(merged, None).quorums[0].signed == ("620100",)


@pytest.mark.parametrize("signers", [[SHANXI, LANZHOU], [SHANXI, NEW_GUIZHOU, LANZHOU], [SHANXI, GUIZHOU, NEW_GUIZHOU]])
def test_the_next_root_is_signed_by_enough_of_old_and_new(signers: list[PrivateKey]) -> None:
    require_complete(signed(SECOND, signers, FIRST), FIRST)


@pytest.mark.parametrize(
    ("signers", "lacking"),
    [
        ([SHANXI, GUIZHOU], "2.root.json"),  # the old holders alone
        ([SHANXI, NEW_GUIZHOU], "1.root.json"),  # the new holders alone
        ([LANZHOU], "1.root.json"),
        ([], "1.root.json"),
        ([GUIZHOU, NEW_GUIZHOU], "1.root.json"),
    ],
)
def test_old_or_new_alone_is_not_enough(signers: list[PrivateKey], lacking: str) -> None:
    second = signed(SECOND, signers, FIRST)
    with pytest.raises(SignatureInvalid, match=f"signatures that {lacking} asks for"):
        require_complete(second, FIRST)


def test_who_is_wanted_shows_old_and_new() -> None:
    state = missing(sign(SECOND, SHANXI, FIRST), FIRST)
    assert [(each.root, each.signed, each.unsigned) for each in state.quorums] == [
        ("1.root.json", ("140000",), ("520000", "620100")),
        ("2.root.json", ("140000",), ("520000", "620100")),
    ]
    assert holder_of(SECOND, NEW_GUIZHOU.key_id, FIRST) == "520000" == holder_of(SECOND, GUIZHOU.key_id, FIRST)


def test_targets_are_signed_by_the_holders_of_the_root_in_force() -> None:
    one = sign(TARGETS, GUIZHOU, FIRST)
    with pytest.raises(SignatureInvalid, match=r"1\.root\.json asks for"):
        require_complete(one, FIRST)
    require_complete(sign(one, SHANXI, FIRST), FIRST)
    with pytest.raises(SignatureInvalid, match="no say"):
        sign(TARGETS, NEW_GUIZHOU, FIRST)
    require_complete(signed(next_targets(TARGETS, EXPIRES), [NEW_GUIZHOU, LANZHOU], SECOND), SECOND)


def test_a_signature_of_one_who_left_does_not_pass_under_the_new_root() -> None:
    with pytest.raises(SignatureInvalid) as caught:
        missing(sign(TARGETS, GUIZHOU, FIRST), SECOND)
    assert caught.value.reason == "NOT_A_HOLDER"


@pytest.mark.parametrize("key", [STRANGER, NEW_GUIZHOU], ids=["stranger", "holder of the next root"])
def test_nobody_else_signs(key: PrivateKey) -> None:
    with pytest.raises(SignatureInvalid, match=r"no say in 1\.root\.json") as caught:
        sign(replace(FIRST, signatures={}), key, None)
    assert caught.value.reason == "NOT_A_HOLDER"


def test_a_signature_by_nobody_who_has_a_say_is_not_carried_along() -> None:
    signature = STRANGER.sign(FIRST.payload).hex()
    with pytest.raises(SignatureInvalid, match=r"no holder's in 1\.root\.json"):
        missing(replace(FIRST, signatures={STRANGER.key_id: signature}), None)


def test_a_signature_of_other_content_is_refused_wherever_it_is_looked_at() -> None:
    """A document changed after it was signed, by whoever carried it."""
    changed = replace(FIRST, coordinator="520000")
    for look in (
        lambda: missing(changed, None),
        lambda: sign(changed, LANZHOU, None),
        lambda: merge([changed, changed], None),
        lambda: require_own_quorum(changed),
    ):
        with pytest.raises(SignatureInvalid, match="does not fit its content"):
            look()


class Faulty:
    """A signer whose device signs something else."""

    suite, key_id, spki = SHANXI.suite, SHANXI.key_id, SHANXI.spki

    def sign(self, message: bytes) -> bytes:
        return SHANXI.sign(message + b" ")


def test_a_faulty_signer_is_found_at_once() -> None:
    with pytest.raises(SignatureInvalid, match="does not fit"):
        sign(replace(FIRST, signatures={}), Faulty(), None)


@pytest.mark.parametrize("root", [None, SECOND, replace(FIRST, version=3)])
def test_a_root_is_judged_beside_the_one_before_it_alone(root: RootDocument | None) -> None:
    with pytest.raises(MalformedInput, match=r"1\.root\.json"):
        missing(SECOND, root)


def test_targets_are_not_judged_without_a_root() -> None:
    with pytest.raises(MalformedInput, match=r"N\.root\.json"):
        missing(TARGETS, None)


def test_a_root_without_its_forerunner_is_judged_by_its_own_holders() -> None:
    require_own_quorum(signed(SECOND, [GUIZHOU, NEW_GUIZHOU, LANZHOU], FIRST))
    with pytest.raises(SignatureInvalid, match="1 of the 2"):
        require_own_quorum(signed(SECOND, [GUIZHOU, LANZHOU], FIRST))


# Signatures collected at several offices


def test_signatures_come_together_in_any_order() -> None:
    alone = [sign(SECOND, key, FIRST) for key in (SHANXI, GUIZHOU, NEW_GUIZHOU, LANZHOU)]
    merged = {merge(list(order), FIRST).to_bytes() for order in permutations(alone)}
    assert len(merged) == 1
    together = read_root(merged.pop())
    require_complete(together, FIRST)
    assert len(together.signatures) == 4
    for pair in combinations(alone, 2):
        assert len(merge(list(pair), FIRST).signatures) == 2


def test_documents_that_differ_are_not_merged() -> None:
    other = sign(replace(SECOND, threshold=3), SHANXI, FIRST)
    with pytest.raises(NotCanonical, match="do not say the same") as caught:
        merge([sign(SECOND, LANZHOU, FIRST), other], FIRST)
    assert caught.value.reason == "NOT_THE_SAME"


def test_public_halves_alone_found_a_root() -> None:
    assert founded(HOLDERS).holders == public(HOLDERS)
