"""What a dishonest operator can do with the real keys of its own jurisdiction: certify, sign and log what it likes."""

from __future__ import annotations

import os
from dataclasses import replace
from hashlib import sha256

import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.app.authority import serial
from node.app.keyring import load_keyring
from node.app.storing import open_database
from node.ledger.assembly import load_frontier
from node.model.log import EntryKind, LogEntry, LogHead, SubtreeRoot
from node.storage.log_store import LogStore
from tests.support import nodes
from trust import statements
from trust.bundle import Inclusion, PresentedBundle, encode_bundle, read_bundle
from trust.envelope import seal
from trust.keys import Signer, load
from trust.log import checkpoint, proofs
from trust.log.tree import leaf_hash, root_of
from trust.statements import encode_envelope, read_attestation
from trust.vocabulary import Attestation


def certified(ca_of: nodes.TestJurisdiction, spiffe_id: str, *dns_names: str) -> tuple[bytes, bytes]:
    """Key and certificate, PEM, for any name, made by that jurisdiction's CA.

    By hand: `trust.certificates.issue_workload` refuses names of other trust domains.
    """
    ca = x509.load_pem_x509_certificate(ca_of.layout.certificate("ca").read_bytes())
    ca_key = serialization.load_pem_private_key(load(ca_of.layout.key("ca"), None).pem(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] + [ExtendedKeyUsageOID.SERVER_AUTH] * bool(dns_names)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(spiffe_id), *map(x509.DNSName, dns_names)]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(serial(os.urandom))
        .not_valid_before(ca.not_valid_before_utc)
        .not_valid_after(ca.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_only(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, leaf.public_bytes(serialization.Encoding.PEM)


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def channel_with(server: nodes.TestJurisdiction, key: bytes, certificate: bytes) -> grpc.aio.Channel:
    """A channel to a node with any client certificate."""
    ca = server.layout.certificate("ca").read_bytes()
    return grpc.aio.secure_channel(
        f"127.0.0.1:{server.settings.rpc.listen.port}",
        grpc.ssl_channel_credentials(ca, key, certificate),
        options=[
            ("grpc.ssl_target_name_override", f"node.{server.division}.huxin"),
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )


def attestation_in(bundle: PresentedBundle) -> Attestation:
    return read_attestation(bundle.envelope.payload)


def resigned(genuine: bytes, signer: Signer, **said: object) -> bytes:
    """The bundle around another statement: the same but for what is `said`, signed by any key. Without a proof."""
    whole = read_bundle(genuine)
    statement = replace(attestation_in(whole), **said)  # type: ignore[arg-type]  # names of fields, each with its type
    envelope = encode_envelope(seal(statements.ATTESTATION, statements.encode_attestation(statement), [signer]))
    return encode_bundle(envelope, whole.subject_salt, whole.disclosure, whole.report_salt)


async def log_anything(one: nodes.TestJurisdiction, entry: bytes) -> Inclusion:
    """Appends an entry to a jurisdiction's log behind its node's back, with its real keys, and proves it.

    The running node notices, as it would another replica of itself.
    """
    keyring, origin = load_keyring(one.settings), checkpoint.origin_of(one.division)
    async with open_database(one.settings) as database:
        store = LogStore(database)
        old = await store.head(origin)
        assert old is not None
        leaf = leaf_hash(entry)
        frontier, completed = (await load_frontier(store, origin, old.size)).append([leaf])
        text = checkpoint.sign_head(origin, frontier.size, frontier.root(), keyring.head)
        text = checkpoint.cosign(text, checkpoint.own_cosigner(origin), keyring.cosigner, nodes.THE_DAY)
        head = LogHead(origin, frontier.size, frontier.root(), text, nodes.THE_DAY)
        row = LogEntry(old.size, entry, sha256(entry).digest(), leaf, EntryKind.OTHER)
        subtrees = [SubtreeRoot(root.level, root.index, root.hash) for root in completed]
        await store.append(old.size, head, [row], subtrees)
        leaves = await store.leaf_hashes(origin, 0, head.size)
    plan = proofs.inclusion_plan(old.size, head.size)
    roots = {s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees}
    return Inclusion(old.size, plan.fold(roots), text)
