import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import statement_pb2 as _statement_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StepStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATUS_UNSPECIFIED: _ClassVar[StepStatus]
    STEP_STATUS_PASS: _ClassVar[StepStatus]
    STEP_STATUS_FAIL: _ClassVar[StepStatus]
    STEP_STATUS_UNDECIDED: _ClassVar[StepStatus]
    STEP_STATUS_NOT_REQUIRED: _ClassVar[StepStatus]

class Authenticity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTHENTICITY_UNSPECIFIED: _ClassVar[Authenticity]
    AUTHENTICITY_GENUINE: _ClassVar[Authenticity]
    AUTHENTICITY_NOT_GENUINE: _ClassVar[Authenticity]
    AUTHENTICITY_UNDECIDED: _ClassVar[Authenticity]

class Standing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANDING_UNSPECIFIED: _ClassVar[Standing]
    STANDING_IN_FORCE: _ClassVar[Standing]
    STANDING_FLAGGED: _ClassVar[Standing]
    STANDING_REVOKED: _ClassVar[Standing]
    STANDING_EXPIRED: _ClassVar[Standing]

class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_UNSPECIFIED: _ClassVar[Decision]
    DECISION_ACCEPT: _ClassVar[Decision]
    DECISION_REFER: _ClassVar[Decision]
    DECISION_REJECT: _ClassVar[Decision]

class FindingKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_KIND_UNSPECIFIED: _ClassVar[FindingKind]
    FINDING_KIND_HAS_RECORDS: _ClassVar[FindingKind]
    FINDING_KIND_NO_RECORD_FOUND: _ClassVar[FindingKind]
    FINDING_KIND_NOT_COVERED: _ClassVar[FindingKind]
    FINDING_KIND_COMMITTED: _ClassVar[FindingKind]

class FreshnessCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRESHNESS_CONDITION_UNSPECIFIED: _ClassVar[FreshnessCondition]
    FRESHNESS_CONDITION_FRESH: _ClassVar[FreshnessCondition]
    FRESHNESS_CONDITION_GRACE: _ClassVar[FreshnessCondition]
    FRESHNESS_CONDITION_STALE: _ClassVar[FreshnessCondition]
    FRESHNESS_CONDITION_EXPIRED: _ClassVar[FreshnessCondition]

class LimitSetter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIMIT_SETTER_UNSPECIFIED: _ClassVar[LimitSetter]
    LIMIT_SETTER_NODE: _ClassVar[LimitSetter]
    LIMIT_SETTER_CERTIFICATE: _ClassVar[LimitSetter]
    LIMIT_SETTER_REQUIREMENT: _ClassVar[LimitSetter]
STEP_STATUS_UNSPECIFIED: StepStatus
STEP_STATUS_PASS: StepStatus
STEP_STATUS_FAIL: StepStatus
STEP_STATUS_UNDECIDED: StepStatus
STEP_STATUS_NOT_REQUIRED: StepStatus
AUTHENTICITY_UNSPECIFIED: Authenticity
AUTHENTICITY_GENUINE: Authenticity
AUTHENTICITY_NOT_GENUINE: Authenticity
AUTHENTICITY_UNDECIDED: Authenticity
STANDING_UNSPECIFIED: Standing
STANDING_IN_FORCE: Standing
STANDING_FLAGGED: Standing
STANDING_REVOKED: Standing
STANDING_EXPIRED: Standing
DECISION_UNSPECIFIED: Decision
DECISION_ACCEPT: Decision
DECISION_REFER: Decision
DECISION_REJECT: Decision
FINDING_KIND_UNSPECIFIED: FindingKind
FINDING_KIND_HAS_RECORDS: FindingKind
FINDING_KIND_NO_RECORD_FOUND: FindingKind
FINDING_KIND_NOT_COVERED: FindingKind
FINDING_KIND_COMMITTED: FindingKind
FRESHNESS_CONDITION_UNSPECIFIED: FreshnessCondition
FRESHNESS_CONDITION_FRESH: FreshnessCondition
FRESHNESS_CONDITION_GRACE: FreshnessCondition
FRESHNESS_CONDITION_STALE: FreshnessCondition
FRESHNESS_CONDITION_EXPIRED: FreshnessCondition
LIMIT_SETTER_UNSPECIFIED: LimitSetter
LIMIT_SETTER_NODE: LimitSetter
LIMIT_SETTER_CERTIFICATE: LimitSetter
LIMIT_SETTER_REQUIREMENT: LimitSetter

