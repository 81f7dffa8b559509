"""What is measured, one function a subject. Rates are per second, latencies in seconds, medians over repetitions."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import grpc.aio
from huxin.v1 import report_service_pb2, subject_pb2, verification_service_pb2, verification_service_pb2_grpc

from ops.bench.load import Call, Comparison, compare, drive
from ops.bench.replication import measure_replication
from ops.bench.world import (
    CLIENT_CORE,
    DISCLOSED_ROWS,
    SERVER_CORE,
    Process,
    echo_process,
    found_world,
    node_process,
    report_request,
    reports_stub,
    subjects,
)
from tests.support.nodes import TestJurisdiction
from trust import keys
from trust.algorithms import Suite, load_public_key

Figures = dict[str, float]
Say = Callable[[str], None]

CALLERS = (1, 8, 64)
REPETITIONS = 5
CALLS = {1: 200, 8: 400, 64: 640}
"""Calls per repetition: long enough to be steady, short enough to repeat."""
REPORTS = sum(CALLS.values()) * REPETITIONS
BATCH = 500
REQUIREMENT = "520000/tender"


@dataclass(frozen=True, slots=True)
class Sample:
    """A presented bundle and whom it is about."""

    bundle: bytes
    subject: str

    def request(self) -> verification_service_pb2.VerifyRequest:
        return verification_service_pb2.VerifyRequest(
            bundle=self.bundle, subject=_claim(self.subject), requirement_id=REQUIREMENT
        )


def _claim(subject: str) -> subject_pb2.SubjectClaim:
    return subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=subject)


async def measure_all(folder: Path, say: Say) -> Figures:
    """Everything, in one run."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    figures: Figures = {"ed25519_verify_seconds": _ed25519_seconds()}
    say("founding Shanxi and Guizhou")
    shanxi, guizhou = await found_world(folder, REPORTS)
    issuing = node_process(shanxi, {SERVER_CORE})
    await issuing.start()
    try:
        say(f"issuing {REPORTS} complete reports, durably")
        numbers = await _create_reports(shanxi, figures)
        say("downloading bundles")
        shown, whole = await _download(shanxi, numbers)
        say("following a log of that length")
        figures |= await measure_replication(shanxi, guizhou, REPORTS, issuing, figures["ed25519_verify_seconds"])
        say("verifying, one by one")
        await _verify_single(guizhou, shown, "", figures)
        await _verify_single(guizhou, whole, "_complete", figures, callers=(64,))
        say("verifying in batches")
        await _verify_batches(guizhou, shown, "", figures)
        await _verify_batches(guizhou, whole, "_complete", figures)
    finally:
        issuing.stop()
    return figures


def _ed25519_seconds() -> float:
    """One raw check of a signature over a message as long as an attestation, on one core."""
    key = keys.generate(Suite.ED25519)
    public = load_public_key(key.spki, Suite.ED25519)
    message = os.urandom(640)
    signature = key.sign(message)
    times = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        for _ in range(2_000):
            public.verify(signature, message)
        times.append((time.perf_counter() - began) / 2_000)
    return median(times)


@asynccontextmanager
async def _echo(home: Path, request: bytes) -> AsyncIterator[Call]:
    """The limit for these request bytes: a bare server on the same core, over the node's mutual TLS."""
    process = echo_process(home, {SERVER_CORE})
    await process.start()
    try:
        async with _channel(home, process.port) as channel:
            echo: Any = channel.unary_unary("/bench.Echo/Echo")

            async def call(_number: int) -> object:
                return await echo(request)

            await drive(call, 0, 300, 8)
            yield call
    finally:
        process.stop()


def _channel(home: Path, port: int, workload: str = "gateway") -> grpc.aio.Channel:
    credentials = grpc.ssl_channel_credentials(
        (home / "certificates/ca.crt").read_bytes(),
        (home / f"keys/{workload}.key").read_bytes(),
        (home / f"certificates/{workload}.crt").read_bytes(),
    )
    options = [
        ("grpc.ssl_target_name_override", f"node.{home.name}.huxin"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", 64 << 20),
        ("grpc.max_send_message_length", 64 << 20),
    ]
    return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=options)


async def _create_reports(shanxi: TestJurisdiction, figures: Figures) -> list[tuple[str, str]]:
    """Issues every report that the other measures use, at 1, 8 and 64 callers. Returns (number, subject)."""
    home, codes = shanxi.layout.home, subjects(REPORTS)
    made: list[tuple[str, str]] = []
    request = report_request(codes[0]).SerializeToString()
    async with _channel(home, shanxi.settings.rpc.listen.port) as channel, _echo(home, request) as echo:
        stub = reports_stub(channel)
        for callers in CALLERS:
            base = len(made)

            async def create(number: int, base: int = base) -> None:
                subject = codes[base + number]
                response = await stub.CreateReport(report_request(subject))
                made.append((response.report.report_number, subject))

            found = await compare(create, echo, CALLS[callers], callers, REPETITIONS)
            _record(figures, "create_report", callers, found)
    return made


