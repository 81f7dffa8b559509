"""Each service through a real channel: requests in, use case called with the right values, responses out."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import grpc
import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import catalogue_service_pb2 as catalogue_pb
from huxin.v1 import federation_service_pb2 as federation_pb
from huxin.v1 import period_pb2, requirement_pb2, statement_pb2, verdict_pb2
from huxin.v1 import report_service_pb2 as report_pb
from huxin.v1 import subject_pb2 as subject_pb
from huxin.v1 import verification_service_pb2 as verification_pb

from node.errors import InvalidInput, NotFound, NotPermitted, NotReady
from node.model.calendar import Period
from node.model.issuing import PeriodExceptionNote
from node.model.log import StatusFlag
from node.model.subject import IdType, SubjectRef
from node.rpc.federation_service import CHUNK_BYTES as TRUST_CHUNK_BYTES
from node.rpc.federation_service import MAX_PUBLICATION_BYTES, MAX_STREAMS
from node.rpc.report_service import CHUNK_BYTES
from node.rpc.verification_service import MAX_BATCH_ITEMS
from node.wire.issuing import report_order
from tests.rpc.asking import call, refused
from tests.rpc.federation import SHANXI, Feed
from tests.rpc.world import NUMBER, PARTIES, REQUEST_ID, REQUIREMENTS, USCC, Door, issued, opened, reason_of, streaming

CLAIM = subject_pb.SubjectClaim(id_type=subject_pb.ID_TYPE_USCC, id=USCC)
REF = SubjectRef(IdType.USCC, USCC)
EXCEPTION = "period_exception.reason"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


def order(**changes: object) -> report_pb.CreateReportRequest:
    request = report_pb.CreateReportRequest(request_id=REQUEST_ID, subject=CLAIM, scenario="tender")
    request.MergeFrom(report_pb.CreateReportRequest(**changes))  # type: ignore[arg-type] # fields by name
    return request


async def test_create_report(door: Door) -> None:
    request = order(
        period=period_pb2.Period(start="2019-11-22", end="2026-11-22"),
        period_exception=period_pb2.PeriodException(relying_party="synthetic bank", reason="asked for seven years"),
        local_codes=["6", "7"],
    )
    answer = await call(door, "own-gateway", "ReportService/CreateReport", request, report_pb.CreateReportResponse)
    (((caller, request_id), told),) = door.issuing.orders.items()
    assert (caller, request_id) == (f"{SHANXI}/gateway", REQUEST_ID)
    assert told.subject == REF
    assert told.period == Period(date(2019, 11, 22), date(2026, 11, 22))
    assert told.exception == PeriodExceptionNote("synthetic bank", "asked for seven years")
    assert (told.local_codes, told.scenario) == (("6", "7"), "tender")
    assert answer.report.report_number == NUMBER
    assert answer.report.period.start == "2019-11-22"
    assert answer.report.section_count == 81


async def test_identifiers_are_normalised(door: Door) -> None:
    wide = USCC.lower().translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789abcdefghijklmnopqrstuvwxyz"})
    request = order()
    request.subject.id = f" {wide} "
    await call(door, "own-gateway", "ReportService/CreateReport", request, report_pb.CreateReportResponse)
    assert [told.subject for told in door.issuing.orders.values()] == [REF]


async def test_request_id_in_capitals_is_the_same_request(door: Door) -> None:
    for text in (REQUEST_ID, REQUEST_ID.upper()):
        request = order(request_id=text)
        await call(door, "own-gateway", "ReportService/CreateReport", request, report_pb.CreateReportResponse)
    assert len(door.issuing.orders) == 1


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (report_pb.CreateReportRequest(subject=CLAIM, scenario="tender"), "request_id"),
        (order(request_id="{" + REQUEST_ID + "}"), "request_id"),
        (order(request_id=str(uuid.UUID(int=0))), "request_id"),
        (report_pb.CreateReportRequest(request_id=REQUEST_ID, scenario="tender"), "subject.id_type"),
        (order(subject=subject_pb.SubjectClaim(id="1234")), "subject.id"),
        (order(scenario="Tender!"), "scenario"),
        # Signed texts hold no line breaks and no full-width spaces: these became INTERNAL.
        (order(period_exception=period_pb2.PeriodException(relying_party="a", reason="one\ntwo")), EXCEPTION),
        (order(period_exception=period_pb2.PeriodException(relying_party="a", reason="招标\u3000需要")), EXCEPTION),
        (order(period=period_pb2.Period(start="2026-02-30", end="2026-11-22")), "period.start"),
        (order(period=period_pb2.Period(start="2026-11-22", end="2026-11-22")), "period.end"),
        (order(period_exception=period_pb2.PeriodException(relying_party="a bank")), "period_exception.reason"),
        (order(local_codes=["6", "6"]), "local_codes"),
        (order(local_codes=["6", ""]), "local_codes[1]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bad_orders_name_the_field(door: Door, request_: report_pb.CreateReportRequest, field: str) -> None:
    code, _, named = await refused(door, "own-gateway", "ReportService/CreateReport", request_)
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert not door.issuing.orders


async def test_a_request_id_with_another_content_is_a_conflict(door: Door) -> None:
    await call(door, "own-gateway", "ReportService/CreateReport", order(), report_pb.CreateReportResponse)
    code, reason, _ = await refused(door, "own-gateway", "ReportService/CreateReport", order(local_codes=["6"]))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


async def test_get_report_as_people_type_the_number(door: Door) -> None:
    door.issuing.reports[NUMBER] = issued(NUMBER, report_order(order(), REQUEST_ID))
    typed = f"{NUMBER[:6]}-{NUMBER[6:14]} {NUMBER[14:].lower()}"
    answer = await call(
        door,
        "own-operator",
        "ReportService/GetReport",
        report_pb.GetReportRequest(report_number=typed),
        report_pb.GetReportResponse,
    )
    assert answer.report.report_number == NUMBER
    misread = NUMBER[:-2] + "00"
    request = report_pb.GetReportRequest(report_number=misread)
    assert (await refused(door, "own-gateway", "ReportService/GetReport", request))[2] == "report_number"
    unknown = report_pb.GetReportRequest(report_number="14000020261122041061050R3GG28AP")
    code, reason, _ = await refused(door, "own-gateway", "ReportService/GetReport", unknown)
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_REPORT")


async def test_list_reports_in_pages(door: Door) -> None:
    template = report_order(order(), REQUEST_ID)
    door.issuing.reports = {f"{number:02d}": issued(f"{number:02d}", template) for number in range(7)}
    request = report_pb.ListReportsRequest(subject=CLAIM, page_size=3)
    seen, pages = list[str](), 0
    while True:
        page = await call(door, "own-gateway", "ReportService/ListReports", request, report_pb.ListReportsResponse)
        seen += [report.report_number for report in page.reports]
        pages += 1
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert (seen, pages) == (sorted(door.issuing.reports), 3)
    request.subject.id = "91140000MA0FAKE01X"
    code, reason, field = await refused(door, "own-gateway", "ReportService/ListReports", request)
    assert (code, reason, field) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", "page_token")


async def test_download_in_chunks(door: Door) -> None:
    door.issuing.reports[NUMBER] = issued(NUMBER, report_order(order(), REQUEST_ID))
    request = report_pb.DownloadReportRequest(report_number=NUMBER)
    async with door.channel(PARTIES["own-gateway"]) as channel:
        stream = streaming(channel, "/huxin.v1.ReportService/DownloadReport")(request.SerializeToString())
        chunks = [report_pb.DownloadReportResponse.FromString(data).chunk async for data in stream]
    assert b"".join(chunks) == b"bundle" * 30_000
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, CHUNK_BYTES, 180_000 - 2 * CHUNK_BYTES]


async def test_eligibility(door: Door) -> None:
    request = report_pb.CheckEligibilityRequest(subject=CLAIM)
    answer = await call(
        door, "own-gateway", "ReportService/CheckEligibility", request, report_pb.CheckEligibilityResponse
    )
    assert answer.eligible
    request.subject.id = "91140000MA0FAKE01X"
    code, reason, _ = await refused(door, "own-gateway", "ReportService/CheckEligibility", request)
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_REGISTERED_HERE")


async def test_verify_a_bundle_against_a_named_requirement(door: Door) -> None:
    wanted = REQUIREMENTS[3]
    request = verification_pb.VerifyRequest(
        bundle=b"synthetic bundle", subject=CLAIM, requirement_id=wanted.requirement_id
    )
    answer = await call(
        door, "own-relying-party", "VerificationService/Verify", request, verification_pb.VerifyResponse
    )
    (presented,) = door.verification.presented
    assert (presented.bundle, presented.report_number) == (b"synthetic bundle", "")
    assert (presented.subject, presented.against) == (REF, wanted)
    assert answer.verdict.inputs.bundle == b"synthetic bundle"
    assert answer.verdict.requirement_title == wanted.title_zh
    assert [step.status for step in answer.verdict.steps] == [
        verdict_pb2.STEP_STATUS_PASS,
        verdict_pb2.STEP_STATUS_UNDECIDED,
    ]


async def test_a_past_moment_reaches_verification(door: Door) -> None:
    moment = datetime(2026, 5, 1, 1, 30, 0, 5, UTC)
    request = verification_pb.VerifyRequest(bundle=b"x", at=moment)
    answer = await call(door, "own-gateway", "VerificationService/Verify", request, verification_pb.VerifyResponse)
    assert answer.verdict.as_of.ToDatetime(UTC) == moment
    batch = verification_pb.BatchVerifyRequest(items=[verification_pb.BatchItem(bundle=b"x")], at=moment)
    response = verification_pb.BatchVerifyResponse
    answers = await call(door, "own-gateway", "VerificationService/BatchVerify", batch, response)
    assert [verdict.as_of.ToDatetime(UTC) for verdict in answers.verdicts] == [moment]
    assert [presented.at for presented in door.verification.presented] == [moment, moment]


async def test_verify_a_number_alone(door: Door) -> None:
    request = verification_pb.VerifyRequest(report_number=NUMBER.lower())
    await call(door, "own-gateway", "VerificationService/Verify", request, verification_pb.VerifyResponse)
    (presented,) = door.verification.presented
    assert (presented.bundle, presented.report_number) == (None, NUMBER)
    assert (presented.subject, presented.against) == (None, None)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (verification_pb.VerifyRequest(), "presentation"),
        (verification_pb.VerifyRequest(report_number="1"), "report_number"),
        (verification_pb.VerifyRequest(bundle=b"x", subject=subject_pb.SubjectClaim(id=USCC)), "subject.id_type"),
        (
            verification_pb.VerifyRequest(
                bundle=b"x", requirement=requirement_pb2.Requirement(jurisdiction="14", months=3)
            ),
            "requirement.jurisdiction",
        ),
        (verification_pb.VerifyRequest(bundle=b"x", at=Timestamp(seconds=1, nanos=1)), "at"),
        (verification_pb.VerifyRequest(bundle=b"x", at=Timestamp(seconds=2**40)), "at"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_bad_presentations_name_the_field(
    door: Door, request_: verification_pb.VerifyRequest, field: str
) -> None:
    code, _, named = await refused(door, "own-gateway", "VerificationService/Verify", request_)
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)


async def test_an_unknown_requirement(door: Door) -> None:
    request = verification_pb.VerifyRequest(bundle=b"x", requirement_id="140000/none")
    code, reason, _ = await refused(door, "own-gateway", "VerificationService/Verify", request)
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_REQUIREMENT")


async def test_a_batch_answers_every_item_whatever_it_contains(door: Door) -> None:
    impossible = subject_pb.SubjectClaim(id_type=subject_pb.ID_TYPE_USCC, id="no such code")
    request = verification_pb.BatchVerifyRequest(
        items=[
            verification_pb.BatchItem(bundle=b"first", subject=CLAIM),
            verification_pb.BatchItem(bundle=b"", subject=impossible),
            verification_pb.BatchItem(bundle=b"third"),
        ]
    )
    answer = await call(
        door, "own-relying-party", "VerificationService/BatchVerify", request, verification_pb.BatchVerifyResponse
    )
    assert [verdict.inputs.bundle for verdict in answer.verdicts] == [b"first", b"", b"third"]
    subjects = [presented.subject for presented in door.verification.presented]
    assert subjects == [REF, SubjectRef(IdType.USCC, "NO SUCH CODE"), None]


async def test_a_batch_has_a_limit(door: Door) -> None:
    request = verification_pb.BatchVerifyRequest(items=[verification_pb.BatchItem()] * (MAX_BATCH_ITEMS + 1))
    code, reason, _ = await refused(door, "own-gateway", "VerificationService/BatchVerify", request)
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
    del request.items[-1]
    answer = await call(
        door, "own-gateway", "VerificationService/BatchVerify", request, verification_pb.BatchVerifyResponse
    )
    assert len(answer.verdicts) == MAX_BATCH_ITEMS


async def test_requirements_in_pages_and_one(door: Door) -> None:
    listed = await call(
        door,
        "own-relying-party",
        "VerificationService/ListRequirements",
        verification_pb.ListRequirementsRequest(),
        verification_pb.ListRequirementsResponse,
    )
    assert [each.requirement_id for each in listed.requirements] == [each.requirement_id for each in REQUIREMENTS[:20]]
    rest = await call(
        door,
        "own-relying-party",
        "VerificationService/ListRequirements",
        verification_pb.ListRequirementsRequest(page_token=listed.next_page_token),
        verification_pb.ListRequirementsResponse,
    )
    assert (len(rest.requirements), rest.next_page_token) == (5, "")
    one = await call(
        door,
        "own-relying-party",
        "VerificationService/GetRequirement",
        verification_pb.GetRequirementRequest(requirement_id=REQUIREMENTS[7].requirement_id),
        verification_pb.GetRequirementResponse,
    )
    assert one.requirement == listed.requirements[7]


async def test_catalogues(door: Door) -> None:
    listed = await call(
        door,
        "own-source",
        "CatalogueService/ListCatalogues",
        catalogue_pb.ListCataloguesRequest(page_size=1),
        catalogue_pb.ListCataloguesResponse,
    )
    assert [(each.division, len(each.rows)) for each in listed.catalogues] == [(SHANXI, 0)]
    assert listed.next_page_token
    one = await call(
        door,
        "own-source",
        "CatalogueService/GetCatalogue",
        catalogue_pb.GetCatalogueRequest(division=SHANXI),
        catalogue_pb.GetCatalogueResponse,
    )
    assert [row.local_code for row in one.catalogue.rows] == ["7", "6", "10"]
    assert list(one.catalogue.rows[0].types[0].caveats) == ["CLOSE_MATCH", "SINCE_ASSUMED"]
    assert [(line.local_code, line.relation) for line in one.crosswalk.lines] == [
        ("6", "narrowMatch"),
        ("7", "relatedMatch"),
    ]
    request = catalogue_pb.GetCatalogueRequest(division="999999")
    code, reason, _ = await refused(door, "own-source", "CatalogueService/GetCatalogue", request)
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_CATALOGUE")


async def test_taxonomy_and_coverage(door: Door) -> None:
    taxonomy = await call(
        door,
        "own-operator",
        "CatalogueService/GetTaxonomy",
        catalogue_pb.GetTaxonomyRequest(),
        catalogue_pb.GetTaxonomyResponse,
    )
    assert [concept.code for concept in taxonomy.concepts] == ["MK", "MK01", "MK02"]
    matrix = await call(
        door,
        "own-operator",
        "CatalogueService/GetCoverageMatrix",
        catalogue_pb.GetCoverageMatrixRequest(),
        catalogue_pb.GetCoverageMatrixResponse,
    )
    assert [(cell.division, cell.leaf, cell.state, len(cell.lines)) for cell in matrix.cells] == [
        (SHANXI, "MK01", "COVERED", 1),
        (SHANXI, "MK02", "NOT_COVERED", 1),
        ("620100", "MK01", "UNKNOWN", 0),
        ("620100", "MK02", "UNKNOWN", 0),
    ]


async def test_follow_from_an_index_then_live(door: Door) -> None:
    request = federation_pb.FollowRequest(origin=Feed.origin, start=1, batch_limit=1)
    async with door.channel(PARTIES["peer-node"]) as channel:
        stream = streaming(channel, "/huxin.v1.FederationService/Follow")(request.SerializeToString())
        batches = []
        async for data in stream:
            batches.append(federation_pb.FollowResponse.FromString(data))
            if len(batches) == 2:
                door.feed.append(b"synthetic entry 3")
            if len(batches) == 3:
                break
        stream.cancel()
        await door.feed.closed.wait()
    assert [(batch.first_index, *batch.entries) for batch in batches] == [
        (1, b"synthetic entry 1"),
        (2, b"synthetic entry 2"),
        (3, b"synthetic entry 3"),
    ]
    assert batches[2].checkpoint == "checkpoint 4"


async def test_a_peer_follows_on_a_few_streams_at_once(door: Door) -> None:
    """Each open stream costs reads for as long as it is open: one peer must not be able to hold thousands.

    The newest counts: the oldest may be dead without our knowing, and would shut the peer out.
    """
    request = federation_pb.FollowRequest(origin=Feed.origin).SerializeToString()
    async with door.channel(PARTIES["peer-node"]) as channel:
        follow = streaming(channel, "/huxin.v1.FederationService/Follow")
        held = [follow(request) for _ in range(MAX_STREAMS)]
        for stream in held:
            assert await stream.read()
        newest = follow(request)
        assert await newest.read(), "who asks is alive"
        ended, _ = await asyncio.wait(
            [asyncio.ensure_future(stream.code()) for stream in held], return_when=asyncio.FIRST_COMPLETED, timeout=20
        )
        assert [code.result() for code in ended] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
        (oldest,) = (stream for stream in held if stream.done())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await oldest.read()
        assert reason_of(caught.value) == "TOO_MANY_STREAMS"
        assert not newest.done()


async def test_checkpoint(door: Door) -> None:
    request = federation_pb.GetCheckpointRequest(origin=Feed.origin)
    answer = await call(
        door, "peer-node", "FederationService/GetCheckpoint", request, federation_pb.GetCheckpointResponse
    )
    assert answer.checkpoint == "checkpoint 3"
    request.origin = "huxin/520000"
    code, reason, _ = await refused(door, "peer-node", "FederationService/GetCheckpoint", request)
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_LOG")


async def test_a_batch_of_entries_has_a_limit(door: Door) -> None:
    request = federation_pb.FollowRequest(origin=Feed.origin, batch_limit=1_001)
    async with door.channel(PARTIES["peer-node"]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await streaming(channel, "/huxin.v1.FederationService/Follow")(request.SerializeToString()).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


# The trust registry ---------------------------------------------------------------------------------------------------


async def fetched(door: Door, name: str) -> list[bytes]:
    request = federation_pb.FetchTrustRequest(name=name).SerializeToString()
    async with door.channel(PARTIES["peer-node"]) as channel:
        stream = streaming(channel, "/huxin.v1.FederationService/FetchTrust")(request)
        return [federation_pb.FetchTrustResponse.FromString(data).chunk async for data in stream]


async def test_files_of_the_trust_registry_come_in_parts(door: Door) -> None:
    """The longest message that a client takes bounds what a peer can make it hold."""
    chunks = await fetched(door, "140000/long.bundle")
    assert b"".join(chunks) == b"file" * 50_000
    assert [len(chunk) for chunk in chunks] == [TRUST_CHUNK_BYTES] * 3 + [200_000 - 3 * TRUST_CHUNK_BYTES]
    assert await fetched(door, "empty") == [b""]


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("2.root.json", grpc.StatusCode.NOT_FOUND, "NO_SUCH_TRUST_FILE"),
        ("../../etc/passwd", grpc.StatusCode.NOT_FOUND, "NO_SUCH_TRUST_FILE"),
        ("", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ("   ", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ("x" * 256, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        ("a\x00b", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
async def test_a_name_of_no_trust_file(door: Door, name: str, code: grpc.StatusCode, reason: str) -> None:
    """PostgreSQL refuses NUL in a text: looked up, it would have been INTERNAL there and NOT_FOUND on SQLite."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await fetched(door, name)
    assert (caught.value.code(), reason_of(caught.value)) == (code, reason)


