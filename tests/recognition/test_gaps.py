"""One reason per cell and day, in the order of `docs/recognition.md` (Gaps; R064-R068, R074, R075)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from node.model.calendar import Period, months_before
from node.model.catalogue import Catalogue, Caveat, CollectedType, Crosswalk, Relation, Row
from node.model.records import CRIMINAL, ENFORCEMENT, PENALTY_ORDINARY, SEVERE_LIST, RecordType
from node.model.report import Section
from node.model.requirement import Requirement
from node.model.verdict import FindingKind, Gap, GapReason, Remedy
from node.recognition.coverage import IssuerView
from node.recognition.findings import Assessment, assess
from tests.recognition.cases import (
    DAY,
    GUIZHOU,
    LANZHOU,
    LIAONING,
    LONGEST,
    SHANXI,
    Report,
    edition,
    leaves,
    plan_of,
    policy_for,
    requirement,
    rows,
    view_of,
)

THREE_YEARS = Period(months_before(DAY, 36), DAY)
ONE = [PENALTY_ORDINARY]
MARKET = requirement(GUIZHOU, *leaves("MK01", types=ONE))


def gaps(assessment: Assessment) -> list[tuple[GapReason, Period]]:
    return [(gap.reason, gap.interval) for finding in assessment.findings for gap in finding.gaps]


def only_gap(assessment: Assessment) -> Gap:
    ((gap,),) = (finding.gaps for finding in assessment.findings)
    return gap


def fixed(start: date, end: date, asked: Requirement = MARKET) -> Requirement:
    return replace(asked, months=0, fixed=Period(start, end))


def altered(view: IssuerView, code: str, row: Row, ties: dict[str, Relation]) -> IssuerView:
    """The issuer's catalogue with one row more or changed: same digests, for no rule looks at how they were made."""
    catalogue = replace(view.catalogue, rows={**view.catalogue.rows, code: row})
    lines = {**view.crosswalk.lines, code: tuple(ties.items())}
    by_leaf: dict[str, tuple[tuple[str, Relation], ...]] = {}
    for local, pairs in lines.items():
        for leaf, relation in pairs:
            by_leaf[leaf] = (*by_leaf.get(leaf, ()), (local, relation))
    return IssuerView.of(catalogue, replace(view.crosswalk, lines=lines, by_leaf=by_leaf))


def held_against(report: Report, asked: Requirement, view: IssuerView | None) -> Assessment:
    policy = policy_for(report.issuer, asked.jurisdiction)
    return assess(plan_of(asked), view, policy, report.presented(report.examine()))


# The report as a whole


def other_version(catalogue: Catalogue, crosswalk: Crosswalk) -> list[IssuerView | None]:
    return [
        None,
        IssuerView.of(replace(catalogue, digest=b"\1" * 32), crosswalk),
        IssuerView.of(catalogue, replace(crosswalk, digest=b"\1" * 32)),
        view_of(GUIZHOU),
    ]


@pytest.mark.parametrize("view", other_version(edition(SHANXI).catalogue, edition(SHANXI).crosswalk))
def test_a_version_that_is_not_known_here_covers_nothing(view: IssuerView | None) -> None:
    gap = only_gap(held_against(Report(SHANXI), MARKET, view))
    assert (gap.reason, gap.interval) == (GapReason.CATALOGUE_UNKNOWN, THREE_YEARS)


def test_unknown_rows_outweigh_everything() -> None:
    asked = replace(MARKET, territory=SHANXI)
    policy = replace(policy_for(LIAONING, GUIZHOU), leaves=frozenset(), reviewed_catalogues=frozenset())
    assert Report(LIAONING).assess(asked, policy).gap_reasons == (GapReason.CATALOGUE_UNKNOWN,)


@pytest.mark.parametrize("kind", ["reviewed_catalogues", "reviewed_crosswalks"])
def test_an_unreviewed_version_covers_nothing(kind: str) -> None:
    policy = policy_for(SHANXI, GUIZHOU)
    unreviewed = {
        "reviewed_catalogues": replace(policy, reviewed_catalogues=frozenset({b"\1" * 32})),
        "reviewed_crosswalks": replace(policy, reviewed_crosswalks=frozenset()),
    }[kind]
    asked = replace(MARKET, territory=GUIZHOU)
    gap = only_gap(Report(SHANXI).assess(asked, unreviewed))
    assert gap.reason is GapReason.CATALOGUE_NOT_REVIEWED
    assert gap.remedies == (Remedy.REVIEW_OF_CATALOGUE, Remedy.COMMITMENT)


