"""The CSV source: records and registrations in our own column sets (`docs/csv-source.md`), streamed and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TypeVar

from node.adapters.sources import values
from node.adapters.sources.columns import RECORD_COLUMNS, REGISTRATION_COLUMNS
from node.adapters.sources.csv_rows import RawRow, read_rows
from node.adapters.sources.encoding import Source
from node.adapters.sources.values import CellError
from node.model.delivery import BadRow, RecordRow, RegistrationRow
from node.model.records import (
    CRIMINAL,
    MAX_CONTENT_CHARS,
    MAX_TEXT_CHARS,
    PENALTY_ORDINARY,
    PENALTY_SUMMARY,
    RECORD_TYPES,
    SEVERE_LIST,
    RecordType,
    RepairState,
    ViolationRecord,
)
from node.model.subject import IdType, Registration, SubjectKind

_T = TypeVar("_T")

_DOCUMENT_NEEDED = (PENALTY_ORDINARY, PENALTY_SUMMARY, CRIMINAL)
"""Types that rest on a numbered decision (R047); enforcement and list entries often bear none."""

_KINDS = {
    "企业": SubjectKind.ENTERPRISE,
    "个体工商户": SubjectKind.INDIVIDUAL_BUSINESS,
    "农民专业合作社": SubjectKind.FARMERS_COOPERATIVE,
    "分支机构": SubjectKind.BRANCH,
    "社会组织": SubjectKind.SOCIAL_ORGANISATION,
    "事业单位": SubjectKind.PUBLIC_INSTITUTION,
    "自然人": SubjectKind.NATURAL_PERSON,
}
_REPAIRS = {
    "": RepairState.UNKNOWN,
    "未知": RepairState.UNKNOWN,
    "未修复": RepairState.NOT_REPAIRED,
    "已修复": RepairState.REPAIRED,
}


class _BadCell(Exception):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def read_records(
    source: Source, *, today: date, record_types: Mapping[RecordType, tuple[str, str]] = RECORD_TYPES
) -> Iterator[RecordRow | BadRow]:
    """The records of a file, row by row, with the marks that keep some of them out of reports (R043-R053, F07).

    `today` is the day in China: later decisions are mistakes. `record_types` are the types that may occur, with their
    Chinese names. Raises BadSource at the first step when the file or its header cannot be read.
    """
    types = {name: code for code, (chinese, _) in record_types.items() for name in (str(code), _plain(chinese))}
    for row in read_rows(source, RECORD_COLUMNS):
        yield row if isinstance(row, BadRow) else _checked(row, lambda raw: _record_row(raw, today, types))


def read_registrations(source: Source, *, today: date) -> Iterator[RegistrationRow | BadRow]:
    """The registrations of a file, row by row. Raises BadSource at the first step as `read_records` does."""
    for row in read_rows(source, REGISTRATION_COLUMNS):
        yield row if isinstance(row, BadRow) else _checked(row, lambda raw: _registration_row(raw, today))


def _checked(row: RawRow, build: Callable[[RawRow], _T]) -> _T | BadRow:
    try:
        return build(row)
    except _BadCell as error:
        return BadRow(row.line, error.column, error.message)


def _cell(row: RawRow, column: str, read: Callable[[str], _T]) -> _T:
    try:
        return read(row[column])
    except CellError as error:
        raise _BadCell(column, str(error)) from None


def _text(row: RawRow, column: str, *, needed: bool = True, limit: int = MAX_TEXT_CHARS) -> str:
    text = _cell(row, column, lambda t: values.required(values.clean_text(t)) if needed else values.clean_text(t))
    if len(text) > limit:
        # No verifier would read a report that holds it.
        raise _BadCell(column, f"the text is longer than {limit} characters; shorten it")
    return text


def _record_row(row: RawRow, today: date, types: Mapping[str, RecordType]) -> RecordRow:
    id_type = _cell(row, "id_type", values.read_id_type)
    subject, warnings = _cell(row, "subject_id", lambda t: values.read_subject(id_type, t))
    record_type = types.get(_cell(row, "record_type", lambda t: _plain(values.required(values.clean(t)))))
    if record_type is None:
        raise _BadCell(
            "record_type", f"write one of {', '.join(dict.fromkeys(types.values()))}, or its Chinese name in full"
        )
    record = _violation(row, record_type, today)
    local_code = _cell(row, "local_code", values.clean)
    if not local_code and not record.list_name:
        raise _BadCell("local_code", "the cell is empty; name the row of the catalogue")
    effective = _cell(row, "effective", values.read_flag)
    if effective and record.effective_on is not None and record.effective_on > today:
        raise _BadCell("effective_on", "the record is said to be effective and the day lies in the future; correct one")
    return RecordRow(
        line=row.line,
        subject=subject,
        local_code=local_code,
        record_type=record_type,
        record=record,
        effective=effective,
        not_penalised=_cell(row, "not_penalised", values.read_flag),
        revoked=_cell(row, "revoked", values.read_flag),
        secret=_cell(row, "secret", values.read_flag),
        sealed=_cell(row, "sealed", values.read_flag),
        warnings=warnings,
    )


def _violation(row: RawRow, record_type: RecordType, today: date) -> ViolationRecord:
    is_entry = record_type == SEVERE_LIST
    decided_on = _cell(row, "decided_on", lambda t: values.read_past_day(t, today))
    if decided_on is None:
        raise _BadCell("decided_on", "there is no day; every record has a day of decision or of entry in a list")
    record = ViolationRecord(
        deciding_authority=_text(row, "deciding_authority"),
        document_number=_text(row, "document_number", needed=record_type in _DOCUMENT_NEEDED),
        decided_on=decided_on,
        content=_text(row, "content", limit=MAX_CONTENT_CHARS),
        source_unit=_text(row, "source_unit"),
        effective_on=_cell(row, "effective_on", values.read_day),
        removed_on=_cell(row, "removed_on", values.read_day),
        list_name=_text(row, "list_name", needed=is_entry),
        repair_state=_cell(row, "repair_state", _read_repair),
        repaired_on=_cell(row, "repaired_on", lambda t: values.read_past_day(t, today)),
    )
    if not is_entry and (record.list_name or record.removed_on):
        raise _BadCell("list_name", "only entries of severe lists have a list and a day of removal; empty both cells")
    if record.repaired_on and not record.repaired:
        raise _BadCell("repair_state", "there is a day of repair but the state is not repaired; correct one of them")
    for column, day in (
        ("effective_on", record.effective_on),
        ("removed_on", record.removed_on),
        ("repaired_on", record.repaired_on),
    ):
        if day is not None and day < decided_on:
            raise _BadCell(column, "the day lies before the day of decision; correct one of them")
    return record


def _read_repair(text: str) -> RepairState:
    value = values.clean(text).lower()
    if value in _REPAIRS:
        return _REPAIRS[value]
    if value in [state.value for state in RepairState]:
        return RepairState(value)
    raise CellError("write unknown, not_repaired or repaired (未知, 未修复 or 已修复)")


def _registration_row(row: RawRow, today: date) -> RegistrationRow:
    id_type = _cell(row, "id_type", values.read_id_type)
    subject, warnings = _cell(row, "subject_id", lambda t: values.read_subject(id_type, t))
    kind = _cell(row, "kind", _read_kind)
    if (kind is SubjectKind.NATURAL_PERSON) != (id_type is IdType.RESIDENT_ID):
        raise _BadCell("kind", "natural persons, and only they, are known by a resident ID; correct kind or id_type")
    registration = Registration(
        ref=subject,
        name=_text(row, "name"),
        kind=kind,
        division=_cell(row, "division", _read_division),
        registered_on=_cell(row, "registered_on", lambda t: values.read_past_day(t, today)),
        excluded=_text(row, "excluded", needed=False),
    )
    return RegistrationRow(row.line, registration, warnings)


def _read_kind(text: str) -> SubjectKind:
    value = values.required(values.clean(text)).lower()
    if value in _KINDS:
        return _KINDS[value]
    if value in [kind.value for kind in SubjectKind]:
        return SubjectKind(value)
    raise CellError(f"write one of {', '.join(SubjectKind)}")


def _read_division(text: str) -> str:
    value = values.required(values.clean(text))
    if len(value) != 6 or not set(value) <= set("0123456789"):
        raise CellError("write the six-digit division code of the registered place")
    return value


def _plain(name: str) -> str:
    return values.clean(name).lower()
