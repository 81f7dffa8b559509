"""Nodes that live as processes of their own, clients that ask them until they die, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import sys
import uuid
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

import grpc
import grpc.aio
from huxin.v1 import (
    admin_service_pb2,
    report_service_pb2,
    report_service_pb2_grpc,
    verdict_pb2,
    verification_service_pb2,
)
from sqlalchemy import text

from node.app import trusting
from node.app.storing import open_database, prepare_database
from node.model.log import LogHead
from node.model.subject import IdType, SubjectRef
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.report_store import ReportStore
from tests.support import nodes
from tests.support.nodes import TestJurisdiction
from tests.support.nursery import Nursery
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import open_checkpoint
from trust.log.tree import leaf_hash, root_of

_ROOT = Path(__file__).parents[2]
_CLIENTS = 6
_REPEATED = 0.2
"""Share of requests that repeat an earlier request id."""
GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
"""What a caller hears when the node dies."""


class Keeper(Protocol):
    """Starts and kills the processes of nodes."""

    async def bear(self, one: TestJurisdiction) -> int: ...
    async def kill(self, pid: int) -> None: ...


@dataclass
class Forked:
    """Processes forked from a nursery."""

    nursery: Nursery
    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    async def bear(self, one: TestJurisdiction) -> int:
        environment = {**_environment(one), **self.extra}
        return await self.nursery.bear(one.layout.settings, environment, self.folder / f"{one.division}.log")

    async def kill(self, pid: int) -> None:
        await self.nursery.kill(pid)


@dataclass
class Commands:
    """Processes of `python -m node serve`, as operators start them."""

    running: dict[int, Process] = field(default_factory=dict)

    async def bear(self, one: TestJurisdiction) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "node", "--home", str(one.layout.home), "serve"),
            stdout=DEVNULL,
            cwd=_ROOT,
            env={**os.environ, **_environment(one)},
        )
        self.running[process.pid] = process
        return process.pid

    async def kill(self, pid: int) -> None:
        process = self.running.pop(pid)
        process.kill()
        assert await process.wait() == -signal.SIGKILL


@asynccontextmanager
async def forked(folder: Path, extra: Mapping[str, str] = {}) -> AsyncIterator[Keeper]:
    """Processes forked from one that has imported the node already; each node's log is `<division>.log`.

    `extra` are further environment settings of all of them.
    """
    nursery = await Nursery.open()
    try:
        yield Forked(nursery, folder, extra)
    finally:
        await nursery.close()


@asynccontextmanager
async def commanded() -> AsyncIterator[Keeper]:
    """Processes of the real command."""
    keeper = Commands()
    try:
        yield keeper
    finally:
        for pid in list(keeper.running):
            await keeper.kill(pid)


def _environment(one: TestJurisdiction) -> dict[str, str]:
    settings = one.settings
    return {
        "HUXIN_DATABASE__URL": settings.database.url,
        "HUXIN_RPC__LISTEN": str(settings.rpc.listen),
        "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
        "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.02",
        "HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": "0.05",
        "HUXIN_FEDERATION__BATCH_ENTRIES": "20",
    }


class NodeIsGone(Exception):
    """The node died before it answered."""


@dataclass
class Orders:
    """What clients asked, and what they were answered: number and log index per request id."""

    issuer: TestJurisdiction
    seed: InitVar[int]
    unanswered: set[str] = field(default_factory=set)
    answered: dict[str, tuple[str, int]] = field(default_factory=dict)
    under_way: int = 0
    rng: random.Random = field(init=False)
    """Decides when processes die and who asks what."""

    def __post_init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - no secret

    async def ask(self, reports: report_service_pb2_grpc.ReportServiceStub, request_id: str) -> None:
        """Asks for a report of one row, or now and then of all; one request id always asks the same."""
        order = report_service_pb2.CreateReportRequest(
            request_id=request_id,
            subject=nodes.claim(self.issuer.subject),
            scenario="tender",
            local_codes=[] if request_id.startswith("0") else ["6"],
        )
        self.unanswered.add(request_id)
        self.under_way += 1
        try:
            response = await reports.CreateReport(order, timeout=30)
        except grpc.aio.AioRpcError as error:
            if error.code() not in GONE:
                raise
            raise NodeIsGone from None
        finally:
            self.under_way -= 1
        answer = (response.report.report_number, response.report.log_index)
        assert self.answered.setdefault(request_id, answer) == answer
        self.unanswered.discard(request_id)

    async def keep_asking(self, reports: report_service_pb2_grpc.ReportServiceStub) -> None:
        """One client until its node is gone. Some of what it asks was asked before, answered or not."""
        while True:
            earlier = [*self.unanswered, *itertools.islice(self.answered, 20)]
            if earlier and self.rng.random() < _REPEATED:
                request_id = self.rng.choice(earlier)
            else:
                request_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
            try:
                await self.ask(reports, request_id)
            except NodeIsGone:
                return

    async def repeat(self) -> None:
        """Asks again whatever was never answered, and some of what was: fails unless those answers are the same."""
        reports = self.issuer.reports()
        waiting = [*self.unanswered, *self.rng.sample(list(self.answered), min(200, len(self.answered)))]
        for group in (waiting[at : at + 64] for at in range(0, len(waiting), 64)):
            await asyncio.gather(*(self.ask(reports, request_id) for request_id in group))


async def serves(one: TestJurisdiction) -> None:
    """Waits until its port is open."""
    address = one.settings.rpc.listen
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(address.host, address.port)
                writer.close()
                return
            await asyncio.sleep(0.005)


class Watched:
    """What a node's log tells of its connections to peers."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def contacts(self) -> int:
        """How often it began to receive a peer's log, over all its lives."""
        return self._log.read_bytes().count(b'"state": "connected"') if self._log.exists() else 0

    async def contact_after(self, contacts: int) -> None:
        """Waits for one more."""
        await nodes.until(lambda: self.contacts() > contacts, 20)


