import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import joint_verdict_pb2 as _joint_verdict_pb2
from huxin.v1 import requirement_pb2 as _requirement_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from huxin.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyRequest(_message.Message):
    __slots__ = ("bundle", "report_number", "subject", "requirement_id", "requirement", "at")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    report_number: str
    subject: _subject_pb2.SubjectClaim
    requirement_id: str
    requirement: _requirement_pb2.Requirement
    at: _timestamp_pb2.Timestamp
    def __init__(self, bundle: _Optional[bytes] = ..., report_number: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., requirement_id: _Optional[str] = ..., requirement: _Optional[_Union[_requirement_pb2.Requirement, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _verdict_pb2.Verdict
    def __init__(self, verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ...) -> None: ...

class BatchItem(_message.Message):
    __slots__ = ("bundle", "subject")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    subject: _subject_pb2.SubjectClaim
    def __init__(self, bundle: _Optional[bytes] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ...) -> None: ...

class BatchVerifyRequest(_message.Message):
    __slots__ = ("items", "requirement_id", "requirement", "at")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[BatchItem]
    requirement_id: str
    requirement: _requirement_pb2.Requirement
    at: _timestamp_pb2.Timestamp
    def __init__(self, items: _Optional[_Iterable[_Union[BatchItem, _Mapping]]] = ..., requirement_id: _Optional[str] = ..., requirement: _Optional[_Union[_requirement_pb2.Requirement, _Mapping]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchVerifyResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.Verdict]
    def __init__(self, verdicts: _Optional[_Iterable[_Union[_verdict_pb2.Verdict, _Mapping]]] = ...) -> None: ...

class PresentRequest(_message.Message):
    __slots__ = ("bundles", "subject", "requirement_id", "requirement", "territories", "at")
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    TERRITORIES_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    bundles: _containers.RepeatedScalarFieldContainer[bytes]
    subject: _subject_pb2.SubjectClaim
    requirement_id: str
    requirement: _requirement_pb2.Requirement
    territories: _containers.RepeatedScalarFieldContainer[str]
    at: _timestamp_pb2.Timestamp
    def __init__(self, bundles: _Optional[_Iterable[bytes]] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., requirement_id: _Optional[str] = ..., requirement: _Optional[_Union[_requirement_pb2.Requirement, _Mapping]] = ..., territories: _Optional[_Iterable[str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PresentResponse(_message.Message):
    __slots__ = ("verdict",)
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    verdict: _joint_verdict_pb2.JointVerdict
    def __init__(self, verdict: _Optional[_Union[_joint_verdict_pb2.JointVerdict, _Mapping]] = ...) -> None: ...

class ListRequirementsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRequirementsResponse(_message.Message):
    __slots__ = ("requirements", "next_page_token")
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    requirements: _containers.RepeatedCompositeFieldContainer[_requirement_pb2.Requirement]
    next_page_token: str
    def __init__(self, requirements: _Optional[_Iterable[_Union[_requirement_pb2.Requirement, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRequirementRequest(_message.Message):
    __slots__ = ("requirement_id",)
    REQUIREMENT_ID_FIELD_NUMBER: _ClassVar[int]
    requirement_id: str
    def __init__(self, requirement_id: _Optional[str] = ...) -> None: ...

class GetRequirementResponse(_message.Message):
    __slots__ = ("requirement",)
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    requirement: _requirement_pb2.Requirement
    def __init__(self, requirement: _Optional[_Union[_requirement_pb2.Requirement, _Mapping]] = ...) -> None: ...
