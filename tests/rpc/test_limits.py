"""Limits of one caller: refused with when to come back, counted, told once, and nobody else's business."""

from __future__ import annotations

import asyncio
import timeit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import report_service_pb2 as report_pb
from huxin.v1 import subject_pb2
from structlog.testing import capture_logs

from node.errors import OverLimit
from node.rpc import limits
from node.rpc.caller import Caller
from node.rpc.limits import Account, Allowance, Limiter
from tests.rpc.federation import GUIZHOU, SHANXI, Feed
from tests.rpc.world import AMPLE, PARTIES, REQUEST_ID, USCC, Door, details_of, opened, reason_of, streaming, unary

CHECKPOINT = "/huxin.v1.FederationService/GetCheckpoint"
FETCH = "/huxin.v1.FederationService/FetchTrust"
FOLLOW = "/huxin.v1.FederationService/Follow"
CREATE = "/huxin.v1.ReportService/CreateReport"
HEALTH = "/grpc.health.v1.Health/Check"
ASKED = pb.GetCheckpointRequest(origin=Feed.origin).SerializeToString()

ORDER = report_pb.CreateReportRequest(
    request_id=REQUEST_ID,
    subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=USCC),
    scenario="tender",
).SerializeToString()


def retry_of(error: grpc.aio.AioRpcError) -> float:
    (retry,) = (each for each in details_of(error) if isinstance(each, error_details_pb2.RetryInfo))
    return float(retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)


@asynccontextmanager
async def door_with(peers: Allowance, own: Allowance = AMPLE) -> AsyncIterator[tuple[Door, grpc.aio.Channel]]:
    """A door with these limits, and the peer's channel to it."""
    async with opened(Door(peers=peers, own=own)) as door, door.channel(PARTIES["peer-node"]) as channel:
        yield door, channel


async def refusal(channel: grpc.aio.Channel, method: str, request: bytes) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(channel, method)(request, timeout=10)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return caught.value


# Through the door


async def test_calls_over_the_rate_are_refused_until_the_caller_has_waited() -> None:
    async with door_with(replace(AMPLE, calls_per_second=0.25, burst_seconds=8.0)) as (door, channel):
        for _ in range(3):  # the burst is two, and one more finds it not overdrawn
            await unary(channel, CHECKPOINT)(ASKED, timeout=10)
        error = await refusal(channel, CHECKPOINT, ASKED)
        assert reason_of(error) == "RATE_LIMITED"
        wait = retry_of(error)
        assert 0 < wait <= 4 - limits.HOLD_SECONDS
        await asyncio.sleep(wait + 0.05)
        await unary(channel, CHECKPOINT)(ASKED, timeout=10)
        assert door.limited == [(GUIZHOU, "calls")]
        async with door.channel(PARTIES["own-operator"]) as other:
            await unary(other, HEALTH)(b"", timeout=10)


async def test_all_certificates_of_a_peer_share_its_account() -> None:
    """And what is asked in vain counts: no certificate of that jurisdiction can spend a node's time for nothing."""
    async with door_with(replace(AMPLE, calls_per_second=0.01, burst_seconds=100.0)) as (door, channel):
        async with door.channel(PARTIES["peer-gateway"]) as in_vain:
            for _ in range(2):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await unary(in_vain, CREATE)(b"", timeout=10)
                assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert reason_of(await refusal(channel, CHECKPOINT, ASKED)) == "RATE_LIMITED"


async def test_bytes_over_the_rate_are_refused_before_they_are_parsed() -> None:
    async with door_with(replace(AMPLE, received_bytes_per_second=1_000, burst_seconds=1.0)) as (door, channel):
        with pytest.raises(grpc.aio.AioRpcError):  # larger than the burst: it is let in and paid off
            await unary(channel, CHECKPOINT)(bytes(60_000), timeout=10)
        error = await refusal(channel, CHECKPOINT, b"\xff" * 100)
        assert reason_of(error) == "BYTES_LIMITED", "and not REQUEST_UNREADABLE"
        assert 50 < retry_of(error) < 60
        assert door.limited == [(GUIZHOU, "received_bytes")]


async def test_open_calls_and_streams_are_counted_and_given_back() -> None:
    async with door_with(replace(AMPLE, concurrent_streams=2)) as (door, channel):
        request = pb.FollowRequest(origin=Feed.origin).SerializeToString()
        held = [streaming(channel, FOLLOW)(request) for _ in range(2)]
        for stream in held:
            assert await stream.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await streaming(channel, FOLLOW)(request).read()
        assert (reason_of(caught.value), door.limited) == ("TOO_MANY_STREAMS", [(GUIZHOU, "concurrent_streams")])
        assert retry_of(caught.value) > 0
        await unary(channel, CHECKPOINT)(ASKED, timeout=10)  # of calls there are others
        held[0].cancel()
        await door.feed.closed.wait()
        assert await streaming(channel, FOLLOW)(request).read()

    async with opened(Door(own=replace(AMPLE, concurrent_calls=1))) as door:
        door.issuing.release = asyncio.Event()
        async with door.channel(PARTIES["own-gateway"]) as channel:
            first = asyncio.ensure_future(unary(channel, CREATE)(ORDER, timeout=10))
            await door.issuing.entered.wait()
            assert reason_of(await refusal(channel, CREATE, ORDER)) == "TOO_MANY_CALLS"
            door.issuing.release.set()
            assert await first
            assert await unary(channel, CREATE)(ORDER, timeout=10)
        assert door.limited == [("own-gateway", "concurrent_calls")]


