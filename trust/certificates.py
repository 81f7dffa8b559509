"""X.509 profile of workloads: one CA per jurisdiction, SPIFFE identities, and the one way to validate a path.

A CA vouches only for its own trust domain: the trust domain in the leaf picks the CA, and no other CA's certificates
are looked at. TLS does not do this by itself (a pool of roots accepts A's certificate for B's name), so whoever
accepts a connection calls `validate_path` for every call.

The profile: ECDSA P-256 with SHA-256; one self-signed CA (path length 0) directly above its leaves; clientAuth in every
leaf, serverAuth and the DNS name `node.<division>.huxin` in those of nodes alone. The CA is constrained to its domain's
DNS names (RFC 5280 section 4.2.1.10), which TLS stacks enforce at the handshake. It holds no constraint on URIs: the
verifier of `cryptography` refuses every path below such a CA ("unsupported name constraint"). What it would do is done
by the choice of the CA.

What a CA has revoked is refused by its key and the certificate's serial number (`trust/revocation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from trust.algorithms import PublicKey, Suite
from trust.errors import CertificateRejected
from trust.identities import (
    Role,
    WorkloadIdentity,
    bad_identity,
    parse_spiffe_id,
    parse_trust_domain_id,
    trust_domain_id,
)
from trust.keys import PrivateKey

MAX_CERTIFICATE_BYTES = 16_384
"""Refused above this size before parsing. Certificates of this profile have below 1,000 bytes, in PEM below 1,500."""


PARSE_ERRORS = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises on DER that it cannot read; it reads some parts only when they are asked for."""


ANY_KEY = ec.derive_private_key(1, ec.SECP256R1())
"""Signs what is compared without its signature: no secret."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Who vouches for the workloads of one jurisdiction: its CA certificates, and what they have taken back.

    `revoked` holds (`ca_key_digest` of the CA, serial number): a name alone could be a sibling CA's.
    """

    certificates: tuple[x509.Certificate, ...]
    revoked: frozenset[tuple[bytes, int]]


@dataclass(frozen=True, slots=True)
class ValidatedIdentity:
    """An identity whose certificate was checked: validity inclusive on both ends (RFC 5280), UTC.

    `fingerprint` is the lowercase hex SHA-256 of the DER certificate, 64 characters: for logs and caches. Never refuse
    by it: ECDSA has two valid signatures for everything, so the same certificate can come under another fingerprint.
    """

    identity: WorkloadIdentity
    not_before: datetime
    not_after: datetime
    fingerprint: str


def create_ca(
    division: str,
    name: str,
    key: PrivateKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """The self-signed CA certificate of a jurisdiction. `serial` is positive with at most 159 bits, drawn at random.

    It carries its trust domain as SPIFFE ID without path (SPIFFE X.509-SVID section 3.2), which `ca_division` reads.
    Raises CertificateRejected for a division code not of six digits or a key that is not ECDSA P-256.
    """
    trust_domain = trust_domain_id(division)
    subject = _name(division, name)
    signing_key = builder_key(key)
    public_key = signing_key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    constraints = x509.NameConstraints([x509.DNSName(f"{division}.huxin")], None)
    return (
        _builder(subject, subject, public_key, serial, not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(trust_domain)]), critical=False)
        .sign(signing_key, hashes.SHA256())
    )


def ca_division(certificate: x509.Certificate) -> str:
    """Division code of the trust domain that a CA certificate names. Raises CertificateRejected when it names none."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except PARSE_ERRORS:
        raise _not_a_ca() from None
    uri = names[0].value if len(names) == 1 and isinstance(names[0], x509.UniformResourceIdentifier) else ""
    if not constraints.ca or constraints.path_length != 0:
        raise _not_a_ca()
    return parse_trust_domain_id(uri)


def load_ca(der: bytes) -> x509.Certificate:
    """A CA certificate of another jurisdiction, from DER in its one form.

    TLS servers read all their roots together, and one root that their library cannot parse ends the service for
    everybody. So the certificate is put together again from what was read of it: what comes out the same, and is signed
    by its own P-256 key, every TLS library reads. Raises CertificateRejected.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        validity = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        key = _p256(certificate.public_key())
        builder = _builder(certificate.subject, certificate.issuer, key, certificate.serial_number, *validity)
        for extension in certificate.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        again = builder.sign(ANY_KEY, hashes.SHA256())
        certificate.verify_directly_issued_by(certificate)
    except (*PARSE_ERRORS, InvalidSignature, TypeError):
        raise _not_a_ca() from None
    if again.tbs_certificate_bytes != certificate.tbs_certificate_bytes:
        raise _not_a_ca()
    require_whole_signature(certificate.public_bytes(Encoding.DER), certificate.signature)
    return certificate