class StepResult(_message.Message):
    __slots__ = ("number", "status", "reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    number: int
    status: StepStatus
    reason: str
    def __init__(self, number: _Optional[int] = ..., status: _Optional[_Union[StepStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("leaf", "record_type", "interval", "reason", "required_wording", "issuer_wording", "remedies", "caveat")
    LEAF_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_WORDING_FIELD_NUMBER: _ClassVar[int]
    ISSUER_WORDING_FIELD_NUMBER: _ClassVar[int]
    REMEDIES_FIELD_NUMBER: _ClassVar[int]
    CAVEAT_FIELD_NUMBER: _ClassVar[int]
    leaf: str
    record_type: str
    interval: _period_pb2.Period
    reason: str
    required_wording: _containers.RepeatedScalarFieldContainer[str]
    issuer_wording: _containers.RepeatedScalarFieldContainer[str]
    remedies: _containers.RepeatedScalarFieldContainer[str]
    caveat: str
    def __init__(self, leaf: _Optional[str] = ..., record_type: _Optional[str] = ..., interval: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., reason: _Optional[str] = ..., required_wording: _Optional[_Iterable[str]] = ..., issuer_wording: _Optional[_Iterable[str]] = ..., remedies: _Optional[_Iterable[str]] = ..., caveat: _Optional[str] = ...) -> None: ...

class CaveatUse(_message.Message):
    __slots__ = ("caveat", "interval")
    CAVEAT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    caveat: str
    interval: _period_pb2.Period
    def __init__(self, caveat: _Optional[str] = ..., interval: _Optional[_Union[_period_pb2.Period, _Mapping]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("leaf", "record_type", "interval", "kind", "records", "counted_records", "gaps", "caveats", "covered_until", "required_rows")
    LEAF_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    COUNTED_RECORDS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    CAVEATS_FIELD_NUMBER: _ClassVar[int]
    COVERED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_ROWS_FIELD_NUMBER: _ClassVar[int]
    leaf: str
    record_type: str
    interval: _period_pb2.Period
    kind: FindingKind
    records: int
    counted_records: int
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    caveats: _containers.RepeatedCompositeFieldContainer[CaveatUse]
    covered_until: str
    required_rows: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, leaf: _Optional[str] = ..., record_type: _Optional[str] = ..., interval: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., kind: _Optional[_Union[FindingKind, str]] = ..., records: _Optional[int] = ..., counted_records: _Optional[int] = ..., gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., caveats: _Optional[_Iterable[_Union[CaveatUse, _Mapping]]] = ..., covered_until: _Optional[str] = ..., required_rows: _Optional[_Iterable[str]] = ...) -> None: ...

class ReportFacts(_message.Message):
    __slots__ = ("report_number", "issuer", "territory", "subject_kind", "issued_at", "period", "scheme", "data_cutoff")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_KIND_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    DATA_CUTOFF_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    issuer: str
    territory: str
    subject_kind: _subject_pb2.SubjectKind
    issued_at: _timestamp_pb2.Timestamp
    period: _period_pb2.Period
    scheme: str
    data_cutoff: _timestamp_pb2.Timestamp
    def __init__(self, report_number: _Optional[str] = ..., issuer: _Optional[str] = ..., territory: _Optional[str] = ..., subject_kind: _Optional[_Union[_subject_pb2.SubjectKind, str]] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., scheme: _Optional[str] = ..., data_cutoff: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogView(_message.Message):
    __slots__ = ("origin", "size", "fresh_at", "age_seconds")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    FRESH_AT_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    origin: str
    size: int
    fresh_at: _timestamp_pb2.Timestamp
    age_seconds: int
    def __init__(self, origin: _Optional[str] = ..., size: _Optional[int] = ..., fresh_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., age_seconds: _Optional[int] = ...) -> None: ...

class Freshness(_message.Message):
    __slots__ = ("condition", "age_seconds", "fresh_limit_seconds", "stale_limit_seconds", "limit_set_by", "expires_at")
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    FRESH_LIMIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STALE_LIMIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_SET_BY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    condition: FreshnessCondition
    age_seconds: int
    fresh_limit_seconds: int
    stale_limit_seconds: int
    limit_set_by: LimitSetter
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, condition: _Optional[_Union[FreshnessCondition, str]] = ..., age_seconds: _Optional[int] = ..., fresh_limit_seconds: _Optional[int] = ..., stale_limit_seconds: _Optional[int] = ..., limit_set_by: _Optional[_Union[LimitSetter, str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LaterFlag(_message.Message):
    __slots__ = ("flag", "set", "effective_at")
    FLAG_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    flag: _statement_pb2.StatusFlag
    set: bool
    effective_at: _timestamp_pb2.Timestamp
    def __init__(self, flag: _Optional[_Union[_statement_pb2.StatusFlag, str]] = ..., set: _Optional[bool] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Existence(_message.Message):
    __slots__ = ("seen_at", "own", "witnesses")
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    seen_at: _timestamp_pb2.Timestamp
    own: bool
    witnesses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, seen_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., own: _Optional[bool] = ..., witnesses: _Optional[_Iterable[str]] = ...) -> None: ...

class DecisionInputs(_message.Message):
    __slots__ = ("bundle", "trust_certificate", "requirement", "issuer_catalogue", "issuer_crosswalk", "own_crosswalk", "trusted_state", "log_root", "present_certificate")
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    TRUST_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    ISSUER_CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_CROSSWALK_FIELD_NUMBER: _ClassVar[int]
    OWN_CROSSWALK_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_STATE_FIELD_NUMBER: _ClassVar[int]
    LOG_ROOT_FIELD_NUMBER: _ClassVar[int]
    PRESENT_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    bundle: bytes
    trust_certificate: bytes
    requirement: bytes
    issuer_catalogue: bytes
    issuer_crosswalk: bytes
    own_crosswalk: bytes
    trusted_state: bytes
    log_root: bytes
    present_certificate: bytes
    def __init__(self, bundle: _Optional[bytes] = ..., trust_certificate: _Optional[bytes] = ..., requirement: _Optional[bytes] = ..., issuer_catalogue: _Optional[bytes] = ..., issuer_crosswalk: _Optional[bytes] = ..., own_crosswalk: _Optional[bytes] = ..., trusted_state: _Optional[bytes] = ..., log_root: _Optional[bytes] = ..., present_certificate: _Optional[bytes] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("authenticity", "standing", "decision", "reasons", "steps", "findings", "report", "flags", "log_view", "trust_state_age_seconds", "decided_at", "inputs", "requirement_title", "later_flags", "as_of", "known_at", "trust_state", "log_view_freshness", "recognition_withdrawn_since", "witnesses", "witness_quorum", "existed", "retry_seconds")
    AUTHENTICITY_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    LOG_VIEW_FIELD_NUMBER: _ClassVar[int]
    TRUST_STATE_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_TITLE_FIELD_NUMBER: _ClassVar[int]
    LATER_FLAGS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    KNOWN_AT_FIELD_NUMBER: _ClassVar[int]
    TRUST_STATE_FIELD_NUMBER: _ClassVar[int]
    LOG_VIEW_FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    RECOGNITION_WITHDRAWN_SINCE_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    WITNESS_QUORUM_FIELD_NUMBER: _ClassVar[int]
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    RETRY_SECONDS_FIELD_NUMBER: _ClassVar[int]
    authenticity: Authenticity
    standing: Standing
    decision: Decision
    reasons: _containers.RepeatedScalarFieldContainer[str]
    steps: _containers.RepeatedCompositeFieldContainer[StepResult]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    report: ReportFacts
    flags: _containers.RepeatedScalarFieldContainer[_statement_pb2.StatusFlag]
    log_view: LogView
    trust_state_age_seconds: int
    decided_at: _timestamp_pb2.Timestamp
    inputs: DecisionInputs
    requirement_title: str
    later_flags: _containers.RepeatedCompositeFieldContainer[LaterFlag]
    as_of: _timestamp_pb2.Timestamp
    known_at: _timestamp_pb2.Timestamp
    trust_state: Freshness
    log_view_freshness: Freshness
    recognition_withdrawn_since: bool
    witnesses: int
    witness_quorum: int
    existed: Existence
    retry_seconds: int
    def __init__(self, authenticity: _Optional[_Union[Authenticity, str]] = ..., standing: _Optional[_Union[Standing, str]] = ..., decision: _Optional[_Union[Decision, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., steps: _Optional[_Iterable[_Union[StepResult, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., report: _Optional[_Union[ReportFacts, _Mapping]] = ..., flags: _Optional[_Iterable[_Union[_statement_pb2.StatusFlag, str]]] = ..., log_view: _Optional[_Union[LogView, _Mapping]] = ..., trust_state_age_seconds: _Optional[int] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., inputs: _Optional[_Union[DecisionInputs, _Mapping]] = ..., requirement_title: _Optional[str] = ..., later_flags: _Optional[_Iterable[_Union[LaterFlag, _Mapping]]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., known_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trust_state: _Optional[_Union[Freshness, _Mapping]] = ..., log_view_freshness: _Optional[_Union[Freshness, _Mapping]] = ..., recognition_withdrawn_since: _Optional[bool] = ..., witnesses: _Optional[int] = ..., witness_quorum: _Optional[int] = ..., existed: _Optional[_Union[Existence, _Mapping]] = ..., retry_seconds: _Optional[int] = ...) -> None: ...
