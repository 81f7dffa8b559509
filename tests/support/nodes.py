"""Real nodes for tests: founded, trusted and served as operators do it, with real mTLS on loopback.

Only the clock is handed in, so that an example of a certain day stays that day.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from huxin.v1 import (
    admin_service_pb2_grpc,
    report_service_pb2,
    report_service_pb2_grpc,
    subject_pb2,
    verification_service_pb2_grpc,
)

from node.app import founding, trusting
from node.app.running import Node
from node.app.storing import open_database, prepare_database
from node.clock import Clock
from node.config.settings import Settings
from node.model.catalogue import Catalogue, Caveat
from node.model.delivery import Delivery, DeliveryHeader, RecordRow
from node.model.identifiers import uscc_check
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.registry.directory import HeldCertificate
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from tests.support.clock import SettableClock
from trust.algorithms import Suite

NAMES = {
    "140000": ("山西省", "Shanxi"),
    "520000": ("贵州省", "Guizhou"),
    "620100": ("兰州市", "Lanzhou"),
    "210000": ("辽宁省", "Liaoning"),
}
THE_DAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""Ten in the morning in China on the day of the worked examples."""

SUBJECTS = {
    "140000": "91140000MA0TE5T16Q",
    "520000": "91520000MA0TE5T16B",
    "620100": "91620100MA0TE5T167",
    "210000": "91210000MA0TE5T163",
}
"""Synthetic codes of `docs`' test values: no real subject is meant."""


def synthetic_code(division: str, number: int) -> str:
    """A unified social credit code that no real subject bears: the organisation part says TEST."""
    body = f"91{division}MA0TE{number:04}"
    return body + uscc_check(body)


@dataclass(slots=True)
class TestJurisdiction:
    """A founded jurisdiction. `settings` are complete once its ports are chosen."""

    __test__ = False

    division: str
    layout: founding.Layout
    settings: Settings
    node: Node | None = None
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    @property
    def subject(self) -> str:
        return SUBJECTS[self.division]

    def channel(self, workload: str = "gateway") -> grpc.aio.Channel:
        """A client channel with the certificate of one of this jurisdiction's workloads, wherever its node runs."""
        pair = self.layout.pair(workload).read()
        roots = self.layout.certificate("ca").read_bytes()
        credentials = grpc.ssl_channel_credentials(roots, pair.key, pair.certificate)
        channel = grpc.aio.secure_channel(
            f"127.0.0.1:{self.settings.rpc.listen.port}",
            credentials,
            options=[
                ("grpc.ssl_target_name_override", f"node.{self.division}.huxin"),
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 500),
            ],
        )
        self.channels.append(channel)
        return channel

    def reports(self) -> report_service_pb2_grpc.ReportServiceStub:
        return report_service_pb2_grpc.ReportServiceStub(self.channel())

    def verification(self) -> verification_service_pb2_grpc.VerificationServiceStub:
        return verification_service_pb2_grpc.VerificationServiceStub(self.channel())

    def admin(self) -> admin_service_pb2_grpc.AdminServiceStub:
        return admin_service_pb2_grpc.AdminServiceStub(self.channel("operator"))

    async def start(self, clock: Clock) -> None:
        self.node = Node(self.settings, clock, os.urandom)
        await self.node.start()

    async def stop(self) -> None:
        for channel in self.channels:
            await channel.close()
        self.channels.clear()
        if self.node is not None:
            await self.node.stop()
            self.node = None


def _numbers() -> Iterator[int]:
    """Every port below those that systems hand out to outgoing calls, again and again; no other worker's."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(10_000 + worker, 32_000, workers)
    # Each process begins elsewhere: it may be one of several that look for ports.
    start = os.getpid() * 101 % len(ports)
    return itertools.chain(ports[start:], itertools.cycle(ports))


_ports = _numbers()


def free_port() -> int:
    """A port that nothing listens on at the moment, different for each caller of this process."""
    import socket  # noqa: PLC0415 - only here

    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no port is free")


AMPLE = {"HUXIN_LIMITS__BURST_SECONDS": "3600"}
"""What a caller has used up comes again with time, and most clocks of tests stand still: an hour's worth is there."""


def found(
    home: Path,
    division: str,
    now: datetime = THE_DAY,
    *,
    suite: Suite = Suite.ED25519,
    extra: Mapping[str, str] = {},
) -> TestJurisdiction:
    """Founds a jurisdiction below `home`, with settings for loopback. `extra` are further environment settings."""
    port = free_port()
    name_zh, name_en = NAMES[division]
    layout = founding.Layout(home / division)
    founding.found(
        layout,
        founding.Founding(division, name_zh, name_en, (f"127.0.0.1:{port}",), (), suite, 20 * 365, 20 * 365),
        now,
        os.urandom,
        None,
    )
    layout.settings.write_text(f'division = "{division}"\n', encoding="utf-8")
    environment = {
        "HUXIN_RPC__LISTEN": f"127.0.0.1:{port}",
        "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
        "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.1",
        "HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": "0.5",
        "HUXIN_RPC__GRACE_SECONDS": "0.2",
        # Who tests what gossip finds sets it; for all others nobody asks while the test runs.
        "HUXIN_FEDERATION__GOSSIP_SECONDS": "3600",
        **AMPLE,
        **extra,
    }
    return TestJurisdiction(division, layout, Settings.load(layout.settings, environment))