def ca_key_digest(ca: x509.Certificate) -> bytes:
    """SHA-256 of a CA's public key (SubjectPublicKeyInfo, DER): what tells it from a sibling of the same name."""
    return sha256(ca.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def issue_workload(
    ca: x509.Certificate,
    ca_key: PrivateKey,
    identity: WorkloadIdentity,
    public_key: PublicKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """A leaf of this profile for `identity`. `serial` is positive with at most 159 bits, drawn at random.

    Raises CertificateRejected when the identity is not of the CA's trust domain, or the key is not the CA's.
    """
    if ca_division(ca) != identity.division:
        raise CertificateRejected("A CA vouches for its own trust domain only. Use the CA of the identity's division.")
    signing_key = builder_key(ca_key)
    if ca.public_key() != signing_key.public_key():
        raise CertificateRejected("This key is not the key of the CA certificate. Use the two that belong together.")
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if identity.role is Role.NODE:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.spiffe_id)]
    names += [x509.DNSName(name) for name in identity.dns_names]
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    common_name = f"{identity.role.value} {identity.detail}".strip()
    subject = _name(identity.division, common_name)
    return (
        _builder(subject, ca.subject, _p256(load_der_public_key(public_key.spki)), serial, not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(issuer_key, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signing_key, hashes.SHA256())
    )


def validate_path(leaf: bytes, authorities: Mapping[str, Authorities], at: datetime) -> ValidatedIdentity:
    """Check a workload's certificate (one, DER or PEM) at the instant `at` (aware) and say who it is.

    Raises CertificateRejected. Reasons: CERTIFICATE_UNREADABLE, SPIFFE_ID_INVALID, TRUST_DOMAIN_UNKNOWN (no CA of the
    leaf's own division), CERTIFICATE_NOT_YET_VALID, CERTIFICATE_EXPIRED, CERTIFICATE_REJECTED (not issued by that CA,
    or outside the profile), CERTIFICATE_REVOKED.
    """
    certificate = load_certificate(leaf)
    require_whole_signature(certificate.public_bytes(Encoding.DER), certificate.signature)
    identity = claimed_identity(certificate)
    known = authorities.get(identity.division)
    vouching = [ca for ca in known.certificates if ca_division(ca) == identity.division] if known else []
    if known is None or not vouching:
        raise CertificateRejected(
            "No CA is known for the certificate's trust domain. Import that jurisdiction's bundle first.",
            "TRUST_DOMAIN_UNKNOWN",
        )
    not_before, not_after = _validity(certificate)
    if at < not_before:
        raise CertificateRejected(
            "The certificate is not valid yet. Check both clocks, or wait.", "CERTIFICATE_NOT_YET_VALID"
        )
    if at > not_after:
        raise CertificateRejected("The certificate has expired. Its holder must renew it.", "CERTIFICATE_EXPIRED")
    verifier = (
        PolicyBuilder()
        .store(Store(vouching))
        .time(at)
        .max_chain_depth(0)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_LEAF_POLICY)
        .build_client_verifier()
    )
    try:
        issuer = verifier.verify(certificate, []).chain[1]
    except VerificationError:
        raise CertificateRejected(
            "The certificate is not one that its trust domain's CA issued for a workload. Have it issued again."
        ) from None
    if (ca_key_digest(issuer), certificate.serial_number) in known.revoked:
        raise CertificateRejected(
            "The certificate was revoked by the CA that issued it. Its holder needs another one.", "CERTIFICATE_REVOKED"
        )
    return ValidatedIdentity(identity, not_before, not_after, certificate.fingerprint(hashes.SHA256()).hex())


