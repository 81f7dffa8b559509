import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SigningKey(_message.Message):
    __slots__ = ("spki", "suite", "valid_from", "retired_at", "compromised_at")
    SPKI_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    RETIRED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPROMISED_AT_FIELD_NUMBER: _ClassVar[int]
    spki: bytes
    suite: str
    valid_from: _timestamp_pb2.Timestamp
    retired_at: _timestamp_pb2.Timestamp
    compromised_at: _timestamp_pb2.Timestamp
    def __init__(self, spki: _Optional[bytes] = ..., suite: _Optional[str] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., retired_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., compromised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogIdentity(_message.Message):
    __slots__ = ("origin", "head_spki", "cosigner_spki")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    HEAD_SPKI_FIELD_NUMBER: _ClassVar[int]
    COSIGNER_SPKI_FIELD_NUMBER: _ClassVar[int]
    origin: str
    head_spki: bytes
    cosigner_spki: bytes
    def __init__(self, origin: _Optional[str] = ..., head_spki: _Optional[bytes] = ..., cosigner_spki: _Optional[bytes] = ...) -> None: ...

class SealingKey(_message.Message):
    __slots__ = ("spki", "suite", "valid_from")
    SPKI_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    spki: bytes
    suite: str
    valid_from: _timestamp_pb2.Timestamp
    def __init__(self, spki: _Optional[bytes] = ..., suite: _Optional[str] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class JurisdictionBundle(_message.Message):
    __slots__ = ("division", "name_zh", "name_en", "version", "issued_at", "ca_certificates", "signing_keys", "log", "endpoints", "contacts", "revocation_lists", "sealing_keys")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEYS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    REVOCATION_LISTS_FIELD_NUMBER: _ClassVar[int]
    SEALING_KEYS_FIELD_NUMBER: _ClassVar[int]
    division: str
    name_zh: str
    name_en: str
    version: int
    issued_at: _timestamp_pb2.Timestamp
    ca_certificates: _containers.RepeatedScalarFieldContainer[bytes]
    signing_keys: _containers.RepeatedCompositeFieldContainer[SigningKey]
    log: LogIdentity
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    contacts: _containers.RepeatedScalarFieldContainer[str]
    revocation_lists: _containers.RepeatedScalarFieldContainer[bytes]
    sealing_keys: _containers.RepeatedCompositeFieldContainer[SealingKey]
    def __init__(self, division: _Optional[str] = ..., name_zh: _Optional[str] = ..., name_en: _Optional[str] = ..., version: _Optional[int] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ca_certificates: _Optional[_Iterable[bytes]] = ..., signing_keys: _Optional[_Iterable[_Union[SigningKey, _Mapping]]] = ..., log: _Optional[_Union[LogIdentity, _Mapping]] = ..., endpoints: _Optional[_Iterable[str]] = ..., contacts: _Optional[_Iterable[str]] = ..., revocation_lists: _Optional[_Iterable[bytes]] = ..., sealing_keys: _Optional[_Iterable[_Union[SealingKey, _Mapping]]] = ...) -> None: ...

class RecognitionScope(_message.Message):
    __slots__ = ("leaves", "record_types", "scenarios")
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPES_FIELD_NUMBER: _ClassVar[int]
    SCENARIOS_FIELD_NUMBER: _ClassVar[int]
    leaves: _containers.RepeatedScalarFieldContainer[str]
    record_types: _containers.RepeatedScalarFieldContainer[str]
    scenarios: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, leaves: _Optional[_Iterable[str]] = ..., record_types: _Optional[_Iterable[str]] = ..., scenarios: _Optional[_Iterable[str]] = ...) -> None: ...

class SuitePolicy(_message.Message):
    __slots__ = ("all_of", "any_of")
    ALL_OF_FIELD_NUMBER: _ClassVar[int]
    ANY_OF_FIELD_NUMBER: _ClassVar[int]
    all_of: _containers.RepeatedScalarFieldContainer[str]
    any_of: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, all_of: _Optional[_Iterable[str]] = ..., any_of: _Optional[_Iterable[str]] = ...) -> None: ...

class TrustCertificate(_message.Message):
    __slots__ = ("recogniser", "issuer", "scope", "reviewed_catalogues", "reviewed_crosswalks", "accepted_caveats", "suites", "witness_quorum", "max_trust_state_age_seconds", "max_log_view_age_seconds", "valid_from", "valid_until", "legal_basis", "issued_at", "withdrawn", "withdrawal_reason")
    RECOGNISER_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_CATALOGUES_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_CROSSWALKS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_CAVEATS_FIELD_NUMBER: _ClassVar[int]
    SUITES_FIELD_NUMBER: _ClassVar[int]
    WITNESS_QUORUM_FIELD_NUMBER: _ClassVar[int]
    MAX_TRUST_STATE_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_LOG_VIEW_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    LEGAL_BASIS_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_REASON_FIELD_NUMBER: _ClassVar[int]
    recogniser: str
    issuer: str
    scope: RecognitionScope
    reviewed_catalogues: _containers.RepeatedScalarFieldContainer[bytes]
    reviewed_crosswalks: _containers.RepeatedScalarFieldContainer[bytes]
    accepted_caveats: _containers.RepeatedScalarFieldContainer[str]
    suites: SuitePolicy
    witness_quorum: int
    max_trust_state_age_seconds: int
    max_log_view_age_seconds: int
    valid_from: _timestamp_pb2.Timestamp
    valid_until: _timestamp_pb2.Timestamp
    legal_basis: _containers.RepeatedScalarFieldContainer[str]
    issued_at: _timestamp_pb2.Timestamp
    withdrawn: bool
    withdrawal_reason: str
    def __init__(self, recogniser: _Optional[str] = ..., issuer: _Optional[str] = ..., scope: _Optional[_Union[RecognitionScope, _Mapping]] = ..., reviewed_catalogues: _Optional[_Iterable[bytes]] = ..., reviewed_crosswalks: _Optional[_Iterable[bytes]] = ..., accepted_caveats: _Optional[_Iterable[str]] = ..., suites: _Optional[_Union[SuitePolicy, _Mapping]] = ..., witness_quorum: _Optional[int] = ..., max_trust_state_age_seconds: _Optional[int] = ..., max_log_view_age_seconds: _Optional[int] = ..., valid_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., legal_basis: _Optional[_Iterable[str]] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn: _Optional[bool] = ..., withdrawal_reason: _Optional[str] = ...) -> None: ...
