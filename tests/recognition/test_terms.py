"""What one trust certificate says otherwise than another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from node.recognition.terms import TermChange, lasting, term_changes, terms_of
from tests.recognition.cases import ISSUED
from trust.vocabulary import RecognitionScope, SuitePolicy, TrustCertificate

CERTIFICATE = TrustCertificate(
    recogniser="520000",
    issuer="140000",
    scope=RecognitionScope(("MK01", "EC07"), ("severe_dishonesty_list",), ("tender",)),
    reviewed_catalogues=(b"\1" * 32,),
    reviewed_crosswalks=(b"\2" * 32,),
    accepted_caveats=("SINCE_ASSUMED",),
    suites=SuitePolicy(any_of=("ed25519",)),
    witness_quorum=0,
    max_trust_state_age_seconds=30 * 86_400,
    max_log_view_age_seconds=43_200,
    valid_from=ISSUED,
    valid_until=ISSUED + timedelta(days=360),
    legal_basis=("互认协议（合成）",),
    issued_at=ISSUED,
)


def named(digest: bytes) -> str:
    return digest.hex()[:2]


def changed(**fields: object) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    found = term_changes(CERTIFICATE, replace(CERTIFICATE, **fields), named)  # type: ignore[arg-type]
    return {change.term: (change.removed, change.added) for change in found}


def test_every_term_that_differs_is_told_and_no_other() -> None:
    assert changed() == {}
    assert changed(scope=replace(CERTIFICATE.scope, leaves=("EC07", "FN01"))) == {"leaves": (("MK01",), ("FN01",))}
    assert changed(suites=SuitePolicy(("sm2-sm3",), ())) == {
        "required_suites": ((), ("sm2-sm3",)),
        "suites": (("ed25519",), ()),
    }
    assert changed(max_log_view_age_seconds=60) == {"max_log_view_age": (("12 hours",), ("1 minute",))}
    assert changed(reviewed_catalogues=(b"\3" * 32,)) == {"reviewed_catalogues": (("01",), ("03",))}
    assert list(changed(valid_until=ISSUED + timedelta(days=90), legal_basis=())) == ["valid_until", "legal_basis"]
    assert changed(witness_quorum=2) == {"witness_quorum": (("0",), ("2",))}


def test_order_and_the_moment_of_signing_are_no_change() -> None:
    later = ISSUED + timedelta(days=1)
    assert changed(scope=replace(CERTIFICATE.scope, leaves=("EC07", "MK01")), issued_at=later, valid_from=later) == {}


def test_the_first_certificate_says_everything_anew() -> None:
    changes = term_changes(None, CERTIFICATE, named)
    said = {term: items for term, items in terms_of(CERTIFICATE, named).items() if items and term != "valid_from"}
    assert {change.term: change.added for change in changes} == said
    assert TermChange("leaves", (), ("MK01", "EC07")) in changes


def test_a_length_of_time_is_said_in_the_largest_unit_that_fits() -> None:
    assert [lasting(seconds) for seconds in (86_400, 172_800, 5_400, 61)] == [
        "1 day",
        "2 days",
        "90 minutes",
        "61 seconds",
    ]
