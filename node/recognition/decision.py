"""Steps 14 to 18 on top of what `trust.verify` found, and the two answers that are kept apart: authenticity, decision.

| decision | when |
|---|---|
| ACCEPT | a `Verified` (steps 1-13 passed, 7 possibly not required), steps 14-17 passed |
| REJECT | some step failed for a reason outside `_REFERS` |
| REFER  | everything else: whatever is undecided ends here |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from node.model.catalogue import Catalogue
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.model.verdict import Authenticity, Decision, Finding, GapReason, Standing, Step, StepStatus
from node.recognition.findings import Assessment
from node.recognition.presented import Presented
from node.recognition.scheme import recognition_step, scheme_step
from trust.outcome import StepOutcome
from trust.verify import Examination, Verified
from trust.vocabulary import StatusFlag

REPORT_TOO_OLD = "REPORT_TOO_OLD"
REQUIREMENT_EMPTY = "REQUIREMENT_EMPTY"
RECORDS_FOUND = "RECORDS_FOUND"
NOT_REACHED = "NOT_REACHED"

_EXPIRED, _REVOKED, _UNPROVEN = "EXPIRED", "REVOKED", "STATUS_UNPROVEN"
_REFERS = frozenset(
    {
        "STATUS_UNDER_OBJECTION",
        "STATUS_CORRECTED",
        "STATUS_SUPERSEDED",
        "STATUS_NEWER_INFORMATION",
        "STATUS_UNREADABLE",
        _EXPIRED,
        REPORT_TOO_OLD,
        REQUIREMENT_EMPTY,
        RECORDS_FOUND,
        *GapReason,
    }
)
"""Reasons of failed steps that a person must look at. Every other failed step rejects."""

_AUTHENTICITY_STEPS = (1, 2, 3, 4, 5, 6, 13)
_OURS = frozenset({"ISSUER_UNKNOWN", "ISSUER_MISMATCH", "SUITE_MISSING"})
"""Failures that say what we know or ask for, not that the document is forged."""

_SHOWS_NOTHING = "NOTHING_DISCLOSED"
"""Step 13 of a statement without sections: it can be genuine, there is only no content to rely on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a relying party asked. `assessment` is None when the report's content could not be relied on."""

    requirement: Requirement
    policy: RecognitionPolicy | None
    assessment: Assessment | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer, all 18 steps, and for a decision other than ACCEPT its reasons, most serious first."""

    authenticity: Authenticity
    standing: Standing
    decision: Decision | None
    reasons: tuple[str, ...]
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


def judge(
    examination: Examination,
    presented: Presented | None,
    catalogue: Catalogue | None,
    asked: Asked | None,
    as_of: datetime,
) -> Judgement:
    """Decides. A pure function of its arguments; `as_of` is the instant whose rules `examination` applied.

    `presented` is None when signatures or digests do not hold or the sections cannot be read; `catalogue` is the
    issuer's version that the report names, None when it is not known here; `asked` None asks for authenticity and
    standing only. Raises ValueError when the arguments belong to different reports or instants: a fault of the caller.
    """
    _require_one_case(examination, presented, as_of)
    given, authenticity = _given(examination.outcomes)
    steps = list(given)
    standing = _standing(examination, steps, authenticity)
    steps.append(_unreached(14) if presented is None else scheme_step(presented, catalogue))
    if asked is None:
        steps.extend(_step(number, StepStatus.NOT_REQUIRED.value, "") for number in (15, 16, 17, 18))
        return Judgement(authenticity, standing, None, _named(examination, steps, ()), tuple(steps), ())
    lacks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    if presented is None or asked.assessment is None:
        steps.extend(_unreached(number) for number in (15, 16, 17))
    else:
        findings = asked.assessment.findings
        lacks = _lacks(presented, asked.requirement, asked.assessment, as_of)
        steps.extend(_asked_steps(presented, asked, asked.assessment, lacks, as_of))
    decision = _decide(examination.verified, steps)
    reasons = () if decision is Decision.ACCEPT else _named(examination, steps, lacks)
    steps.append(_passed_unless(18, () if decision is Decision.ACCEPT else (decision.value,)))
    return Judgement(authenticity, standing, decision, reasons, tuple(steps), findings)


def foresee(
    failing: Sequence[Step], presented: Presented, catalogue: Catalogue | None, asked: Asked, at: datetime
) -> tuple[Decision, tuple[str, ...]]:
    """What `judge` would come to, with its reasons, on a report that nobody has issued: advice, never a verdict.

    `failing` are those of steps 1 to 13 that are known not to pass whatever the report; the others are taken as passed.
    One that fails leaves the content unread, as it does there. Raises ValueError when `asked` has no assessment.
    """
    if asked.assessment is None:
        raise ValueError("nothing can be foreseen of content that was not assessed")
    if _rejected(failing):
        return Decision.REJECT, _reasons((), failing, ())
    lacks = _lacks(presented, asked.requirement, asked.assessment, at)
    owed = _asked_steps(presented, asked, asked.assessment, lacks, at)
    steps = (*failing, scheme_step(presented, catalogue), *owed)
    if _rejected(steps):
        return Decision.REJECT, _reasons((), steps, lacks)
    if all(step.status is StepStatus.PASS for step in steps):
        return Decision.ACCEPT, ()
    return Decision.REFER, _reasons((), steps, lacks)


def _decide(verified: Verified | None, steps: Sequence[Step]) -> Decision:
    """Step 18. Without a `Verified` nothing is accepted, whatever the steps say."""
    if _rejected(steps):
        return Decision.REJECT
    owed = [step.status for step in steps if step.number > 13]
    if verified is not None and owed == [StepStatus.PASS] * 4:
        return Decision.ACCEPT
    return Decision.REFER


def _rejected(steps: Sequence[Step]) -> bool:
    return any(step.status is StepStatus.FAIL and step.reason not in _REFERS for step in steps)


def _asked_steps(
    presented: Presented, asked: Asked, assessment: Assessment, lacks: tuple[str, ...], as_of: datetime
) -> tuple[Step, Step, Step]:
    """Steps 15 to 17."""
    return (
        recognition_step(presented, asked.policy, asked.requirement, as_of),
        _passed_unless(16, lacks),
        _passed_unless(17, (RECORDS_FOUND,) if assessment.counted_records else ()),
    )


def _require_one_case(examination: Examination, presented: Presented | None, as_of: datetime) -> None:
    examined, verified = examination.examined, examination.verified
    if presented is not None and (examined is None or examined.envelope_digest != presented.envelope_digest):
        raise ValueError("what is presented is not what was examined")
    if verified is not None and (verified.at != as_of or verified.examined is not examined):
        raise ValueError("what was verified is another report, or was verified for another instant")


def _given(outcomes: tuple[StepOutcome, ...]) -> tuple[tuple[Step, ...], Authenticity]:
    """Steps 1 to 13 as trust found them, and what they say of authenticity.

    Equal outcomes are one object, so the few combinations that occur are remembered by identity; the outcomes are kept
    with the answer, so that no other object can take their place.
    """
    key = tuple(map(id, outcomes))
    known = _GIVEN.get(key)
    if known is None:
        if [outcome.number for outcome in outcomes] != list(range(1, 14)):
            raise ValueError("an examination has the outcomes of steps 1 to 13, in order")
        steps = tuple(_step(outcome.number, outcome.status.value, outcome.reason) for outcome in outcomes)
        if len(_GIVEN) >= _GIVEN_KEPT:
            _GIVEN.clear()
        known = _GIVEN[key] = (outcomes, (steps, _authenticity(steps)))
    return known[1]


_GIVEN_KEPT = 1_024
_GIVEN: dict[tuple[int, ...], tuple[tuple[StepOutcome, ...], tuple[tuple[Step, ...], Authenticity]]] = {}


def _lacks(presented: Presented, requirement: Requirement, assessment: Assessment, as_of: datetime) -> tuple[str, ...]:
    """Why the requirement is not met, records apart: the reasons of step 16."""
    too_old = as_of - presented.issued_at > timedelta(days=requirement.max_report_age_days)
    return (
        *((REQUIREMENT_EMPTY,) if assessment.empty else ()),
        *(reason.value for reason in assessment.gap_reasons),
        *((REPORT_TOO_OLD,) if too_old else ()),
    )


def _authenticity(steps: Sequence[Step]) -> Authenticity:
    relevant = [step for step in steps if step.number in _AUTHENTICITY_STEPS and step.reason != _SHOWS_NOTHING]
    if any(step.status is StepStatus.FAIL and step.reason not in _OURS for step in relevant):
        return Authenticity.NOT_GENUINE
    if all(step.status is StepStatus.PASS for step in relevant):
        return Authenticity.GENUINE
    return Authenticity.UNDECIDED


def _standing(examination: Examination, steps: Sequence[Step], authenticity: Authenticity) -> Standing:
    """Revoked outweighs expired, expired outweighs the other flags; a forged document has no standing."""
    status, validity = steps[9], steps[10]
    if authenticity is Authenticity.NOT_GENUINE:
        return Standing.UNKNOWN
    if status.reason == _REVOKED:
        return Standing.REVOKED
    if validity.reason == _EXPIRED:
        return Standing.EXPIRED
    if examination.flags:
        return Standing.FLAGGED
    return Standing.IN_FORCE if status.status is StepStatus.PASS else Standing.UNKNOWN


def _named(examination: Examination, steps: Sequence[Step], lacks: tuple[str, ...]) -> tuple[str, ...]:
    return _reasons(examination.flags, steps, lacks, doubted=examination.doubted)


def _reasons(
    set_flags: Sequence[StatusFlag], steps: Sequence[Step], lacks: tuple[str, ...], *, doubted: bool = False
) -> tuple[str, ...]:
    """All reasons, each once: what rejects, then failed steps that refer, then what is undecided; by step in each.

    Records stand before gaps. Every flag is named, not only the one that step 10 gives. `doubted`: so is one that is
    unproven beside them, unless the report is revoked, which no other flag could change.
    """
    flags = tuple(_REVOKED if flag.name == _REVOKED else f"STATUS_{flag.name}" for flag in set_flags)
    failed = [reason for step in steps if step.status is StepStatus.FAIL for reason in _all_of(step, flags, lacks)]
    unproven = (_UNPROVEN,) if doubted and _REVOKED not in flags else ()
    undecided = [
        reason
        for step in steps
        for reason in (
            *((step.reason,) if step.status is StepStatus.UNDECIDED else ()),
            *(unproven if step.number == 10 else ()),
        )
    ]
    ranked = sorted(failed, key=lambda reason: (reason in _REFERS, reason in lacks))
    return tuple(dict.fromkeys((*ranked, *undecided)))


def _all_of(step: Step, flags: tuple[str, ...], lacks: tuple[str, ...]) -> tuple[str, ...]:
    return (step.reason, *{10: flags, 16: lacks}.get(step.number, ()))


def _passed_unless(number: int, reasons: tuple[str, ...]) -> Step:
    return _step(number, StepStatus.FAIL.value, reasons[0]) if reasons else _step(number, StepStatus.PASS.value, "")


def _unreached(number: int) -> Step:
    return _step(number, StepStatus.UNDECIDED.value, NOT_REACHED)


@lru_cache(maxsize=1_024)
def _step(number: int, status: str, reason: str) -> Step:
    """One of the few steps there are: a batch of verdicts shares them."""
    return Step(number, StepStatus(status), reason)
