"""Verdicts as bytes.

A batch answers a thousand verdicts of twenty parts each, most of them seen before, so this module writes the wire form
itself: a serialised message is the concatenation of its serialised fields (protobuf encoding, "Merging"), hence parts
that repeat (steps, findings, facts) are serialised once and joined. Parts follow in the order of their field numbers,
and equal verdicts give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from huxin.v1 import verdict_pb2 as pb
from huxin.v1 import verification_service_pb2 as service_pb

from node.model.freshness import Basis, Freshness, FreshnessCondition, LimitSetter
from node.model.log import StatusFlag
from node.model.verdict import (
    Authenticity,
    CaveatUse,
    Decision,
    Existed,
    Finding,
    FindingKind,
    Gap,
    InputDigests,
    LaterFlag,
    ReportFacts,
    Standing,
    Step,
    StepStatus,
    Verdict,
    ViewFacts,
)
from node.wire.fields import day_text, period_message, timestamp
from node.wire.status import STATUS_FLAG_NUMBERS
from node.wire.subject import SUBJECT_KIND_NUMBERS

_AUTHENTICITY = {
    Authenticity.GENUINE: pb.AUTHENTICITY_GENUINE,
    Authenticity.NOT_GENUINE: pb.AUTHENTICITY_NOT_GENUINE,
    Authenticity.UNDECIDED: pb.AUTHENTICITY_UNDECIDED,
}
_STANDING = {
    Standing.UNKNOWN: pb.STANDING_UNSPECIFIED,
    Standing.IN_FORCE: pb.STANDING_IN_FORCE,
    Standing.FLAGGED: pb.STANDING_FLAGGED,
    Standing.REVOKED: pb.STANDING_REVOKED,
    Standing.EXPIRED: pb.STANDING_EXPIRED,
}
DECISION_NUMBERS = {
    None: pb.DECISION_UNSPECIFIED,
    Decision.ACCEPT: pb.DECISION_ACCEPT,
    Decision.REFER: pb.DECISION_REFER,
    Decision.REJECT: pb.DECISION_REJECT,
}
_STEP_STATUS = {
    StepStatus.PASS: pb.STEP_STATUS_PASS,
    StepStatus.FAIL: pb.STEP_STATUS_FAIL,
    StepStatus.UNDECIDED: pb.STEP_STATUS_UNDECIDED,
    StepStatus.NOT_REQUIRED: pb.STEP_STATUS_NOT_REQUIRED,
}
_FINDING_KIND = {
    FindingKind.HAS_RECORDS: pb.FINDING_KIND_HAS_RECORDS,
    FindingKind.NO_RECORD_FOUND: pb.FINDING_KIND_NO_RECORD_FOUND,
    FindingKind.NOT_COVERED: pb.FINDING_KIND_NOT_COVERED,
    FindingKind.COMMITTED: pb.FINDING_KIND_COMMITTED,
}
_CONDITION = {
    None: pb.FRESHNESS_CONDITION_UNSPECIFIED,
    FreshnessCondition.FRESH: pb.FRESHNESS_CONDITION_FRESH,
    FreshnessCondition.GRACE: pb.FRESHNESS_CONDITION_GRACE,
    FreshnessCondition.STALE: pb.FRESHNESS_CONDITION_STALE,
    FreshnessCondition.EXPIRED: pb.FRESHNESS_CONDITION_EXPIRED,
}
_LIMIT_SETTER = {
    LimitSetter.NODE: pb.LIMIT_SETTER_NODE,
    LimitSetter.CERTIFICATE: pb.LIMIT_SETTER_CERTIFICATE,
    LimitSetter.REQUIREMENT: pb.LIMIT_SETTER_REQUIREMENT,
}

# No part of a verdict holds an identifier of a subject, so remembering parts keeps nobody's data.
_REMEMBERED = 8_192
_OF_THE_MOMENT = 64
"""Parts that name the time repeat within a group of callers or a second, and never again."""


def encode_verdict(verdict: Verdict) -> bytes:
    """Serialised `Verdict`. Equal verdicts give equal bytes."""
    return b"".join(
        (
            _head(verdict.authenticity, verdict.standing, verdict.decision, verdict.reasons),
            _steps(verdict.steps),
            *map(_finding, verdict.findings),
            _report(verdict.report),
            _standing_view(verdict.flags, verdict.log_view),
            _decided(verdict.trust_state_age_seconds, verdict.basis.known_at),
            _inputs(verdict.inputs),
            _title(verdict.requirement_title),
            _later(verdict.later_flags) if verdict.later_flags else b"",
            _basis(verdict.basis),
            _witnesses(verdict.witnesses, verdict.witness_quorum),
            b"" if verdict.existed is None else _existed(verdict.existed),
            _retry(verdict.retry_seconds) if verdict.retry_seconds else b"",
        )
    )


def encode_verify_response(verdict: Verdict) -> bytes:
    """Serialised `VerifyResponse`."""
    return _delimited(_VERDICT_TAG, encode_verdict(verdict))


def encode_batch_response(verdicts: Iterable[Verdict]) -> bytes:
    """Serialised `BatchVerifyResponse`, verdicts in the order given."""
    return b"".join(_delimited(_VERDICTS_TAG, encode_verdict(verdict)) for verdict in verdicts)


def _tag(field_number: int) -> bytes:
    """Tag of a length-delimited field with a number below 16."""
    return bytes((field_number << 3 | 2,))


_VERDICT_TAG = _tag(service_pb.VerifyResponse.VERDICT_FIELD_NUMBER)
_VERDICTS_TAG = _tag(service_pb.BatchVerifyResponse.VERDICTS_FIELD_NUMBER)
_INPUTS_TAG = _tag(pb.Verdict.INPUTS_FIELD_NUMBER)
_WITHDRAWN_SINCE = pb.Verdict(recognition_withdrawn_since=True).SerializeToString()
_BUNDLE_TAG = _tag(pb.DecisionInputs.BUNDLE_FIELD_NUMBER)


def _delimited(tag: bytes, payload: bytes) -> bytes:
    """One length-delimited field: tag, length as a base-128 varint, payload."""
    length, varint = len(payload), bytearray(tag)
    while length > 0x7F:
        varint.append(length & 0x7F | 0x80)
        length >>= 7
    varint.append(length)
    return bytes(varint) + payload


@lru_cache(maxsize=_REMEMBERED)
def _head(authenticity: Authenticity, standing: Standing, decision: Decision | None, reasons: tuple[str, ...]) -> bytes:
    return pb.Verdict(
        authenticity=_AUTHENTICITY[authenticity],
        standing=_STANDING[standing],
        decision=DECISION_NUMBERS[decision],
        reasons=reasons,
    ).SerializeToString()


@lru_cache(maxsize=_REMEMBERED)
def _steps(steps: tuple[Step, ...]) -> bytes:
    return pb.Verdict(
        steps=[
            pb.StepResult(number=step.number, status=_STEP_STATUS[step.status], reason=step.reason) for step in steps
        ]
    ).SerializeToString()


@lru_cache(maxsize=_REMEMBERED)
def _finding(finding: Finding) -> bytes:
    return pb.Verdict(findings=[finding_message(finding)]).SerializeToString()


def finding_message(finding: Finding) -> pb.Finding:
    """What was found in one cell, as a message."""
    return pb.Finding(
        leaf=finding.leaf,
        record_type=finding.record_type,
        interval=period_message(finding.interval),
        kind=_FINDING_KIND[finding.kind],
        records=finding.records,
        counted_records=finding.counted_records,
        gaps=[_gap(gap) for gap in finding.gaps],
        caveats=[_caveat_use(use) for use in finding.caveats],
        covered_until=day_text(finding.covered_until),
        required_rows=finding.required_rows,
    )


def _gap(gap: Gap) -> pb.Gap:
    return pb.Gap(
        leaf=gap.leaf,
        record_type=gap.record_type,
        interval=period_message(gap.interval),
        reason=gap.reason.value,
        required_wording=gap.required_wording,
        issuer_wording=gap.issuer_wording,
        remedies=[remedy.value for remedy in gap.remedies],
        caveat=gap.caveat.value if gap.caveat is not None else "",
    )


def _caveat_use(use: CaveatUse) -> pb.CaveatUse:
    return pb.CaveatUse(caveat=use.caveat.value, interval=period_message(use.interval))


@lru_cache(maxsize=_REMEMBERED)
def _report(facts: ReportFacts | None) -> bytes:
    if facts is None:
        return b""
    message = pb.ReportFacts(
        report_number=facts.report_number,
        issuer=facts.issuer,
        territory=facts.territory,
        subject_kind=SUBJECT_KIND_NUMBERS[facts.subject_kind],
        issued_at=timestamp(facts.issued_at),
        period=period_message(facts.period),
        scheme=facts.scheme,
        data_cutoff=timestamp(facts.data_cutoff),
    )
    return pb.Verdict(report=message).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _standing_view(flags: tuple[StatusFlag, ...], view: ViewFacts | None) -> bytes:
    message = pb.Verdict(flags=[STATUS_FLAG_NUMBERS[flag] for flag in flags])
    if view is not None:
        message.log_view.origin = view.origin
        message.log_view.size = view.size
        message.log_view.age_seconds = view.age_seconds
        if view.fresh_at is not None:
            message.log_view.fresh_at.CopyFrom(timestamp(view.fresh_at))
    return message.SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _basis(basis: Basis) -> bytes:
    return b"".join(
        (
            pb.Verdict(as_of=timestamp(basis.as_of), known_at=timestamp(basis.known_at)).SerializeToString(),
            _trust_state(basis.trust_state),
            _log_view_freshness(basis.log_view),
            _WITHDRAWN_SINCE if basis.recognition_withdrawn_since else b"",
        )
    )


@lru_cache(maxsize=_OF_THE_MOMENT)
def _trust_state(freshness: Freshness | None) -> bytes:
    return b"" if freshness is None else pb.Verdict(trust_state=_freshness(freshness)).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _log_view_freshness(freshness: Freshness | None) -> bytes:
    return b"" if freshness is None else pb.Verdict(log_view_freshness=_freshness(freshness)).SerializeToString()


def _freshness(freshness: Freshness) -> pb.Freshness:
    message = pb.Freshness(condition=_CONDITION[freshness.condition], age_seconds=freshness.age_seconds)
    if freshness.limits is not None:
        message.fresh_limit_seconds = int(freshness.limits.fresh.total_seconds())
        message.stale_limit_seconds = int(freshness.limits.stale.total_seconds())
        message.limit_set_by = _LIMIT_SETTER[freshness.limits.set_by]
    if freshness.expires_at is not None:
        message.expires_at.CopyFrom(timestamp(freshness.expires_at))
    return message


def _later(flags: tuple[LaterFlag, ...]) -> bytes:
    return pb.Verdict(
        later_flags=[
            pb.LaterFlag(flag=STATUS_FLAG_NUMBERS[each.flag], set=each.set, effective_at=timestamp(each.effective_at))
            for each in flags
        ]
    ).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _witnesses(witnesses: int, quorum: int) -> bytes:
    return pb.Verdict(witnesses=witnesses, witness_quorum=quorum).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _retry(seconds: int) -> bytes:
    return pb.Verdict(retry_seconds=seconds).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _existed(existed: Existed) -> bytes:
    seen_at = timestamp(existed.at)
    message = pb.Existence(seen_at=seen_at, own=existed.own, witnesses=existed.witnesses)
    return pb.Verdict(existed=message).SerializeToString()


@lru_cache(maxsize=_OF_THE_MOMENT)
def _decided(trust_state_age_seconds: int, at: datetime) -> bytes:
    return pb.Verdict(trust_state_age_seconds=trust_state_age_seconds, decided_at=timestamp(at)).SerializeToString()


@lru_cache(maxsize=_REMEMBERED)
def _title(requirement_title: str) -> bytes:
    return pb.Verdict(requirement_title=requirement_title).SerializeToString()


def _inputs(inputs: InputDigests) -> bytes:
    """Of all the inputs, only the bundle is another for every report."""
    others = _other_inputs(
        inputs.trust_certificate,
        inputs.requirement,
        inputs.issuer_catalogue,
        inputs.issuer_crosswalk,
        inputs.own_crosswalk,
        inputs.trusted_state,
        inputs.log_root,
        inputs.present_certificate,
    )
    bundle = _delimited(_BUNDLE_TAG, inputs.bundle) if inputs.bundle else b""
    return _delimited(_INPUTS_TAG, bundle + others)


@lru_cache(maxsize=_REMEMBERED)
def _other_inputs(
    trust_certificate: bytes,
    requirement: bytes,
    issuer_catalogue: bytes,
    issuer_crosswalk: bytes,
    own_crosswalk: bytes,
    trusted_state: bytes,
    log_root: bytes,
    present_certificate: bytes,
) -> bytes:
    return pb.DecisionInputs(
        trust_certificate=trust_certificate,
        requirement=requirement,
        issuer_catalogue=issuer_catalogue,
        issuer_crosswalk=issuer_crosswalk,
        own_crosswalk=own_crosswalk,
        trusted_state=trusted_state,
        log_root=log_root,
        present_certificate=present_certificate,
    ).SerializeToString()
