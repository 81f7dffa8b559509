"""What a peer says of when to come back is read, whatever else it sends in its place."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from node.federation.peer_client import _MOST_RETRY_SECONDS, _unavailable, _undelivered, retry_seconds_of
from node.model.peers import PeerTrouble

BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED


def error_with(details: bytes | str | None, code: grpc.StatusCode = BUSY) -> grpc.aio.AioRpcError:
    metadata = grpc.aio.Metadata(("x", "y"))
    if details is not None:
        metadata.add("grpc-status-details-bin", details)
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata)


TOO_LARGE = status_pb2.Status(
    code=BUSY.value[0], message="A request of this method has at most 5 bytes."
).SerializeToString()
"""As a node refuses a request for its size: with details, and nothing to wait for."""


def saying(seconds: int, nanos: int = 0) -> bytes:
    status = status_pb2.Status(code=BUSY.value[0])
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain="huxin"))
    status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    data: bytes = status.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        (saying(2, 500_000_000), 2.5),
        (saying(10**9), _MOST_RETRY_SECONDS),
        (saying(-5), 0.0),
        (status_pb2.Status(code=8).SerializeToString(), 0.0),
        (b"\xff\xff\xff", 0.0),
        ("a text", 0.0),
        (b"", 0.0),
        (None, 0.0),
    ],
)
def test_retry_info(details: bytes | str | None, seconds: float) -> None:
    assert retry_seconds_of(error_with(details)) == seconds


def test_an_operator_reads_how_long() -> None:
    told = _unavailable(error_with(saying(2, 500_000_000)))
    assert (told.retry_seconds, told.refused) == (2.5, False)
    assert (told.trouble, told.answered) == (PeerTrouble.LIMITS_US, True)
    assert "come back in 2.5 seconds" in str(told)
    assert _unavailable(error_with(None)).retry_seconds == 0.0


def test_a_limit_of_size_is_not_one_that_passes() -> None:
    told = _unavailable(error_with(TOO_LARGE))
    assert (told.trouble, told.answered, told.retry_seconds) == (PeerTrouble.TAKES_LESS, True, 0.0)
    assert "larger than it takes in one call" in str(told)
    assert _unavailable(error_with(None)).trouble is PeerTrouble.TOO_MUCH, "gRPC's own: either side's"


def test_a_node_that_restarts_is_not_left_alone_for_long() -> None:
    """It says 5 seconds, as to everybody; news must be there within 5 seconds of reconnection."""
    assert _unavailable(error_with(saying(5), grpc.StatusCode.UNAVAILABLE)).retry_seconds == 0.0


@pytest.mark.parametrize(
    ("details", "code", "trouble", "seconds", "answered"),
    [
        (saying(7), BUSY, PeerTrouble.LIMITS_US, 7.0, True),
        (None, BUSY, PeerTrouble.TAKES_LESS, 0.0, True),
        (TOO_LARGE, BUSY, PeerTrouble.TAKES_LESS, 0.0, True),
        (None, grpc.StatusCode.PERMISSION_DENIED, PeerTrouble.REFUSED, 0.0, True),
        (saying(5), grpc.StatusCode.UNAVAILABLE, PeerTrouble.AWAY, 0.0, True),
        (None, grpc.StatusCode.UNAVAILABLE, PeerTrouble.AWAY, 0.0, False),
        (None, grpc.StatusCode.DEADLINE_EXCEEDED, PeerTrouble.AWAY, 0.0, False),
    ],
)
def test_whether_a_peer_that_takes_no_messages_is_there(
    details: bytes | None, code: grpc.StatusCode, trouble: PeerTrouble, seconds: float, answered: bool
) -> None:
    told = _undelivered(error_with(details, code))
    assert (told.trouble, told.retry_seconds, told.answered) == (trouble, seconds, answered)
