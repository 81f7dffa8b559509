"""Verdicts as bytes: equal to what the protobuf library itself writes, and the same for equal verdicts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import period_pb2, statement_pb2, subject_pb2, verification_service_pb2
from huxin.v1 import verdict_pb2 as pb

from node.model.calendar import Period
from node.model.catalogue import Caveat
from node.model.freshness import AgeLimits, Basis, Freshness, FreshnessCondition, LimitSetter
from node.model.log import StatusFlag
from node.model.records import CRIMINAL, PENALTY_ORDINARY
from node.model.subject import SubjectKind
from node.model.verdict import (
    Authenticity,
    CaveatUse,
    Decision,
    Existed,
    Finding,
    FindingKind,
    Gap,
    GapReason,
    InputDigests,
    LaterFlag,
    Remedy,
    ReportFacts,
    Standing,
    Step,
    StepStatus,
    Verdict,
    ViewFacts,
)
from node.wire.status import STATUS_FLAG_NUMBERS, STATUS_FLAGS
from node.wire.subject import ID_TYPES, SUBJECT_KINDS
from node.wire.verdict import encode_batch_response, encode_verdict, encode_verify_response

YEARS = Period(date(2021, 11, 22), date(2026, 11, 22))
EARLY = Period(date(2021, 11, 22), date(2022, 8, 1))
MOMENT = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
LIMITS = AgeLimits(timedelta(minutes=30), timedelta(days=1), LimitSetter.CERTIFICATE)
BASIS = Basis(
    MOMENT - timedelta(days=1),
    MOMENT,
    Freshness(FreshnessCondition.GRACE, 3600, LIMITS, MOMENT),
    Freshness(FreshnessCondition.FRESH, 12, replace(LIMITS, set_by=LimitSetter.REQUIREMENT)),
    True,
)


def verdict_message(of: Verdict) -> pb.Verdict:
    return pb.Verdict.FromString(encode_verdict(of))


def verdict() -> Verdict:
    """Made anew each time: equality, not identity, must decide."""
    gap = Gap(
        "MK01",
        PENALTY_ORDINARY,
        EARLY,
        GapReason.CAVEAT_REFUSED,
        ("市场监管",),
        ("市场监管", "6"),
        (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
        Caveat.CLOSE_MATCH,
    )
    found = Finding(
        "MK01",
        PENALTY_ORDINARY,
        YEARS,
        FindingKind.HAS_RECORDS,
        3,
        2,
        (gap,),
        (CaveatUse(Caveat.TYPES_SCHEME_WIDE, YEARS),),
        date(2026, 11, 20),
        ("19",),
    )
    bare = Finding("", CRIMINAL, YEARS, FindingKind.NO_RECORD_FOUND, 0, 0, (), (), None, ())
    return Verdict(
        Authenticity.GENUINE,
        Standing.FLAGGED,
        Decision.REFER,
        ("UNDER_OBJECTION", "HAS_RECORDS"),
        (*(Step(number, StepStatus.PASS) for number in range(1, 18)), Step(18, StepStatus.UNDECIDED, "GAPS")),
        (found, bare, found),
        ReportFacts(
            "14000020261122000G40R40M30E209Q",
            "140000",
            "140000",
            SubjectKind.BRANCH,
            MOMENT,
            YEARS,
            "140000/2025-237",
            MOMENT,
        ),
        (StatusFlag.UNDER_OBJECTION, StatusFlag.NEWER_INFORMATION),
        ViewFacts("huxin/140000", 300, MOMENT, 12),
        3600,
        replace(BASIS),
        InputDigests(*(bytes([number]) * 32 for number in range(9))),
        "合成采购",
        (LaterFlag(StatusFlag.REVOKED, True, MOMENT), LaterFlag(StatusFlag.CORRECTED, False, MOMENT)),
        3,
        2,
        Existed(MOMENT, False, ("huxin/520000/node", "huxin/620100/node")),
        10,
    )


def by_the_library() -> pb.Verdict:
    moment = Timestamp()
    moment.FromDatetime(MOMENT)
    years = period_pb2.Period(start="2021-11-22", end="2026-11-22")
    found = pb.Finding(
        leaf="MK01",
        record_type="administrative_penalty_ordinary",
        interval=years,
        kind=pb.FINDING_KIND_HAS_RECORDS,
        records=3,
        counted_records=2,
        gaps=[
            pb.Gap(
                leaf="MK01",
                record_type="administrative_penalty_ordinary",
                interval=period_pb2.Period(start="2021-11-22", end="2022-08-01"),
                reason="CAVEAT_REFUSED",
                required_wording=["市场监管"],
                issuer_wording=["市场监管", "6"],
                remedies=["OTHER_JURISDICTION", "COMMITMENT"],
                caveat="CLOSE_MATCH",
            )
        ],
        caveats=[pb.CaveatUse(caveat="TYPES_SCHEME_WIDE", interval=years)],
        covered_until="2026-11-20",
        required_rows=["19"],
    )
    bare = pb.Finding(record_type="criminal_judgment", interval=years, kind=pb.FINDING_KIND_NO_RECORD_FOUND)
    return pb.Verdict(
        authenticity=pb.AUTHENTICITY_GENUINE,
        standing=pb.STANDING_FLAGGED,
        decision=pb.DECISION_REFER,
        reasons=["UNDER_OBJECTION", "HAS_RECORDS"],
        steps=[
            *(pb.StepResult(number=number, status=pb.STEP_STATUS_PASS) for number in range(1, 18)),
            pb.StepResult(number=18, status=pb.STEP_STATUS_UNDECIDED, reason="GAPS"),
        ],
        findings=[found, bare, found],
        report=pb.ReportFacts(
            report_number="14000020261122000G40R40M30E209Q",
            issuer="140000",
            territory="140000",
            subject_kind=subject_pb2.SUBJECT_KIND_BRANCH,
            issued_at=moment,
            period=years,
            scheme="140000/2025-237",
            data_cutoff=moment,
        ),
        flags=[statement_pb2.STATUS_FLAG_UNDER_OBJECTION, statement_pb2.STATUS_FLAG_NEWER_INFORMATION],
        log_view=pb.LogView(origin="huxin/140000", size=300, fresh_at=moment, age_seconds=12),
        trust_state_age_seconds=3600,
        decided_at=moment,
        inputs=pb.DecisionInputs(
            bundle=bytes([0]) * 32,
            trust_certificate=bytes([1]) * 32,
            requirement=bytes([2]) * 32,
            issuer_catalogue=bytes([3]) * 32,
            issuer_crosswalk=bytes([4]) * 32,
            own_crosswalk=bytes([5]) * 32,
            trusted_state=bytes([6]) * 32,
            log_root=bytes([7]) * 32,
            present_certificate=bytes([8]) * 32,
        ),
        requirement_title="合成采购",
        later_flags=[
            pb.LaterFlag(flag=statement_pb2.STATUS_FLAG_REVOKED, set=True, effective_at=moment),
            pb.LaterFlag(flag=statement_pb2.STATUS_FLAG_CORRECTED, effective_at=moment),
        ],
        as_of=Timestamp(seconds=moment.seconds - 86_400, nanos=moment.nanos),
        known_at=moment,
        trust_state=pb.Freshness(
            condition=pb.FRESHNESS_CONDITION_GRACE,
            age_seconds=3600,
            fresh_limit_seconds=1800,
            stale_limit_seconds=86_400,
            limit_set_by=pb.LIMIT_SETTER_CERTIFICATE,
            expires_at=moment,
        ),
        log_view_freshness=pb.Freshness(
            condition=pb.FRESHNESS_CONDITION_FRESH,
            age_seconds=12,
            fresh_limit_seconds=1800,
            stale_limit_seconds=86_400,
            limit_set_by=pb.LIMIT_SETTER_REQUIREMENT,
        ),
        recognition_withdrawn_since=True,
        witnesses=3,
        witness_quorum=2,
        existed=pb.Existence(seen_at=moment, witnesses=["huxin/520000/node", "huxin/620100/node"]),
        retry_seconds=10,
    )


def test_the_bytes_are_those_of_the_library() -> None:
    assert verdict_message(verdict()) == by_the_library()
    assert encode_verdict(verdict()) == by_the_library().SerializeToString(deterministic=True)


def test_equal_verdicts_give_equal_bytes() -> None:
    assert encode_verdict(verdict()) == encode_verdict(verdict())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"authenticity": Authenticity.UNDECIDED}, "authenticity"),
        ({"standing": Standing.EXPIRED}, "standing"),
        ({"decision": None}, "decision"),
        ({"reasons": ()}, "reasons"),
        ({"steps": (Step(1, StepStatus.FAIL, "TOO_LARGE"),)}, "steps"),
        ({"findings": ()}, "findings"),
        ({"report": None}, "report"),
        ({"flags": ()}, "flags"),
        ({"log_view": None}, "log_view"),
        ({"log_view": ViewFacts("", 0, None, 0)}, "log_view"),
        ({"trust_state_age_seconds": 1}, "trust_state_age_seconds"),
        ({"basis": replace(BASIS, as_of=MOMENT)}, "as_of"),
        ({"basis": replace(BASIS, trust_state=None)}, "trust_state"),
        ({"basis": replace(BASIS, log_view=None)}, "log_view_freshness"),
        ({"basis": replace(BASIS, recognition_withdrawn_since=False)}, "recognition_withdrawn_since"),
        ({"later_flags": ()}, "later_flags"),
        ({"inputs": InputDigests()}, "inputs"),
        ({"requirement_title": ""}, "requirement_title"),
        ({"witnesses": 0}, "witnesses"),
        ({"witness_quorum": 1}, "witness_quorum"),
        ({"existed": None}, "existed"),
        ({"existed": Existed(MOMENT, True, ())}, "existed"),
        ({"retry_seconds": 0}, "retry_seconds"),
        ({"retry_seconds": 3}, "retry_seconds"),
    ],
)
def test_no_part_that_is_remembered_answers_for_another(changes: dict[str, object], field: str) -> None:
    before = verdict_message(verdict())
    changed = verdict_message(replace(verdict(), **changes))  # type: ignore[arg-type] # fields by name
    names = [each.name for each in pb.Verdict.DESCRIPTOR.fields]
    differing = {name for name in names if getattr(before, name) != getattr(changed, name)}
    assert differing == {field}


def test_a_log_view_that_nobody_signed_yet_is_still_there() -> None:
    message = verdict_message(replace(verdict(), log_view=ViewFacts("", 0, None, 0)))
    assert message.HasField("log_view")
    assert not message.log_view.HasField("fresh_at")


@pytest.mark.parametrize("title", ["", "长" * 20, "长" * 100, "长" * 6_000])
def test_responses_of_every_length(title: str) -> None:
    one = replace(verdict(), requirement_title=title)
    response = verification_service_pb2.VerifyResponse.FromString(encode_verify_response(one))
    assert response == verification_service_pb2.VerifyResponse(verdict=verdict_message(one))
    batch = verification_service_pb2.BatchVerifyResponse.FromString(encode_batch_response([one, verdict(), one]))
    assert list(batch.verdicts) == [verdict_message(one), verdict_message(verdict()), verdict_message(one)]


def test_an_empty_batch_is_an_empty_response() -> None:
    assert encode_batch_response([]) == b""


@pytest.mark.parametrize(
    ("numbers", "table"),
    [
        (statement_pb2.StatusFlag.values(), {number: flag for flag, number in STATUS_FLAG_NUMBERS.items()}),
        (subject_pb2.SubjectKind.values(), SUBJECT_KINDS),
        (subject_pb2.IdType.values(), ID_TYPES),
    ],
)
def test_every_enum_number_but_zero_is_in_its_table(numbers: list[int], table: dict[int, object]) -> None:
    assert set(table) == set(numbers) - {0}
    assert len(set(table.values())) == len(table)


def test_a_flag_that_cannot_be_read_is_told_and_never_asked_for() -> None:
    assert set(STATUS_FLAG_NUMBERS) - set(STATUS_FLAGS.values()) == {StatusFlag.UNREADABLE}


@pytest.mark.parametrize("kind", FindingKind)
@pytest.mark.parametrize("status", StepStatus)
def test_every_value_has_a_number(kind: FindingKind, status: StepStatus) -> None:
    finding = replace(verdict().findings[0], kind=kind)
    message = verdict_message(replace(verdict(), findings=(finding,), steps=(Step(1, status),)))
    assert pb.FindingKind.Name(message.findings[0].kind) == f"FINDING_KIND_{kind.value}"
    assert pb.StepStatus.Name(message.steps[0].status) == f"STEP_STATUS_{status.value}"


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("authenticity", Authenticity)
@pytest.mark.parametrize("decision", Decision)
def test_every_answer_has_a_number(standing: Standing, authenticity: Authenticity, decision: Decision) -> None:
    message = verdict_message(replace(verdict(), standing=standing, authenticity=authenticity, decision=decision))
    named = "UNSPECIFIED" if standing is Standing.UNKNOWN else standing.value
    assert pb.Standing.Name(message.standing) == f"STANDING_{named}"
    assert pb.Authenticity.Name(message.authenticity) == f"AUTHENTICITY_{authenticity.value}"
    assert pb.Decision.Name(message.decision) == f"DECISION_{decision.value}"
