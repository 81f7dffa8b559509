"""Record types and violation records (R032-R047)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType

RecordType = NewType("RecordType", str)
"""Code of a record type. A jurisdiction may add types (R037); these five are common to all schemes."""

PENALTY_ORDINARY = RecordType("administrative_penalty_ordinary")
PENALTY_SUMMARY = RecordType("administrative_penalty_summary")
ENFORCEMENT = RecordType("administrative_enforcement")
SEVERE_LIST = RecordType("severe_dishonesty_list")
CRIMINAL = RecordType("criminal_judgment")

MAX_TEXT_CHARS, MAX_CONTENT_CHARS = 2_000, 20_000
"""Longest text of a record, and longest content: what verifiers read, so what may be taken in."""

RECORD_TYPES: dict[RecordType, tuple[str, str]] = {
    PENALTY_ORDINARY: ("行政处罚（普通程序）", "administrative penalty, ordinary procedure"),
    PENALTY_SUMMARY: ("行政处罚（简易程序）", "administrative penalty, summary procedure"),
    ENFORCEMENT: ("行政强制", "administrative enforcement measure"),
    SEVERE_LIST: ("严重失信主体名单", "severe dishonesty list entry"),
    CRIMINAL: ("刑事裁判（犯罪记录）", "criminal judgment"),
}
"""Names of the common record types, Chinese first."""


class RepairState(StrEnum):
    """Where the repair of a record stands (R082, R083)."""

    UNKNOWN = "unknown"
    NOT_REPAIRED = "not_repaired"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class ViolationRecord:
    """One objective entry of a measure taken for breach of laws, regulations or rules (R042).

    `decided_on` is the day of the decision, or of the entry in a list; `removed_on` (exclusive) ends a list entry.
    """

    deciding_authority: str
    document_number: str
    decided_on: date
    content: str
    source_unit: str
    effective_on: date | None = None
    removed_on: date | None = None
    list_name: str = ""
    repair_state: RepairState = RepairState.UNKNOWN
    repaired_on: date | None = None

    @property
    def repaired(self) -> bool:
        """Whether its credit repair is known to be done; an unknown state is not."""
        return self.repair_state is RepairState.REPAIRED
