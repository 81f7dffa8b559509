"""Messages from peers: taken durably at the door, opened and handled afterwards, one peer beside the other.

The door looks at headers alone. What it answers DELIVERED is committed, and ours from then on. An attendant per peer
handles what came in the order in which it came. What cannot be opened, read or handled is parked: operators see it
(`huxin inbox`), those of its ordering key wait behind it, for they may rest on it, and all others pass. An operator's
retry releases a parked message, or its expiry; one whose sealing key is gone, also the key's return. What this node
cannot handle for now (its signing key is away) waits, and what is of another kind and another subject passes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from node.errors import InvalidInput, NotReady
from node.federation.messages import Patience, Timing, Vault
from node.model.messages import (
    LONGEST_LIFE,
    MAX_SEALED_BYTES,
    WIRE_PURPOSE,
    Delivery,
    DeliveryOutcome,
    Handled,
    MessageHeader,
    MessageKind,
    MessageReason,
    SealedMessage,
)
from trust.errors import MalformedInput

_log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5
"""So often a message may take this process down, or be cut off, before it is parked."""

PARKED = "parked"
HANDLED = "handled"


class Store(Protocol):
    """The inbox (`node.storage.inbox_store`). Raises NotReady when the database cannot be used."""

    async def take(self, sender: str, messages: Sequence[SealedMessage]) -> list[Delivery]: ...
    async def next(self, sender: str, now: datetime, without: Collection[str] = ()) -> SealedMessage | None: ...
    async def begin(self, header: MessageHeader) -> int: ...
    async def postpone(self, header: MessageHeader, reason: MessageReason) -> None: ...
    async def finish(self, header: MessageHeader, handled: Handled, at: datetime) -> bool: ...
    async def park(self, header: MessageHeader, reason: MessageReason) -> bool: ...


class NotToBeHandled(Exception):
    """A message that was opened and that no retry will help. `reason` says why."""

    def __init__(self, reason: MessageReason) -> None:
        super().__init__(reason)
        self.reason = reason


Handler = Callable[[MessageHeader, bytes], Awaitable[Handled]]
"""(header, content) -> what it brings about, which is committed with the message's end. Asked again for the same
message it MUST come to the same. Raises NotReady for what passes, NotToBeHandled or InvalidInput for what stays."""


class Door:
    """Takes messages in for the node of `own`. `arrived` is told the sender when something new may be there."""

    def __init__(
        self,
        own: str,
        store: Store,
        vault: Vault,
        now: Callable[[], datetime],
        skew: timedelta,
        arrived: Callable[[str], None],
    ) -> None:
        self._own = own
        self._store = store
        self._vault = vault
        self._now = now
        self._skew = skew
        self._arrived = arrived

    async def deliver(self, sender: str, messages: Sequence[SealedMessage | None]) -> list[Delivery]:
        """What becomes of each message that the node of `sender` brings, by its certificate. None is unreadable.

        Answered after the commit. Raises NotReady when the database cannot be used: nothing was taken then.
        """
        now = self._now()
        answers = [self._judged(sender, message, now) for message in messages]
        good = [message for message, answer in zip(messages, answers, strict=True) if message and answer is None]
        taken = iter(await self._store.take(sender, good) if good else [])
        if good:
            self._arrived(sender)
        return [next(taken) if answer is None else answer for answer in answers]

    def _judged(self, sender: str, message: SealedMessage | None, now: datetime) -> Delivery | None:
        """Why a message is not taken, by its header; None when it is."""
        if message is None:
            return _refused(MessageReason.MALFORMED)
        header = message.header
        for wrong, reason in (
            (header.sender != sender, MessageReason.WRONG_SENDER),
            (header.receiver != self._own or sender == self._own, MessageReason.WRONG_RECEIVER),
            (len(message.sealed) > MAX_SEALED_BYTES, MessageReason.TOO_LARGE),
            (header.kind not in set(MessageKind), MessageReason.UNKNOWN_KIND),
            (not timedelta(0) < header.expires_at - header.created_at <= LONGEST_LIFE, MessageReason.LIFE_TOO_LONG),
            (header.expires_at > now + LONGEST_LIFE + self._skew, MessageReason.LIFE_TOO_LONG),
            (header.expires_at <= now, MessageReason.EXPIRED),
        ):
            if wrong:
                return _refused(reason)
        if not self._vault.holds(message.key_id.hex()):
            # The sender has an older or a newer bundle than our files: it seals anew when it tries again.
            return Delivery(DeliveryOutcome.DEFERRED, MessageReason.KEY_UNKNOWN)
        return None


def _refused(reason: MessageReason) -> Delivery:
    return Delivery(DeliveryOutcome.REFUSED, reason)


class Attendant:
    """Handles the messages of one peer, in order, until cancelled. `ended` is told the peer and `handled` or `parked`.

    `replied` is told of each receiver for whom something was queued.
    """

    def __init__(
        self,
        peer: str,
        store: Store,
        vault: Vault,
        handlers: Mapping[str, Handler],
        patience: Patience,
        timing: Timing,
        ended: Callable[[str, str], None],
        replied: Callable[[str], None],
    ) -> None:
        self._peer = peer
        self._store = store
        self._vault = vault
        self._handlers = handlers
        self._patience = patience
        self._now = timing.now
        self._jitter = timing.jitter
        self._ended = ended
        self._replied = replied
        self._failures = 0
        self._not_ready: set[str] = set()
        """Kinds of messages that cannot be handled here, since the last pause."""
        self._more = asyncio.Event()

    def notify(self) -> None:
        """Something came from this peer, or a parked message waits again."""
        self._more.set()

    async def run(self) -> None:
        """Handles until cancelled."""
        while True:
            self._more.clear()
            try:
                if await self.once():
                    continue
                if self._not_ready:
                    await self._pause()
                    continue
                self._failures = 0
                await self._rest()
            except NotReady:
                await self._pause()
            except Exception:  # noqa: BLE001 - an attendant that ended would let messages wait unseen
                _log.exception("inbox_failed", peer=self._peer)
                await self._pause()

    async def once(self) -> bool:
        """Handles the next message of a kind that can be, if there is one. Raises NotReady without the database."""
        message = await self._store.next(self._peer, self._now(), self._not_ready)
        if message is None:
            return False
        header = message.header
        if await self._store.begin(header) > MOST_ATTEMPTS:
            await self._park(header, MessageReason.FAILED)
            return True
        try:
            handled = await self._handled(message)
        except NotReady:
            await self._store.postpone(header, MessageReason.NOT_READY)
            self._not_ready.add(header.kind)
            return True
        except NotToBeHandled as error:
            await self._park(header, error.reason)
            return True
        if await self._store.finish(header, handled, self._now()):
            if not self._not_ready:
                self._failures = 0
            self._ended(self._peer, HANDLED)
            for receiver in {reply.header.receiver for reply in handled.replies}:
                self._replied(receiver)
        return True

    async def _handled(self, message: SealedMessage) -> Handled:
        """What a message brings about. Raises NotReady for what passes, NotToBeHandled for everything else."""
        header = message.header
        if not self._vault.holds(message.key_id.hex()):
            # It was when the door took the message. Nobody knows whether its file comes back: others do not wait.
            raise NotToBeHandled(MessageReason.KEY_NOT_LOADED)
        try:
            content = self._vault.open(message.key_id.hex(), message.sealed, header.bound(WIRE_PURPOSE, message.key_id))
            return await self._handlers[header.kind](header, content)
        except (NotReady, NotToBeHandled):
            raise
        except MalformedInput:
            raise NotToBeHandled(MessageReason.NOT_OPENED) from None
        except InvalidInput:
            raise NotToBeHandled(MessageReason.NOT_READABLE) from None
        except Exception as error:  # whatever it is, the messages behind it must go on
            _log.exception("message_failed", peer=self._peer, message=header.id.hex(), kind=header.kind)
            raise NotToBeHandled(MessageReason.FAILED) from error

    async def _park(self, header: MessageHeader, reason: MessageReason) -> None:
        if await self._store.park(header, reason):
            self._ended(self._peer, PARKED)
            _log.error("message_parked", peer=self._peer, message=header.id.hex(), kind=header.kind, reason=reason)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._more.wait(), self._patience.idle)
        except TimeoutError:
            return

    async def _pause(self) -> None:
        self._failures += 1
        self._not_ready.clear()
        await asyncio.sleep(self._patience.backoff.pause(self._failures, self._jitter()))
