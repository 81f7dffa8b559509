"""Which keys sign: what the own bundle lets sign at that moment, of every suite one, and never one suite too few."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.trust import ISSUED, jurisdiction, key
from trust.algorithms import Suite
from trust.errors import BadKey
from trust.issuers import TrustedIssuer
from trust.keys import PrivateKey
from trust.signing import present_signers, valid_keys
from trust.vocabulary import SigningKeyInfo

P256 = Suite.ECDSA_P256_SHA256
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OLD, NEW, OTHER = key("old"), key("new"), key("other", P256)


def issuer(*infos: SigningKeyInfo) -> TrustedIssuer:
    return TrustedIssuer.of(replace(jurisdiction(key("old")), signing_keys=infos), ISSUED)


def info(signer: PrivateKey, **times: object) -> SigningKeyInfo:
    plain = SigningKeyInfo(signer.spki, signer.suite, ISSUED - DAY)
    return replace(plain, **times)  # type: ignore[arg-type]  # fields by name


def held(*signers: PrivateKey) -> dict[str, PrivateKey]:
    return {signer.key_id: signer for signer in signers}


ROTATING = issuer(info(OLD, retired_at=ISSUED + DAY), info(NEW, valid_from=ISSUED), info(OTHER))


def test_the_newer_key_takes_over_to_the_instant() -> None:
    keys = held(OLD, NEW, OTHER)
    assert present_signers(ROTATING, keys, ISSUED - SECOND) == (OTHER, OLD)
    assert present_signers(ROTATING, keys, ISSUED) == (OTHER, NEW)
    assert present_signers(ROTATING, keys, ISSUED + DAY) == (OTHER, NEW)


def test_the_older_key_goes_on_where_the_newer_is_not_here_until_it_is_retired() -> None:
    keys = held(OLD, OTHER)
    assert present_signers(ROTATING, keys, ISSUED) == (OTHER, OLD)
    with pytest.raises(BadKey, match="we sign with ed25519"):
        present_signers(ROTATING, keys, ISSUED + DAY)


def test_a_published_suite_whose_key_is_not_here_stops_everything() -> None:
    """A report without its second signature would be rejected by whoever demands both."""
    with pytest.raises(BadKey) as caught:
        present_signers(ROTATING, held(OLD, NEW), ISSUED)
    assert caught.value.reason == "KEY_NOT_HELD"
    assert "ecdsa-p256-sha256" in caught.value.message


def test_a_key_that_is_here_and_not_published_signs_nothing() -> None:
    assert present_signers(issuer(info(OLD)), held(OLD, key("stranger")), ISSUED) == (OLD,)
    with pytest.raises(BadKey):
        present_signers(issuer(info(OLD)), held(key("stranger")), ISSUED)


@pytest.mark.parametrize(
    "times",
    [
        {"retired_at": ISSUED},
        {"compromised_at": ISSUED - DAY},
        {"compromised_at": ISSUED + DAY},
        {"valid_from": ISSUED + SECOND},
    ],
)
def test_a_key_that_may_not_sign_does_not(times: dict[str, object]) -> None:
    with pytest.raises(BadKey) as caught:
        present_signers(issuer(info(OLD, **times)), held(OLD), ISSUED)
    assert caught.value.reason == "KEY_NOT_PUBLISHED"


def test_a_suite_of_a_later_version_is_not_ours_to_sign_with() -> None:
    own = issuer(info(OLD), replace(info(NEW), suite="a-later-suite"))
    assert present_signers(own, held(OLD, NEW), ISSUED) == (OLD,)


def test_valid_keys_come_latest_first() -> None:
    assert valid_keys(ROTATING, ISSUED)[0].key.key_id == NEW.key_id
    assert {known.key.key_id for known in valid_keys(ROTATING, ISSUED)} == {NEW.key_id, OLD.key_id, OTHER.key_id}