async def die_young(keeper: Keeper, orders: Orders) -> None:
    """One life of the issuer that SIGKILL ends while it starts."""
    pid = await keeper.bear(orders.issuer)
    await asyncio.sleep(orders.rng.uniform(0, 0.1))
    await keeper.kill(pid)


async def live(keeper: Keeper, orders: Orders, followed: Awaitable[None] | None = None) -> int:
    """One life of the issuer, ended by SIGKILL. Returns how many reports were under way at that moment.

    `followed` is awaited first, where the kill is to hit replication as well.
    """
    issuer, rng = orders.issuer, orders.rng
    pid = await keeper.bear(issuer)
    await serves(issuer)
    reports = issuer.reports()
    async with asyncio.TaskGroup() as clients:
        for _ in range(_CLIENTS):
            clients.create_task(orders.keep_asking(reports))
        if followed is not None:
            await followed
        await asyncio.sleep(rng.uniform(0.02, 0.2))
        under_way = orders.under_way
        await keeper.kill(pid)
    await issuer.stop()
    return under_way


async def pair(folder: Path, databases: Sequence[str] = ("", "")) -> list[TestJurisdiction]:
    """Shanxi, which issues, and Guizhou, which follows and recognises it: founded and with these databases."""
    now = datetime.now(UTC)
    extra = [{"HUXIN_DATABASE__URL": url} if url else {} for url in databases]
    issuer = nodes.found(folder, "140000", now, extra=extra[0])
    follower = nodes.found(folder, "520000", now, extra=extra[1])
    nodes.introduce([issuer, follower])
    nodes.recognise(follower, "140000", now)
    for one in (issuer, follower):
        await prepare_database(one.settings)
    await nodes.register(issuer)
    return [issuer, follower]


async def check_whole(orders: Orders, follower: TestJurisdiction) -> None:
    """Everything that must hold however often and whenever processes died. Both nodes run."""
    issuer = orders.issuer
    await asyncio.gather(serves(issuer), serves(follower))
    answered = dict(orders.answered)
    await orders.repeat()
    assert orders.answered.items() >= answered.items()
    head = await _check_log(orders)
    await nodes.eventually(lambda: _replicated(follower, issuer.division, head.size), 30)
    await check_replica(issuer, follower, head)
    await _check_verdicts(orders, follower)
    await issuer.stop()
    await follower.stop()


