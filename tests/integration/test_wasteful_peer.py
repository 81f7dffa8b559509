"""A peer that says nothing wrong and wastes our time: borne, named, and felt by nobody else (issue 4, line 3).

First what operators are told of each; then an honest province and callers beside a liar that is a process of its own,
stopped and let go in turn, so that both halves of the comparison see the same machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest
from huxin.v1 import admin_service_pb2, report_service_pb2, verification_service_pb2

from node.app import trusting
from node.app.storing import prepare_database
from node.clock import SystemClock
from tests.integration.chaos import resident_bytes
from tests.integration.kills import forked, serves
from tests.integration.liars import ENDLESS, endless, following_a_liar, peer_of
from tests.support import nodes

ROOT = Path(__file__).parents[2]
TOLD = {
    "heads_without_end": ("connected", "PEER_FLOODS", 1),
    "entries_without_end": ("connected", "PEER_FLOODS", None),
    "a_log_without_end": ("connected", "PEER_LOGS_TOO_MUCH", None),
    "huge_messages": ("waiting", "PEER_SENDS_TOO_MUCH", 1),
    "silence": ("waiting", "PEER_SILENT", 1),
    "a_drip": ("waiting", "PEER_DRIPS", None),
}
"""State, reason, and how much of its log is held then; None: whatever it told."""
STRICT = {
    "HUXIN_FEDERATION__SILENCE_SECONDS": "2",
    "HUXIN_FEDERATION__ENTRIES_PER_HOUR": "3600",
    "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.5",
}


@pytest.mark.parametrize("lie", ENDLESS)
async def test_what_operators_are_told_of_it(tmp_path: Path, lie: str) -> None:
    state, reason, held = TOLD[lie]
    async with following_a_liar(tmp_path, endless(lie), STRICT) as guizhou:

        async def told() -> bool:
            peer = await peer_of(guizhou)
            return (peer.state, peer.last_reason) == (state, reason) and held in {None, peer.replicated}

        await nodes.eventually(told, 30)


# Beside an honest province

ROUNDS, SECONDS = int(os.environ.get("HUXIN_LIAR_ROUNDS", "3")), 0.8
"""Turns with and without the liar, and how long each lasts."""
SHARE, SLACK_SECONDS = 1.2, 0.02
"""The honest peers' latency stays within 20 %; the slack is for machines on which processes wait for cores."""
GROWTH = 64 << 20
LIARS = ("heads_without_end", "entries_without_end", "a_log_without_end", "huge_messages")
"""Those that cost us anything."""


@dataclass
class Latencies:
    """Seconds: from a request to an honest province until its report's entry is held here; of a Verify call here."""

    propagation: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)


@dataclass
class Beside:
    """Guizhou in this process, honest Shanxi in another, and Lanzhou, known to Guizhou alone, who lies in a third."""

    guizhou: nodes.TestJurisdiction
    shanxi: nodes.TestJurisdiction
    lanzhou: nodes.TestJurisdiction

    @asynccontextmanager
    async def liar(self, lie: str) -> AsyncIterator[int]:
        """Lanzhou's process, as soon as it listens."""
        home, port = self.lanzhou.layout.home, self.lanzhou.settings.rpc.listen.port
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.liars", str(home), str(port)),
            *(str(self.guizhou.layout.certificate("ca")), lie),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto'}"},
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"lying\n"
            yield process.pid
        finally:
            process.kill()
            await process.wait()

    async def measure(self, found: Latencies, bundle: bytes) -> None:
        """For a turn."""
        reports, verification = self.shanxi.reports(), self.guizhou.verification()
        node, ended = self.guizhou.node, time.monotonic() + SECONDS
        assert node is not None
        request = verification_service_pb2.VerifyRequest(bundle=bundle, subject=nodes.claim(self.shanxi.subject))
        while time.monotonic() < ended:
            order = report_service_pb2.CreateReportRequest(
                request_id=str(uuid.uuid4()),
                subject=nodes.claim(self.shanxi.subject),
                scenario="tender",
                local_codes=["6"],
            )
            began = time.perf_counter()
            size = (await reports.CreateReport(order)).report.log_index + 1
            while (head := node.board.newest("huxin/140000")) is None or head.size < size:
                await node.board.newer_than(head, "huxin/140000", 1.0)
            found.propagation.append(time.perf_counter() - began)
            for _ in range(10):
                began = time.perf_counter()
                await verification.Verify(request)
                found.verify.append(time.perf_counter() - began)


@asynccontextmanager
async def beside(home: Path) -> AsyncIterator[Beside]:
    now = datetime.now(UTC)
    guizhou, shanxi, lanzhou = (nodes.found(home, division, now) for division in ("520000", "140000", "620100"))
    nodes.introduce([guizhou, shanxi])
    text = (lanzhou.layout.trust / "bundles" / "620100.json").read_text(encoding="utf-8")
    trusting.import_bundle(guizhou.settings, text, trusting.trusted_state(lanzhou.settings).own.signers[0])
    nodes.recognise(guizhou, "140000", now)
    await prepare_database(shanxi.settings)
    await nodes.register(shanxi)
    async with forked(home, {"HUXIN_FEDERATION__BATCH_ENTRIES": "1000"}) as keeper:
        await keeper.bear(shanxi)
        await serves(shanxi)
        try:
            async with nodes.running([guizhou], SystemClock()):
                yield Beside(guizhou, shanxi, lanzhou)
        finally:
            await shanxi.stop()


@pytest.mark.parametrize("lie", LIARS)
async def test_nobody_else_notices(tmp_path: Path, lie: str) -> None:
    async with beside(tmp_path) as world:
        bundle = await nodes.download(world.shanxi, await nodes.create_report(world.shanxi, codes=["6"]))
        usual, beside_the_liar = Latencies(), Latencies()
        await world.measure(Latencies(), bundle)
        async with world.liar(lie) as liar:
            await nodes.eventually(lambda: met(world))
            before, _ = resident_bytes(os.getpid())
            for _ in range(ROUNDS):
                os.kill(liar, signal.SIGCONT)
                await world.measure(beside_the_liar, bundle)
                os.kill(liar, signal.SIGSTOP)
                await world.measure(usual, bundle)
            after, _ = resident_bytes(os.getpid())
            held = next(peer for peer in await peers_of(world.guizhou) if peer.division == "620100").replicated
        told = []
        for name in ("propagation", "verify"):
            one, other = median(getattr(usual, name)), median(getattr(beside_the_liar, name))
            told.append(f"{name} {one * 1e3:.2f} ms, beside it {other * 1e3:.2f} ms ({other / one:.2f})")
            assert other < SHARE * one + SLACK_SECONDS, told
        print(f"{lie}: {'; '.join(told)}; {held} entries taken in; {(after - before) >> 20} MiB")  # noqa: T201
        assert after - before < GROWTH


async def met(world: Beside) -> bool:
    """Whether both peers have been heard."""
    return all(peer.replicated > 0 for peer in await peers_of(world.guizhou))


async def peers_of(one: nodes.TestJurisdiction) -> list[admin_service_pb2.Peer]:
    return list((await one.admin().ListPeers(admin_service_pb2.ListPeersRequest())).peers)
