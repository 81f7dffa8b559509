"""One comparison of heads per peer, started and stopped as the trusted state changes; this node as a witness."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from node.app.trust_keeper import TrustInUse
from node.clock import Clock
from node.config.settings import Settings
from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.gossip import MAX_ANSWER_BYTES, Gossip, Rounds
from node.federation.peer_client import ClientCredentials, GrpcPeerClient
from node.federation.unavailable import PeerUnavailable
from node.ledger.comparison import Comparison, ComparisonLimits
from node.ledger.heads import HeadBoard
from node.ledger.recollection import Recollection
from node.ledger.replica import ReplicaKeys
from node.ledger.sequencer import LogKeys
from node.ledger.standings import Standings
from node.ledger.witness import Witness, WitnessKey
from node.model.witnesses import ShownHead, SplitView
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from node.tasks import begun, ended
from trust.errors import TrustError
from trust.issuers import TrustedIssuer

_log = structlog.get_logger(__name__)

FIRST_QUESTION_SECONDS = 3.0
"""How long a peer may take to say what it holds of our log before we issue: callers wait so long after a start."""


@dataclass(frozen=True, slots=True)
class WitnessStores:
    """Where logs and what was witnessed are kept, and what of it verification asks."""

    logs: LogStore
    witnessed: WitnessStore
    board: HeadBoard
    standings: Standings


@dataclass(slots=True)
class _Running:
    digest: bytes
    certificate: bytes
    task: asyncio.Task[None]


class Gossiping:
    """Asks every peer for heads, judges what they show, and answers when they ask."""

    def __init__(
        self,
        settings: Settings,
        stores: WitnessStores,
        keys: LogKeys,
        clock: Clock,
        halt: Callable[[], Awaitable[None]],
    ) -> None:
        """`halt` ends the following of every log that `stores.standings` knows to be split."""
        federation = settings.federation
        self._own = settings.division
        self._stores = stores
        self._halt = halt
        self._found = asyncio.Event()
        self._rounds = Rounds(
            federation.gossip_seconds,
            Backoff(federation.backoff_min_seconds, federation.backoff_max_seconds),
            random.SystemRandom().random,
        )
        skew = timedelta(seconds=settings.freshness.clock_skew_seconds)
        self._skew = skew
        limits = ComparisonLimits(clock.now, skew, settings.division)
        self._comparison = Comparison(stores.logs, stores.witnessed, stores.standings, limits, self._split_found)
        # As a witness a node has no other key than that with which it cosigns its own log.
        key = WitnessKey(keys.origin, keys.cosigner_name, keys.cosigner)
        self._witness = Witness(stores.witnessed, key, stores.board, stores.standings, clock.now)
        self._logs: Mapping[str, ReplicaKeys] = {}
        self._lost: Mapping[str, Sequence[datetime]] = {}
        self._running: dict[str, _Running] = {}

    async def heads(self, origins: Sequence[str], before: datetime | None = None) -> Sequence[ShownHead]:
        """What this node has to show of these logs: of now, or of what it cosigned before a moment."""
        if before is not None:
            return await self._witness.heads_before(origins, self._logs.keys(), before)
        return await self._witness.heads(origins, self._logs.keys())

    async def apply(self, trust: TrustInUse) -> None:
        """Brings tasks and keys in line with a version of the trusted state."""
        issuers = [known.trusted for known in trust.snapshot.issuers.values()]
        self._lost = {each.origin: self._moments(each) for each in issuers if each.compromised}
        self._logs = {each.origin: ReplicaKeys.newest(each) for each in issuers}
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
                self._start(division, trust)

    def _moments(self, issuer: TrustedIssuer) -> tuple[datetime, ...]:
        """Before when a head must have been cosigned to prove anything against the compromises of its keys."""
        lost = {known.compromised_at for known in issuer.keys.values() if known.compromised_at is not None}
        # Cosignatures tell whole seconds.
        return tuple(sorted(at - self._skew - timedelta(seconds=1) for at in lost))

    async def ask_of_own_log(self, trust: TrustInUse) -> None:
        """Asks each peer once, at all its endpoints, what it holds of our own log, and judges what they show.

        Ends when every one has answered or refused, at most FIRST_QUESTION_SECONDS and what judging takes; then
        `standings` knows of a second history that any of them told of. Who does not answer says nothing, and nothing is
        raised.
        """
        own = trust.state.own.trusted
        peers = {division: found.bundle.endpoints for division, found in trust.state.jurisdictions.items()}
        peers.pop(self._own, None)
        await asyncio.gather(
            *(
                self._ask_once(division, endpoint, own.origin, trust)
                for division, endpoints in peers.items()
                for endpoint in endpoints
            )
        )

    async def _ask_once(self, division: str, endpoint: str, origin: str, trust: TrustInUse) -> None:
        try:
            client = self._connector(division, trust)(endpoint)
            try:
                # The limit is on the answer alone: what was shown in time is judged to the end.
                for shown in await client.heads([origin], FIRST_QUESTION_SECONDS):
                    if shown.origin == origin:
                        await self._judge(division, shown)
            finally:
                await client.close()
        except (PeerUnavailable, TrustError) as error:
            _log.debug("own_log_not_told", peer=division, error=str(error))
        except NotReady as error:
            _log.warning("heads_not_compared", peer=division, reason=error.reason)
        except Exception:  # noqa: BLE001 - one peer's answer must not keep this node from issuing for ever
            _log.exception("gossip_failed", peer=division)

    async def stop(self) -> None:
        """Ends all tasks; what was kept stays."""
        for division in list(self._running):
            await self._stop(division)

    async def keep(self) -> None:
        """Compares what our trees have grown to meanwhile, and takes in what other replicas of this node found.

        Until cancelled: each round, and at once when a log turns out to be split.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rounds.seconds):
                    await self._found.wait()
            self._found.clear()
            try:
                await self._stores.standings.load(self._stores.witnessed)
                await self._halt()
                for keys in list(self._logs.values()):
                    await self._comparison.settle(keys)
            except NotReady as error:
                _log.warning("heads_not_compared", reason=error.reason)
            except Exception:  # noqa: BLE001 - a comparison that ended would leave split views unseen behind our back
                _log.exception("heads_not_compared")

    async def _recalled(self, peer: str, shown: ShownHead) -> bool:
        keys = self._logs.get(shown.origin)
        return keys is not None and await self._comparison.recalled(peer, keys, shown)

    def _split_found(self, _split: SplitView) -> None:
        self._found.set()

    def _connector(self, division: str, trust: TrustInUse) -> Callable[[str], GrpcPeerClient]:
        """Makes connections to the endpoints of a peer."""
        roots = trust.ca_pem(division)
        credentials = ClientCredentials(trust.pair.certificate, trust.pair.key)
        return lambda endpoint: GrpcPeerClient(division, endpoint, roots, credentials, MAX_ANSWER_BYTES)

    async def _judge(self, peer: str, shown: ShownHead) -> None:
        keys = self._logs.get(shown.origin)
        if keys is not None:  # else it is trusted no more since it was asked about
            await self._comparison.shown(peer, keys, shown)

    def _start(self, division: str, trust: TrustInUse) -> None:
        found = trust.state.jurisdictions[division]
        recollection = Recollection(division, lambda: self._lost, self._recalled)
        gossip = Gossip(
            division,
            found.bundle.endpoints,
            self._connector(division, trust),
            lambda: tuple(self._logs),
            partial(self._judge, division),
            self._rounds,
            recollection,
        )
        task = begun(gossip.run(), f"gossip {division}")
        self._running[division] = _Running(found.digest, trust.pair.certificate, task)

    async def _stop(self, division: str) -> None:
        running = self._running.pop(division)
        await ended(running.task)