async def _check_log(orders: Orders) -> LogHead:
    """The issuer's log: numbered from 0 without a gap, no digest twice, exactly one report per request id."""
    trusted = _trusted(orders.issuer)
    async with open_database(orders.issuer.settings) as database:
        head = await LogStore(database).head(trusted.origin)
        rows = await stored_rows(database, trusted.origin)
        subject = SubjectRef(IdType.USCC, orders.issuer.subject)
        reports, _ = await ReportStore(database).list_for_subject(subject, len(rows) + 1, "")
    assert head is not None
    assert [row.idx for row in rows] == list(range(head.size))
    assert len({row.digest for row in rows}) == head.size
    assert all(row.digest == sha256(row.entry).digest() for row in rows)
    leaves = [leaf_hash(row.entry) for row in rows]
    assert [row.leaf_hash for row in rows] == leaves
    signed = open_checkpoint(head.checkpoint, trusted.head_key, trusted.origin, trusted.cosigners)
    assert (signed.size, signed.root) == (head.size, root_of(leaves)) == (head.size, head.root)
    places = {row.report_number: row.idx for row in rows}
    assert len(orders.answered) == len(set(orders.answered.values()))
    assert dict(orders.answered.values()) == places
    assert {report.report_number: report.log_index for report in reports} == places
    assert all(report.attestation_digest == rows[report.log_index].digest for report in reports)
    return head


async def check_replica(issuer: TestJurisdiction, follower: TestJurisdiction, head: LogHead) -> None:
    """The follower's view of the issuer's log is that log, entry by entry, hash by hash."""
    async with open_database(issuer.settings) as own, open_database(follower.settings) as view:
        assert await stored_rows(view, head.origin) == await stored_rows(own, head.origin)
        replicated = await LogStore(view).head(head.origin)
        roots = [await LogStore(each).subtree_roots(head.origin, 8, 0, head.size) for each in (own, view)]
    assert replicated is not None
    assert (replicated.size, replicated.root) == (head.size, head.root)
    assert len(roots[0]) == head.size >> 8
    assert roots[0] == roots[1]


def _trusted(issuer: TestJurisdiction) -> TrustedIssuer:
    bundle = trusting.trusted_state(issuer.settings).own.bundle
    return TrustedIssuer.of(bundle, bundle.issued_at)


async def _check_verdicts(orders: Orders, follower: TestJurisdiction) -> None:
    """Every report is genuine and in force where it is relied on."""
    numbers = sorted(number for number, _ in orders.answered.values())
    reports, verification = orders.issuer.reports(), follower.verification()
    subject = nodes.claim(orders.issuer.subject)
    for group in (numbers[at : at + 200] for at in range(0, len(numbers), 200)):
        bundles = await asyncio.gather(*(_download(reports, number) for number in group))
        answer = await verification.BatchVerify(
            verification_service_pb2.BatchVerifyRequest(
                items=[verification_service_pb2.BatchItem(bundle=bundle, subject=subject) for bundle in bundles]
            )
        )
        assert [verdict.report.report_number for verdict in answer.verdicts] == group
        assert {verdict.authenticity for verdict in answer.verdicts} == {verdict_pb2.AUTHENTICITY_GENUINE}
        assert {verdict.standing for verdict in answer.verdicts} == {verdict_pb2.STANDING_IN_FORCE}


async def _download(reports: report_service_pb2_grpc.ReportServiceStub, number: str) -> bytes:
    call = reports.DownloadReport(report_service_pb2.DownloadReportRequest(report_number=number))
    return b"".join([part.chunk async for part in call])


async def _replicated(follower: TestJurisdiction, division: str, size: int) -> bool:
    answer = await follower.admin().ListPeers(admin_service_pb2.ListPeersRequest())
    return any(peer.division == division and peer.replicated == size for peer in answer.peers)


class StoredEntry(NamedTuple):
    """A row of the table of log entries."""

    idx: int
    report_number: str
    digest: bytes
    leaf_hash: bytes
    entry: bytes


async def stored_rows(database: Database, origin: str) -> list[StoredEntry]:
    """Everything that is stored of a log's entries."""
    query = text(
        "SELECT idx, report_number, digest, leaf_hash, entry FROM log_entries WHERE origin = :origin ORDER BY idx"
    )
    async with database.read() as connection:
        return [StoredEntry(*row) for row in await connection.execute(query, {"origin": origin})]
