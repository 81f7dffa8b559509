"""Messages between nodes: what is known of one without opening it, and the states through which it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from node.model.sharing import SharedBasics, SubjectBasics

ID_BYTES = 16
ORDERING_KEY_BYTES = 32
KEY_ID_BYTES = 32

MAX_SEALED_BYTES = (1 << 20) + (64 << 10)
"""One message: a report bundle of 1 MiB, the largest that there is, with what stands around it."""

MAX_DELIVERY_BYTES = 4 << 20
MAX_DELIVERY_MESSAGES = 16
"""What one call of Deliver may carry."""

LONGEST_LIFE = timedelta(days=31)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MessageKind(StrEnum):
    """What a message is about."""

    REPORT_REQUEST = "report_request"
    REPORT_DELIVERY = "report_delivery"
    SUBJECT_BASICS = "subject_basics"


class OutboxState(StrEnum):
    """What became of a message to a peer. All but QUEUED are final; then the content is erased."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    """Its time was over before the peer said that it has it. It may have it all the same."""


class InboxState(StrEnum):
    """What became of a message from a peer. HANDLED and EXPIRED are final; then the content is erased."""

    WAITING = "waiting"
    HANDLED = "handled"
    PARKED = "parked"
    """It cannot be opened, read or handled. Those of its ordering key wait behind it, and nobody else."""
    EXPIRED = "expired"


class DeliveryOutcome(StrEnum):
    """What a receiver answers to one message."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    DEFERRED = "deferred"


class MessageReason(StrEnum):
    """Why a message stands as it does: the closed list of `docs/protocol.md`, Messages."""

    # Refused by the receiver, for good.
    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    WRONG_SENDER = "WRONG_SENDER"
    WRONG_RECEIVER = "WRONG_RECEIVER"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    LIFE_TOO_LONG = "LIFE_TOO_LONG"
    EXPIRED = "EXPIRED"
    ID_REUSED = "ID_REUSED"
    # Deferred by the receiver.
    KEY_UNKNOWN = "KEY_UNKNOWN"
    INBOX_FULL = "INBOX_FULL"
    # It waits at the sender.
    NO_SEALING_KEY = "NO_SEALING_KEY"
    KEY_NOT_LOADED = "KEY_NOT_LOADED"
    UNREACHABLE = "UNREACHABLE"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    OVER_LIMIT = "OVER_LIMIT"
    CALL_TOO_LARGE = "CALL_TOO_LARGE"
    # It is parked or waits at the receiver, or the sender could not read its own store.
    NOT_OPENED = "NOT_OPENED"
    NOT_READABLE = "NOT_READABLE"
    NOT_ASKED_FOR = "NOT_ASKED_FOR"
    NOT_READY = "NOT_READY"
    FAILED = "FAILED"
    OTHER = "OTHER"
    """A reason that this version does not know."""


def reason_named(name: str) -> MessageReason:
    """The reason of that name; OTHER for what a later version, or a liar, says."""
    return MessageReason(name) if name in MessageReason.__members__ else MessageReason.OTHER


@dataclass(frozen=True, slots=True)
class MessageHeader:
    """What is known of a message without opening it. Holds nothing that tells of whom it speaks.

    `id` 16 bytes, `ordering_key` 32 bytes, instants aware in UTC, in whole microseconds.
    """

    id: bytes
    sender: str
    receiver: str
    kind: str
    ordering_key: bytes
    created_at: datetime
    expires_at: datetime

    def bound(self, purpose: bytes, key_id: bytes = b"") -> bytes:
        """All of it as bytes to which a sealing is bound (`docs/protocol.md`, Messages).

        Each part after its length in four bytes, big-endian; instants as microseconds since 1970 in eight.
        """
        instants = (((at - _EPOCH) // timedelta(microseconds=1)) for at in (self.created_at, self.expires_at))
        parts = (
            purpose,
            self.id,
            self.sender.encode(),
            self.receiver.encode(),
            self.kind.encode(),
            self.ordering_key,
            *(instant.to_bytes(8, "big", signed=True) for instant in instants),
            key_id,
        )
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


WIRE_PURPOSE = b"huxin/message/v1"
"""Binds what is sealed to the receiving jurisdiction."""

OUTBOX_PURPOSE = b"huxin/outbox/v1"
"""Binds what lies in the own outbox, sealed to ourselves."""


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """A message as it crosses the wire. `key_id` is the receiver's sealing key, 32 bytes."""

    header: MessageHeader
    key_id: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be queued. `content` is sealed to ourselves, bound to the header with OUTBOX_PURPOSE."""

    header: MessageHeader
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one message at the receiver. `reason` is None when it was delivered."""

    outcome: DeliveryOutcome
    reason: MessageReason | None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """What handling a message came to: all of it is committed together with its end.

    `replies` are queued. `answer` is kept with the request that it answers; `basics` of the sender's are kept or,
    where they withdraw, erased. `outcome` is a word for operators, nothing of a subject; `evidence_digest` of what a
    request rested on, 32 bytes or empty.
    """

    replies: tuple[Draft, ...] = ()
    answer: StoredAnswer | None = None
    basics: SubjectBasics | None = None
    outcome: str = ""
    evidence_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to a request of ours. `bundle` is sealed to ourselves; None with a refusal, which says why."""

    request_id: bytes
    sender: str
    report_number: str = ""
    bundle: bytes | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Basic information to be told, by a message to be queued with it.

    `seen` is the message by which its receiver was told before, None when it was not: what it has been told meanwhile
    by another replica counts, and this does not.
    """

    told: SharedBasics
    seen: bytes | None
    draft: Draft


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message as operators see it. `peer`: the receiver (outbox) or the sender (inbox)."""

    sequence: int
    id: bytes
    peer: str
    kind: str
    state: str
    reason: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    attempts: int
    ordering_key: bytes
    outcome: str = ""
    evidence_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages of one peer that have not ended. `oldest` is when the first of `queued` was written."""

    queued: int = 0
    oldest: datetime | None = None
    waiting: int = 0
    parked: int = 0


def message_id(now: datetime, random: Callable[[int], bytes]) -> bytes:
    """A new UUIDv7 (RFC 9562, 5.7), 16 bytes: 48 bits of milliseconds, then 74 random ones."""
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    body = bytearray(milliseconds.to_bytes(6, "big") + random(10))
    body[6] = 0x70 | body[6] & 0x0F
    body[8] = 0x80 | body[8] & 0x3F
    return bytes(body)
