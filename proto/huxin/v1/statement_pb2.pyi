import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusFlag(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_FLAG_UNSPECIFIED: _ClassVar[StatusFlag]
    STATUS_FLAG_UNDER_OBJECTION: _ClassVar[StatusFlag]
    STATUS_FLAG_CORRECTED: _ClassVar[StatusFlag]
    STATUS_FLAG_SUPERSEDED: _ClassVar[StatusFlag]
    STATUS_FLAG_REVOKED: _ClassVar[StatusFlag]
    STATUS_FLAG_NEWER_INFORMATION: _ClassVar[StatusFlag]
    STATUS_FLAG_UNREADABLE: _ClassVar[StatusFlag]
STATUS_FLAG_UNSPECIFIED: StatusFlag
STATUS_FLAG_UNDER_OBJECTION: StatusFlag
STATUS_FLAG_CORRECTED: StatusFlag
STATUS_FLAG_SUPERSEDED: StatusFlag
STATUS_FLAG_REVOKED: StatusFlag
STATUS_FLAG_NEWER_INFORMATION: StatusFlag
STATUS_FLAG_UNREADABLE: StatusFlag

class Signature(_message.Message):
    __slots__ = ("sig", "keyid")
    SIG_FIELD_NUMBER: _ClassVar[int]
    KEYID_FIELD_NUMBER: _ClassVar[int]
    sig: bytes
    keyid: str
    def __init__(self, sig: _Optional[bytes] = ..., keyid: _Optional[str] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("payload", "payload_type", "signatures")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    payload_type: str
    signatures: _containers.RepeatedCompositeFieldContainer[Signature]
    def __init__(self, payload: _Optional[bytes] = ..., payload_type: _Optional[str] = ..., signatures: _Optional[_Iterable[_Union[Signature, _Mapping]]] = ...) -> None: ...

class Attestation(_message.Message):
    __slots__ = ("report_number", "issuer", "territory", "subject_kind", "scheme", "template_version", "legal_basis", "issued_at", "valid_until", "data_cutoff", "period", "period_exception", "scenario", "subject_commitment", "section_count", "section_root", "report_digest", "catalogue_digest", "crosswalk_digest")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_KIND_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_VERSION_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    DATA_CUTOFF_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    SECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECTION_ROOT_FIELD_NUMBER: _ClassVar[int]
    REPORT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CROSSWALK_DIGEST_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    issuer: str
    territory: str
    subject_kind: _subject_pb2.SubjectKind
    scheme: str
    template_version: str
    legal_basis: _containers.RepeatedScalarFieldContainer[str]
    issued_at: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    data_cutoff: _timestamp_pb2.Timestamp
    period: _period_pb2.Period
    period_exception: _period_pb2.PeriodException
    scenario: str
    subject_commitment: bytes
    section_count: int
    section_root: bytes
    report_digest: bytes
    catalogue_digest: bytes
    crosswalk_digest: bytes
    def __init__(self, report_number: _Optional[str] = ..., issuer: _Optional[str] = ..., territory: _Optional[str] = ..., subject_kind: _Optional[_Union[_subject_pb2.SubjectKind, str]] = ..., scheme: _Optional[str] = ..., template_version: _Optional[str] = ..., legal_basis: _Optional[_Iterable[str]] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., data_cutoff: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., period_exception: _Optional[_Union[_period_pb2.PeriodException, _Mapping]] = ..., scenario: _Optional[str] = ..., subject_commitment: _Optional[bytes] = ..., section_count: _Optional[int] = ..., section_root: _Optional[bytes] = ..., report_digest: _Optional[bytes] = ..., catalogue_digest: _Optional[bytes] = ..., crosswalk_digest: _Optional[bytes] = ...) -> None: ...

class StatusChange(_message.Message):
    __slots__ = ("issuer", "attestation_digest", "flag", "set", "effective_at", "issued_at", "reason_code")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_DIGEST_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    attestation_digest: bytes
    flag: StatusFlag
    set: bool
    effective_at: _timestamp_pb2.Timestamp
    issued_at: _timestamp_pb2.Timestamp
    reason_code: str
    def __init__(self, issuer: _Optional[str] = ..., attestation_digest: _Optional[bytes] = ..., flag: _Optional[_Union[StatusFlag, str]] = ..., set: _Optional[bool] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason_code: _Optional[str] = ...) -> None: ...
