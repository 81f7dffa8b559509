"""Keeps what this node trusts: from the trust directory and the trust registry, again whenever one of them changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from node.app.keyring import Keyring
from node.app.registry_view import RegistryView
from node.errors import HuxinError, NotAuthenticated
from node.registry.directory import TrustDirectory, TrustedState
from node.registry.published import with_registry
from node.rpc.caller import Caller
from node.rpc.identity import Credential
from node.rpc.server import TlsMaterial
from node.verification.trusting import FreshnessLimits, KnownIssuer, Recognition, TrustSnapshot
from trust.certificates import validate_path
from trust.errors import CertificateRejected

_log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""How soon a change made by `huxin trust` is noticed by a running node."""


@dataclass(frozen=True, slots=True)
class TrustInUse:
    """One version of the trusted state, in every form that the node uses it."""

    version: int
    state: TrustedState
    snapshot: TrustSnapshot
    authorities: Mapping[str, Sequence[x509.Certificate]]
    tls: TlsMaterial

    def ca_pem(self, division: str) -> bytes:
        """The CA certificates of one jurisdiction, PEM, for a channel that trusts nobody else."""
        return b"".join(ca.public_bytes(Encoding.PEM) for ca in self.authorities[division])


class TrustKeeper:
    """Holds the version in use. Raises NotReady at once when the own bundle is missing."""

    def __init__(
        self,
        directory: TrustDirectory,
        registry: RegistryView,
        keyring: Keyring,
        limits: FreshnessLimits,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._registry = registry
        self._directory = directory
        self._keyring = keyring
        self._limits = limits
        self.present = self._load(1)

    def snapshot(self) -> TrustSnapshot:
        """For verification."""
        return self.present.snapshot

    def tls_material(self) -> TlsMaterial:
        """For handshakes."""
        return self.present.tls

    def version(self) -> int:
        """Grows with every change."""
        return self.present.version

    def validate(self, leaf: bytes, at: datetime) -> Credential:
        """Who presents a certificate (PEM). Raises NotAuthenticated with the reason."""
        try:
            found = validate_path(leaf, self.present.authorities, at)
        except CertificateRejected as error:
            raise NotAuthenticated(error.reason, error.message) from error
        who = found.identity
        return Credential(Caller(who.division, who.role.value, who.detail), found.not_before, found.not_after)

    async def keep(self, changed: Callable[[TrustInUse], Awaitable[None]]) -> None:
        """Looks at the directory again and again, until cancelled. A directory that cannot be read changes nothing."""
        moved = False
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                # What moved stays so until it was loaded: the next look alone would find nothing new.
                moved = await self._registry.poll() or moved
                if not moved and self._directory.stamp() == self.present.state.stamp:
                    self.present = self._own_renewed(self.present)
                    continue
                self.present = await asyncio.to_thread(self._load, self.present.version + 1)
                moved = False
            except (HuxinError, OSError) as error:
                _log.error("trust_not_reloaded", reason=getattr(error, "reason", "UNREADABLE"))
                continue
            _log.info("trust_reloaded", version=self.present.version)
            try:
                await changed(self.present)
            except Exception:  # noqa: BLE001 - who ended here would go on trusting what the administrator withdraws
                _log.exception("trust_not_applied", version=self.present.version)

    def _own_renewed(self, trust: TrustInUse) -> TrustInUse:
        """What we know of ourselves is of this moment, however old the bundle is that we handed to others."""
        own = trust.state.own
        renewed = replace(own.trusted, refreshed_at=max(self._now(), own.trusted.refreshed_at))
        issuers = {**trust.snapshot.issuers, own.bundle.division: KnownIssuer(renewed, own.digest)}
        snapshot = replace(trust.snapshot, issuers=issuers)
        return replace(trust, snapshot=snapshot)

    def _load(self, version: int) -> TrustInUse:
        state = with_registry(self._directory.load(), self._registry.record)
        for problem in state.problems:
            _log.warning("trust_file_left_out", problem=problem)
        authorities = {
            division: tuple(x509.load_der_x509_certificate(der) for der in found.bundle.ca_certificates)
            for division, found in state.jurisdictions.items()
        }
        issuers = {
            division: KnownIssuer(found.trusted, found.digest) for division, found in state.jurisdictions.items()
        }
        recognitions = {
            issuer: tuple(Recognition.of(each.certificate, each.digest, self._limits) for each in held)
            for issuer, held in state.certificates.items()
        }
        roots = b"".join(ca.public_bytes(Encoding.PEM) for found in authorities.values() for ca in found)
        tls = TlsMaterial(version, self._keyring.tls_key, self._keyring.tls_certificate, roots)
        loaded = TrustInUse(version, state, TrustSnapshot(issuers, recognitions), authorities, tls)
        return self._own_renewed(loaded)
