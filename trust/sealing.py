"""Messages that one jurisdiction alone can read: HPKE (RFC 9180) to the sealing key that it publishes.

One suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, a fresh encapsulation for each message. What
must hold around the content (who sends it to whom, until when) is bound as `info`, which enters the key schedule: with
another `info` nothing opens. RFC 9180 knows `aad` as well; for one message per encapsulation both bind alike.

A key seals nothing that must be provable later, so its history is not kept: a jurisdiction publishes the newest key and
those before it for whoever has an older bundle, and opens with every private half that it still has.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from trust.algorithms import key_id_of
from trust.errors import BadKey, MalformedInput
from trust.keys import read_private, write_private
from trust.vocabulary import SealingKeyInfo

SEALING_SUITE = "hpke-x25519-sha256-aes256gcm"
"""Name of the one suite in bundles. A key of another name is left alone: this version cannot seal to it."""

OVERHEAD_BYTES = 32 + 16
"""What sealing adds: the encapsulated key (RFC 9180, 7.1: 32 bytes) and the tag."""

_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class SealingPublicKey:
    """A key to seal to. `key_id` is SHA-256 of its SubjectPublicKeyInfo, lowercase hex."""

    key_id: str
    key: x25519.X25519PublicKey

    def seal(self, content: bytes, info: bytes) -> bytes:
        """`content` for the holder of the private half, bound to `info`: encapsulated key, ciphertext, tag.

        Raises BadKey for a key of small order, to which anybody could open (RFC 9180, 7.1.4).
        """
        try:
            return _HPKE.encrypt(content, self.key, info=info)
        except ValueError:
            raise BadKey("the sealing key is one that keeps nothing secret: ask its owner for another") from None


def load_sealing_key(spki: bytes) -> SealingPublicKey:
    """A public key from its SubjectPublicKeyInfo, DER (RFC 8410). Raises BadKey when it is none, or not canonical."""
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, x25519.X25519PublicKey) or _spki(key) != spki:
        raise BadKey("the sealing key is no X25519 key in its one form: ask its owner to publish it again")
    return SealingPublicKey(key_id_of(spki), key)


def key_to_seal_to(published: Iterable[SealingKeyInfo], at: datetime) -> SealingPublicKey:
    """The newest of the keys that a bundle lists, of our suite and begun. Raises BadKey when there is none."""
    begun = [info for info in published if info.suite == SEALING_SUITE and info.valid_from <= at]
    if not begun:
        raise BadKey("it publishes no sealing key that this version knows: it must run `huxin key rotate --sealing`")
    return load_sealing_key(max(begun, key=lambda info: info.valid_from).spki)


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """What makes pseudonyms, and opens nothing: nobody gets from it to the sealing key from which it was extracted.

    `secret`: 32 bytes.
    """

    secret: bytes = field(repr=False)

    def pseudonym(self, purpose: bytes, name: bytes) -> bytes:
        """32 bytes that stand for `name` and tell nothing of it to who lacks this key: HMAC-SHA256 (RFC 2104).

        The key of the HMAC is expanded by HKDF (RFC 5869, 2.3) from this one and `purpose`.
        """
        expand = HKDFExpand(hashes.SHA256(), 32, info=b"huxin/pseudonym/v1\x00" + purpose)
        return hmac.digest(expand.derive(self.secret), name, sha256)


class SealingKey:
    """A private sealing key held in memory."""

    __slots__ = ("_key", "public", "spki")

    def __init__(self, key: x25519.X25519PrivateKey) -> None:
        self._key = key
        self.spki = _spki(key.public_key())
        self.public = SealingPublicKey(key_id_of(self.spki), key.public_key())

    def __repr__(self) -> str:
        return f"SealingKey({self.key_id})"

    @property
    def key_id(self) -> str:
        """The id of its public half."""
        return self.public.key_id

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What was sealed to this key with this `info`. Raises MalformedInput for anything else, not saying why."""
        try:
            return _HPKE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError):
            raise MalformedInput(
                "it cannot be opened: it was altered, or sealed to another key or for another purpose", "NOT_OPENED"
            ) from None

    @property
    def pseudonyms(self) -> PseudonymKey:
        """What outlives this key: the first half of HKDF, extraction without a salt (RFC 5869, 2.2)."""
        return PseudonymKey(hmac.digest(bytes(32), self._key.private_bytes_raw(), sha256))

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS #8 PEM, encrypted when a passphrase is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            encryption = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def generate_sealing_key() -> SealingKey:
    """A new key from the operating system's randomness."""
    return SealingKey(x25519.X25519PrivateKey.generate())


def save_sealing_key(key: SealingKey, path: Path, passphrase: bytes | None = None) -> None:
    """Writes a new key file, mode 0600, durably. Raises BadKey when something is already there."""
    write_private(path, key.pem(passphrase))


def load_sealing_key_file(path: Path, passphrase: bytes | None = None) -> SealingKey:
    """Reads a key file. Raises BadKey when it is missing, open to others, of another kind, or the passphrase wrong."""
    pem = read_private(path)
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise BadKey("the sealing key file is damaged, of another kind, or its passphrase is wrong") from None
    if not isinstance(key, x25519.X25519PrivateKey):
        raise BadKey("the file holds no sealing key (X25519): make one with `huxin key rotate --sealing`")
    return SealingKey(key)


def _spki(key: x25519.X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
