"""Keeps the trust registry fresh: asks one peer after the other until one answers with something that verifies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from node.app.trust_keeper import TrustInUse
from node.errors import HuxinError
from node.federation.follower import PeerUnavailable
from node.federation.peer_client import ClientCredentials
from node.federation.registry_client import FileNotServed, RegistryClient
from node.registry.keeping import TrustRegistry
from node.registry.refresh import NotServed, Source, SourceFailed
from node.registry.release import Online

_log = structlog.get_logger(__name__)

FILES_IN_TIME = 15
"""How many times longer than one file a whole refresh may take."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A peer from which the registry can be had."""

    division: str
    endpoint: str
    ca_pem: bytes


def mirrors(trust: TrustInUse, coordinator: str) -> list[Mirror]:
    """Every endpoint of every peer, the coordinator's first: it has what is new, the others have what is known."""
    own = trust.state.own.bundle.division
    peers = sorted(trust.state.jurisdictions, key=lambda division: (division != coordinator, division))
    return [
        Mirror(division, endpoint, trust.ca_pem(division))
        for division in peers
        if division != own
        for endpoint in trust.state.jurisdictions[division].bundle.endpoints
    ]


class PeerSource:
    """A peer as the registry's source. Use it on a worker thread."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    def fetch(self, name: str) -> Iterator[bytes]:
        try:
            yield from self._client.fetch(name)
        except FileNotServed as error:
            raise NotServed from error
        except PeerUnavailable as error:
            raise SourceFailed(str(error)) from error


class Refreshing:
    """The refresh loop of a running node. `told` hears of each attempt: the peer, and why it failed or "".

    With `online`, the coordinator's signers, every peer is asked whether it has kept what this node has lost.
    """

    def __init__(
        self,
        registry: TrustRegistry,
        trust: Callable[[], TrustInUse],
        file_seconds: float,
        told: Callable[[str, str], None],
        online: Online | None = None,
    ) -> None:
        self._registry = registry
        self._trust = trust
        self._file_seconds = file_seconds
        self._told = told
        self._online = online
        self._failing: dict[str, str] = {}

    async def keep(self, every_seconds: float, coordinator: Callable[[], str]) -> None:
        """Refreshes again and again, until cancelled."""
        while True:
            try:
                await self.once(mirrors(self._trust(), coordinator()))
            except Exception:  # noqa: BLE001 - a loop that ended would freeze what this node trusts
                _log.exception("registry_refresh_failed")
            await asyncio.sleep(every_seconds)

    async def once(self, offered: Sequence[Mirror]) -> bool:
        """One refresh: from the first mirror that offers what verifies. Whether there was one.

        The coordinator asks them all: any of them may be the one that has kept what it has lost.
        An attack on distribution fails here: nothing is changed, it is logged and counted with its reason, and the
        next mirror is asked.
        """
        pair = self._trust().pair
        good = False
        for mirror in offered:
            client = RegistryClient(
                mirror.division,
                mirror.endpoint,
                mirror.ca_pem,
                ClientCredentials(pair.certificate, pair.key),
                self._file_seconds,
            )
            try:
                # A peer that sends each file at the last moment would keep the others from being asked for hours.
                async with asyncio.timeout(self._file_seconds * FILES_IN_TIME):
                    await self._refresh(mirror.division, PeerSource(client))
            except HuxinError as error:
                self._note(mirror.division, error.reason, error.message)
                continue
            except TimeoutError:
                self._note(mirror.division, "REGISTRY_UNREACHABLE", "The peer is too slow.")
                continue
            except Exception as error:  # noqa: BLE001 - whatever one peer sent, the next one is asked
                _log.exception("registry_refresh_failed", peer=mirror.division)
                self._note(mirror.division, "REGISTRY_MALFORMED", type(error).__name__)
                continue
            finally:
                client.close()
            self._note(mirror.division, "", "")
            good = True
            if self._online is None:
                break
        return good

    async def _refresh(self, division: str, source: Source) -> None:
        if self._online is None:
            await self._registry.refresh(source)
            return
        record = await self._registry.continue_from(source, self._online)
        if record is not None:
            _log.warning("registry_restored_from_peer", peer=division, snapshot_version=record.snapshot_version)

    def _note(self, division: str, reason: str, message: str) -> None:
        """Counts every result; logs what changed, so that a peer that is away does not fill the log."""
        self._told(division, reason)
        if self._failing.get(division, "") == reason:
            return
        self._failing[division] = reason
        if reason:
            _log.warning("registry_not_refreshed", peer=division, reason=reason, message=message)
        else:
            _log.info("registry_refreshed_again", peer=division)
