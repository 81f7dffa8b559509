"""One follower per peer, started and stopped as the trusted state changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import structlog

from node.app.ledgers import entry_reader
from node.app.trust_keeper import TrustInUse
from node.clock import Clock
from node.errors import NotReady
from node.federation.follower import Backoff, Follower, PeerNames
from node.federation.hearing import Hearing
from node.federation.patience import Patience
from node.federation.peer_client import ClientCredentials, GrpcPeerClient
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.ledger.sequencer import LedgerStore
from node.ledger.settlement import Settlement
from node.model.counting import in_entries
from node.model.peers import PeerCondition, PeerState
from node.tasks import begun, ended
from trust.errors import HeadInconsistent, ProofInvalid
from trust.issuers import ClosedLog, TrustedIssuer
from trust.log.checkpoint import own_cosigner

_log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FollowingOptions:
    """How peers are followed."""

    backoff: Backoff
    batch_limit: int
    max_message_bytes: int
    clock_skew: timedelta
    """How far ahead of our clock a peer's cosignature may be."""
    patience: Patience


@dataclass(slots=True)
class _Running:
    origin: str
    digest: bytes
    certificate: bytes
    follower: Follower
    task: asyncio.Task[None] | None = None


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
        settlement: Settlement,
        heard: Callable[[str], None] = lambda _division: None,
    ) -> None:
        """`heard` is told the division of a peer whenever something came from it."""
        self._settlement = settlement
        self._standings = settlement.standings
        self._heard = heard
        self._own = own_division
        self._store = store
        self._board = board
        self._clock = clock
        self._jitter = jitter
        self._options = options
        self._running: dict[str, _Running] = {}
        self._trust: TrustInUse | None = None
        self._changing = asyncio.Lock()

    def peers(self) -> list[PeerState]:
        """What is known of each peer, by division code: from itself, and from the others."""
        return [self._told(running) for _, running in sorted(self._running.items())]

    def _told(self, running: _Running) -> PeerState:
        state, origin = running.follower.state(), running.origin
        view, known_size = self._board.newest(origin), self._standings.known_size(origin)
        if view is not None:  # also before the peer has answered for the first time, and when it is not asked any more
            state = replace(
                state,
                replicated=max(state.replicated, view.size),
                head_size=max(state.head_size, view.size),
                fresh_at=self._standings.limited(view).fresh_at,
            )
        withheld = max(0, known_size - state.head_size)
        error = state.last_error
        if withheld and not error:
            error = (
                f"Other peers hold {in_entries(withheld)} of its log that it does not show us; ask its operator why."
            )
        witnessing = self._standings.witnessing(origin)
        return replace(
            state,
            last_error=error,
            known_size=known_size,
            withheld=withheld,
            witnesses=tuple(sorted(set(witnessing.sizes) - {own_cosigner(origin)})),
            split_at=witnessing.agreed,
        )

    def heard(self, division: str) -> None:
        """A peer has called this node."""
        running = self._running.get(division)
        if running is not None:
            running.follower.heard()

    async def apply(self, trust: TrustInUse) -> None:
        """Stops followers of peers that are gone or changed, and starts those that are new.

        With a renewed certificate of our own each connects again: a stream lives as long as the certificate it began
        with, and nobody waits for that to end. What was not stored yet is asked for again.
        """
        async with self._changing:
            self._trust = trust
            await self._apply(trust)

    async def halt_split(self) -> None:
        """Ends the following of each log that turned out to have two histories: what comes later counts for nothing."""
        async with self._changing:
            for division, running in list(self._running.items()):
                halted = running.follower.state().state is PeerCondition.HALTED
                if self._trust is not None and self._standings.splits(running.origin) and not halted:
                    await self._end(division)
                    await self._start(division, self._trust)  # halts at once, and says so

    async def _apply(self, trust: TrustInUse) -> None:
        wanted = {
            division: found
            for division, found in trust.state.jurisdictions.items()
            if division != self._own and found.bundle.endpoints
        }
        for division, running in list(self._running.items()):
            if division not in wanted:
                await self._stop(division)
            elif (
                running.certificate != trust.pair.certificate
                or running.digest != wanted[division].digest
                or running.origin != wanted[division].trusted.origin
            ):
                await self._end(division)
                await self._start(division, trust)
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
            most = self._options.max_message_bytes
            return GrpcPeerClient(division, endpoint, roots, credentials, most, lambda: self._heard(division))

        def follower(keys: ReplicaKeys, replica: Replica) -> Follower:
            return Follower(
                PeerNames(
                    division,
                    found.bundle.name_zh,
                    found.bundle.endpoints,
                    keys.origin,
                    None if keys.last is None else keys.last[0],
                ),
                connect,
                replica,
                self._options.backoff,
                self._jitter,
                self._options.batch_limit,
                Hearing(self._clock.now, self._clock.monotonic),
                self._options.patience,
            )

        newest = ReplicaKeys.newest(issuer)
        replica = self._replica(newest, issuer)
        # Verification answers from what is stored, also when it is asked before the peer is.
        try:
            for log in issuer.closed:
                await self._settlement.settle(log)
            with contextlib.suppress(HeadInconsistent):  # the follower finds the same, and tells
                await replica.open()
        except Exception:  # noqa: BLE001 - one peer's damaged replica must not keep the others, or trust, from changing
            _log.exception("replica_not_opened", peer=division)
        running = _Running(issuer.origin, found.digest, trust.pair.certificate, follower(newest, replica))
        running.task = begun(self._run(running, issuer, follower), f"follow {division}")
        self._running[division] = running

    def _replica(self, keys: ReplicaKeys, issuer: TrustedIssuer) -> Replica:
        return Replica(
            self._store,
            keys,
            self._board,
            self._clock.now,
            entry_reader(issuer),
            self._options.clock_skew,
            # What a closed log's other history says was judged by those who closed it.
            lambda: self._contradiction(keys.origin) if keys.last is None else "",
        )

    async def _run(
        self, running: _Running, issuer: TrustedIssuer, follower: Callable[[ReplicaKeys, Replica], Follower]
    ) -> None:
        """First the logs that were closed, up to where they count, then the one that goes on."""
        newest, settlement = running.follower, self._settlement
        for log in issuer.closed:
            while not await self._patiently(settlement.settle, log):
                keys = ReplicaKeys.closed(issuer, log)
                running.follower = follower(keys, self._replica(keys, issuer))
                await running.follower.run()
                if running.follower.state().state is PeerCondition.HALTED:
                    # Our tree is not the beginning of what counts: it is of the history that was given up.
                    await self._patiently(settlement.give_up, log)
                    await asyncio.sleep(self._options.backoff.least)
        running.follower = newest
        await newest.run()

    async def _patiently(self, work: Callable[[ClosedLog], Awaitable[T]], log: ClosedLog) -> T:
        while True:
            try:
                return await work(log)
            except (NotReady, ProofInvalid) as error:
                # The database is away, or another replica of ours cuts the log back at this moment: look again.
                _log.warning("closed_log_not_settled", origin=log.origin, reason=error.reason)
            await asyncio.sleep(self._options.backoff.most)

    def _contradiction(self, origin: str) -> str:
        splits = self._standings.splits(origin)
        if not splits:
            return ""
        peers = ", ".join(sorted({split.shown_by for split in splits}))
        return (
            f"Its log has two histories, the other one shown by {peers}. Look at the evidence with `huxin evidence`, "
            "and ask its operator which one holds."
        )

    async def _stop(self, division: str) -> None:
        await self._end(division)
        del self._running[division]

    async def _end(self, division: str) -> None:
        """Ends its task. The peer is still told of, until another takes its place: operators may look meanwhile."""
        task = self._running[division].task
        if task is not None:
            await ended(task)
