"""Verdicts for the tests of their page: synthetic, in the model's values, turned into messages as a node would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from huxin.v1.verdict_pb2 import Verdict as VerdictMessage

from node.model.calendar import Period
from node.model.catalogue import Caveat
from node.model.freshness import AgeLimits, Basis, Freshness, FreshnessCondition, LimitSetter
from node.model.log import StatusFlag
from node.model.records import ENFORCEMENT, PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST
from node.model.subject import SubjectKind
from node.model.verdict import (
    Authenticity,
    CaveatUse,
    Decision,
    Finding,
    FindingKind,
    Gap,
    GapReason,
    InputDigests,
    Remedy,
    ReportFacts,
    Standing,
    Step,
    StepStatus,
    Verdict,
    ViewFacts,
)
from node.wire.verdict import encode_verdict

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIVE_YEARS = Period(date(2021, 11, 22), date(2026, 11, 22))
EARLY = Period(date(2021, 11, 22), date(2022, 8, 1))
NUMBER = "14000020261122000G40R40M30E209Q"

GAP = Gap(
    "MK01",
    PENALTY_ORDINARY,
    EARLY,
    GapReason.BEFORE_DATA_SINCE,
    ("市场监管",),
    ("市场监督管理",),
    (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
)
NOT_COVERED = Finding(
    "MK01",
    PENALTY_ORDINARY,
    FIVE_YEARS,
    FindingKind.NOT_COVERED,
    0,
    0,
    (GAP,),
    (CaveatUse(Caveat.SINCE_YEAR_ONLY, Period(date(2022, 8, 1), date(2023, 1, 1))),),
    date(2026, 11, 20),
    ("6",),
)
NOT_COVERED_SUMMARY = replace(
    NOT_COVERED, record_type=PENALTY_SUMMARY, gaps=(replace(GAP, record_type=PENALTY_SUMMARY),)
)
NO_RECORD = Finding(
    "EC07", SEVERE_LIST, FIVE_YEARS, FindingKind.NO_RECORD_FOUND, 0, 0, (), (), date(2026, 11, 20), ("16",)
)
HAS_RECORDS = Finding(
    "NR02", ENFORCEMENT, FIVE_YEARS, FindingKind.HAS_RECORDS, 3, 2, (), (), date(2026, 11, 20), ("5",)
)
COMMITTED = Finding(
    "FN02",
    PENALTY_ORDINARY,
    FIVE_YEARS,
    FindingKind.COMMITTED,
    0,
    0,
    (replace(GAP, leaf="FN02", reason=GapReason.NOT_IN_CATALOGUE, interval=FIVE_YEARS, issuer_wording=()),),
    (),
    None,
    (),
)
STEPS = tuple(Step(number, StepStatus.NOT_REQUIRED if number == 7 else StepStatus.PASS) for number in range(1, 19))
FACTS = ReportFacts(NUMBER, "140000", "140000", SubjectKind.ENTERPRISE, NOW, FIVE_YEARS, "140000/2025-237", NOW)
ACCEPTED = Verdict(
    Authenticity.GENUINE,
    Standing.IN_FORCE,
    Decision.ACCEPT,
    (),
    STEPS,
    (NO_RECORD,),
    FACTS,
    (),
    ViewFacts("huxin/140000", 12, NOW, 40),
    600,
    Basis(
        NOW,
        NOW,
        Freshness(FreshnessCondition.FRESH, 600, AgeLimits(DAY, 30 * DAY, LimitSetter.NODE)),
        Freshness(FreshnessCondition.FRESH, 40, AgeLimits(DAY / 24, DAY / 2, LimitSetter.CERTIFICATE)),
    ),
    InputDigests(),
    "示例：招标投标",
)
REFERRED = replace(
    ACCEPTED,
    decision=Decision.REFER,
    standing=Standing.FLAGGED,
    reasons=("RECORDS_FOUND", "BEFORE_DATA_SINCE", "LOG_VIEW_STALE"),
    steps=(
        *STEPS[:8],
        Step(9, StepStatus.UNDECIDED, "LOG_VIEW_STALE"),
        *STEPS[9:15],
        Step(16, StepStatus.FAIL, "BEFORE_DATA_SINCE"),
        Step(17, StepStatus.FAIL, "RECORDS_FOUND"),
        Step(18, StepStatus.FAIL, "REFER"),
    ),
    findings=(NOT_COVERED, NOT_COVERED_SUMMARY, NO_RECORD, HAS_RECORDS, COMMITTED),
    flags=(StatusFlag.UNDER_OBJECTION,),
    log_view=ViewFacts("huxin/140000", 12, NOW, 3 * 3600),
)
REJECTED = replace(
    ACCEPTED,
    authenticity=Authenticity.NOT_GENUINE,
    standing=Standing.UNKNOWN,
    decision=Decision.REJECT,
    reasons=("SIGNATURE_INVALID",),
    steps=(
        *STEPS[:4],
        Step(5, StepStatus.FAIL, "SIGNATURE_INVALID"),
        *(Step(number, StepStatus.UNDECIDED, "NOT_REACHED") for number in range(6, 18)),
        Step(18, StepStatus.FAIL, "REJECT"),
    ),
    findings=(),
    report=None,
    log_view=None,
)
AUTHENTICITY_ONLY = replace(ACCEPTED, decision=None, findings=(), requirement_title="")


def message(verdict: Verdict) -> VerdictMessage:
    """The verdict as a node answers it."""
    return VerdictMessage.FromString(encode_verdict(verdict))
