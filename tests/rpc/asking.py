"""One call of a party through the door, answered or refused."""

from __future__ import annotations

from typing import TypeVar

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from huxin.v1 import report_service_pb2 as report_pb

from tests.rpc.world import PARTIES, USCC, Door, details_of, reason_of, unary

M = TypeVar("M", bound=Message)


async def call(door: Door, party: str, method: str, request: Message, response: type[M]) -> M:
    async with door.channel(PARTIES[party]) as channel:
        answer = await unary(channel, f"/huxin.v1.{method}")(request.SerializeToString(), timeout=10)
    return response.FromString(answer)


async def refused(door: Door, party: str, method: str, request: Message) -> tuple[grpc.StatusCode, str, str]:
    """Code, reason and field of a refusal."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(door, party, method, request, report_pb.CreateReportResponse)
    fields = [
        violation.field
        for detail in details_of(caught.value)
        if isinstance(detail, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    ]
    assert USCC not in repr(caught.value)
    return caught.value.code(), reason_of(caught.value), "".join(fields)
