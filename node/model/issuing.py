"""Requests for reports and reports as issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from node.model.calendar import Period
from node.model.log import StatusFlag
from node.model.records import RecordType, ViolationRecord
from node.model.subject import Registration, SubjectRef


@dataclass(frozen=True, slots=True)
class PeriodExceptionNote:
    """Why a period is longer than the scheme's cap: who asked, and what for (R061)."""

    relying_party: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """What a caller asks of CreateReport. `period` None: the longest allowed; `local_codes` empty: complete."""

    request_id: str
    subject: SubjectRef
    period: Period | None
    exception: PeriodExceptionNote | None
    local_codes: tuple[str, ...]
    scenario: str


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Durable idempotency (AIP-155): one request id per caller; `content` is SHA-256 of the request's meaning."""

    caller: str
    request_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class IssuedReport:
    """A committed report: what callers are told."""

    report_number: str
    subject: SubjectRef
    issued_at: datetime
    period: Period
    section_count: int
    record_count: int
    scenario: str
    attestation_digest: bytes
    log_index: int
    flags: tuple[StatusFlag, ...] = ()
    """Those in force, where somebody asks how it stands (`IssueReports.get`, `list`)."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a report can be issued here; when not, why and what to do (R022)."""

    eligible: bool
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What is stored with the log entry of a report, in the same transaction.

    `bundle` is the serialised ReportBundle with every section disclosed and no proof of inclusion yet.
    """

    issued: IssuedReport
    bundle: bytes
    request: RequestKey


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What is stored with the log entry of a status change made here, in the same transaction."""

    log_index: int
    request: RequestKey


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What the node holds for a report about one subject, read at one moment after the order came.

    `records` are (local code, record type, record); `deliveries` maps (unit, local code) to the as-of day of the last
    complete delivery, `deliveries_version` changes whenever it does.
    """

    registration: Registration | None
    records: Sequence[tuple[str, RecordType, ViolationRecord]]
    deliveries_version: int
    deliveries: Mapping[tuple[str, str], date]
