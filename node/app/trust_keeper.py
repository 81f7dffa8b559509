"""Keeps what this node trusts: from the trust directory and the trust registry, again whenever one of them changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from cryptography.hazmat.primitives.serialization import Encoding

from node.app.registry_view import RegistryView
from node.app.workload_pair import PairFiles, WorkloadPair
from node.errors import HuxinError, NotAuthenticated
from node.registry.directory import TrustDirectory, TrustedState
from node.registry.published import with_registry
from node.rpc.caller import Caller
from node.rpc.identity import Credential
from node.rpc.server import TlsMaterial
from node.verification.trusting import FreshnessLimits, KnownIssuer, Recognition, TrustSnapshot
from trust.certificates import Authorities, validate_path
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity
from trust.issuers import witness_keys

_log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
"""How soon a change made by `huxin trust` or `huxin certificate` is noticed by a running node."""


@dataclass(frozen=True, slots=True)
class TrustInUse:
    """One version of the trusted state, in every form that the node uses it."""

    version: int
    state: TrustedState
    snapshot: TrustSnapshot
    authorities: Mapping[str, Authorities]
    pair: WorkloadPair
    tls: TlsMaterial
    own_stamp: bytes
    """Of our own bundle's file, as it was before it was read."""

    def ca_pem(self, division: str) -> bytes:
        """The CA certificates of one jurisdiction, PEM, for a channel that trusts nobody else."""
        return b"".join(ca.public_bytes(Encoding.PEM) for ca in self.authorities[division].certificates)


class TrustKeeper:
    """Holds the version in use. Raises NotReady at once when the own bundle or the node's TLS pair is missing."""

    def __init__(
        self,
        directory: TrustDirectory,
        registry: RegistryView,
        pair: PairFiles,
        limits: FreshnessLimits,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._registry = registry
        self._moved = False
        self._directory = directory
        self._files = pair
        self._pair_stamp = pair.stamp()
        self._pair_trouble = ""
        self._limits = limits
        self._one_at_a_time = asyncio.Lock()
        self.present = self._load(1, pair.read())
        self._told = self.present.version

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
        """Looks at the files again and again, until cancelled. What cannot be read changes nothing.

        Trust and pair are looked at apart: trouble with one keeps no change of the other away.
        """
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with self._one_at_a_time:
                await self._look()
            if self.present.version == self._told:  # told, not seen: `up_to_date` may have loaded it in between
                continue
            self._told = self.present.version
            try:
                await changed(self.present)
            except Exception:  # noqa: BLE001 - who ended here would go on trusting what the administrator withdraws
                _log.exception("trust_not_applied", version=self.present.version)

    async def up_to_date(self) -> TrustInUse:
        """The version in use, whose own bundle is the one that lies in the trust directory at this moment.

        So nothing is signed with a key that `huxin key compromised` has ended, however seldom the files are looked at.
        Raises HuxinError, TrustError or OSError when our own bundle is another one now and cannot be read.
        """
        if self._directory.own_stamp() == self.present.own_stamp:
            return self.present
        async with self._one_at_a_time:
            if self._directory.own_stamp() != self.present.own_stamp:
                await self._load_anew()
            return self.present

    async def _look(self) -> None:
        try:
            await self._look_at_trust()
        except (HuxinError, OSError) as error:
            _log.error("trust_not_reloaded", reason=getattr(error, "reason", "UNREADABLE"))
        except Exception:  # noqa: BLE001 - whatever somebody published, what comes after it is looked at
            _log.exception("trust_not_reloaded", reason="UNREADABLE")
        try:
            self._look_at_pair()
        except (HuxinError, CertificateRejected, OSError) as error:
            self._say_once(getattr(error, "reason", "UNREADABLE"))

    def _say_once(self, reason: str) -> None:
        """Why a pair is not taken up: it is looked at again each time, and told once."""
        if reason != self._pair_trouble:
            _log.error("certificate_not_reloaded", reason=reason)
        self._pair_trouble = reason

    async def _look_at_trust(self) -> None:
        # What moved stays so until it was loaded: the next look alone would find nothing new.
        self._moved = await self._registry.poll() or self._moved
        if not self._moved and self._directory.stamp() == self.present.state.stamp:
            self.present = self._own_renewed(self.present)
            return
        await self._load_anew()
        self._moved = False

    async def _load_anew(self) -> None:
        """On another thread: everything is verified anew, which would hold up callers for as long."""
        self.present = await asyncio.to_thread(self._load, self.present.version + 1, self.present.pair)
        _log.info("trust_reloaded", version=self.present.version)

    def _look_at_pair(self) -> None:
        """A renewed pair is taken up when others will accept it: by the own bundle, as this node's, now."""
        stamp = self._files.stamp()
        if stamp == self._pair_stamp:
            return
        pair, present = self._files.read(), self.present
        if pair != present.pair:
            own = present.state.own.bundle.division
            found = validate_path(pair.certificate, present.authorities, self._now())
            if found.identity != WorkloadIdentity(own, Role.NODE, ""):
                raise HuxinError(
                    "NOT_A_NODE", "The certificate is not this node's; check which file tls.certificate names."
                )
            version = present.version + 1
            tls = TlsMaterial(version, pair.key, pair.certificate, present.tls.roots)
            self.present = replace(present, version=version, pair=pair, tls=tls)
            _log.info("certificate_reloaded", version=version, until=found.not_after.isoformat())
        self._pair_stamp, self._pair_trouble = stamp, ""

    def _own_renewed(self, trust: TrustInUse) -> TrustInUse:
        """What we know of ourselves is of this moment, however old the bundle is that we handed to others."""
        own = trust.state.own
        known = trust.snapshot.issuers[own.bundle.division].trusted
        renewed = replace(known, refreshed_at=max(self._now(), own.trusted.refreshed_at))
        issuers = {**trust.snapshot.issuers, own.bundle.division: KnownIssuer(renewed, own.digest)}
        snapshot = replace(trust.snapshot, issuers=issuers)
        return replace(trust, snapshot=snapshot)

    def _load(self, version: int, pair: WorkloadPair) -> TrustInUse:
        own_stamp = self._directory.own_stamp()  # before it is read: what comes in between is another one
        state = with_registry(self._directory.load(), self._registry.record)
        for problem in state.problems:
            _log.warning("trust_file_left_out", problem=problem)
        authorities = {division: found.authorities for division, found in state.jurisdictions.items()}
        everybody = {**state.jurisdictions, state.own.bundle.division: state.own}
        witnesses = witness_keys(found.trusted for found in everybody.values())
        issuers = {
            division: KnownIssuer(found.trusted.with_witnesses(witnesses), found.digest)
            for division, found in everybody.items()
        }
        recognitions = {
            issuer: tuple(Recognition.of(each.certificate, each.digest, self._limits) for each in held)
            for issuer, held in state.certificates.items()
        }
        roots = b"".join(ca.public_bytes(Encoding.PEM) for each in authorities.values() for ca in each.certificates)
        tls = TlsMaterial(version, pair.key, pair.certificate, roots)
        loaded = TrustInUse(
            version, state, TrustSnapshot(issuers, recognitions, state.unchecked), authorities, pair, tls, own_stamp
        )
        return self._own_renewed(loaded)
