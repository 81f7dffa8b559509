"""Several reports on one subject, one requirement over several territories (R031, R179, R189): real signatures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from node.model.calendar import Period
from node.model.joint import JointVerdict
from node.model.log import StatusEvent, StatusFlag
from node.model.records import PENALTY_ORDINARY
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Decision, FindingKind, GapReason
from node.verification.presenting import present
from tests.recognition.cases import DAY, DELIVERED, GUIZHOU, ISSUED, NOW, SHANXI, Report, leaves, penalty, requirement
from tests.verification.world import SUBJECT, Issued, Relying, snapshot

THREE_YEARS = Period(date(2023, 1, 1), DAY)
BOTH = (SHANXI, GUIZHOU)
MARKET = requirement(GUIZHOU, *leaves("MK01"))
TAX_AND_MARKET = requirement(GUIZHOU, *leaves("EC07", "MK01"))
TAX_ROW, MARKET_ROW = "13", "6"
"""Shanxi's rows that hold one each."""

OF_SHANXI = Report(SHANXI, local_codes=("6",), period=THREE_YEARS)
OF_GUIZHOU = Report(GUIZHOU, period=THREE_YEARS)


@pytest.fixture
def world() -> Relying:
    return Relying(snapshot(GUIZHOU, SHANXI, GUIZHOU))


def issued(world: Relying, report: Report, *statuses: StatusEvent) -> bytes:
    """The bundle of a report that the issuer's log holds."""
    bundle, envelope = Issued.of(report).bundle()
    world.views.hold(report, envelope, *statuses)
    return bundle


def together(
    world: Relying,
    bundles: Sequence[bytes],
    territories: Sequence[str] = BOTH,
    against: Requirement = MARKET,
    subject: SubjectRef | None = SUBJECT,
) -> JointVerdict:
    return asyncio.run(present(world.verification().verify_batch, bundles, subject, against, territories, None))


def remaining(joint: JointVerdict) -> list[tuple[str, str, Period, GapReason]]:
    return [
        (each.territory, finding.leaf, gap.interval, gap.reason)
        for each in joint.territories
        for finding in each.findings
        for gap in finding.gaps
    ]


def test_two_provinces_reports_meet_what_neither_meets_alone(world: Relying) -> None:
    shanxi, guizhou = issued(world, OF_SHANXI), issued(world, OF_GUIZHOU)
    joint = together(world, [shanxi, guizhou])
    assert (joint.decision, joint.reasons) == (Decision.ACCEPT, ())
    assert [(each.territory, each.reports) for each in joint.territories] == [(SHANXI, (0,)), (GUIZHOU, (1,))]
    assert [(each.report, each.territory) for each in joint.verdicts] == [(0, SHANXI), (1, GUIZHOU)]
    for bundle, missing in ((shanxi, GUIZHOU), (guizhou, SHANXI)):
        alone = together(world, [bundle])
        assert (alone.decision, alone.reasons) == (Decision.REFER, ("OUTSIDE_TERRITORY",))
        assert [each.territory for each in alone.territories if not each.reports] == [missing]


def test_one_report_alone_is_judged_as_by_verify(world: Relying) -> None:
    joint = together(world, [issued(world, OF_SHANXI)], [SHANXI])
    (only,) = joint.verdicts
    assert (joint.decision, joint.decision) == (only.verdict.decision, Decision.ACCEPT)
    assert joint.territories[0].findings == only.verdict.findings


def rows_of(*codes: str) -> Report:
    return Report(SHANXI, local_codes=codes, period=THREE_YEARS)


def test_two_selections_of_one_province_fill_each_other(world: Relying) -> None:
    bundles = [issued(world, rows_of(TAX_ROW)), issued(world, rows_of(MARKET_ROW))]
    joint = together(world, bundles, [SHANXI], TAX_AND_MARKET)
    assert (joint.decision, joint.territories[0].reports) == (Decision.ACCEPT, (0, 1))
    assert {each.verdict.decision for each in joint.verdicts} == {Decision.REFER}
    alone = together(world, bundles[:1], [SHANXI], TAX_AND_MARKET)
    assert (alone.decision, alone.reasons) == (Decision.REFER, ("NOT_SELECTED",))
    assert {leaf for _, leaf, _, _ in remaining(alone)} == {"MK01"}


