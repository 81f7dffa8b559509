"""Four provinces as processes that follow each other through bad networks, die, and go on; and what writers remember.

Each follower reaches each issuer through a proxy of its own: the endpoint stands in the bundle that this follower holds
of that issuer. Writers ask the nodes directly and note every answer. Everything said of subjects is synthetic.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import grpc
import grpc.aio
from huxin.v1 import admin_service_pb2, admin_service_pb2_grpc, report_service_pb2

from node.app import trusting
from node.app.jurisdictions import load_jurisdictions
from node.app.keyring import load_keyring
from node.app.storing import open_database, prepare_database
from node.model.log import LogHead, StatusFlag
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.integration.kills import GONE, Keeper, StoredEntry, forked, serves, stored_rows
from tests.support import nodes
from tests.support.chaos_proxy import CALM, ChaosProxy
from tests.support.nodes import TestJurisdiction
from trust import statements
from trust.envelope import seal, to_json
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import open_checkpoint
from trust.log.tree import leaf_hash, root_of
from trust.statements import peek_entry

DIVISIONS = ("140000", "520000", "620100", "210000")
ISSUERS = ("140000", "520000", "620100")
"""Liaoning's scheme is a draft: it follows and serves an empty log."""
SETTINGS = {
    "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.1",
    "HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": "1",
    "HUXIN_FEDERATION__COSIGN_SECONDS": "1",
    "HUXIN_FEDERATION__SILENCE_SECONDS": "4",
}
FLAGS = ("UNDER_OBJECTION", "CORRECTED", "NEWER_INFORMATION")
_UNSURE = GONE | {grpc.StatusCode.DEADLINE_EXCEEDED}
"""After these nobody knows whether the statement was logged."""
_CLIENTS = 3
_GROUP = 6
"""Statements that a client asks for at once, at most."""
_CHANGES = 0.3
_GIVEN_UP = 0.1
"""Share of status changes among the statements, and of requests that are not repeated when their node died."""


class Issued(NamedTuple):
    """An answer of CreateReport: what the issuer acknowledged."""

    number: str
    digest: bytes
    place: int


class Changed(NamedTuple):
    """An answer of ChangeStatus."""

    digest: bytes
    flag: str
    set: bool
    place: int


