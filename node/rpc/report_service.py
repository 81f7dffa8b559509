"""`huxin.v1.ReportService`: reports of this jurisdiction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from huxin.v1 import report_service_pb2 as pb

from node.model.issuing import Eligibility, IssuedReport, ReportOrder
from node.model.subject import SubjectRef
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.paging import page_size, read_token, write_token
from node.rpc.requests import report_number, request_id
from node.wire.issuing import eligibility_response, local_codes, report_message, report_order
from node.wire.subject import claimed_subject

CHUNK_BYTES = 64 * 1024


class Issuing(Protocol):
    """What this service asks of issuance. Errors are of `node/errors.py`."""

    async def create(self, order: ReportOrder, caller: str) -> IssuedReport: ...
    async def get(self, report_number: str) -> IssuedReport: ...
    async def list(self, subject: SubjectRef, limit: int, after: str) -> tuple[list[IssuedReport], str]: ...
    async def bundle(self, report_number: str, disclosed_codes: tuple[str, ...]) -> bytes: ...
    async def eligibility(self, subject: SubjectRef) -> Eligibility: ...


class ReportService:
    """Requests in, use case, responses out."""

    def __init__(self, issuing: Issuing) -> None:
        self._issuing = issuing

    async def create_report(self, request: pb.CreateReportRequest, caller: Caller) -> pb.CreateReportResponse:
        order = report_order(request, request_id(request.request_id))
        return pb.CreateReportResponse(report=report_message(await self._issuing.create(order, caller.name)))

    async def get_report(self, request: pb.GetReportRequest, _caller: Caller) -> pb.GetReportResponse:
        report = await self._issuing.get(report_number(request.report_number))
        return pb.GetReportResponse(report=report_message(report))

    async def list_reports(self, request: pb.ListReportsRequest, _caller: Caller) -> pb.ListReportsResponse:
        subject = claimed_subject(request.subject)
        question = f"reports/{subject.id_type.value}/{subject.id}"
        reports, after = await self._issuing.list(
            subject, page_size(request.page_size), read_token(request.page_token, question)
        )
        return pb.ListReportsResponse(
            reports=[report_message(report) for report in reports], next_page_token=write_token(after, question)
        )

    async def download_report(
        self, request: pb.DownloadReportRequest, _caller: Caller
    ) -> AsyncIterator[pb.DownloadReportResponse]:
        bundle = await self._issuing.bundle(
            report_number(request.report_number), local_codes(request.disclosed_codes, "disclosed_codes")
        )
        for start in range(0, len(bundle), CHUNK_BYTES):
            yield pb.DownloadReportResponse(chunk=bundle[start : start + CHUNK_BYTES])

    async def check_eligibility(
        self, request: pb.CheckEligibilityRequest, _caller: Caller
    ) -> pb.CheckEligibilityResponse:
        return eligibility_response(await self._issuing.eligibility(claimed_subject(request.subject)))


def report_service(issuing: Issuing) -> Service:
    """The service as the guard takes it."""
    return Service(pb.DESCRIPTOR.services_by_name["ReportService"], ReportService(issuing))
