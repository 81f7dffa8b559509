"""What a guarded call does with errors, deadlines, sizes and identities that end: through real mTLS channels."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from huxin.v1 import federation_service_pb2 as federation_pb
from huxin.v1 import report_service_pb2 as report_pb
from huxin.v1 import subject_pb2, verification_service_pb2
from structlog.testing import capture_logs

from node.errors import BadConfiguration, BadSource, HuxinError, InvalidInput, NotEligible, NotFound, NotReady, TooLarge
from node.rpc.guard import DEFAULT_REQUEST_BYTES
from node.rpc.verification_service import MAX_BUNDLE_BYTES
from tests.rpc.federation import SHANXI, Feed
from tests.rpc.world import (
    END,
    PARTIES,
    REQUEST_ID,
    USCC,
    Door,
    as_sent,
    details_of,
    opened,
    reason_of,
    rich_status,
    streaming,
    talking,
    unary,
)
from tests.support.nodes import until

CREATE = "/huxin.v1.ReportService/CreateReport"
FOLLOW = "/huxin.v1.FederationService/Follow"
VERIFY = "/huxin.v1.VerificationService/Verify"
TELLTALE = "secret 91140000MA0FAKE00X at /var/lib/huxin"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


def order() -> bytes:
    return report_pb.CreateReportRequest(
        request_id=REQUEST_ID,
        subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=USCC),
        scenario="tender",
    ).SerializeToString()


async def refused(door: Door, party: str, method: str, request: bytes) -> grpc.aio.AioRpcError:
    async with door.channel(PARTIES[party]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, method)(request, timeout=10)
    return caught.value


def follow(channel: grpc.aio.Channel, start: int = 0) -> grpc.aio.UnaryStreamCall[bytes, federation_pb.FollowResponse]:
    stream: grpc.aio.UnaryStreamMultiCallable[bytes, federation_pb.FollowResponse] = channel.unary_stream(
        FOLLOW, request_serializer=as_sent, response_deserializer=federation_pb.FollowResponse.FromString
    )
    return stream(federation_pb.FollowRequest(origin=Feed.origin, start=start).SerializeToString(), timeout=10)


@pytest.mark.parametrize(
    "failure",
    [
        ValueError(TELLTALE),
        BadSource(TELLTALE, TELLTALE),
        BadConfiguration(TELLTALE, TELLTALE),
        HuxinError("X", TELLTALE),
    ],
)
async def test_the_text_of_an_exception_never_leaves(door: Door, failure: Exception) -> None:
    door.issuing.failure = failure
    with capture_logs() as logs:
        error = await refused(door, "own-gateway", CREATE, order())
    assert error.code() is grpc.StatusCode.INTERNAL
    assert reason_of(error) == "INTERNAL"
    everything = repr(error) + repr(rich_status(error)) + repr(error.trailing_metadata())
    assert "secret" not in everything
    assert type(failure).__name__ not in everything
    incident = next(iter(details_of(error)))
    assert isinstance(incident, error_details_pb2.ErrorInfo)
    assert incident.metadata["incident"] == "incident-1"
    assert "incident-1" in (error.details() or "")
    (line,) = [line for line in logs if line.get("incident") == "incident-1"]
    assert line["exc_info"] is failure
    assert line["method"] == CREATE[1:]


async def test_an_exception_in_a_stream_never_leaves(door: Door) -> None:
    door.feed.failure = RuntimeError(TELLTALE)
    with capture_logs() as logs:
        async with door.channel(PARTIES["peer-node"]) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await follow(channel).read()
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in repr(caught.value)
    assert [line["exc_info"] for line in logs] == [door.feed.failure]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (InvalidInput("scenario", "Say which."), grpc.StatusCode.INVALID_ARGUMENT),
        (NotFound("NO_SUCH_REPORT", "None here."), grpc.StatusCode.NOT_FOUND),
        (NotEligible("NOT_REGISTERED_HERE", "Ask there."), grpc.StatusCode.FAILED_PRECONDITION),
        (TooLarge("TOO_LARGE", "Send less."), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (NotReady("NOT_READY", "Try again."), grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_errors_come_with_details(door: Door, failure: HuxinError, code: grpc.StatusCode) -> None:
    door.issuing.failure = failure
    error = await refused(door, "own-gateway", CREATE, order())
    assert error.code() is code
    assert error.details() == failure.message
    assert reason_of(error) == failure.reason
    details = list(details_of(error))
    fields = [
        v.field for each in details if isinstance(each, error_details_pb2.BadRequest) for v in each.field_violations
    ]
    assert fields == (["scenario"] if isinstance(failure, InvalidInput) else [])
    retries = [each.retry_delay.seconds for each in details if isinstance(each, error_details_pb2.RetryInfo)]
    assert retries == ([5] if isinstance(failure, NotReady) else [])


async def test_bytes_that_are_no_request(door: Door) -> None:
    error = await refused(door, "own-gateway", CREATE, b"\xff\xff\xff")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == "REQUEST_UNREADABLE"


async def test_what_is_not_permitted_is_not_parsed(door: Door) -> None:
    error = await refused(door, "peer-node", CREATE, b"\xff\xff\xff")
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_message_over_the_transport_limit_is_refused_before_parsing(door: Door) -> None:
    error = await refused(door, "own-gateway", VERIFY, bytes(door.max_message_bytes + 1))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_request_over_its_methods_limit_is_refused_before_parsing(door: Door) -> None:
    # Zeros are no message: had they been parsed, the answer would be REQUEST_UNREADABLE.
    error = await refused(door, "own-gateway", CREATE, bytes(DEFAULT_REQUEST_BYTES + 1))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE")
    error = await refused(door, "own-gateway", CREATE, bytes(DEFAULT_REQUEST_BYTES))
    assert reason_of(error) == "REQUEST_UNREADABLE"


async def test_a_bundle_over_its_limit_is_refused(door: Door) -> None:
    request = verification_service_pb2.VerifyRequest(bundle=bytes(MAX_BUNDLE_BYTES + 1)).SerializeToString()
    error = await refused(door, "own-gateway", VERIFY, request)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUNDLE_TOO_LARGE")
    assert not door.verification.presented


async def test_a_deadline_cancels_the_use_case_and_is_counted(door: Door) -> None:
    door.issuing.release = asyncio.Event()
    async with door.channel(PARTIES["own-gateway"]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CREATE)(order(), timeout=0.2)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(door.counted.wait(), 10)
    assert door.issuing.cancelled
    assert [(method, code) for method, code, _ in door.observed] == [(CREATE[1:], "DEADLINE_EXCEEDED")]


async def test_a_caller_who_goes_away_cancels_the_use_case(door: Door) -> None:
    door.issuing.release = asyncio.Event()
    async with door.channel(PARTIES["own-gateway"]) as channel:
        call = unary(channel, CREATE)(order())
        await door.issuing.entered.wait()
        call.cancel()
        await asyncio.wait_for(door.counted.wait(), 10)
    assert door.issuing.cancelled
    assert [(method, code) for method, code, _ in door.observed] == [(CREATE[1:], "CANCELLED")]


async def test_every_call_is_counted_once_with_its_time(door: Door) -> None:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        await unary(channel, CREATE)(order())
        call = streaming(channel, "/huxin.v1.ReportService/DownloadReport")(b"")
        with pytest.raises(grpc.aio.AioRpcError):
            await call.read()
        with pytest.raises(grpc.aio.AioRpcError):
            await unary(channel, "/huxin.v1.ReportService/Drop")(b"")
        with pytest.raises(grpc.aio.AioRpcError):
            await unary(channel, "/grpc.health.v1.Health/Check")(b"\x0a\x04none")
    await until(lambda: len(door.observed) >= 4)  # an answer may arrive before it is counted
    assert [(method, code) for method, code, _ in door.observed] == [
        ("huxin.v1.ReportService/CreateReport", "OK"),
        ("huxin.v1.ReportService/DownloadReport", "INVALID_ARGUMENT"),
        ("unknown", "UNIMPLEMENTED"),
        ("grpc.health.v1.Health/Check", "NOT_FOUND"),
    ]
    assert all(0 <= seconds < 10 for _, _, seconds in door.observed)


async def test_an_unknown_method_tells_a_peer_nothing(door: Door) -> None:
    error = await refused(door, "peer-node", "/huxin.v1.ReportService/Drop", b"")
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    error = await refused(door, "own-source", "/huxin.v1.ReportService/Drop", b"")
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


async def test_a_removed_peer_loses_its_open_stream_at_the_next_message(door: Door) -> None:
    async with door.channel(PARTIES["peer-node"]) as channel:
        call = follow(channel)
        first = await call.read()
        assert isinstance(first, federation_pb.FollowResponse)
        assert first.entries == door.feed.entries
        door.trust.trust(SHANXI)
        door.feed.append(b"synthetic entry 3")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert (caught.value.code(), reason_of(caught.value)) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "TRUST_DOMAIN_UNKNOWN",
    )
    await asyncio.wait_for(door.feed.closed.wait(), 10)


async def test_an_expired_certificate_ends_a_quiet_stream() -> None:
    async with opened(Door(recheck_seconds=0.02)) as door, door.channel(PARTIES["peer-node"]) as channel:
        call = follow(channel)
        await call.read()
        door.now = END + timedelta(seconds=1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert (caught.value.code(), reason_of(caught.value)) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CERTIFICATE_EXPIRED",
        )
        await asyncio.wait_for(door.feed.closed.wait(), 10)


async def test_an_expired_certificate_ends_the_streams_of_libraries_too() -> None:
    async with opened(Door(recheck_seconds=0.02)) as door, door.channel(PARTIES["own-gateway"]) as channel:
        watch = streaming(channel, "/grpc.health.v1.Health/Watch")(b"", timeout=10)
        await watch.read()
        talk = talking(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(timeout=10)
        await talk.write(b":\x00")
        await talk.read()
        door.now = END + timedelta(seconds=1)
        for call in (watch, talk):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call.read()
            assert reason_of(caught.value) == "CERTIFICATE_EXPIRED"


async def test_a_change_of_trust_ends_the_streams_of_whom_it_shuts_out_and_no_others(door: Door) -> None:
    """At once: the next recheck by time would be a minute later."""
    async with door.channel(PARTIES["peer-node"]) as peer, door.channel(PARTIES["own-gateway"]) as own:
        call, watch = follow(peer), streaming(own, "/grpc.health.v1.Health/Watch")(b"", timeout=10)
        await call.read()
        await watch.read()
        door.trust.trust(SHANXI)
        door.server.recheck()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert reason_of(caught.value) == "TRUST_DOMAIN_UNKNOWN"
        await door.server.set_ready(ready=False)
        await watch.read()
        assert not watch.done()
        watch.cancel()


async def test_a_stream_whose_identity_holds_goes_on() -> None:
    async with opened(Door(recheck_seconds=0.005)) as door, door.channel(PARTIES["peer-node"]) as channel:
        call = follow(channel, start=3)
        for number in range(3, 20):
            entry = f"synthetic entry {number}".encode()
            door.feed.append(entry)
            batch = await call.read()
            assert isinstance(batch, federation_pb.FollowResponse)
            assert (batch.first_index, list(batch.entries)) == (number, [entry])
        call.cancel()


async def test_a_certificate_that_has_expired_opens_nothing(door: Door) -> None:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        await unary(channel, CREATE)(order())
        door.now = END + timedelta(seconds=1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CREATE)(order())
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_EXPIRED")


async def test_stopping_tells_followers_to_come_again() -> None:
    door = Door()
    async with opened(door), door.channel(PARTIES["peer-node"]) as channel:
        call = follow(channel)
        await call.read()
        stopping = asyncio.create_task(door.server.stop(30))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        await asyncio.wait_for(stopping, 10)
