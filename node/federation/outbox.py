"""Delivering messages to one peer: in order for each subject, again after any trouble, and never in another's way.

Each peer has a courier: its own task, connection and queue. A courier takes from the database what may be sent now (of
each ordering key the first message that has not ended), seals each to the peer's newest sealing key and hands a few
over in one call. The database alone says what is still to be sent, so a restart needs no recovery: a message that was
sent and not noted is sent again, and the peer knows it by its id.

A peer that cannot be reached is asked again after a pause that doubles, with jitter; whatever is heard of it ends the
pause. One from which nothing was heard for long is retired: asked once in a long while, until it is heard again. A peer
that answers and defers is asked again after a pause that only its next answer ends; so is one whose limits we met, and
not before it says (RetryInfo). Whoever refuses is alive: only silence retires a peer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from node.errors import NotReady
from node.federation.messages import Patience, Timing, Vault
from node.federation.unavailable import PeerUnavailable
from node.model.messages import (
    MAX_DELIVERY_BYTES,
    OUTBOX_PURPOSE,
    WIRE_PURPOSE,
    Delivery,
    DeliveryOutcome,
    Draft,
    MessageReason,
    OutboxState,
    SealedMessage,
)
from node.model.peers import PeerTrouble
from trust.errors import BadKey, MalformedInput
from trust.sealing import SealingPublicKey

_log = structlog.get_logger(__name__)

MOST_PASSED = 256
"""So many messages that do not open for want of a key of ours are passed over, until the others wait, too."""

MESSAGES_AT_ONCE = 4
"""Messages taken from the queue at once: each may have a megabyte, and each peer has its own."""

_ENVELOPE_BYTES = 1_024
"""What a message has around its sealed content, at most."""

_REFUSALS = {
    PeerTrouble.REFUSED: MessageReason.NOT_ACCEPTED,
    PeerTrouble.LIMITS_US: MessageReason.OVER_LIMIT,
    PeerTrouble.TAKES_LESS: MessageReason.CALL_TOO_LARGE,
}
"""Why a whole call was refused."""

_FINAL = {DeliveryOutcome.DELIVERED: OutboxState.DELIVERED, DeliveryOutcome.REFUSED: OutboxState.REFUSED}


class Queue(Protocol):
    """The outbox (`node.storage.outbox_store`). Raises NotReady when the database cannot be used."""

    async def due(self, receiver: str, now: datetime, limit: int, passing: Collection[bytes] = ()) -> list[Draft]: ...
    async def end(
        self, message_id: bytes, state: OutboxState, reason: MessageReason | None, at: datetime, *, tried: bool = True
    ) -> bool: ...
    async def note(self, message_ids: Sequence[bytes], reason: MessageReason) -> None: ...
    async def note_waiting(self, receiver: str, reason: MessageReason) -> None: ...


class DeliveryClient(Protocol):
    """One connection to a peer. `deliver` answers one result for each message, or raises PeerUnavailable."""

    async def deliver(self, messages: Sequence[SealedMessage]) -> list[Delivery]: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Addressee:
    """The peer, where it is (endpoints in order of preference), and the key to seal to now.

    `sealing_key` raises BadKey when the peer publishes none that we can use.
    """

    division: str
    endpoints: tuple[str, ...]
    sealing_key: Callable[[], SealingPublicKey]


class _Waits(Exception):
    """Nothing can be sent now. `contact_helps`: it is worth while to try again when the peer is heard.

    `silent`: the peer said nothing at all. `least_seconds`: how long it asks us to wait.
    """

    def __init__(
        self, reason: MessageReason, *, contact_helps: bool = False, silent: bool = False, least_seconds: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.contact_helps = contact_helps
        self.silent = silent
        self.least_seconds = least_seconds


class Courier:
    """Delivers to one peer until cancelled. `ended` is told of each message that ends: the peer and its state."""

    def __init__(
        self,
        to: Addressee,
        connect: Callable[[str], DeliveryClient],
        queue: Queue,
        vault: Vault,
        patience: Patience,
        timing: Timing,
        ended: Callable[[str, str], None],
    ) -> None:
        self._to = to
        self._connect = connect
        self._queue = queue
        self._vault = vault
        self._patience = patience
        self._now = timing.now
        self._monotonic = timing.monotonic
        self._jitter = timing.jitter
        self._ended = ended
        self._client: DeliveryClient | None = None
        self._unopened: set[bytes] = set()
        """Messages that wait for a key of ours, since the last pause."""
        self._failures = 0
        self._heard_at = timing.monotonic()
        self._more = asyncio.Event()
        self._contact = asyncio.Event()
        self._now_please = asyncio.Event()
        self.retired = False

    def notify(self) -> None:
        """Something was queued for this peer."""
        self._more.set()

    def heard(self) -> None:
        """The peer was heard: it called, or sent something. Ends the pause after a failure."""
        self._heard_at = self._monotonic()
        self._contact.set()

    def hurry(self) -> None:
        """An operator asks for an attempt now."""
        self._now_please.set()

    async def run(self) -> None:
        """Delivers until cancelled. The connection is kept while there is something to send."""
        try:
            while True:
                for event in (self._more, self._contact, self._now_please):
                    event.clear()
                await self._rest(*await self._round())
        finally:
            await self._hang_up()

    async def _round(self) -> tuple[float, bool]:
        """One attempt: for how long to rest after it, and whether contact ends that rest. 0 means go on at once."""
        try:
            if await self._send():
                self._failures = 0
                return 0.0, True
        except _Waits as waits:
            self._unopened.clear()
            await self._gave_up(waits.reason)
            return max(self._pause(silent=waits.silent), waits.least_seconds), waits.contact_helps
        except NotReady:  # the database, or a key of ours: both come back
            return self._pause(), False
        except Exception:  # noqa: BLE001 - a courier that ended would let messages expire behind our back
            _log.exception("delivering_failed", peer=self._to.division)
            return self._pause(), False
        await self._hang_up()
        self._failures = 0
        return self._patience.idle, True

    async def _gave_up(self, reason: MessageReason) -> None:
        """Notes why nothing goes, as far as that can be noted."""
        try:
            await self._hang_up()
            await self._queue.note_waiting(self._to.division, reason)
        except NotReady:
            pass  # the database comes back
        except Exception:  # noqa: BLE001 - the same
            _log.exception("waiting_not_noted", peer=self._to.division)

    async def _send(self) -> bool:
        """Hands over what is due. False when nothing is. Raises _Waits, NotReady."""
        due = await self._queue.due(self._to.division, self._now(), MESSAGES_AT_ONCE, self._unopened)
        if self._unopened and (not due or len(self._unopened) >= MOST_PASSED):
            raise _Waits(MessageReason.KEY_NOT_LOADED)
        if not due:
            return False
        messages = await self._sealed(due)
        if not messages:
            return True
        answers = await self._handed_over(messages)
        deferred: list[Delivery] = []
        for message, answer in zip(messages, answers, strict=True):
            final = _FINAL.get(answer.outcome)
            if answer.reason is MessageReason.EXPIRED and message.header.expires_at <= self._now():
                final = OutboxState.EXPIRED  # on its way: by our own clock, too
            if final is None:
                deferred.append(answer)
                await self._queue.note([message.header.id], answer.reason or MessageReason.OTHER)
            elif await self._queue.end(message.header.id, final, answer.reason, self._now()):
                self._ended(self._to.division, final.value)
                if final is OutboxState.REFUSED:
                    _log.warning("message_refused", peer=self._to.division, reason=answer.reason)
        if len(deferred) == len(messages):
            raise _Waits(deferred[0].reason or MessageReason.OTHER)
        return True

    async def _sealed(self, due: Sequence[Draft]) -> list[SealedMessage]:
        """As many as fit into one call. One that does not open any more ends here: nobody could ever send it.

        One whose key is not here is passed over until the next pause, and those of its ordering key with it.
        """
        if not self._to.endpoints:
            raise _Waits(MessageReason.UNREACHABLE)
        try:
            key = self._to.sealing_key()
        except BadKey:
            raise _Waits(MessageReason.NO_SEALING_KEY) from None
        key_id, size = bytes.fromhex(key.key_id), 0
        messages: list[SealedMessage] = []
        for draft in due:
            try:
                content = self._vault.kept(draft.content, draft.header.bound(OUTBOX_PURPOSE))
            except MalformedInput:
                _log.error("message_not_opened", peer=self._to.division, message=draft.header.id.hex())
                refused = OutboxState.REFUSED
                if await self._queue.end(draft.header.id, refused, MessageReason.NOT_OPENED, self._now(), tried=False):
                    self._ended(self._to.division, refused.value)
                continue
            except NotReady:
                self._unopened.add(draft.header.id)  # the others do not wait for the key's file
                continue
            try:
                sealed = key.seal(content, draft.header.bound(WIRE_PURPOSE, key_id))
            except BadKey:
                raise _Waits(MessageReason.NO_SEALING_KEY) from None
            size += len(sealed) + _ENVELOPE_BYTES
            if messages and size > MAX_DELIVERY_BYTES - _ENVELOPE_BYTES:
                break
            messages.append(SealedMessage(draft.header, key_id, sealed))
        return messages

    async def _handed_over(self, messages: Sequence[SealedMessage]) -> list[Delivery]:
        if self._client is None:
            endpoints = self._to.endpoints
            self._client = self._connect(endpoints[self._failures % len(endpoints)])
        try:
            # A crash from here until the end is noted sends the message again; the peer answers as it did.
            answers = await self._client.deliver(messages)
        except PeerUnavailable as error:
            if error.answered:
                self._answered()
            reason = _REFUSALS.get(error.trouble, MessageReason.UNREACHABLE)
            with contextlib.suppress(NotReady):
                await self._queue.note([message.header.id for message in messages], reason)
            raise _Waits(
                reason,
                contact_helps=error.trouble not in {PeerTrouble.LIMITS_US, PeerTrouble.TAKES_LESS},
                silent=not error.answered,
                least_seconds=error.retry_seconds,
            ) from None
        self._answered()
        return answers

    def _answered(self) -> None:
        """Whatever the peer answered, it is there."""
        self._heard_at = self._monotonic()
        if self.retired:
            self.retired = False
            _log.info("peer_returned", peer=self._to.division)

    def _pause(self, *, silent: bool = False) -> float:
        """How long to rest after a failure. Only a peer that said nothing can be retired."""
        self._failures += 1
        unheard = self._monotonic() - self._heard_at
        if not silent or unheard < self._patience.retire_after:
            return self._patience.backoff.pause(self._failures, self._jitter())
        if not self.retired:
            self.retired = True
            _log.warning("peer_retired", peer=self._to.division, silent_seconds=round(unheard))
        return self._patience.retired * (0.5 + self._jitter() / 2)

    async def _rest(self, seconds: float, contact_helps: bool) -> None:
        """Waits, until something ends the wait. After a failure what is newly queued does not: it waits behind."""
        if seconds <= 0:
            return
        failed = self._failures > 0
        wakers = [self._now_please]
        if not failed:
            wakers.append(self._more)
        elif contact_helps:
            wakers.append(self._contact)
            # However often the peer is heard, it is not asked more often than after the shortest pause.
            await self._until([self._now_please], min(seconds, self._patience.backoff.least))
            seconds -= self._patience.backoff.least
        if seconds > 0 and not self._now_please.is_set():
            await self._until(wakers, seconds)
        if failed and contact_helps and self._contact.is_set():
            self._failures = 0

    async def _until(self, events: Sequence[asyncio.Event], seconds: float) -> None:
        """Until one of them is set, or the time is over."""
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
