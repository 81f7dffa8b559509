"""What operators see of a running node: its metrics, and the facts on which readiness rests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import metadata

from prometheus_client import CollectorRegistry

from node.app.keyring import Keyring
from node.app.trust_keeper import TrustKeeper
from node.clock import Clock
from node.errors import NotReady
from node.ledger.heads import HeadBoard
from node.metrics import Metrics, PeerReading, Readings, Vocabulary
from node.model.peers import PeerCondition, PeerState
from node.model.reasons import STEP_REASONS
from node.model.verdict import GapReason
from node.readiness import Check, Facts, checks
from node.rpc.reasons import REASONS
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.upgrade import expected_revision, present_revision

BUILT_AT = datetime(2026, 11, 22, tzinfo=UTC)
"""Day of this release: no clock of a node can be earlier."""

_KEY_SECONDS = 1.0


def make_metrics(methods: Iterable[str], division: str) -> Metrics:
    """All metrics of this node, with the closed lists that bound their series."""
    vocabulary = Vocabulary(
        methods=frozenset(method.lstrip("/") for method in methods),
        verdict_reasons=STEP_REASONS | {reason.value for reason in GapReason},
        refusal_reasons=REASONS,
    )
    metrics = Metrics(CollectorRegistry(), vocabulary)
    metrics.set_build(metadata.version("huxin"), division)
    return metrics


class Watchpoint:
    """Gathers what is asked at each scrape and each /readyz."""

    def __init__(
        self,
        division: str,
        clock: Clock,
        trust: TrustKeeper,
        database: Database,
        board: HeadBoard,
        peers: Callable[[], list[PeerState]],
        skew: timedelta,
        keyring: Keyring,
    ) -> None:
        self._division = division
        self._clock = clock
        self._trust = trust
        self._database = database
        self._board = board
        self._peers = peers
        self._skew = skew
        self._keyring = keyring
        self._expected_schema = expected_revision()

    def readings(self) -> Readings:
        """For gauges that age."""
        return Readings(self._peer_readings, self._trust_ages, self._log_sizes, self._pool)

    async def readiness(self) -> tuple[Check, ...]:
        """Every readiness check, with facts of this moment."""
        writable, schema = False, ""
        with contextlib.suppress(NotReady, StorageFault):
            await self._database.check_writable()
            async with self._database.read() as connection:
                schema = await connection.run_sync(present_revision)
            writable = True
        own = self._trust.present.snapshot.issuers[self._division].trusted
        head = self._board.newest(own.origin)
        with contextlib.suppress(TimeoutError):  # a module that hangs must not keep back what else there is to say
            async with asyncio.timeout(_KEY_SECONDS):
                await asyncio.to_thread(self._keyring.refresh)
        return checks(
            Facts(
                missing_keys=self._keyring.missing(own, self._clock.now()),
                trust_anchors=len(self._trust.present.snapshot.issuers),
                database_writable=writable,
                schema=schema,
                # Without a database there is nothing to say of its schema: the check before this one tells.
                expected_schema=self._expected_schema if writable else "",
                now=self._clock.now(),
                built_at=BUILT_AT,
                own_evidence=None if head is None else head.fresh_at,
                peer_evidence=tuple(peer.fresh_at for peer in self._peers() if peer.fresh_at is not None),
                allowed_skew=self._skew,
            )
        )

    def _peer_readings(self) -> Iterable[PeerReading]:
        now = self._clock.now()
        for peer in self._peers():
            yield PeerReading(
                peer.division,
                connected=peer.state is PeerCondition.CONNECTED,
                lag_entries=None if peer.fresh_at is None else max(0, peer.head_size - peer.replicated),
                age_seconds=None if peer.fresh_at is None else max(0.0, (now - peer.fresh_at).total_seconds()),
            )

    def _trust_ages(self) -> Mapping[str, float]:
        now = self._clock.now()
        snapshot = self._trust.present.snapshot
        return {
            division: max(0.0, (now - known.trusted.refreshed_at).total_seconds())
            for division, known in snapshot.issuers.items()
        }

    def _log_sizes(self) -> Mapping[str, int]:
        origins = [known.trusted.origin for known in self._trust.present.snapshot.issuers.values()]
        heads = {origin: self._board.newest(origin) for origin in origins}
        return {origin: head.size for origin, head in heads.items() if head is not None}

    def _pool(self) -> Mapping[str, int]:
        pool = self._database.statistics()
        in_use = pool.writers_in_use + pool.readers_in_use
        return {"in_use": in_use, "idle": pool.writers + pool.readers - in_use}
