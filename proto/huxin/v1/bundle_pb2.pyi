from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Disclosure(_message.Message):
    __slots__ = ("sections", "salts", "positions", "complement")
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    SALTS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    COMPLEMENT_FIELD_NUMBER: _ClassVar[int]
    sections: _containers.RepeatedScalarFieldContainer[bytes]
    salts: bytes
    positions: _containers.RepeatedScalarFieldContainer[int]
    complement: bytes
    def __init__(self, sections: _Optional[_Iterable[bytes]] = ..., salts: _Optional[bytes] = ..., positions: _Optional[_Iterable[int]] = ..., complement: _Optional[bytes] = ...) -> None: ...

class InclusionProof(_message.Message):
    __slots__ = ("index", "hashes", "checkpoint")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    index: int
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    checkpoint: str
    def __init__(self, index: _Optional[int] = ..., hashes: _Optional[_Iterable[bytes]] = ..., checkpoint: _Optional[str] = ...) -> None: ...

class ReportBundle(_message.Message):
    __slots__ = ("envelope", "subject_salt", "disclosure", "report_salt", "inclusion")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_SALT_FIELD_NUMBER: _ClassVar[int]
    DISCLOSURE_FIELD_NUMBER: _ClassVar[int]
    REPORT_SALT_FIELD_NUMBER: _ClassVar[int]
    INCLUSION_FIELD_NUMBER: _ClassVar[int]
    envelope: bytes
    subject_salt: bytes
    disclosure: Disclosure
    report_salt: bytes
    inclusion: InclusionProof
    def __init__(self, envelope: _Optional[bytes] = ..., subject_salt: _Optional[bytes] = ..., disclosure: _Optional[_Union[Disclosure, _Mapping]] = ..., report_salt: _Optional[bytes] = ..., inclusion: _Optional[_Union[InclusionProof, _Mapping]] = ...) -> None: ...
