"""Four jurisdictions that know each other by the trust registry alone, and a mirror that lies to one of them.

Liaoning coordinates, Shanxi issues, Guizhou decides, Lanzhou is dishonest. They are founded once for a module; each
test gets a copy of their homes. Everything said of subjects is synthetic.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import grpc.aio
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import verdict_pb2

from node.app import founding, trusting
from node.app.jurisdictions import load_jurisdictions
from node.app.registering import online_of, publisher_of, registry_in, registry_record, to_publish
from node.app.storing import open_database, prepare_database
from node.config.settings import Settings
from node.registry.publishing import Publication, next_publication
from node.registry.release import Changes, Online, next_release
from tests.integration.provinces import DELIVERED, OF_SHANXI, ROWS, verify
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.federation import federate
from tests.support.http import get
from tests.support.nodes import THE_DAY, TestJurisdiction
from tests.support.registry import Offered

COORDINATOR, ISSUER, RELYING, LIAR = "210000", "140000", "520000", "620100"
DIVISIONS = (COORDINATOR, ISSUER, RELYING, LIAR)
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
BEGAN = THE_DAY + MINUTE
LIMIT = 3 * DAY
"""`freshness.trust_state_seconds` here: less than the life of a timestamp, five days."""
PUBLICATION_LIFE = 90 * DAY
SETTINGS = {
    "HUXIN_REGISTRY__REFRESH_SECONDS": "0.05",
    "HUXIN_REGISTRY__RELEASE_SECONDS": "0.2",
    "HUXIN_FRESHNESS__TRUST_STATE_SECONDS": str(LIMIT.total_seconds()),
    "HUXIN_FRESHNESS__LOG_VIEW_SECONDS": str((60 * DAY).total_seconds()),
    "HUXIN_FEDERATION__COSIGN_SECONDS": "1",
    "HUXIN_FEDERATION__GOSSIP_SECONDS": "3600",
    "HUXIN_KEYS__ROTATION_SECONDS": "60",
}
CHOICES = trusting.RecognitionChoices(max_log_view_age_seconds=60 * 86_400)

Files = Mapping[str, bytes]
Answer = Callable[[str], AsyncIterator[bytes] | None]
"""What a mirror streams under a name; None when it has no such file."""


@dataclass(frozen=True)
class Template:
    """Homes as they were when Guizhou held a report of Shanxi's that it accepts."""

    home: Path
    ports: Mapping[str, int]
    bundle: bytes

    def members(self, home: Path, extra: Mapping[str, str] = {}) -> dict[str, TestJurisdiction]:
        """A copy of the homes."""
        shutil.copytree(self.home, home)
        found = {}
        for division in DIVISIONS:
            layout = founding.Layout(home / division)
            environment = {
                "HUXIN_RPC__LISTEN": f"127.0.0.1:{self.ports[division]}",
                "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
                "HUXIN_FEDERATION__BACKOFF_MIN_SECONDS": "0.1",
                "HUXIN_FEDERATION__BACKOFF_MAX_SECONDS": "0.5",
                "HUXIN_RPC__GRACE_SECONDS": "0.2",
                **nodes.AMPLE,
                **SETTINGS,
                **extra,
            }
            found[division] = TestJurisdiction(division, layout, Settings.load(layout.settings, environment))
        return found


async def prepare(home: Path) -> Template:
    """Founds, federates, recognises, delivers, and issues one report. Nobody runs afterwards."""
    members = {division: nodes.found(home, division, extra=SETTINGS) for division in DIVISIONS}
    await federate(list(members.values()))
    shanxi, guizhou = members[ISSUER], members[RELYING]
    record = await registry_record(guizhou.settings)
    trusting.recognise(guizhou.settings, ISSUER, CHOICES, THE_DAY, record)
    await nodes.register(shanxi)
    catalogue = load_jurisdictions(shanxi.settings).edition_at(THE_DAY).catalogue
    await nodes.deliver(shanxi, catalogue, DELIVERED)
    async with nodes.running([shanxi, guizhou], SettableClock(BEGAN)):
        number = await nodes.create_report(shanxi, codes=ROWS[ISSUER])
        bundle = await nodes.download(shanxi, number)
        await nodes.caught_up(guizhou, shanxi, 1)
    ports = {division: one.settings.rpc.listen.port for division, one in members.items()}
    return Template(home, ports, bundle)


@dataclass
class Mirror(grpc.GenericRpcHandler):
    """Lanzhou's door, with Lanzhou's certificate: serves whatever it was told to. Counts bytes sent and calls."""

    answer: Answer = lambda _name: None
    asked: list[str] = field(default_factory=list)
    sent: int = 0

    def serve(self, files: Files) -> None:
        """From now on these files."""
        self.answer = _parts_of(files)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method != "/huxin.v1.FederationService/FetchTrust":
            return None
        return grpc.unary_stream_rpc_method_handler(self._fetch)

    async def _fetch(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        name = pb.FetchTrustRequest.FromString(request).name
        self.asked.append(name)
        parts = self.answer(name)
        if parts is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "")
            return
        async for part in parts:
            await context.write(pb.FetchTrustResponse(chunk=part).SerializeToString())
            self.sent += len(part)


def _parts_of(files: Files) -> Answer:
    async def parts(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, max(len(content), 1), 65_536):
            yield content[start : start + 65_536]

    return lambda name: parts(files[name]) if name in files else None


