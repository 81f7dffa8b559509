"""Two provinces that send each other messages: how a window asks, and what operators see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from hashlib import sha256

from huxin.v1 import (
    admin_service_pb2,
    exchange_service_pb2,
    exchange_service_pb2_grpc,
    subject_pb2,
)

from tests.support import nodes
from tests.support.nodes import TestJurisdiction

OUTBOX, INBOX = admin_service_pb2.MESSAGE_BOX_OUTBOX, admin_service_pb2.MESSAGE_BOX_INBOX
Line = admin_service_pb2.Message
EVIDENCE = sha256(b"a scan of the consent, synthetic").digest()


def exchange(one: TestJurisdiction) -> exchange_service_pb2_grpc.ExchangeServiceStub:
    """The door of a window."""
    return exchange_service_pb2_grpc.ExchangeServiceStub(one.channel())


def asking_for(
    subject: str, receiver: str = "140000", codes: Sequence[str] = ("6",), request_id: str = ""
) -> exchange_service_pb2.AskForReportRequest:
    return exchange_service_pb2.AskForReportRequest(
        request_id=request_id or str(uuid.uuid4()),
        receiver=receiver,
        subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=subject),
        local_codes=codes,
        scenario="tender",
        evidence_digest=EVIDENCE,
    )


async def ask(one: TestJurisdiction, request: exchange_service_pb2.AskForReportRequest) -> str:
    """Asks at the window; the id of the request."""
    response = await exchange(one).AskForReport(request)
    ask_id: str = response.asked.id
    return ask_id


async def asked(one: TestJurisdiction, ask_id: str) -> exchange_service_pb2.AskedReport:
    response = await exchange(one).GetAskedReport(exchange_service_pb2.GetAskedReportRequest(id=ask_id))
    found: exchange_service_pb2.AskedReport = response.asked
    return found


async def stands(
    one: TestJurisdiction, ask_id: str, state: str, seconds: float = 20
) -> exchange_service_pb2.AskedReport:
    """Waits until a request stands so."""
    stub = exchange(one)
    request = exchange_service_pb2.GetAskedReportRequest(id=ask_id)

    async def reached() -> bool:
        return bool((await stub.GetAskedReport(request)).asked.state == state)

    await nodes.eventually(reached, seconds)
    return await asked(one, ask_id)


async def fetched(one: TestJurisdiction, ask_id: str) -> bytes:
    call = exchange(one).DownloadAskedReport(exchange_service_pb2.DownloadAskedReportRequest(id=ask_id))
    return b"".join([part.chunk async for part in call])


async def messages(
    one: TestJurisdiction, box: admin_service_pb2.MessageBox, peer: str = "", state: str = ""
) -> list[admin_service_pb2.Message]:
    """What an operator sees, newest first."""
    request = admin_service_pb2.ListMessagesRequest(box=box, peer=peer, state=state, page_size=100)
    return list((await one.admin().ListMessages(request)).messages)


async def comes(
    one: TestJurisdiction, box: admin_service_pb2.MessageBox, count: int, state: str, reason: str | None = None
) -> list[admin_service_pb2.Message]:
    """Waits until so many messages are in a state, for a reason if one is given."""
    stub = one.admin()
    found: list[admin_service_pb2.Message] = []

    async def reached() -> bool:
        request = admin_service_pb2.ListMessagesRequest(box=box, state=state, page_size=100)
        found[:] = [
            message
            for message in (await stub.ListMessages(request)).messages
            if reason is None or message.reason == reason
        ]
        return len(found) == count

    await nodes.eventually(reached, 20)
    return found


async def message(one: TestJurisdiction, box: admin_service_pb2.MessageBox, message_id: bytes) -> Line:
    """One message, as an operator sees it."""
    request = admin_service_pb2.GetMessageRequest(box=box, id=message_id.hex())
    found: Line = (await one.admin().GetMessage(request)).message
    return found


async def retry(one: TestJurisdiction, box: admin_service_pb2.MessageBox, message_id: bytes) -> Line:
    """An operator tries it again."""
    request = admin_service_pb2.RetryMessageRequest(box=box, id=message_id.hex())
    found: Line = (await one.admin().RetryMessage(request)).message
    return found
