"""`huxin.v1.AdminService`: operation of this node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from huxin.v1 import admin_service_pb2 as pb

from node.model.log import StatusFlag
from node.model.peers import PeerState
from node.model.witnesses import SplitView
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.paging import page_of
from node.rpc.requests import report_number, request_id
from node.wire.fields import choice, code
from node.wire.peers import peer_message, split_message
from node.wire.status import STATUS_FLAGS


class Operation(Protocol):
    """What this service asks of the node. `change_status` answers the log index of the committed statement."""

    def peers(self) -> Sequence[PeerState]: ...
    def splits(self) -> Sequence[SplitView]: ...
    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str, /
    ) -> int: ...


class AdminService:
    """Requests in, use case, responses out."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

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
        return pb.ListSplitViewsResponse(splits=[split_message(each) for each in page], next_page_token=token)

    async def change_status(self, request: pb.ChangeStatusRequest, caller: Caller) -> pb.ChangeStatusResponse:
        index = await self._operation.change_status(
            request_id(request.request_id),
            report_number(request.report_number),
            choice(STATUS_FLAGS, request.flag, "flag"),
            request.set,
            code(request.reason_code, "reason_code"),
            caller.name,
        )
        return pb.ChangeStatusResponse(log_index=index)


def admin_service(operation: Operation) -> Service:
    """The service as the guard takes it."""
    return Service(pb.DESCRIPTOR.services_by_name["AdminService"], AdminService(operation))
