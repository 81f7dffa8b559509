"""The keys of a node, loaded once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from node.config.settings import Settings
from node.config.values import read_secret
from node.errors import NotReady
from trust import keys
from trust.errors import TrustError
from trust.issuers import TrustedIssuer
from trust.keys import PrivateKey
from trust.log.checkpoint import own_cosigner


@dataclass(frozen=True, slots=True)
class Keyring:
    """What a node signs with. Its TLS key is a workload pair: that one changes while the node runs."""

    signing: PrivateKey
    head: PrivateKey
    cosigner: PrivateKey


def load_keyring(settings: Settings) -> Keyring:
    """Loads every key. Raises NotReady naming the key's role when one cannot be used."""
    passphrase = load_passphrase(settings)
    return Keyring(
        signing=_load("signing", settings.keys.signing, passphrase, settings.keys.libcrypto),
        head=_load("log", settings.keys.log, passphrase, settings.keys.libcrypto),
        cosigner=_load("cosigner", settings.keys.cosigner, passphrase, settings.keys.libcrypto),
    )


def require_published(keyring: Keyring, own: TrustedIssuer, now: datetime) -> None:
    """Raises NotReady unless the own bundle names these keys: nobody could verify what other keys sign."""
    signing = own.keys.get(keyring.signing.key_id)
    if signing is None:
        raise _not_published("signing")
    try:
        signing.require_valid(now)
    except TrustError as error:
        raise _not_published("signing") from error
    if own.head_key.key_id != keyring.head.key_id:
        raise _not_published("log")
    if own.cosigners[own_cosigner(own.origin)].key_id != keyring.cosigner.key_id:
        raise _not_published("cosigner")


def load_passphrase(settings: Settings) -> bytes | None:
    """The passphrase of the signing keys, or None when they have none."""
    if settings.keys.passphrase_file is None:
        return None
    return read_secret(settings.keys.passphrase_file, "keys.passphrase_file").encode()


def _load(role: str, path: Path, passphrase: bytes | None, libcrypto: str) -> PrivateKey:
    try:
        return keys.load(path, passphrase, libcrypto)
    except (TrustError, OSError) as error:
        said = error.message if isinstance(error, TrustError) else "the file cannot be read"
        raise NotReady("KEY_NOT_LOADED", f"The {role} key is not loaded: {said}. See `huxin doctor`.") from error


def _not_published(role: str) -> NotReady:
    return NotReady(
        "KEY_NOT_PUBLISHED",
        f"The {role} key is not one that our own bundle lets sign now, so nobody could verify what it signs; restore "
        "the key that belongs to the bundle in the trust directory.",
    )
