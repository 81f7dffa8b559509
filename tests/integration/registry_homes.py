"""Two homes that share a trust registry, their commands as processes that can be killed, and what must hold after."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from node.app import trusting
from node.app.jurisdictions import load_jurisdictions
from node.app.registering import registry_in, registry_record
from node.app.storing import open_database, prepare_database
from node.model.calendar import day_in_china
from node.model.registry import RegistryRecord
from node.registry.archive import pack
from node.registry.keeping import TrustRegistry
from node.storage.registry_store import RegistryStore
from tests.cli.running import huxin
from tests.support import nodes
from tests.support.federation import federate
from tests.support.nodes import TestJurisdiction
from tests.support.nursery import Nursery
from tests.support.registry import Offered
from trust.vocabulary import JurisdictionBundle

_GENERATION = "SELECT generation FROM registry_state"


def now() -> datetime:
    """Processes live by the system's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Held:
    """What a home holds of the registry: the record, in one order, and every file of the newest release."""

    record: RegistryRecord
    files: Mapping[str, bytes]

    @staticmethod
    def of(record: RegistryRecord, files: Mapping[str, bytes]) -> Held:
        facts = sorted(record.facts, key=lambda fact: (fact.division, fact.kind, fact.name, fact.digest))
        standings = sorted(record.standings, key=lambda each: each.division)
        return Held(replace(record, facts=tuple(facts), standings=tuple(standings)), dict(files))


class _Memory:
    """A store in which nothing can be half done, to say what a change comes to."""

    def __init__(self, held: Held) -> None:
        self._record, self._files = held.record, dict(held.files)

    async def load(self) -> RegistryRecord:
        return self._record

    async def files(self) -> dict[str, bytes]:
        return self._files

    async def file(self, name: str) -> bytes | None:
        return self._files.get(name)

    async def commit(self, expected: int | None, record: RegistryRecord, files: Mapping[str, bytes]) -> bool:
        assert expected == self._record.generation
        self._record, self._files = record, dict(files)
        return True

    def held(self) -> Held:
        return Held.of(self._record, self._files)


async def left_by(one: TestJurisdiction) -> Held:
    """What is in its database, which opens, once no process uses it."""
    await _alone(one.settings.database.url)
    return await held_by(one)


async def held_by(one: TestJurisdiction) -> Held:
    """What is in its database, which opens: of one release, also while its node takes over the next."""
    async with open_database(one.settings) as database:
        store = RegistryStore(database)
        while True:
            record, files, then = await store.load(), await store.files(), await store.load()
            assert record is not None
            if record == then:
                return Held.of(record, files)


async def following(before: Held, files: Mapping[str, bytes]) -> Held:
    """What whoever holds `before` holds once these files were offered and verified; fails when they do not."""
    memory = _Memory(before)
    await TrustRegistry(memory, _anything, now).refresh(Offered(files))
    return memory.held()


def _anything(_earlier: JurisdictionBundle, _later: JurisdictionBundle) -> None:
    """Continuity is not what is tested here."""


async def _alone(url: str) -> None:
    """Waits until PostgreSQL has noticed who died: a commit that it was told before still comes about."""
    if not url.startswith("postgresql"):
        return
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(others):  # noqa: ASYNC110 - what is awaited is another process's end
                await asyncio.sleep(0.005)
    finally:
        await connection.close()


def environment(one: TestJurisdiction, temporary: Path) -> dict[str, str]:
    """Of its processes. Registry loops as fast as they go."""
    settings = one.settings
    return {
        "HUXIN_DATABASE__URL": settings.database.url,
        "HUXIN_RPC__LISTEN": str(settings.rpc.listen),
        "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
        "HUXIN_REGISTRY__REFRESH_SECONDS": "0.05",
        "HUXIN_REGISTRY__RELEASE_SECONDS": "0.05",
        "TMPDIR": str(temporary),
    }


