"""One peer abuses a node in every way that the protocol offers, and nobody else notices.

Liaoning floods Shanxi with calls, streams that it does not read, and huge messages, from a process of its own. Shanxi's
own relying party goes on asking for verdicts, and Guizhou goes on following. What a call takes is compared between
rounds with and without abuse that take turns, so that whatever else the machine does falls on both. The goal is 20 %.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from huxin.v1 import verification_service_pb2
from huxin.v1.verification_service_pb2_grpc import VerificationServiceStub

from tests.integration.provinces import OF_GUIZHOU, Provinces, provinces
from tests.support import nodes
from tests.support.clock import PacedClock
from tests.support.http import get

_log = structlog.get_logger(__name__)

ABUSER = "210000"
ROUNDS, SECONDS, CALLS_PER_NEWS = 3, 2.0, 20
GOAL, ROOM = 1.2, 2.0
"""The goal, and how much more a machine may show whose two processors the abuser shares."""
ORIGIN = "huxin/140000"
ROOT = Path(__file__).parents[2]


@dataclass
class Abuse:
    """The abusive process."""

    process: asyncio.subprocess.Process

    async def turn(self) -> None:
        """On, or off again."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()
        assert await asyncio.wait_for(self.process.stdout.readline(), 60) == b"so be it\n"

    async def end(self) -> dict[str, int]:
        """How its calls ended, by code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        found: dict[str, int] = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 60))
        return found


@asynccontextmanager
async def abuser_of(victim: nodes.TestJurisdiction, peer: nodes.TestJurisdiction) -> AsyncIterator[Abuse]:
    """With the certificate of `peer`'s node, which does not run itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.abuser",
        str(victim.settings.rpc.listen),
        f"node.{victim.division}.huxin",
        str(victim.layout.certificate("ca")),
        str(peer.settings.tls.certificate),
        str(peer.settings.tls.key),
        f"huxin/{victim.division}",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Abuse(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class Honest:
    """What those feel who do nothing wrong: seconds of each Verify, and from a report's order to its entry there."""

    pair: Provinces
    stub: VerificationServiceStub
    bundle: bytes
    verify: list[float]
    follow: list[float]

    async def round(self) -> None:
        """Some of both."""
        request = verification_service_pb2.VerifyRequest(
            bundle=self.bundle, subject=nodes.claim(self.pair.shanxi.subject), requirement=OF_GUIZHOU
        )
        ends = time.perf_counter() + SECONDS
        while time.perf_counter() < ends:
            began = time.perf_counter()
            await self.stub.Verify(request)
            self.verify.append(time.perf_counter() - began)
            if len(self.verify) % CALLS_PER_NEWS == 0:
                await self._news()

    async def _news(self) -> None:
        node = self.pair.guizhou.node
        assert node is not None
        known = node.board.newest(ORIGIN)
        assert known is not None
        began = time.perf_counter()
        issued = asyncio.ensure_future(nodes.create_report(self.pair.shanxi, codes=["6"]))
        while known.size == (head := await node.board.newer_than(known, ORIGIN, 30) or known).size:
            assert head != known, "Guizhou has heard nothing for 30 seconds"
            known = head
        self.follow.append(time.perf_counter() - began)
        await issued


async def test_an_abusive_peer_is_nobody_elses_business(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    limited = dict.fromkeys(nodes.AMPLE, "1")
    clock = PacedClock(nodes.THE_DAY)  # what the abuser has used up comes again, second by second
    async with provinces(tmp_path, "140000", "520000", ABUSER, extra=limited, clock=clock) as world:
        shanxi, abusive = world.shanxi, world.all[ABUSER]
        await abusive.stop()
        _, bundle = await world.report(shanxi)
        await nodes.caught_up(world.guizhou, shanxi, 1)
        async with abuser_of(shanxi, abusive) as abuse:
            stub = shanxi.verification()
            quiet, abused = (Honest(world, stub, bundle, [], []) for _ in range(2))
            await Honest(world, stub, bundle, [], []).round()  # until everything is warm
            for _ in range(ROUNDS):
                await quiet.round()
                await abuse.turn()
                await abused.round()
                await abuse.turn()
            ended = await abuse.end()
        assert shanxi.node is not None
        page = (await get(shanxi.node.operations_port, "/metrics")).body.decode()
    for name in ("verify", "follow"):
        before, under = statistics.median(getattr(quiet, name)), statistics.median(getattr(abused, name))
        _log.info(f"{name} by median", quiet_ms=before * 1e3, abused_ms=under * 1e3, ratio=under / before, goal=GOAL)
        record_property(f"{name} under abuse", under / before)
        assert under < before * GOAL * ROOM
    _log.info("how the abuser's calls ended", **ended)
    assert ended["RESOURCE_EXHAUSTED"] > 100
    met = {
        (labels["peer"], labels["limit"])
        for line in page.splitlines()
        if line.startswith("huxin_limited_total{")
        for labels in [dict(re.findall(r'(\w+)="([^"]*)"', line))]
    }
    _log.info("limits met", met=sorted(met))
    assert {peer for peer, _ in met} == {ABUSER}, "nobody else"
    limits = {limit for _, limit in met}
    # Which of the three stops its calls first is a matter of the machine.
    assert "concurrent_streams" in limits
    assert limits & {"calls", "received_bytes", "concurrent_calls"}
