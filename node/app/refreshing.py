"""Keeps the trust registry fresh: asks one peer after the other, and believes none that nothing is new.

Whoever answers with what we hold already may be freezing us, or be frozen itself: then the next peer is asked as well,
another one each time. So nobody alone keeps news away, the coordinator included, which may have been replaced.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from node.app.trust_keeper import TrustInUse
from node.errors import HuxinError
from node.federation.peer_client import ClientCredentials
from node.federation.registry_client import FileNotServed, RegistryClient
from node.federation.unavailable import PeerUnavailable
from node.registry.keeping import TrustRegistry
from node.registry.refresh import NotServed, Source, SourceFailed
from node.registry.release import Online

_log = structlog.get_logger(__name__)

FILES_IN_TIME = 15
"""How many times longer than one file a whole refresh may take."""

ENOUGH = 2
"""So many peers in one round have nothing new, until it is believed."""

MAX_ENDPOINTS = 4
"""Endpoints of one peer that are tried: one that publishes thousands must not keep us from the others."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A peer from which the registry can be had."""

    division: str
    endpoint: str
    ca_pem: bytes


def mirrors(trust: TrustInUse, coordinator: str, turn: int = 0) -> list[Mirror]:
    """Endpoints of every peer, the coordinator's first: it has what is new, the others have what is known.

    `turn` says with whom of the others to begin.
    """
    own = trust.state.own.bundle.division
    others = sorted(trust.state.jurisdictions.keys() - {own, coordinator})
    begin = turn % len(others) if others else 0
    first = [coordinator] if coordinator in trust.state.jurisdictions and coordinator != own else []
    return [
        Mirror(division, endpoint, trust.ca_pem(division))
        for division in (*first, *others[begin:], *others[:begin])
        for endpoint in trust.state.jurisdictions[division].bundle.endpoints[:MAX_ENDPOINTS]
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
        self._generation = -1

    async def keep(self, every_seconds: float, coordinator: Callable[[], str]) -> None:
        """Refreshes again and again, until cancelled."""
        for turn in itertools.count():
            try:
                await self.once(mirrors(self._trust(), coordinator(), turn))
            except Exception:  # noqa: BLE001 - a loop that ended would freeze what this node trusts
                _log.exception("registry_refresh_failed")
            await asyncio.sleep(every_seconds)

    async def once(self, offered: Sequence[Mirror]) -> bool:
        """One round: until a mirror has news that verify, or enough have none. Whether any offered what verifies.

        The coordinator asks them all: any of them may be the one that has kept what it has lost.
        An attack on distribution fails here: nothing is changed, it is logged and counted with its reason, and the
        next mirror is asked.
        """
        answered: set[str] = set()
        for mirror in offered:
            if mirror.division in answered:
                continue
            news = await self._ask(mirror)
            if news is None:
                continue
            answered.add(mirror.division)
            if self._online is None and (news or len(answered) == ENOUGH):
                return True
        return bool(answered)

    async def _ask(self, mirror: Mirror) -> bool | None:
        """Whether one mirror had news that verify; None when what it offers does not."""
        pair = self._trust().pair
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
                news = await self._take(mirror.division, PeerSource(client))
        except HuxinError as error:
            self._note(mirror.division, error.reason, error.message)
            return None
        except TimeoutError:
            self._note(mirror.division, "REGISTRY_UNREACHABLE", "The peer is too slow.")
            return None
        except OSError:
            # Our disk or our memory, not the peer: it must not be told as an attack.
            _log.exception("registry_refresh_failed", peer=mirror.division)
            self._note(mirror.division, "REGISTRY_FAILED_HERE", "This node's disk failed; see its log.")
            return None
        except Exception as error:  # noqa: BLE001 - whatever one peer sent, the next one is asked
            _log.exception("registry_refresh_failed", peer=mirror.division)
            self._note(mirror.division, "REGISTRY_MALFORMED", type(error).__name__)
            return None
        finally:
            client.close()
        self._note(mirror.division, "", "")
        return news

    async def _take(self, division: str, source: Source) -> bool:
        """Takes over what a source offers, if it verifies. Whether it was news. Raises as `TrustRegistry.refresh`."""
        if self._online is not None:
            record = await self._registry.continue_from(source, self._online)
            if record is not None:
                _log.warning("registry_restored_from_peer", peer=division, snapshot_version=record.snapshot_version)
            return record is not None
        generation = (await self._registry.refresh(source)).generation
        news, self._generation = generation != self._generation, generation
        return news

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
