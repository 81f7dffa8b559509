"""`huxin.v1.AdminService`: operation of this node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from huxin.v1 import admin_service_pb2 as pb

from node.model.log import StatusFlag
from node.model.messages import MessageLine
from node.model.peers import PeerState
from node.model.witnesses import SplitView, SuccessorLog
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.paging import page_of, page_size, read_token, write_token
from node.rpc.requests import report_number, request_id
from node.wire.fields import choice, code, division
from node.wire.messages import hex_id, message_line
from node.wire.peers import peer_message, split_message
from node.wire.status import STATUS_FLAGS

_NEWEST = 2**63 - 1
"""Above every sequence."""


class Operation(Protocol):
    """What this service asks of the node. `change_status` answers the log index of the committed statement.

    `successor` tells the log after the one of an origin, None for one that goes on itself. `awaits_recovery`: whether
    nobody follows what our log takes in now.
    """

    def peers(self) -> Sequence[PeerState]: ...
    def splits(self) -> Sequence[SplitView]: ...
    def successor(self, origin: str, /) -> SuccessorLog | None: ...
    def awaits_recovery(self) -> bool: ...
    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str, /
    ) -> int: ...


class Mailbox(Protocol):
    """Messages one way. `lines` are newest first, of those before a sequence; `line` and `retry` raise NotFound.

    `retry` raises InvalidInput for a message that has ended.
    """

    async def lines(self, peer: str, state: str, limit: int, before: int, /) -> Sequence[MessageLine]: ...
    async def line(self, message_id: bytes, /) -> MessageLine: ...
    async def retry(self, message_id: bytes, /) -> MessageLine: ...


class AdminService:
    """Requests in, use case, responses out. `boxes` by the number of `MessageBox`."""

    def __init__(self, operation: Operation, boxes: Mapping[int, Mailbox]) -> None:
        self._operation = operation
        self._boxes = boxes

    async def list_peers(self, request: pb.ListPeersRequest, _caller: Caller) -> pb.ListPeersResponse:
        page, token = page_of(
            self._operation.peers(), lambda each: each.division, request.page_size, request.page_token, "peers"
        )
        return pb.ListPeersResponse(peers=[peer_message(each) for each in page], next_page_token=token)

    async def list_split_views(self, request: pb.ListSplitViewsRequest, _caller: Caller) -> pb.ListSplitViewsResponse:
        page, token = page_of(
            self._operation.splits(),
            lambda each: f"{each.origin} {each.shown_by}",
            request.page_size,
            request.page_token,
            "splits",
        )
        told = [split_message(each, self._operation.successor(each.origin)) for each in page]
        return pb.ListSplitViewsResponse(splits=told, next_page_token=token)

    async def change_status(self, request: pb.ChangeStatusRequest, caller: Caller) -> pb.ChangeStatusResponse:
        index = await self._operation.change_status(
            request_id(request.request_id),
            report_number(request.report_number),
            choice(STATUS_FLAGS, request.flag, "flag"),
            request.set,
            code(request.reason_code, "reason_code"),
            caller.name,
        )
        return pb.ChangeStatusResponse(log_index=index, awaits_recovery=self._operation.awaits_recovery())

    async def list_messages(self, request: pb.ListMessagesRequest, _caller: Caller) -> pb.ListMessagesResponse:
        box = choice(self._boxes, request.box, "box")
        peer = division(request.peer, "peer") if request.peer else ""
        state = code(request.state, "state") if request.state else ""
        question = f"messages/{request.box}/{peer}/{state}"
        token = read_token(request.page_token, question)
        size = page_size(request.page_size)
        found = await box.lines(peer, state, size + 1, int(token) if token.isdecimal() else _NEWEST)
        after = str(found[size - 1].sequence) if len(found) > size else ""
        return pb.ListMessagesResponse(
            messages=[message_line(line) for line in found[:size]], next_page_token=write_token(after, question)
        )

    async def get_message(self, request: pb.GetMessageRequest, _caller: Caller) -> pb.GetMessageResponse:
        box = choice(self._boxes, request.box, "box")
        return pb.GetMessageResponse(message=message_line(await box.line(hex_id(request.id))))

    async def retry_message(self, request: pb.RetryMessageRequest, _caller: Caller) -> pb.RetryMessageResponse:
        box = choice(self._boxes, request.box, "box")
        return pb.RetryMessageResponse(message=message_line(await box.retry(hex_id(request.id))))


def admin_service(operation: Operation, outbox: Mailbox, inbox: Mailbox) -> Service:
    """The service as the guard takes it."""
    boxes = {int(pb.MESSAGE_BOX_OUTBOX): outbox, int(pb.MESSAGE_BOX_INBOX): inbox}
    return Service(pb.DESCRIPTOR.services_by_name["AdminService"], AdminService(operation, boxes))
