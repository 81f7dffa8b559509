"""Delivered CSV files: typed rows, bad rows with their place, refused files (R032-R033, R043-R047, R052-R053, F07)."""

import io
import os
import threading
import tracemalloc
from datetime import date
from pathlib import Path
from typing import IO

import pytest

from node.adapters.sources.columns import RECORD_COLUMNS, REGISTRATION_COLUMNS
from node.adapters.sources.csv_source import read_records, read_registrations
from node.adapters.sources.delivery_header import header_beside, read_delivery_header
from node.errors import BadSource
from node.model.delivery import BadRow, DeliveryHeader, RecordRow, RegistrationRow
from node.model.records import PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST, RecordType, RepairState
from node.model.subject import SubjectKind

TODAY = date(2026, 11, 22)
CODE = "91140000MA0TE5T16Q"  # synthetic
GOOD = {
    "id_type": "uscc",
    "subject_id": CODE,
    "local_code": "6",
    "record_type": "administrative_penalty_ordinary",
    "deciding_authority": "示例市场监管局",
    "document_number": "示市监罚〔2026〕1号",
    "decided_on": "2026-03-01",
    "content": "罚款（虚构）",
    "source_unit": "示例市场监管局",
    "effective": "yes",
    "not_penalised": "no",
    "revoked": "no",
    "secret": "no",
    "sealed": "no",
    "list_name": "",
    "effective_on": "",
    "removed_on": "",
    "repair_state": "",
    "repaired_on": "",
}
ENTRY = {
    **GOOD,
    "record_type": "severe_dishonesty_list",
    "list_name": "境外投资黑名单",
    "local_code": "",
    "document_number": "",
}


def stream(*rows: dict[str, str], encoding: str = "utf-8", header: list[str] | None = None) -> io.BytesIO:
    lines = [header or list(GOOD), *(list(row.values()) for row in rows)]
    return io.BytesIO("\r\n".join(",".join(cells) for cells in lines).encode(encoding))


def one(**changes: str) -> RecordRow | BadRow:
    base = ENTRY if changes.pop("entry", "") else GOOD
    (row,) = read_records(stream({**base, **changes}), today=TODAY)
    return row


def good(**changes: str) -> RecordRow:
    row = one(**changes)
    assert isinstance(row, RecordRow), row
    return row


def test_a_record_arrives_whole() -> None:
    row = good(decided_on="2026年3月1日", repair_state="已修复", repaired_on="2026-09-01")
    assert (row.line, row.subject.id, row.local_code, row.record_type) == (2, CODE, "6", PENALTY_ORDINARY)
    assert row.record.document_number == "示市监罚〔2026〕1号"
    assert (row.record.decided_on, row.record.repair_state) == (date(2026, 3, 1), RepairState.REPAIRED)
    assert row.storable


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings(encoding: str) -> None:
    (row,) = read_records(stream({**GOOD, "content": "罚款𠮷㐀"}, encoding=encoding), today=TODAY)
    assert isinstance(row, RecordRow)
    assert row.record.content == "罚款𠮷㐀"


def test_chinese_column_names_in_any_order() -> None:
    aliases = {**RECORD_COLUMNS.required, **RECORD_COLUMNS.optional}
    row = dict(reversed({aliases[code]: cell for code, cell in GOOD.items()}.items()))
    (read,) = read_records(stream(row, header=list(row)), today=TODAY)
    assert read == one()


@pytest.mark.parametrize(
    ("flag", "value"),
    [("effective", "no"), ("not_penalised", "yes"), ("revoked", "是"), ("secret", "yes"), ("sealed", "true")],
)
def test_rows_that_the_law_keeps_out_say_so(flag: str, value: str) -> None:
    assert not good(**{flag: value}).storable


def test_a_record_that_is_not_yet_effective_may_name_its_day() -> None:
    assert not good(effective="no", effective_on="2027-01-01").storable


def test_chinese_names_of_types_tell_the_procedures_apart() -> None:
    assert good(record_type="行政处罚（简易程序）").record_type == PENALTY_SUMMARY
    assert good(record_type="行政处罚(普通程序)").record_type == PENALTY_ORDINARY
    bad = one(record_type="行政处罚")
    assert isinstance(bad, BadRow)
    assert bad.column == "record_type"


def test_a_list_entry_needs_its_list_and_no_row() -> None:
    row = good(entry="1", removed_on="2099-12-31")
    assert (row.record_type, row.local_code, row.record.list_name) == (SEVERE_LIST, "", "境外投资黑名单")
    assert row.record.removed_on is None
    assert good(entry="1", removed_on="2027-03-01").record.removed_on == date(2027, 3, 1)


