"""What a procedure requires of a report (`docs/recognition.md`)."""

from __future__ import annotations

from dataclasses import dataclass

from node.model.calendar import Period
from node.model.records import RecordType


@dataclass(frozen=True, slots=True)
class RequiredItem:
    """One thing asked: exactly one of `local_code` (own row, translated whole) and `leaf` (or group) is set."""

    record_types: tuple[RecordType, ...]
    local_code: str = ""
    leaf: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A procedure's requirement. Exactly one of `months` (back from the day of issue) and `fixed` is set."""

    requirement_id: str
    title_zh: str
    title_en: str
    jurisdiction: str
    scenario: str
    items: tuple[RequiredItem, ...]
    months: int = 0
    fixed: Period | None = None
    territory: str = ""
    """Division the report must speak for; empty means the issuer's own division."""
    max_data_age_days: int = 10
    max_report_age_days: int = 30
    repaired_records_count: bool = True
    illustrative: bool = False
    max_trust_age_hours: int = 0
    max_log_view_age_minutes: int = 0
    """Oldest trusted state and log view with which this procedure accepts; 0: what node and certificate allow."""
