from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReportRequest(_message.Message):
    __slots__ = ("subject", "period", "local_codes", "scenario", "evidence_digest")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    LOCAL_CODES_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    subject: _subject_pb2.SubjectClaim
    period: _period_pb2.Period
    local_codes: _containers.RepeatedScalarFieldContainer[str]
    scenario: str
    evidence_digest: bytes
    def __init__(self, subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., local_codes: _Optional[_Iterable[str]] = ..., scenario: _Optional[str] = ..., evidence_digest: _Optional[bytes] = ...) -> None: ...

class ReportDelivery(_message.Message):
    __slots__ = ("request_id", "report", "refusal")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    request_id: bytes
    report: DeliveredReport
    refusal: RequestRefusal
    def __init__(self, request_id: _Optional[bytes] = ..., report: _Optional[_Union[DeliveredReport, _Mapping]] = ..., refusal: _Optional[_Union[RequestRefusal, _Mapping]] = ...) -> None: ...

class DeliveredReport(_message.Message):
    __slots__ = ("report_number", "bundle")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    bundle: bytes
    def __init__(self, report_number: _Optional[str] = ..., bundle: _Optional[bytes] = ...) -> None: ...

class SubjectBasics(_message.Message):
    __slots__ = ("subject", "since", "name")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    subject: _subject_pb2.SubjectClaim
    since: str
    name: str
    def __init__(self, subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., since: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class RequestRefusal(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