def test_a_jurisdictions_own_type_is_read_when_it_is_named() -> None:
    own = {
        PENALTY_ORDINARY: ("行政处罚（普通程序）", ""),
        RecordType("abnormal_operations_list"): ("经营异常名录", "abnormal operations list"),
    }
    data = stream({**GOOD, "record_type": "经营异常名录"})
    (row,) = read_records(data, today=TODAY, record_types=own)
    assert isinstance(row, RecordRow)
    assert row.record_type == "abnormal_operations_list"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"subject_id": "9114******0TE5T16Q"}, "subject_id"),
        ({"subject_id": ""}, "subject_id"),
        ({"id_type": "", "subject_id": CODE}, "id_type"),
        ({"local_code": ""}, "local_code"),
        ({"deciding_authority": "暂无"}, "deciding_authority"),
        ({"document_number": "无"}, "document_number"),
        ({"decided_on": "2022-09-31"}, "decided_on"),
        ({"decided_on": "2026-11-23"}, "decided_on"),
        ({"decided_on": ""}, "decided_on"),
        ({"effective_on": "2026-02-28"}, "effective_on"),
        ({"effective_on": "2026-12-01"}, "effective_on"),
        ({"content": ""}, "content"),
        # Longer than any verifier reads: a report that shows it would be of no use to anybody.
        ({"content": "罚" * 20_001}, "content"),
        ({"source_unit": "局" * 2_001}, "source_unit"),
        ({"sealed": ""}, "sealed"),
        ({"secret": "?"}, "secret"),
        ({"repair_state": "half"}, "repair_state"),
        ({"repaired_on": "2026-09-01"}, "repair_state"),
        ({"list_name": "境外投资黑名单"}, "list_name"),
        ({"entry": "1", "list_name": ""}, "list_name"),
        ({"entry": "1", "removed_on": "2026-02-01"}, "removed_on"),
    ],
)
def test_bad_cells_are_named_and_never_repeated(changes: dict[str, str], column: str) -> None:
    bad = one(**changes)
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.column) == (2, column)
    for cell in changes.values():
        assert len(cell) < 4 or cell not in bad.message


def test_a_bad_row_does_not_stop_the_others() -> None:
    header, row = ",".join(GOOD), ",".join(GOOD.values())
    broken = row.replace("罚款（虚构）", '"罚"款')
    text = "\n".join([header, row, "", row + ",", broken, row, row.replace("罚款（虚构）", '"两\n行"'), row])
    rows = list(read_records(io.BytesIO(text.encode()), today=TODAY))
    assert [(type(r).__name__, r.line) for r in rows] == [
        ("RecordRow", 2),
        ("BadRow", 4),
        ("BadRow", 5),
        ("RecordRow", 6),
        ("RecordRow", 7),
        ("RecordRow", 9),
    ]


def test_an_open_quotation_mark_is_reported() -> None:
    text = ",".join(GOOD) + "\n" + ",".join(GOOD.values()).replace("罚款（虚构）", '"罚款') + "\n"
    rows = list(read_records(io.BytesIO(text.encode()), today=TODAY))
    assert [type(row) for row in rows] == [BadRow]


@pytest.mark.parametrize(
    ("header", "column", "advice"),
    [
        ([c for c in GOOD if c != "sealed"], "sealed", "封存"),
        ([*GOOD, "seald"], "seald", "not known"),
        ([*GOOD, "sealed"], "sealed", "twice"),
        ([";".join(GOOD)], "", "commas"),
        ([*GOOD.values()], "uscc", "not known"),
        ([CODE, *GOOD], "?", "not known"),
    ],
)
def test_headers_that_are_refused(header: list[str], column: str, advice: str) -> None:
    with pytest.raises(BadSource) as caught:
        list(read_records(stream(header=header), today=TODAY))
    assert (caught.value.row, caught.value.column) == (1, column)
    assert advice in caught.value.message
    assert CODE not in caught.value.message


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b"\n\n", "no line of column names"),
        ("id_type,主体".encode("utf-16"), "UTF-16"),
        (b"id_type,\xff\xff\n", "neither UTF-8 nor GB18030"),
        (",".join(GOOD).encode() + "\n罚".encode("gb18030")[:2], "neither UTF-8 nor GB18030"),
    ],
)
def test_files_that_are_refused(content: bytes, advice: str) -> None:
    with pytest.raises(BadSource, match=advice):
        list(read_records(io.BytesIO(content), today=TODAY))


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(BadSource) as caught:
        list(read_records(tmp_path / "records.csv", today=TODAY))
    assert caught.value.message.startswith("records.csv: ")


