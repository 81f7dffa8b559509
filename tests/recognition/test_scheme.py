"""Steps 14 and 15 (`docs/protocol.md`, Verification steps; R017-R019, R060, R061, R214, R216)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from node.model.calendar import Period
from node.model.policy import RecognitionPolicy
from node.model.verdict import Step, StepStatus
from node.recognition.scheme import recognition_step, scheme_step
from tests.recognition.cases import GUIZHOU, ISSUED, LONGEST, NOW, SHANXI, Report, edition, policy_for, requirement
from trust.vocabulary import PeriodException, SubjectKind

SIX_YEARS = Period(date(2020, 11, 22), LONGEST.end)
ASKED_FOR = PeriodException("某证券交易所（合成）", "六年")


def step_14(report: Report) -> Step:
    return scheme_step(report.presented(report.examine(report.issued_at)), report.edition.catalogue)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (Report(SHANXI), ""),
        (Report(SHANXI, subject_kind=SubjectKind.SOCIAL_ORGANISATION), ""),  # R019
        (Report(GUIZHOU, subject_kind=SubjectKind.SOCIAL_ORGANISATION), "SCHEME_SUBJECT_KIND"),  # R017
        (Report(SHANXI, territory="140500"), ""),
        (Report(SHANXI, territory="410000"), "SCHEME_TERRITORY"),
        (Report(SHANXI, template_version="0"), "SCHEME_TEMPLATE"),
        (Report(SHANXI, issued_at=datetime(2025, 8, 31, 15, 59, tzinfo=UTC)), "SCHEME_NOT_IN_FORCE"),
        (Report(SHANXI, issued_at=datetime(2025, 8, 31, 16, 0, tzinfo=UTC)), ""),  # 1 September in China
        (Report(GUIZHOU, period=SIX_YEARS), "SCHEME_PERIOD"),
        (Report(GUIZHOU, period=SIX_YEARS, exception=ASKED_FOR), ""),
        (Report(GUIZHOU, period=replace(LONGEST, start=date(2021, 11, 21))), "SCHEME_PERIOD"),
        (Report(SHANXI, period=SIX_YEARS), ""),  # states no maximum (R063)
    ],
)
def test_step_14(report: Report, reason: str) -> None:
    step = step_14(report)
    assert (step.number, step.reason) == (14, reason)
    assert step.status is (StepStatus.FAIL if reason else StepStatus.PASS)


def test_a_scheme_that_ended_before_the_report_was_issued() -> None:
    report = Report(SHANXI)
    catalogue = report.edition.catalogue
    presented = report.presented(report.examine())
    for last, expected in ((date(2026, 11, 22), "SCHEME_NOT_IN_FORCE"), (date(2026, 11, 23), "")):
        ended = replace(catalogue, scheme=replace(catalogue.scheme, valid_until=last))
        assert scheme_step(presented, ended).reason == expected


def test_an_unknown_scheme_leaves_the_step_undecided() -> None:
    report = Report(SHANXI, scheme="140000/2030-1")
    undecided = Step(14, StepStatus.UNDECIDED, "SCHEME_UNKNOWN")
    assert step_14(report) == undecided
    assert scheme_step(report.presented(report.examine()), None) == undecided


def test_another_issuers_catalogue_does_not_do() -> None:
    report = Report(SHANXI, scheme=edition(GUIZHOU).catalogue.scheme.scheme)
    presented = report.presented(report.examine())
    assert scheme_step(presented, edition(GUIZHOU).catalogue).reason == "SCHEME_TERRITORY"


def test_step_15_covers_issuer_scenario_and_time() -> None:
    policy, asked = policy_for(SHANXI, GUIZHOU), requirement(GUIZHOU)
    report = Report(SHANXI)
    presented = report.presented(report.examine())

    def reason(policy: RecognitionPolicy | None = policy, scenario: str = "tender", at: datetime = NOW) -> str:
        return recognition_step(presented, policy, replace(asked, scenario=scenario), at).reason

    assert reason() == ""
    assert reason(policy=None) == "ISSUER_NOT_RECOGNISED"
    assert reason(policy=policy_for(GUIZHOU, GUIZHOU)) == "ISSUER_NOT_RECOGNISED"
    assert reason(policy=policy_for(SHANXI, SHANXI)) == "ISSUER_NOT_RECOGNISED"
    assert reason(scenario="listing") == "SCENARIO_NOT_RECOGNISED"
    assert reason(at=policy.valid_from) == ""
    assert reason(at=policy.valid_from - timedelta(microseconds=1)) == "RECOGNITION_NOT_IN_FORCE"
    assert reason(at=policy.valid_until) == "RECOGNITION_NOT_IN_FORCE"
    assert reason(policy=replace(policy, withdrawn=True)) == "RECOGNITION_WITHDRAWN"
    assert recognition_step(presented, None, asked, NOW) == Step(15, StepStatus.FAIL, "ISSUER_NOT_RECOGNISED")


def test_the_scenario_that_the_report_was_issued_for_must_be_recognised_too() -> None:
    report = Report(SHANXI, scenario="listing")
    presented = report.presented(report.examine())
    policy, asked = policy_for(SHANXI, GUIZHOU), requirement(GUIZHOU)
    assert recognition_step(presented, policy, asked, NOW).reason == "SCENARIO_NOT_RECOGNISED"
    wider = replace(policy, scenarios=policy.scenarios | {"listing"})
    assert recognition_step(presented, wider, asked, ISSUED).status is StepStatus.PASS