def test_without_a_trust_certificate_nothing_was_reviewed() -> None:
    report = Report(SHANXI)
    found = assess(plan_of(MARKET), report.view, None, report.presented(report.examine()))
    assert found.gap_reasons == (GapReason.CATALOGUE_NOT_REVIEWED,)


@pytest.mark.parametrize(
    ("territory", "asked", "covered"),
    [
        ("140000", "", True),
        ("140000", "140500", True),
        ("140000", "140000", True),
        ("140000", "520000", False),
        ("140500", "", False),  # the requirement asks for the issuer's whole division
        ("140500", "140500", True),
        ("140500", "140522", True),
        ("140500", "140600", False),
    ],
)
def test_a_report_proves_its_division_and_what_lies_below(territory: str, asked: str, covered: bool) -> None:
    found = Report(SHANXI, territory=territory).assess(replace(MARKET, territory=asked))
    assert found.gap_reasons == (() if covered else (GapReason.OUTSIDE_TERRITORY,))


# The cell


def test_a_leaf_or_type_outside_the_trust_certificate_is_not_recognised() -> None:
    policy = policy_for(SHANXI, GUIZHOU)
    for narrowed in (
        replace(policy, leaves=policy.leaves - {"MK01"}),
        replace(policy, record_types=policy.record_types - {PENALTY_ORDINARY}),
    ):
        assert only_gap(Report(SHANXI).assess(MARKET, narrowed)).reason is GapReason.NOT_RECOGNISED
    assert Report(SHANXI).assess(MARKET, replace(policy, leaves=frozenset({"MK01"}))).gap_reasons == ()


def test_rows_compared_directly_need_their_leaves_recognised_too() -> None:
    asked = requirement(SHANXI, *rows("19", types=[SEVERE_LIST]))
    policy = policy_for(SHANXI, SHANXI)
    assert Report(SHANXI).assess(asked, policy).gap_reasons == ()
    without = replace(policy, leaves=policy.leaves - {"LW01"})
    assert only_gap(Report(SHANXI).assess(asked, without)).reason is GapReason.NOT_RECOGNISED


def test_an_own_row_without_a_leaf_is_never_met() -> None:
    gap = only_gap(Report(SHANXI).assess(requirement(GUIZHOU, *rows("99", types=ONE))))
    assert (gap.leaf, gap.reason, gap.required_wording) == ("", GapReason.NOT_IN_CATALOGUE, ("99",))


def test_a_type_that_no_tied_row_collects() -> None:
    gap = only_gap(Report(SHANXI).assess(requirement(GUIZHOU, *leaves("NR02", types=[ENFORCEMENT]))))
    assert gap.reason is GapReason.RECORD_TYPE_NOT_COLLECTED
    assert (gap.required_wording, gap.issuer_wording) == (("生态环境",), ("生态环境",))


def test_parts_alone_never_cover() -> None:
    # Shanxi's row 20 公安 holds LW01 whole but no severe lists; row 19 has severe lists and is a part of LW01.
    gap = only_gap(Report(SHANXI).assess(requirement(GUIZHOU, *leaves("LW01", types=[SEVERE_LIST]))))
    assert (gap.reason, gap.issuer_wording) == (GapReason.PARTIAL_MATCH, ("工业信息化",))


def test_a_related_row_gives_nothing_but_must_be_seen() -> None:
    kinds = (CollectedType(PENALTY_ORDINARY, date(2022, 8, 1)),)
    related = altered(view_of(SHANXI), "41", Row("41", "相关", kinds), {"MK01": Relation.RELATED})
    assert only_gap(held_against(Report(SHANXI), MARKET, related)).issuer_wording == ("相关",)
    alone = altered(view_of(SHANXI), "41", Row("41", "相关", kinds), {"NR06": Relation.RELATED})
    asked = requirement(GUIZHOU, *leaves("NR06", types=ONE))
    assert only_gap(held_against(Report(SHANXI), asked, alone)).reason is GapReason.PARTIAL_MATCH


