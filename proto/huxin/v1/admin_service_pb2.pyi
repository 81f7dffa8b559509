import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import federation_service_pb2 as _federation_service_pb2
from huxin.v1 import statement_pb2 as _statement_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListPeersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("division", "name_zh", "endpoint", "state", "replicated", "head_size", "fresh_at", "last_error", "known_size", "withheld", "witnesses", "split_at")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REPLICATED_FIELD_NUMBER: _ClassVar[int]
    HEAD_SIZE_FIELD_NUMBER: _ClassVar[int]
    FRESH_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SIZE_FIELD_NUMBER: _ClassVar[int]
    WITHHELD_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    SPLIT_AT_FIELD_NUMBER: _ClassVar[int]
    division: str
    name_zh: str
    endpoint: str
    state: str
    replicated: int
    head_size: int
    fresh_at: _timestamp_pb2.Timestamp
    last_error: str
    known_size: int
    withheld: int
    witnesses: _containers.RepeatedScalarFieldContainer[str]
    split_at: int
    def __init__(self, division: _Optional[str] = ..., name_zh: _Optional[str] = ..., endpoint: _Optional[str] = ..., state: _Optional[str] = ..., replicated: _Optional[int] = ..., head_size: _Optional[int] = ..., fresh_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ..., known_size: _Optional[int] = ..., withheld: _Optional[int] = ..., witnesses: _Optional[_Iterable[str]] = ..., split_at: _Optional[int] = ...) -> None: ...

class ListPeersResponse(_message.Message):
    __slots__ = ("peers", "next_page_token")
    PEERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    next_page_token: str
    def __init__(self, peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSplitViewsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SplitView(_message.Message):
    __slots__ = ("origin", "shown_by", "found_at", "agreed_size", "evidence")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SHOWN_BY_FIELD_NUMBER: _ClassVar[int]
    FOUND_AT_FIELD_NUMBER: _ClassVar[int]
    AGREED_SIZE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    origin: str
    shown_by: str
    found_at: _timestamp_pb2.Timestamp
    agreed_size: int
    evidence: _federation_service_pb2.SplitEvidence
    def __init__(self, origin: _Optional[str] = ..., shown_by: _Optional[str] = ..., found_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agreed_size: _Optional[int] = ..., evidence: _Optional[_Union[_federation_service_pb2.SplitEvidence, _Mapping]] = ...) -> None: ...

class ListSplitViewsResponse(_message.Message):
    __slots__ = ("splits", "next_page_token")
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    splits: _containers.RepeatedCompositeFieldContainer[SplitView]
    next_page_token: str
    def __init__(self, splits: _Optional[_Iterable[_Union[SplitView, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ChangeStatusRequest(_message.Message):
    __slots__ = ("request_id", "report_number", "flag", "set", "reason_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    REASON_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    report_number: str
    flag: _statement_pb2.StatusFlag
    set: bool
    reason_code: str
    def __init__(self, request_id: _Optional[str] = ..., report_number: _Optional[str] = ..., flag: _Optional[_Union[_statement_pb2.StatusFlag, str]] = ..., set: _Optional[bool] = ..., reason_code: _Optional[str] = ...) -> None: ...

class ChangeStatusResponse(_message.Message):
    __slots__ = ("log_index",)
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    log_index: int
    def __init__(self, log_index: _Optional[int] = ...) -> None: ...
