"""Suite ml-dsa-65 against two other implementations of FIPS 204 (`tests/vectors/ml_dsa_65.json`)."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.trust import key
from trust.algorithms import Suite, load_public_key
from trust.errors import BadKey, SignatureInvalid
from trust.keys import PrivateKey
from trust.ml_dsa import SPKI_BYTES

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "ml_dsa_65.json").read_text("utf-8"))
PUBLIC_KEY_BYTES = 1_952
MESSAGE = b"synthetic message"


def from_seed(vector: dict[str, str]) -> PrivateKey:
    return PrivateKey(MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(vector["seed"])), Suite.ML_DSA_65)


@pytest.mark.parametrize("name", ["reference", "empty_context"])
def test_a_seed_gives_the_known_public_key(name: str) -> None:
    spki = from_seed(VECTORS[name]).spki
    assert len(spki) == SPKI_BYTES
    assert hashlib.sha256(spki[-PUBLIC_KEY_BYTES:]).hexdigest() == VECTORS[name]["public_key_sha256"]


def test_the_signature_of_another_implementation_verifies_bit_for_bit() -> None:
    vector = VECTORS["empty_context"]
    public, message = from_seed(vector).public, bytes.fromhex(vector["message"])
    signature = bytearray(b64decode(vector["signature"]))
    assert len(signature) == 3_309
    public.verify(bytes(signature), message)
    for at in range(len(signature)):
        signature[at] ^= 1 << at % 8
        with pytest.raises(SignatureInvalid):
            public.verify(bytes(signature), message)
        signature[at] ^= 1 << at % 8


def test_a_signature_made_with_a_context_is_refused() -> None:
    vector = VECTORS["reference"]
    message, signature = bytes.fromhex(vector["message"]), b64decode(vector["signature"])
    library_key = MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(vector["seed"])).public_key()
    library_key.verify(signature, message, bytes.fromhex(vector["context"]))  # or the test would prove nothing
    with pytest.raises(SignatureInvalid):
        from_seed(vector).public.verify(signature, message)


def test_a_key_has_one_form() -> None:
    spki = key("ml-dsa", Suite.ML_DSA_65).spki
    smaller = MLDSA44PrivateKey.generate().public_key()
    for other in (
        spki + b"\x00",
        spki[:-1],
        b"",
        smaller.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        spki.replace(bytes.fromhex("300b0609608648016503040312"), bytes.fromhex("300b0609608648016503040311")),
        key("signing").spki,
        key("sm2", Suite.SM2_SM3).spki,
    ):
        with pytest.raises(BadKey):
            load_public_key(other, "ml-dsa-65")
    with pytest.raises(BadKey):
        load_public_key(spki, "ed25519")
