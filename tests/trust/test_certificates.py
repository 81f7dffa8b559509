"""Certificates: the profile as issued, every refusal, and a real mTLS handshake over it."""

from base64 import encodebytes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trust.algorithms import Suite
from trust.certificates import (
    MAX_CERTIFICATE_BYTES,
    Authorities,
    ValidatedIdentity,
    ca_division,
    create_ca,
    issue_workload,
    load_ca,
    validate_path,
)
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity, node_dns_name
from trust.keys import PrivateKey, generate

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=90)
NOW = START + timedelta(days=21)

SHANXI, GUIZHOU = "140000", "520000"
USCC = "91140000MA0FAKE00X"  # synthetic

CA_KEYS = {division: generate(Suite.ECDSA_P256_SHA256) for division in (SHANXI, GUIZHOU)}
CAS = {division: create_ca(division, "Node CA 1", key, 1, START, END) for division, key in CA_KEYS.items()}


def vouching(*cas: x509.Certificate) -> Authorities:
    """These CAs, with nothing revoked."""
    return Authorities(cas, frozenset())


TRUSTED = {division: vouching(ca) for division, ca in CAS.items()}
LEAF_KEY = generate(Suite.ECDSA_P256_SHA256)

IDENTITIES = [
    WorkloadIdentity(SHANXI, Role.NODE),
    WorkloadIdentity(SHANXI, Role.GATEWAY),
    WorkloadIdentity(SHANXI, Role.OPERATOR),
    WorkloadIdentity(SHANXI, Role.SOURCE, "tax-bureau"),
    WorkloadIdentity(SHANXI, Role.RELYING_PARTY, USCC),
]


def issued(identity: WorkloadIdentity, key: PrivateKey = LEAF_KEY) -> x509.Certificate:
    division = identity.division
    return issue_workload(CAS[division], CA_KEYS[division], identity, key.public, 7, START, END)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def native(key: PrivateKey) -> ec.EllipticCurvePrivateKey:
    loaded = serialization.load_pem_private_key(key.pem(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_every_role_is_issued_and_validated(identity: WorkloadIdentity) -> None:
    certificate = issued(identity)
    found = validate_path(der(certificate), TRUSTED, NOW)
    assert found == ValidatedIdentity(identity, START, END, certificate.fingerprint(hashes.SHA256()).hex())
    assert validate_path(pem(certificate), TRUSTED, NOW) == found


@pytest.mark.parametrize("identity", IDENTITIES, ids=str)
def test_only_nodes_serve(identity: WorkloadIdentity) -> None:
    extensions = issued(identity).extensions
    usages = set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    node = identity.role is Role.NODE
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usages
    assert (ExtendedKeyUsageOID.SERVER_AUTH in usages) is node
    assert names.get_values_for_type(x509.DNSName) == (["node.140000.huxin"] if node else [])
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [identity.spiffe_id]


def test_a_ca_is_bound_to_its_trust_domain() -> None:
    extensions = CAS[SHANXI].extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
        ca=True, path_length=0
    )
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value == x509.NameConstraints([x509.DNSName("140000.huxin")], None)
    assert ca_division(CAS[SHANXI]) == SHANXI


def test_a_leaf_is_no_ca_certificate() -> None:
    with pytest.raises(CertificateRejected):
        ca_division(issued(IDENTITIES[0]))


def test_a_ca_issues_for_its_own_domain_with_its_own_key_only() -> None:
    identity = WorkloadIdentity(GUIZHOU, Role.NODE)
    with pytest.raises(CertificateRejected):
        issue_workload(CAS[SHANXI], CA_KEYS[SHANXI], identity, LEAF_KEY.public, 7, START, END)
    with pytest.raises(CertificateRejected):
        issue_workload(CAS[GUIZHOU], CA_KEYS[SHANXI], identity, LEAF_KEY.public, 7, START, END)


def test_keys_are_p256() -> None:
    other = generate(Suite.ED25519)
    with pytest.raises(CertificateRejected):
        create_ca(SHANXI, "Node CA 1", other, 1, START, END)
    with pytest.raises(CertificateRejected):
        issue_workload(CAS[SHANXI], CA_KEYS[SHANXI], IDENTITIES[0], other.public, 7, START, END)


@pytest.mark.parametrize("division", ["", "14000", "1400000", "14000A", "１４００００", "140000.evil"])
def test_a_ca_has_a_six_digit_division(division: str) -> None:
    with pytest.raises(CertificateRejected):
        create_ca(division, "Node CA 1", CA_KEYS[SHANXI], 1, START, END)


NODE_URI = x509.UniformResourceIdentifier("spiffe://140000.huxin/node")
GATEWAY_URI = x509.UniformResourceIdentifier("spiffe://140000.huxin/gateway")
NODE_DNS = x509.DNSName("node.140000.huxin")
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def key_usage(*, digital_signature: bool = True, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def forge(
    *,
    names: list[x509.GeneralName] | None,
    usages: list[x509.ObjectIdentifier] | None = None,
    ca: bool = False,
    usage: x509.KeyUsage | None = None,
    signer: str = SHANXI,
    issuer: x509.Name | None = None,
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | None = None,
    extra: x509.ExtensionType | None = None,
) -> x509.Certificate:
    """A leaf as a CA that keeps no profile would sign it. Without faults it is accepted (tested first)."""
    signing_key = native(CA_KEYS[signer])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or CAS[signer].subject)
        .public_key((key or native(LEAF_KEY)).public_key())
        .serial_number(9)
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage or key_usage(), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usages != []:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages or [CLIENT]), critical=False)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    return builder.sign(signing_key, hashes.SHA256())


