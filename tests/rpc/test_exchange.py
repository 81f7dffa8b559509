"""The doors for messages and for windows: what crosses, what is refused, who is heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import (
    admin_service_pb2_grpc,
    exchange_service_pb2_grpc,
    federation_service_pb2,
    federation_service_pb2_grpc,
    subject_pb2,
)
from huxin.v1 import exchange_service_pb2 as pb

from node.errors import NotReady
from node.model.subject import IdType, SubjectRef
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


@pytest.mark.parametrize(("method", "peer"), [("ListSubjectsElsewhere", "holder"), ("ListSharedSubjects", "receiver")])
async def test_organisations_come_in_pages_of_one_question(door: Door, method: str, peer: str) -> None:
    ask: Any = getattr(pb, f"{method}Request")
    claim = subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id="91140000ma0te5t16q")
    async with door.channel(PARTIES["own-gateway"]) as channel:
        call = getattr(exchange_service_pb2_grpc.ExchangeServiceStub(channel), method)
        first = await call(ask(page_size=2))
        second = await call(ask(page_size=2, page_token=first.next_page_token))
        await call(ask(**{peer: "520000"}, subject=claim))
        reasons = []
        for wrong in (
            ask(**{peer: "52"}),
            ask(subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id="91")),
            ask(**{peer: "520000"}, page_token=first.next_page_token),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(wrong)
            reasons.append(reason_of(refused.value))
    assert [len(page.subjects) for page in (first, second)] == [2, 1]
    assert (first.subjects[0].name, first.subjects[0].since) == ("合成", "2026-11-22")
    assert second.next_page_token == ""
    assert door.sharing.asked[-1] == ("520000", SubjectRef(IdType.USCC, "91140000MA0TE5T16Q"))
    assert reasons == ["INVALID_FIELD", "SUBJECT_ID_LENGTH", "INVALID_PAGE_TOKEN"]


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
