"""The doors for messages and for windows: what crosses, what is refused, who is heard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc.aio
import pytest
from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import (
    admin_service_pb2_grpc,
    exchange_service_pb2_grpc,
    federation_service_pb2,
    federation_service_pb2_grpc,
)
from huxin.v1 import exchange_service_pb2 as pb

from node.errors import NotReady
from tests.rpc.mail import ASK_ID
from tests.rpc.world import PARTIES, Door, opened, reason_of


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as found:
        yield found


async def test_a_bundle_comes_in_chunks_and_in_whole(door: Door) -> None:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        call = stub.DownloadAskedReport(pb.DownloadAskedReportRequest(id=ASK_ID.hex()))
        chunks = [part.chunk async for part in call]
    assert b"".join(chunks) == door.asking.bundle_bytes
    assert max(map(len, chunks)) == 65_536


@pytest.mark.parametrize("ask_id", ["", "00" * 15, ASK_ID.hex().upper().replace("0", "A"), "zz" * 16])
async def test_an_id_in_no_usable_form_is_refused(door: Door, ask_id: str) -> None:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetAskedReport(pb.GetAskedReportRequest(id=ask_id))
    assert reason_of(refused.value) == "INVALID_FIELD"


async def test_requests_come_in_pages(door: Door) -> None:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        stub = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        first = await stub.ListAskedReports(pb.ListAskedReportsRequest(page_size=3))
        second = await stub.ListAskedReports(pb.ListAskedReportsRequest(page_token=first.next_page_token))
    assert (len(first.asked), len(second.asked), second.next_page_token) == (3, 1, "")


async def test_messages_come_in_pages_by_box_peer_and_state(door: Door) -> None:
    async with door.channel(PARTIES["own-operator"]) as channel:
        stub = admin_service_pb2_grpc.AdminServiceStub(channel)
        found: list[str] = []
        request = admin_pb.ListMessagesRequest(box=admin_pb.MESSAGE_BOX_OUTBOX, peer="520000", page_size=4)
        while True:
            page = await stub.ListMessages(request)
            found += [message.id for message in page.messages]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        none = await stub.ListMessages(admin_pb.ListMessagesRequest(box=admin_pb.MESSAGE_BOX_INBOX, state="handled"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListMessages(admin_pb.ListMessagesRequest())
        elsewhere = admin_pb.ListMessagesRequest(box=admin_pb.MESSAGE_BOX_INBOX, page_token=page_token(request))
        with pytest.raises(grpc.aio.AioRpcError) as stray:
            await stub.ListMessages(elsewhere)
    assert found == [number.to_bytes(16).hex() for number in range(29, 0, -2)]
    assert list(none.messages) == []
    assert (reason_of(refused.value), reason_of(stray.value)) == ("INVALID_FIELD", "INVALID_PAGE_TOKEN")


def page_token(request: admin_pb.ListMessagesRequest) -> str:
    token: str = request.page_token
    return token


async def test_who_delivers_is_heard_and_a_database_that_is_away_takes_nothing(door: Door) -> None:
    async with door.channel(PARTIES["peer-node"]) as channel:
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        request = federation_service_pb2.DeliverRequest(messages=[federation_service_pb2.SealedMessage()])
        answer = await stub.Deliver(request)
        door.mail.failure = NotReady("STORAGE_UNAVAILABLE", "The database is away.")
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await stub.Deliver(request)
    assert [(result.outcome, result.reason) for result in answer.results] == [
        (federation_service_pb2.DELIVERY_OUTCOME_REFUSED, "MALFORMED")
    ]
    assert door.mail.taken == [("520000", None)]
    assert set(door.heard) == {"520000"}
    assert away.value.code() is grpc.StatusCode.UNAVAILABLE
