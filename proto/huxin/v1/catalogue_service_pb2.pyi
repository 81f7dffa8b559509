from huxin.v1 import catalogue_pb2 as _catalogue_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetTaxonomyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTaxonomyResponse(_message.Message):
    __slots__ = ("version", "digest", "concepts")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONCEPTS_FIELD_NUMBER: _ClassVar[int]
    version: str
    digest: bytes
    concepts: _containers.RepeatedCompositeFieldContainer[_catalogue_pb2.TaxonomyConcept]
    def __init__(self, version: _Optional[str] = ..., digest: _Optional[bytes] = ..., concepts: _Optional[_Iterable[_Union[_catalogue_pb2.TaxonomyConcept, _Mapping]]] = ...) -> None: ...

class ListCataloguesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCataloguesResponse(_message.Message):
    __slots__ = ("catalogues", "next_page_token")
    CATALOGUES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    catalogues: _containers.RepeatedCompositeFieldContainer[_catalogue_pb2.Catalogue]
    next_page_token: str
    def __init__(self, catalogues: _Optional[_Iterable[_Union[_catalogue_pb2.Catalogue, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetCatalogueRequest(_message.Message):
    __slots__ = ("division",)
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    division: str
    def __init__(self, division: _Optional[str] = ...) -> None: ...

class GetCatalogueResponse(_message.Message):
    __slots__ = ("catalogue", "crosswalk")
    CATALOGUE_FIELD_NUMBER: _ClassVar[int]
    CROSSWALK_FIELD_NUMBER: _ClassVar[int]
    catalogue: _catalogue_pb2.Catalogue
    crosswalk: _catalogue_pb2.Crosswalk
    def __init__(self, catalogue: _Optional[_Union[_catalogue_pb2.Catalogue, _Mapping]] = ..., crosswalk: _Optional[_Union[_catalogue_pb2.Crosswalk, _Mapping]] = ...) -> None: ...

class GetCoverageMatrixRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeafCoverage(_message.Message):
    __slots__ = ("leaf", "division", "state", "lines")
    LEAF_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    leaf: str
    division: str
    state: str
    lines: _containers.RepeatedCompositeFieldContainer[_catalogue_pb2.CrosswalkLine]
    def __init__(self, leaf: _Optional[str] = ..., division: _Optional[str] = ..., state: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[_catalogue_pb2.CrosswalkLine, _Mapping]]] = ...) -> None: ...

class GetCoverageMatrixResponse(_message.Message):
    __slots__ = ("cells",)
    CELLS_FIELD_NUMBER: _ClassVar[int]
    cells: _containers.RepeatedCompositeFieldContainer[LeafCoverage]
    def __init__(self, cells: _Optional[_Iterable[_Union[LeafCoverage, _Mapping]]] = ...) -> None: ...
