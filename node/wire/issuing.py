"""Orders for reports and reports as issued."""

from __future__ import annotations

from collections.abc import Iterable

from huxin.v1 import period_pb2
from huxin.v1 import report_service_pb2 as pb

from node.errors import InvalidInput
from node.model.issuing import Eligibility, IssuedReport, PeriodExceptionNote, ReportOrder
from node.wire.fields import code, period, period_message, text, timestamp, within
from node.wire.status import STATUS_FLAG_NUMBERS
from node.wire.subject import claimed_subject

_MAX_ROWS = 1_000


def report_order(request: pb.CreateReportRequest, request_id: str) -> ReportOrder:
    """What a caller asks for; `request_id` was checked before. Raises InvalidInput naming the field."""
    return ReportOrder(
        request_id=request_id,
        subject=claimed_subject(request.subject),
        period=period(request.period, "period") if request.HasField("period") else None,
        exception=(
            _exception(request.period_exception, "period_exception") if request.HasField("period_exception") else None
        ),
        local_codes=local_codes(request.local_codes, "local_codes"),
        scenario=code(request.scenario, "scenario"),
    )


def local_codes(values: Iterable[str], path: str) -> tuple[str, ...]:
    """Codes of catalogue rows, each at most once, at most 1,000. Raises InvalidInput."""
    codes = tuple(text(value, f"{path}[{place}]", limit=64) for place, value in enumerate(values))
    if len(codes) > _MAX_ROWS:
        raise InvalidInput(path, f"More than {_MAX_ROWS} rows are named; leave the field empty to ask for all rows.")
    if len(set(codes)) != len(codes):
        raise InvalidInput(path, "The same row is named twice; name each once.")
    return codes


def report_message(report: IssuedReport) -> pb.Report:
    """A report as callers are told of it."""
    return pb.Report(
        report_number=report.report_number,
        issued_at=timestamp(report.issued_at),
        period=period_message(report.period),
        section_count=report.section_count,
        record_count=report.record_count,
        log_index=report.log_index,
        attestation_digest=report.attestation_digest,
        scenario=report.scenario,
        flags=[STATUS_FLAG_NUMBERS[flag] for flag in report.flags],
    )


def eligibility_response(eligibility: Eligibility) -> pb.CheckEligibilityResponse:
    """Whether a report can be issued here, and if not, why and what to do next (R022)."""
    return pb.CheckEligibilityResponse(
        eligible=eligibility.eligible, reason=eligibility.reason, advice=eligibility.advice
    )


def _exception(message: period_pb2.PeriodException, path: str) -> PeriodExceptionNote:
    return PeriodExceptionNote(
        relying_party=_one_line(message.relying_party, within(path, "relying_party"), limit=200),
        reason=_one_line(message.reason, within(path, "reason"), limit=2_000),
    )


def _one_line(value: str, path: str, limit: int) -> str:
    """A text that is signed: no line breaks, and no spaces but the plain one."""
    if not value.isprintable():
        raise InvalidInput(path, "The text is one line of printable characters with plain spaces; write it so.")
    return text(value, path, limit=limit)