def test_the_forger_itself_makes_certificates_that_pass() -> None:
    assert validate_path(der(forge(names=[GATEWAY_URI])), TRUSTED, NOW).identity.role is Role.GATEWAY
    node = forge(names=[NODE_URI, NODE_DNS], usages=[CLIENT, SERVER])
    assert validate_path(der(node), TRUSTED, NOW).identity.role is Role.NODE


REFUSALS: dict[str, tuple[x509.Certificate, str]] = {
    "A's CA for B's name": (
        forge(names=[x509.UniformResourceIdentifier("spiffe://520000.huxin/gateway")]),
        "CERTIFICATE_REJECTED",
    ),
    "A's CA under the name of B's CA": (forge(names=[GATEWAY_URI], signer=GUIZHOU, issuer=CAS[SHANXI].subject), ""),
    "B's CA for A's name": (forge(names=[GATEWAY_URI], signer=GUIZHOU), "CERTIFICATE_REJECTED"),
    "no CA known for the trust domain": (
        forge(names=[x509.UniformResourceIdentifier("spiffe://620100.huxin/gateway")]),
        "TRUST_DOMAIN_UNKNOWN",
    ),
    "no extended key usage": (forge(names=[GATEWAY_URI], usages=[]), "CERTIFICATE_REJECTED"),
    "serverAuth alone": (forge(names=[GATEWAY_URI], usages=[SERVER]), "CERTIFICATE_REJECTED"),
    "serverAuth for a gateway": (forge(names=[GATEWAY_URI], usages=[CLIENT, SERVER]), "CERTIFICATE_REJECTED"),
    "a node without serverAuth": (forge(names=[NODE_URI, NODE_DNS]), "CERTIFICATE_REJECTED"),
    "anyExtendedKeyUsage": (
        forge(names=[GATEWAY_URI], usages=[ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        "CERTIFICATE_REJECTED",
    ),
    "more usages than the profile has": (
        forge(names=[GATEWAY_URI], usages=[CLIENT, ExtendedKeyUsageOID.CODE_SIGNING]),
        "CERTIFICATE_REJECTED",
    ),
    "no SAN": (forge(names=None), "SPIFFE_ID_INVALID"),
    "two URIs": (forge(names=[GATEWAY_URI, NODE_URI]), "SPIFFE_ID_INVALID"),
    "the same URI twice": (forge(names=[GATEWAY_URI, GATEWAY_URI]), "SPIFFE_ID_INVALID"),
    "no URI": (forge(names=[NODE_DNS]), "SPIFFE_ID_INVALID"),
    "a node without its DNS name": (forge(names=[NODE_URI], usages=[CLIENT, SERVER]), "SPIFFE_ID_INVALID"),
    "a node with another DNS name": (
        forge(names=[NODE_URI, x509.DNSName("other.140000.huxin")], usages=[CLIENT, SERVER]),
        "SPIFFE_ID_INVALID",
    ),
    "a node with B's DNS name": (
        forge(names=[NODE_URI, x509.DNSName("node.520000.huxin")], usages=[CLIENT, SERVER]),
        "SPIFFE_ID_INVALID",
    ),
    "a gateway with a node's DNS name": (forge(names=[GATEWAY_URI, NODE_DNS]), "SPIFFE_ID_INVALID"),
    "an e-mail address beside the URI": (
        forge(names=[GATEWAY_URI, x509.RFC822Name("window@140000.huxin")]),
        "SPIFFE_ID_INVALID",
    ),
    "an unknown role": (
        forge(names=[x509.UniformResourceIdentifier("spiffe://140000.huxin/admin")]),
        "SPIFFE_ID_INVALID",
    ),
    "a CA certificate as leaf": (CAS[SHANXI], "SPIFFE_ID_INVALID"),
    "a leaf that may issue": (forge(names=[GATEWAY_URI], ca=True), "CERTIFICATE_REJECTED"),
    "a leaf key that may sign certificates": (
        forge(names=[GATEWAY_URI], usage=key_usage(key_cert_sign=True)),
        "CERTIFICATE_REJECTED",
    ),
    "a leaf key that may not sign": (
        forge(names=[GATEWAY_URI], usage=key_usage(digital_signature=False)),
        "CERTIFICATE_REJECTED",
    ),
    "a key on another curve": (
        forge(names=[GATEWAY_URI], key=ec.generate_private_key(ec.SECP384R1())),
        "CERTIFICATE_REJECTED",
    ),
    "an Ed25519 key": (forge(names=[GATEWAY_URI], key=ed25519.Ed25519PrivateKey.generate()), "CERTIFICATE_REJECTED"),
    "an unknown critical extension": (
        forge(
            names=[GATEWAY_URI],
            extra=x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"),
        ),
        "CERTIFICATE_REJECTED",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    certificate, reason = REFUSALS[case]
    with pytest.raises(CertificateRejected) as raised:
        validate_path(der(certificate), TRUSTED, NOW)
    assert raised.value.reason == (reason or "CERTIFICATE_REJECTED")


def test_a_ca_filed_under_another_jurisdiction_vouches_for_nobody() -> None:
    gateway = forge(names=[GATEWAY_URI], signer=GUIZHOU)
    with pytest.raises(CertificateRejected) as raised:
        validate_path(der(gateway), {SHANXI: vouching(CAS[GUIZHOU])}, NOW)
    assert raised.value.reason == "TRUST_DOMAIN_UNKNOWN"
    with pytest.raises(CertificateRejected):
        validate_path(der(gateway), {SHANXI: vouching(CAS[GUIZHOU], CAS[SHANXI])}, NOW)


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (START - timedelta(seconds=1), "CERTIFICATE_NOT_YET_VALID"),
        (START, ""),
        (END, ""),
        (END + timedelta(seconds=1), "CERTIFICATE_EXPIRED"),
    ],
)
def test_validity_is_inclusive_on_both_ends(at: datetime, reason: str) -> None:
    leaf = der(issued(IDENTITIES[1]))
    if not reason:
        assert validate_path(leaf, TRUSTED, at).identity == IDENTITIES[1]
        return
    with pytest.raises(CertificateRejected) as raised:
        validate_path(leaf, TRUSTED, at)
    assert raised.value.reason == reason


def test_a_leaf_does_not_outlive_its_ca() -> None:
    short = create_ca(SHANXI, "Node CA 1", CA_KEYS[SHANXI], 1, START, NOW - timedelta(days=1))
    leaf = issue_workload(short, CA_KEYS[SHANXI], IDENTITIES[1], LEAF_KEY.public, 7, START, END)
    assert validate_path(der(leaf), {SHANXI: vouching(short)}, NOW - timedelta(days=1))
    with pytest.raises(CertificateRejected):
        validate_path(der(leaf), {SHANXI: vouching(short)}, NOW)


def test_a_new_ca_beside_the_old_one_keeps_both_generations_valid() -> None:
    new_key = generate(Suite.ECDSA_P256_SHA256)
    new_ca = create_ca(SHANXI, "Node CA 1", new_key, 2, START, END)
    trusted = {SHANXI: vouching(CAS[SHANXI], new_ca)}
    new_leaf = issue_workload(new_ca, new_key, IDENTITIES[0], LEAF_KEY.public, 8, START, END)
    assert validate_path(der(new_leaf), trusted, NOW).identity == IDENTITIES[0]
    assert validate_path(der(issued(IDENTITIES[0])), trusted, NOW).identity == IDENTITIES[0]
    with pytest.raises(CertificateRejected):
        validate_path(der(new_leaf), TRUSTED, NOW)


def test_an_empty_list_of_cas_trusts_nobody() -> None:
    with pytest.raises(CertificateRejected) as raised:
        validate_path(der(issued(IDENTITIES[0])), {SHANXI: vouching()}, NOW)
    assert raised.value.reason == "TRUST_DOMAIN_UNKNOWN"


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"nonsense",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        der(issued(IDENTITIES[0]))[:-1],
        der(issued(IDENTITIES[0])) + b"\x00",
        pem(issued(IDENTITIES[0])) + pem(CAS[SHANXI]),
        bytes(MAX_CERTIFICATE_BYTES + 1),
    ],
    ids=["empty", "text", "bad PEM", "short DER", "long DER", "two in PEM", "giant"],
)
def test_what_is_not_one_certificate_is_refused(leaf: bytes) -> None:
    with pytest.raises(CertificateRejected) as raised:
        validate_path(leaf, TRUSTED, NOW)
    assert raised.value.reason == "CERTIFICATE_UNREADABLE"


