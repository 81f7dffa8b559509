"""Heads of logs for peers, and evidence of two histories for operators, through the door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC

import grpc
import pytest
from huxin.v1 import admin_service_pb2 as admin_pb
from huxin.v1 import federation_service_pb2 as federation_pb

from node.model.witnesses import SplitNotes, SuccessorLog
from node.rpc.federation_service import MAX_STREAMS
from tests.rpc.asking import call, refused
from tests.rpc.federation import HEARD, SPLIT
from tests.rpc.world import START, Door, opened


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


async def test_heads_are_shown_to_peers(door: Door) -> None:
    request = federation_pb.GetHeadsRequest(origins=["huxin/520000", "huxin/210000", "huxin/140000"])
    answer = await call(door, "peer-node", "FederationService/GetHeads", request, federation_pb.GetHeadsResponse)
    split, own = answer.heads
    assert (own.origin, own.checkpoint, own.HasField("split")) == ("huxin/140000", "a note", False)
    assert (split.origin, split.checkpoint) == ("huxin/520000", "")
    found = split.split
    assert SplitNotes(found.first, found.second, found.root, tuple(found.consistency)) == SPLIT


@pytest.mark.parametrize("origins", [["huxin/140000"] * 65, ["x" * 201], [""]])
async def test_heads_of_too_many_logs_or_of_none_are_refused(door: Door, origins: list[str]) -> None:
    request = federation_pb.GetHeadsRequest(origins=origins)
    code, reason, field = await refused(door, "peer-node", "FederationService/GetHeads", request)
    assert (code, reason, field) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "origins")
    assert door.heads.asked == []


async def test_a_peer_asks_for_heads_a_few_times_at_once(door: Door) -> None:
    door.heads.go.clear()
    request = federation_pb.GetHeadsRequest(origins=["huxin/140000"])
    method = "FederationService/GetHeads"
    asking = [
        asyncio.create_task(call(door, "peer-node", method, request, federation_pb.GetHeadsResponse))
        for _ in range(MAX_STREAMS)
    ]
    async with asyncio.timeout(10):
        while len(door.heads.asked) < MAX_STREAMS:  # noqa: ASYNC110 - calls on their way through the door
            await asyncio.sleep(0.01)
    code, reason, _ = await refused(door, "peer-node", method, request)
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    door.heads.go.set()
    assert all([(await each).heads for each in asking])
    assert (await call(door, "peer-node", method, request, federation_pb.GetHeadsResponse)).heads


async def test_split_views_are_listed_with_their_evidence(door: Door) -> None:
    request = admin_pb.ListSplitViewsRequest()
    answer = await call(door, "own-operator", "AdminService/ListSplitViews", request, admin_pb.ListSplitViewsResponse)
    (split,) = answer.splits
    assert (split.origin, split.shown_by, split.agreed_size) == ("huxin/520000", "620100", 3)
    assert split.found_at.ToDatetime(UTC) == HEARD
    found = split.evidence
    assert SplitNotes(found.first, found.second, found.root, tuple(found.consistency)) == SPLIT
    assert answer.next_page_token == ""
    assert not split.HasField("successor"), "nothing goes on in its place yet"


async def test_a_split_log_names_the_one_that_goes_on(door: Door) -> None:
    door.operation.succeeded["huxin/520000"] = SuccessorLog("huxin/520000/2", 3, HEARD)
    request = admin_pb.ListSplitViewsRequest()
    answer = await call(door, "own-operator", "AdminService/ListSplitViews", request, admin_pb.ListSplitViewsResponse)
    (split,) = answer.splits
    successor = split.successor
    assert (successor.origin, successor.closed_size) == ("huxin/520000/2", 3)
    assert successor.decided_at.ToDatetime(UTC) == HEARD


async def test_heads_of_the_past_are_asked_for_by_a_moment(door: Door) -> None:
    request = federation_pb.GetHeadsRequest(origins=["huxin/140000"], cosigned_before=START)
    answer = await call(door, "peer-node", "FederationService/GetHeads", request, federation_pb.GetHeadsResponse)
    (head,) = answer.heads
    assert (head.origin, head.checkpoint) == ("huxin/140000", f"of before {START.isoformat()}")


async def test_a_moment_that_is_none_is_refused(door: Door) -> None:
    request = federation_pb.GetHeadsRequest(origins=["huxin/140000"])
    request.cosigned_before.nanos = -1
    code, reason, field = await refused(door, "peer-node", "FederationService/GetHeads", request)
    assert (code, reason, field) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "cosigned_before")
    assert door.heads.asked == []
