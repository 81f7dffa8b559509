from huxin.v1 import period_pb2 as _period_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequiredItem(_message.Message):
    __slots__ = ("local_code", "leaf", "record_types")
    LOCAL_CODE_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPES_FIELD_NUMBER: _ClassVar[int]
    local_code: str
    leaf: str
    record_types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, local_code: _Optional[str] = ..., leaf: _Optional[str] = ..., record_types: _Optional[_Iterable[str]] = ...) -> None: ...

class Requirement(_message.Message):
    __slots__ = ("requirement_id", "title_zh", "title_en", "jurisdiction", "scenario", "items", "months", "fixed", "territory", "max_data_age_days", "max_report_age_days", "repaired_records_count", "illustrative", "max_trust_age_hours", "max_log_view_age_minutes")
    REQUIREMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_ZH_FIELD_NUMBER: _ClassVar[int]
    TITLE_EN_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    SCENARIO_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    FIXED_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    MAX_DATA_AGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    MAX_REPORT_AGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    REPAIRED_RECORDS_COUNT_FIELD_NUMBER: _ClassVar[int]
    ILLUSTRATIVE_FIELD_NUMBER: _ClassVar[int]
    MAX_TRUST_AGE_HOURS_FIELD_NUMBER: _ClassVar[int]
    MAX_LOG_VIEW_AGE_MINUTES_FIELD_NUMBER: _ClassVar[int]
    requirement_id: str
    title_zh: str
    title_en: str
    jurisdiction: str
    scenario: str
    items: _containers.RepeatedCompositeFieldContainer[RequiredItem]
    months: int
    fixed: _period_pb2.Period
    territory: str
    max_data_age_days: int
    max_report_age_days: int
    repaired_records_count: bool
    illustrative: bool
    max_trust_age_hours: int
    max_log_view_age_minutes: int
    def __init__(self, requirement_id: _Optional[str] = ..., title_zh: _Optional[str] = ..., title_en: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., scenario: _Optional[str] = ..., items: _Optional[_Iterable[_Union[RequiredItem, _Mapping]]] = ..., months: _Optional[int] = ..., fixed: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., territory: _Optional[str] = ..., max_data_age_days: _Optional[int] = ..., max_report_age_days: _Optional[int] = ..., repaired_records_count: _Optional[bool] = ..., illustrative: _Optional[bool] = ..., max_trust_age_hours: _Optional[int] = ..., max_log_view_age_minutes: _Optional[int] = ...) -> None: ...
