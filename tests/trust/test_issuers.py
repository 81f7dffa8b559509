from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.support.trust import ISSUED, NOW, jurisdiction, key
from tests.trust.test_statements import CERTIFICATE, STATUS
from trust.algorithms import Suite
from trust.envelope import seal
from trust.errors import BadKey, MalformedInput, SignatureInvalid, StepFailed, StepUndecided, TrustError
from trust.issuers import (
    Conditions,
    TrustedIssuer,
    TrustedKey,
    open_jurisdiction_bundle,
    open_lapsed_certificate,
    open_status_change,
    open_trust_certificate,
)
from trust.keys import PrivateKey
from trust.statements import (
    JURISDICTION_BUNDLE,
    STATUS_CHANGE,
    TRUST_CERTIFICATE,
    encode_envelope,
    encode_jurisdiction_bundle,
    encode_status_change,
    encode_trust_certificate,
)
from trust.vocabulary import JurisdictionBundle, LogKeys, TrustCertificate

HOUR = timedelta(hours=1)
T = ISSUED
OWN = jurisdiction(key("signing"))
SHANXI = TrustedIssuer.of(OWN, NOW)


@pytest.mark.parametrize(
    ("valid_from", "retired", "compromised", "reason"),
    [
        (T, None, None, ""),
        (T - HOUR, T + HOUR, None, ""),
        (T + timedelta(microseconds=1), None, None, "KEY_NOT_YET_VALID"),
        (T - HOUR, T, None, "KEY_RETIRED"),
        (T - HOUR, T - HOUR, None, "KEY_RETIRED"),
        (T - HOUR, T + timedelta(microseconds=1), None, ""),
        (T - HOUR, None, T, "KEY_COMPROMISED"),
        (T - HOUR, None, T - HOUR, "KEY_COMPROMISED"),
        (T - HOUR, T - HOUR, T - HOUR, "KEY_COMPROMISED"),
        (T - HOUR, None, T + timedelta(microseconds=1), "KEY_COMPROMISED_SINCE"),
        (T - HOUR, T + HOUR, T + HOUR, "KEY_COMPROMISED_SINCE"),
        (T - HOUR, T, T + HOUR, "KEY_RETIRED"),
        (T + HOUR, None, T + 2 * HOUR, "KEY_NOT_YET_VALID"),
    ],
)
def test_when_a_key_counts(
    valid_from: datetime, retired: datetime | None, compromised: datetime | None, reason: str
) -> None:
    """Retired: earlier signatures stay valid. Compromised: later ones fail, older ones are undecided."""
    trusted = TrustedKey(key("signing").public, valid_from, retired, compromised)
    if not reason:
        trusted.require_valid(T)
        return
    expected = StepUndecided if reason == "KEY_COMPROMISED_SINCE" else StepFailed
    with pytest.raises(expected) as caught:
        trusted.require_valid(T)
    assert caught.value.reason == reason


def sealed_bundle(bundle: JurisdictionBundle, *signers: PrivateKey) -> bytes:
    return encode_envelope(seal(JURISDICTION_BUNDLE, encode_jurisdiction_bundle(bundle), signers))


def test_a_bundle_is_signed_by_keys_that_it_lists() -> None:
    assert open_jurisdiction_bundle(sealed_bundle(OWN, key("signing"))) == OWN
    with pytest.raises(SignatureInvalid):
        open_jurisdiction_bundle(sealed_bundle(OWN, key("other")))
    with pytest.raises(SignatureInvalid):
        open_jurisdiction_bundle(sealed_bundle(OWN, key("signing"), key("other")))
    early = replace(OWN, issued_at=OWN.signing_keys[0].valid_from - HOUR)
    with pytest.raises(StepFailed):
        open_jurisdiction_bundle(sealed_bundle(early, key("signing")))


def test_a_key_of_an_unknown_suite_does_not_spoil_the_others() -> None:
    newer = replace(OWN.signing_keys[0], spki=b"synthetic key of a later suite", suite="lms-sha256-h10")
    trusted = TrustedIssuer.of(replace(OWN, signing_keys=(*OWN.signing_keys, newer)), NOW)
    assert set(trusted.keys) == {key("signing").key_id}
    assert len(trusted.unsupported) == 1


def test_keys_must_fit_what_is_said_of_them() -> None:
    wrong = replace(OWN.signing_keys[0], suite="ecdsa-p256-sha256")
    with pytest.raises(BadKey):
        TrustedIssuer.of(replace(OWN, signing_keys=(wrong,)), NOW)
    p256 = key("p256", Suite.ECDSA_P256_SHA256).spki
    with pytest.raises(BadKey):
        TrustedIssuer.of(replace(OWN, log=LogKeys(OWN.log.origin, p256, key("cosigner").spki)), NOW)


def test_remembered_heads_depend_on_every_log_key() -> None:
    others = [
        replace(OWN, log=replace(OWN.log, origin="huxin/140000/2")),
        replace(OWN, log=replace(OWN.log, head_spki=key("other").spki)),
        replace(OWN, log=replace(OWN.log, cosigner_spki=key("other").spki)),
    ]
    digests = {TrustedIssuer.of(bundle, NOW).log_keys_digest for bundle in [OWN, *others]}
    digests.add(TrustedIssuer.of(OWN, NOW, {"huxin/520000/node": key("other").public}).log_keys_digest)
    assert len(digests) == 5
    assert TrustedIssuer.of(OWN, NOW + HOUR).log_keys_digest in digests


