"""What a report contains, in the issuer's own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from node.model.calendar import Period
from node.model.records import RecordType, ViolationRecord
from node.model.subject import SubjectRef


@dataclass(frozen=True, slots=True)
class Coverage:
    """From when until when a section's units delivered. `until` is None when a unit never delivered."""

    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Section:
    """What one local row says about one record type."""

    local_code: str
    local_name: str
    record_type: RecordType
    coverage: Coverage
    records: tuple[ViolationRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The (row, record type) pairs chosen for a report.

    On the wire a complete selection names none: they are those of the catalogue version that the attestation names.
    """

    complete: bool
    cells: frozenset[tuple[str, RecordType]]


@dataclass(frozen=True, slots=True)
class Summary:
    """Section 0: whom the report is about and what was asked."""

    report_number: str
    subject_name: str
    subject: SubjectRef
    period: Period
    record_count: int
    selection: Selection
    territory_statement: str


@dataclass(frozen=True, slots=True)
class DisclosedReport:
    """What a presented report shows, after its bytes were proven against the signed root.

    `sections` holds the disclosed ones only; `summary` is None when the subject withheld even that.
    """

    summary: Summary | None
    sections: tuple[Section, ...]