@dataclass
class Writer:
    """Asks one issuer for reports and status changes, and remembers whatever was acknowledged, by request id."""

    issuer: TestJurisdiction
    row: str
    rng: random.Random
    pause: float
    """Seconds between groups of one client."""
    reports: dict[str, Issued] = field(default_factory=dict)
    changes: dict[str, Changed] = field(default_factory=dict)
    given_up: Counter[str] = field(default_factory=Counter)
    """How many requests were never answered: each of them is in the log once, or not at all."""

    @property
    def acknowledged(self) -> int:
        return len(self.reports) + len(self.changes)

    async def write(self, ended: asyncio.Event) -> None:
        """Several clients, until told to end; what was begun is carried through."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(_CLIENTS):
                clients.create_task(self._client(ended))

    async def _client(self, ended: asyncio.Event) -> None:
        reports, admin = self.issuer.reports(), self.issuer.admin()
        while not ended.is_set():
            async with asyncio.TaskGroup() as group:
                for _ in range(self.rng.randint(1, _GROUP)):
                    if self.reports and self.rng.random() < _CHANGES:
                        group.create_task(self._change(admin.ChangeStatus))
                    else:
                        group.create_task(self._report(reports.CreateReport))
            await asyncio.sleep(self.rng.random() * 2 * self.pause)

    def _request_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    async def _report(self, create: grpc.aio.UnaryUnaryMultiCallable[object, object]) -> None:
        request = report_service_pb2.CreateReportRequest(
            request_id=self._request_id(),
            subject=nodes.claim(self.issuer.subject),
            scenario="tender",
            local_codes=[self.row],
        )
        response = await self._answer(create, request, "report")
        if isinstance(response, report_service_pb2.CreateReportResponse):
            report = response.report
            self.reports[request.request_id] = Issued(report.report_number, report.attestation_digest, report.log_index)

    async def _change(self, change: grpc.aio.UnaryUnaryMultiCallable[object, object]) -> None:
        # Not from a set or by hash: a seed must choose the same again.
        known = self.reports[self.rng.choice(list(self.reports))]
        flag, on = self.rng.choice(FLAGS), self.rng.random() < 0.7
        request = admin_service_pb2.ChangeStatusRequest(
            request_id=self._request_id(),
            report_number=known.number,
            flag=f"STATUS_FLAG_{flag}",
            set=on,
            reason_code="synthetic_reason",
        )
        response = await self._answer(change, request, "change")
        if isinstance(response, admin_service_pb2.ChangeStatusResponse):
            self.changes[request.request_id] = Changed(known.digest, flag, on, response.log_index)

    async def _answer(
        self, ask: grpc.aio.UnaryUnaryMultiCallable[object, object], request: object, kind: str
    ) -> object | None:
        """The answer, asked for again with the same request id as often as the node dies; None: given up."""
        while True:
            try:
                return await ask(request, timeout=20)
            except grpc.aio.AioRpcError as error:
                if error.code() not in _UNSURE:
                    raise
            if self.rng.random() < _GIVEN_UP:
                self.given_up[kind] += 1
                return None
            await asyncio.sleep(0.05 + 0.2 * self.rng.random())


@dataclass
class Life:
    """One process of a node, and its memory in bytes."""

    pid: int
    born: float
    settled: int = 0
    """Resident when it had served for a moment."""
    peak: int = 0

    def look(self, now: float) -> None:
        resident, peak = resident_bytes(self.pid)
        if now - self.born < _SETTLING:
            return
        self.settled = self.settled or resident
        self.peak = max(self.peak, peak)

    @property
    def growth(self) -> int:
        return self.peak - self.settled if self.settled else 0


_SETTLING = 3.0
"""Seconds until a process has opened everything and met its peers."""


def resident_bytes(pid: int) -> tuple[int, int]:
    """Resident memory of a process, and the most that it ever was. Zero when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    found = {key: value for key, _, value in (line.partition(":") for line in lines)}
    return _kibibytes(found.get("VmRSS", "0 kB")), _kibibytes(found.get("VmHWM", "0 kB"))


def _kibibytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) << 10


@dataclass
class Four:
    """The four, the proxies between them by (follower, issuer), and the lives of their processes."""

    members: Mapping[str, TestJurisdiction]
    links: Mapping[tuple[str, str], ChaosProxy]
    writers: Mapping[str, Writer]
    keeper: Keeper
    present: dict[str, Life] = field(default_factory=dict)
    past: list[Life] = field(default_factory=list)
    operators: dict[str, admin_service_pb2_grpc.AdminServiceStub] = field(default_factory=dict)
    apart: list[str] = field(default_factory=list)
    """Which views were not in step when last looked."""

    async def bear(self, division: str) -> None:
        pid = await self.keeper.bear(self.members[division])
        self.present[division] = Life(pid, asyncio.get_running_loop().time())

    async def kill(self, division: str) -> None:
        """SIGKILL."""
        life = self.present.pop(division)
        life.look(asyncio.get_running_loop().time())
        self.past.append(life)
        await self.keeper.kill(life.pid)

    async def watch_memory(self) -> None:
        """Until cancelled."""
        while True:
            for life in self.present.values():
                life.look(asyncio.get_running_loop().time())
            await asyncio.sleep(0.5)

    def calm(self) -> None:
        for proxy in self.links.values():
            proxy.change(CALM)

    def tally(self, count: Callable[[ChaosProxy], int]) -> int:
        return sum(map(count, self.links.values()))

    @property
    def lives(self) -> list[Life]:
        return [*self.past, *self.present.values()]

    async def in_step(self, sizes: Mapping[str, int]) -> bool:
        """Whether each one's view of each other's log ends where that log does, over an open stream."""
        self.apart.clear()
        for division, one in self.members.items():
            stub = self.operators.setdefault(division, one.admin())
            for peer in (await stub.ListPeers(admin_service_pb2.ListPeersRequest(), wait_for_ready=True)).peers:
                if peer.state != "connected" or peer.replicated != sizes[peer.division]:
                    self.apart.append(
                        f"{division} of {peer.division}: {peer.state} {peer.replicated} {peer.last_error}"
                    )
        return not self.apart