def test_every_feeding_row_must_have_been_selected() -> None:
    asked = requirement(GUIZHOU, *leaves("MK02", types=ONE))
    gap = only_gap(Report(SHANXI, ("6",)).assess(asked))
    assert (gap.reason, gap.issuer_wording) == (GapReason.NOT_SELECTED, ("卫生健康",))
    assert gap.remedies[0] is Remedy.WIDER_SELECTION
    assert Report(SHANXI, ("6", "7")).assess(asked).gap_reasons == ()


def test_a_selected_section_that_is_withheld_is_not_disclosed() -> None:
    report = Report(SHANXI, ("6", "7"))
    kinds = [(section.local_code, section.record_type) for section in report.sections()]
    asked = requirement(GUIZHOU, *leaves("MK02", types=ONE))
    shown = {place: position for position, place in enumerate(kinds, 1)}
    everything_needed = (0, shown["6", PENALTY_ORDINARY], shown["7", PENALTY_ORDINARY])
    assert replace(report, shown=everything_needed).assess(asked).gap_reasons == ()
    gap = only_gap(replace(report, shown=everything_needed[:2]).assess(asked))
    assert (gap.reason, gap.issuer_wording) == (GapReason.NOT_DISCLOSED, ("卫生健康",))
    # Without the summary what is missing may have been chosen; what is shown still counts.
    assert replace(report, shown=everything_needed[1:]).assess(asked).gap_reasons == ()
    assert only_gap(replace(report, shown=everything_needed[1:2]).assess(asked)).reason is GapReason.NOT_DISCLOSED


def test_a_section_shown_twice_covers_nothing() -> None:
    first = Report(SHANXI, ("6",)).sections()[0]
    assert first.record_type == PENALTY_ORDINARY
    gap = only_gap(Report(SHANXI, ("6",), extra=(first,)).assess(MARKET))
    assert gap.reason is GapReason.NOT_DISCLOSED


def test_a_section_beyond_the_catalogue_covers_nothing_and_cannot_be_withheld() -> None:
    # LW01 is fed for criminal judgments by row 20 alone; the report has such a section for row 19 too.
    beyond = Section("19", "工业信息化", CRIMINAL, Report(SHANXI).sections()[0].coverage)
    report = Report(SHANXI, ("19", "20"), extra=(beyond,))
    asked = requirement(GUIZHOU, *leaves("LW01", types=[CRIMINAL]))
    assert report.assess(asked).gap_reasons == ()
    all_but_that = tuple(range(len(report.sections())))
    assert only_gap(replace(report, shown=all_but_that).assess(asked)).issuer_wording == ("工业信息化",)
    enforcement = requirement(GUIZHOU, *leaves("NR02", types=[ENFORCEMENT]))
    invented = Section("5", "生态环境", ENFORCEMENT, beyond.coverage)
    assert only_gap(Report(SHANXI, extra=(invented,)).assess(enforcement)).reason is GapReason.RECORD_TYPE_NOT_COLLECTED


# The days


def test_days_before_the_data_begin() -> None:
    found = Report(SHANXI).assess(replace(MARKET, months=60))
    assert gaps(found) == [(GapReason.BEFORE_DATA_SINCE, Period(LONGEST.start, date(2022, 8, 1)))]


def test_a_section_may_begin_later_than_its_row_never_earlier() -> None:
    place: tuple[str, RecordType] = ("6", PENALTY_ORDINARY)
    later = Report(SHANXI, since={place: date(2024, 1, 1)}).assess(MARKET)
    assert gaps(later) == [(GapReason.BEFORE_DATA_SINCE, Period(THREE_YEARS.start, date(2024, 1, 1)))]
    earlier = Report(SHANXI, since={place: date(2000, 1, 1)}).assess(replace(MARKET, months=60))
    assert gaps(earlier) == [(GapReason.BEFORE_DATA_SINCE, Period(LONGEST.start, date(2022, 8, 1)))]


def test_the_latest_beginning_among_the_feeding_rows_counts() -> None:
    later = Report(SHANXI, since={("7", PENALTY_ORDINARY): date(2025, 1, 1)})
    found = later.assess(requirement(GUIZHOU, *leaves("MK02", types=ONE)))
    assert gaps(found) == [(GapReason.BEFORE_DATA_SINCE, Period(THREE_YEARS.start, date(2025, 1, 1)))]


