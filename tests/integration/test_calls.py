"""What callers of a real node can rely on: request ids, pages, limits, deadlines, and errors that say what to do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from huxin.v1 import (
    admin_service_pb2,
    catalogue_service_pb2,
    catalogue_service_pb2_grpc,
    federation_service_pb2,
    federation_service_pb2_grpc,
    report_service_pb2,
    requirement_pb2,
    verification_service_pb2,
)

from node.rpc.reasons import REASONS
from tests.integration import dishonest
from tests.integration.provinces import ACCEPT, OF_SHANXI, Provinces, provinces, verdicts
from tests.support import nodes

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "14000020261122000G40R40M30E209Q"
"""Well formed, and issued by nobody."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path_factory.mktemp("calls")) as found:
        await nodes.register(found.shanxi, found.shanxi.subject, *(code(number) for number in range(1, 5)))
        yield found


def code(number: int) -> str:
    return nodes.synthetic_code("140000", number)


def order(of_id: str, about: str, **fields: Any) -> report_service_pb2.CreateReportRequest:
    """An order for row 6, with other `fields` where they are given."""
    usual: dict[str, Any] = {
        "request_id": of_id,
        "subject": nodes.claim(about),
        "scenario": "tender",
        "local_codes": ["6"],
    }
    return report_service_pb2.CreateReportRequest(**{"scenario": "tender", **usual, **fields})


