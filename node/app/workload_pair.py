"""Key and certificate of a workload: two files that are replaced as one.

A renewal writes the new key beside the old one (`<name>.key.next`), then replaces the certificate, then puts the new
key into the place of the old one. The certificate decides: whoever reads takes the key that belongs to it. So a crash
at any moment leaves a pair: the old one until the certificate is replaced, the new one from then on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding

from node.errors import NotReady
from node.registry.directory import write_durably
from trust import keys
from trust.certificates import load_certificate
from trust.errors import CertificateRejected
from trust.keys import PrivateKey

_ATTEMPTS = 3
"""Readings before a pair that does not match counts as damaged: a renewal may run at the same moment."""


@dataclass(frozen=True, slots=True)
class WorkloadPair:
    """A key and the certificate that belongs to it, PEM."""

    key: bytes = field(repr=False)
    certificate: bytes

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate, read."""
        return load_certificate(self.certificate)


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where the pair of one workload lies."""

    certificate: Path
    key: Path

    @property
    def next_key(self) -> Path:
        """Where the key of a renewal lies until its certificate is in place."""
        return self.key.with_name(f"{self.key.name}.next")

    def stamp(self) -> tuple[tuple[int, int, int], ...]:
        """Changes whenever the pair does: cheap enough to ask every few seconds."""
        found = [path.stat() for path in (self.certificate, self.key, self.next_key) if path.exists()]
        return tuple((status.st_ino, status.st_mtime_ns, status.st_size) for status in found)

    def read(self) -> WorkloadPair:
        """The pair. Raises NotReady when a file cannot be read, or key and certificate do not belong together."""
        for _ in range(_ATTEMPTS):
            certificate = _read(self.certificate, "TLS certificate")
            pair = next((pair for pair in self._pairs(certificate) if _belong_together(pair)), None)
            if pair is not None:
                return pair
        raise NotReady(
            "KEY_NOT_LOADED", "The TLS certificate belongs to another key; check the tls settings, or issue both again."
        )

    def replace(self, key: PrivateKey, certificate: x509.Certificate) -> None:
        """Puts a new pair into the place of whatever is there, durably."""
        with self._alone():
            self._settle()
            self.next_key.unlink(missing_ok=True)
            keys.save(key, self.next_key)
            # From here on the new pair counts.
            write_durably(self.certificate, certificate.public_bytes(Encoding.PEM).decode())
            self._settle()

    def _settle(self) -> None:
        """Ends what a crash has cut off: the key of the certificate in place gets its usual name."""
        if not self.next_key.exists() or not self.certificate.exists():
            return
        with contextlib.suppress(NotReady):  # a damaged certificate is what a renewal may be there to replace
            if _belong_together(WorkloadPair(self.next_key.read_bytes(), self.certificate.read_bytes())):
                self.next_key.replace(self.key)
                _sync_folder(self.key.parent)

    def _pairs(self, certificate: bytes) -> Iterator[WorkloadPair]:
        with contextlib.suppress(OSError):
            yield WorkloadPair(self.next_key.read_bytes(), certificate)
        yield WorkloadPair(_read(self.key, "TLS key"), certificate)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One renewal at a time: two would leave the key of one with the certificate of the other."""
        folder = os.open(self.key.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def share_left(leaf: x509.Certificate, now: datetime) -> float:
    """What is left of a certificate's life: from 1 at its beginning down to 0 at its end, and below."""
    whole = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    return (leaf.not_valid_after_utc - now) / whole


def _belong_together(pair: WorkloadPair) -> bool:
    """Whether the key is the certificate's. Raises NotReady when the certificate is damaged."""
    try:
        wanted = pair.leaf.public_key()
    except (CertificateRejected, ValueError, UnsupportedAlgorithm):
        raise _damaged() from None
    try:
        return bool(serialization.load_pem_private_key(pair.key, None).public_key() == wanted)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _read(path: Path, role: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReady("KEY_NOT_LOADED", f"The {role} cannot be read; check the tls settings.") from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _damaged() -> NotReady:
    return NotReady(
        "KEY_NOT_LOADED", "The TLS key or certificate is damaged; issue them again (`huxin certificate renew`)."
    )