def test_the_signature_has_no_unused_bits() -> None:
    # Found by flipping bits: `cryptography` reads the signature of such a certificate as if nothing had changed.
    certificate = issued(IDENTITIES[0])
    data = bytearray(der(certificate))
    unused = len(data) - len(certificate.signature) - 1
    assert data[unused] == 0
    data[unused] = 1
    with pytest.raises(CertificateRejected):
        validate_path(bytes(data), TRUSTED, NOW)


def test_a_certificate_signed_by_an_rsa_ca_is_refused() -> None:
    signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = x509.CertificateBuilder(subject_name=CAS[SHANXI].subject, issuer_name=CAS[SHANXI].subject)
    builder = builder.public_key(native(LEAF_KEY).public_key()).serial_number(9)
    builder = builder.not_valid_before(START).not_valid_after(END)
    builder = builder.add_extension(x509.SubjectAlternativeName([GATEWAY_URI]), critical=False)
    with pytest.raises(CertificateRejected):
        validate_path(der(builder.sign(signing_key, hashes.SHA256())), TRUSTED, NOW)


# A flip can make the serial negative, of which `cryptography` warns before it refuses the signature.
@pytest.mark.filterwarnings("ignore:Parsed a serial number:UserWarning")
def test_no_bit_of_a_certificate_can_be_flipped() -> None:
    data = der(issued(IDENTITIES[0]))
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises(CertificateRejected):
            validate_path(bytes(changed), TRUSTED, NOW)