class NoRegistry:
    """The records of a node that has joined no trust registry."""

    async def generation(self) -> None: ...
    async def load(self) -> None: ...


def introduce(jurisdictions: Iterable[TestJurisdiction]) -> None:
    """Each imports every other's bundle, with the signing key compared as administrators would."""
    everyone = list(jurisdictions)
    for one in everyone:
        text = (one.layout.trust / "bundles" / f"{one.division}.json").read_text(encoding="utf-8")
        key = trusting.trusted_state(one.settings).own.signers[0]
        for other in everyone:
            if other is not one:
                trusting.import_bundle(other.settings, text, key)


def recognise(
    one: TestJurisdiction,
    issuer: str,
    now: datetime = THE_DAY,
    *,
    caveats: Sequence[Caveat] = trusting.DEFAULT_CAVEATS,
) -> HeldCertificate:
    """`one` recognises `issuer` in everything, with these caveats accepted."""
    return trusting.recognise(one.settings, issuer, trusting.RecognitionChoices(caveats=tuple(caveats)), now)


async def register(one: TestJurisdiction, *subjects: str) -> None:
    """Registers synthetic enterprises."""
    registrations = [
        Registration(
            SubjectRef(IdType.USCC, code), f"测试企业（合成数据）{code[-4:]}", SubjectKind.ENTERPRISE, one.division
        )
        for code in subjects or (one.subject,)
    ]
    async with open_database(one.settings) as database:
        await RegistrationStore(database).upsert(registrations)


async def deliver(
    one: TestJurisdiction,
    catalogue: Catalogue,
    as_of: date,
    rows: Sequence[RecordRow] = (),
    overrides: Mapping[str, date] = {},
    late_units: Mapping[str, date] = {},
) -> None:
    """Every unit of every row delivers completely up to `as_of`.

    Or up to what `overrides` says for a row's code, or `late_units` for a unit.
    """
    by_unit: dict[tuple[str, date], list[str]] = {}
    for row in catalogue.rows.values():
        for unit in row.units or ("省信用平台（合成）",):
            day = late_units.get(unit, overrides.get(row.local_code, as_of))
            by_unit.setdefault((unit, day), []).append(row.local_code)
    async with open_database(one.settings) as database:
        store = RecordStore(database)
        for place, ((unit, day), codes) in enumerate(by_unit.items()):
            header = DeliveryHeader(unit, tuple(codes), day, complete=True)
            await store.apply_delivery(Delivery(header, THE_DAY, os.urandom(32)), rows if place == 0 else ())


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Message]:
    """The `google.rpc` details of an error, by the name of their message."""
    metadata = error.trailing_metadata()
    assert metadata is not None
    status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    found: dict[str, Message] = {}
    for detail in status.details:
        kind = detail.TypeName().rsplit(".", 1)[1]
        found[kind] = getattr(error_details_pb2, kind)()
        assert detail.Unpack(found[kind])
    return found


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The stable reason of an error."""
    info = details_of(error)["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert info.domain == "huxin"
    reason: str = info.reason
    return reason


def claim(code: str) -> subject_pb2.SubjectClaim:
    """An organisation by its unified social credit code."""
    return subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=code)


async def create_report(
    one: TestJurisdiction, subject: str = "", scenario: str = "tender", codes: Sequence[str] = ()
) -> str:
    """Issues a report through the door and returns its number."""
    response = await one.reports().CreateReport(
        report_service_pb2.CreateReportRequest(
            request_id=str(uuid.uuid4()),
            subject=claim(subject or one.subject),
            scenario=scenario,
            local_codes=codes,
        )
    )
    number: str = response.report.report_number
    return number


async def download(one: TestJurisdiction, number: str, codes: Sequence[str] = ()) -> bytes:
    """The bundle of a report, through the door."""
    call = one.reports().DownloadReport(
        report_service_pb2.DownloadReportRequest(report_number=number, disclosed_codes=codes)
    )
    return b"".join([part.chunk async for part in call])


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until a condition holds, looking often. Fails the test after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in another process or task of the product
            await asyncio.sleep(0.01)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """The same for a condition that has to be asked for, such as through a door."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.05)


async def caught_up(follower: TestJurisdiction, peer: TestJurisdiction, size: int) -> None:
    """Waits until `follower` holds `size` entries of `peer`'s log, with a fresh head."""

    def reached() -> bool:
        node = follower.node
        assert node is not None
        head = node.board.newest(f"huxin/{peer.division}")
        return head is not None and head.size >= size and head.fresh_at is not None

    await until(reached)


@asynccontextmanager
async def running(
    jurisdictions: Sequence[TestJurisdiction], clock: Clock | None = None
) -> AsyncIterator[Sequence[TestJurisdiction]]:
    """Serves the jurisdictions while the context is open."""
    shared = clock or SettableClock(THE_DAY)
    async with AsyncExitStack() as exits:
        for one in jurisdictions:
            await prepare_database(one.settings)
            exits.push_async_callback(one.stop)
            await one.start(shared)
        yield jurisdictions
