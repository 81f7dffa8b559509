"""Sections of a report: `Section`, `SummarySection` <-> model, and the bytes that the section tree hashes.

Encoding is deterministic: fields in the order of their numbers, no maps, no unknown fields. Decoding refuses any other
encoding of the same content, so that a section has one reading only.
"""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from huxin.v1 import report_pb2 as pb

from node.errors import InvalidInput
from node.model.catalogue import Catalogue
from node.model.records import MAX_CONTENT_CHARS, RecordType, RepairState, ViolationRecord
from node.model.report import Coverage, Section, Selection, Summary
from node.wire.fields import (
    choice,
    day,
    day_text,
    optional_day,
    optional_text,
    period,
    period_message,
    record_type,
    record_types,
    text,
    within,
)
from node.wire.subject import stated_subject, subject_claim

EVERYTHING = Selection(complete=True, cells=frozenset())
"""What the wire says of a complete report: which cells these are, the catalogue says that the attestation names."""

_REPAIR_STATES: dict[pb.RepairState, RepairState] = {
    pb.REPAIR_STATE_UNSPECIFIED: RepairState.UNKNOWN,
    pb.REPAIR_STATE_NOT_REPAIRED: RepairState.NOT_REPAIRED,
    pb.REPAIR_STATE_REPAIRED: RepairState.REPAIRED,
}
_REPAIR_NUMBERS = {value: number for number, value in _REPAIR_STATES.items()}

_without_records: dict[bytes, Section] = {}
_WITHOUT_RECORDS_LIMIT = 16_384

M = TypeVar("M", bound=Message)


def encode_section(section: Section) -> bytes:
    """Serialised `Section`: what the section tree hashes."""
    coverage = pb.Coverage(since=section.coverage.since.isoformat(), until=day_text(section.coverage.until))
    return pb.Section(
        local_code=section.local_code,
        local_name=section.local_name,
        record_type=section.record_type,
        coverage=coverage,
        records=[_record_message(record) for record in section.records],
    ).SerializeToString(deterministic=True)


def decode_section(data: bytes, path: str = "section") -> Section:
    """Reads a serialised `Section`. Raises InvalidInput naming the field's path.

    Sections without records are the same for every subject until a unit delivers again, so they are remembered.
    """
    known = _without_records.get(data)
    if known is not None:
        return known
    message = _parse(pb.Section, data, path)
    if not message.HasField("coverage"):
        raise InvalidInput(within(path, "coverage"), "A section says what it covers; the field is missing.")
    coverage = Coverage(
        since=day(message.coverage.since, within(path, "coverage.since")),
        until=optional_day(message.coverage.until, within(path, "coverage.until")),
    )
    section = Section(
        local_code=text(message.local_code, within(path, "local_code"), limit=64),
        local_name=text(message.local_name, within(path, "local_name")),
        record_type=record_type(message.record_type, within(path, "record_type")),
        coverage=coverage,
        records=tuple(_record(each, within(path, f"records[{place}]")) for place, each in enumerate(message.records)),
    )
    if not section.records:
        if len(_without_records) >= _WITHOUT_RECORDS_LIMIT:
            _without_records.clear()
        _without_records[data] = section
    return section


def encode_summary(summary: Summary, catalogue: Catalogue) -> bytes:
    """Serialised `SummarySection`, section 0 of the tree. Rows and their types stand in the catalogue's order."""
    return pb.SummarySection(
        report_number=summary.report_number,
        subject_name=summary.subject_name,
        subject=subject_claim(summary.subject),
        period=period_message(summary.period),
        record_count=summary.record_count,
        selection=_selection_message(summary.selection, catalogue),
        territory_statement=summary.territory_statement,
    ).SerializeToString(deterministic=True)


