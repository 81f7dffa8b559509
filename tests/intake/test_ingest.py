"""Deliveries of source units: checked, filed, put aside, or kept out without a trace (R030, R042-R053, R145, F07)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pytest

from node.adapters.catalogues.registry import discover
from node.errors import InvalidInput
from node.intake.ingest import IngestRecords, IngestRegistrations, IntakeSummary, check_header, file_record
from node.model.delivery import BadRow, DeliveryHeader, RecordRow, RegistrationRow
from node.model.identifiers import IdWarning
from node.model.records import ENFORCEMENT, PENALTY_ORDINARY, SEVERE_LIST, RecordType, RepairState, ViolationRecord
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.database import Database
from node.storage.record_store import FiledRecord, RecordStore
from node.storage.registration_store import RegistrationStore
from tests.support.nodes import synthetic_code

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CATALOGUE = discover().on("140000", TODAY).catalogue
SUBJECT = SubjectRef(IdType.USCC, synthetic_code("140000", 1))
RECORD = ViolationRecord("示例监管局（合成）", "示例〔2025〕1号", date(2025, 3, 1), "罚款2000元", "示例监管局（合成）")
UNIT = "省市场监管局"
HEADER = DeliveryHeader(UNIT, ("6",), date(2026, 11, 20), complete=True)
TWO_ROWS = "城市轨道交通规划建设领域黑名单"
"""A list that Shanxi's rows 1 and 10 both name."""

KEPT_OUT: list[dict[str, Any]] = [
    {"effective": False},
    {"not_penalised": True},
    {"revoked": True},
    {"secret": True},
    {"sealed": True},
]


def row(line: int = 2, code: str = "6", kind: RecordType = PENALTY_ORDINARY, **changes: Any) -> RecordRow:
    storable = {"effective": True, "not_penalised": False, "revoked": False, "secret": False, "sealed": False}
    record = changes.pop("record", RECORD)
    return RecordRow(line, SUBJECT, code, kind, record, **{**storable, **changes})


@pytest.fixture
def store(database: Database) -> RecordStore:
    return RecordStore(database)


async def ingest(
    store: RecordStore, rows: Sequence[RecordRow | BadRow], header: DeliveryHeader = HEADER, file: bytes = b""
) -> IntakeSummary:
    intake = IngestRecords(store, CATALOGUE, lambda: NOW)
    digest = sha256(file or repr(rows).encode()).digest()
    return await intake.ingest(header, digest, rows, lambda line: f"line {line}".encode(), lambda _count: None)


async def shown(store: RecordStore) -> list[FiledRecord]:
    return (await store.for_subjects([SUBJECT])).get(SUBJECT, [])


# Headers


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (HEADER, ""),
        (replace(HEADER, as_of=TODAY), ""),
        (replace(HEADER, as_of=date(2026, 11, 23)), "as_of"),
        (replace(HEADER, local_codes=("6", "99")), "local_codes"),
        (replace(HEADER, local_codes=("6", "5")), "unit"),
        (replace(HEADER, unit="不存在的单位"), "unit"),
        (replace(HEADER, local_codes=()), ""),
    ],
)
def test_a_unit_delivers_for_its_own_rows_up_to_today(header: DeliveryHeader, field: str) -> None:
    if not field:
        check_header(header, CATALOGUE, TODAY)
        return
    with pytest.raises(InvalidInput) as caught:
        check_header(header, CATALOGUE, TODAY)
    assert caught.value.field == field


def test_where_the_scheme_names_no_units_any_may_deliver() -> None:
    rows = {"6": replace(CATALOGUE.rows["6"], units=())}
    check_header(replace(HEADER, unit="任何单位"), replace(CATALOGUE, rows=rows), TODAY)


async def test_a_wrong_header_stores_nothing(store: RecordStore) -> None:
    with pytest.raises(InvalidInput):
        await ingest(store, [row()], replace(HEADER, unit="不存在的单位"))
    assert await shown(store) == []
    assert await store.delivery_version() == 0


# Filing


def filed(found: RecordRow, header: DeliveryHeader = HEADER) -> list[str]:
    """Codes, or the columns of what was put aside."""
    return [
        each.column if isinstance(each, BadRow) else each.local_code for each in file_record(found, header, CATALOGUE)
    ]


