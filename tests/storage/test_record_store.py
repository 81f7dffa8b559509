"""RecordStore on both engines: deliveries whole or not at all, records known again, nothing lost (R030, R042, R145)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from node.model.delivery import BadRow, QuarantinedRow
from node.model.records import RepairState
from node.model.subject import IdType, SubjectRef
from node.storage.database import Database
from node.storage.record_store import FiledRecord, RecordStore
from tests.storage.samples import RECORD, SUBJECT, sample_delivery, sample_row
from tests.support.databases import Statements


@pytest.fixture
def store(database: Database) -> RecordStore:
    return RecordStore(database)


async def filed_of(store: RecordStore) -> list[FiledRecord]:
    return (await store.for_subjects([SUBJECT])).get(SUBJECT, [])


async def test_a_record_comes_back_as_it_was_delivered(store: RecordStore) -> None:
    full = replace(
        RECORD,
        effective_on=date(2024, 3, 2),
        removed_on=date(2027, 3, 1),
        list_name="示例名单（合成）",
        repair_state=RepairState.REPAIRED,
        repaired_on=date(2025, 1, 1),
    )
    row = sample_row(full)
    await store.apply_delivery(sample_delivery(), [row])
    assert await filed_of(store) == [FiledRecord("1", row.record_type, full)]


async def test_a_list_entry_may_stand_under_several_rows(store: RecordStore) -> None:
    await store.apply_delivery(sample_delivery(), [sample_row(local_code="1"), sample_row(local_code="10")])
    assert [filed.local_code for filed in await filed_of(store)] == ["1", "10"]


async def test_the_same_delivery_again_changes_nothing(store: RecordStore) -> None:
    first = await store.apply_delivery(sample_delivery(), [sample_row()])
    again = await store.apply_delivery(sample_delivery(), [sample_row(replace(RECORD, content="changed"))])
    assert (first.repeated, again.repeated) == (False, True)
    assert again.delivery_id == first.delivery_id
    assert [filed.record for filed in await filed_of(store)] == [RECORD]


async def test_two_processes_with_the_same_delivery_store_it_once(database: Database) -> None:
    stores = [RecordStore(database) for _ in range(3)]
    receipts = await asyncio.gather(*(store.apply_delivery(sample_delivery(), [sample_row()]) for store in stores))
    assert sorted(receipt.repeated for receipt in receipts) == [False, True, True]


async def test_a_record_delivered_again_is_updated_not_doubled(store: RecordStore) -> None:
    await store.apply_delivery(sample_delivery(b"monday"), [sample_row()])
    repaired = replace(RECORD, repair_state=RepairState.REPAIRED)
    await store.apply_delivery(sample_delivery(b"tuesday"), [sample_row(repaired)])
    assert [filed.record for filed in await filed_of(store)] == [repaired]


async def test_two_penalties_of_one_decision_in_two_deliveries_are_both_kept(store: RecordStore) -> None:
    """A second penalty that was repaired must not stand in the place of the first, which was not."""
    other = replace(RECORD, content="责令停产停业", repair_state=RepairState.REPAIRED)
    for file, record in ((b"monday", RECORD), (b"tuesday", other), (b"wednesday", other), (b"thursday", RECORD)):
        await store.apply_delivery(sample_delivery(file), [sample_row(record)])
    assert {filed.record for filed in await filed_of(store)} == {RECORD, other}


async def test_two_penalties_of_one_decision_are_both_kept(store: RecordStore) -> None:
    other = replace(RECORD, content="责令停产停业")
    for content in (b"monday", b"tuesday"):
        await store.apply_delivery(sample_delivery(content), [sample_row(), sample_row(other), sample_row()])
        assert {filed.record for filed in await filed_of(store)} == {RECORD, other}


async def test_records_without_a_document_number_differ_by_content(store: RecordStore) -> None:
    bare = replace(RECORD, document_number="")
    other = replace(bare, content="警告")
    await store.apply_delivery(sample_delivery(b"monday"), [sample_row(bare)])
    await store.apply_delivery(sample_delivery(b"tuesday"), [sample_row(other)])
    assert {filed.record for filed in await filed_of(store)} == {bare, other}


async def test_a_withdrawn_record_leaves_no_trace(store: RecordStore) -> None:
    other = replace(RECORD, content="责令停产停业")
    await store.apply_delivery(sample_delivery(b"monday"), [sample_row(), sample_row(other)])
    withdrawn = [replace(sample_row(other), revoked=True)]
    await store.apply_delivery(sample_delivery(b"tuesday"), [], withdrawn=withdrawn)
    assert [filed.record for filed in await filed_of(store)] == [RECORD]
    await store.apply_delivery(sample_delivery(b"wednesday"), [], withdrawn=[replace(sample_row(), sealed=True)])
    assert await filed_of(store) == []


async def test_the_only_record_of_a_decision_is_withdrawn_however_it_is_worded(store: RecordStore) -> None:
    await store.apply_delivery(sample_delivery(b"monday"), [sample_row()])
    reworded = [replace(sample_row(replace(RECORD, content="罚款二千元")), sealed=True)]
    await store.apply_delivery(sample_delivery(b"tuesday"), [], withdrawn=reworded)
    assert await filed_of(store) == []


@pytest.mark.parametrize("revoked", ["罚款2000元", "责令停产停业"])
@pytest.mark.parametrize("twice", ["in one file", "in two files"])
async def test_a_withdrawal_said_twice_leaves_the_other_penalty_of_the_decision(
    store: RecordStore, revoked: str, twice: str
) -> None:
    """Units repeat what was revoked; the second time nothing may go, or a report would say that there is no record."""
    both = [RECORD, replace(RECORD, content="责令停产停业")]
    await store.apply_delivery(sample_delivery(b"monday"), [sample_row(record) for record in both])
    withdrawal = replace(sample_row(replace(RECORD, content=revoked)), revoked=True)
    if twice == "in one file":
        await store.apply_delivery(sample_delivery(b"tuesday"), [], withdrawn=[withdrawal, withdrawal])
    else:
        for file in (b"tuesday", b"wednesday"):
            await store.apply_delivery(sample_delivery(file), [], withdrawn=[withdrawal])
    (left,) = [filed.record for filed in await filed_of(store)]
    assert left.content != revoked


async def test_what_may_not_be_shown_is_refused(store: RecordStore) -> None:
    for row in (replace(sample_row(), sealed=True), replace(sample_row(), local_code="")):
        with pytest.raises(ValueError, match="may only be stored"):
            await store.apply_delivery(sample_delivery(), [row])
    assert await store.delivery_version() == 0


async def test_quarantined_rows_are_kept_byte_for_byte(store: RecordStore) -> None:
    rows = [QuarantinedRow(BadRow(line, "code", "Give the full code."), b"\xff*\x00raw") for line in (9, 3)]
    receipt = await store.apply_delivery(sample_delivery(), [], rows)
    expected = [(line, "code", "Give the full code.", b"\xff*\x00raw") for line in (9, 3)]
    assert await store.quarantined(receipt.delivery_id) == expected


async def test_only_complete_deliveries_move_the_day(store: RecordStore) -> None:
    await store.apply_delivery(sample_delivery(b"1", date(2026, 11, 20)), [])
    await store.apply_delivery(sample_delivery(b"2", date(2026, 11, 18)), [])
    await store.apply_delivery(sample_delivery(b"3", date(2026, 11, 21), complete=False), [])
    await store.apply_delivery(sample_delivery(b"4", date(2026, 11, 1), unit="unit-2"), [])
    assert await store.last_complete_deliveries() == {
        ("unit-1", "1"): date(2026, 11, 20),
        ("unit-1", "2"): date(2026, 11, 20),
        ("unit-2", "1"): date(2026, 11, 1),
        ("unit-2", "2"): date(2026, 11, 1),
    }


async def test_rows_put_aside_hold_the_day_back_until_they_are_delivered_again(store: RecordStore) -> None:
    """R145, R152: the next nightly delivery must not promise what a row put aside the night before denies."""
    bad = [QuarantinedRow(BadRow(2, "decided_on", "Write a day."), b"raw")]
    november = [date(2026, 11, day) for day in range(18, 23)]

    async def days() -> set[date]:
        return set((await store.last_complete_deliveries()).values())

    await store.apply_delivery(sample_delivery(b"1", november[0]), [])
    await store.apply_delivery(sample_delivery(b"2", november[1], complete=False), [], bad)
    await store.apply_delivery(sample_delivery(b"3", november[2]), [])
    assert await days() == {november[0]}
    await store.apply_delivery(sample_delivery(b"2, still wrong", november[1], complete=False), [], bad)
    await store.apply_delivery(sample_delivery(b"2, of another unit", november[1], unit="unit-2"), [])
    held = await store.last_complete_deliveries()
    assert (held["unit-1", "1"], held["unit-2", "1"]) == (november[0], november[1]), "units answer for themselves"
    await store.apply_delivery(sample_delivery(b"2, corrected", november[1]), [])
    corrected = await store.last_complete_deliveries()
    assert (corrected["unit-1", "1"], corrected["unit-2", "1"]) == (november[2], november[1])


async def test_an_empty_file_on_another_day_is_another_delivery(store: RecordStore) -> None:
    await store.apply_delivery(sample_delivery(b"", date(2026, 11, 20)), [])
    receipt = await store.apply_delivery(sample_delivery(b"", date(2026, 11, 21)), [])
    assert not receipt.repeated
    assert (await store.last_complete_deliveries())["unit-1", "1"] == date(2026, 11, 21)


async def test_another_process_s_delivery_is_noticed(store: RecordStore, database_url: str) -> None:
    version, days = await store.deliveries()
    assert days == {}
    other = await Database.open(database_url)
    await RecordStore(other).apply_delivery(sample_delivery(), [])
    await other.close()
    newer, days = await store.deliveries()
    assert newer > version
    assert days["unit-1", "1"] == date(2026, 11, 20)


async def test_unchanged_deliveries_cost_one_statement(store: RecordStore, count_statements: Statements) -> None:
    first = await store.deliveries()
    count_statements.clear()
    assert await asyncio.gather(*(store.deliveries() for _ in range(64))) == [first] * 64
    assert len(count_statements) == 1


async def test_subjects_are_kept_apart_and_share_one_query(store: RecordStore, count_statements: Statements) -> None:
    # The same characters in another register are another subject.
    twin = SubjectRef(IdType.RESIDENT_ID, SUBJECT.id)
    others = [SubjectRef(IdType.USCC, f"SYNTHETIC{number:09d}") for number in range(62)]
    await store.apply_delivery(sample_delivery(), [sample_row(), *(sample_row(subject=ref) for ref in others)])
    count_statements.clear()
    found = await store.for_subjects([SUBJECT, twin, *others])
    assert [len(found.get(ref, [])) for ref in (SUBJECT, twin, *others)] == [1, 0, *[1] * 62]
    assert len(count_statements) == 1
    assert set(await store.for_subjects([SUBJECT, others[0]])) == {SUBJECT, others[0]}
    both = await store.for_subjects([SubjectRef(IdType.RESIDENT_ID, others[0].id), SUBJECT])
    assert set(both) == {SUBJECT}
