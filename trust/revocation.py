"""Certificate revocation lists (RFC 5280 section 5): what a CA takes back before its time.

A jurisdiction's bundle carries at most one list for each of its CAs, and the list speaks for that CA alone: it is
signed by the CA's key, no other list may speak for it, and it may restrict itself in no way (no delta, no partition, no
indirect list: every extension beyond number and key identifier is refused, critical or not).

A list whose `next_update` has passed still counts as far as it goes: what it revokes stays revoked, and what it does
not name is not doubted for its age. How old a bundle may be is judged where trusted state is
(`docs/adr/0012-revocation-in-the-bundle.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trust.certificates import (
    ANY_KEY,
    PARSE_ERRORS,
    Authorities,
    builder_key,
    ca_division,
    ca_key_digest,
    load_ca,
    require_whole_signature,
)
from trust.errors import CertificateRejected
from trust.keys import PrivateKey
from trust.vocabulary import JurisdictionBundle

MAX_LIST_BYTES = 128 * 1024
"""Refused above this size before parsing: room for about 3,000 certificates, which a CA of workloads never issues."""

REASONS: Mapping[str, x509.ReasonFlags] = MappingProxyType(
    {
        "unspecified": x509.ReasonFlags.unspecified,
        "key-compromise": x509.ReasonFlags.key_compromise,
        "affiliation-changed": x509.ReasonFlags.affiliation_changed,
        "superseded": x509.ReasonFlags.superseded,
        "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
        "privilege-withdrawn": x509.ReasonFlags.privilege_withdrawn,
    }
)
"""Why a certificate is revoked (RFC 5280 section 5.3.1). None of them can be taken back: there is no hold."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """One revoked certificate: its serial number, since when (UTC, whole seconds), and why (a key of `REASONS`)."""

    serial: int
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list that its CA signed. `ca_key` is the `ca_key_digest` of that CA; entries by serial number, ascending.

    `number` rises with each list of the CA. `next_update`: until when the CA means to publish the next one.
    """

    ca_key: bytes
    number: int
    this_update: datetime
    next_update: datetime
    revoked: tuple[Revoked, ...]


def create_revocation_list(ca: x509.Certificate, ca_key: PrivateKey, said: RevocationList) -> bytes:
    """The list as DER, signed by the CA. Raises CertificateRejected when the key, or the list, is not the CA's."""
    key = builder_key(ca_key)
    if ca.public_key() != key.public_key() or said.ca_key != ca_key_digest(ca):
        raise CertificateRejected("This key is not the key of the CA certificate. Use the two that belong together.")
    der = _signed(ca, said, key)
    if len(der) > MAX_LIST_BYTES:
        raise _rejected(
            "it names too many certificates for one list. Found a new CA with `huxin certificate rotate-ca`"
        )
    return der


def read_revocation_list(der: bytes, cas: Sequence[x509.Certificate]) -> RevocationList:
    """The list that one of `cas` signed, in its one form. Raises CertificateRejected: REVOCATION_LIST_REJECTED.

    The CA is chosen by issuer name and key identifier and must then have signed: a sibling's name does not do.
    """
    if len(der) > MAX_LIST_BYTES:
        raise _rejected(f"it is larger than {MAX_LIST_BYTES} bytes")
    try:
        found = x509.load_der_x509_crl(der)
        identifier = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        this_update, next_update = found.last_update_utc, found.next_update_utc
        entries = tuple(_entry(entry) for entry in found)
        issuer = found.issuer
    except (*PARSE_ERRORS, TypeError):
        raise _rejected("it cannot be read") from None
    if next_update is None or next_update <= this_update:
        raise _rejected("it does not say until when it speaks")
    if [entry.serial for entry in entries] != sorted({entry.serial for entry in entries}):
        raise _rejected("it does not name each certificate once, in order")
    ca = next((ca for ca in cas if ca.subject == issuer and _identifier(ca) == identifier), None)
    if ca is None:
        raise _rejected("no CA of this jurisdiction is its issuer")
    key = ca.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not found.is_signature_valid(key):
        raise _rejected("its issuer did not sign it")
    said = RevocationList(ca_key_digest(ca), number, this_update, next_update, entries)
    again = x509.load_der_x509_crl(_signed(ca, said, ANY_KEY))
    if again.tbs_certlist_bytes != found.tbs_certlist_bytes:
        raise _rejected("it holds more than a list of this profile, or is not in its one form")
    require_whole_signature(found.public_bytes(Encoding.DER), found.signature)
    return said


