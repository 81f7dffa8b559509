"""A running node renews its own certificate, where the CA key is at hand, and warns in time of what it cannot renew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from node.app.authority import NODE_DAYS, RandomBytes, is_due, issue, own_authority
from node.app.trust_keeper import TrustInUse, TrustKeeper
from node.app.workload_pair import PairFiles
from node.config.settings import Settings
from node.errors import HuxinError
from trust.certificates import validate_path
from trust.errors import CertificateRejected, TrustError
from trust.identities import Role, WorkloadIdentity
from trust.revocation import bundle_lists

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
"""How often a node looks at the ends of its certificates."""

_SAID_AGAIN = timedelta(days=1)
_CA_WARNING = timedelta(days=365)
"""Warning before the end of the own CA: time for a successor, its overlap, and the leaves of the old one."""


class Renewal:
    """Looks at what ends. A renewed pair is taken up like one that an operator renewed: by its files."""

    def __init__(
        self, settings: Settings, trust: TrustKeeper, now: Callable[[], datetime], random: RandomBytes
    ) -> None:
        self._settings = settings
        self._trust = trust
        self._now = now
        self._random = random
        self._said: dict[str, datetime] = {}

    async def keep(self) -> None:
        """Looks again and again, until cancelled. Trouble is told once a day, and tried again at each look."""
        while True:
            try:
                await self._look()
            except (HuxinError, TrustError, OSError) as error:
                self._warn("certificate_not_renewed", reason=getattr(error, "reason", "UNREADABLE"))
            except Exception:  # noqa: BLE001 - who ended here would let the certificate run out behind our back
                _log.exception("certificates_not_looked_at")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        now, present = self._now(), self._trust.present
        for division, until in _ended_lists(present, now):
            self._warn("revocation_list_ended", division=division, until=until.isoformat())
        files = own_authority(self._settings)
        in_use = files.in_use(now)
        newest = in_use[-1]
        if newest.not_valid_after_utc - now < _CA_WARNING:
            self._warn("ca_ends_soon", until=newest.not_valid_after_utc.isoformat())
        leaf = present.pair.leaf
        if not is_due(leaf, in_use, now) and not _refused(present, now):
            return
        if not files.at_hand:
            self._warn("certificate_due", until=leaf.not_valid_after_utc.isoformat())
            return
        await asyncio.to_thread(self._renew, leaf, now)

    def _renew(self, leaf: x509.Certificate, now: datetime) -> None:
        settings = self._settings
        days = max(1, min((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days, NODE_DAYS))
        identity = WorkloadIdentity(settings.division, Role.NODE)
        pair = PairFiles(settings.tls.certificate, settings.tls.key)
        fresh = issue(own_authority(settings).issuing(now), identity, pair, now, days, self._random)
        _log.info("certificate_renewed", until=fresh.not_valid_after_utc.isoformat())

    def _warn(self, event: str, **said: str) -> None:
        """A warning, once a day for each thing it speaks of."""
        now, about = self._now(), f"{event} {said}"
        last = self._said.get(about)
        if last is None or now - last >= _SAID_AGAIN:
            self._said[about] = now
            _log.warning(event, **said)


def _refused(present: TrustInUse, now: datetime) -> bool:
    """Whether peers refuse the pair in use: revoked, ended, or of a CA that the own bundle no longer names."""
    try:
        validate_path(present.pair.certificate, present.authorities, now)
    except CertificateRejected:
        return True
    return False


def _ended_lists(present: TrustInUse, now: datetime) -> Iterator[tuple[str, datetime]]:
    """Jurisdictions whose list of revoked certificates should have been followed by another one, and since when."""
    for division, found in present.state.jurisdictions.items():
        for each in bundle_lists(found.bundle):
            if each.next_update < now:
                yield division, each.next_update
