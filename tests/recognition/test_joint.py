"""What several reports cover together: never a day more than some report covers, and every other day is named once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.model.calendar import Period
from node.model.freshness import Basis
from node.model.joint import JointVerdict, PresentedVerdict
from node.model.records import PENALTY_ORDINARY
from node.model.subject import SubjectKind
from node.model.verdict import (
    Authenticity,
    Decision,
    Finding,
    FindingKind,
    Gap,
    GapReason,
    InputDigests,
    ReportFacts,
    Standing,
    Verdict,
)
from node.recognition.joint import join

SHANXI, GUIZHOU = "140000", "520000"
START, LENGTH = date(2026, 1, 1), 30
NOW = datetime(2026, 2, 1, tzinfo=UTC)
LEAVES = ("MK01", "EC07")


def day(number: int) -> date:
    return START + timedelta(days=number)


def finding(leaf: str, uncovered: dict[int, GapReason], counted: int = 0, shift: int = 0) -> Finding:
    """One cell of which these days (from START) are not covered; `shift` moves its interval back."""
    gaps = tuple(
        Gap(leaf, PENALTY_ORDINARY, Period(day(at), day(at + 1)), reason, (), (), ())
        for at, reason in sorted(uncovered.items())
    )
    kind = FindingKind.HAS_RECORDS if counted else FindingKind.NOT_COVERED if gaps else FindingKind.NO_RECORD_FOUND
    interval = Period(day(-shift), day(LENGTH - shift))
    return Finding(leaf, PENALTY_ORDINARY, interval, kind, counted, counted, gaps, (), interval.end, ())


def verdict(*findings: Finding, reasons: tuple[str, ...] = (), shift: int = 0) -> Verdict:
    """As a report with these findings gets it, `reasons` being those that no other report can make good."""
    gaps = tuple(dict.fromkeys(gap.reason.value for each in findings for gap in each.gaps))
    records = ("RECORDS_FOUND",) if any(each.counted_records for each in findings) else ()
    all_reasons = (*reasons, *records, *gaps)
    issued = NOW - timedelta(days=shift)
    return Verdict(
        Authenticity.GENUINE,
        Standing.IN_FORCE,
        Decision.REFER if all_reasons else Decision.ACCEPT,
        all_reasons,
        (),
        findings,
        ReportFacts("", SHANXI, SHANXI, SubjectKind.ENTERPRISE, issued, Period(day(0), day(1)), "", issued),
        (),
        None,
        0,
        Basis(NOW, NOW, None, None),
        InputDigests(),
    )


def joined(*verdicts: Verdict, territories: tuple[str, ...] = (SHANXI,)) -> JointVerdict:
    return join(territories, [PresentedVerdict(at, SHANXI, each) for at, each in enumerate(verdicts)])


def uncovered_days(joint: JointVerdict, leaf: str) -> list[date]:
    (territory,) = joint.territories
    (cell,) = [each for each in territory.findings if each.leaf == leaf]
    spans = [gap.interval for gap in cell.gaps]
    return [span.start + timedelta(days=at) for span in spans for at in range((span.end - span.start).days)]


gap_days = st.dictionaries(st.integers(0, LENGTH - 1), st.sampled_from(GapReason), max_size=LENGTH)
reports = st.lists(st.tuples(*(gap_days for _ in LEAVES)), min_size=1, max_size=4)


@given(reports)
def test_a_day_is_covered_when_some_report_covers_it_and_else_named_once(
    cells: list[tuple[dict[int, GapReason], ...]],
) -> None:
    verdicts = [verdict(*(finding(leaf, days) for leaf, days in zip(LEAVES, each, strict=True))) for each in cells]
    joint = joined(*verdicts)
    missing = [set.intersection(*(set(each[place]) for each in cells)) for place in range(len(LEAVES))]
    for leaf, days in zip(LEAVES, missing, strict=True):
        assert sorted(uncovered_days(joint, leaf)) == sorted(map(day, days))
    assert (joint.decision is Decision.ACCEPT) == (not any(missing))
    assert (joint.decision is Decision.ACCEPT) == (not joint.reasons)


@given(reports, st.integers(0, 3))
def test_what_does_not_count_covers_nothing_and_keeps_all_from_acceptance(
    cells: list[tuple[dict[int, GapReason], ...]], place: int
) -> None:
    place = min(place, len(cells) - 1)
    verdicts = [verdict(*(finding(leaf, days) for leaf, days in zip(LEAVES, each, strict=True))) for each in cells]
    flagged = replace(verdicts[place], decision=Decision.REFER, reasons=("STATUS_UNDER_OBJECTION",))
    with_it = joined(*verdicts[:place], flagged, *verdicts[place + 1 :])
    assert with_it.decision is Decision.REFER
    assert "STATUS_UNDER_OBJECTION" in with_it.reasons
    assert place not in with_it.territories[0].reports
    others = [each for at, each in enumerate(verdicts) if at != place]
    if others:
        assert [cell.gaps for cell in with_it.territories[0].findings] == [
            cell.gaps for cell in joined(*others).territories[0].findings
        ]


def test_the_reason_named_is_that_of_the_report_that_came_furthest() -> None:
    far, near = finding("MK01", {5: GapReason.NOT_IN_CATALOGUE}), finding("MK01", {5: GapReason.SOURCE_LATE})
    assert joined(verdict(far), verdict(near)).reasons == ("SOURCE_LATE",)


def test_the_interval_is_that_of_the_newest_report() -> None:
    older, newer = (
        verdict(finding("MK01", {}, shift=7), shift=7),
        verdict(finding("MK01", dict.fromkeys(range(30), GapReason.NOT_SELECTED))),
    )
    joint = joined(older, newer)
    assert uncovered_days(joint, "MK01") == [day(at) for at in range(LENGTH - 7, LENGTH)]


def test_records_are_never_united_away() -> None:
    joint = joined(verdict(finding("MK01", {}, counted=2)), verdict(finding("MK01", {})))
    (cell,) = joint.territories[0].findings
    assert (joint.decision, joint.reasons, cell.kind) == (Decision.REFER, ("RECORDS_FOUND",), FindingKind.HAS_RECORDS)
    assert (cell.records, cell.counted_records) == (2, 2)


def test_rejection_outweighs_everything() -> None:
    forged = replace(verdict(), decision=Decision.REJECT, reasons=("SIGNATURE_INVALID",), report=None)
    joint = joined(forged, verdict(finding("MK01", {})))
    assert (joint.decision, joint.reasons) == (Decision.REJECT, ("SIGNATURE_INVALID",))


def test_a_territory_without_a_report_is_not_covered() -> None:
    joint = joined(verdict(finding("MK01", {})), territories=(SHANXI, GUIZHOU))
    assert (joint.decision, joint.reasons) == (Decision.REFER, ("OUTSIDE_TERRITORY",))
    assert joint.territories[1].findings == ()


def test_reports_asked_other_cells_are_not_mixed() -> None:
    row_by_row = replace(finding("", {}), required_rows=("19",))
    one, other = verdict(row_by_row), verdict(finding("MK01", {3: GapReason.NOT_SELECTED}))
    joint = joined(other, one)
    assert (joint.decision, joint.territories[0].reports) == (Decision.ACCEPT, (1,))


@pytest.mark.parametrize("territory", ["", GUIZHOU])
def test_verdicts_must_be_of_the_territories_asked_about(territory: str) -> None:
    with pytest.raises(ValueError, match="asked about"):
        join([] if not territory else [SHANXI], [PresentedVerdict(0, territory, verdict())])
