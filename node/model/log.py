"""Logs of signed statements as this node stores them: its own and the replicas of its peers (`docs/protocol.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryKind(StrEnum):
    """What a log entry states."""

    ATTESTATION = "attestation"
    STATUS_CHANGE = "status_change"


class StatusFlag(StrEnum):
    """Flags that a report can carry, each on its own."""

    UNDER_OBJECTION = "under_objection"
    CORRECTED = "corrected"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    NEWER_INFORMATION = "newer_information"


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
    """Root of the perfect subtree over leaves [index * 2**level, (index + 1) * 2**level); level is 8, 16, 24 or 32."""

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
