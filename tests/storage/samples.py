"""Synthetic logs, reports and records. No sample speaks of a real subject."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from node.model.calendar import Period
from node.model.delivery import Delivery, DeliveryHeader, RecordRow
from node.model.issuing import IssuedReport, ReportRow, RequestKey, StatusRow
from node.model.log import EntryKind, LogEntry, LogHead, StatusEvent, StatusFlag
from node.model.records import PENALTY_ORDINARY, ViolationRecord
from node.model.subject import IdType, SubjectRef

ORIGIN = "huxin/140000"
NOW = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
SUBJECT = SubjectRef(IdType.USCC, "91140000SYNTHETIC1")


def sample_entry(index: int, origin: str = ORIGIN, size: int = 650) -> LogEntry:
    body = f"{origin} entry {index} ".encode().ljust(size, b".")
    digest = sha256(body).digest()
    return LogEntry(index, body, digest, sha256(b"\0" + body).digest(), EntryKind.ATTESTATION, f"140000{index:020d}")


def sample_status(index: int, about: bytes, flag: StatusFlag = StatusFlag.REVOKED, origin: str = ORIGIN) -> LogEntry:
    entry = replace(sample_entry(index, origin), kind=EntryKind.STATUS_CHANGE, report_number="")
    return replace(entry, status=StatusEvent(about, flag, True, NOW + timedelta(microseconds=index)))


def sample_head(size: int, origin: str = ORIGIN, fresh_at: datetime | None = NOW) -> LogHead:
    return LogHead(origin, size, sha256(str(size).encode()).digest(), f"{origin}\n{size}\n", fresh_at)


def sample_request(name: str, caller: str = "spiffe://140000.huxin/gateway") -> RequestKey:
    return RequestKey(caller, name, sha256(name.encode()).digest())


def sample_report(index: int, request: str | None = None, bundle: bytes = b"bundle", hours: int = 0) -> ReportRow:
    entry = sample_entry(index)
    issued = IssuedReport(
        entry.report_number,
        SUBJECT,
        NOW + timedelta(hours=hours),
        Period(date(2021, 11, 22), date(2026, 11, 22)),
        160,
        3,
        "listing",
        entry.digest,
        index,
    )
    return ReportRow(issued, bundle, sample_request(request or f"request-{index}"))


def sample_status_row(index: int, request: str) -> StatusRow:
    return StatusRow(index, sample_request(request))


RECORD = ViolationRecord(
    deciding_authority="示例市市场监督管理局（合成）",
    document_number="示例〔2024〕1号",
    decided_on=date(2024, 3, 1),
    content="罚款2000元",
    source_unit="示例市市场监督管理局（合成）",
)


def sample_row(record: ViolationRecord = RECORD, local_code: str = "1", subject: SubjectRef = SUBJECT) -> RecordRow:
    return RecordRow(2, subject, local_code, PENALTY_ORDINARY, record, True, False, False, False, False)


def sample_delivery(
    content: bytes = b"file", as_of: date = date(2026, 11, 20), complete: bool = True, unit: str = "unit-1"
) -> Delivery:
    return Delivery(DeliveryHeader(unit, ("1", "2"), as_of, complete), NOW, sha256(content).digest())