async def test_the_same_request_id_gives_the_same_report_also_after_a_restart(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        shanxi = pair.shanxi
        request = order(str(uuid.uuid4()), shanxi.subject)
        first = await shanxi.reports().CreateReport(request)
        assert await shanxi.reports().CreateReport(request) == first
        await shanxi.stop()
        await shanxi.start(pair.clock)
        assert await shanxi.reports().CreateReport(request) == first
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shanxi.reports().CreateReport(order(request.request_id, shanxi.subject, local_codes=["7"]))
        assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
        assert nodes.reason_of(caught.value) == "REQUEST_ID_REUSED"
        listed = await shanxi.reports().ListReports(
            report_service_pb2.ListReportsRequest(subject=nodes.claim(shanxi.subject))
        )
        assert list(listed.reports) == [first.report]


async def test_the_same_request_id_many_times_at_once_is_one_report(pair: Provinces) -> None:
    request, stub = order(str(uuid.uuid4()), code(1)), pair.shanxi.reports()
    answers = await asyncio.gather(*(stub.CreateReport(request) for _ in range(20)))
    assert len({answer.report.report_number for answer in answers}) == 1


async def test_of_two_contents_under_one_request_id_one_wins(pair: Provinces) -> None:
    request_id, stub = str(uuid.uuid4()), pair.shanxi.reports()
    orders = [order(request_id, code(2)), order(request_id, code(3))] * 5
    answers = await asyncio.gather(*(stub.CreateReport(one) for one in orders), return_exceptions=True)
    issued = [answer for answer in answers if not isinstance(answer, BaseException)]
    refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert (len(issued), len(refused)) == (5, 5)
    assert len({answer.report.report_number for answer in issued}) == 1
    assert {nodes.reason_of(error) for error in refused} == {"REQUEST_ID_REUSED"}


async def test_a_status_change_repeated_is_one_entry_of_the_log(pair: Provinces) -> None:
    number, _ = await pair.report(pair.shanxi)
    request = admin_service_pb2.ChangeStatusRequest(
        request_id=str(uuid.uuid4()),
        report_number=number,
        flag="STATUS_FLAG_CORRECTED",
        set=True,
        reason_code="synthetic_reason",
    )
    stub = pair.shanxi.admin()
    answers = await asyncio.gather(*(stub.ChangeStatus(request) for _ in range(5)))
    assert len({answer.log_index for answer in answers}) == 1


async def test_reports_of_a_subject_page_by_page(pair: Provinces) -> None:
    numbers = [await nodes.create_report(pair.shanxi, code(4), codes=["6"]) for _ in range(23)]
    stub = pair.shanxi.reports()
    request = report_service_pb2.ListReportsRequest(subject=nodes.claim(code(4)), page_size=10)
    pages: list[list[str]] = []
    while True:
        answer = await stub.ListReports(request)
        pages.append([report.report_number for report in answer.reports])
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert [len(page) for page in pages] == [10, 10, 3]
    assert sorted(number for page in pages for number in page) == sorted(numbers)
    request.subject.CopyFrom(nodes.claim(code(1)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListReports(request)
    assert nodes.reason_of(caught.value) == "INVALID_PAGE_TOKEN"


async def test_requirements_page_by_page(pair: Provinces) -> None:
    stub = pair.shanxi.verification()
    whole = await stub.ListRequirements(verification_service_pb2.ListRequirementsRequest(page_size=100))
    request = verification_service_pb2.ListRequirementsRequest(page_size=1)
    found = []
    for _ in whole.requirements:
        answer = await stub.ListRequirements(request)
        found += answer.requirements
        request.page_token = answer.next_page_token
    assert found == list(whole.requirements)
    assert request.page_token == ""
    assert len(found) > 1


async def test_what_is_too_large_is_refused_before_it_is_parsed(pair: Provinces) -> None:
    """The bytes are no message at all, so a parser would have complained."""
    garbage = b"\xff" * (65 << 10)
    await refused(lambda: unary(pair.shanxi, "/huxin.v1.ReportService/CreateReport", garbage), "REQUEST_TOO_LARGE")
    await refused(
        lambda: unary(pair.guizhou, "/huxin.v1.VerificationService/Verify", b"\xff" * (1_100 << 10)),
        "REQUEST_TOO_LARGE",
    )
    await refused(
        lambda: pair.guizhou.verification().Verify(
            verification_service_pb2.VerifyRequest(bundle=bytes((1 << 20) + 1), requirement=OF_SHANXI)
        ),
        "BUNDLE_TOO_LARGE",
    )
    await refused(
        lambda: pair.guizhou.verification().BatchVerify(
            verification_service_pb2.BatchVerifyRequest(items=[verification_service_pb2.BatchItem()] * 1_001)
        ),
        "REQUEST_TOO_LARGE",
    )


async def refused(call: Callable[[], Awaitable[object]], reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert nodes.reason_of(caught.value) == reason


def unary(one: nodes.TestJurisdiction, method: str, request: bytes) -> Awaitable[bytes]:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = one.channel().unary_unary(method)
    return call(request)


async def test_a_node_can_take_smaller_batches(tmp_path: Path) -> None:
    guizhou = nodes.found(tmp_path, "520000", extra={"HUXIN_LIMITS__BATCH_ITEMS": "2"})
    async with nodes.running([guizhou]):
        item = verification_service_pb2.BatchItem()
        verify = guizhou.verification().BatchVerify
        response = await verify(verification_service_pb2.BatchVerifyRequest(items=[item] * 2))
        assert len(response.verdicts) == 2
        await refused(
            lambda: verify(verification_service_pb2.BatchVerifyRequest(items=[item] * 3)), "REQUEST_TOO_LARGE"
        )


async def test_no_message_is_larger_than_the_node_receives(pair: Provinces) -> None:
    """Refused by the transport, which knows no details."""
    over = bytes(pair.guizhou.settings.limits.max_message_bytes + 1)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(pair.guizhou, "/huxin.v1.VerificationService/BatchVerify", over)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_deadline_ends_the_work_and_not_the_node(pair: Provinces) -> None:
    _, bundle = await pair.report(pair.shanxi)
    claim = nodes.claim(pair.shanxi.subject)
    items = [verification_service_pb2.BatchItem(bundle=bundle, subject=claim)] * 900
    stub = pair.guizhou.verification()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.BatchVerify(
            verification_service_pb2.BatchVerifyRequest(items=items, requirement=OF_SHANXI), timeout=0.01
        )
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    node = pair.shanxi.node
    assert node is not None
    head = node.board.newest("huxin/140000")
    assert head is not None
    await nodes.caught_up(pair.guizhou, pair.shanxi, head.size)
    answers = await verdicts(pair.guizhou, [bundle], claim, OF_SHANXI)
    assert [answer.decision for answer in answers] == [ACCEPT]


async def test_a_stream_ends_at_its_deadline(pair: Provinces) -> None:
    layout = pair.guizhou.layout
    key, certificate = layout.key("node").read_bytes(), layout.certificate("node").read_bytes()
    async with dishonest.channel_with(pair.shanxi, key, certificate) as channel:
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.Follow(federation_service_pb2.FollowRequest(origin="huxin/140000"), timeout=0.3):
                pass
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


SHANXIS = nodes.SUBJECTS["140000"]
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no request id": ({"request_id": ""}, "INVALID_FIELD", "request_id"),
    "no UUID": ({"request_id": "1234"}, "INVALID_FIELD", "request_id"),
    "no subject": ({"subject": nodes.claim("")}, "SUBJECT_ID_LENGTH", "subject.id"),
    "a code too short": ({"subject": nodes.claim(SHANXIS[:-1])}, "SUBJECT_ID_LENGTH", "subject.id"),
    "letters that no code has": ({"subject": nodes.claim("I" * 18)}, "SUBJECT_ID_ALPHABET", "subject.id"),
    "no id type": ({"subject": {"id": SHANXIS}}, "INVALID_FIELD", "subject.id_type"),
    "no such row": ({"local_codes": ["6", "99"]}, "INVALID_FIELD", "local_codes[1]"),
    "a row twice": ({"local_codes": ["6", "6"]}, "INVALID_FIELD", "local_codes"),
    "no such scenario": ({"scenario": "holiday"}, "INVALID_FIELD", "scenario"),
    "no such day": ({"period": {"start": "2026-02-30", "end": "2026-11-22"}}, "INVALID_FIELD", "period.start"),
    "an end before the start": (
        {"period": {"start": "2026-11-22", "end": "2025-11-22"}},
        "INVALID_FIELD",
        "period.end",
    ),
}
"""What is wrong: fields of the order, reason and field of the error."""


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_field_is_named(pair: Provinces, wrong: str) -> None:
    fields, reason, field = WRONG[wrong]
    request = order(str(uuid.uuid4()), SHANXIS, **fields)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pair.shanxi.reports().CreateReport(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = nodes.details_of(caught.value)
    bad = details["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    (violation,) = bad.field_violations
    assert (nodes.reason_of(caught.value), violation.field) == (reason, field)
    assert violation.description == caught.value.details()
    assert not request.subject.id or request.subject.id not in str(details)


async def test_other_errors_have_their_reason(pair: Provinces) -> None:
    reports, verification = pair.shanxi.reports(), pair.guizhou.verification()
    catalogues = catalogue_service_pb2_grpc.CatalogueServiceStub(pair.guizhou.channel())
    another_s = requirement_pb2.Requirement()
    another_s.CopyFrom(OF_SHANXI)
    another_s.jurisdiction = "140000"
    calls: list[tuple[str, grpc.StatusCode, Callable[[], Awaitable[object]]]] = [
        (
            "NOT_REGISTERED_HERE",
            grpc.StatusCode.FAILED_PRECONDITION,
            lambda: reports.CreateReport(order(str(uuid.uuid4()), code(99))),
        ),
        (
            "NO_SUCH_REPORT",
            grpc.StatusCode.NOT_FOUND,
            lambda: reports.GetReport(report_service_pb2.GetReportRequest(report_number=NUMBER)),
        ),
        (
            "REPORT_NUMBER_CHECK",
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: reports.GetReport(report_service_pb2.GetReportRequest(report_number=NUMBER[:-1] + "0")),
        ),
        (
            "NO_SUCH_REPORT",
            grpc.StatusCode.NOT_FOUND,
            lambda: verification.Verify(verification_service_pb2.VerifyRequest(report_number=NUMBER)),
        ),
        (
            "NO_SUCH_REQUIREMENT",
            grpc.StatusCode.NOT_FOUND,
            lambda: verification.GetRequirement(
                verification_service_pb2.GetRequirementRequest(requirement_id="520000/none")
            ),
        ),
        (
            "INVALID_FIELD",
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: verification.Verify(verification_service_pb2.VerifyRequest(bundle=b"x", requirement=another_s)),
        ),
        (
            "REQUEST_UNREADABLE",
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: unary(pair.guizhou, "/huxin.v1.VerificationService/Verify", b"\xff\xff"),
        ),
        (
            "NO_SUCH_CATALOGUE",
            grpc.StatusCode.NOT_FOUND,
            lambda: catalogues.GetCatalogue(catalogue_service_pb2.GetCatalogueRequest(division="990000")),
        ),
    ]
    for reason, status, call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call()
        assert (nodes.reason_of(caught.value), caught.value.code()) == (reason, status)
        assert reason in REASONS
        assert caught.value.details()


async def test_calls_are_counted_under_the_names_of_their_methods(pair: Provinces) -> None:
    about = code(4)
    await pair.shanxi.reports().CreateReport(order(str(uuid.uuid4()), about))
    with pytest.raises(grpc.aio.AioRpcError):
        await pair.shanxi.reports().GetReport(report_service_pb2.GetReportRequest(report_number=NUMBER))
    node = pair.shanxi.node
    assert node is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", node.operations_port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    scraped = (await reader.read()).decode()
    writer.close()
    for labels in (
        'code="OK",method="huxin.v1.ReportService/CreateReport"',
        'code="NOT_FOUND",method="huxin.v1.ReportService/GetReport"',
    ):
        assert f"huxin_rpc_requests_total{{{labels}}}" in scraped
    assert about not in scraped
