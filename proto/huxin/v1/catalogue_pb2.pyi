from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaxonomyConcept(_message.Message):
    __slots__ = ("code", "name_zh", "name_en", "parent", "definition")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    code: str
    name_zh: str
    name_en: str
    parent: str
    definition: str
    def __init__(self, code: _Optional[str] = ..., name_zh: _Optional[str] = ..., name_en: _Optional[str] = ..., parent: _Optional[str] = ..., definition: _Optional[str] = ...) -> None: ...

class CollectedType(_message.Message):
    __slots__ = ("record_type", "since", "caveats")
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    CAVEATS_FIELD_NUMBER: _ClassVar[int]
    record_type: str
    since: str
    caveats: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, record_type: _Optional[str] = ..., since: _Optional[str] = ..., caveats: _Optional[_Iterable[str]] = ...) -> None: ...

class CatalogueRow(_message.Message):
    __slots__ = ("local_code", "local_name", "types", "units", "severe_lists")
    LOCAL_CODE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_NAME_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    SEVERE_LISTS_FIELD_NUMBER: _ClassVar[int]
    local_code: str
    local_name: str
    types: _containers.RepeatedCompositeFieldContainer[CollectedType]
    units: _containers.RepeatedScalarFieldContainer[str]
    severe_lists: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, local_code: _Optional[str] = ..., local_name: _Optional[str] = ..., types: _Optional[_Iterable[_Union[CollectedType, _Mapping]]] = ..., units: _Optional[_Iterable[str]] = ..., severe_lists: _Optional[_Iterable[str]] = ...) -> None: ...

class Catalogue(_message.Message):
    __slots__ = ("division", "name_zh", "name_en", "version", "digest", "valid_from", "valid_until", "rows_known", "stated_domains", "rows", "scheme")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    ROWS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    STATED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    division: str
    name_zh: str
    name_en: str
    version: str
    digest: bytes
    valid_from: str
    valid_until: str
    rows_known: bool
    stated_domains: int
    rows: _containers.RepeatedCompositeFieldContainer[CatalogueRow]
    scheme: str
    def __init__(self, division: _Optional[str] = ..., name_zh: _Optional[str] = ..., name_en: _Optional[str] = ..., version: _Optional[str] = ..., digest: _Optional[bytes] = ..., valid_from: _Optional[str] = ..., valid_until: _Optional[str] = ..., rows_known: _Optional[bool] = ..., stated_domains: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[CatalogueRow, _Mapping]]] = ..., scheme: _Optional[str] = ...) -> None: ...

class CrosswalkLine(_message.Message):
    __slots__ = ("local_code", "leaf", "relation")
    LOCAL_CODE_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    local_code: str
    leaf: str
    relation: str
    def __init__(self, local_code: _Optional[str] = ..., leaf: _Optional[str] = ..., relation: _Optional[str] = ...) -> None: ...

class Crosswalk(_message.Message):
    __slots__ = ("division", "digest", "lines")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    division: str
    digest: bytes
    lines: _containers.RepeatedCompositeFieldContainer[CrosswalkLine]
    def __init__(self, division: _Optional[str] = ..., digest: _Optional[bytes] = ..., lines: _Optional[_Iterable[_Union[CrosswalkLine, _Mapping]]] = ...) -> None: ...