async def test_a_peer_fetches_a_few_files_at_once(door: Door) -> None:
    """Each holds a file in memory: one peer must not be able to hold a thousand."""
    door.registry.held.clear()
    request = federation_pb.FetchTrustRequest(name="140000/long.bundle").SerializeToString()
    async with door.channel(PARTIES["peer-node"]) as channel:
        fetch = streaming(channel, "/huxin.v1.FederationService/FetchTrust")
        streams = [fetch(request) for _ in range(MAX_STREAMS + 1)]
        reads = [asyncio.ensure_future(stream.read()) for stream in streams]
        done, held = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        (refusal,) = (each.exception() for each in done)
        assert isinstance(refusal, grpc.aio.AioRpcError)
        assert (refusal.code(), reason_of(refusal)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
        door.registry.held.set()
        assert all(await asyncio.gather(*held))
        for stream in streams:
            stream.cancel()
    assert b"".join(await fetched(door, "140000/long.bundle")) == b"file" * 50_000, "ended ones are given back"


def handed_over(**changes: object) -> federation_pb.PublishTrustRequest:
    publication = federation_pb.TrustPublication(
        division="520000",
        metadata=b"metadata",
        files=[federation_pb.PublishedFile(path="520000/bundle", content=b"bundle")],
    )
    for name, value in changes.items():
        setattr(publication, name, value)
    return federation_pb.PublishTrustRequest(publication=publication)


async def test_a_publication_is_taken_over(door: Door) -> None:
    method = "FederationService/PublishTrust"
    answer = await call(door, "peer-node", method, handed_over(), federation_pb.PublishTrustResponse)
    assert answer.snapshot_version == 17
    assert door.registry.published == [("520000", b"metadata", {"520000/bundle": b"bundle"})]


@pytest.mark.parametrize("division", ["140000", "620100", "", "520000 "])
async def test_nobody_publishes_for_another(door: Door, division: str) -> None:
    """The certificate of the caller says who it is; its metadata would be refused as well, later."""
    request = handed_over(division=division)
    code, _, field = await refused(door, "peer-node", "FederationService/PublishTrust", request)
    assert (code, field) == (grpc.StatusCode.INVALID_ARGUMENT, "publication.division")
    assert not door.registry.published


@pytest.mark.parametrize(("path", "ok"), [("", False), ("x" * 201, False), ("x" * 200, True)])
async def test_paths_of_a_publication(door: Door, path: str, ok: bool) -> None:
    request = handed_over()
    request.publication.files.add(path=path, content=b"x")
    if ok:
        await call(door, "peer-node", "FederationService/PublishTrust", request, federation_pb.PublishTrustResponse)
    else:
        code, _, field = await refused(door, "peer-node", "FederationService/PublishTrust", request)
        assert (code, field) == (grpc.StatusCode.INVALID_ARGUMENT, "publication.files.path")


async def test_a_publication_has_a_limit() -> None:
    request = handed_over(metadata=b"x" * (MAX_PUBLICATION_BYTES + 1))
    async with opened(Door(max_message_bytes=32 << 20)) as wide:
        code, _, _ = await refused(wide, "peer-node", "FederationService/PublishTrust", request)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        request = handed_over(metadata=b"x" * (MAX_PUBLICATION_BYTES - 100))
        await call(wide, "peer-node", "FederationService/PublishTrust", request, federation_pb.PublishTrustResponse)


@pytest.mark.parametrize(
    ("failure", "code", "reason"),
    [
        (NotPermitted("NOT_COORDINATOR", "Not here."), grpc.StatusCode.PERMISSION_DENIED, "NOT_COORDINATOR"),
        (
            InvalidInput("publication", "It cannot be taken over.", "PUBLICATION_REFUSED"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "PUBLICATION_REFUSED",
        ),
        (NotReady("REGISTRY_BUSY", "Try again."), grpc.StatusCode.UNAVAILABLE, "REGISTRY_BUSY"),
        (NotFound("NO_REGISTRY", "None here."), grpc.StatusCode.NOT_FOUND, "NO_REGISTRY"),
    ],
)
async def test_why_a_publication_is_refused(door: Door, failure: Exception, code: grpc.StatusCode, reason: str) -> None:
    door.registry.failure = failure
    assert (await refused(door, "peer-node", "FederationService/PublishTrust", handed_over()))[:2] == (code, reason)


async def test_peers(door: Door) -> None:
    answer = await call(
        door, "own-operator", "AdminService/ListPeers", admin_pb.ListPeersRequest(), admin_pb.ListPeersResponse
    )
    assert [(peer.division, peer.state, peer.HasField("fresh_at")) for peer in answer.peers] == [
        ("520000", "connected", True),
        ("620100", "waiting", False),
    ]
    assert answer.peers[1].last_error == "The peer does not answer."
    told = answer.peers[0].acknowledged
    assert (told.size, told.HasField("p50_seconds"), told.HasField("p99_seconds")) == (7, False, False), "none measured"


async def test_change_status(door: Door) -> None:
    request = admin_pb.ChangeStatusRequest(
        request_id=REQUEST_ID,
        report_number=NUMBER,
        flag=statement_pb2.STATUS_FLAG_REVOKED,
        set=True,
        reason_code="issued_in_error",
    )
    answer = await call(door, "own-operator", "AdminService/ChangeStatus", request, admin_pb.ChangeStatusResponse)
    assert (answer.log_index, answer.awaits_recovery) == (11, False)
    assert door.operation.changes == [
        (REQUEST_ID, NUMBER, StatusFlag.REVOKED, True, "issued_in_error", f"{SHANXI}/operator")
    ]
    door.operation.waiting = True
    answer = await call(door, "own-operator", "AdminService/ChangeStatus", request, admin_pb.ChangeStatusResponse)
    assert (answer.log_index, answer.awaits_recovery) == (12, True)
    request.ClearField("flag")
    assert (await refused(door, "own-operator", "AdminService/ChangeStatus", request))[2] == "flag"
