"""One follower and one bad network at a time: what each trouble alone must not do. All at once: `test_chaos`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from huxin.v1 import admin_service_pb2

from node.app.storing import prepare_database
from node.rpc.federation_service import MAX_STREAMS
from tests.integration.chaos import introduce
from tests.integration.liars import peer_of
from tests.support import nodes
from tests.support.chaos_proxy import CALM, ChaosProxy, Weather, proxy_to

SETTINGS = {"HUXIN_FEDERATION__SILENCE_SECONDS": "2", "HUXIN_FEDERATION__COSIGN_SECONDS": "1"}


@dataclass
class Link:
    """Guizhou follows Shanxi through a proxy."""

    shanxi: nodes.TestJurisdiction
    guizhou: nodes.TestJurisdiction
    proxy: ChaosProxy

    async def arrives(self) -> None:
        """A new report of Shanxi's is soon held in Guizhou."""
        await nodes.create_report(self.shanxi, codes=["6"])
        assert self.shanxi.node is not None
        head = self.shanxi.node.board.newest("huxin/140000")
        assert head is not None
        await nodes.eventually(lambda: self.holds(head.size), 60)

    async def holds(self, size: int) -> bool:
        return (await peer_of(self.guizhou)).replicated == size

    async def reconnected(self, since: int) -> None:
        """Waits until there is a connection after so many, and it is in use."""

        async def connected() -> bool:
            peer: admin_service_pb2.Peer = await peer_of(self.guizhou)
            return self.proxy.tally.connections > since and peer.state == "connected"

        await nodes.eventually(connected, 60)


@asynccontextmanager
async def link(home: Path) -> AsyncIterator[Link]:
    shanxi, guizhou = (nodes.found(home, division, extra=SETTINGS) for division in ("140000", "520000"))
    async with proxy_to(shanxi.settings.rpc.listen.port, random.Random(1)) as (proxy, port):  # noqa: S311 - no secret
        introduce(guizhou, shanxi, port)
        introduce(shanxi, guizhou, guizhou.settings.rpc.listen.port)
        await prepare_database(shanxi.settings)
        await nodes.register(shanxi)
        async with nodes.running([shanxi, guizhou]):
            found = Link(shanxi, guizhou, proxy)
            await found.arrives()
            yield found


async def test_connections_that_the_issuer_believes_in_shut_nobody_out(tmp_path: Path) -> None:
    """A firewall that forgets: Guizhou connects again each time, and Shanxi hears of no end for more than a minute."""
    async with link(tmp_path) as found:
        for _ in range(2 * MAX_STREAMS):
            since = found.proxy.tally.connections
            found.proxy.forget_all()
            await found.reconnected(since)
        await found.arrives()


async def test_a_half_open_connection_is_noticed_without_any_end(tmp_path: Path) -> None:
    async with link(tmp_path) as found:
        since = found.proxy.tally.connections
        found.proxy.half_open_all()
        await found.reconnected(since)
        await found.arrives()


async def test_a_partition_ends_and_following_goes_on_by_itself(tmp_path: Path) -> None:
    async with link(tmp_path) as found:
        found.proxy.change(Weather(partition=True))
        await nodes.create_report(found.shanxi, codes=["6"])

        async def noticed() -> bool:
            return (await peer_of(found.guizhou)).state == "waiting"

        await nodes.eventually(noticed, 60)
        assert await found.holds(1)
        found.proxy.change(CALM)
        await found.arrives()


async def test_a_byte_now_and_then_is_silence(tmp_path: Path) -> None:
    """The connection lives, and a message never ends."""
    async with link(tmp_path) as found:
        found.proxy.change(Weather(bytes_per_second=10))

        async def told() -> bool:
            return (await peer_of(found.guizhou)).last_reason == "PEER_SILENT"

        await nodes.eventually(told, 60)
        found.proxy.change(CALM)
        await found.arrives()


async def test_resets_over_and_over_lose_nothing(tmp_path: Path) -> None:
    async with link(tmp_path) as found:
        writing = asyncio.gather(*(nodes.create_report(found.shanxi, codes=["6"]) for _ in range(20)))
        for _ in range(10):
            since = found.proxy.tally.connections
            found.proxy.reset_all()
            await found.reconnected(since)
        await writing
        await nodes.eventually(lambda: found.holds(21), 60)