@asynccontextmanager
async def four(folder: Path, rng: random.Random, pause: float) -> AsyncIterator[Four]:
    """Founded, introduced through proxies, and born; nobody has written anything yet."""
    now = datetime.now(UTC)
    members = {division: nodes.found(folder, division, now) for division in DIVISIONS}
    async with AsyncExitStack() as exits:
        links = {}
        for follower, issuer in itertools.permutations(members, 2):
            proxy = ChaosProxy(members[issuer].settings.rpc.listen.port, random.Random(rng.random()))  # noqa: S311 - no secret
            exits.push_async_callback(proxy.close)
            introduce(members[follower], members[issuer], await proxy.listen())
            links[follower, issuer] = proxy
        writers = {}
        for division, one in members.items():
            await prepare_database(one.settings)
            await nodes.register(one)
            exits.push_async_callback(one.stop)
            if division in ISSUERS:
                row = min(load_jurisdictions(one.settings).edition_at(now).catalogue.rows)
                writers[division] = Writer(one, row, random.Random(rng.random()), pause)  # noqa: S311 - no secret
        keeper = await exits.enter_async_context(forked(folder, SETTINGS))
        found = Four(members, links, writers, keeper)
        for division in members:
            await found.bear(division)
        for one in members.values():
            await serves(one)
        yield found


def introduce(follower: TestJurisdiction, issuer: TestJurisdiction, port: int) -> None:
    """`follower` imports the issuer's bundle as the issuer would sign it with this endpoint."""
    signing = load_keyring(issuer.settings).signing
    own = trusting.trusted_state(issuer.settings).own
    bundle = replace(own.bundle, endpoints=(f"127.0.0.1:{port}",))
    signers = signing.present(own.trusted, bundle.issued_at)
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), signers)
    trusting.import_bundle(follower.settings, to_json(sealed), own.signers[0])


# What must hold afterwards


@dataclass(frozen=True)
class Kept:
    """What a node's database holds of a log."""

    head: LogHead
    rows: list[StoredEntry]


async def kept(database: Database, origin: str) -> Kept:
    head = await LogStore(database).head(origin)
    assert head is not None
    return Kept(head, await stored_rows(database, origin))


@asynccontextmanager
async def databases(world: Four) -> AsyncIterator[dict[str, Database]]:
    """Every node's database, beside it."""
    async with AsyncExitStack() as exits:
        yield {
            division: await exits.enter_async_context(open_database(one.settings))
            for division, one in world.members.items()
        }


def check_log(one: TestJurisdiction, own: Kept) -> None:
    """A log numbered without a gap, no entry twice, under the head that its keys signed."""
    rows, head = own.rows, own.head
    assert [row.idx for row in rows] == list(range(head.size))
    assert all(row.digest == sha256(row.entry).digest() for row in rows)
    leaves = [leaf_hash(row.entry) for row in rows]
    bundle = trusting.trusted_state(one.settings).own.bundle
    trusted = TrustedIssuer.of(bundle, bundle.issued_at)
    signed = open_checkpoint(head.checkpoint, trusted.head_key, trusted.origin, trusted.cosigners)
    assert (signed.size, signed.root) == (head.size, head.root) == (len(rows), root_of(leaves))
    assert len({row.digest for row in rows}) == len(rows)


def check_acknowledged(writer: Writer, rows: list[StoredEntry]) -> None:
    """What was acknowledged is there once, where it was said to be; what was not is there at most once."""
    numbers = Counter(row.report_number for row in rows if row.report_number)
    for issued in writer.reports.values():
        row = rows[issued.place]
        assert (row.report_number, row.digest, numbers[issued.number]) == (issued.number, issued.digest, 1)
    for changed in writer.changes.values():
        status = peek_entry(rows[changed.place].entry).status
        assert status is not None
        said = (status.attestation_digest, StatusFlag(status.flag.value).name, status.set)
        assert said == (changed.digest, changed.flag, changed.set)
    places = [each.place for each in writer.reports.values()] + [each.place for each in writer.changes.values()]
    assert len(places) == len(set(places)), "two requests were answered with one entry"
    unasked = Counter("report" if row.report_number else "change" for row in rows)
    unasked.subtract({"report": len(writer.reports), "change": len(writer.changes)})
    assert all(0 <= unasked[kind] <= writer.given_up[kind] for kind in ("report", "change")), unasked
