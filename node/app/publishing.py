"""Keeps the trust registry saying what this jurisdiction says of itself: published whenever it changes, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from node.app.coordinating import Coordinating
from node.app.refreshing import Mirror, mirrors
from node.app.registering import publisher_of, to_publish
from node.app.trust_keeper import TrustInUse
from node.config.settings import Settings
from node.errors import HuxinError, NotReady
from node.federation.peer_client import ClientCredentials
from node.federation.registry_client import PublicationRefused, RegistryClient
from node.federation.unavailable import PeerUnavailable
from node.registry.directory import TrustedState
from node.registry.keeping import TrustRegistry
from node.registry.publishing import Publication, delegated, next_publication
from node.wire.trust import encode_publication
from trust.errors import TrustError

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What publishing needs of the node: its settings, time, and whom it trusts now."""

    settings: Settings
    now: Callable[[], datetime]
    trust: Callable[[], TrustInUse]
    coordinator: Callable[[], str]


class Publishing:
    """Publishes what has changed. Nothing happens before a registry was joined and delegates to this jurisdiction."""

    def __init__(self, around: Surroundings, registry: TrustRegistry, coordinating: Coordinating) -> None:
        self._around = around
        self._registry = registry
        self._coordinating = coordinating
        self._failing = ""
        self._asked_to_wait = 0.0

    async def keep(self, every_seconds: float) -> None:
        """Publishes again and again, until cancelled. What fails is tried again."""
        while True:
            try:
                version = await self.once()
            except (HuxinError, TrustError) as error:
                self._note(error.reason, error.message)
            except Exception:  # noqa: BLE001 - a loop that ended would let what we published expire
                _log.exception("publishing_failed")
            else:
                self._note("", "")
                if version is not None:
                    _log.info("published", snapshot_version=version)
            await asyncio.sleep(self.pause(every_seconds))

    def pause(self, every_seconds: float) -> float:
        """Seconds until the next attempt: no fewer than the coordinator asked for at the last one."""
        return max(every_seconds, self._asked_to_wait)

    async def once(self) -> int | None:
        """Publishes if there is anything to publish: the version of the snapshot that holds it, else None.

        Raises NotReady when the coordinator cannot be reached or takes no more for now, InvalidInput or
        PublicationRefused's words as HuxinError when it does not take the publication over.
        """
        self._asked_to_wait = 0.0
        trust = self._around.trust()
        publication = await asyncio.to_thread(self._compose, trust.state, await self._registry.files())
        if publication is None:
            return None
        if self._around.coordinator() == self._around.settings.division:
            return await self._coordinating.publish(publication.division, publication.metadata, publication.files)
        offered = mirrors(trust, self._around.coordinator())
        return await asyncio.to_thread(self._hand_over, publication, offered)

    def _compose(self, state: TrustedState, held: dict[str, bytes]) -> Publication | None:
        settings = self._around.settings
        signer = publisher_of(settings)
        if signer is None or settings.division not in delegated(held):
            return None
        life = timedelta(days=settings.registry.publication_days)
        content = to_publish(settings, state)
        return next_publication(held, settings.division, content, signer, self._around.now(), life)

    def _hand_over(self, publication: Publication, offered: list[Mirror]) -> int:
        """To the coordinator, by any of its endpoints."""
        pair = self._around.trust().pair
        credentials = ClientCredentials(pair.certificate, pair.key)
        seconds = self._around.settings.registry.peer_seconds
        encoded = encode_publication(publication.division, publication.metadata, publication.files)
        for mirror in offered:
            if mirror.division != self._around.coordinator():
                continue
            client = RegistryClient(mirror.division, mirror.endpoint, mirror.ca_pem, credentials, seconds)
            try:
                return client.publish(encoded)
            except PublicationRefused as error:
                raise HuxinError("PUBLICATION_REFUSED", f"The coordinator does not take it over: {error}") from error
            except PeerUnavailable as error:
                self._asked_to_wait = max(self._asked_to_wait, error.retry_seconds)
            finally:
                client.close()
        if self._asked_to_wait:
            wait = self._asked_to_wait
            raise NotReady("NOT_READY", f"The coordinator is busy; it is tried again after {wait:.1f} seconds or more.")
        raise NotReady("NOT_READY", "The coordinator cannot be reached; it is tried again.")

    def _note(self, reason: str, message: str) -> None:
        if reason != self._failing and reason:
            _log.warning("not_published", reason=reason, message=message)
        self._failing = reason