def decode_summary(data: bytes, path: str = "summary") -> Summary:
    """Reads a serialised `SummarySection`. Raises InvalidInput naming the field's path."""
    message = _parse(pb.SummarySection, data, path)
    for name in ("subject", "period", "selection"):
        if not message.HasField(name):
            raise InvalidInput(within(path, name), "A summary needs this field; it is missing.")
    return Summary(
        report_number=text(message.report_number, within(path, "report_number"), limit=64),
        subject_name=text(message.subject_name, within(path, "subject_name")),
        subject=stated_subject(message.subject, within(path, "subject")),
        period=period(message.period, within(path, "period")),
        record_count=message.record_count,
        selection=_selection(message.selection, within(path, "selection")),
        territory_statement=optional_text(message.territory_statement, within(path, "territory_statement")),
    )


def _record_message(record: ViolationRecord) -> pb.ViolationRecord:
    return pb.ViolationRecord(
        deciding_authority=record.deciding_authority,
        document_number=record.document_number,
        decided_on=record.decided_on.isoformat(),
        effective_on=day_text(record.effective_on),
        removed_on=day_text(record.removed_on),
        list_name=record.list_name,
        content=record.content,
        repair_state=_REPAIR_NUMBERS[record.repair_state],
        repaired_on=day_text(record.repaired_on),
        source_unit=record.source_unit,
    )


def _record(message: pb.ViolationRecord, path: str) -> ViolationRecord:
    repair_state = choice(_REPAIR_STATES, message.repair_state, within(path, "repair_state"))
    repaired_on = optional_day(message.repaired_on, within(path, "repaired_on"))
    if repaired_on is not None and repair_state is not RepairState.REPAIRED:
        raise InvalidInput(within(path, "repaired_on"), "A day of repair stands only with a repaired record.")
    return ViolationRecord(
        deciding_authority=optional_text(message.deciding_authority, within(path, "deciding_authority")),
        document_number=optional_text(message.document_number, within(path, "document_number")),
        decided_on=day(message.decided_on, within(path, "decided_on")),
        content=optional_text(message.content, within(path, "content"), limit=MAX_CONTENT_CHARS),
        source_unit=optional_text(message.source_unit, within(path, "source_unit")),
        effective_on=optional_day(message.effective_on, within(path, "effective_on")),
        removed_on=optional_day(message.removed_on, within(path, "removed_on")),
        list_name=optional_text(message.list_name, within(path, "list_name")),
        repair_state=repair_state,
        repaired_on=repaired_on,
    )


def _selection_message(selection: Selection, catalogue: Catalogue) -> pb.Selection:
    message = pb.Selection(complete=selection.complete)
    if selection.complete:
        return message
    for row in catalogue.rows.values():
        types = [each.record_type for each in row.types if (row.local_code, each.record_type) in selection.cells]
        if types:
            message.rows.add(local_code=row.local_code, record_types=types)
    return message


def _selection(message: pb.Selection, path: str) -> Selection:
    if message.complete:
        if message.rows:
            raise InvalidInput(within(path, "rows"), "A complete selection names no rows; take the bundle as issued.")
        return EVERYTHING
    cells: set[tuple[str, RecordType]] = set()
    seen: set[str] = set()
    for place, row in enumerate(message.rows):
        here = within(path, f"rows[{place}]")
        local_code = text(row.local_code, within(here, "local_code"), limit=64)
        if local_code in seen:
            raise InvalidInput(here, "The same row is named twice; take the bundle as it was issued.")
        seen.add(local_code)
        cells.update((local_code, kind) for kind in record_types(row.record_types, within(here, "record_types")))
    return Selection(complete=False, cells=frozenset(cells))


def _parse(kind: type[M], data: bytes, path: str) -> M:
    """Reads a message in its one form: without unknown or repeated fields, in the order of field numbers."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise InvalidInput(path, "The bytes are not a section of a report; take the bundle as it was issued.") from None
    message.DiscardUnknownFields()
    if message.SerializeToString(deterministic=True) != data:
        raise InvalidInput(path, "The section is not in its one canonical form; take the bundle as it was issued.")
    return message


class ReportEncoding:
    """The wire forms of what a report contains, as issuance asks for them."""

    section = staticmethod(encode_section)
    decode_section = staticmethod(decode_section)
    summary = staticmethod(encode_summary)