def test_what_an_older_report_covered_ends_with_it(world: Relying) -> None:
    earlier = ISSUED - timedelta(days=8)
    tax = replace(
        rows_of(TAX_ROW),
        issued_at=earlier,
        period=Period(date(2023, 1, 1), DAY - timedelta(days=8)),
        delivered=DELIVERED - timedelta(days=8),
    )
    joint = together(world, [issued(world, tax), issued(world, rows_of(MARKET_ROW))], [SHANXI], TAX_AND_MARKET)
    assert joint.decision is Decision.REFER
    assert {(leaf, days) for _, leaf, days, _ in remaining(joint)} == {
        ("EC07", Period(DAY - timedelta(days=8), DAY)),
    }


def test_a_record_of_one_report_is_not_covered_up_by_another(world: Relying) -> None:
    found = replace(OF_SHANXI, records={("6", PENALTY_ORDINARY): (penalty(date(2025, 3, 1)),)})
    for reports in ([found, OF_SHANXI], [OF_SHANXI, found]):
        joint = together(world, [issued(world, report) for report in reports], [SHANXI])
        assert (joint.decision, joint.reasons) == (Decision.REFER, ("RECORDS_FOUND",))
        kinds = {finding.record_type: finding.kind for finding in joint.territories[0].findings}
        assert kinds[PENALTY_ORDINARY] is FindingKind.HAS_RECORDS


def test_a_record_elsewhere_counts_although_its_territory_was_not_asked(world: Relying) -> None:
    found = replace(OF_SHANXI, records={("6", PENALTY_ORDINARY): (penalty(date(2025, 3, 1)),)})
    joint = together(world, [issued(world, OF_GUIZHOU), issued(world, found)], [GUIZHOU])
    assert (joint.decision, joint.reasons) == (Decision.REFER, ("RECORDS_FOUND",))
    assert [(each.report, each.territory) for each in joint.verdicts] == [(0, GUIZHOU), (1, "")]


def test_a_forged_report_spoils_all(world: Relying) -> None:
    genuine, other = issued(world, OF_SHANXI), bytearray(issued(world, OF_GUIZHOU))
    other[len(other) // 2] ^= 1
    joint = together(world, [genuine, bytes(other)])
    assert joint.decision is Decision.REJECT
    assert joint.reasons
    assert together(world, [genuine, b"no report at all"]).decision is Decision.REJECT


def test_a_flagged_report_covers_nothing(world: Relying) -> None:
    event = StatusEvent(b"", StatusFlag.UNDER_OBJECTION, True, ISSUED)
    flagged, guizhou = issued(world, OF_SHANXI, event), issued(world, OF_GUIZHOU)
    joint = together(world, [flagged, guizhou])
    assert (joint.decision, joint.reasons[0]) == (Decision.REFER, "STATUS_UNDER_OBJECTION")
    assert [each.reports for each in joint.territories] == [(), (1,)]


def test_a_good_report_does_not_heal_a_flagged_one_beside_it(world: Relying) -> None:
    event = StatusEvent(b"", StatusFlag.UNDER_OBJECTION, True, ISSUED)
    flagged = issued(world, OF_SHANXI, event)
    good = issued(world, replace(OF_SHANXI, local_codes=()))
    joint = together(world, [flagged, good], [SHANXI])
    assert (joint.decision, joint.territories[0].reports) == (Decision.REFER, (1,))
    assert remaining(joint) == []


def test_without_a_subject_nothing_is_accepted(world: Relying) -> None:
    bundles = [issued(world, OF_SHANXI), issued(world, OF_GUIZHOU)]
    assert together(world, bundles, subject=None).decision is Decision.REFER


def test_when_what_we_know_is_too_old_nothing_is_accepted(world: Relying) -> None:
    bundles = [issued(world, OF_SHANXI), issued(world, OF_GUIZHOU)]
    world.now = NOW + timedelta(days=3)
    assert together(world, bundles).decision is Decision.REFER


def test_an_empty_requirement_is_never_met(world: Relying) -> None:
    joint = together(world, [issued(world, OF_SHANXI)], [SHANXI], replace(MARKET, items=()))
    assert (joint.decision, joint.reasons) == (Decision.REFER, ("REQUIREMENT_EMPTY",))