async def found_pair(folder: Path, databases: tuple[str, str] = ("", "")) -> tuple[TestJurisdiction, TestJurisdiction]:
    """Shanxi, which issues and coordinates, and Guizhou, which recognises it; they share a registry alone."""
    begun = now().replace(microsecond=0) - timedelta(minutes=5)
    found = []
    for division, url in zip(("140000", "520000"), databases, strict=True):
        one = nodes.found(folder, division, begun, extra={"HUXIN_DATABASE__URL": url} if url else {})
        await prepare_database(one.settings)
        await nodes.register(one)
        catalogue = load_jurisdictions(one.settings).edition_at(now()).catalogue
        await nodes.deliver(one, catalogue, day_in_china(now()))
        found.append(one)
    shanxi, guizhou = found
    await federate(found, begun)
    trusting.recognise(
        guizhou.settings,
        shanxi.division,
        trusting.RecognitionChoices(caveats=trusting.DEFAULT_CAVEATS),
        begun,
        await registry_record(guizhou.settings),
    )
    return shanxi, guizhou


def changed(one: TestJurisdiction, number: int) -> None:
    """It has something new to publish: another contact, signed into the next version of its bundle."""
    trusting.amend_own_bundle(one.settings, now(), lambda bundle: replace(bundle, contacts=(f"值班 {number}",)))


def says(held: Held, one: TestJurisdiction) -> bool:
    """Whether the registry, as held, says of a jurisdiction what it says of itself."""
    own = trusting.trusted_state(one.settings).own.envelope
    current = [fact for fact in held.record.facts if fact.known_until is None and fact.kind == "bundle"]
    return own in [fact.content for fact in current if fact.division == one.division]


@dataclass
class Processes:
    """Commands of homes as processes, started from a nursery."""

    nursery: Nursery
    folder: Path

    @property
    def temporary(self) -> Path:
        """Where their temporary files are."""
        return self.folder / "tmp"

    def left_over(self) -> list[str]:
        """Whatever lies there: folders in which a refresh worked, or a published catalogue was read."""
        return [each.name for each in self.temporary.iterdir()]

    async def working(self, pid: int) -> None:
        """Waits until a process that was just started has made the folder of its refresh, or has ended."""
        await self._folder(pid, there=True)

    async def verified(self, pid: int) -> None:
        """Waits until it has removed that folder again, or has ended."""
        await self._folder(pid, there=True)
        await self._folder(pid, there=False)

    async def _folder(self, pid: int, *, there: bool) -> None:
        async with asyncio.timeout(60):
            # It is there for some ten milliseconds.
            while bool(self.left_over()) is not there and not _ended(pid):  # noqa: ASYNC110 - another process's act
                await asyncio.sleep(0.0003)

    async def committed(self, one: TestJurisdiction, generation: int, pid: int) -> None:
        """Waits until others can see a later generation than this one, or the process has ended."""
        url = one.settings.database.url
        if url.startswith("postgresql"):
            connection = await asyncpg.connect(url.replace("+asyncpg", ""))
            try:
                while not _ended(pid) and await connection.fetchval(_GENERATION) == generation:  # noqa: ASYNC110
                    await asyncio.sleep(0)
            finally:
                connection.terminate()
            return
        with closing(sqlite3.connect(f"file:{one.layout.home / 'huxin.db'}?mode=ro", uri=True)) as database:
            while not _ended(pid) and database.execute(_GENERATION).fetchone() == (generation,):  # noqa: ASYNC110
                await asyncio.sleep(0.0003)

    async def start(self, one: TestJurisdiction, *arguments: str | Path) -> int:
        """`huxin --home ... trust ARGUMENTS`, at once."""
        words = ["--home", str(one.layout.home), "trust", *map(str, arguments)]
        return await self.nursery.command(words, environment(one, self.temporary), self.folder / "commands.log")

    async def serve(self, one: TestJurisdiction) -> int:
        """`huxin serve`, at once."""
        log = self.folder / f"{one.division}.log"
        return await self.nursery.bear(one.layout.settings, environment(one, self.temporary), log)

    async def status(self, one: TestJurisdiction) -> Any:
        """What `huxin trust status` says; it works, and finds nothing wrong."""
        variables: dict[str, str | None] = {**environment(one, self.temporary)}
        del variables["TMPDIR"]
        result = await asyncio.to_thread(huxin, "trust", "status", "--json", home=one.layout.home, environ=variables)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def _ended(pid: int) -> bool:
    """Whether a process that nobody has waited for yet runs no more."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


async def archive_of(one: TestJurisdiction) -> bytes:
    """The registry as it has it."""
    async with open_database(one.settings) as database:
        return pack(await registry_in(database, now).files())
