"""A running node. `Node` reads downward: what exists, in the order in which it needs what came before."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from node.app.admitting import make_gate
from node.app.doors import MeasuredIssuing, MeasuredVerification, Operation
from node.app.following import Following, FollowingOptions
from node.app.gossiping import Gossiping, WitnessStores
from node.app.jurisdictions import Jurisdictions, load_jurisdictions
from node.app.keyring import Keyring, load_keyring, require_at_start
from node.app.ledgers import OwnLedger, SettledLogs, require_whole
from node.app.mailboxes import InboxView, OutboxView
from node.app.messaging import Messaging, open_messaging
from node.app.observing import Limits, Watchpoint, keep_health, make_metrics
from node.app.present_signers import PresentSigners
from node.app.registry_view import RegistryView
from node.app.renewing import Renewal
from node.app.storing import usable_database
from node.app.sweeping import Sweeping
from node.app.taking_part import take_part
from node.app.trust_keeper import POLL_SECONDS, TrustInUse, TrustKeeper
from node.app.trusting import freshness_limits
from node.app.workload_pair import PairFiles
from node.clock import Clock, SystemClock
from node.config.settings import Settings
from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.patience import Patience, Traffic
from node.federation.propagation import Propagation
from node.gathering import Gathering
from node.issuance.issue import IssueReports, Sources
from node.issuance.standing import ChangeStanding
from node.ledger.feed import Feed
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import LogKeys, Sequencer, keep_cosigning
from node.ledger.settlement import Settlement
from node.ledger.standings import Standings
from node.logs import configure_logs
from node.metrics import Metrics
from node.readiness import MissingKey
from node.registry.directory import TrustDirectory
from node.rpc.admin_service import admin_service
from node.rpc.catalogue_service import catalogue_service
from node.rpc.exchange_service import exchange_service
from node.rpc.federation_service import federation_service
from node.rpc.guard import Service
from node.rpc.permissions import PERMISSIONS
from node.rpc.report_service import report_service
from node.rpc.server import RpcServer, ServerOptions
from node.rpc.verification_service import verification_service
from node.storage.closed_logs import ClosedLogStore
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from node.storage.registry_store import RegistryStore
from node.storage.report_store import ReportStore
from node.storage.subject_facts import SubjectFactsReader
from node.storage.witness_store import WitnessStore
from node.tasks import begun, ended
from node.verification.assessing import Assessor
from node.verification.logs import Logs
from node.verification.reading import ContentReader, SectionDecoders
from node.verification.sweep import SignatureSweep
from node.verification.verify import Surroundings, VerifyReports
from node.web.operations import operations_app
from node.web.server import serving
from node.wire.report import ReportEncoding, decode_section, decode_summary
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import own_cosigner
from trust.memo import ArithmeticMemo
from trust.verify import Tolerances

_log = structlog.get_logger(__name__)

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class _Base:
    """What a node stands on."""

    keyring: Keyring
    jurisdictions: Jurisdictions
    trust: TrustKeeper
    registry: RegistryView
    database: Database
    store: LogStore
    settled: SettledLogs
    metrics: Metrics
    signers: PresentSigners
    issuing_together: Gathering = field(default_factory=Gathering)
    """Announces callers on their way to a report."""


class Node:
    """One node of one jurisdiction. Start it inside a running event loop; stop it in the same."""

    def __init__(self, settings: Settings, clock: Clock, random_bytes: RandomBytes) -> None:
        self._settings = settings
        self._clock = clock
        self._random = random_bytes
        self._exits = contextlib.AsyncExitStack()
        self.board = HeadBoard()
        self._traffic = Traffic()
        self.standings = Standings(settings.division)
        self._peers_asked = asyncio.Event()
        self.rpc_port = 0
        self.operations_port = 0

    async def start(self) -> None:
        """Opens everything, or nothing: whatever fails, what was opened before is closed again.

        Raises BadConfiguration, BadSource or NotReady with a sentence that says what to do.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Closes everything in the reverse order."""
        await self._exits.aclose()

    async def _start(self) -> None:
        base = await self._open()
        sequencer, feed, propagation = await self._begin_log(base)
        self._run(self._keep_keys(base.keyring, base.trust), "keys")
        require_issuable = self._issuable(base, sequencer)
        ledger = self._ledger(base, sequencer, feed, require_issuable)
        issuing = self._issuing(base, ledger)
        messaging, outbox, inbox = await self._exchange(base, issuing)
        following = await self._follow(base, messaging)
        gossiping = await self._gossip(base, following)
        now, told = self._clock.now, base.metrics.observe_refresh
        coordinating = take_part(self._settings, base.database, base.trust, base.registry, now, told, self._run)
        standing = self._standing(base, ledger)
        operation = Operation(
            following,
            standing,
            propagation.of,
            self.standings.all_splits,
            lambda: base.trust.present.state,
            require_issuable,
        )
        services = [
            report_service(issuing),
            *self._services(base),
            federation_service(feed, coordinating, propagation, messaging.door, gossiping),
            exchange_service(messaging.asking, messaging.sharing),
            admin_service(operation, outbox, inbox),
        ]
        server = await self._serve(services, base, following, messaging)
        self._keep_trust(base, server, following, messaging, gossiping)
        await self._show(base, server, sequencer, operation, messaging)
        _log.info(
            "serving", division=self._settings.division, rpc_port=self.rpc_port, operations_port=self.operations_port
        )

    async def _open(self) -> _Base:
        """Keys, data files, trust and database: whatever can be wrong before anything runs."""
        settings, now = self._settings, self._clock.now
        keyring = load_keyring(settings)
        jurisdictions = load_jurisdictions(settings)
        with usable_database():
            database = await Database.open(settings.database.connection_url(), connections=settings.database.pool_size)
            self._exits.push_async_callback(database.close)
            await database.migrate()
            view = await RegistryView.open(RegistryStore(database))
        jurisdictions.learn(view.record)
        directory = TrustDirectory(settings.trust.directory, settings.division, settings.keys.libcrypto)
        pair = PairFiles(settings.tls.certificate, settings.tls.key)
        trust = TrustKeeper(directory, view, pair, freshness_limits(settings), now)
        require_at_start(keyring, trust.present.state.own.trusted, now())
        # Before anybody is followed or answered: a log that was found to be split stays so.
        witnessed, store, closed = WitnessStore(database), LogStore(database), ClosedLogStore(database)
        settlement = Settlement(store, closed, self.standings, lambda: self.standings.load(witnessed))
        with usable_database():
            await self.standings.load(witnessed)
            await settlement.load()
        return _Base(
            keyring,
            jurisdictions,
            trust,
            view,
            database,
            store,
            SettledLogs(settlement, closed),
            make_metrics(PERMISSIONS, settings.division),
            PresentSigners(keyring, trust, view),
        )

    async def _begin_log(self, base: _Base) -> tuple[Sequencer, Feed, Propagation]:
        """The own log, with a head of this moment, and how long it takes to peers."""
        log_keys, metrics = _log_keys(base.trust, base.keyring), base.metrics
        feed = Feed(base.store, log_keys.origin, self.board, base.trust.present.state.own.trusted.closed)
        propagation = Propagation(
            log_keys.origin,
            feed.size,
            self._clock.monotonic,
            metrics.observe_propagation,
            metrics.observe_acknowledgement,
        )
        sequencer = Sequencer(
            base.store,
            log_keys,
            self.board,
            self._clock.now,
            base.issuing_together,
            metrics.observe_commit_group,
            propagation.committed,
        )
        await sequencer.recall()
        with contextlib.suppress(NotReady):  # a key that cannot sign yet: the first cosignature comes with it
            await sequencer.cosign()
        self._run(sequencer.run(), "sequencer")
        every = timedelta(seconds=self._settings.federation.cosign_seconds)
        self._run(keep_cosigning(sequencer, every), "cosigning")
        return sequencer, feed, propagation

    def _issuable(self, base: _Base, sequencer: Sequencer) -> Callable[[], None]:
        """Raises while nothing may be attested. Evidence that any replica found counts within a round of gossip."""
        origin, trust = sequencer.keys.origin, base.trust

        def require_issuable() -> None:
            newest = trust.present.state.own.trusted.origin
            require_whole(origin, split=bool(self.standings.splits(origin)), newest=newest)

        return require_issuable

    def _ledger(self, base: _Base, sequencer: Sequencer, feed: Feed, require_issuable: Callable[[], None]) -> OwnLedger:
        """The own log as the use cases see it."""
        closed = base.trust.present.state.own.trusted.closed
        return OwnLedger(sequencer, feed, base.store, closed, require_issuable, self._peers_asked.wait)

    async def _exchange(self, base: _Base, issuing: MeasuredIssuing) -> tuple[Messaging, OutboxView, InboxView]:
        """Messages to and from peers."""
        observe = base.metrics.observe_message
        opened = open_messaging(self._settings, base.database, base.trust, self._clock, self._random, observe)
        messaging = opened[0]
        self._exits.push_async_callback(messaging.stop)
        await messaging.begin(issuing, base.trust.present)
        self._run(messaging.keep(), "messages")
        self._run(messaging.sharing.keep(), "basic information")
        return opened

    async def _follow(self, base: _Base, messaging: Messaging) -> Following:
        """Followers of the peers' logs."""
        settings = self._settings
        following = Following(
            settings.division,
            base.store,
            self.board,
            self._clock,
            random.SystemRandom().random,
            FollowingOptions(
                Backoff(settings.federation.backoff_min_seconds, settings.federation.backoff_max_seconds),
                settings.federation.batch_entries,
                settings.limits.max_message_bytes,
                timedelta(seconds=settings.freshness.clock_skew_seconds),
                Patience(settings.federation.silence_seconds, settings.federation.entries_per_hour, self._traffic),
            ),
            base.settled.settlement,
            messaging.heard,
        )
        self._exits.push_async_callback(following.stop)
        await following.apply(base.trust.present)
        return following

    async def _gossip(self, base: _Base, following: Following) -> Gossiping:
        """The comparison of heads with every peer, and what this node shows them as a witness."""
        stores = WitnessStores(base.store, WitnessStore(base.database), self.board, self.standings)
        keys = _log_keys(base.trust, base.keyring)
        gossiping = Gossiping(self._settings, stores, keys, self._clock, following.halt_split)
        self._exits.push_async_callback(gossiping.stop)
        trust = base.trust.present
        await gossiping.apply(trust)
        self._run(gossiping.keep(), "witness")

        async def ask_first() -> None:
            try:
                await gossiping.ask_of_own_log(trust)
            finally:
                self._peers_asked.set()  # whatever failed, this node must not keep callers waiting for ever

        self._run(ask_first(), "first question")
        return gossiping

    def _keep_trust(
        self, base: _Base, server: RpcServer, following: Following, messaging: Messaging, gossiping: Gossiping
    ) -> None:
        """The watch over trust and certificates: what changes counts for open streams first, then for followers."""

        async def changed(trust: TrustInUse) -> None:
            server.recheck()
            await asyncio.to_thread(base.jurisdictions.learn, base.registry.record)
            # First of all no more heads of a log that was closed are compared: it may be cut back next.
            await gossiping.apply(trust)
            await following.apply(trust)
            await messaging.apply(trust)

        self._run(base.trust.keep(changed), "trust")
        renewal = Renewal(self._settings, base.trust, self._clock.now, self._random)
        self._run(renewal.keep(), "certificates")

    def _standing(self, base: _Base, ledger: OwnLedger) -> ChangeStanding:
        reports = ReportStore(base.database)
        return ChangeStanding(self._settings.division, reports, ledger, base.signers.of_statuses, self._clock.now)

    def _issuing(self, base: _Base, ledger: OwnLedger) -> MeasuredIssuing:
        sources = self._sources(base.jurisdictions, base.database, base.issuing_together)
        reports, now = ReportStore(base.database), self._clock.now
        issuing = IssueReports(sources, reports, ledger, base.signers.of_reports, ReportEncoding(), now, self._random)
        return MeasuredIssuing(issuing, base.issuing_together, base.metrics, self._clock)

    def _services(self, base: _Base) -> list[Service]:
        """What verifies, and what it verifies by."""
        settings, now = self._settings, self._clock.now
        verification = self._verification(base)
        return [
            verification_service(
                MeasuredVerification(verification, Gathering(), base.metrics),
                base.jurisdictions,
                max_batch_bytes=settings.limits.max_message_bytes,
                max_batch_items=settings.limits.batch_items,
            ),
            catalogue_service(lambda: base.jurisdictions.shelf(now)),
        ]

    async def _show(
        self, base: _Base, server: RpcServer, sequencer: Sequencer, operation: Operation, messaging: Messaging
    ) -> None:
        """The pages for operators, and health as they say it."""
        settings = self._settings
        watch = Watchpoint(
            self._clock,
            base.trust,
            base.database,
            sequencer,
            self.board,
            operation.peers,
            base.keyring,
            Limits.of(settings),
            registry_expiries=lambda: {} if base.registry.record is None else base.registry.record.ends,
            messages=messaging.readings,
            splits=self.standings.all_splits,
        )
        base.metrics.watch(watch.readings())
        pages = operations_app(base.metrics, watch.readiness)
        address = settings.operations.listen
        self.operations_port = await self._exits.enter_async_context(
            serving(pages, address.host, address.port, key="operations.listen")
        )
        self._run(keep_health(server, watch), "health")

    def _sources(self, jurisdictions: Jurisdictions, database: Database, gathering: Gathering) -> Sources:
        registrations = RegistrationStore(database)
        facts = SubjectFactsReader(registrations, RecordStore(database), gathering)
        return Sources(jurisdictions.edition_at, registrations.get, facts.get)

    def _verification(self, base: _Base) -> VerifyReports:
        threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="signatures")
        self._exits.callback(threads.shutdown, wait=False)
        settings, jurisdictions, standings = self._settings, base.jurisdictions, self.standings
        tolerances = Tolerances(
            timedelta(seconds=settings.federation.merge_delay_seconds),
            timedelta(seconds=settings.freshness.clock_skew_seconds),
        )
        memo = ArithmeticMemo(settings.limits.memo_bytes)
        self._sweep(base, memo, threads)
        return VerifyReports(
            Logs(base.store, base.settled),
            base.store,
            Surroundings(
                base.trust.snapshot,
                standings.views(self.board),
                self._clock.now,
                tolerances,
                standings.witnessing,
                settings.federation.gossip_seconds,
            ),
            Assessor(jurisdictions.catalogues()),
            ContentReader(SectionDecoders(decode_summary, decode_section), jurisdictions.catalogue, memo),
            memo,
            threads,
            settings.limits.max_bundle_bytes,
        )

    def _sweep(self, base: _Base, memo: ArithmeticMemo, threads: ThreadPoolExecutor) -> None:
        """What verification will need to know of peers' statements, found out while nobody asks."""

        def peers() -> list[TrustedIssuer]:
            issuers = base.trust.snapshot().issuers
            return [known.trusted for division, known in issuers.items() if division != self._settings.division]

        sweep = SignatureSweep(base.store, memo, threads, base.metrics.count_swept)
        room = self._settings.limits.memo_bytes
        sweeping = Sweeping(sweep, peers, self.board, self._traffic, self._clock.monotonic, room)
        self._run(sweeping.keep(), "signatures")

    async def _serve(
        self, services: Sequence[Service], base: _Base, following: Following, messaging: Messaging
    ) -> RpcServer:
        settings = self._settings

        def heard(division: str) -> None:
            following.heard(division)
            messaging.heard(division)

        gate = make_gate(
            settings,
            base.trust,
            base.metrics,
            self._clock,
            self._random,
            heard,
            self._counted(base.metrics.observe_rpc),
        )
        options = ServerOptions(
            str(settings.rpc.listen),
            settings.limits.max_message_bytes,
            settings.limits.concurrent_streams,
        )
        server = RpcServer(options, base.trust.tls_material, gate, services)
        self.rpc_port = await server.start()
        self._exits.push_async_callback(server.stop, settings.rpc.grace_seconds)
        return server

    def _counted(self, observe: Callable[[str, str, float], None]) -> Callable[[str, str, float], None]:
        """Every call that was answered is live work, for which long logs make way."""

        def observed(method: str, code: str, seconds: float) -> None:
            self._traffic.count("callers")
            observe(method, code, seconds)

        return observed

    async def _keep_keys(self, keyring: Keyring, trust: TrustKeeper) -> None:
        """Notices new key files, and tokens that went or came back, until cancelled."""
        known: tuple[MissingKey, ...] = ()
        while True:
            missing = keyring.missing(trust.present.state.own.trusted, self._clock.now())
            for each in missing:
                if each not in known:
                    _log.error("key_missing", role=each.role, why=each.why)
            if known and not missing:
                _log.info("keys_complete")
            known = missing
            await asyncio.sleep(POLL_SECONDS)
            await asyncio.to_thread(keyring.refresh)

    def _run(self, work: Coroutine[object, object, None], name: str) -> None:
        """Runs a task for as long as the node runs."""
        self._exits.push_async_callback(ended, begun(work, name))


def _log_keys(trust: TrustKeeper, keyring: Keyring) -> LogKeys:
    own = trust.present.state.own.trusted
    return LogKeys(own.origin, keyring.head, own_cosigner(own.origin), keyring.cosigner, bool(own.closed))


def _quieten_collector() -> None:
    """What was made at the start stays; of the rest little is cyclic, so it is looked through seldom.

    With the defaults, each full collection walks all remembered bundles, while callers wait (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises what `Node.start` raises."""
    clock = SystemClock()
    configure_logs(clock.now, settings.log.level, settings.log.format, sys.stdout)
    node = Node(settings, clock, os.urandom)
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    await node.start()
    _quieten_collector()
    try:
        await ending.wait()
    finally:
        await node.stop()