def _record(figures: Figures, name: str, callers: int, found: Comparison) -> None:
    figures[f"{name}_vs_echo_{callers}"] = found.ratio
    figures[f"{name}_rate_{callers}"] = found.work.rate
    figures[f"{name}_p50_seconds_{callers}"] = found.work.p50
    figures[f"{name}_p99_seconds_{callers}"] = found.work.p99
    figures[f"{name}_echo_rate_{callers}"] = found.limit.rate


async def _download(shanxi: TestJurisdiction, numbers: Sequence[tuple[str, str]]) -> tuple[list[Sample], list[Sample]]:
    """All bundles with the rows that the procedure asks for, and some of them complete."""
    async with _channel(shanxi.layout.home, shanxi.settings.rpc.listen.port) as channel:
        stub = reports_stub(channel)

        async def fetch(number: str, subject: str, codes: Sequence[str]) -> Sample:
            request = report_service_pb2.DownloadReportRequest(report_number=number, disclosed_codes=codes)
            return Sample(b"".join([part.chunk async for part in stub.DownloadReport(request)]), subject)

        async def fetch_all(wanted: Sequence[tuple[str, str]], codes: Sequence[str]) -> list[Sample]:
            samples: list[Sample] = []
            for at in range(0, len(wanted), 32):
                samples += await asyncio.gather(*(fetch(*one, codes) for one in wanted[at : at + 32]))
            return samples

        complete = CALLS[64] * REPETITIONS
        return await fetch_all(numbers, DISCLOSED_ROWS), await fetch_all(numbers[:complete], ())


async def _verify_single(
    guizhou: TestJurisdiction,
    samples: Sequence[Sample],
    suffix: str,
    figures: Figures,
    callers: Sequence[int] = CALLERS,
) -> None:
    """Unary Verify of bundles never seen, then of the same ones again, against the echo of the same bytes."""
    home = guizhou.layout.home
    requests = [sample.request() for sample in samples]
    request = requests[0].SerializeToString()
    figures[f"verify{suffix}_request_bytes"] = len(request)
    for count in callers:
        async with (
            _serving(guizhou, {SERVER_CORE}),
            _channel(home, guizhou.settings.rpc.listen.port) as channel,
            _echo(home, request) as echo,
        ):
            stub = verification_service_pb2_grpc.VerificationServiceStub(channel)

            async def verify(number: int, ask: Any = stub.Verify) -> None:
                _require_accept((await ask(requests[number])).verdict.decision)

            await _warm(stub, requests[-1])
            for name in ("unseen", "replicated"):
                found = await compare(verify, echo, CALLS[count], count, REPETITIONS)
                _record(figures, f"verify_{name}{suffix}", count, found)


async def _verify_batches(guizhou: TestJurisdiction, samples: Sequence[Sample], suffix: str, figures: Figures) -> None:
    """BatchVerify per item, never seen and known, on all cores of the server, against one raw check on one core."""
    batches = [
        verification_service_pb2.BatchVerifyRequest(
            requirement_id=REQUIREMENT,
            items=[
                verification_service_pb2.BatchItem(bundle=sample.bundle, subject=_claim(sample.subject))
                for sample in samples[at : at + BATCH]
            ],
        )
        for at in range(0, BATCH * REPETITIONS, BATCH)
    ]
    cores = {SERVER_CORE, CLIENT_CORE}
    async with _serving(guizhou, cores), _channel(guizhou.layout.home, guizhou.settings.rpc.listen.port) as channel:
        stub = verification_service_pb2_grpc.VerificationServiceStub(channel)
        await _warm(stub, samples[-1].request())
        for name in ("unseen", "known"):
            seconds = []
            for batch in batches:
                began = time.perf_counter()
                response = await stub.BatchVerify(batch)
                seconds.append((time.perf_counter() - began) / BATCH)
                for verdict in response.verdicts:
                    _require_accept(verdict.decision)
            item = median(seconds)
            figures[f"batch_{name}_item{suffix}_vs_ed25519_verify"] = item / figures["ed25519_verify_seconds"]
            figures[f"batch_{name}_item{suffix}_seconds"] = item


class _serving:  # noqa: N801 - reads as what it does
    """A freshly started node: nothing is remembered from before."""

    def __init__(self, one: TestJurisdiction, cores: set[int]) -> None:
        self._process: Process = node_process(one, cores)

    async def __aenter__(self) -> None:
        await self._process.start()

    async def __aexit__(self, *_: object) -> None:
        self._process.stop()


async def _warm(
    stub: verification_service_pb2_grpc.VerificationServiceStub, request: verification_service_pb2.VerifyRequest
) -> None:
    """Waits until the restarted node answers with its view of the log, and its code is warm."""
    async with asyncio.timeout(20):
        while (await stub.Verify(request, wait_for_ready=True)).verdict.decision != 1:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)
    for _ in range(200):
        await stub.Verify(request)


def _require_accept(decision: int) -> None:
    if decision != 1:
        raise AssertionError(f"a bench bundle was not accepted: decision {decision}")
