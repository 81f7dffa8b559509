import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from huxin.v1 import federation_service_pb2 as _federation_service_pb2
from huxin.v1 import statement_pb2 as _statement_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MessageBox(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MESSAGE_BOX_UNSPECIFIED: _ClassVar[MessageBox]
    MESSAGE_BOX_OUTBOX: _ClassVar[MessageBox]
    MESSAGE_BOX_INBOX: _ClassVar[MessageBox]
MESSAGE_BOX_UNSPECIFIED: MessageBox
MESSAGE_BOX_OUTBOX: MessageBox
MESSAGE_BOX_INBOX: MessageBox

class ListPeersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("division", "name_zh", "endpoint", "state", "replicated", "head_size", "fresh_at", "last_error", "acknowledged", "last_reason", "known_size", "withheld", "witnesses", "split_at")
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_ZH_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REPLICATED_FIELD_NUMBER: _ClassVar[int]
    HEAD_SIZE_FIELD_NUMBER: _ClassVar[int]
    FRESH_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    LAST_REASON_FIELD_NUMBER: _ClassVar[int]
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
    acknowledged: Acknowledged
    last_reason: str
    known_size: int
    withheld: int
    witnesses: _containers.RepeatedScalarFieldContainer[str]
    split_at: int
    def __init__(self, division: _Optional[str] = ..., name_zh: _Optional[str] = ..., endpoint: _Optional[str] = ..., state: _Optional[str] = ..., replicated: _Optional[int] = ..., head_size: _Optional[int] = ..., fresh_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ..., acknowledged: _Optional[_Union[Acknowledged, _Mapping]] = ..., last_reason: _Optional[str] = ..., known_size: _Optional[int] = ..., withheld: _Optional[int] = ..., witnesses: _Optional[_Iterable[str]] = ..., split_at: _Optional[int] = ...) -> None: ...

class Acknowledged(_message.Message):
    __slots__ = ("size", "lag", "measured", "p50_seconds", "p99_seconds")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    MEASURED_FIELD_NUMBER: _ClassVar[int]
    P50_SECONDS_FIELD_NUMBER: _ClassVar[int]
    P99_SECONDS_FIELD_NUMBER: _ClassVar[int]
    size: int
    lag: int
    measured: int
    p50_seconds: float
    p99_seconds: float
    def __init__(self, size: _Optional[int] = ..., lag: _Optional[int] = ..., measured: _Optional[int] = ..., p50_seconds: _Optional[float] = ..., p99_seconds: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("origin", "shown_by", "found_at", "agreed_size", "evidence", "successor")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SHOWN_BY_FIELD_NUMBER: _ClassVar[int]
    FOUND_AT_FIELD_NUMBER: _ClassVar[int]
    AGREED_SIZE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    origin: str
    shown_by: str
    found_at: _timestamp_pb2.Timestamp
    agreed_size: int
    evidence: _federation_service_pb2.SplitEvidence
    successor: SuccessorLog
    def __init__(self, origin: _Optional[str] = ..., shown_by: _Optional[str] = ..., found_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agreed_size: _Optional[int] = ..., evidence: _Optional[_Union[_federation_service_pb2.SplitEvidence, _Mapping]] = ..., successor: _Optional[_Union[SuccessorLog, _Mapping]] = ...) -> None: ...

class SuccessorLog(_message.Message):
    __slots__ = ("origin", "closed_size", "decided_at")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    CLOSED_SIZE_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    closed_size: int
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., closed_size: _Optional[int] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("log_index", "awaits_recovery")
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    AWAITS_RECOVERY_FIELD_NUMBER: _ClassVar[int]
    log_index: int
    awaits_recovery: bool
    def __init__(self, log_index: _Optional[int] = ..., awaits_recovery: _Optional[bool] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("id", "peer", "kind", "state", "reason", "created_at", "expires_at", "ended_at", "attempts", "order", "outcome", "evidence_digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    peer: str
    kind: str
    state: str
    reason: str
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    attempts: int
    order: str
    outcome: str
    evidence_digest: bytes
    def __init__(self, id: _Optional[str] = ..., peer: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempts: _Optional[int] = ..., order: _Optional[str] = ..., outcome: _Optional[str] = ..., evidence_digest: _Optional[bytes] = ...) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("box", "peer", "state", "page_size", "page_token")
    BOX_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    box: MessageBox
    peer: str
    state: str
    page_size: int
    page_token: str
    def __init__(self, box: _Optional[_Union[MessageBox, str]] = ..., peer: _Optional[str] = ..., state: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("messages", "next_page_token")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    next_page_token: str
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetMessageRequest(_message.Message):
    __slots__ = ("box", "id")
    BOX_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    box: MessageBox
    id: str
    def __init__(self, box: _Optional[_Union[MessageBox, str]] = ..., id: _Optional[str] = ...) -> None: ...

class GetMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...

class RetryMessageRequest(_message.Message):
    __slots__ = ("box", "id")
    BOX_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    box: MessageBox
    id: str
    def __init__(self, box: _Optional[_Union[MessageBox, str]] = ..., id: _Optional[str] = ...) -> None: ...

class RetryMessageResponse(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ...) -> None: ...