@dataclass
class World:
    """The homes, the common clock, Lanzhou's mirror, and the coordinator's keys in whoever's hand.

    `held`: what Guizhou holds; `before`: the release before that, which it held once.
    """

    members: Mapping[str, TestJurisdiction]
    clock: SettableClock
    mirror: Mirror
    bundle: bytes
    held: Files
    before: Files

    @property
    def guizhou(self) -> TestJurisdiction:
        return self.members[RELYING]

    @property
    def shanxi(self) -> TestJurisdiction:
        return self.members[ISSUER]

    @property
    def online(self) -> Online:
        """The coordinator's signers."""
        found = online_of(self.members[COORDINATOR].settings)
        assert found is not None
        return found

    def release(self, changes: Changes, at: datetime | None = None, timestamp_life: timedelta = 5 * DAY) -> Files:
        """The honest next release on top of what Guizhou holds."""
        return next_release(
            self.held, changes, replace(self.online, timestamp_life=timestamp_life), at or self.clock.now()
        )

    def publication(self, of: TestJurisdiction, content: Files | None = None) -> Publication:
        """What a jurisdiction publishes now, signed with its registry key."""
        signer = publisher_of(of.settings)
        assert signer is not None
        content = content or to_publish(of.settings, trusting.trusted_state(of.settings))
        made = next_publication(self.held, of.division, content, signer, self.clock.now(), PUBLICATION_LIFE)
        assert made is not None
        return made

    async def give(self, files: Files) -> None:
        """The mirror is honest for a moment: Guizhou takes this over and decides by it."""
        self.mirror.serve(files)
        await nodes.eventually(lambda: self._holds(files))
        # What is committed is decided by a moment later; when the refresh after that has ended, it is.
        await self.counted("OK")
        self.before, self.held = self.held, await self.files()

    async def _holds(self, files: Files) -> bool:
        return (await self.files()).get("timestamp.json") == files["timestamp.json"]

    async def files(self) -> dict[str, bytes]:
        """What Guizhou holds of the registry and would serve on."""
        return await self.files_of(self.guizhou)

    async def files_of(self, one: TestJurisdiction) -> dict[str, bytes]:
        """The same of anybody."""
        async with open_database(one.settings) as database:
            return await registry_in(database, self.clock.now).files()

    def rows(self) -> list[tuple[object, ...]]:
        """Guizhou's registry as its database has it, byte for byte."""
        database = sqlite3.connect(f"file:{self.guizhou.layout.home / 'huxin.db'}?mode=ro", uri=True)
        try:
            tables = ("registry_state", "registry_files", "registry_facts", "registry_standings")
            return [row for table in tables for row in sorted(database.execute(f"SELECT * FROM {table}"), key=repr)]  # noqa: S608
        finally:
            database.close()

    async def refreshes(self, peer: str = LIAR) -> dict[str, float]:
        """Guizhou's attempts to refresh from a peer, by result, as its metrics tell."""
        assert self.guizhou.node is not None
        page = (await get(self.guizhou.node.operations_port, "/metrics")).body.decode()
        head = f'huxin_registry_refreshes_total{{peer="{peer}",result="'
        lines = [line.removeprefix(head) for line in page.splitlines() if line.startswith(head)]
        return {line.partition('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    async def counted(self, result: str, more: int = 2, peer: str = LIAR) -> None:
        """Waits until so many more refreshes from a peer have ended so."""
        begun = (await self.refreshes(peer)).get(result, 0)

        async def enough() -> bool:
            return (await self.refreshes(peer)).get(result, 0) >= begun + more

        await nodes.eventually(enough, 20)

    async def ask(self, bundle: bytes | None = None) -> verdict_pb2.Verdict:
        """Guizhou's verdict on a report of Shanxi's, through the door."""
        return await verify(self.guizhou, bundle or self.bundle, self.shanxi.subject, OF_SHANXI)


@asynccontextmanager
async def world_of(
    template: Template, home: Path, serving: Sequence[str] = (RELYING,), extra: Mapping[str, str] = {}
) -> AsyncIterator[World]:
    """A copy of the homes in which these nodes run; Lanzhou's mirror runs, and nobody serves for the others."""
    members = template.members(home, extra)
    async with AsyncExitStack() as exits:
        mirror = Mirror()
        if LIAR not in serving:
            await exits.enter_async_context(_standing(mirror, members, LIAR))
        clock = SettableClock(BEGAN)
        for one in members.values():
            await prepare_database(one.settings)
        await exits.enter_async_context(nodes.running([members[division] for division in serving], clock))
        world = World(members, clock, mirror, template.bundle, {}, {})
        world.held = world.before = await world.files()
        mirror.serve(world.held)
        yield world


@asynccontextmanager
async def mirroring(
    world: World, division: str, files: Files, pair: tuple[bytes, bytes] | None = None
) -> AsyncIterator[Mirror]:
    """In place of that jurisdiction's node a mirror serves these files. `pair`: another key and certificate, PEM."""
    mirror = Mirror()
    mirror.serve(files)
    async with _standing(mirror, world.members, division, pair):
        yield mirror


@asynccontextmanager
async def _standing(
    mirror: Mirror, members: Mapping[str, TestJurisdiction], division: str, pair: tuple[bytes, bytes] | None = None
) -> AsyncIterator[None]:
    own = members[division].layout.pair("node").read()
    roots = b"".join(one.layout.certificate("ca").read_bytes() for one in members.values())
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((mirror,))
    server.add_secure_port(
        str(members[division].settings.rpc.listen),
        grpc.ssl_server_credentials([pair or (own.key, own.certificate)], roots, require_client_auth=True),
    )
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


async def learned(one: TestJurisdiction, clock: SettableClock, files: Files) -> None:
    """A home takes over a release, as by an archive, while its node may run."""
    async with open_database(one.settings) as database:
        await registry_in(database, clock.now).refresh(Offered(files))


def first_key(one: TestJurisdiction) -> str:
    """Id of the key that signed its bundle first."""
    return trusting.trusted_state(one.settings).own.signers[0]