def test_a_certificate_is_signed_by_the_recogniser_it_names() -> None:
    def sealed(certificate: TrustCertificate, signer: PrivateKey) -> bytes:
        return encode_envelope(seal(TRUST_CERTIFICATE, encode_trust_certificate(certificate), [signer]))

    own = replace(CERTIFICATE, recogniser="140000", issuer="520000")
    assert open_trust_certificate(sealed(own, key("signing")), SHANXI) == own
    for certificate, signer, reason in (
        (CERTIFICATE, key("signing"), "ISSUER_MISMATCH"),
        (own, key("other"), "KEY_UNKNOWN"),
    ):
        with pytest.raises(SignatureInvalid) as caught:
            open_trust_certificate(sealed(certificate, signer), SHANXI)
        assert caught.value.reason == reason


def _with_key(
    trusted: TrustedIssuer, retired_at: datetime | None = None, compromised_at: datetime | None = None
) -> TrustedIssuer:
    """The same issuer, whose signing key has these times."""
    known = trusted.keys[key("signing").key_id]
    ended = replace(known, retired_at=retired_at, compromised_at=compromised_at)
    return replace(trusted, keys={**trusted.keys, known.key.key_id: ended})


def test_what_a_lost_key_signed_is_read_as_terms_alone() -> None:
    own = replace(CERTIFICATE, recogniser="140000", issuer="520000")
    data = encode_envelope(seal(TRUST_CERTIFICATE, encode_trust_certificate(own), [key("signing")]))
    for since in (own.issued_at - HOUR, own.issued_at + HOUR):
        lost = _with_key(SHANXI, compromised_at=since)
        with pytest.raises((StepFailed, StepUndecided)):
            open_trust_certificate(data, lost)
        assert open_lapsed_certificate(data, lost) == own
        with pytest.raises(StepFailed):  # what else speaks against it still does
            open_lapsed_certificate(data, _with_key(lost, own.issued_at, since))
    strange = encode_envelope(seal(TRUST_CERTIFICATE, encode_trust_certificate(own), [key("other")]))
    with pytest.raises(SignatureInvalid):
        open_lapsed_certificate(strange, _with_key(SHANXI, compromised_at=own.issued_at))


def test_what_to_do_about_a_key_that_may_not_have_signed_depends_on_what_it_signed() -> None:
    """Nobody asks for a new report when it is a trust certificate, a bundle or a status that does not count."""
    own = replace(CERTIFICATE, recogniser="140000", issuer="520000")
    retired = _with_key(SHANXI, retired_at=T - HOUR)
    ended = replace(OWN, signing_keys=(replace(OWN.signing_keys[0], retired_at=OWN.issued_at),))
    cases: list[tuple[str, Callable[[], object]]] = [
        ("new report", lambda: retired.keys[key("signing").key_id].require_valid(T)),
        (
            "sign it again",
            lambda: open_trust_certificate(
                encode_envelope(seal(TRUST_CERTIFICATE, encode_trust_certificate(own), [key("signing")])), retired
            ),
        ),
        ("new bundle", lambda: open_jurisdiction_bundle(sealed_bundle(ended, key("signing")))),
        (
            "publish the change again",
            lambda: open_status_change(
                encode_envelope(seal(STATUS_CHANGE, encode_status_change(STATUS), [key("signing")])),
                _with_key(SHANXI, retired_at=STATUS.issued_at),
            ),
        ),
    ]
    for advice, opened in cases:
        with pytest.raises(StepFailed) as caught:
            opened()
        assert (advice in caught.value.message, caught.value.reason) == (True, "KEY_RETIRED")
        assert ("report" in caught.value.message) is (advice == "new report")


def test_a_status_is_changed_by_the_issuer_only() -> None:
    def sealed(issuer: str, signer: PrivateKey, payload_type: str = STATUS_CHANGE) -> bytes:
        payload = encode_status_change(replace(STATUS, issuer=issuer))
        return encode_envelope(seal(payload_type, payload, [signer]))

    assert open_status_change(sealed("140000", key("signing")), SHANXI) == STATUS
    cases: list[tuple[bytes, type[TrustError]]] = [
        (sealed("520000", key("signing")), SignatureInvalid),
        (sealed("140000", key("other")), SignatureInvalid),
        (sealed("140000", key("signing"), TRUST_CERTIFICATE), MalformedInput),
    ]
    for data, error in cases:
        with pytest.raises(error):
            open_status_change(data, SHANXI)


def test_conditions_are_those_of_the_certificate() -> None:
    terms = Conditions.of(CERTIFICATE)
    assert terms.all_of == {"ed25519"}
    assert terms.any_of == {"sm2-sm3", "ml-dsa-65"}
    assert (terms.witness_quorum, terms.max_trust_state_age, terms.max_log_view_age) == (2, 24 * HOUR, HOUR)