def pipe(rows: int) -> IO[bytes]:
    """The reading end of a pipe, which cannot be rewound, into which a thread writes so many rows."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(",".join(GOOD).encode() + b"\n")
            for _ in range(rows):
                file.write((",".join({**GOOD, "content": "罚" * 1500}.values()) + "\n").encode())

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(reading, "rb")


def test_large_deliveries_need_little_memory() -> None:
    tracemalloc.start()
    try:
        with pipe(3_000) as source:
            count = sum(isinstance(row, RecordRow) for row in read_records(source, today=TODAY))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 3_000
    assert peak < 8 << 20  # of 14 MB: what cannot be rewound is spooled to disk beyond 4 MiB


def test_a_callers_stream_stays_open_and_a_started_reading_can_be_dropped(tmp_path: Path) -> None:
    data = stream(GOOD, GOOD)
    rows = read_records(data, today=TODAY)
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # a generator
    assert not data.closed
    (tmp_path / "r.csv").write_bytes(data.getvalue())
    from_file = read_records(tmp_path / "r.csv", today=TODAY)
    next(from_file)
    from_file.close()  # type: ignore[attr-defined]  # a generator


REGISTRATION = {
    "id_type": "uscc",
    "subject_id": CODE,
    "name": "示例有限公司（虚构）",
    "kind": "企业",
    "division": "140500",
    "registered_on": "2020-01-02",
    "excluded": "",
}


def register(**changes: str) -> RegistrationRow | BadRow:
    row = {**REGISTRATION, **changes}
    (read,) = read_registrations(stream(row, header=list(row)), today=TODAY)
    return read


def test_a_registration_arrives_whole() -> None:
    assert list(REGISTRATION) == [*REGISTRATION_COLUMNS.required, *REGISTRATION_COLUMNS.optional]
    row = register()
    assert isinstance(row, RegistrationRow)
    assert (row.registration.kind, row.registration.division) == (SubjectKind.ENTERPRISE, "140500")
    assert CODE not in repr(row)


def test_the_place_of_registration_is_not_read_from_the_code() -> None:
    """R022: a company that moved keeps its code."""
    row = register(division="520100")
    assert isinstance(row, RegistrationRow)
    assert row.registration.division == "520100"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"division": "14"}, "division"),
        ({"kind": "firm"}, "kind"),
        ({"kind": "natural_person"}, "kind"),
        ({"id_type": "resident_id", "subject_id": "11010519491231002X"}, "kind"),
        ({"name": "无"}, "name"),
        ({"registered_on": "2027-01-01"}, "registered_on"),
    ],
)
def test_bad_registrations(changes: dict[str, str], column: str) -> None:
    bad = register(**changes)
    assert isinstance(bad, BadRow)
    assert bad.column == column


HEADER = 'unit = "省市场监管局"\nlocal_codes = ["6", "14"]\nas_of = 2026-11-20\ncomplete = true\n'


def test_the_header_of_a_delivery(tmp_path: Path) -> None:
    path = header_beside(tmp_path / "records.csv")
    assert path.name == "records.delivery.toml"
    path.write_text(HEADER, "utf-8")
    expected = DeliveryHeader("省市场监管局", ("6", "14"), date(2026, 11, 20), complete=True)
    assert read_delivery_header(path, today=TODAY) == expected


@pytest.mark.parametrize(
    ("what", "by", "column"),
    [
        ("complete = true", "", "complete"),
        ("complete = true", 'complete = "yes"', "complete"),
        ("2026-11-20", "2026-11-23", "as_of"),
        ("2026-11-20", "2026-11-20T08:00:00", "as_of"),
        ('["6", "14"]', "[6]", "local_codes"),
        ('["6", "14"]', "[]", "local_codes"),
        ("unit", "units", "unit"),
        ("complete = true", "complete = true\nrows = 1", "rows"),
    ],
)
def test_headers_of_deliveries_that_are_refused(tmp_path: Path, what: str, by: str, column: str) -> None:
    path = tmp_path / "records.delivery.toml"
    path.write_text(HEADER.replace(what, by, 1), "utf-8")
    with pytest.raises(BadSource) as caught:
        read_delivery_header(path, today=TODAY)
    assert (caught.value.file, caught.value.column) == (path.name, column)
