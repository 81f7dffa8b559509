"""Sections and summaries: what is written is read again, in one form only."""

from dataclasses import replace
from datetime import date

import pytest
from huxin.v1 import report_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.catalogue import Catalogue, CollectedType, Row
from node.model.records import CRIMINAL, PENALTY_ORDINARY, SEVERE_LIST, RepairState, ViolationRecord
from node.model.report import Coverage, Section, Selection, Summary
from node.model.subject import IdType, SubjectRef
from node.wire.report import (
    ReportEncoding,
    decode_section,
    decode_summary,
    encode_section,
    encode_summary,
)
from tests.rpc.federation import SHANXI
from tests.rpc.world import catalogue

RECORD = ViolationRecord(
    deciding_authority="合成机关",
    document_number="〔2024〕合成第1号",
    decided_on=date(2024, 3, 1),
    content="synthetic",
    source_unit="synthetic unit",
    effective_on=date(2024, 3, 8),
    removed_on=date(2025, 1, 1),
    list_name="合成名单",
    repair_state=RepairState.REPAIRED,
    repaired_on=date(2025, 2, 1),
)
SECTION = Section("6", "市场监管", PENALTY_ORDINARY, Coverage(date(2022, 8, 1), date(2026, 11, 20)), (RECORD,))
SUMMARY = Summary(
    "14000020261122000G40R40M30E209Q",
    "合成企业",
    SubjectRef(IdType.USCC, "91140000MA0FAKE00X"),
    Period(date(2021, 11, 22), date(2026, 11, 22)),
    1,
    Selection(complete=False, cells=frozenset({("6", PENALTY_ORDINARY), ("10", SEVERE_LIST), ("10", CRIMINAL)})),
    "本报告仅反映合成地区",
)

days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
records = st.builds(
    ViolationRecord,
    deciding_authority=texts,
    document_number=texts,
    decided_on=days,
    content=texts,
    source_unit=texts,
    effective_on=st.none() | days,
    removed_on=st.none() | days,
    list_name=texts,
    repair_state=st.sampled_from([RepairState.UNKNOWN, RepairState.NOT_REPAIRED]),
)
sections = st.builds(
    Section,
    texts,
    texts,
    st.sampled_from([PENALTY_ORDINARY, SEVERE_LIST, CRIMINAL]),
    st.builds(Coverage, days, st.none() | days),
    st.lists(records, max_size=3).map(tuple),
)


def shanxi() -> Catalogue:
    types = tuple(CollectedType(each, date(2022, 8, 1)) for each in (CRIMINAL, SEVERE_LIST, PENALTY_ORDINARY))
    return replace(catalogue(SHANXI, rows_known=True), rows={code: Row(code, code, types) for code in ("10", "6")})


@given(sections)
def test_sections_come_back_as_they_were(section: Section) -> None:
    data = encode_section(section)
    assert decode_section(data) == section
    assert encode_section(decode_section(data)) == data


def test_a_section_with_everything_comes_back() -> None:
    assert decode_section(encode_section(SECTION)) == SECTION
    without_records = replace(SECTION, records=())
    assert [decode_section(encode_section(without_records)) for _ in range(2)] == [without_records] * 2


def test_a_summary_comes_back_with_rows_in_the_catalogues_order() -> None:
    data = encode_summary(SUMMARY, shanxi())
    assert decode_summary(data) == SUMMARY
    rows = pb.SummarySection.FromString(data).selection.rows
    assert [(row.local_code, list(row.record_types)) for row in rows] == [
        ("10", [CRIMINAL, SEVERE_LIST]),
        ("6", [PENALTY_ORDINARY]),
    ]


def test_issuance_gets_its_encoders() -> None:
    encoding = ReportEncoding()
    assert encoding.decode_section(encoding.section(SECTION)) == SECTION
    assert encoding.summary(SUMMARY, shanxi()) == encode_summary(SUMMARY, shanxi())


UNKNOWN_FIELD = b"\xf8\x07\x01"


