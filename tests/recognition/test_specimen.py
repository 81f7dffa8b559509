"""The best report that an issuer could give is the one that it does give when nothing is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from node.model.calendar import months_before
from node.recognition.findings import assess
from node.recognition.specimen import best_report, unreadable_report
from tests.recognition.cases import DAY, GUIZHOU, ISSUED, LANZHOU, SHANXI, Report, edition, plan_of, requirement, rows


@pytest.mark.parametrize("issuer", [SHANXI, GUIZHOU, LANZHOU])
def test_it_says_what_a_complete_report_of_the_day_says(issuer: str) -> None:
    given = Report(issuer, delivered=DAY)
    real = given.presented(given.examine())
    best = best_report(edition(issuer), "tender", ISSUED)
    summary = real.report.summary
    assert summary is not None
    assert best.report.sections == real.report.sections
    assert best.report.summary is not None
    assert best.report.summary.selection == summary.selection
    assert replace(best, report=real.report, envelope_digest=real.envelope_digest) == real


def test_it_goes_back_as_far_as_the_scheme_allows() -> None:
    theirs = edition(GUIZHOU)
    short = replace(
        theirs, catalogue=replace(theirs.catalogue, scheme=replace(theirs.catalogue.scheme, max_period_months=12))
    )
    assert best_report(short, "tender", ISSUED).period.start == months_before(DAY, 12)
    late_evening = ISSUED + timedelta(hours=14, minutes=30)  # 22 November in UTC, 23 November in China
    assert best_report(short, "tender", late_evening).period.end == DAY + timedelta(days=1)


def test_a_report_under_an_unknown_catalogue_covers_nothing() -> None:
    plan = plan_of(requirement(GUIZHOU, *rows("6")))
    assessment = assess(plan, None, None, unreadable_report(SHANXI, "tender", ISSUED))
    assert [reason.value for reason in assessment.gap_reasons] == ["CATALOGUE_UNKNOWN"]
