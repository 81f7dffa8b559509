"""`huxin.v1.ExchangeService`: reports of other jurisdictions, asked for at a window here (R181), and basic information.

Basic information of organisations (R183) goes both ways: what others told of ours, and what they were told of theirs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from huxin.v1 import exchange_service_pb2 as pb

from node.model.asking import AskedReport, AskOrder
from node.model.sharing import SharedBasics, SubjectElsewhere
from node.model.subject import SubjectRef
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.paging import page_size, read_token, write_token
from node.rpc.requests import request_id
from node.wire.asking import ask_order, asked_message
from node.wire.basics import elsewhere_message, listed_subject, shared_message
from node.wire.fields import division
from node.wire.messages import hex_id

CHUNK_BYTES = 64 * 1024
_QUESTION = "asked reports"


class Asking(Protocol):
    """What this service asks of the use case. Every caller sees its own requests only: NotFound for another's."""

    async def ask(self, order: AskOrder, caller: str, /) -> AskedReport: ...
    async def get(self, ask_id: bytes, caller: str, /) -> AskedReport: ...
    async def list(self, caller: str, limit: int, after: str, /) -> tuple[list[AskedReport], str]: ...
    async def bundle(self, ask_id: bytes, caller: str, /) -> bytes: ...


class Sharing(Protocol):
    """Basic information by code and peer, of one peer or all, of one subject or all: a page, and where the next begins.

    Raises InvalidInput for a place that is none.
    """

    async def elsewhere(
        self, holder: str, subject: SubjectRef | None, limit: int, after: str, /
    ) -> tuple[list[SubjectElsewhere], str]: ...
    async def shared(
        self, receiver: str, subject: SubjectRef | None, limit: int, after: str, /
    ) -> tuple[list[SharedBasics], str]: ...


class ExchangeService:
    """Requests in, use case, responses out."""

    def __init__(self, asking: Asking, sharing: Sharing) -> None:
        self._asking = asking
        self._sharing = sharing

    async def ask_for_report(self, request: pb.AskForReportRequest, caller: Caller) -> pb.AskForReportResponse:
        order = ask_order(request, request_id(request.request_id))
        return pb.AskForReportResponse(asked=asked_message(await self._asking.ask(order, caller.name)))

    async def get_asked_report(self, request: pb.GetAskedReportRequest, caller: Caller) -> pb.GetAskedReportResponse:
        return pb.GetAskedReportResponse(asked=asked_message(await self._asking.get(hex_id(request.id), caller.name)))

    async def list_asked_reports(
        self, request: pb.ListAskedReportsRequest, caller: Caller
    ) -> pb.ListAskedReportsResponse:
        found, after = await self._asking.list(
            caller.name, page_size(request.page_size), read_token(request.page_token, _QUESTION)
        )
        return pb.ListAskedReportsResponse(
            asked=[asked_message(each) for each in found], next_page_token=write_token(after, _QUESTION)
        )

    async def download_asked_report(
        self, request: pb.DownloadAskedReportRequest, caller: Caller
    ) -> AsyncIterator[pb.DownloadAskedReportResponse]:
        bundle = await self._asking.bundle(hex_id(request.id), caller.name)
        for start in range(0, len(bundle), CHUNK_BYTES):
            yield pb.DownloadAskedReportResponse(chunk=bundle[start : start + CHUNK_BYTES])

    async def list_subjects_elsewhere(
        self, request: pb.ListSubjectsElsewhereRequest, caller: Caller
    ) -> pb.ListSubjectsElsewhereResponse:
        del caller
        holder, subject, size = _peer(request.holder, "holder"), listed_subject(request), page_size(request.page_size)
        question = _question("elsewhere", holder, subject)
        found, after = await self._sharing.elsewhere(holder, subject, size, read_token(request.page_token, question))
        return pb.ListSubjectsElsewhereResponse(
            subjects=[elsewhere_message(each) for each in found], next_page_token=write_token(after, question)
        )

    async def list_shared_subjects(
        self, request: pb.ListSharedSubjectsRequest, caller: Caller
    ) -> pb.ListSharedSubjectsResponse:
        del caller
        receiver, subject = _peer(request.receiver, "receiver"), listed_subject(request)
        size, question = page_size(request.page_size), _question("shared", receiver, subject)
        found, after = await self._sharing.shared(receiver, subject, size, read_token(request.page_token, question))
        return pb.ListSharedSubjectsResponse(
            subjects=[shared_message(each) for each in found], next_page_token=write_token(after, question)
        )


def _peer(value: str, path: str) -> str:
    """A division code, or nothing for all."""
    return division(value, path) if value else ""


def _question(of: str, peer: str, subject: SubjectRef | None) -> str:
    return f"{of} {peer} {'' if subject is None else subject.id_type.value + subject.id}"


def exchange_service(asking: Asking, sharing: Sharing) -> Service:
    """The service as the guard takes it."""
    return Service(pb.DESCRIPTOR.services_by_name["ExchangeService"], ExchangeService(asking, sharing))
