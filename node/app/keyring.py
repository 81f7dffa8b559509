"""The keys of a node, loaded once at the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from node.config.settings import Settings
from node.config.values import read_secret
from node.errors import NotReady
from trust import keys
from trust.errors import TrustError
from trust.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Keyring:
    """What a node signs with, and its certificate and TLS key, PEM."""

    signing: PrivateKey
    head: PrivateKey
    cosigner: PrivateKey
    tls_key: bytes = field(repr=False)
    tls_certificate: bytes


def load_keyring(settings: Settings) -> Keyring:
    """Loads every key. Raises NotReady naming the key's role when one cannot be used."""
    passphrase = load_passphrase(settings)
    return Keyring(
        signing=_load("signing", settings.keys.signing, passphrase),
        head=_load("log", settings.keys.log, passphrase),
        cosigner=_load("cosigner", settings.keys.cosigner, passphrase),
        tls_key=_read("TLS key", settings.tls.key),
        tls_certificate=_read("TLS certificate", settings.tls.certificate),
    )


def load_passphrase(settings: Settings) -> bytes | None:
    """The passphrase of the signing keys, or None when they have none."""
    if settings.keys.passphrase_file is None:
        return None
    return read_secret(settings.keys.passphrase_file, "keys.passphrase_file").encode()


def _load(role: str, path: Path, passphrase: bytes | None) -> PrivateKey:
    try:
        return keys.load(path, passphrase)
    except (TrustError, OSError) as error:
        said = error.message if isinstance(error, TrustError) else "the file cannot be read"
        raise NotReady("KEY_NOT_LOADED", f"The {role} key is not loaded: {said}. See `huxin doctor`.") from error


def _read(role: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReady("KEY_NOT_LOADED", f"The {role} cannot be read; check the tls settings.") from error