def bundle_lists(bundle: JurisdictionBundle) -> tuple[RevocationList, ...]:
    """The revocation lists of a bundle, at most one for each of its CAs. Raises CertificateRejected."""
    cas = _bundle_cas(bundle)
    lists = tuple(read_revocation_list(der, cas) for der in bundle.revocation_lists)
    if len({each.ca_key for each in lists}) != len(lists):
        raise _rejected("there are two for one CA")
    return lists


def bundle_authorities(bundle: JurisdictionBundle) -> Authorities:
    """Who vouches for the workloads of the bundle's jurisdiction. Raises CertificateRejected.

    Reasons: CERTIFICATE_REJECTED (a CA that cannot be read or used), TRUST_DOMAIN_UNKNOWN (a CA of another
    jurisdiction), REVOCATION_LIST_REJECTED.
    """
    revoked = frozenset((each.ca_key, entry.serial) for each in bundle_lists(bundle) for entry in each.revoked)
    return Authorities(_bundle_cas(bundle), revoked)


def require_revocations_continue(earlier: JurisdictionBundle, later: JurisdictionBundle) -> None:
    """No later bundle forgets a revocation. Raises CertificateRejected: REVOCATION_FORGOTTEN.

    A list does not say when the certificates in it end, but none outlives its CA. So each entry stays, as it was, for
    as long as the CA is listed: with the CA, everything that it ever issued goes.
    """
    held = {each.ca_key: each for each in bundle_lists(later)}
    listed = {ca_key_digest(ca) for ca in _bundle_cas(later)}
    for before in bundle_lists(earlier):
        if before.ca_key not in listed:
            continue
        after = held.get(before.ca_key)
        if after is None or not set(before.revoked) <= set(after.revoked):
            raise CertificateRejected(
                "The later bundle forgets a certificate that the earlier one revoked. Publish again with all of them: "
                "a revocation ends with its CA only.",
                "REVOCATION_FORGOTTEN",
            )
        if after.number < before.number or (after.number == before.number and after != before):
            raise CertificateRejected(
                "The number of a revocation list rises with every new list of its CA. Sign the list again.",
                "REVOCATION_FORGOTTEN",
            )


def _bundle_cas(bundle: JurisdictionBundle) -> tuple[x509.Certificate, ...]:
    cas = tuple(load_ca(der) for der in bundle.ca_certificates)
    if any(ca_division(ca) != bundle.division for ca in cas):
        raise CertificateRejected(
            "A CA vouches for its own trust domain only; this one is another's.", "TRUST_DOMAIN_UNKNOWN"
        )
    return cas


def _signed(ca: x509.Certificate, said: RevocationList, key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(said.this_update)
        .next_update(said.next_update)
        .add_extension(_identifier(ca), critical=False)
        .add_extension(x509.CRLNumber(said.number), critical=False)
    )
    for entry in said.revoked:
        revoked = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.since)
        if entry.reason != "unspecified":  # RFC 5280 section 5.3.1: absent rather than unspecified
            revoked = revoked.add_extension(x509.CRLReason(REASONS[entry.reason]), critical=False)
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _entry(entry: x509.RevokedCertificate) -> Revoked:
    """An entry. What this leaves out is found missing when the list is put together again."""
    flag = x509.ReasonFlags.unspecified
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CRLReason):
            flag = extension.value.reason
    name = next((name for name, known in REASONS.items() if known is flag), None)
    if name is None:
        raise ValueError("a reason that this profile does not know")
    return Revoked(entry.serial_number, entry.revocation_date_utc, name)


def _identifier(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key = ca.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _rejected("its CA has a key of another kind")
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _rejected(why: str) -> CertificateRejected:
    return CertificateRejected(
        f"The revocation list is refused: {why}. Ask the jurisdiction for a new one.", "REVOCATION_LIST_REJECTED"
    )
