"""Logs of signed statements as this node stores them: its own and the replicas of its peers (`docs/protocol.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryKind(StrEnum):
    """What a log entry states."""

    ATTESTATION = "attestation"
    STATUS_CHANGE = "status_change"
    OTHER = "other"
    """Not readable by this version: kept, because the head authenticates it, and it counts for nothing."""


class StatusFlag(StrEnum):
    """Flags that a report can carry, each on its own."""

    UNDER_OBJECTION = "under_objection"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    NEWER_INFORMATION = "newer_information"
    UNREADABLE = "unreadable"
    """A flag of a later version, which may mean anything: read from peers' logs, never set here, never cleared."""


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One logged change of one flag of the attestation whose envelope has this digest."""

    attestation_digest: bytes
    flag: StatusFlag
    set: bool
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry. `entry` is the signed envelope's bytes, `digest` their SHA-256, `leaf_hash` SHA-256(0x00 || entry).

    `report_number` is set for attestations, `status` for status changes. Both are read from the payload without
    checking its signature: the tree head authenticates the batch, the signature is checked at first use.
    """

    index: int
    entry: bytes
    digest: bytes
    leaf_hash: bytes
    kind: EntryKind
    report_number: str = ""
    status: StatusEvent | None = None


@dataclass(frozen=True, slots=True)
class SubtreeRoot:
    """Root of the perfect subtree over leaves [index * 2**level, (index + 1) * 2**level); levels are 4, 8 ... 36."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class LogHead:
    """Newest head of a log in our view. `checkpoint` is the signed note; `fresh_at` the time of its cosignature."""

    origin: str
    size: int
    root: bytes
    checkpoint: str
    fresh_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """What our view of the logs says of one statement: where it stands and what changed since."""

    origin: str
    index: int
    entry: bytes
    statuses: tuple[StatusEvent, ...]


class LogMoved(Exception):
    """Another replica of this node extended the log first. Nothing was committed."""


class LogClosed(Exception):
    """The log was succeeded by another one: nothing is added to it any more. Nothing was committed."""


class DuplicateRequests(Exception):
    """Some request ids of a group came before: `places` are their positions. Nothing was committed."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(f"{len(places)} request ids of the group were used before")
        self.places = places


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """What a follower is sent: entries from `first_index` on and what authenticates them.

    `entries` are envelope bytes in log order, empty when only a newer head is told. `checkpoint` is the signed note of
    a head at least as large as the end of this batch; `consistency` proves the tree that ends with this batch to be a
    prefix of it (32 bytes each, empty when the sizes are equal).
    """

    first_index: int
    entries: tuple[bytes, ...]
    checkpoint: str
    consistency: tuple[bytes, ...]
