"""A stored log looked at with suspicion: rows as they lie there, and what differs from what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Part(StrEnum):
    """What of a stored log differs from what its entries, its keys or its head say it should be."""

    ENTRY = "entry"
    """The entry's own bytes: neither their digest nor their leaf hash is the stored one."""
    LEAF_HASH = "leaf_hash"
    DIGEST = "digest"
    KIND = "kind"
    REPORT_NUMBER = "report_number"
    STATUS = "status"
    """The row of log_status that an entry states, or one that no entry states."""
    MISSING_ENTRY = "missing_entry"
    EXTRA_ENTRY = "extra_entry"
    """Outside the head: nothing authenticates it."""
    SUBTREE = "subtree"
    HEAD_ROOT = "head_root"
    CHECKPOINT = "checkpoint"
    """The signed note: a signature, a cosignature, or what it says."""
    FRESH_AT = "fresh_at"
    NO_HEAD = "no_head"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `index` is an entry's, or a subtree's at `level`; None where the head is meant.

    `sentence` says what differs and, where it can be told, what that means. It holds no content of an entry.
    """

    origin: str
    part: Part
    sentence: str
    index: int | None = None
    level: int | None = None


@dataclass(slots=True)
class AuditProgress:
    """How far the look at one log is. `size` is that of its head, 0 until it was read; `checked` counts entries."""

    origin: str
    size: int = 0
    checked: int = 0


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """A row of log_status as it lies there. `effective_at` is UTC, None when the stored number is no instant."""

    index: int
    attestation_digest: bytes
    flag: str
    is_set: bool
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class ToldChange:
    """What an entry says of the standing of a report. `report_number` is "" where no log here holds that report."""

    status: StoredStatus
    report_number: str


@dataclass(frozen=True, slots=True)
class DiscardedEntry:
    """An entry that was cut off a closed log. `stands_in`: log and index where it was logged again; None: nowhere."""

    entry: StoredEntry
    stands_in: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of log_entries as it lies there. Nothing is believed yet."""

    index: int
    leaf_hash: bytes
    digest: bytes
    kind: str
    report_number: str
    entry: bytes
