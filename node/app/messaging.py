"""Messages between nodes: a courier and an attendant for each peer, in line with the trusted state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import SystemRandom

import structlog

from node.app.mailboxes import InboxView, OutboxView
from node.app.sealing_keys import SealingKeys, load_sealing_keys
from node.app.sharing import Sharing
from node.app.trust_keeper import TrustInUse, TrustKeeper
from node.clock import Clock
from node.config.settings import Settings
from node.errors import NotReady
from node.federation.answering import AnswerPolicy
from node.federation.follower import Backoff
from node.federation.inbox import Attendant, Door, Handler
from node.federation.messages import Patience, Timing, Writer
from node.federation.outbox import Addressee, Courier
from node.federation.peer_client import ClientCredentials, GrpcPeerClient
from node.federation.report_requests import AnswerRequests, AskForReports, Issuing
from node.metrics import MessageReading
from node.model.messages import Backlog, MessageKind, OutboxState
from node.registry.directory import TrustedJurisdiction
from node.storage.asked_store import AskedStore
from node.storage.database import Database
from node.storage.inbox_store import InboxStore
from node.storage.outbox_store import OutboxStore
from node.tasks import begun, ended
from node.wire.asking import MessageContents
from trust.sealing import SealingPublicKey, key_to_seal_to

_log = structlog.get_logger(__name__)

IDLE_SECONDS = 5.0
"""How soon is noticed what another replica queued or took; what this process did is noticed at once."""

SWEEP_SECONDS = 2.0
"""How often is looked for what has expired, and how old the numbers are that metrics show."""

ERASE_EVERY = timedelta(minutes=10)
"""How often is erased what was kept long enough: each time is a transaction."""

_ANSWER_BYTES = 64 << 10
"""An answer to Deliver is a few words for each of a few messages."""

_NOTHING = Backlog()


@dataclass(frozen=True, slots=True)
class MessageStores:
    """Messages at rest, and the requests made by them."""

    outbox: OutboxStore
    inbox: InboxStore
    asked: AskedStore
    database: Database

    @staticmethod
    def of(settings: Settings, database: Database) -> MessageStores:
        """The stores of one node."""
        own = settings.division
        return MessageStores(
            OutboxStore(database, own),
            InboxStore(database, own, settings.messages.inbox_messages),
            AskedStore(database),
            database,
        )


def open_messaging(
    settings: Settings,
    database: Database,
    trust: TrustKeeper,
    clock: Clock,
    random: Callable[[int], bytes],
    observe: Callable[[str, str], None],
) -> tuple[Messaging, OutboxView, InboxView]:
    """Messages of one node, not begun, and as its operators see them. `trust` has the own bundle as it stands now.

    `observe` is told the peer and the outcome of each message that ends or is parked.
    """
    stores = MessageStores.of(settings, database)
    vault = load_sealing_keys(settings, lambda: trust.present.state.own.bundle.sealing_keys)
    messaging = Messaging(settings, stores, vault, clock, random, observe)
    return messaging, OutboxView(stores.outbox, messaging.hurry), InboxView(stores.inbox, messaging.arrived)


@dataclass(slots=True)
class _Peer:
    digest: bytes
    certificate: bytes
    courier: Courier
    attendant: Attendant
    tasks: tuple[asyncio.Task[None], ...]


@dataclass(slots=True)
class _Numbers:
    """What was counted last."""

    outbox: Mapping[str, Backlog] = field(default_factory=dict)
    inbox: Mapping[str, Backlog] = field(default_factory=dict)


class Messaging:
    """All couriers and attendants of this node, the door for messages, the windows' requests, and what is shared."""

    def __init__(
        self,
        settings: Settings,
        stores: MessageStores,
        vault: SealingKeys,
        clock: Clock,
        random: Callable[[int], bytes],
        observe: Callable[[str, str], None],
    ) -> None:
        jitter = SystemRandom().random
        self._settings = settings
        self._stores = stores
        self._vault = vault
        self._timing = Timing(clock.now, clock.monotonic, jitter)
        self._observe = observe
        self._peers: dict[str, _Peer] = {}
        self._handlers: Mapping[str, Handler] = {}
        self._numbers = _Numbers()
        self._erased_at: datetime | None = None
        self._trust: TrustInUse | None = None
        federation, messages = settings.federation, settings.messages
        self._patience = Patience(
            Backoff(federation.backoff_min_seconds, federation.backoff_max_seconds),
            IDLE_SECONDS,
            messages.retire_after_seconds,
            messages.retired_seconds,
        )
        self._writer = Writer(settings.division, vault, clock.now, random, timedelta(seconds=messages.life_seconds))
        skew = timedelta(seconds=settings.freshness.clock_skew_seconds)
        self.door = Door(settings.division, stores.inbox, vault, clock.now, skew, self.arrived)
        self.asking = AskForReports(
            stores.asked, self._writer, vault, MessageContents(), self._peers.__contains__, clock.now, self.queued
        )
        self.sharing = Sharing(settings, stores.database, self._writer, clock, self._trusted, self._known, self.queued)

    async def begin(self, issuing: Issuing, trust: TrustInUse) -> None:
        """Starts with all peers; requests are answered through `issuing`."""
        policy = self._policy()
        self._handlers = {
            MessageKind.REPORT_REQUEST.value: AnswerRequests(policy, issuing, self._writer, MessageContents()).answer,
            MessageKind.REPORT_DELIVERY.value: self.asking.answered,
            MessageKind.SUBJECT_BASICS.value: self.sharing.taken,
        }
        await self.apply(trust)

    def _trusted(self) -> frozenset[str]:
        """Other jurisdictions that are trusted now."""
        trusted = frozenset() if self._trust is None else frozenset(self._trust.state.jurisdictions)
        return trusted - {self._settings.division}

    def _known(self) -> frozenset[str]:
        """These, and those of which we know no more than that they are there."""
        return self._trusted() | (frozenset() if self._trust is None else self._trust.state.unchecked)

    def _policy(self) -> AnswerPolicy:
        """Whom this jurisdiction answers."""
        sharing, kind = self._settings.sharing, MessageKind.REPORT_REQUEST.value

        async def handled(division: str, since: datetime) -> int:
            return await self._stores.inbox.handled_since(division, kind, since)

        def recognised(division: str) -> bool:
            now = self._timing.now()
            held = None if self._trust is None else self._trust.state.recognition(division, now)
            return held is not None and held.certificate.valid_from <= now < held.certificate.valid_until

        per_day = sharing.report_requests_per_day
        return AnswerPolicy(sharing.report_requests_of, per_day, recognised, handled, self._timing.now)

    async def apply(self, trust: TrustInUse) -> None:
        """Brings couriers and attendants in line with a version of the trusted state.

        Messages to or from a jurisdiction that is trusted no more stay until they expire.
        """
        self._trust = trust
        own = self._settings.division
        wanted = {division: found for division, found in trust.state.jurisdictions.items() if division != own}
        for division, peer in list(self._peers.items()):
            found = wanted.get(division)
            if found is None or peer.digest != found.digest or peer.certificate != trust.pair.certificate:
                await self._end(division)
        for division, found in wanted.items():
            if division not in self._peers:
                self._begin(division, found, trust)

    async def stop(self) -> None:
        """Ends all of them; what is queued stays queued."""
        for division in list(self._peers):
            await self._end(division)

    def heard(self, division: str) -> None:
        """A peer was heard."""
        if division in self._peers:
            self._peers[division].courier.heard()

    def queued(self, division: str) -> None:
        """Something was queued for a peer."""
        if division in self._peers:
            self._peers[division].courier.notify()

    def arrived(self, division: str) -> None:
        """Something came from a peer, or a parked message of it waits again."""
        if division in self._peers:
            self._peers[division].attendant.notify()

    def hurry(self, division: str) -> None:
        """An operator asks to try a peer now."""
        if division in self._peers:
            self._peers[division].courier.hurry()

    def readings(self) -> dict[str, MessageReading]:
        """What has not ended, by peer, as it was counted last: every peer, and whoever else something is of."""
        now, numbers = self._timing.now(), self._numbers
        found = {}
        for division in sorted({*self._peers, *numbers.outbox, *numbers.inbox}):
            out, come = numbers.outbox.get(division, _NOTHING), numbers.inbox.get(division, _NOTHING)
            oldest = None if out.oldest is None else max(0.0, (now - out.oldest).total_seconds())
            retired = division in self._peers and self._peers[division].courier.retired
            found[division] = MessageReading(out.queued, oldest, come.waiting, come.parked, retired)
        return found

    async def keep(self) -> None:
        """Ends what has expired, erases what was kept long enough, counts, notices new key files; until cancelled."""
        while True:
            try:
                await self.sweep(self._timing.now())
            except NotReady:
                _log.warning("messages_not_swept")
            except Exception:  # noqa: BLE001 - who ended here would keep contents that are to be erased
                _log.exception("messages_not_swept")
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await asyncio.to_thread(self._vault.refresh)
            except Exception:  # noqa: BLE001 - the same; a folder that cannot be read now may be read later
                _log.exception("sealing_keys_not_looked_at")

    async def sweep(self, now: datetime) -> None:
        """One round of it. Raises NotReady when the database cannot be used."""
        for division, count in (await self._stores.outbox.expire(now)).items():
            for _ in range(count):
                self._observe(division, OutboxState.EXPIRED.value)
            self.queued(division)  # those behind them may go
        if await self._stores.inbox.expire(now):
            for division in self._peers:
                self.arrived(division)
        for division in await self._stores.inbox.release(self._vault.holds):
            _log.info("messages_released", peer=division)  # a sealing key is here again
            self.arrived(division)
        if self._erased_at is None or not timedelta(0) <= now - self._erased_at < ERASE_EVERY:
            await self._erase(now)
            self._erased_at = now
        self._numbers = _Numbers(await self._stores.outbox.backlog(), await self._stores.inbox.backlog())

    async def _erase(self, now: datetime) -> None:
        messages = self._settings.messages
        forgotten = now - timedelta(days=messages.kept_days)
        await self._stores.outbox.forget(forgotten)
        await self._stores.inbox.forget(forgotten)
        await self._stores.asked.erase(now - timedelta(seconds=messages.life_seconds))

    def _begin(self, division: str, found: TrustedJurisdiction, trust: TrustInUse) -> None:
        credentials = ClientCredentials(trust.pair.certificate, trust.pair.key)
        roots = trust.ca_pem(division)

        def connect(endpoint: str) -> GrpcPeerClient:
            return GrpcPeerClient(division, endpoint, roots, credentials, _ANSWER_BYTES)

        def sealing_key() -> SealingPublicKey:
            return key_to_seal_to(found.bundle.sealing_keys, self._timing.now())

        courier = Courier(
            Addressee(division, found.bundle.endpoints, sealing_key),
            connect,
            self._stores.outbox,
            self._vault,
            self._patience,
            self._timing,
            self._observe,
        )
        attendant = Attendant(
            division,
            self._stores.inbox,
            self._vault,
            self._handlers,
            self._patience,
            self._timing,
            self._observe,
            self.queued,
        )
        tasks = (
            begun(courier.run(), f"deliver to {division}"),
            begun(attendant.run(), f"handle from {division}"),
        )
        self._peers[division] = _Peer(found.digest, trust.pair.certificate, courier, attendant, tasks)

    async def _end(self, division: str) -> None:
        await ended(*self._peers.pop(division).tasks)