def load_certificate(leaf: bytes) -> x509.Certificate:
    """One certificate, DER or PEM, nothing in it checked yet. Raises CertificateRejected: CERTIFICATE_UNREADABLE."""
    if len(leaf) > MAX_CERTIFICATE_BYTES:
        raise _unreadable()
    try:
        if not leaf.lstrip().startswith(b"-----BEGIN"):
            return x509.load_der_x509_certificate(leaf)
        certificates = x509.load_pem_x509_certificates(leaf)
    except PARSE_ERRORS:
        raise _unreadable() from None
    if len(certificates) != 1:
        raise _unreadable()
    return certificates[0]


def require_whole_signature(encoded: bytes, signature: bytes) -> None:
    """The signature ends the DER as a BIT STRING without unused bits: `cryptography` lets their number be anything.

    Raises CertificateRejected.
    """
    # 72 bytes is the longest ECDSA P-256 signature; no other kind has a place in this profile.
    if len(signature) > 72 or not encoded.endswith(bytes((0x03, len(signature) + 1, 0)) + signature):
        raise _unreadable()


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    try:
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except PARSE_ERRORS:
        raise _unreadable() from None


def claimed_identity(certificate: x509.Certificate) -> WorkloadIdentity:
    """The identity in the SAN: exactly one URI, and beside it exactly the DNS names of that identity.

    What the certificate claims, not what anybody vouched for. Raises CertificateRejected: SPIFFE_ID_INVALID.
    """
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except PARSE_ERRORS:
        raise bad_identity() from None
    uris = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    if len(uris) != 1:
        raise bad_identity()
    identity = parse_spiffe_id(uris[0])
    others = [name for name in names if not isinstance(name, x509.UniformResourceIdentifier)]
    if others != [x509.DNSName(name) for name in identity.dns_names]:
        raise bad_identity()
    return identity


def _require_leaf_usage(_policy: Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    """RFC 5280 section 4.2.1.12: clientAuth for all, serverAuth for nodes, nothing else. Absence never reaches here."""
    expected = {ExtendedKeyUsageOID.CLIENT_AUTH}
    if claimed_identity(certificate).role is Role.NODE:
        expected.add(ExtendedKeyUsageOID.SERVER_AUTH)
    if set(usage) != expected:
        raise ValueError("extended key usage")


def _require_leaf_key(_policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if usage != _key_usage(ca=False):
        raise ValueError("key usage")
    _p256(certificate.public_key())


def _require_not_ca(_policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if constraints.ca:
        raise ValueError("a CA certificate is no workload")


# The default of `cryptography` lets a leaf without extended key usage pass as a client: each extension is required.
_LEAF_POLICY = (
    ExtensionPolicy.webpki_defaults_ee()
    .require_present(x509.BasicConstraints, Criticality.CRITICAL, _require_not_ca)
    .require_present(x509.KeyUsage, Criticality.CRITICAL, _require_leaf_key)
    .require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _require_leaf_usage)
    .require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _name(division: str, common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{division}.huxin")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def builder_key(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    """The key as X.509 builders want it: they sign with keys of `cryptography` only."""
    if key.suite is not Suite.ECDSA_P256_SHA256:
        raise _wrong_key()
    loaded = load_pem_private_key(key.pem(), None)
    if isinstance(loaded, ec.EllipticCurvePrivateKey):
        return loaded
    raise _wrong_key()


def _p256(key: object) -> ec.EllipticCurvePublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise _wrong_key()


def _wrong_key() -> CertificateRejected:
    return CertificateRejected("Certificates of this profile have ECDSA P-256 keys. Make a new key of that kind.")


def _unreadable() -> CertificateRejected:
    return CertificateRejected(
        "This is not one X.509 certificate in DER or PEM. Present the certificate alone.", "CERTIFICATE_UNREADABLE"
    )


def _not_a_ca() -> CertificateRejected:
    return CertificateRejected(
        "This is not the CA certificate of one trust domain with path length 0. Use the one that `create_ca` made."
    )