async def test_what_is_sent_is_paced_and_arrives_whole() -> None:
    """200 kB at 100 kB a second, of which half a second's worth comes at once."""
    async with door_with(replace(AMPLE, sent_bytes_per_second=200_000, burst_seconds=0.25)) as (door, channel):
        loop = asyncio.get_running_loop()
        began = loop.time()
        request = pb.FetchTrustRequest(name="140000/long.bundle").SerializeToString()
        parts = [pb.FetchTrustResponse.FromString(part).chunk async for part in streaming(channel, FETCH)(request)]
        assert b"".join(parts) == b"file" * 50_000
        assert loop.time() - began > 0.5, "200,000 bytes less burst and the last part, at 200,000 a second"
        assert set(door.limited) == {(GUIZHOU, "sent_bytes")}


async def test_a_flood_is_told_once_and_held_back() -> None:
    """Whoever does not wait is kept waiting: each open call takes as long as the caller should have."""
    async with door_with(replace(AMPLE, calls_per_second=1.0, burst_seconds=1.0)) as (door, channel):
        loop = asyncio.get_running_loop()
        with capture_logs() as logs:
            began = loop.time()
            answers = await asyncio.gather(
                *(unary(channel, CHECKPOINT)(ASKED, timeout=30) for _ in range(100)), return_exceptions=True
            )
        assert loop.time() - began > 0.5
        refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
        assert 90 <= len(refused) < 100
        assert len(door.limited) == len(refused)
        (line,) = logs
        assert (line["event"], line["reason"], line["method"]) == ("call_refused", "RATE_LIMITED", CHECKPOINT[1:])
        assert line["claimed"] == "spiffe://520000.huxin/node"


async def test_a_peer_that_calls_is_heard_and_others_are_not() -> None:
    async with door_with(AMPLE) as (door, channel):
        async with door.channel(PARTIES["own-operator"]) as other:
            await unary(other, HEALTH)(b"", timeout=10)
        async with door.channel(PARTIES["peer-gateway"]) as in_vain:
            with pytest.raises(grpc.aio.AioRpcError):
                await unary(in_vain, CREATE)(b"", timeout=10)
        assert door.heard == []
        await unary(channel, CHECKPOINT)(ASKED, timeout=10)
        assert door.heard == [GUIZHOU]


# Accounts


class World:
    """A limiter with a clock that is set."""

    def __init__(self, peers: Allowance = AMPLE) -> None:
        self.counted: list[tuple[str, str]] = []
        self.limiter = Limiter(SHANXI, peers, AMPLE, lambda who, limit: self.counted.append((who, limit)))

    def account(self, division: str, role: str = "node", detail: str = "", now: float = 0.0) -> Account:
        return self.limiter.account(Caller(division, role, detail), now)


def test_peers_have_an_account_each_and_own_workloads_too() -> None:
    world = World()
    assert world.account(GUIZHOU) is world.account(GUIZHOU, "gateway")
    assert world.account(GUIZHOU) is not world.account("210000")
    assert world.account(SHANXI, "gateway") is not world.account(SHANXI, "operator")
    assert world.account(SHANXI, "relying-party", "A") is not world.account(SHANXI, "relying-party", "B")


def test_accounts_at_rest_are_closed_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_ACCOUNTS", 3)
    world = World()
    world.limiter._sweep_at = 3
    busy = world.account("210000")
    busy.begin_call(1, 0.0)
    for division in ("110000", "120000", "130000", "150000"):
        world.account(division, now=10.0)
    assert world.account("210000") is busy
    assert len(world.limiter._accounts) <= 4


def test_what_is_held_is_bounded_in_number_and_size() -> None:
    account = World().account(GUIZHOU)
    assert account.hold(limits.HELD_BYTES + 1) == 0.0
    assert account.hold(limits.HELD_BYTES - 1) == limits.HOLD_SECONDS
    assert account.hold(2) == 0.0
    account.release(limits.HELD_BYTES - 1)
    assert {account.hold(10) for _ in range(limits.MOST_HELD)} == {limits.HOLD_SECONDS}
    assert account.hold(10) == 0.0
    account.release(10)
    assert account.hold(10) == limits.HOLD_SECONDS


def test_limits_cost_a_call_less_than_a_twentieth_of_its_time() -> None:
    """A call takes about 230: its limits must stay in the noise."""
    limiter, caller = World().limiter, Caller(SHANXI, "relying-party", USCC)

    def one_call() -> None:
        account = limiter.account(caller, 1.0)
        account.begin_call(3_000, 1.0)
        account.end_call()

    # The best of many short rounds: what the code costs, not what the machine does besides.
    rounds = 2_000
    assert min(timeit.repeat(one_call, number=rounds, repeat=25)) / rounds < 11e-6


def test_a_refused_call_takes_nothing() -> None:
    world = World(replace(AMPLE, received_bytes_per_second=10.0, calls_per_second=1.0, burst_seconds=1.0))
    account = world.account(GUIZHOU)
    account.begin_call(110, 0.0)
    account.end_call()
    for _ in range(1_000):
        with pytest.raises(OverLimit) as caught:
            account.begin_call(1_000_000, 1.0)
        account.refused(caught.value)
    assert world.counted == [(GUIZHOU, "received_bytes")] * 1_000
    account.begin_call(1, 10.0)
