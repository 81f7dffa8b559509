"""The closed list of signature suites, and public keys that verify under exactly one of them (`docs/protocol.md`).

A suite has one form of key (canonical DER SubjectPublicKeyInfo) and one form of signature, so that nobody can turn a
valid envelope into another valid envelope:

- `ed25519`: RFC 8032, 64 bytes; OpenSSL refuses an S outside the group order (section 5.1.7).
- `ecdsa-p256-sha256`: strict DER of (r, s) with the lower of the two possible s: (r, n - s) verifies as well.
- `sm2-sm3`: see `trust.sm2`; judged where the system's libcrypto has SM2.
- `ml-dsa-65`: see `trust.ml_dsa`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from trust import ml_dsa, sm2
from trust.errors import BadKey, SignatureInvalid, UnknownSuite
from trust.libcrypto import LIBCRYPTO

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of the P-256 group (FIPS 186-4, D.1.2.3)."""

VerifyingKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | mldsa.MLDSA65PublicKey | sm2.Sm2PublicKey

ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())


class Suite(StrEnum):
    """Suites that this version can judge. The list is closed: a message never brings its own."""

    ED25519 = "ed25519"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"
    SM2_SM3 = "sm2-sm3"
    ML_DSA_65 = "ml-dsa-65"


def suite_named(name: str) -> Suite:
    """The suite of that name. Raises UnknownSuite."""
    try:
        return Suite(name)
    except ValueError:
        raise UnknownSuite(
            f"this version knows the signature suites {', '.join(Suite)}: use one of them, or upgrade"
        ) from None


def key_id_of(spki: bytes) -> str:
    """Key id: lowercase hex SHA-256 of the DER SubjectPublicKeyInfo, 64 characters."""
    return hashlib.sha256(spki).hexdigest()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key under its suite. Made by `load_public_key` only, which checks that they belong together."""

    suite: Suite
    spki: bytes
    key_id: str
    _key: VerifyingKey = field(repr=False, compare=False)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature over the bytes of `message`. Raises SignatureInvalid."""
        try:
            if isinstance(self._key, ec.EllipticCurvePublicKey):
                _require_low_s(signature)
                self._key.verify(signature, message, ECDSA_SHA256)
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            raise SignatureInvalid(
                "the signature does not fit this content and key: ask the issuer for the original"
            ) from None


def load_public_key(spki: bytes, suite: str, libcrypto: str = LIBCRYPTO) -> PublicKey:
    """A public key from its DER SubjectPublicKeyInfo, for one suite. `libcrypto` is the library asked for SM2.

    Raises UnknownSuite for a suite outside the list or one that this machine cannot judge, and BadKey when the bytes
    are no key, a key of another suite, or not in canonical DER (two encodings of one key would have two key ids).
    """
    known = suite_named(suite)
    key: VerifyingKey
    if known is Suite.SM2_SM3:
        key = sm2.public_key(spki, libcrypto)
    elif known is Suite.ML_DSA_65:
        key = ml_dsa.public_key(spki)
    else:
        key = _classical(known, spki)
    return PublicKey(known, spki, key_id_of(spki), key)


def check_signature(keys: Mapping[str, PublicKey], key_id: str, signature: bytes, message: bytes) -> Suite:
    """Check one signature under the known key it names and return that key's suite. Raises SignatureInvalid."""
    key = keys.get(key_id)
    if key is None:
        raise SignatureInvalid("signed with a key that is not known here: refresh the trusted state", "KEY_UNKNOWN")
    key.verify(signature, message)
    return key.suite


def low_s(signature: bytes) -> bytes:
    """The one accepted form of an ECDSA P-256 signature, DER with the lower s, from either of its two."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, P256_ORDER - s))


def _require_low_s(signature: bytes) -> None:
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        raise SignatureInvalid("the ECDSA signature is not DER: it was altered or made by a faulty signer") from None
    if s > P256_ORDER // 2 or encode_dss_signature(r, s) != signature:
        raise SignatureInvalid("the ECDSA signature is not in its low-s DER form: it was re-encoded")


def _classical(suite: Suite, spki: bytes) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    try:
        loaded = serialization.load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("not a DER SubjectPublicKeyInfo that can be used: publish the key again") from None
    key = _of_suite(suite, loaded)
    canonical = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if canonical != spki:
        raise BadKey("the key is not in canonical DER: publish it as uncompressed SubjectPublicKeyInfo")
    return key


def _of_suite(suite: Suite, key: object) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    if suite is Suite.ED25519 and isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if suite is Suite.ECDSA_P256_SHA256 and isinstance(key, ec.EllipticCurvePublicKey) and _is_p256(key.curve):
        return key
    raise BadKey(f"the key is not one for {suite}: name the suite it was made for")


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)