# --- mTLS as the nodes use it. Validity spans the real clock, which TLS reads. ---


class Jurisdiction:
    """A CA made for a handshake today, with the credentials of its workloads."""

    def __init__(self, division: str) -> None:
        now = datetime.now(UTC)
        self.division = division
        self.start, self.end = now - timedelta(hours=1), now + timedelta(hours=1)
        self.key = generate(Suite.ECDSA_P256_SHA256)
        self.ca = create_ca(division, "Node CA 1", self.key, 1, self.start, self.end)

    def leaf(self, role: Role) -> tuple[bytes, bytes]:
        """Private key and certificate in PEM."""
        key = generate(Suite.ECDSA_P256_SHA256)
        identity = WorkloadIdentity(self.division, role)
        return key.pem(), pem(issue_workload(self.ca, self.key, identity, key.public, 7, self.start, self.end))

    def forged_node(self, division: str) -> tuple[bytes, bytes]:
        """What this CA signs when it claims another jurisdiction's node: the profile's own functions refuse to."""
        key = generate(Suite.ECDSA_P256_SHA256)
        other = WorkloadIdentity(division, Role.NODE)
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(other.spiffe_id)]
        names += [x509.DNSName(name) for name in other.dns_names]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(self.ca.subject)
            .issuer_name(self.ca.subject)
            .public_key(native(key).public_key())
            .serial_number(9)
            .not_valid_before(self.start)
            .not_valid_after(self.end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([CLIENT, SERVER]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(native(self.key).public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(native(self.key), hashes.SHA256())
        )
        return key.pem(), pem(certificate)


Call = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


def who_is_calling(jurisdictions: list[Jurisdiction]) -> Call:
    """A handler that answers with the caller's validated identity, as the interceptor does."""
    trusted = {jurisdiction.division: vouching(jurisdiction.ca) for jurisdiction in jurisdictions}

    async def handle(_request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        (leaf,) = context.auth_context()["x509_pem_cert"]
        try:
            return validate_path(leaf, trusted, datetime.now(UTC)).identity.spiffe_id.encode()
        except CertificateRejected as rejected:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, rejected.reason)

    return handle


@asynccontextmanager
async def serving(call: Call, leaf: tuple[bytes, bytes], roots: list[x509.Certificate]) -> AsyncIterator[int]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(call)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Who", {"Am": handler}),))
    credentials = grpc.ssl_server_credentials([leaf], b"".join(map(pem, roots)), require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def ask(port: int, division: str, roots: list[x509.Certificate], leaf: tuple[bytes, bytes] | None) -> str:
    key, certificate = leaf or (None, None)
    credentials = grpc.ssl_channel_credentials(b"".join(map(pem, roots)), key, certificate)
    options = [("grpc.ssl_target_name_override", node_dns_name(division))]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        who = channel.unary_unary("/test.Who/Am", request_serializer=bytes, response_deserializer=bytes)
        return (await who(b"", timeout=10)).decode()


async def test_nodes_and_gateways_shake_hands_over_this_profile() -> None:
    shanxi, guizhou = Jurisdiction(SHANXI), Jurisdiction(GUIZHOU)
    roots = [shanxi.ca, guizhou.ca]
    async with serving(who_is_calling([shanxi, guizhou]), shanxi.leaf(Role.NODE), roots) as port:
        assert await ask(port, SHANXI, [shanxi.ca], guizhou.leaf(Role.NODE)) == "spiffe://520000.huxin/node"
        assert await ask(port, SHANXI, [shanxi.ca], shanxi.leaf(Role.GATEWAY)) == "spiffe://140000.huxin/gateway"


async def test_a_client_without_certificate_does_not_get_in() -> None:
    shanxi = Jurisdiction(SHANXI)
    async with serving(who_is_calling([shanxi]), shanxi.leaf(Role.NODE), [shanxi.ca]) as port:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(port, SHANXI, [shanxi.ca], None)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_client_knows_one_peer_by_its_ca_alone() -> None:
    shanxi, guizhou = Jurisdiction(SHANXI), Jurisdiction(GUIZHOU)
    async with serving(who_is_calling([shanxi]), shanxi.leaf(Role.NODE), [shanxi.ca]) as port:
        for division, ca in ((SHANXI, guizhou.ca), (GUIZHOU, shanxi.ca)):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await ask(port, division, [ca], shanxi.leaf(Role.GATEWAY))
            assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_client_refuses_a_gateway_that_serves() -> None:
    shanxi = Jurisdiction(SHANXI)
    async with serving(who_is_calling([shanxi]), shanxi.leaf(Role.GATEWAY), [shanxi.ca]) as port:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(port, SHANXI, [shanxi.ca], shanxi.leaf(Role.GATEWAY))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_name_constraint_stops_a_forged_node_at_the_handshake() -> None:
    # Both ends trust both CAs: without the constraint TLS would accept Shanxi's certificate for Guizhou's name.
    shanxi, guizhou = Jurisdiction(SHANXI), Jurisdiction(GUIZHOU)
    roots = [shanxi.ca, guizhou.ca]
    async with serving(who_is_calling([shanxi, guizhou]), shanxi.forged_node(GUIZHOU), roots) as port:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(port, GUIZHOU, roots, shanxi.leaf(Role.NODE))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    async with serving(who_is_calling([shanxi, guizhou]), guizhou.leaf(Role.NODE), roots) as port:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ask(port, GUIZHOU, roots, shanxi.forged_node(GUIZHOU))
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


# CAs of others


def _sequence(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def resigned(tbs: bytes) -> bytes:
    """A certificate around any bytes, with a signature that holds: what a careless or hostile CA could publish."""
    signature = native(CA_KEYS[SHANXI]).sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    return _sequence(tbs, algorithm, b"\x03" + bytes([len(signature) + 1]) + b"\x00" + signature)


def test_a_ca_is_loaded_as_it_was_made() -> None:
    assert load_ca(der(CAS[SHANXI])) == CAS[SHANXI]
    whole = resigned(CAS[SHANXI].tbs_certificate_bytes)
    assert ca_division(load_ca(whole)) == SHANXI


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"140000.huxin", b"14000\xb0.huxin"),  # no UTF-8: TLS refuses it, `cryptography` does not look
        (b"\x17\x0d", b"\x18\x0d"),  # one form of time said to be the other
    ],
)
def test_a_ca_that_a_tls_library_would_stumble_over_is_refused(old: bytes, new: bytes) -> None:
    """In the roots of a server it would end the service for every caller."""
    tbs = CAS[SHANXI].tbs_certificate_bytes
    assert old in tbs
    with pytest.raises(CertificateRejected):
        load_ca(resigned(tbs.replace(old, new, 1)))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", der(CAS[SHANXI])[:-1], der(CAS[SHANXI]) + b"\0", der(issued(IDENTITIES[0]))]
)
def test_what_is_no_ca_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(CertificateRejected):
        load_ca(data)


async def test_what_is_loaded_lets_a_server_start() -> None:
    """What is refused stops it, whoever else stands in its roots."""
    node = issued(IDENTITIES[0])
    odd = resigned(CAS[SHANXI].tbs_certificate_bytes.replace(b"140000.huxin", b"14000\xb0.huxin", 1))
    roots = pem(CAS[SHANXI])
    bad = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(odd) + b"-----END CERTIFICATE-----\n"
    for pool, starts in ((roots, True), (bad + roots, False)):
        server = grpc.aio.server()
        credentials = grpc.ssl_server_credentials([(LEAF_KEY.pem(), pem(node))], pool, True)
        try:
            assert server.add_secure_port("localhost:0", credentials)
        except RuntimeError:
            assert not starts
        else:
            assert starts
