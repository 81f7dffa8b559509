"""What operators see of a running node: its metrics, the facts on which readiness rests, and health as they say it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata

import structlog
from prometheus_client import CollectorRegistry

from node.app.expiries import certificate_expiry, expiries
from node.app.keyring import Keyring
from node.app.trust_keeper import TrustKeeper
from node.clock import Clock
from node.config.settings import Settings
from node.errors import NotReady
from node.federation.propagation import RESULTS
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import Sequencer
from node.metrics import MessageReading, Metrics, PeerReading, Readings, Vocabulary
from node.model.expiry import Expiry
from node.model.offsets import clock_offset
from node.model.peers import PeerCondition, PeerState
from node.model.reasons import STEP_REASONS
from node.model.verdict import GapReason
from node.model.witnesses import SplitView
from node.readiness import Check, Facts, checks, is_ready
from node.registry.refresh import REFRESH_REASONS
from node.rpc.limits import LIMITS
from node.rpc.reasons import REASONS
from node.rpc.server import RpcServer
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.upgrade import expected_revision, present_revision
from node.verification.sweep import SweptAs
from node.web.operations import answered_in_time
from trust.algorithms import PublicKey
from trust.errors import TrustError
from trust.issuers import TrustedIssuer
from trust.keys import Signer

_log = structlog.get_logger(__name__)

BUILT_AT = datetime(2026, 11, 22, tzinfo=UTC)
"""Day of this release: no clock of a node can be earlier."""
HEALTH_SECONDS = 5.0
"""How often gRPC health follows the checks."""
_HEAD_INTERVALS = 3
"""Cosignings that may fail to come before the own log counts as unusable: one can be late without any fault."""
_LEAST_HEAD_AGE = timedelta(seconds=30)
"""However often the head is cosigned: a slow disk alone does not make a log unusable."""
_LEAST_HEARING = timedelta(minutes=15)
"""However soon peers are asked again: some cosign less often than each minute."""

_KEY_SECONDS = 1.0


def make_metrics(methods: Iterable[str], division: str) -> Metrics:
    """All metrics of this node, with the closed lists that bound their series."""
    vocabulary = Vocabulary(
        methods=frozenset(method.lstrip("/") for method in methods),
        verdict_reasons=STEP_REASONS | {reason.value for reason in GapReason},
        refusal_reasons=REASONS,
        refresh_results=REFRESH_REASONS | {"OK"},
        limits=LIMITS,
        acknowledgements=RESULTS,
        swept=frozenset(SweptAs),
    )
    metrics = Metrics(CollectorRegistry(), vocabulary)
    metrics.set_build(metadata.version("huxin"), division)
    return metrics


@dataclass(frozen=True, slots=True)
class Limits:
    """What still counts as in order.

    `skew`: by how much clocks may differ. `oldest_head`: age of the newest own head. `recent`: how long what was heard
    of a peer's clock counts; a peer that refuses us, or whose heads we refuse, is heard once in each pause.
    """

    skew: timedelta
    oldest_head: timedelta
    recent: timedelta

    @staticmethod
    def of(settings: Settings) -> Limits:
        """As the settings imply."""
        federation = settings.federation
        return Limits(
            timedelta(seconds=settings.freshness.clock_skew_seconds),
            max(_LEAST_HEAD_AGE, _HEAD_INTERVALS * timedelta(seconds=federation.cosign_seconds)),
            max(_LEAST_HEARING, 2 * timedelta(seconds=federation.backoff_max_seconds)),
        )


class Watchpoint:
    """Gathers what is asked at each scrape and each /readyz."""

    def __init__(  # noqa: PLR0913 - everything on which readiness rests
        self,
        clock: Clock,
        trust: TrustKeeper,
        database: Database,
        sequencer: Sequencer,
        board: HeadBoard,
        peers: Callable[[], list[PeerState]],
        keyring: Keyring,
        limits: Limits,
        *,
        registry_expiries: Callable[[], Mapping[str, datetime]] = dict,
        messages: Callable[[], Mapping[str, MessageReading]] = dict,
        splits: Callable[[], Iterable[SplitView]] = tuple,
    ) -> None:
        """`registry_expiries`: when the trust registry's metadata ends, by role; none without a registry.

        `messages`: what has not ended, by peer. `splits`: evidence of logs with two histories, the own one among them.
        """
        self._messages = messages

        self._clock = clock
        self._trust = trust
        self._database = database
        self._sequencer = sequencer
        self._board = board
        self._peers = peers
        self._keyring = keyring
        self._limits = limits
        self._registry_expiries = registry_expiries
        self._splits = splits
        self._expected_schema = expected_revision()
        self._began = clock.now(), clock.monotonic()

    def readings(self) -> Readings:
        """For gauges that age."""
        return Readings(
            self._peer_readings,
            self._trust_ages,
            self._log_sizes,
            self._pool,
            self._expiries,
            self._clock_step,
            self._messages,
            self._split_views,
        )

    async def readiness(self) -> tuple[Check, ...]:
        """Every readiness check, with facts of this moment."""
        writable, schema = False, ""
        with contextlib.suppress(NotReady, StorageFault):
            await self._database.check_writable()
            async with self._database.read() as connection:
                schema = await connection.run_sync(present_revision)
            writable = True
        with contextlib.suppress(TimeoutError):  # a module that hangs must not keep back what else there is to say
            async with asyncio.timeout(_KEY_SECONDS):
                await asyncio.to_thread(self._keyring.refresh)
        now = self._clock.now()
        trust, keys = self._trust.present, self._sequencer.keys
        own = trust.state.own.trusted
        head = self._board.newest(keys.origin)
        peers = self._peers()
        offsets = (self._offset(peer, now) for peer in peers)
        return checks(
            Facts(
                missing_keys=self._keyring.missing(own, now),
                trust_anchors=sum(_has_key(known.trusted, now) for known in trust.snapshot.issuers.values()),
                misfit_log_keys=_misfits(self._sequencer, own),
                cosign_failure=self._sequencer.cosign_failure,
                database_writable=writable,
                schema=schema,
                # Without a database there is nothing to say of its schema: the check before this one tells.
                expected_schema=self._expected_schema if writable else "",
                now=now,
                built_at=BUILT_AT,
                own_evidence=None if head is None else head.fresh_at,
                oldest_head=self._limits.oldest_head,
                peer_evidence=tuple(peer.fresh_at for peer in peers if peer.fresh_at is not None),
                peer_offsets=tuple(offset for offset in offsets if offset is not None),
                allowed_skew=self._limits.skew,
                foreign_heads=tuple(
                    sorted({split.shown_by for split in self._splits() if split.origin == keys.origin})
                ),
                successor="" if own.origin == keys.origin else own.origin,
            )
        )

    def _offset(self, peer: PeerState, now: datetime) -> timedelta | None:
        return clock_offset(peer.clock_samples, now, self._clock.monotonic(), self._limits.recent)

    def _clock_step(self) -> float:
        civil, monotonic = self._began
        return (self._clock.now() - civil).total_seconds() - (self._clock.monotonic() - monotonic)

    def _expiries(self) -> list[Expiry]:
        trust = self._trust.present
        own = certificate_expiry("node", trust.tls.certificate_chain)
        return [own, *expiries(trust.state, self._registry_expiries(), self._clock.now())]

    def _peer_readings(self) -> Iterable[PeerReading]:
        now = self._clock.now()
        for peer in self._peers():
            offset = self._offset(peer, now)
            yield PeerReading(
                peer.division,
                connected=peer.state is PeerCondition.CONNECTED,
                lag_entries=None if peer.fresh_at is None else max(0, peer.head_size - peer.replicated),
                age_seconds=None if peer.fresh_at is None else max(0.0, (now - peer.fresh_at).total_seconds()),
                clock_offset_seconds=None if offset is None else offset.total_seconds(),
                acknowledged=None if (told := peer.acknowledged) is None else (told.size, told.lag),
                withheld_entries=peer.withheld,
                witnesses=len(peer.witnesses),
            )

    def _split_views(self) -> Mapping[str, int]:
        """For each issuer that we know, and ourselves: a series that begins at its first alarm rings none."""
        counts = Counter(split.origin for split in self._splits())
        issuers = self._trust.present.snapshot.issuers
        return {division: counts[known.trusted.origin] for division, known in issuers.items()}

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


async def keep_health(server: RpcServer, watch: Watchpoint) -> None:
    """Lets gRPC health say what /readyz says, until cancelled. What cannot be judged is not ready."""
    failing: tuple[str, ...] = ("unknown",)
    while True:
        try:
            results = await answered_in_time(watch.readiness)
        except Exception:  # noqa: BLE001 - health that stayed as it was would vouch for what nobody looks at any more
            _log.exception("readiness_not_judged")
            results = ()
        await server.set_ready(ready=is_ready(results))
        found = tuple(check.name for check in results if not check.ok) if results else ("unjudged",)
        if found and found != failing:
            _log.warning("not_ready", failing=found)
        elif found != failing:
            _log.info("ready")
        failing = found
        await asyncio.sleep(HEALTH_SECONDS)


def _has_key(issuer: TrustedIssuer, now: datetime) -> bool:
    """Whether anything that the issuer signs now could be verified."""
    for known in issuer.keys.values():
        with contextlib.suppress(TrustError):
            known.require_valid(now)
            return True
    return False


def _misfits(sequencer: Sequencer, own: TrustedIssuer) -> tuple[str, ...]:
    """Which of the keys that sign the own log's heads our own bundle does not name. One that is away is told apart."""
    keys = sequencer.keys
    pairs = (("log", keys.head, own.head_key), ("cosigner", keys.cosigner, own.cosigners.get(keys.cosigner_name)))
    return tuple(name for name, ours, published in pairs if _misfit(ours, published))


def _misfit(ours: Signer, published: PublicKey | None) -> bool:
    try:
        return published is None or published.key_id != ours.key_id
    except NotReady:  # locked or away: the check of keys says so
        return False
