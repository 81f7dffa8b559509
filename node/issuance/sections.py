"""The sections of a report: one per chosen (row, record type), in local words, each with its coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.catalogue import Catalogue, DateBasis, Row, Scheme
from node.model.records import SEVERE_LIST, RecordType, ViolationRecord
from node.model.report import Coverage, Section, Selection

LastDeliveries = Mapping[tuple[str, str], date]
"""(unit, local code) -> as-of day of its last complete delivery."""

SectionEncoder = Callable[[Section], bytes]
FiledRecord = tuple[str, RecordType, ViolationRecord]


def choose_rows(catalogue: Catalogue, local_codes: Sequence[str]) -> tuple[Row, ...]:
    """The chosen rows in catalogue order; all of them when none is named (R071, R074). Raises InvalidInput."""
    if not local_codes:
        return tuple(catalogue.rows.values())
    for position, code in enumerate(local_codes):
        if code not in catalogue.rows:
            raise InvalidInput(
                f"local_codes[{position}]",
                f"The catalogue {catalogue.version} of {catalogue.division} has no such row; "
                f"see `huxin catalogue show {catalogue.division}` for its codes.",
            )
    wanted = set(local_codes)
    return tuple(row for code, row in catalogue.rows.items() if code in wanted)


def delivered_until(row: Row, deliveries: LastDeliveries) -> date | None:
    """As-of day of the earliest among the last complete deliveries of all the row's units; None if one never came.

    Where the scheme names no units, every unit that ever delivered for the row counts as one of them.
    """
    if row.units:
        days = [deliveries.get((unit, row.local_code)) for unit in row.units]
    else:
        days = [day for (_, code), day in deliveries.items() if code == row.local_code]
    known = [day for day in days if day is not None]
    return min(known) if known and len(known) == len(days) else None


@dataclass(frozen=True, slots=True)
class Window:
    """Which records a report shows.

    `before` is None when the period ends on the day of issue: then what that day itself already brought is shown too,
    for leaving it out would be a false "no record found".
    """

    start: date
    before: date | None
    scheme: Scheme

    @classmethod
    def of(cls, period: Period, issued_on: date, scheme: Scheme) -> Window:
        """The window of a report. A period that reaches the day of issue has no end: that day belongs to it."""
        return cls(period.start, None if period.end >= issued_on else period.end, scheme)

    def shows(self, record_type: RecordType, record: ViolationRecord) -> bool:
        """Whether a record is dated in the period, or, for entries of any list, in force in it (R069, R070).

        What verifiers count must be shown: `node.recognition.findings` counts by the same rule.
        """
        if record.repaired and not self.scheme.show_repaired:
            return False
        dated = record.decided_on
        if record_type == SEVERE_LIST or record.list_name or record.removed_on is not None:
            return self._has_begun(dated) and (record.removed_on is None or record.removed_on > self.start)
        if self.scheme.date_basis is DateBasis.EFFECTIVE and record.effective_on is not None:
            dated = record.effective_on
        return dated >= self.start and self._has_begun(dated)

    def _has_begun(self, day: date) -> bool:
        return self.before is None or day < self.before


@dataclass(frozen=True, slots=True)
class SectionTemplate:
    """The sections of a report without records: the same for every subject until a unit delivers again."""

    sections: tuple[Section, ...]
    encoded: tuple[bytes, ...]
    places: Mapping[tuple[str, RecordType], int]
    selection: Selection

    def filled(self, records: Iterable[FiledRecord], window: Window, encode: SectionEncoder) -> tuple[list[bytes], int]:
        """Encoded sections with the records that belong in them, and how many distinct records are shown."""
        filed: dict[int, list[ViolationRecord]] = {}
        distinct: set[tuple[RecordType, ViolationRecord]] = set()
        for local_code, record_type, record in records:
            place = self.places.get((local_code, record_type))
            if place is not None and window.shows(record_type, record):
                filed.setdefault(place, []).append(record)
                distinct.add((record_type, record))
        if not filed:
            return list(self.encoded), 0
        encoded = list(self.encoded)
        for place, found in filed.items():
            empty = self.sections[place]
            found.sort(key=lambda record: (record.decided_on, record.document_number))
            encoded[place] = encode(
                Section(empty.local_code, empty.local_name, empty.record_type, empty.coverage, tuple(found))
            )
        return encoded, len(distinct)


def section_template(
    catalogue: Catalogue, rows: Sequence[Row], deliveries: LastDeliveries, encode: SectionEncoder
) -> SectionTemplate:
    """Sections for the chosen rows with what their units have delivered, and no record yet."""
    sections = tuple(
        Section(
            row.local_code,
            row.local_name,
            collected.record_type,
            Coverage(collected.since, delivered_until(row, deliveries)),
        )
        for row in rows
        for collected in row.types
    )
    return SectionTemplate(
        sections,
        tuple(encode(section) for section in sections),
        {(section.local_code, section.record_type): place for place, section in enumerate(sections)},
        Selection(
            complete=len(rows) == len(catalogue.rows),
            cells=frozenset((section.local_code, section.record_type) for section in sections),
        ),
    )
