"""Steps 16 to 18 and the two answers (`docs/recognition.md`, Two answers, kept apart; issue: Recognition)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from node.model.log import StatusEvent, StatusFlag
from node.model.records import PENALTY_ORDINARY
from node.model.requirement import Requirement
from node.model.verdict import Authenticity, Decision, GapReason, Standing, Step, StepStatus
from node.recognition.decision import Asked, Judgement, judge
from node.recognition.findings import assess
from tests.recognition.cases import (
    GUIZHOU,
    ISSUED,
    LIAONING,
    NOW,
    SHANXI,
    Report,
    leaves,
    penalty,
    plan_of,
    policy_for,
    requirement,
)
from trust.outcome import StepOutcome
from trust.outcome import StepStatus as Outcome
from trust.verify import Examination

MARKET = requirement(GUIZHOU, *leaves("MK01"))


def with_outcome(examination: Examination, outcome: StepOutcome) -> Examination:
    """As if one step had come out differently; then nothing is verified."""
    outcomes = tuple(outcome if known.number == outcome.number else known for known in examination.outcomes)
    return replace(examination, outcomes=outcomes, verified=None)


def judged_after(outcome: StepOutcome) -> Judgement:
    report = Report(SHANXI)
    return report.judge(MARKET, examination=with_outcome(report.examine(), outcome))


def flagged(*flags: StatusFlag) -> Examination:
    return Report(SHANXI).examine(NOW, *(StatusEvent(b"", flag, True, ISSUED) for flag in flags))


def test_a_flag_that_is_unproven_is_named_beside_those_in_force() -> None:
    """Whoever sees the objection lifted still asks for the other one; of a revoked report nothing is left open."""
    report, objected = Report(SHANXI), flagged(StatusFlag.UNDER_OBJECTION)
    for examination, reasons in (
        (objected, ("STATUS_UNDER_OBJECTION",)),
        (replace(objected, doubted=True), ("STATUS_UNDER_OBJECTION", "STATUS_UNPROVEN")),
        (replace(flagged(StatusFlag.REVOKED), doubted=True), ("REVOKED",)),
    ):
        judgement = report.judge(MARKET, examination=examination)
        assert judgement.reasons == reasons
        assert judgement.decision is (Decision.REJECT if reasons == ("REVOKED",) else Decision.REFER)


def test_accept_when_everything_passes() -> None:
    judgement = Report(SHANXI).judge(MARKET)
    assert (judgement.decision, judgement.reasons) == (Decision.ACCEPT, ())
    assert [step.number for step in judgement.steps] == list(range(1, 19))
    assert {step.status for step in judgement.steps if step.number != 7} == {StepStatus.PASS}
    assert judgement.steps[6].status is StepStatus.NOT_REQUIRED


@pytest.mark.parametrize("number", [*range(1, 7), *range(8, 14)])
@pytest.mark.parametrize(
    ("status", "decision"),
    [
        (Outcome.FAIL, Decision.REJECT),
        (Outcome.UNDECIDED, Decision.REFER),
        (Outcome.NOT_REQUIRED, Decision.REFER),
    ],
)
def test_nothing_but_a_pass_is_accepted(number: int, status: Outcome, decision: Decision) -> None:
    judgement = judged_after(StepOutcome(number, status, "SOME_REASON"))
    assert judgement.decision is decision
    if status is not Outcome.NOT_REQUIRED:
        assert judgement.reasons == ("SOME_REASON",)


def test_passed_steps_without_a_verified_are_not_accepted() -> None:
    report = Report(SHANXI)
    judgement = report.judge(MARKET, examination=replace(report.examine(), verified=None))
    assert judgement.decision is Decision.REFER


@pytest.mark.parametrize(
    ("outcome", "authenticity"),
    [
        (StepOutcome(1, Outcome.FAIL, "NOT_CANONICAL"), Authenticity.NOT_GENUINE),
        (StepOutcome(2, Outcome.UNDECIDED, "UNKNOWN_CONTENT"), Authenticity.UNDECIDED),
        (StepOutcome(3, Outcome.FAIL, "ISSUER_UNKNOWN"), Authenticity.UNDECIDED),
        (StepOutcome(4, Outcome.FAIL, "KEY_COMPROMISED"), Authenticity.NOT_GENUINE),
        (StepOutcome(4, Outcome.UNDECIDED, "KEY_COMPROMISED_SINCE"), Authenticity.UNDECIDED),
        (StepOutcome(5, Outcome.FAIL, "SIGNATURE_INVALID"), Authenticity.NOT_GENUINE),
        (StepOutcome(5, Outcome.FAIL, "SUITE_MISSING"), Authenticity.UNDECIDED),
        (StepOutcome(6, Outcome.UNDECIDED, "NOT_YET_IN_VIEW"), Authenticity.UNDECIDED),
        (StepOutcome(8, Outcome.UNDECIDED, "TRUST_STATE_STALE"), Authenticity.GENUINE),
        (StepOutcome(12, Outcome.FAIL, "SUBJECT_MISMATCH"), Authenticity.GENUINE),
        (StepOutcome(13, Outcome.FAIL, "SECTION_ROOT_MISMATCH"), Authenticity.NOT_GENUINE),
        (StepOutcome(13, Outcome.UNDECIDED, "NOTHING_DISCLOSED"), Authenticity.GENUINE),
    ],
)
def test_authenticity_is_an_answer_of_its_own(outcome: StepOutcome, authenticity: Authenticity) -> None:
    judgement = judged_after(outcome)
    assert judgement.authenticity is authenticity
    assert judgement.decision is not Decision.ACCEPT


def test_no_subject_claimed_refers_another_subject_rejects() -> None:
    report = Report(SHANXI)
    unclaimed = report.judge(MARKET, examination=report.examine(claim=None))
    assert (unclaimed.decision, unclaimed.reasons) == (Decision.REFER, ("NO_SUBJECT_CLAIMED",))
    other = report.judge(MARKET, examination=report.examine(claim=("uscc", "91110000101623741K")))
    assert (other.decision, other.reasons) == (Decision.REJECT, ("SUBJECT_MISMATCH",))
    assert other.authenticity is Authenticity.GENUINE


def test_a_stale_trusted_state_refers() -> None:
    report = Report(SHANXI)
    judgement = report.judge(MARKET, examination=report.examine(trusted_for=timedelta(days=2)))
    assert (judgement.decision, judgement.reasons) == (Decision.REFER, ("TRUST_STATE_STALE",))


@pytest.mark.parametrize("flag", [flag for flag in StatusFlag if flag is not StatusFlag.REVOKED])
def test_any_flag_but_revoked_refers(flag: StatusFlag) -> None:
    judgement = Report(SHANXI).judge(MARKET, examination=flagged(flag))
    assert (judgement.decision, judgement.reasons) == (Decision.REFER, (f"STATUS_{flag.name}",))
    assert judgement.standing is Standing.FLAGGED


def test_every_flag_is_named_and_a_revocation_rejects() -> None:
    both = Report(SHANXI).judge(MARKET, examination=flagged(StatusFlag.CORRECTED, StatusFlag.NEWER_INFORMATION))
    assert both.reasons == ("STATUS_CORRECTED", "STATUS_NEWER_INFORMATION")
    judgement = Report(SHANXI).judge(MARKET, examination=flagged(StatusFlag.UNDER_OBJECTION, StatusFlag.REVOKED))
    assert (judgement.decision, judgement.standing) == (Decision.REJECT, Standing.REVOKED)
    assert judgement.reasons == ("REVOKED", "STATUS_UNDER_OBJECTION")
    assert judgement.authenticity is Authenticity.GENUINE


def test_an_expired_report_refers() -> None:
    report = Report(SHANXI, valid_until=NOW)
    judgement = report.judge(MARKET)
    assert (judgement.decision, judgement.standing) == (Decision.REFER, Standing.EXPIRED)
    assert judgement.reasons == ("EXPIRED",)


@pytest.mark.parametrize(("age", "accepted"), [(timedelta(days=30), True), (timedelta(days=30, seconds=1), False)])
def test_a_report_older_than_allowed_refers(age: timedelta, accepted: bool) -> None:
    judgement = Report(SHANXI).judge(MARKET, now=ISSUED + age)
    assert judgement.decision is (Decision.ACCEPT if accepted else Decision.REFER)
    assert judgement.reasons == (() if accepted else ("REPORT_TOO_OLD",))


def test_a_dated_ahead_report_rejects() -> None:
    report = Report(SHANXI)
    judgement = report.judge(MARKET, now=ISSUED - timedelta(hours=1))
    assert (judgement.decision, judgement.reasons) == (Decision.REJECT, ("ISSUED_IN_FUTURE",))


def test_an_issuer_that_is_not_recognised_rejects_whatever_the_report_proves() -> None:
    report = Report(SHANXI)
    presented = report.presented(report.examine())
    examination = report.examine()
    assessment = assess(plan_of(MARKET), report.view, None, presented)
    judgement = judge(examination, presented, report.edition.catalogue, Asked(MARKET, None, assessment), NOW)
    assert judgement.decision is Decision.REJECT
    assert judgement.reasons == ("ISSUER_NOT_RECOGNISED", "CATALOGUE_NOT_REVIEWED")
    assert judgement.authenticity is Authenticity.GENUINE


def test_breaking_the_issuing_schemes_rules_rejects() -> None:
    judgement = Report(SHANXI, template_version="0").judge(MARKET)
    assert (judgement.decision, judgement.reasons) == (Decision.REJECT, ("SCHEME_TEMPLATE",))


@pytest.mark.parametrize("items", [(), leaves("MK01", types=[])])
def test_an_empty_requirement_is_never_met(items: tuple[()]) -> None:
    judgement = Report(SHANXI).judge(requirement(GUIZHOU, *items))
    assert (judgement.decision, judgement.reasons) == (Decision.REFER, ("REQUIREMENT_EMPTY",))


def test_an_empty_item_beside_a_met_one_is_not_met() -> None:
    judgement = Report(SHANXI).judge(requirement(GUIZHOU, *leaves("MK01"), *leaves("EC07", types=[])))
    assert judgement.decision is Decision.REFER


def test_reasons_come_most_serious_first() -> None:
    late = NOW + timedelta(days=40)
    report = Report(
        SHANXI, valid_until=NOW, template_version="0", records={("6", PENALTY_ORDINARY): (penalty(date(2025, 1, 1)),)}
    )
    judgement = report.judge(
        replace(MARKET, months=60, items=leaves("MK01", "EC08")), now=late, examination=report.examine(late, claim=None)
    )
    assert (
        judgement.reasons
        == (
            "SCHEME_TEMPLATE",
            "RECOGNITION_NOT_IN_FORCE",
            "EXPIRED",
            "RECORDS_FOUND",
            "NOT_IN_CATALOGUE",
            "BEFORE_DATA_SINCE",
            "REPORT_TOO_OLD",
            "NO_SUBJECT_CLAIMED",
        )[:1]
        + judgement.reasons[1:]
    )
    assert [step for step in judgement.steps if step.number in (16, 17, 18)] == [
        Step(16, StepStatus.FAIL, "NOT_IN_CATALOGUE"),
        Step(17, StepStatus.FAIL, "RECORDS_FOUND"),
        Step(18, StepStatus.FAIL, "REJECT"),
    ]


def test_without_a_requirement_there_is_no_decision() -> None:
    report = Report(SHANXI)
    examination = report.examine()
    judgement = judge(examination, report.presented(examination), report.edition.catalogue, None, NOW)
    assert (judgement.decision, judgement.findings, judgement.reasons) == (None, (), ())
    assert (judgement.authenticity, judgement.standing) == (Authenticity.GENUINE, Standing.IN_FORCE)
    assert {step.status for step in judgement.steps[14:]} == {StepStatus.NOT_REQUIRED}


def test_a_forgery_has_no_content_and_no_standing() -> None:
    report = Report(SHANXI)
    forged = with_outcome(report.examine(), StepOutcome(5, Outcome.FAIL, "SIGNATURE_INVALID"))
    forged = replace(forged, examined=None)
    policy = policy_for(SHANXI, GUIZHOU)
    judgement = judge(forged, None, report.edition.catalogue, Asked(MARKET, policy, None), NOW)
    assert (judgement.authenticity, judgement.standing) == (Authenticity.NOT_GENUINE, Standing.UNKNOWN)
    assert (judgement.decision, judgement.findings) == (Decision.REJECT, ())
    assert judgement.reasons == ("SIGNATURE_INVALID", "NOT_REACHED")


def test_arguments_of_different_reports_or_instants_are_refused() -> None:
    report, other = Report(SHANXI), Report(SHANXI, scenario="listing")
    examination = report.examine()
    with pytest.raises(ValueError, match="not what was examined"):
        judge(examination, other.presented(other.examine()), None, None, NOW)
    with pytest.raises(ValueError, match="another instant"):
        judge(examination, report.presented(examination), None, None, NOW + timedelta(days=1))
    with pytest.raises(ValueError, match="another report"):
        judge(replace(examination, verified=other.examine().verified), None, None, None, NOW)
    with pytest.raises(ValueError, match="steps 1 to 13"):
        judge(replace(examination, outcomes=examination.outcomes[1:]), None, None, None, NOW)


def test_a_report_of_unknown_rows_is_genuine_and_proves_nothing_here() -> None:
    judgement = Report(LIAONING).judge(MARKET)
    assert judgement.authenticity is Authenticity.GENUINE
    assert (judgement.decision, judgement.reasons) == (Decision.REFER, (GapReason.CATALOGUE_UNKNOWN,))


def test_reasons_are_plain_texts() -> None:
    asked: Requirement = replace(MARKET, months=60)
    assert [type(reason) for reason in Report(SHANXI).judge(asked).reasons] == [str]
