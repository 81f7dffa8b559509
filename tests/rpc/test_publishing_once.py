"""A jurisdiction hands one publication over at a time: each lies in memory while others are verified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import pytest
from huxin.v1 import federation_service_pb2 as pb

from node.errors import OverLimit
from node.model.log import FeedBatch
from node.model.witnesses import ShownHead
from node.rpc.caller import Caller
from node.rpc.federation_service import FederationService
from tests.rpc.federation import Acknowledgements
from tests.rpc.mail import Mail


class NoFeed:
    """No log is asked for here."""

    async def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]:
        raise AssertionError(origin, start, limit)
        yield

    async def checkpoint(self, origin: str) -> str:
        raise AssertionError(origin)


class NoHeads:
    """No head is asked for here."""

    async def heads(self, origins: Sequence[str], before: datetime | None = None) -> Sequence[ShownHead]:
        raise AssertionError(origins, before)


class Slow:
    """A coordinator that takes its time."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def file(self, name: str) -> bytes:
        raise AssertionError(name)

    async def publish(self, division: str, metadata: bytes, files: Mapping[str, bytes]) -> int:
        del metadata, files
        self.begun.append(division)
        await self.go.wait()
        return len(self.begun)


def asking(division: str) -> tuple[pb.PublishTrustRequest, Caller]:
    return pb.PublishTrustRequest(publication=pb.TrustPublication(division=division)), Caller(division, "node")


async def test_one_publication_of_a_jurisdiction_at_a_time() -> None:
    registry = Slow()
    service = FederationService(NoFeed(), registry, Acknowledgements(), Mail(), NoHeads())
    first = asyncio.create_task(service.publish_trust(*asking("140000")))
    other = asyncio.create_task(service.publish_trust(*asking("520000")))
    async with asyncio.timeout(5):
        while len(registry.begun) < 2:  # noqa: ASYNC110 - two tasks of our own, on their way
            await asyncio.sleep(0)
    with pytest.raises(OverLimit) as caught:
        await service.publish_trust(*asking("140000"))
    assert caught.value.reason == "TOO_MANY_STREAMS"
    first.cancel()  # as when its caller hangs up
    with pytest.raises(asyncio.CancelledError):
        await first
    registry.go.set()
    assert (await service.publish_trust(*asking("140000"))).snapshot_version == 3
    assert (await other).snapshot_version