def test_days_that_the_subject_did_not_choose() -> None:
    chosen = Period(date(2024, 6, 1), date(2026, 11, 1))
    found = Report(SHANXI, period=chosen).assess(replace(MARKET, max_data_age_days=60))
    assert gaps(found) == [
        (GapReason.PERIOD_NOT_CHOSEN, Period(THREE_YEARS.start, date(2024, 6, 1))),
        (GapReason.PERIOD_NOT_CHOSEN, Period(date(2026, 11, 1), DAY)),
    ]


@pytest.mark.parametrize(
    ("until", "late_from"),
    [
        (date(2026, 11, 20), None),
        (date(2026, 11, 12), None),  # ten days: as long as allowed
        (date(2026, 11, 11), date(2026, 11, 11)),
        (date(2026, 10, 1), date(2026, 10, 1)),
        (date(2020, 1, 1), THREE_YEARS.start),
        (None, THREE_YEARS.start),  # some unit never delivered
    ],
)
def test_a_tail_longer_than_allowed_is_late(until: date | None, late_from: date | None) -> None:
    found = Report(SHANXI, until={"6": until}).assess(MARKET)
    assert gaps(found) == ([] if late_from is None else [(GapReason.SOURCE_LATE, Period(late_from, DAY))])
    assert found.findings[0].covered_until == until


def test_the_latest_unit_of_any_feeding_row_counts_and_is_named() -> None:
    asked = requirement(GUIZHOU, *leaves("MK02", types=ONE))
    gap = only_gap(Report(SHANXI, until={"7": date(2026, 10, 1)}).assess(asked))
    assert (gap.interval.start, gap.issuer_wording) == (date(2026, 10, 1), ("卫生健康",))


def test_how_late_a_source_may_be_is_measured_at_the_end_of_the_required_period() -> None:
    past = fixed(date(2023, 1, 1), date(2024, 1, 1))
    assert Report(SHANXI, until={"6": date(2024, 6, 1)}).assess(past).gap_reasons == ()
    assert Report(SHANXI, until={"6": date(2023, 12, 1)}).assess(past).gap_reasons == (GapReason.SOURCE_LATE,)


def test_nobody_delivered_after_the_store_was_read() -> None:
    # A section that claims a later delivery than the moment at which its issuer read the records.
    read_at = datetime(2026, 10, 1, tzinfo=UTC)
    found = Report(SHANXI, data_cutoff=read_at).assess(MARKET)
    assert gaps(found) == [(GapReason.SOURCE_LATE, Period(date(2026, 10, 1), DAY))]


def test_days_to_come_are_after_the_cutoff() -> None:
    found = Report(SHANXI).assess(fixed(date(2026, 1, 1), date(2027, 1, 1)))
    assert gaps(found) == [(GapReason.AFTER_CUTOFF, Period(DAY, date(2027, 1, 1)))]


def test_the_day_of_the_cutoff_is_that_of_china() -> None:
    after_midnight = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    found = Report(SHANXI, data_cutoff=after_midnight).assess(fixed(date(2026, 1, 1), date(2026, 11, 23)))
    assert gaps(found) == [(GapReason.AFTER_CUTOFF, Period(DAY, date(2026, 11, 23)))]


def test_repaired_records_that_are_not_shown_leave_the_covered_days_open() -> None:
    found = Report(SHANXI, show_repaired=False).assess(replace(MARKET, months=60))
    assert gaps(found) == [
        (GapReason.BEFORE_DATA_SINCE, Period(LONGEST.start, date(2022, 8, 1))),
        (GapReason.REPAIRED_NOT_SHOWN, Period(date(2022, 8, 1), DAY)),
    ]
    uncounted = replace(MARKET, repaired_records_count=False)
    assert Report(SHANXI, show_repaired=False).assess(uncounted).gap_reasons == ()


# Caveats


