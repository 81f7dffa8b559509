"""Our keys as TUF keys and back: one key has one id, and only kinds of the closed list sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Key, Signature, SSlibKey

from node.registry.keys import (
    SUITES,
    RegistrySigner,
    SuiteKey,
    public_key,
    public_pem,
    read_public_pem,
    signer_from_file,
    tuf_key,
)
from trust.algorithms import Suite
from trust.errors import BadKey, TooLarge
from trust.keys import generate, save

suites = pytest.mark.parametrize("suite", SUITES.values())


@suites
def test_a_key_goes_to_tuf_and_back(suite: Suite) -> None:
    key = generate(suite).public
    there = tuf_key(key, "140000")
    assert there.keyid == key.key_id
    assert there.unrecognized_fields == {"x-huxin-holder": "140000"}
    assert public_key(Key.from_dict(there.keyid, there.to_dict())) == key


@suites
def test_a_key_file_signs_what_tuf_verifies(suite: Suite, tmp_path: Path) -> None:
    save(generate(suite), tmp_path / "root.key", b"synthetic passphrase")
    signer = signer_from_file(tmp_path / "root.key", b"synthetic passphrase")
    signature = signer.sign(b"metadata")
    signer.public_key.verify_signature(signature, b"metadata")
    with pytest.raises(UnverifiedSignatureError):
        signer.public_key.verify_signature(signature, b"metadata!")


@pytest.mark.parametrize("suite", [Suite.SM2_SM3, Suite.ML_DSA_65])
@pytest.mark.parametrize("signature", ["", "zz", "00" * 64])
def test_a_signature_that_is_none_is_refused_as_python_tuf_expects(suite: Suite, signature: str) -> None:
    key = tuf_key(generate(suite).public)
    with pytest.raises(UnverifiedSignatureError):
        key.verify_signature(Signature(key.keyid, signature), b"metadata")


def test_no_address_opens_a_key() -> None:
    with pytest.raises(BadKey, match="name its file"):
        RegistrySigner.from_priv_key_uri("file2:/etc/key", tuf_key(generate(Suite.ED25519).public))


def test_a_key_under_another_id_is_refused() -> None:
    """Else one key under two ids would count twice towards a threshold."""
    key = tuf_key(generate(Suite.ED25519).public)
    other = SSlibKey("0" * 64, key.keytype, key.scheme, key.keyval)
    with pytest.raises(BadKey, match="count twice"):
        public_key(other)


@pytest.mark.parametrize(
    "key",
    [
        SuiteKey("0" * 64, "huxin", "sm2-sm3", {"public": "not PEM"}),
        SuiteKey("0" * 64, "huxin", "sm2-sm3", {"public": 5}),
        SuiteKey("0" * 64, "huxin", "sm2-sm3", {}),
        SuiteKey("0" * 64, "huxin", "sm2-sm3", tuf_key(generate(Suite.ML_DSA_65).public).keyval),
        SuiteKey("0" * 64, "huxin", "ed25519", tuf_key(generate(Suite.ED25519).public).keyval),
        CryptoSigner.generate_rsa().public_key,
        CryptoSigner.generate_mldsa().public_key,
        CryptoSigner.generate_ecdsa(scheme="ecdsa-sha2-nistp384").public_key,
        SSlibKey("0" * 64, "ed25519", "ed25519", {"public": "zz"}),
        SSlibKey("0" * 64, "ecdsa", "ecdsa-sha2-nistp256", {"public": "not PEM"}),
        SSlibKey("0" * 64, "ecdsa", "ecdsa-sha2-nistp256", CryptoSigner.generate_rsa().public_key.keyval),
        SSlibKey("0" * 64, "ecdsa", "ecdsa-sha2-nistp256", tuf_key(generate(Suite.ED25519).public).keyval),
    ],
    ids=[
        "own, no PEM",
        "own, no text",
        "own, empty",
        "own, other suite",
        "own, other type",
        "rsa",
        "ml-dsa",
        "p384",
        "no hex",
        "no PEM",
        "rsa as p256",
        "ed25519 as p256",
    ],
)
def test_a_key_of_another_kind_is_refused(key: Key) -> None:
    with pytest.raises(BadKey):
        public_key(key)


@suites
def test_a_public_key_file_holds_one_key(suite: Suite) -> None:
    key = generate(suite)
    assert read_public_pem(public_pem(key.public)) == key.public


def pem_of(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no public key in PEM"),
        (b"\xff" * 100, "no public key in PEM"),
        (public_pem(generate(Suite.ED25519).public)[:60], "no public key in PEM"),
        (generate(Suite.ED25519).pem(), "PRIVATE"),
        (generate(Suite.ED25519).pem(b"synthetic"), "PRIVATE"),
        (pem_of(ec.generate_private_key(ec.SECP384R1()).public_key()), "does not take"),
        (pem_of(rsa.generate_private_key(65537, 2048).public_key()), "does not take"),
    ],
    ids=["empty", "noise", "cut off", "private", "private, encrypted", "p384", "rsa"],
)
def test_another_file_is_no_public_key(data: bytes, said: str) -> None:
    with pytest.raises(BadKey, match=said):
        read_public_pem(data)


@pytest.mark.parametrize("suite", [Suite.ED25519, Suite.ECDSA_P256_SHA256, Suite.ML_DSA_65])
def test_a_public_key_file_is_what_openssl_reads_and_writes(suite: Suite) -> None:
    key = generate(suite).public
    loaded = serialization.load_pem_public_key(public_pem(key))
    written = loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert written == public_pem(key)
    assert read_public_pem(written.replace(b"\n", b"\r\n")) == key  # carried over on a Windows machine


def test_a_large_file_is_not_parsed() -> None:
    with pytest.raises(TooLarge):
        read_public_pem(b"-" * 20_000)
