"""Suite `sm2-sm3`: SM2 signatures over SM3 (GB/T 32918.2, GB/T 32905), arithmetic by the system's libcrypto.

One form of everything: keys are the 91 bytes of SubjectPublicKeyInfo with the curve's name and an uncompressed point,
signatures the DER of (r, s) with both in [1, n-1] (GB/T 35276; unlike ECDSA's, a pair has no twin with n - s), and the
signer's id is always the sixteen bytes `1234567812345678`. Where libcrypto or its SM2 is absent, UnknownSuite says so.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from trust.errors import BadKey, SignatureInvalid, UnknownSuite
from trust.libcrypto import LIBCRYPTO, EvpKey, Libcrypto, LibcryptoError, NotVerified

SIGNER_ID = b"1234567812345678"
"""Set for every signature: OpenSSL 3 would take the empty id, and other implementations refuse what it signs then."""

SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""Order n of the recommended curve (GB/T 32918.5)."""

SPKI_BYTES = 91
_SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
"""Up to the point: id-ecPublicKey, curve 1.2.156.10197.1.301, BIT STRING, uncompressed."""

_OPEN_PEM, _CLOSED_PEM = b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN ENCRYPTED PRIVATE KEY-----"

# GB/T 32918.5 annex A: message, public key, signature. A library that does not verify it is not used.
_KNOWN_MESSAGE = b"message digest"
_KNOWN_POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_KNOWN_R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
_KNOWN_S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


class Sm2PublicKey:
    """A public key on the recommended curve."""

    __slots__ = ("_key", "_library", "spki")

    def __init__(self, library: Libcrypto, spki: bytes) -> None:
        if len(spki) != SPKI_BYTES or not spki.startswith(_SPKI_HEAD):
            raise BadKey("the key is not one for sm2-sm3: publish it as uncompressed SubjectPublicKeyInfo of 91 bytes")
        try:
            self._key = library.sm2_public(spki)
        except LibcryptoError:
            raise BadKey("the key's point is not on the SM2 curve: publish the key again") from None
        self._library = library
        self.spki = spki

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a DER signature. Raises SignatureInvalid."""
        _require_one_form(signature)
        try:
            self._library.sm2_verify(self._key, SIGNER_ID, signature, message)
        except NotVerified:  # any other failure is the machine's and says nothing about the signature
            raise SignatureInvalid(
                "the signature does not fit this content and key: ask the issuer for the original"
            ) from None


class Sm2PrivateKey:
    """A key pair on the recommended curve, held by libcrypto."""

    __slots__ = ("_key", "_library", "spki")

    def __init__(self, library: Libcrypto, key: EvpKey) -> None:
        self._library = library
        self._key = key
        self.spki = library.spki(key)

    @property
    def libcrypto(self) -> str:
        """Name of the library that holds it."""
        return self._library.name

    def sign(self, message: bytes) -> bytes:
        """DER signature with SIGNER_ID, a fresh one each time."""
        try:
            return self._library.sm2_sign(self._key, SIGNER_ID, message)
        except LibcryptoError:
            raise BadKey("libcrypto does not sign with this SM2 key: check the system's OpenSSL") from None

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS #8 PEM, encrypted when a passphrase is given."""
        try:
            return self._library.pkcs8(self._key, passphrase)
        except LibcryptoError:
            raise BadKey("libcrypto does not write this SM2 key: check the system's OpenSSL") from None


def public_key(spki: bytes, libcrypto: str = LIBCRYPTO) -> Sm2PublicKey:
    """A public key from its DER SubjectPublicKeyInfo. Raises BadKey, and UnknownSuite where SM2 is absent."""
    return Sm2PublicKey(_library(libcrypto), spki)


def generate(libcrypto: str = LIBCRYPTO) -> Sm2PrivateKey:
    """A new key pair. Raises UnknownSuite where SM2 is absent."""
    library = _library(libcrypto)
    try:
        return Sm2PrivateKey(library, library.generate_sm2())
    except LibcryptoError:
        raise BadKey("libcrypto makes no SM2 key: check the system's OpenSSL and its randomness") from None


def private_key(pem: bytes, passphrase: bytes | None, libcrypto: str = LIBCRYPTO) -> Sm2PrivateKey:
    """A key pair from PKCS #8 PEM. Raises BadKey, and UnknownSuite where SM2 is absent."""
    library = _library(libcrypto)
    if not pem.startswith(_OPEN_PEM if passphrase is None else _CLOSED_PEM):
        raise _not_opened()
    try:
        return Sm2PrivateKey(library, library.sm2_private(pem, passphrase))
    except LibcryptoError:
        raise _not_opened() from None


@lru_cache(maxsize=4)
def _library(name: str) -> Libcrypto:
    """The library of that name, loaded once. It proves its SM2 by the standard's own example first."""
    try:
        library = Libcrypto(name)
        known = library.sm2_public(_SPKI_HEAD + _KNOWN_POINT)
        library.sm2_verify(known, SIGNER_ID, encode_dss_signature(_KNOWN_R, _KNOWN_S), _KNOWN_MESSAGE)
    except LibcryptoError:
        raise UnknownSuite(
            "sm2-sm3 needs OpenSSL 3 with SM2, which is not found here: install libcrypto.so.3, or name the library "
            "in keys.libcrypto"
        ) from None
    return library


def _not_opened() -> BadKey:
    return BadKey("the file is no PKCS #8 key of SM2, or its passphrase is wrong or not needed: check both")


def _require_one_form(signature: bytes) -> None:
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        raise SignatureInvalid("the SM2 signature is not DER: it was altered or made by a faulty signer") from None
    if not (0 < r < SM2_ORDER and 0 < s < SM2_ORDER) or encode_dss_signature(r, s) != signature:
        raise SignatureInvalid("the SM2 signature is not in its one DER form: it was re-encoded")
