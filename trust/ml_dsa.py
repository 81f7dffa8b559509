"""Suite `ml-dsa-65` (FIPS 204) by `cryptography`: the message itself is signed, with the empty context.

A key is 1,952 bytes in 1,974 of SubjectPublicKeyInfo (RFC 9881), a signature 3,309; hints have one encoding (algorithm
21 refuses others), so nobody makes a second valid signature from a first. Where `cryptography` was built on an OpenSSL
older than 3.5, UnknownSuite says so.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from trust.errors import BadKey, UnknownSuite

SPKI_BYTES = 1_974
_SPKI_HEAD = bytes.fromhex("308207b2300b0609608648016503040312038207a100")
"""Up to the key: id-ml-dsa-65 (2.16.840.1.101.3.4.3.18) without parameters, BIT STRING."""


def public_key(spki: bytes) -> MLDSA65PublicKey:
    """A public key from its DER SubjectPublicKeyInfo. Raises BadKey, and UnknownSuite where ML-DSA is absent."""
    if len(spki) != SPKI_BYTES or not spki.startswith(_SPKI_HEAD):
        raise BadKey(f"the key is not one for ml-dsa-65: publish it as SubjectPublicKeyInfo of {SPKI_BYTES} bytes")
    try:
        return MLDSA65PublicKey.from_public_bytes(spki[len(_SPKI_HEAD) :])
    except UnsupportedAlgorithm:
        raise _absent() from None


def generate() -> MLDSA65PrivateKey:
    """A new key from the operating system's randomness. Raises UnknownSuite where ML-DSA is absent."""
    try:
        return MLDSA65PrivateKey.generate()
    except UnsupportedAlgorithm:
        raise _absent() from None


def _absent() -> UnknownSuite:
    return UnknownSuite("ml-dsa-65 needs a cryptography built on OpenSSL 3.5 or newer: install the published wheel")
