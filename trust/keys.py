"""Private keys that sign, and their files.

A key file is PKCS #8 PEM (RFC 5958), mode 0600, created once and never overwritten. A key is of use to whoever can
read the file, so a file that others can read is refused rather than warned about.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from trust import ml_dsa, sm2
from trust.algorithms import ECDSA_SHA256, PublicKey, Suite, load_public_key, low_s
from trust.errors import BadKey
from trust.libcrypto import LIBCRYPTO

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA65PrivateKey | sm2.Sm2PrivateKey

MAX_KEY_FILE_BYTES = 16 * 1024
"""Far above any PKCS #8 file of the known suites: a larger file is something else."""


class Signer(Protocol):
    """Whatever signs: a key file here, a hardware key elsewhere."""

    @property
    def suite(self) -> Suite: ...

    @property
    def key_id(self) -> str: ...

    @property
    def spki(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes:
        """Signature over the bytes of `message`, in the suite's one form."""
        ...


class Keypair:
    """What the public half says of a private key, wherever that lies."""

    __slots__ = ("public",)

    public: PublicKey

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.suite}, {self.key_id})"

    @property
    def suite(self) -> Suite:
        """What it signs with."""
        return self.public.suite

    @property
    def key_id(self) -> str:
        """The full-length id of its public key."""
        return self.public.key_id

    @property
    def spki(self) -> bytes:
        """Its public key as SubjectPublicKeyInfo, DER (RFC 5280)."""
        return self.public.spki


class PrivateKey(Keypair):
    """A private key held in memory. Implements `Signer`."""

    __slots__ = ("_key",)

    def __init__(self, key: Key, suite: Suite) -> None:
        self._key = key
        if isinstance(key, sm2.Sm2PrivateKey):
            self.public = load_public_key(key.spki, suite, key.libcrypto)
            return
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = load_public_key(spki, suite)

    def sign(self, message: bytes) -> bytes:
        """Ed25519: 64 bytes. ECDSA P-256: DER with low s (`trust.algorithms`). SM2: DER. ML-DSA-65: 3,309 bytes."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return low_s(self._key.sign(message, ECDSA_SHA256))
        return self._key.sign(message)

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS #8 PEM, encrypted when a passphrase is given."""
        if isinstance(self._key, sm2.Sm2PrivateKey):
            return self._key.pem(passphrase)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            encryption = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def generate(suite: Suite, libcrypto: str = LIBCRYPTO) -> PrivateKey:
    """A new key from the operating system's randomness. `libcrypto` is the library asked for SM2.

    Raises UnknownSuite for a suite that this machine cannot sign with.
    """
    if suite is Suite.SM2_SM3:
        return PrivateKey(sm2.generate(libcrypto), suite)
    if suite is Suite.ML_DSA_65:
        return PrivateKey(ml_dsa.generate(), suite)
    if suite is Suite.ED25519:
        return PrivateKey(ed25519.Ed25519PrivateKey.generate(), suite)
    return PrivateKey(ec.generate_private_key(ec.SECP256R1()), suite)


def save(key: PrivateKey, path: Path, passphrase: bytes | None = None) -> None:
    """Write a new key file as `write_private` does. Raises BadKey when something is already there."""
    write_private(path, key.pem(passphrase))


def write_private(path: Path, content: bytes) -> None:
    """Write a new file, mode 0600, durably. Raises BadKey when something is already there: keys are not replaced.

    A crash in between leaves a file that `load` refuses; it is removed when writing fails otherwise.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise BadKey("a file of that name exists: move it away first, a key is never overwritten") from None
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def load(path: Path, passphrase: bytes | None = None, libcrypto: str = LIBCRYPTO) -> PrivateKey:
    """Read a key file. `libcrypto` is the library asked for SM2.

    Raises BadKey when the file is missing, is open to group or others, is no PKCS #8 key of a known suite, or when
    the passphrase is missing, wrong or not needed. Raises UnknownSuite for a key that this machine cannot sign with.
    """
    pem = read_private(path)
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except TypeError:
        advice = "give its passphrase" if passphrase is None else "it has no passphrase: give none"
        raise BadKey(f"the key file could not be opened: {advice}") from None
    except UnsupportedAlgorithm:
        # Opened, and of no kind that `cryptography` knows: SM2, or nothing of ours.
        return PrivateKey(sm2.private_key(pem, passphrase, libcrypto), Suite.SM2_SM3)
    except ValueError:
        raise BadKey(
            "the key file is damaged, of another kind, or the passphrase is wrong: check both, or restore it"
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKey(key, Suite.ED25519)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return PrivateKey(key, Suite.ECDSA_P256_SHA256)
    if isinstance(key, mldsa.MLDSA65PrivateKey):
        return PrivateKey(key, Suite.ML_DSA_65)
    raise BadKey(f"the key is of a kind that no suite uses: make one for {' or '.join(Suite)}")


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner can open. Raises BadKey as `load` does."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO must not hang the start
    except OSError:
        raise BadKey("the key file cannot be opened: check that it exists and belongs to this user") from None
    try:
        status = os.fstat(handle)  # of the opened file: a path could be swapped between check and use
        if not stat.S_ISREG(status.st_mode):
            raise BadKey("the key path does not name a file: name the PEM file itself")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise BadKey(
                "the key file is open to other users: run `chmod 600` on it, and replace the key if anyone may have "
                "read it",
                "KEY_FILE_EXPOSED",
            )
        pem = os.read(handle, MAX_KEY_FILE_BYTES + 1)
    finally:
        os.close(handle)
    if len(pem) > MAX_KEY_FILE_BYTES:
        raise BadKey("the key file is too large to be a key: name the PEM file of one private key")
    return pem
