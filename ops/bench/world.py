"""Two real jurisdictions as processes: Shanxi issues, Guizhou follows and verifies. Subjects are synthetic."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc.aio
from huxin.v1 import report_service_pb2, report_service_pb2_grpc, subject_pb2

from node.adapters.catalogues.registry import discover
from node.app.storing import prepare_database
from node.model.calendar import day_in_china
from tests.support import nodes
from tests.support.nodes import TestJurisdiction

SERVER_CORE, CLIENT_CORE = 0, 1 % (os.cpu_count() or 1)
DISCLOSED_ROWS = ("4", "6", "10", "13")
"""What a subject shows for Guizhou's illustrative tender: the rows behind its four domains, and the summary."""


@dataclass(slots=True)
class Process:
    """A server process, pinned to cores."""

    arguments: list[str]
    port: int
    cores: set[int]
    environment: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.running = subprocess.Popen(  # noqa: ASYNC220 - at once, and nothing else runs meanwhile
            self.arguments, env={**os.environ, **self.environment}, stdout=subprocess.DEVNULL
        )
        os.sched_setaffinity(self.running.pid, self.cores)
        async with asyncio.timeout(30):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def stop(self) -> None:
        if self.running is not None:
            self.running.terminate()
            self.running.wait()
            self.running = None


def node_process(one: TestJurisdiction, cores: set[int]) -> Process:
    """`huxin serve` for a jurisdiction."""
    listen = one.settings.rpc.listen
    environment = {
        "HUXIN_RPC__LISTEN": str(listen),
        "HUXIN_OPERATIONS__LISTEN": f"127.0.0.1:{nodes.free_port()}",
        "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.1",
        "HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": "0.5",
        "HUXIN_LOG__LEVEL": "warning",
    }
    arguments = [sys.executable, "-m", "node", "--home", str(one.layout.home), "serve"]
    return Process(arguments, listen.port, cores, environment)


def echo_process(home: Path | None, cores: set[int]) -> Process:
    """The bare echo, with the node's own mutual TLS when `home` is given."""
    port = nodes.free_port()
    arguments = [sys.executable, "-m", "ops.bench.echo", str(port)]
    return Process([*arguments, "--home", str(home)] if home else arguments, port, cores)


def subjects(count: int) -> list[str]:
    """Synthetic codes of Shanxi; their check characters do not matter here and are not right."""
    return [f"91140000MA{number:07d}X" for number in range(count)]


async def found_world(folder: Path, subject_count: int) -> tuple[TestJurisdiction, TestJurisdiction]:
    """Shanxi with registered subjects and complete deliveries, and Guizhou, which recognises it."""
    now = datetime.now(UTC)
    shanxi, guizhou = nodes.found(folder, "140000", now), nodes.found(folder, "520000", now)
    nodes.introduce([shanxi, guizhou])
    nodes.recognise(guizhou, "140000", now)
    catalogue = discover().on("140000", day_in_china(now)).catalogue
    for one in (shanxi, guizhou):
        await prepare_database(one.settings)
    await nodes.register(shanxi, *subjects(subject_count))
    await nodes.deliver(shanxi, catalogue, day_in_china(now - timedelta(days=2)))
    return shanxi, guizhou


def report_request(subject: str) -> report_service_pb2.CreateReportRequest:
    """A complete report: all rows, every record type, longest period."""
    return report_service_pb2.CreateReportRequest(
        request_id=str(uuid.uuid4()),
        subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=subject),
        scenario="tender",
    )


def reports_stub(channel: grpc.aio.Channel) -> report_service_pb2_grpc.ReportServiceStub:
    """A client of ReportService on an open channel."""
    return report_service_pb2_grpc.ReportServiceStub(channel)
