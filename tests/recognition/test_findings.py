"""What was found in each cell (`docs/recognition.md`, Finding per cell; R042, R069, R070, R082-R085)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from node.model.calendar import Period
from node.model.catalogue import DateBasis, Edition
from node.model.records import (
    CRIMINAL,
    PENALTY_ORDINARY,
    SEVERE_LIST,
    RecordType,
    RepairState,
    ViolationRecord,
)
from node.model.report import Section
from node.model.verdict import Finding, FindingKind, GapReason
from node.recognition.coverage import IssuerView
from node.recognition.findings import assess
from tests.recognition.cases import (
    DAY,
    GUIZHOU,
    LIAONING,
    SHANXI,
    Report,
    edition,
    leaves,
    penalty,
    plan_of,
    policy_for,
    requirement,
    rows,
)

MARKET = requirement(GUIZHOU, *leaves("MK01", types=[PENALTY_ORDINARY]))
LISTED = requirement(GUIZHOU, *leaves("MK01", types=[SEVERE_LIST]))


def with_records(*records: ViolationRecord, code: str = "6", kind: RecordType = PENALTY_ORDINARY) -> Report:
    return Report(SHANXI, records={(code, kind): records})


def entry(decided_on: date, removed_on: date | None = None) -> ViolationRecord:
    return replace(penalty(decided_on), list_name="食品安全严重违法生产者黑名单", removed_on=removed_on)


def repaired(decided_on: date) -> ViolationRecord:
    return replace(penalty(decided_on), repair_state=RepairState.REPAIRED, repaired_on=decided_on + timedelta(days=90))


def one(report: Report) -> Finding:
    (finding,) = report.assess(MARKET).findings
    return finding


@pytest.mark.parametrize(
    ("decided_on", "counts"),
    [
        (date(2023, 11, 21), False),
        (date(2023, 11, 22), True),
        (date(2026, 11, 21), True),
        (date(2026, 11, 22), True),  # the day of issue: the period ends at the moment of issue
        (date(2026, 11, 23), True),  # dated ahead by its authority: leaving it out would be a false "none"
    ],
)
def test_records_count_when_dated_in_the_required_interval(decided_on: date, counts: bool) -> None:
    finding = one(with_records(penalty(decided_on)))
    assert finding.records == finding.counted_records == int(counts)
    assert finding.kind is (FindingKind.HAS_RECORDS if counts else FindingKind.NO_RECORD_FOUND)


def test_fixed_days_end_before_their_end() -> None:
    asked = replace(MARKET, months=0, fixed=Period(date(2024, 1, 1), date(2025, 1, 1)))
    inside, outside = (
        with_records(penalty(day)).assess(asked).findings[0] for day in (date(2024, 12, 31), date(2025, 1, 1))
    )
    assert (inside.records, outside.records) == (1, 0)


@pytest.mark.parametrize(
    ("listed", "removed", "counts"),
    [
        (date(2020, 1, 1), None, True),  # began earlier and is still in force: shown (R070)
        (date(2020, 1, 1), date(2023, 11, 22), False),
        (date(2020, 1, 1), date(2023, 11, 23), True),
        (date(2025, 1, 1), date(2025, 6, 1), True),
        (date(2025, 1, 1), date(2025, 1, 1), True),  # removed on the day: an entry all the same
        (DAY, None, True),
    ],
)
def test_list_entries_count_when_in_force_in_the_interval(listed: date, removed: date | None, counts: bool) -> None:
    (finding,) = with_records(entry(listed, removed), kind=SEVERE_LIST).assess(LISTED).findings
    assert finding.records == int(counts)


def test_a_list_entry_after_fixed_days_does_not_count() -> None:
    asked = replace(LISTED, months=0, fixed=Period(date(2024, 1, 1), date(2025, 1, 1)))
    (finding,) = with_records(entry(date(2025, 1, 1)), kind=SEVERE_LIST).assess(asked).findings
    assert finding.records == 0


@pytest.mark.parametrize(
    ("basis", "effective_on", "counts"),
    [
        (DateBasis.DECISION, date(2023, 12, 1), 0),
        (DateBasis.EFFECTIVE, date(2023, 12, 1), 1),
        (DateBasis.EFFECTIVE, None, 0),  # the source did not tell: the decision's date stands in
    ],
)
def test_the_scheme_says_which_date_places_a_record(basis: DateBasis, effective_on: date | None, counts: int) -> None:
    report = with_records(replace(penalty(date(2023, 11, 1)), effective_on=effective_on))
    catalogue = edition(SHANXI).catalogue
    theirs = Edition(replace(catalogue, scheme=replace(catalogue.scheme, date_basis=basis)), edition(SHANXI).crosswalk)
    view = IssuerView.of(theirs.catalogue, theirs.crosswalk)
    found = assess(plan_of(MARKET), view, policy_for(SHANXI, GUIZHOU), report.presented(report.examine()))
    assert found.findings[0].records == counts


def test_a_repaired_record_stays_a_record() -> None:
    report = with_records(repaired(date(2025, 3, 14)), penalty(date(2025, 4, 1)))
    assert (one(report).records, one(report).counted_records) == (2, 2)
    lenient = report.assess(replace(MARKET, repaired_records_count=False))
    assert (lenient.findings[0].records, lenient.counted_records) == (2, 1)


def test_a_record_never_hides_a_gap_nor_a_gap_a_record() -> None:
    asked = replace(MARKET, months=60)
    (finding,) = with_records(penalty(date(2025, 3, 14))).assess(asked).findings
    assert finding.kind is FindingKind.HAS_RECORDS
    assert [gap.reason for gap in finding.gaps] == [GapReason.BEFORE_DATA_SINCE]
    early = with_records(penalty(date(2022, 1, 5))).assess(asked).findings[0]
    assert (early.records, len(early.gaps)) == (1, 1)


def test_records_of_every_tied_row_count_whatever_the_catalogue_says_it_collects() -> None:
    # Row 19 is a part of LW01 and collects no criminal judgments; a report shows one there all the same.
    coverage = Report(SHANXI).sections()[0].coverage
    beyond = Section("19", "工业信息化", CRIMINAL, coverage, (penalty(date(2025, 1, 1)),))
    asked = requirement(GUIZHOU, *leaves("LW01", types=[CRIMINAL]))
    (finding,) = Report(SHANXI, extra=(beyond,)).assess(asked).findings
    assert (finding.kind, finding.records, finding.gaps) == (FindingKind.HAS_RECORDS, 1, ())


def test_a_record_counts_where_its_row_is_only_a_part() -> None:
    # A drug penalty filed under Shanxi's row 7 counts for MK02, of which row 7 holds a part.
    asked = requirement(GUIZHOU, *leaves("MK02", types=[PENALTY_ORDINARY]))
    assert with_records(penalty(date(2025, 1, 1)), code="7").assess(asked).findings[0].records == 1


def test_one_entry_filed_under_two_rows_of_a_cell_is_one_record() -> None:
    record = penalty(date(2025, 1, 1))
    both = Report(SHANXI, records={("6", PENALTY_ORDINARY): (record,), ("7", PENALTY_ORDINARY): (record,)})
    asked = requirement(GUIZHOU, *leaves("MK02", types=[PENALTY_ORDINARY]))
    assert both.assess(asked).findings[0].records == 1


def test_records_of_a_section_shown_twice_all_count() -> None:
    first = with_records(penalty(date(2025, 1, 1))).sections()
    row = next(section for section in first if section.local_code == "6" and section.record_type == PENALTY_ORDINARY)
    again = replace(row, records=(penalty(date(2025, 2, 1)),))
    report = replace(with_records(penalty(date(2025, 1, 1))), extra=(again,))
    finding = one(report)
    assert (finding.records, [gap.reason for gap in finding.gaps]) == (2, [GapReason.NOT_DISCLOSED])


def test_records_of_an_unreviewed_catalogue_still_count() -> None:
    policy = replace(policy_for(SHANXI, GUIZHOU), reviewed_catalogues=frozenset())
    (finding,) = with_records(penalty(date(2025, 1, 1))).assess(MARKET, policy).findings
    assert (finding.kind, finding.records) == (FindingKind.HAS_RECORDS, 1)


def test_rows_compared_directly_hold_their_own_records_only() -> None:
    asked = requirement(SHANXI, *rows("6", types=[PENALTY_ORDINARY]))
    (own,) = with_records(penalty(date(2025, 1, 1))).assess(asked).findings
    (other,) = with_records(penalty(date(2025, 1, 1)), code="7").assess(asked).findings
    assert (own.leaf, own.required_rows, own.records, other.records) == ("", ("6",), 1, 0)


def test_a_commitment_is_never_no_record_found() -> None:
    report = Report(LIAONING)
    presented = report.presented(report.examine())
    committed = frozenset({("MK01", PENALTY_ORDINARY)})
    found = assess(plan_of(MARKET), report.view, policy_for(LIAONING, GUIZHOU), presented, committed)
    assert [finding.kind for finding in found.findings] == [FindingKind.COMMITTED]
    assert found.gap_reasons == (GapReason.CATALOGUE_UNKNOWN,)
    covered = Report(SHANXI)
    shown = covered.presented(covered.examine())
    found = assess(plan_of(MARKET), covered.view, policy_for(SHANXI, GUIZHOU), shown, committed)
    assert [finding.kind for finding in found.findings] == [FindingKind.NO_RECORD_FOUND]


def test_issue_after_midnight_in_china_starts_a_new_day() -> None:
    late = datetime.fromisoformat("2026-11-22T16:30:00+00:00")
    report = Report(SHANXI, issued_at=late, period=Period(date(2021, 11, 23), date(2026, 11, 23)))
    found = assess(
        plan_of(MARKET), report.view, policy_for(SHANXI, GUIZHOU), report.presented(report.examine(now=late))
    )
    assert found.findings[0].interval == Period(date(2023, 11, 23), date(2026, 11, 23))
    assert found.gap_reasons == ()
