"""`huxin.v1.FederationService`: own log, trust registry, messages and what was witnessed, for nodes of peers."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from huxin.v1 import federation_service_pb2 as pb

from node.errors import InvalidInput, OverLimit
from node.model.log import FeedBatch
from node.model.messages import MAX_DELIVERY_BYTES, MAX_DELIVERY_MESSAGES, Delivery, SealedMessage
from node.model.witnesses import ShownHead
from node.rpc.caller import Caller
from node.rpc.guard import Service
from node.rpc.limits import BUSY_SECONDS
from node.wire.fields import instant, text
from node.wire.messages import delivery_result, readable
from node.wire.peers import follow_response, shown_head

DEFAULT_BATCH = 256
MAX_ORIGINS = 64
"""Logs asked about at once: each may cost this node a signature and a write."""
MAX_BATCH = 1_000
CHUNK_BYTES = 64 * 1024
MAX_PUBLICATION_BYTES = 9 << 20
"""What a jurisdiction may publish at once, with its envelope."""
MAX_DELIVERIES = 4
"""Calls of Deliver of one peer at once: one for each of its replicas. Each holds megabytes in memory."""
MAX_STREAMS = 8
"""Follow streams of one peer at once: one for each of its replicas. Every open one reads the database each second.

A further one takes the place of the oldest.
"""


class Feed(Protocol):
    """The logs that this node serves. Both raise NotFound for an origin it does not serve."""

    def follow(self, origin: str, start: int, limit: int) -> AsyncIterator[FeedBatch]: ...
    async def checkpoint(self, origin: str) -> str: ...


class Acknowledgements(Protocol):
    """What peers say they hold of our log. Answers the size that counts.

    Raises NotFound for another log, InvalidInput for more than there is.
    """

    async def acknowledge(self, peer: str, origin: str, size: int, /) -> int: ...


class Heads(Protocol):
    """What this node has to show of logs, cosigned by it. Logs of which it has nothing to show are left out."""

    async def heads(self, origins: Sequence[str], before: datetime | None = None, /) -> Sequence[ShownHead]: ...


class Registry(Protocol):
    """The trust registry as this node mirrors it; the coordinator releases it as well.

    `file` raises NotFound; `publish` answers the version of the snapshot that holds the publication, and raises
    InvalidInput for one that cannot be taken over, NotPermitted on any node but the coordinator's.
    """

    async def file(self, name: str, /) -> bytes: ...
    async def publish(self, division: str, metadata: bytes, files: Mapping[str, bytes], /) -> int: ...


class Mail(Protocol):
    """Takes messages in. None stands for a message whose header cannot be read; one answer for each, after the commit.

    Raises NotReady when nothing can be stored.
    """

    async def deliver(self, sender: str, messages: Sequence[SealedMessage | None], /) -> Sequence[Delivery]: ...


class FederationService:
    """Requests in, batches out, for as long as the follower listens."""

    def __init__(
        self, feed: Feed, registry: Registry, acknowledgements: Acknowledgements, mail: Mail, heads: Heads
    ) -> None:
        self._feed = feed
        self._acknowledgements = acknowledgements
        self._heads = heads
        self._registry = registry
        self._mail = mail
        self._delivering: Counter[str] = Counter()
        self._open: defaultdict[str, list[asyncio.Timeout]] = defaultdict(list)
        """What ends each open stream of a peer, oldest first."""
        self._fetching: Counter[str] = Counter()
        self._publishing: set[str] = set()
        self._showing: Counter[str] = Counter()

    async def follow(self, request: pb.FollowRequest, caller: Caller) -> AsyncIterator[pb.FollowResponse]:
        if request.batch_limit > MAX_BATCH:
            raise InvalidInput("batch_limit", f"A batch has at most {MAX_BATCH} entries; 0 means {DEFAULT_BATCH}.")
        origin = text(request.origin, "origin", limit=200)
        streams = self._open[caller.name]
        if len(streams) >= MAX_STREAMS:
            # Who asks is alive. The oldest may be one whose end we never heard of: to notice that takes keepalive more
            # than a minute, and a peer whose network resets connections would be shut out for as long.
            streams.pop(0).reschedule(asyncio.get_running_loop().time())
        limit = asyncio.timeout(None)
        streams.append(limit)
        try:
            async with limit:
                async for batch in self._feed.follow(origin, request.start, request.batch_limit or DEFAULT_BATCH):
                    yield follow_response(batch)
        except TimeoutError:
            raise _too_many(
                f"A node follows a log on at most {MAX_STREAMS} streams at once; a newer one took the place of this."
            ) from None
        finally:
            if limit in streams:
                streams.remove(limit)
            if not streams:
                del self._open[caller.name]

    async def acknowledge(self, request: pb.AcknowledgeRequest, caller: Caller) -> pb.AcknowledgeResponse:
        origin = text(request.origin, "origin", limit=200)
        size = await self._acknowledgements.acknowledge(caller.division, origin, request.size)
        return pb.AcknowledgeResponse(size=size)

    async def get_checkpoint(self, request: pb.GetCheckpointRequest, _caller: Caller) -> pb.GetCheckpointResponse:
        origin = text(request.origin, "origin", limit=200)
        return pb.GetCheckpointResponse(checkpoint=await self._feed.checkpoint(origin))

    async def get_heads(self, request: pb.GetHeadsRequest, caller: Caller) -> pb.GetHeadsResponse:
        if len(request.origins) > MAX_ORIGINS:
            raise InvalidInput(
                "origins", f"At most {MAX_ORIGINS} logs are asked about at once; ask again for the rest."
            )
        origins = [text(origin, "origins", limit=200) for origin in request.origins]
        asks_past = request.HasField("cosigned_before")
        before = instant(request.cosigned_before, "cosigned_before") if asks_past else None
        if self._showing[caller.name] >= MAX_STREAMS:
            raise _too_many(f"A node asks for heads at most {MAX_STREAMS} times at once; wait for the answers.")
        self._showing[caller.name] += 1
        try:
            return pb.GetHeadsResponse(heads=[shown_head(head) for head in await self._heads.heads(origins, before)])
        finally:
            self._showing[caller.name] -= 1

    async def fetch_trust(self, request: pb.FetchTrustRequest, caller: Caller) -> AsyncIterator[pb.FetchTrustResponse]:
        name = text(request.name, "name", limit=255)
        if not name.isprintable():
            raise InvalidInput("name", "A name of a trust file has no control characters; name one that a file lists.")
        if self._fetching[caller.name] >= MAX_STREAMS:
            # Each holds a file in memory for as long as its reader takes.
            raise _too_many(f"A node fetches at most {MAX_STREAMS} files at once; take one after the other.")
        self._fetching[caller.name] += 1
        try:
            content = await self._registry.file(name)
            for start in range(0, max(len(content), 1), CHUNK_BYTES):
                yield pb.FetchTrustResponse(chunk=content[start : start + CHUNK_BYTES])
        finally:
            self._fetching[caller.name] -= 1

    async def publish_trust(self, request: pb.PublishTrustRequest, caller: Caller) -> pb.PublishTrustResponse:
        found = request.publication
        if found.division != caller.division:
            raise InvalidInput(
                "publication.division", "A jurisdiction publishes for itself only; name your own division."
            )
        if caller.division in self._publishing:
            # Each holds megabytes in memory while the others are taken over.
            raise _too_many("A jurisdiction publishes once at a time; wait for the answer.")
        self._publishing.add(caller.division)
        try:
            files = {text(each.path, "publication.files.path", limit=200): each.content for each in found.files}
            version = await self._registry.publish(found.division, found.metadata, files)
        finally:
            self._publishing.discard(caller.division)
        return pb.PublishTrustResponse(snapshot_version=version)

    async def deliver(self, request: pb.DeliverRequest, caller: Caller) -> pb.DeliverResponse:
        if not 1 <= len(request.messages) <= MAX_DELIVERY_MESSAGES:
            raise InvalidInput("messages", f"A delivery has 1 to {MAX_DELIVERY_MESSAGES} messages; send them so.")
        if self._delivering[caller.name] >= MAX_DELIVERIES:
            raise _too_many(f"A node delivers in at most {MAX_DELIVERIES} calls at once; wait for an answer.")
        self._delivering[caller.name] += 1
        try:
            answers = await self._mail.deliver(caller.division, [readable(message) for message in request.messages])
        finally:
            self._delivering[caller.name] -= 1
        return pb.DeliverResponse(results=[delivery_result(answer) for answer in answers])


def _too_many(message: str) -> OverLimit:
    return OverLimit("TOO_MANY_STREAMS", message, BUSY_SECONDS)


def federation_service(
    feed: Feed, registry: Registry, acknowledgements: Acknowledgements, mail: Mail, heads: Heads
) -> Service:
    """The service as the guard takes it."""
    return Service(
        pb.DESCRIPTOR.services_by_name["FederationService"],
        FederationService(feed, registry, acknowledgements, mail, heads),
        {"PublishTrust": MAX_PUBLICATION_BYTES, "Deliver": MAX_DELIVERY_BYTES},
    )
