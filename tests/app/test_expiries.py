"""What ends, soonest first, and without what was replaced: an alarm that nobody can act on is soon ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from node.app import trusting
from node.app.expiries import advice, expiries
from node.model.expiry import Expiry, ExpiryKind
from node.registry.directory import TrustedState
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite, key_id_of
from trust.keys import generate
from trust.vocabulary import JurisdictionBundle, SigningKeyInfo

DAY = timedelta(days=1)


def days(count: float) -> datetime:
    return THE_DAY + count * DAY


def with_own(one: TestJurisdiction, **changes: object) -> TrustedState:
    """The jurisdiction's trusted state with another own bundle, as it would be read from a directory."""
    state = trusting.trusted_state(one.settings)
    bundle: JurisdictionBundle = replace(state.own.bundle, **changes)  # type: ignore[arg-type]
    own = replace(state.own, bundle=bundle)
    return replace(state, own=own, jurisdictions={**state.jurisdictions, bundle.division: own})


def told(state: TrustedState, kind: ExpiryKind, now: datetime = THE_DAY) -> list[tuple[str, datetime]]:
    return [(found.name, found.ends) for found in expiries(state, {}, now) if found.kind is kind]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


KEY = ec.generate_private_key(ec.SECP256R1())


def ca(ends: datetime) -> bytes:
    builder = x509.CertificateBuilder().subject_name(_name("CA")).issuer_name(_name("CA")).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(THE_DAY - 900 * DAY).not_valid_after(ends)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def revocations(issuer: str, ends: datetime, key_id: bytes = b"") -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(_name(issuer)).last_update(THE_DAY - 900 * DAY)
    if key_id:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(key_id, None, None), critical=False)
    return builder.next_update(ends).sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_new_jurisdiction(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    nodes.introduce([guizhou, shanxi])
    nodes.recognise(guizhou, "140000")
    found = expiries(trusting.trusted_state(guizhou.settings), {"timestamp": days(7), "root": days(365)}, THE_DAY)
    names = [(each.kind.value, each.name) for each in found]
    assert names[:3] == [("metadata", "timestamp"), ("trust_certificate", "140000"), ("metadata", "root")]
    assert sorted(names[3:]) == [("certificate", "ca/140000"), ("certificate", "ca/520000")]
    assert found[0] == Expiry(ExpiryKind.METADATA, "timestamp", days(7))
    assert [each.ends for each in found] == sorted(each.ends for each in found)


def test_of_two_cas_the_older_is_told_until_it_has_ended(guizhou: TestJurisdiction) -> None:
    state = with_own(guizhou, ca_certificates=(ca(days(3)), ca(days(300))))
    assert told(state, ExpiryKind.CERTIFICATE) == [("ca/520000", days(3)), ("ca/520000/2", days(300))]
    assert told(state, ExpiryKind.CERTIFICATE, days(4)) == [("ca/520000/2", days(300))]
    assert len(told(state, ExpiryKind.CERTIFICATE, days(301))) == 2


def test_a_revocation_list_is_replaced_by_one_of_the_same_ca_only(guizhou: TestJurisdiction) -> None:
    lists: Sequence[bytes] = (revocations("one", days(1)), revocations("other", days(9)), b"damaged")
    state = with_own(guizhou, revocation_lists=tuple(lists))
    both = [("520000", days(1)), ("520000/2", days(9))]
    assert told(state, ExpiryKind.REVOCATION_LIST, days(2)) == both
    state = with_own(guizhou, revocation_lists=(revocations("one", days(1), b"1"), revocations("one", days(9), b"2")))
    assert told(state, ExpiryKind.REVOCATION_LIST, days(2)) == both
    state = with_own(guizhou, revocation_lists=(revocations("one", days(1)), revocations("one", days(9))))
    assert told(state, ExpiryKind.REVOCATION_LIST) == both
    assert told(state, ExpiryKind.REVOCATION_LIST, days(2)) == both[1:]


def test_an_own_key_that_is_to_end_is_told_until_it_has_if_another_goes_on(guizhou: TestJurisdiction) -> None:
    info = trusting.trusted_state(guizhou.settings).own.bundle.signing_keys[0]
    retired = replace(info, retired_at=days(5))
    name = key_id_of(info.spki)[:16]
    alone = with_own(guizhou, signing_keys=(retired,))
    assert told(alone, ExpiryKind.SIGNING_KEY) == told(alone, ExpiryKind.SIGNING_KEY, days(6)) == [(name, days(5))]
    spki = generate(Suite.ED25519).public.spki
    successor = SigningKeyInfo(spki, Suite.ED25519.value, days(4))
    both = with_own(guizhou, signing_keys=(retired, successor))
    assert told(both, ExpiryKind.SIGNING_KEY) == [(name, days(5))]
    assert told(both, ExpiryKind.SIGNING_KEY, days(6)) == []
    stolen = with_own(guizhou, signing_keys=(replace(retired, compromised_at=days(1)),))
    assert told(stolen, ExpiryKind.SIGNING_KEY) == [(name, days(1))]


def test_a_recognition_is_told_until_it_is_withdrawn_also_when_it_has_ended(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    nodes.introduce([guizhou, shanxi])
    trusting.recognise(guizhou.settings, "140000", trusting.RecognitionChoices(months_valid=1), THE_DAY)
    trusting.withdraw(guizhou.settings, "140000", days(40))
    state = trusting.trusted_state(guizhou.settings)
    assert ("140000", days(30)) in told(state, ExpiryKind.TRUST_CERTIFICATE, days(39))
    assert "140000" not in dict(told(state, ExpiryKind.TRUST_CERTIFICATE, days(40)))


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (ExpiryKind.CERTIFICATE, "node", "huxin certificate renew node"),
        (ExpiryKind.CERTIFICATE, "bidding-centre", "huxin certificate renew bidding-centre"),
        (ExpiryKind.CERTIFICATE, "ca/520000/2", "huxin certificate rotate-ca"),
        (ExpiryKind.CERTIFICATE, "ca/140000", "Ask 140000 for its next bundle"),
        (ExpiryKind.REVOCATION_LIST, "520000", "huxin certificate sign-revocations"),
        (ExpiryKind.REVOCATION_LIST, "140000/2", "Ask 140000 for its next bundle"),
        (ExpiryKind.TRUST_CERTIFICATE, "140000", "huxin recognise grant 140000"),
        (ExpiryKind.SIGNING_KEY, "0011223344556677", "huxin key rotate"),
        (ExpiryKind.METADATA, "root", "docs/ceremony.md"),
        (ExpiryKind.METADATA, "timestamp", "coordinator"),
        (ExpiryKind.METADATA, "140000", "that jurisdiction"),
        (ExpiryKind.METADATA, "520000", "huxin trust publish"),
    ],
)
def test_what_to_do_before_it_ends(kind: ExpiryKind, name: str, said: str) -> None:
    assert said in advice(Expiry(kind, name, THE_DAY), "520000")


def test_peers_have_their_place_in_the_name(guizhou: TestJurisdiction, tmp_path: Path) -> None:
    lanzhou = nodes.found(tmp_path, "620100")
    nodes.introduce([guizhou, lanzhou])
    names = [name for name, _ in told(trusting.trusted_state(guizhou.settings), ExpiryKind.CERTIFICATE)]
    assert sorted(names) == ["ca/520000", "ca/620100"]
