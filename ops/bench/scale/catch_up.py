"""A node that joins late: Guizhou takes in the whole of Shanxi's log while it serves its own callers.

Both are real processes, `huxin serve`, one core each. Guizhou starts first and alone, so that its memory before is
known; then Shanxi starts, and Guizhou follows from entry 0. When a good third is taken in, callers begin to create
reports in Guizhou, at a steady pace, until the log is whole; then the same load meets the idle node.
"""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from huxin.v1 import report_service_pb2_grpc

from node.adapters.catalogues.registry import discover
from node.app.keyring import load_keyring
from node.ledger.sequencer import LogKeys
from node.model.calendar import day_in_china
from ops.bench.scale.logs import make_log
from ops.bench.scale.process import one_check_seconds, processor_seconds, resident_bytes
from ops.bench.world import CLIENT_CORE, SERVER_CORE, Process, found_world, node_process, report_request, reports_stub
from tests.support import nodes
from tests.support.nodes import TestJurisdiction
from trust.log.checkpoint import origin_of, own_cosigner

Figures = dict[str, float]

PACE_SECONDS = 0.05
"""Twenty reports a second: what a province's busiest window asks for, and more than enough to see a stall."""
QUIET_SHARE = 0.35
IDLE_CALLS = 200
_PATIENCE_SECONDS = 1_200
_SIZE = re.compile(r'^huxin_log_size\{origin="([^"]+)"\} ([0-9.e+]+)$', re.MULTILINE)


async def measure_catch_up(folder: Path, size: int, progressed: Callable[[int], object]) -> Figures:
    """Entries per second, memory, and how long own callers waited. `progressed` gets entries made, then taken in."""
    one_check = one_check_seconds()
    shanxi, guizhou = await found_world(folder, 1)
    now = datetime.now(UTC)
    await nodes.register(guizhou, *_subjects())
    await nodes.deliver(
        guizhou, discover().on("520000", day_in_china(now)).catalogue, day_in_china(now - timedelta(days=2))
    )
    await make_log(_file(shanxi), size, _log_keys(shanxi), progressed)
    serving, following = node_process(shanxi, {SERVER_CORE}), node_process(guizhou, {CLIENT_CORE})
    watch = _Watch(following, origin_of(shanxi.division))
    await following.start()
    try:
        async with guizhou.channel() as channel:
            stub = reports_stub(channel)
            await _paced(stub, asyncio.Event(), IDLE_CALLS // 4)  # the first calls pay for what later ones find ready
            before = watch.memory()
            await serving.start()
            halves = await _caught_up(watch, stub, size, progressed)
            idle = await _paced(stub, asyncio.Event(), IDLE_CALLS)
            figures = {
                "catch_up_entries": float(size),
                "catch_up_rate": halves.quiet_rate,
                "catch_up_rate_beside_callers": halves.busy_rate,
                "catch_up_per_core_second": halves.per_core_second,
                "catch_up_vs_ed25519_verify_1core": halves.per_core_second * one_check,
                "catch_up_seconds": halves.seconds,
                "catch_up_memory_before_bytes": before,
                "catch_up_memory_most_bytes": watch.most,
                "catch_up_memory_after_bytes": watch.memory(),
            }
            for name, latencies in (("beside", halves.latencies), ("idle", idle)):
                cuts = quantiles(latencies, n=100)
                figures[f"create_report_p50_seconds_{name}"] = cuts[49]
                figures[f"create_report_p99_seconds_{name}"] = cuts[98]
            figures["create_report_calls_beside"] = float(len(halves.latencies))
            return figures
    finally:
        serving.stop()
        following.stop()


@dataclass(slots=True)
class _Watch:
    """What the following node shows of itself while it works."""

    process: Process
    origin: str
    most: float = 0.0

    @property
    def pid(self) -> int:
        if self.process.running is None:
            raise LookupError("the node does not run")
        return self.process.running.pid

    def memory(self) -> float:
        found = float(resident_bytes(self.pid))
        self.most = max(self.most, found)
        return found

    async def replicated(self) -> int:
        """Entries held, as its metrics say."""
        address = self.process.environment["HUXIN_OPERATIONS__LISTEN"]
        text = await asyncio.to_thread(_page, f"http://{address}/metrics")
        return next((int(float(count)) for origin, count in _SIZE.findall(text) if origin == self.origin), 0)


@dataclass(slots=True)
class _Halves:
    quiet_rate: float = 0.0
    per_core_second: float = 0.0
    """Entries per second of the following node's own processor time, whatever else the machine does meanwhile."""
    busy_rate: float = 0.0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


async def _caught_up(
    watch: _Watch, stub: report_service_pb2_grpc.ReportServiceStub, size: int, progressed: Callable[[int], object]
) -> _Halves:
    """Waits for the whole log: without callers up to QUIET_SHARE of it, with them from there on."""
    found, done, told = _Halves(), asyncio.Event(), 0
    marks: list[tuple[float, int]] = []
    callers: asyncio.Task[list[float]] | None = None
    busy_from, used = (0.0, 0), 0.0
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while told < size:
            await asyncio.sleep(0.1)
            held = await watch.replicated()
            watch.memory()
            progressed(held - told)
            told = held
            if held:
                used = used if marks else processor_seconds(watch.pid)
                marks.append((time.perf_counter(), held))
            if callers is None and held >= QUIET_SHARE * size:
                found.quiet_rate, busy_from = _rate(marks[0], marks[-1]), marks[-1]
                found.per_core_second = (held - marks[0][1]) / (processor_seconds(watch.pid) - used)
                callers = asyncio.create_task(_paced(stub, done))
    found.busy_rate, found.seconds = _rate(busy_from, marks[-1]), marks[-1][0] - marks[0][0]
    done.set()
    found.latencies = await callers if callers is not None else []
    return found


def _rate(first: tuple[float, int], last: tuple[float, int]) -> float:
    return (last[1] - first[1]) / (last[0] - first[0])


async def _paced(
    stub: report_service_pb2_grpc.ReportServiceStub, done: asyncio.Event, calls: int | None = None
) -> list[float]:
    """Creates reports at a steady pace, whether the ones before are answered or not, until `done` or so many."""
    pending: list[asyncio.Task[float]] = []
    subjects = _subjects()
    while not done.is_set() and (calls is None or len(pending) < calls):
        pending.append(asyncio.create_task(_create(stub, subjects[len(pending) % len(subjects)])))
        await asyncio.sleep(PACE_SECONDS)
    return list(await asyncio.gather(*pending))


async def _create(stub: report_service_pb2_grpc.ReportServiceStub, subject: str) -> float:
    began = time.perf_counter()
    await stub.CreateReport(report_request(subject), timeout=60)
    return time.perf_counter() - began


def _subjects() -> list[str]:
    """Synthetic codes of Guizhou."""
    return [nodes.synthetic_code("520000", number) for number in range(50)]


def _file(one: TestJurisdiction) -> Path:
    return Path(one.settings.database.url.removeprefix("sqlite+aiosqlite:///"))


def _log_keys(one: TestJurisdiction) -> LogKeys:
    keyring, origin = load_keyring(one.settings), origin_of(one.division)
    return LogKeys(origin, keyring.head, own_cosigner(origin), keyring.cosigner)


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback address
        text: str = answer.read().decode()
        return text