@pytest.mark.parametrize("records", [(), (RECORD,)], ids=["empty", "filled"])
def test_another_encoding_of_the_same_section_is_refused(records: tuple[ViolationRecord, ...]) -> None:
    data = encode_section(replace(SECTION, records=records))
    message = pb.Section.FromString(data)
    again = pb.Section(local_code=message.local_code).SerializeToString()
    for other in (data + UNKNOWN_FIELD, data + again, again + data):
        with pytest.raises(InvalidInput, match="canonical") as caught:
            decode_section(other, "sections[4]")
        assert caught.value.field == "sections[4]"


def test_an_unknown_field_deep_inside_is_refused() -> None:
    message = pb.Section.FromString(encode_section(SECTION))
    message.records[0].MergeFromString(UNKNOWN_FIELD)
    with pytest.raises(InvalidInput, match="canonical"):
        decode_section(message.SerializeToString())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"local_code": ""}, "local_code"),
        ({"local_name": "  "}, "local_name"),
        ({"record_type": "Fine!"}, "record_type"),
        ({"coverage": pb.Coverage(since="2022-8-1")}, "coverage.since"),
        ({"coverage": pb.Coverage(since="2022-08-01", until="20260101")}, "coverage.until"),
        ({"coverage": None}, "coverage"),
        ({"records": [pb.ViolationRecord(decided_on="")]}, "records[0].decided_on"),
        ({"records": [pb.ViolationRecord(decided_on="2024-02-30")]}, "records[0].decided_on"),
        (
            {"records": [pb.ViolationRecord(decided_on="2024-02-01", repaired_on="2024-02-01")]},
            "records[0].repaired_on",
        ),
    ],
)
def test_bad_sections_name_the_field(changes: dict[str, object], field: str) -> None:
    fields = {
        "local_code": "6",
        "local_name": "市场监管",
        "record_type": PENALTY_ORDINARY,
        "coverage": pb.Coverage(since="2022-08-01"),
    } | changes
    data = pb.Section(**fields).SerializeToString()  # type: ignore[arg-type] # fields by name
    with pytest.raises(InvalidInput) as caught:
        decode_section(data, "sections[2]")
    assert caught.value.field == f"sections[2].{field}"


def test_an_enum_number_of_the_future_is_refused() -> None:
    message = pb.Section.FromString(encode_section(SECTION))
    message.records[0].repair_state = 9  # type: ignore[assignment] # proto3 enums are open
    with pytest.raises(InvalidInput) as caught:
        decode_section(message.SerializeToString())
    assert caught.value.field == "section.records[0].repair_state"


@pytest.mark.parametrize("name", ["subject", "period", "selection", "report_number", "subject_name"])
def test_a_summary_needs_its_fields(name: str) -> None:
    message = pb.SummarySection.FromString(encode_summary(SUMMARY, shanxi()))
    message.ClearField(name)
    with pytest.raises(InvalidInput) as caught:
        decode_summary(message.SerializeToString())
    assert caught.value.field == f"summary.{name}"


def test_a_row_selected_twice_is_refused() -> None:
    message = pb.SummarySection.FromString(encode_summary(SUMMARY, shanxi()))
    message.selection.rows.add(local_code="6", record_types=[CRIMINAL])
    with pytest.raises(InvalidInput) as caught:
        decode_summary(message.SerializeToString())
    assert caught.value.field == "summary.selection.rows[2]"


def test_bytes_that_are_no_section() -> None:
    with pytest.raises(InvalidInput):
        decode_section(b"\xff")
    with pytest.raises(InvalidInput):
        decode_summary(b"\xff")


def test_errors_hold_no_identifier() -> None:
    message = pb.SummarySection.FromString(encode_summary(SUMMARY, shanxi()))
    message.subject.id_type = 0  # type: ignore[assignment] # the unspecified zero
    with pytest.raises(InvalidInput) as caught:
        decode_summary(message.SerializeToString())
    assert "91140000" not in str(caught.value)
