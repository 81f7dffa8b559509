from huxin.v1 import verdict_pb2 as _verdict_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PresentedVerdict(_message.Message):
    __slots__ = ("report", "territory", "verdict")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    report: int
    territory: str
    verdict: _verdict_pb2.Verdict
    def __init__(self, report: _Optional[int] = ..., territory: _Optional[str] = ..., verdict: _Optional[_Union[_verdict_pb2.Verdict, _Mapping]] = ...) -> None: ...

class TerritoryFindings(_message.Message):
    __slots__ = ("territory", "reports", "findings")
    TERRITORY_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    territory: str
    reports: _containers.RepeatedScalarFieldContainer[int]
    findings: _containers.RepeatedCompositeFieldContainer[_verdict_pb2.Finding]
    def __init__(self, territory: _Optional[str] = ..., reports: _Optional[_Iterable[int]] = ..., findings: _Optional[_Iterable[_Union[_verdict_pb2.Finding, _Mapping]]] = ...) -> None: ...

class JointVerdict(_message.Message):
    __slots__ = ("decision", "reasons", "territories", "verdicts", "requirement_title")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    TERRITORIES_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_TITLE_FIELD_NUMBER: _ClassVar[int]
    decision: _verdict_pb2.Decision
    reasons: _containers.RepeatedScalarFieldContainer[str]
    territories: _containers.RepeatedCompositeFieldContainer[TerritoryFindings]
    verdicts: _containers.RepeatedCompositeFieldContainer[PresentedVerdict]
    requirement_title: str
    def __init__(self, decision: _Optional[_Union[_verdict_pb2.Decision, str]] = ..., reasons: _Optional[_Iterable[str]] = ..., territories: _Optional[_Iterable[_Union[TerritoryFindings, _Mapping]]] = ..., verdicts: _Optional[_Iterable[_Union[PresentedVerdict, _Mapping]]] = ..., requirement_title: _Optional[str] = ...) -> None: ...