@pytest.mark.parametrize(
    ("found", "header", "under"),
    [
        (row(), HEADER, ["6"]),
        (row(code="6", kind=ENFORCEMENT), HEADER, ["record_type"]),
        (row(code="5"), HEADER, ["local_code"]),
        (row(code="99"), replace(HEADER, local_codes=()), ["local_code"]),
        (row(code=""), HEADER, ["list_name"]),
        (row(code="5"), replace(HEADER, local_codes=()), ["5"]),
        # Entries of a list are filed under every row that names it (R046), whoever delivered them.
        (row(code="1", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS)), HEADER, ["local_code"]),
        (
            row(code="1", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS)),
            replace(HEADER, local_codes=("1",)),
            ["1", "10"],
        ),
        (row(code="", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS)), HEADER, ["1", "10"]),
        # The row that the unit gave is not passed over, or a report of that row alone would say that there is none.
        (row(code="6", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS)), HEADER, ["1", "10", "6"]),
        (row(code="6", kind=SEVERE_LIST, record=replace(RECORD, list_name="无人名单")), HEADER, ["6"]),
        (row(code="", kind=SEVERE_LIST, record=replace(RECORD, list_name="无人名单")), HEADER, ["list_name"]),
        (row(code="", kind=PENALTY_ORDINARY, record=replace(RECORD, list_name=TWO_ROWS)), HEADER, ["list_name"]),
    ],
)
def test_where_a_record_is_filed(found: RecordRow, header: DeliveryHeader, under: list[str]) -> None:
    assert filed(found, header) == under


async def test_a_list_entry_stands_under_every_row_that_names_its_list(store: RecordStore) -> None:
    entry = row(code="", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS))
    summary = await ingest(store, [entry])
    assert summary.filed == 2
    assert [found.local_code for found in await shown(store)] == ["1", "10"]


# Completeness


async def until(store: RecordStore) -> date | None:
    return (await store.last_complete_deliveries()).get((UNIT, "6"))


async def test_a_complete_delivery_moves_the_day(store: RecordStore) -> None:
    summary = await ingest(store, [row()])
    assert summary == IntakeSummary(1, (), complete=True, repeated=False)
    assert await until(store) == HEADER.as_of


async def test_a_delivery_that_says_it_is_not_complete_promises_nothing(store: RecordStore) -> None:
    summary = await ingest(store, [row()], replace(HEADER, complete=False))
    assert (summary.filed, summary.complete) == (1, False)
    assert await until(store) is None
    assert len(await shown(store)) == 1


@pytest.mark.parametrize("bad", [BadRow(7, "decided_on", "Write a day."), row(7, code="5")])
async def test_a_row_put_aside_makes_a_delivery_incomplete(store: RecordStore, bad: RecordRow | BadRow) -> None:
    """It may be the very record that a "no record found" would deny."""
    summary = await ingest(store, [row(), bad])
    assert (summary.filed, summary.complete) == (1, False)
    assert [each.line for each in summary.quarantined] == [7]
    assert await until(store) is None
    ((line, column, _, raw),) = await store.quarantined(1)
    assert (line, raw) == (7, b"line 7")
    assert column in ("decided_on", "local_code")


async def test_the_same_file_again_changes_nothing(store: RecordStore) -> None:
    await ingest(store, [row()], file=b"file")
    before = await shown(store)
    summary = await ingest(store, [row()], file=b"file")
    assert summary.repeated
    assert await shown(store) == before
    assert await until(store) == HEADER.as_of


# What the law keeps out


@pytest.mark.parametrize("reason", KEPT_OUT, ids=lambda reason: next(iter(reason)))
async def test_what_the_law_keeps_out_is_in_no_number(store: RecordStore, reason: dict[str, Any]) -> None:
    """Same answers as if the line did not exist, whatever else is wrong with it."""
    other = replace(RECORD, document_number="示例〔2025〕2号")
    lines: list[RecordRow | BadRow] = [
        row(**reason),
        row(code="99", **reason),
        row(kind=ENFORCEMENT, **reason),
        row(code="", **reason),
        row(code="", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS), **reason),
    ]
    told: list[int] = []
    intake = IngestRecords(store, CATALOGUE, lambda: NOW)
    summary = await intake.ingest(HEADER, b"d" * 32, [*lines, row(record=other)], _no_lines, told.append)
    assert summary == IntakeSummary(1, (), complete=True, repeated=False)
    assert [found.record for found in await shown(store)] == [other]
    assert await store.quarantined(1) == []


def _no_lines(line: int) -> bytes:
    raise AssertionError(f"line {line} was put aside")


@pytest.mark.parametrize("reason", KEPT_OUT, ids=lambda reason: next(iter(reason)))
async def test_a_record_that_is_withdrawn_later_goes(store: RecordStore, reason: dict[str, Any]) -> None:
    other = replace(RECORD, document_number="示例〔2025〕2号")
    await ingest(store, [row(), row(record=other)], file=b"first")
    summary = await ingest(store, [row(**reason)], file=b"second")
    assert summary.filed == 0
    assert [found.record for found in await shown(store)] == [other]


