from huxin.v1 import period_pb2 as _period_pb2
from huxin.v1 import subject_pb2 as _subject_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RepairState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPAIR_STATE_UNSPECIFIED: _ClassVar[RepairState]
    REPAIR_STATE_NOT_REPAIRED: _ClassVar[RepairState]
    REPAIR_STATE_REPAIRED: _ClassVar[RepairState]
REPAIR_STATE_UNSPECIFIED: RepairState
REPAIR_STATE_NOT_REPAIRED: RepairState
REPAIR_STATE_REPAIRED: RepairState

class Coverage(_message.Message):
    __slots__ = ("since", "until")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    since: str
    until: str
    def __init__(self, since: _Optional[str] = ..., until: _Optional[str] = ...) -> None: ...

class ViolationRecord(_message.Message):
    __slots__ = ("deciding_authority", "document_number", "decided_on", "effective_on", "removed_on", "list_name", "content", "repair_state", "repaired_on", "source_unit")
    DECIDING_AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DECIDED_ON_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_ON_FIELD_NUMBER: _ClassVar[int]
    REMOVED_ON_FIELD_NUMBER: _ClassVar[int]
    LIST_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REPAIR_STATE_FIELD_NUMBER: _ClassVar[int]
    REPAIRED_ON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_UNIT_FIELD_NUMBER: _ClassVar[int]
    deciding_authority: str
    document_number: str
    decided_on: str
    effective_on: str
    removed_on: str
    list_name: str
    content: str
    repair_state: RepairState
    repaired_on: str
    source_unit: str
    def __init__(self, deciding_authority: _Optional[str] = ..., document_number: _Optional[str] = ..., decided_on: _Optional[str] = ..., effective_on: _Optional[str] = ..., removed_on: _Optional[str] = ..., list_name: _Optional[str] = ..., content: _Optional[str] = ..., repair_state: _Optional[_Union[RepairState, str]] = ..., repaired_on: _Optional[str] = ..., source_unit: _Optional[str] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("local_code", "local_name", "record_type", "coverage", "records")
    LOCAL_CODE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_NAME_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    local_code: str
    local_name: str
    record_type: str
    coverage: Coverage
    records: _containers.RepeatedCompositeFieldContainer[ViolationRecord]
    def __init__(self, local_code: _Optional[str] = ..., local_name: _Optional[str] = ..., record_type: _Optional[str] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., records: _Optional[_Iterable[_Union[ViolationRecord, _Mapping]]] = ...) -> None: ...

class SelectedRow(_message.Message):
    __slots__ = ("local_code", "record_types")
    LOCAL_CODE_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPES_FIELD_NUMBER: _ClassVar[int]
    local_code: str
    record_types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, local_code: _Optional[str] = ..., record_types: _Optional[_Iterable[str]] = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("complete", "rows")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    rows: _containers.RepeatedCompositeFieldContainer[SelectedRow]
    def __init__(self, complete: _Optional[bool] = ..., rows: _Optional[_Iterable[_Union[SelectedRow, _Mapping]]] = ...) -> None: ...

class SummarySection(_message.Message):
    __slots__ = ("report_number", "subject_name", "subject", "period", "record_count", "selection", "territory_statement")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_STATEMENT_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    subject_name: str
    subject: _subject_pb2.SubjectClaim
    period: _period_pb2.Period
    record_count: int
    selection: Selection
    territory_statement: str
    def __init__(self, report_number: _Optional[str] = ..., subject_name: _Optional[str] = ..., subject: _Optional[_Union[_subject_pb2.SubjectClaim, _Mapping]] = ..., period: _Optional[_Union[_period_pb2.Period, _Mapping]] = ..., record_count: _Optional[int] = ..., selection: _Optional[_Union[Selection, _Mapping]] = ..., territory_statement: _Optional[str] = ...) -> None: ...

class ReportDocument(_message.Message):
    __slots__ = ("report_number", "sections")
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    report_number: str
    sections: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, report_number: _Optional[str] = ..., sections: _Optional[_Iterable[bytes]] = ...) -> None: ...