def test_a_year_without_a_day_carries_its_caveat_that_year_only() -> None:
    # Guizhou says "2020" (R065).
    asked = fixed(date(2019, 7, 1), date(2022, 1, 1), requirement(SHANXI, *leaves("EC07", types=ONE)))
    period = Period(date(2019, 1, 1), DAY)
    found = Report(GUIZHOU, period=period).assess(asked)
    year = Period(date(2020, 1, 1), date(2021, 1, 1))
    assert gaps(found) == [(GapReason.BEFORE_DATA_SINCE, Period(date(2019, 7, 1), date(2020, 1, 1)))]
    assert [(use.caveat, use.interval) for use in found.findings[0].caveats] == [
        (Caveat.SINCE_YEAR_ONLY, year),
        (Caveat.TYPES_SCHEME_WIDE, Period(date(2020, 1, 1), date(2022, 1, 1))),
    ]
    refusing = replace(policy_for(GUIZHOU, SHANXI), accepted_caveats=frozenset({Caveat.TYPES_SCHEME_WIDE}))
    refused = Report(GUIZHOU, period=period).assess(asked, refusing).findings[0].gaps[1]
    assert (refused.reason, refused.caveat, refused.interval) == (
        GapReason.CAVEAT_REFUSED,
        Caveat.SINCE_YEAR_ONLY,
        year,
    )
    assert refused.remedies == (Remedy.CERTIFICATE_CHANGE, Remedy.COMMITMENT)


def test_an_assumed_beginning_is_a_caveat_of_penalties_only() -> None:
    # Lanzhou names a date for severe lists and none for penalties (R067).
    asked = requirement(GUIZHOU, *leaves("EC07", types=[PENALTY_ORDINARY, SEVERE_LIST]), months=24)
    penalties, lists = Report(LANZHOU).assess(asked).findings
    assert {use.caveat for use in penalties.caveats} == {Caveat.SINCE_ASSUMED, Caveat.TYPES_SCHEME_WIDE}
    assert {use.caveat for use in lists.caveats} == {Caveat.TYPES_SCHEME_WIDE}


@pytest.mark.parametrize("caveat", [Caveat.SINCE_ASSUMED, Caveat.TYPES_SCHEME_WIDE])
def test_each_refused_caveat_is_a_gap_over_what_it_covers(caveat: Caveat) -> None:
    asked = requirement(GUIZHOU, *leaves("EC07", types=ONE), months=24)
    policy = policy_for(LANZHOU, GUIZHOU)
    found = Report(LANZHOU).assess(asked, replace(policy, accepted_caveats=policy.accepted_caveats - {caveat}))
    gap = only_gap(found)
    assert (gap.reason, gap.caveat, gap.interval) == (GapReason.CAVEAT_REFUSED, caveat, found.findings[0].interval)


def test_several_refused_caveats_make_one_gap_per_day() -> None:
    asked = requirement(GUIZHOU, *leaves("EC07", types=ONE), months=24)
    found = Report(LANZHOU).assess(asked, replace(policy_for(LANZHOU, GUIZHOU), accepted_caveats=frozenset()))
    assert only_gap(found).caveat is Caveat.SINCE_ASSUMED
    assert found.findings[0].kind is FindingKind.NO_RECORD_FOUND


def test_a_close_match_on_either_side_is_a_caveat() -> None:
    theirs = Report(GUIZHOU).assess(requirement(LANZHOU, *rows("1", types=[SEVERE_LIST])))
    ours = Report(SHANXI).assess(requirement(GUIZHOU, *rows("2", types=[SEVERE_LIST])))
    for found in (theirs, ours):
        assert only_gap(found).caveat is Caveat.CLOSE_MATCH
        assert found.findings[0].caveats[0].caveat is Caveat.CLOSE_MATCH


def test_an_exact_row_beside_a_close_one_leaves_no_doubt() -> None:
    kinds = (CollectedType(PENALTY_ORDINARY, date(2022, 8, 1)),)
    both = altered(view_of(SHANXI), "5", Row("5", "生态环境", kinds), {"MK01": Relation.CLOSE})
    assert held_against(Report(SHANXI), MARKET, both).findings[0].caveats == ()


def test_gaps_come_in_the_order_of_days() -> None:
    report = Report(SHANXI, until={"6": date(2026, 10, 1)}, period=Period(date(2022, 12, 1), DAY))
    found = report.assess(replace(MARKET, months=60))
    assert [reason for reason, _ in gaps(found)] == [
        GapReason.BEFORE_DATA_SINCE,
        GapReason.PERIOD_NOT_CHOSEN,
        GapReason.SOURCE_LATE,
    ]
