import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import statement_pb2 as _statement_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateReportRequest(_message.Message):
    __slots__ = ("request_id", "subject", "period", "period_exception", "local_codes", "scenario")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    LOCAL_CODES_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    subject: _subject_pb2.SubjectClaim
    period: _period_pb2.Period
    period_exception: _period_pb2.PeriodException
    local_codes: _containers.RepeatedScalarFieldContainer[str]
    scenario: str
    def __init__(self, request_id: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., period_exception: _Optional[_Union[_period_pb2.PeriodException, _Mapping]] = ..., local_codes: _Optional[_Iterable[str]] = ..., scenario: _Optional[str] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("report_number", "issued_at", "period", "section_count", "record_count", "log_index", "attestation_digest", "scenario", "flags")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    issued_at: _timestamp_pb2.Timestamp
    period: _period_pb2.Period
    section_count: int
    record_count: int
    log_index: int
    attestation_digest: bytes
    scenario: str
    flags: _containers.RepeatedScalarFieldContainer[_statement_pb2.StatusFlag]
    def __init__(self, report_number: _Optional[str] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., section_count: _Optional[int] = ..., record_count: _Optional[int] = ..., log_index: _Optional[int] = ..., attestation_digest: _Optional[bytes] = ..., scenario: _Optional[str] = ..., flags: _Optional[_Iterable[_Union[_statement_pb2.StatusFlag, str]]] = ...) -> None: ...

class CreateReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("report_number",)
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    def __init__(self, report_number: _Optional[str] = ...) -> None: ...

class GetReportResponse(_message.Message):
    __slots__ = ("report",)
    REPORT_FIELD_NUMBER: _ClassVar[int]
    report: Report
    def __init__(self, report: _Optional[_Union[Report, _Mapping]] = ...) -> None: ...

class ListReportsRequest(_message.Message):
    __slots__ = ("subject", "page_size", "page_token")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subject: _subject_pb2.SubjectClaim
    page_size: int
    page_token: str
    def __init__(self, subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReportsResponse(_message.Message):
    __slots__ = ("reports", "next_page_token")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[Report]
    next_page_token: str
    def __init__(self, reports: _Optional[_Iterable[_Union[Report, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DownloadReportRequest(_message.Message):
    __slots__ = ("report_number", "disclosed_codes")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DISCLOSED_CODES_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    disclosed_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, report_number: _Optional[str] = ..., disclosed_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class DownloadReportResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class CheckEligibilityRequest(_message.Message):
    __slots__ = ("subject",)
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    subject: _subject_pb2.SubjectClaim
    def __init__(self, subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ...) -> None: ...

class CheckEligibilityResponse(_message.Message):
    __slots__ = ("eligible", "reason", "advice")
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    eligible: bool
    reason: str
    advice: str
    def __init__(self, eligible: _Optional[bool] = ..., reason: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...
