import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AskForReportRequest(_message.Message):
    __slots__ = ("request_id", "receiver", "subject", "period", "local_codes", "scenario", "evidence_digest")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    LOCAL_CODES_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    receiver: str
    subject: _subject_pb2.SubjectClaim
    period: _period_pb2.Period
    local_codes: _containers.RepeatedScalarFieldContainer[str]
    scenario: str
    evidence_digest: bytes
    def __init__(self, request_id: _Optional[str] = ..., receiver: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., local_codes: _Optional[_Iterable[str]] = ..., scenario: _Optional[str] = ..., evidence_digest: _Optional[bytes] = ...) -> None: ...

class AskedReport(_message.Message):
    __slots__ = ("id", "receiver", "state", "created_at", "expires_at", "answered_at", "report_number", "reason", "message", "downloadable")
    ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADABLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    receiver: str
    state: str
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    answered_at: _timestamp_pb2.Timestamp
    report_number: str
    reason: str
    message: str
    downloadable: bool
    def __init__(self, id: _Optional[str] = ..., receiver: _Optional[str] = ..., state: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., report_number: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., downloadable: _Optional[bool] = ...) -> None: ...

class AskForReportResponse(_message.Message):
    __slots__ = ("asked",)
    ASKED_FIELD_NUMBER: _ClassVar[int]
    asked: AskedReport
    def __init__(self, asked: _Optional[_Union[AskedReport, _Mapping]] = ...) -> None: ...

class GetAskedReportRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetAskedReportResponse(_message.Message):
    __slots__ = ("asked",)
    ASKED_FIELD_NUMBER: _ClassVar[int]
    asked: AskedReport
    def __init__(self, asked: _Optional[_Union[AskedReport, _Mapping]] = ...) -> None: ...

class ListAskedReportsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAskedReportsResponse(_message.Message):
    __slots__ = ("asked", "next_page_token")
    ASKED_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    asked: _containers.RepeatedCompositeFieldContainer[AskedReport]
    next_page_token: str
    def __init__(self, asked: _Optional[_Iterable[_Union[AskedReport, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DownloadAskedReportRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DownloadAskedReportResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class SubjectElsewhere(_message.Message):
    __slots__ = ("holder", "subject", "name", "since", "received_at")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    holder: str
    subject: _subject_pb2.SubjectClaim
    name: str
    since: str
    received_at: _timestamp_pb2.Timestamp
    def __init__(self, holder: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., name: _Optional[str] = ..., since: _Optional[str] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListSubjectsElsewhereRequest(_message.Message):
    __slots__ = ("holder", "subject", "page_size", "page_token")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    holder: str
    subject: _subject_pb2.SubjectClaim
    page_size: int
    page_token: str
    def __init__(self, holder: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSubjectsElsewhereResponse(_message.Message):
    __slots__ = ("subjects", "next_page_token")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[SubjectElsewhere]
    next_page_token: str
    def __init__(self, subjects: _Optional[_Iterable[_Union[SubjectElsewhere, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SharedSubject(_message.Message):
    __slots__ = ("receiver", "subject", "name", "since", "told_at", "state")
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    TOLD_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    receiver: str
    subject: _subject_pb2.SubjectClaim
    name: str
    since: str
    told_at: _timestamp_pb2.Timestamp
    state: str
    def __init__(self, receiver: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., name: _Optional[str] = ..., since: _Optional[str] = ..., told_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ...) -> None: ...

class ListSharedSubjectsRequest(_message.Message):
    __slots__ = ("receiver", "subject", "page_size", "page_token")
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    receiver: str
    subject: _subject_pb2.SubjectClaim
    page_size: int
    page_token: str
    def __init__(self, receiver: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSharedSubjectsResponse(_message.Message):
    __slots__ = ("subjects", "next_page_token")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[SharedSubject]
    next_page_token: str
    def __init__(self, subjects: _Optional[_Iterable[_Union[SharedSubject, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
