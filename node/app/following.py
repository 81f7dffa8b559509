"""One follower per peer, started and stopped as the trusted state changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from node.app.ledgers import entry_reader
from node.app.trust_keeper import TrustInUse
from node.clock import Clock
from node.federation.follower import Backoff, Follower, PeerNames
from node.federation.hearing import Hearing
from node.federation.peer_client import ClientCredentials, GrpcPeerClient
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.ledger.sequencer import LedgerStore
from node.model.peers import PeerState
from node.tasks import ended

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FollowingOptions:
    """How peers are followed."""

    backoff: Backoff
    batch_limit: int
    max_message_bytes: int
    clock_skew: timedelta
    """How far ahead of our clock a peer's cosignature may be."""


@dataclass(slots=True)
class _Running:
    digest: bytes
    certificate: bytes
    follower: Follower
    task: asyncio.Task[None]


class Following:
    """All followers of this node. `apply` brings them in line with a version of the trusted state."""

    def __init__(
        self,
        own_division: str,
        store: LedgerStore,
        board: HeadBoard,
        clock: Clock,
        jitter: Callable[[], float],
        options: FollowingOptions,
    ) -> None:
        self._own = own_division
        self._store = store
        self._board = board
        self._clock = clock
        self._jitter = jitter
        self._options = options
        self._running: dict[str, _Running] = {}

    def peers(self) -> list[PeerState]:
        """What is known of each peer, by division code."""
        return [running.follower.state() for _, running in sorted(self._running.items())]

    async def apply(self, trust: TrustInUse) -> None:
        """Stops followers of peers that are gone or changed, and starts those that are new.

        With a renewed certificate of our own each connects again: a stream lives as long as the certificate it began
        with, and nobody waits for that to end. What was not stored yet is asked for again.
        """
        wanted = {
            division: found
            for division, found in trust.state.jurisdictions.items()
            if division != self._own and found.bundle.endpoints
        }
        for division, running in list(self._running.items()):
            changed = running.certificate != trust.pair.certificate
            if changed or division not in wanted or wanted[division].digest != running.digest:
                await self._stop(division)
        for division in wanted:
            if division not in self._running:
                await self._start(division, trust)

    async def stop(self) -> None:
        """Ends all followers; what was stored stays."""
        for division in list(self._running):
            await self._stop(division)

    async def _start(self, division: str, trust: TrustInUse) -> None:
        found = trust.state.jurisdictions[division]
        issuer = trust.snapshot.issuers[division].trusted
        roots = trust.ca_pem(division)
        credentials = ClientCredentials(trust.pair.certificate, trust.pair.key)

        def connect(endpoint: str) -> GrpcPeerClient:
            return GrpcPeerClient(division, endpoint, roots, credentials, self._options.max_message_bytes)

        keys = ReplicaKeys(issuer.origin, issuer.head_key, issuer.cosigners)
        replica = Replica(
            self._store, keys, self._board, self._clock.now, entry_reader(issuer), self._options.clock_skew
        )
        # Verification answers from what is stored, also when it is asked before the peer is.
        try:
            await replica.open()
        except Exception:  # noqa: BLE001 - one peer's damaged replica must not keep the others, or trust, from changing
            _log.exception("replica_not_opened", peer=division)
        follower = Follower(
            PeerNames(division, found.bundle.name_zh, found.bundle.endpoints, issuer.origin),
            connect,
            replica,
            self._options.backoff,
            self._jitter,
            self._options.batch_limit,
            Hearing(self._clock.now, self._clock.monotonic),
        )
        task = asyncio.create_task(follower.run(), name=f"follow {division}")
        task.add_done_callback(_report_end)
        self._running[division] = _Running(found.digest, trust.pair.certificate, follower, task)

    async def _stop(self, division: str) -> None:
        running = self._running.pop(division)
        await ended(running.task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("follower_ended", task=task.get_name(), exc_info=task.exception())