async def test_a_withdrawn_list_entry_goes_from_every_row(store: RecordStore) -> None:
    entry = row(code="", kind=SEVERE_LIST, record=replace(RECORD, list_name=TWO_ROWS))
    await ingest(store, [entry], file=b"first")
    await ingest(store, [replace(entry, revoked=True)], file=b"second")
    assert await shown(store) == []


@pytest.mark.parametrize("order", [lambda a, b: [a, b], lambda a, b: [b, a]])
async def test_a_delivery_that_brings_and_withdraws_a_record_withdraws_it(
    store: RecordStore, order: Callable[[RecordRow, RecordRow], list[RecordRow]]
) -> None:
    """Whichever line comes first: a revoked penalty must not be shown because it was also delivered as in force."""
    summary = await ingest(store, order(row(), row(line=3, revoked=True)))
    assert summary.filed == 0
    assert await shown(store) == []


async def test_a_corrected_decision_stays_where_the_old_one_is_withdrawn(store: RecordStore) -> None:
    corrected = replace(RECORD, content="罚款1000元")
    await ingest(store, [row()], file=b"first")
    summary = await ingest(store, [row(revoked=True), row(record=corrected)], file=b"second")
    assert summary.filed == 1
    assert [found.record for found in await shown(store)] == [corrected]


async def test_a_repair_since_does_not_hide_a_withdrawal(store: RecordStore) -> None:
    repaired = replace(RECORD, repair_state=RepairState.REPAIRED, repaired_on=TODAY)
    await ingest(store, [row(record=repaired), row(record=RECORD, revoked=True)])
    assert await shown(store) == []


# Progress, registrations


async def test_progress_counts_every_line(store: RecordStore) -> None:
    told: list[int] = []
    intake = IngestRecords(store, CATALOGUE, lambda: NOW)
    rows: list[RecordRow | BadRow] = [row(), BadRow(3, "", "Wrong."), row(revoked=True)]
    await intake.ingest(HEADER, b"d" * 32, rows, lambda _line: b"", told.append)
    assert sum(told) == 3


async def test_registrations_are_stored_in_groups_and_again(database: Database) -> None:
    store = RegistrationStore(database)
    codes = [synthetic_code("140000", number) for number in range(2_500)]
    rows: list[RegistrationRow | BadRow] = [
        RegistrationRow(line, Registration(SubjectRef(IdType.USCC, code), "合成企业", SubjectKind.ENTERPRISE, "140100"))
        for line, code in enumerate(codes, start=2)
    ]
    rows.insert(5, BadRow(7, "division", "Write six digits."))
    told: list[int] = []
    for _ in range(2):
        summary = await IngestRegistrations(store, "140000").ingest(rows, told.append)
        assert (summary.filed, [bad.line for bad in summary.quarantined]) == (2_500, [7])
    assert sum(told) == 2 * 2_501
    for code in (codes[0], codes[1_999], codes[2_000], codes[-1]):
        found = await store.get(SubjectRef(IdType.USCC, code))
        assert found is not None
        assert found.division == "140100"


async def test_doubtful_rows_are_filed_and_named(store: RecordStore, database: Database) -> None:
    """GB 32100: some codes in use fail their check; a mistyped one must not become a subject without a word."""
    warned = replace(row(), warnings=(IdWarning.CHECK_CHARACTER,))
    summary = await ingest(store, [warned])
    assert (summary.filed, [doubt.column for doubt in summary.doubtful]) == (1, ["subject_id"])
    assert summary.complete

    ref = SubjectRef(IdType.USCC, synthetic_code("140000", 1))
    elsewhere = RegistrationRow(2, Registration(ref, "合成企业", SubjectKind.ENTERPRISE, "520100"))
    registrations = RegistrationStore(database)
    taken = await IngestRegistrations(registrations, "140000").ingest([elsewhere], lambda _rows: None)
    assert (taken.filed, [doubt.column for doubt in taken.doubtful]) == (1, ["division"])
    found = await registrations.get(ref)
    assert found is not None, "stored: a subject that moved away must not go on being issued to here (R022)"
    assert found.division == "520100"


async def test_a_sealed_row_is_not_even_doubtful(store: RecordStore) -> None:
    summary = await ingest(store, [replace(row(), sealed=True, warnings=(IdWarning.CHECK_CHARACTER,))])
    assert (summary.filed, summary.quarantined, summary.doubtful) == (0, (), ())
