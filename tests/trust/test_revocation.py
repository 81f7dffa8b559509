"""Revocation lists: read in one form, signed by the CA that they speak for, and never forgotten."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from trust import revocation
from trust.algorithms import Suite
from trust.certificates import Authorities, ca_key_digest, create_ca, issue_workload, validate_path
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity
from trust.keys import PrivateKey, generate
from trust.revocation import (
    RevocationList,
    Revoked,
    bundle_authorities,
    create_revocation_list,
    read_revocation_list,
    require_revocations_continue,
)
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=90)
NOW = START + timedelta(days=21)
SHANXI, GUIZHOU = "140000", "520000"

KEY, SIBLING_KEY, OTHER_KEY, LEAF_KEY = (generate(Suite.ECDSA_P256_SHA256) for _ in range(4))
CA = create_ca(SHANXI, "CA", KEY, 1, START, END)
SIBLING = create_ca(SHANXI, "CA", SIBLING_KEY, 1, START, END)
"""Another CA of the same name and trust domain."""
OTHER = create_ca(GUIZHOU, "CA", OTHER_KEY, 1, START, END)
GATEWAY = issue_workload(CA, KEY, WorkloadIdentity(SHANXI, Role.GATEWAY), LEAF_KEY.public, 7, START, END)
SIBLINGS_GATEWAY = issue_workload(
    SIBLING, SIBLING_KEY, WorkloadIdentity(SHANXI, Role.GATEWAY), LEAF_KEY.public, 7, START, END
)

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

SEVEN = Revoked(7, START, "key-compromise")
NINE = Revoked(9, START, "unspecified")


def said(*revoked: Revoked, ca: x509.Certificate = CA, number: int = 1) -> RevocationList:
    return RevocationList(ca_key_digest(ca), number, START, END, revoked)


def signed(*revoked: Revoked, ca: x509.Certificate = CA, key: PrivateKey = KEY, number: int = 1) -> bytes:
    return create_revocation_list(ca, key, said(*revoked, ca=ca, number=number))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def bundle(*lists: bytes, cas: tuple[x509.Certificate, ...] = (CA,)) -> JurisdictionBundle:
    key = generate(Suite.ED25519)
    return JurisdictionBundle(
        division=SHANXI,
        name_zh="山西省",
        name_en="Shanxi",
        version=1,
        issued_at=START,
        ca_certificates=tuple(map(der, cas)),
        signing_keys=(SigningKeyInfo(key.spki, key.suite.value, START),),
        log=LogKeys("huxin/140000", key.spki, generate(Suite.ED25519).spki),
        revocation_lists=lists,
    )


def reason_of(act: Callable[[], object]) -> str:
    with pytest.raises(CertificateRejected) as caught:
        act()
    return caught.value.reason


def test_what_is_written_is_what_is_read() -> None:
    for entries in ((), (SEVEN,), (SEVEN, NINE)):
        assert read_revocation_list(signed(*entries), [SIBLING, CA]) == said(*entries)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
def test_openssl_says_the_same(tmp_path: Path) -> None:
    """Another implementation: signature, entry and reason."""
    ca, crl = tmp_path / "ca.pem", tmp_path / "list.der"
    ca.write_bytes(CA.public_bytes(Encoding.PEM))
    crl.write_bytes(signed(SEVEN))
    command = ["openssl", "crl", "-inform", "DER", "-in", str(crl), "-CAfile", str(ca), "-noout", "-text"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "verify OK" in done.stderr
    for part in ("Serial Number: 07", "Key Compromise", "X509v3 CRL Number"):
        assert part in done.stdout


def test_a_revoked_certificate_is_refused_and_its_sibling_with_the_same_number_is_not() -> None:
    known = {SHANXI: bundle_authorities(bundle(signed(SEVEN), cas=(CA, SIBLING)))}
    assert reason_of(lambda: validate_path(der(GATEWAY), known, NOW)) == "CERTIFICATE_REVOKED"
    assert validate_path(der(SIBLINGS_GATEWAY), known, NOW).identity == WorkloadIdentity(SHANXI, Role.GATEWAY)
    nine = {SHANXI: bundle_authorities(bundle(signed(NINE)))}
    assert validate_path(der(GATEWAY), nine, NOW)


def test_a_sibling_that_the_bundle_does_not_list_vouches_for_nobody() -> None:
    """Same name, same trust domain, same serial numbers: another key."""
    known = {SHANXI: bundle_authorities(bundle())}
    assert validate_path(der(GATEWAY), known, NOW)
    assert reason_of(lambda: validate_path(der(SIBLINGS_GATEWAY), known, NOW)) == "CERTIFICATE_REJECTED"


def test_the_other_signature_of_the_same_certificate_is_refused_too() -> None:
    """ECDSA has two for everything: who refused by fingerprint would let the twin in."""
    r, s = decode_dss_signature(GATEWAY.signature)
    signature = encode_dss_signature(r, P256_ORDER - s)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    parts = GATEWAY.tbs_certificate_bytes + algorithm + bytes((0x03, len(signature) + 1, 0)) + signature
    twin = b"\x30\x82" + len(parts).to_bytes(2, "big") + parts
    clean = {SHANXI: bundle_authorities(bundle())}
    assert twin != der(GATEWAY)
    assert validate_path(twin, clean, NOW)
    known = {SHANXI: bundle_authorities(bundle(signed(SEVEN)))}
    assert reason_of(lambda: validate_path(twin, known, NOW)) == "CERTIFICATE_REVOKED"


def test_a_list_that_is_out_of_date_counts_as_far_as_it_goes() -> None:
    later = END - timedelta(days=1)
    short = create_revocation_list(CA, KEY, replace(said(SEVEN), next_update=NOW))
    known = {SHANXI: bundle_authorities(bundle(short))}
    assert reason_of(lambda: validate_path(der(GATEWAY), known, later)) == "CERTIFICATE_REVOKED"


def native(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    loaded = load_pem_private_key(key.pem(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def builder(ca: x509.Certificate = CA) -> x509.CertificateRevocationListBuilder:
    return x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(START).next_update(END)


def numbered(made: x509.CertificateRevocationListBuilder) -> x509.CertificateRevocationListBuilder:
    return made.add_extension(x509.CRLNumber(1), critical=False)


def identified(
    made: x509.CertificateRevocationListBuilder, ca: x509.Certificate = CA
) -> x509.CertificateRevocationListBuilder:
    key = ca.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)


def whole() -> x509.CertificateRevocationListBuilder:
    return numbered(identified(builder()))


def by_hand(made: x509.CertificateRevocationListBuilder, key: PrivateKey = KEY) -> bytes:
    return made.sign(native(key), hashes.SHA256()).public_bytes(Encoding.DER)


def entry(*extensions: x509.ExtensionType, serial: int = 7, critical: bool = False) -> x509.RevokedCertificate:
    made = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(START)
    for extension in extensions:
        made = made.add_extension(extension, critical=critical)
    return made.build()


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
PARTITION = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=True,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=False,
    only_contains_attribute_certs=False,
)
INDIRECT = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=None,
    indirect_crl=True,
    only_contains_attribute_certs=False,
)

REFUSED: dict[str, Callable[[], bytes]] = {
    "not DER": lambda: b"nonsense",
    "too large": lambda: bytes(revocation.MAX_LIST_BYTES + 1),
    "a certificate": lambda: der(CA),
    "trailing bytes": lambda: signed(SEVEN) + b"\x00",
    "signed by a sibling": lambda: by_hand(whole(), SIBLING_KEY),
    "of a sibling": lambda: signed(SEVEN, ca=SIBLING, key=SIBLING_KEY),
    "of another jurisdiction": lambda: signed(SEVEN, ca=OTHER, key=OTHER_KEY),
    "no number": lambda: by_hand(identified(builder())),
    "no key identifier": lambda: by_hand(numbered(builder())),
    "the identifier of a sibling": lambda: by_hand(numbered(identified(builder(), SIBLING))),
    "unknown, critical": lambda: by_hand(whole().add_extension(UNKNOWN, critical=True)),
    "unknown, not critical": lambda: by_hand(whole().add_extension(UNKNOWN, critical=False)),
    "of user certificates only": lambda: by_hand(whole().add_extension(PARTITION, critical=True)),
    "indirect": lambda: by_hand(whole().add_extension(INDIRECT, critical=True)),
    "a delta": lambda: by_hand(whole().add_extension(x509.DeltaCRLIndicator(1), critical=True)),
    "a critical number": lambda: by_hand(identified(builder()).add_extension(x509.CRLNumber(1), critical=True)),
    "an entry of another CA": lambda: by_hand(
        whole().add_revoked_certificate(
            entry(x509.CertificateIssuer([x509.DirectoryName(OTHER.subject)]), critical=True)
        )
    ),
    "an entry with unknown extension": lambda: by_hand(whole().add_revoked_certificate(entry(UNKNOWN))),
    "on hold": lambda: by_hand(
        whole().add_revoked_certificate(entry(x509.CRLReason(x509.ReasonFlags.certificate_hold)))
    ),
    "a certificate taken off": lambda: by_hand(
        whole().add_revoked_certificate(entry(x509.CRLReason(x509.ReasonFlags.remove_from_crl)))
    ),
    "twice": lambda: by_hand(whole().add_revoked_certificate(entry()).add_revoked_certificate(entry())),
    "out of order": lambda: by_hand(
        whole().add_revoked_certificate(entry(serial=9)).add_revoked_certificate(entry(serial=7))
    ),
    "SHA-384": lambda: whole().sign(native(KEY), hashes.SHA384()).public_bytes(Encoding.DER),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_list_outside_the_profile_is_refused(kind: str) -> None:
    assert reason_of(lambda: read_revocation_list(REFUSED[kind](), [CA])) == "REVOCATION_LIST_REJECTED"
    assert reason_of(lambda: bundle_authorities(bundle(REFUSED[kind]()))) == "REVOCATION_LIST_REJECTED"


def test_the_same_by_hand_within_the_profile_is_read() -> None:
    """Else the test above would show nothing."""
    made = by_hand(whole().add_revoked_certificate(entry(x509.CRLReason(x509.ReasonFlags.key_compromise))))
    assert read_revocation_list(made, [CA]) == said(SEVEN)


# `cryptography` warns of the serial numbers that some bits make; what is made of them is refused in any case.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_every_bit_of_a_list_counts() -> None:
    good = signed(SEVEN)
    for at in range(len(good) * 8):
        changed = bytearray(good)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(CertificateRejected):
            read_revocation_list(bytes(changed), [CA])


def test_a_ca_has_one_list() -> None:
    two = bundle(signed(SEVEN), signed(NINE, number=2))
    assert reason_of(lambda: bundle_authorities(two)) == "REVOCATION_LIST_REJECTED"
    both = bundle(signed(SEVEN), signed(NINE, ca=SIBLING, key=SIBLING_KEY), cas=(CA, SIBLING))
    assert bundle_authorities(both) == Authorities(
        (CA, SIBLING), frozenset({(ca_key_digest(CA), 7), (ca_key_digest(SIBLING), 9)})
    )


def test_a_list_is_signed_with_the_key_of_its_ca() -> None:
    with pytest.raises(CertificateRejected):
        create_revocation_list(CA, SIBLING_KEY, said(SEVEN))
    with pytest.raises(CertificateRejected):
        create_revocation_list(CA, KEY, said(SEVEN, ca=SIBLING))


def test_a_list_never_grows_beyond_what_is_read() -> None:
    many = tuple(Revoked(serial << 100, START, "unspecified") for serial in range(1, 4_000))
    assert reason_of(lambda: signed(*many)) == "REVOCATION_LIST_REJECTED"


CONTINUES: dict[str, tuple[JurisdictionBundle, JurisdictionBundle]] = {
    "the same": (bundle(signed(SEVEN)), bundle(signed(SEVEN))),
    "one more": (bundle(signed(SEVEN)), bundle(signed(SEVEN, NINE, number=2))),
    "the first one": (bundle(), bundle(signed(SEVEN))),
    "the CA is gone": (bundle(signed(SEVEN), cas=(CA, SIBLING)), bundle(cas=(SIBLING,))),
}
FORGETS: dict[str, tuple[JurisdictionBundle, JurisdictionBundle]] = {
    "the list": (bundle(signed(SEVEN)), bundle()),
    "an entry": (bundle(signed(SEVEN, NINE)), bundle(signed(NINE, number=2))),
    "since when": (bundle(signed(SEVEN)), bundle(signed(replace(SEVEN, since=NOW), number=2))),
    "one of two lists": (
        bundle(signed(SEVEN), signed(NINE, ca=SIBLING, key=SIBLING_KEY), cas=(CA, SIBLING)),
        bundle(signed(SEVEN), cas=(CA, SIBLING)),
    ),
    "the number": (bundle(signed(SEVEN, number=2)), bundle(signed(SEVEN, number=1))),
    "to count": (bundle(signed(SEVEN)), bundle(signed(SEVEN, NINE))),
}


@pytest.mark.parametrize("case", CONTINUES)
def test_a_bundle_that_goes_on(case: str) -> None:
    require_revocations_continue(*CONTINUES[case])


@pytest.mark.parametrize("case", FORGETS)
def test_a_bundle_that_forgets(case: str) -> None:
    assert reason_of(lambda: require_revocations_continue(*FORGETS[case])) == "REVOCATION_FORGOTTEN"
