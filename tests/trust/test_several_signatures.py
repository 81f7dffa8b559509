"""Several signatures on one statement: which suites must have signed is ours to say, and nothing lowers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.support.encoding import chunks, inside, joined
from tests.support.trust import (
    NOW,
    World,
    attestation_of,
    complete,
    conditions,
    jurisdiction,
    key,
    salt,
    sections_of,
)
from trust.algorithms import Suite
from trust.bundle import encode_bundle
from trust.envelope import MAX_SIGNATURES, Envelope, Signature, pae, seal
from trust.errors import NotCanonical, UnknownSuite
from trust.issuers import Conditions, TrustedIssuer, open_jurisdiction_bundle
from trust.keys import PrivateKey
from trust.outcome import StepStatus
from trust.statements import (
    ATTESTATION,
    JURISDICTION_BUNDLE,
    encode_attestation,
    encode_envelope,
    encode_jurisdiction_bundle,
)

PASS, FAIL, UNDECIDED = StepStatus.PASS, StepStatus.FAIL, StepStatus.UNDECIDED
SECTIONS = sections_of(2)
ED, P256, SM2, ML = (key(suite.value, suite) for suite in Suite)
ALL = (ED, P256, SM2, ML)
ENVELOPE, SIGNATURE = 1 << 3 | 2, 3 << 3 | 2
MISSING = "no-such-library.so.3"


def statement() -> bytes:
    return encode_attestation(attestation_of(SECTIONS))


def signed_by(signers: Sequence[PrivateKey], terms: Conditions, libcrypto: str = "libcrypto.so.3") -> World:
    """A statement by these keys, all four of which the issuer publishes, logged as it is."""
    world = around(seal(ATTESTATION, statement(), signers), terms)
    return replace(world, trusted=TrustedIssuer.of(jurisdiction(*ALL), NOW, libcrypto=libcrypto))


def around(envelope: Envelope, terms: Conditions) -> World:
    return replace(World.around(envelope, SECTIONS, None, True, ALL), terms=terms)


def step(world: World, number: int) -> tuple[StepStatus, str]:
    """Of a world whose report must not be verified."""
    examination = world.verify()
    assert examination.verified is None
    outcome = examination.outcomes[number - 1]
    return outcome.status, outcome.reason


def required(*signers: PrivateKey) -> Conditions:
    return conditions(all_of=frozenset(signer.suite.value for signer in signers))


def one_of(*signers: PrivateKey) -> Conditions:
    return conditions(all_of=frozenset(), any_of=frozenset(signer.suite.value for signer in signers))


@pytest.mark.parametrize("signer", ALL, ids=lambda signer: signer.suite)
def test_each_suite_alone_is_enough_where_it_is_required(signer: PrivateKey) -> None:
    assert signed_by([signer], required(signer)).verify().verified is not None


def test_four_suites_at_once() -> None:
    assert signed_by(ALL, required(*ALL)).verify().verified is not None


@pytest.mark.parametrize("stripped", ALL, ids=lambda signer: signer.suite)
def test_a_required_signature_that_was_stripped_is_missed(stripped: PrivateKey) -> None:
    """Even where the log holds the stripped statement."""
    world = signed_by([signer for signer in ALL if signer is not stripped], required(*ALL))
    assert step(world, 5) == (FAIL, "SUITE_MISSING")
    assert [outcome.number for outcome in world.verify().outcomes if outcome.status is FAIL] == [5]


@pytest.mark.parametrize("signer", ALL, ids=lambda signer: signer.suite)
def test_no_other_suite_stands_in_for_the_required_one(signer: PrivateKey) -> None:
    others = [other for other in ALL if other is not signer]
    assert step(signed_by(others, required(signer)), 5) == (FAIL, "SUITE_MISSING")
    assert step(signed_by(others, one_of(signer)), 5) == (FAIL, "SUITE_MISSING")


def test_two_keys_of_a_suite_do_not_make_up_for_another() -> None:
    second = key("second")
    world = signed_by([ED, second], required(ED, SM2))
    world = replace(world, trusted=TrustedIssuer.of(jurisdiction(*ALL, second), NOW))
    assert step(world, 5) == (FAIL, "SUITE_MISSING")


def test_all_of_and_any_of_both_count() -> None:
    both = replace(required(SM2), any_of=frozenset({"ed25519", "ml-dsa-65"}))
    assert signed_by([SM2, ML], both).verify().verified is not None
    assert step(signed_by([SM2], both), 5) == (FAIL, "SUITE_MISSING")
    assert step(signed_by([SM2, P256], both), 5) == (FAIL, "SUITE_MISSING")
    assert step(signed_by([ED, ML], both), 5) == (FAIL, "SUITE_MISSING")


@pytest.mark.parametrize("spoilt", ALL, ids=lambda signer: signer.suite)
def test_one_bad_signature_spoils_the_others(spoilt: PrivateKey) -> None:
    """Even of a suite that is not required, or its bytes could be changed without anyone noticing."""
    good = seal(ATTESTATION, statement(), ALL)
    other = spoilt.sign(pae(ATTESTATION, statement() + b"."))
    signatures = tuple(replace(each, sig=other) if each.key_id == spoilt.key_id else each for each in good.signatures)
    world = around(replace(good, signatures=signatures), one_of(*ALL))
    assert step(world, 5) == (FAIL, "SIGNATURE_INVALID")


def test_a_signature_under_the_key_of_another_suite_is_refused() -> None:
    swapped = Signature(SM2.key_id, P256.sign(pae(ATTESTATION, statement())))
    assert step(around(Envelope(ATTESTATION, statement(), (swapped,)), required(SM2)), 5) == (FAIL, "SIGNATURE_INVALID")


# Where this machine has no SM2


@pytest.mark.parametrize("terms", [required(ED), one_of(ED), one_of(*ALL)])
def test_a_signature_that_cannot_be_checked_beside_a_good_one_is_undecided(terms: Conditions) -> None:
    world = signed_by([ED, SM2], terms, MISSING)
    assert step(world, 4) == (UNDECIDED, "UNKNOWN_SUITE")
    assert step(world, 5) == (UNDECIDED, "UNKNOWN_SUITE")
    assert world.verify().examined is None


def test_it_does_not_excuse_a_bad_signature_beside_it() -> None:
    good = seal(ATTESTATION, statement(), [ED, SM2])
    other = ED.sign(b"something else")
    signatures = tuple(replace(each, sig=other) if each.key_id == ED.key_id else each for each in good.signatures)
    world = around(replace(good, signatures=signatures), one_of(*ALL))
    world = replace(world, trusted=TrustedIssuer.of(jurisdiction(*ALL), NOW, libcrypto=MISSING))
    assert step(world, 5) == (FAIL, "SIGNATURE_INVALID")


def test_what_it_alone_signed_is_undecided_and_others_are_judged() -> None:
    assert step(signed_by([SM2], required(SM2), MISSING), 5) == (UNDECIDED, "UNKNOWN_SUITE")
    assert step(signed_by([ED], required(SM2), MISSING), 5) == (FAIL, "SUITE_MISSING")
    assert signed_by([ED], required(ED), MISSING).verify().verified is not None


@pytest.mark.parametrize("signers", [(SM2,), (ED, SM2)])
def test_a_bundle_that_cannot_be_checked_whole_is_not_believed(signers: tuple[PrivateKey, ...]) -> None:
    payload = encode_jurisdiction_bundle(jurisdiction(ED, SM2))
    data = encode_envelope(seal(JURISDICTION_BUNDLE, payload, signers))
    assert open_jurisdiction_bundle(data).division == "140000"
    with pytest.raises(UnknownSuite):
        open_jurisdiction_bundle(data, MISSING)


def test_a_bundle_signed_by_a_key_that_can_be_checked_may_name_one_that_cannot() -> None:
    payload = encode_jurisdiction_bundle(jurisdiction(ED, SM2))
    bundle = open_jurisdiction_bundle(encode_envelope(seal(JURISDICTION_BUNDLE, payload, [ED])), MISSING)
    assert TrustedIssuer.of(bundle, NOW, libcrypto=MISSING).unsupported == {SM2.key_id}


def test_an_issuer_whose_bundle_cannot_be_checked_is_undecided_not_unknown() -> None:
    world = replace(signed_by([SM2], required(SM2)), trusted=None)
    assert step(world, 3) == (FAIL, "ISSUER_UNKNOWN")
    assert step(replace(world, unchecked=True), 3) == (UNDECIDED, "ISSUER_UNCHECKED")


# Form


def test_one_key_signs_once_and_signatures_have_one_order() -> None:
    sealed = seal(ATTESTATION, statement(), ALL)
    first, second, *_ = sealed.signatures
    for signatures in ((first, first), (second, first)):
        with pytest.raises(NotCanonical):
            Envelope(ATTESTATION, statement(), signatures)
    world = around(sealed, required(*ALL))
    fields = chunks(encode_envelope(sealed))
    *head, a, b, c, d = fields
    assert {tag for tag, _ in (a, b, c, d)} == {SIGNATURE}
    for order in ([b, a, c, d], [a, b, d, c], [a, a, b, c, d], [a, b, c, d, d], [d, c, b, a]):
        changed = inside(world.bundle, ENVELOPE, lambda _, order=order: joined([*head, *order]))  # type: ignore[misc]
        examination = world.verify(changed)
        assert (examination.outcomes[0].reason, examination.verified) == ("NOT_CANONICAL", None)


def test_as_many_long_signatures_as_an_envelope_carries_fit_everywhere() -> None:
    signers = [key(f"ml-dsa {number}", Suite.ML_DSA_65) for number in range(MAX_SIGNATURES)]
    envelope = seal(ATTESTATION, statement(), signers)
    data = encode_bundle(encode_envelope(envelope), salt("subject"), complete(SECTIONS), salt("report"))
    assert len(data) > MAX_SIGNATURES * 3_309
    world = World.around(envelope, SECTIONS, None, True, tuple(signers))
    assert replace(world, terms=required(ML)).verify().verified is not None
