"""Three provinces that share a registry, Shanxi's log with two histories, and what it takes to recover from that."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from node.app import ceremonies, registry_commands, succeeding
from node.app.ceremony_files import new_key, public_path
from node.app.registering import registry_in
from node.app.storing import open_database
from tests.integration.provinces import Provinces, provinces
from tests.integration.test_split_views import (
    GUIZHOU,
    LANZHOU,
    ORIGIN,
    SECONDS,
    SETTINGS,
    SHANXI,
    evidence,
    forked,
    halted,
    peer,
    verdict_of,
)
from tests.support import nodes
from tests.support.federation import federate
from tests.support.http import get
from tests.support.nodes import TestJurisdiction
from tests.support.registry import Offered
from tests.support.trust import key
from trust.algorithms import Suite
from trust.keys import Signer
from trust.log.checkpoint import cosign, own_cosigner, sign_head, with_lines_of
from trust.log.succession import Succession

NEXT = f"{ORIGIN}/2"
REGISTRY = {"HUXIN_REGISTRY__REFRESH_SECONDS": "0.2", "HUXIN_REGISTRY__RELEASE_SECONDS": "0.5"}


@dataclass
class Federation:
    """Three provinces that share a registry, and the folder of its ceremonies. Guizhou coordinates."""

    world: Provinces
    folder: Path

    @property
    def shanxi(self) -> TestJurisdiction:
        return self.world.shanxi

    @property
    def guizhou(self) -> TestJurisdiction:
        return self.world.guizhou

    @property
    def lanzhou(self) -> TestJurisdiction:
        return self.world.all[LANZHOU]

    async def closed(self, entries: int, *key_files: Path) -> Path:
        """What Shanxi asks the holders to sign off."""
        log_key, cosigner_key = key_files or (None, None)
        made = await succeeding.close(self.shanxi.settings, entries, log_key, cosigner_key, self.world.clock.now())
        path = self.folder / f"{made.origin.replace('/', '-')}.json"
        path.write_bytes(made.entry)
        return path

    async def signed_off(self, file: Path, *holders: str) -> None:
        """The holders sign, and the coordinator takes over what they signed."""
        targets = self.signed(file, *holders)
        accepted = [(targets.name, targets.read_bytes())]
        await registry_commands.accept(self.guizhou.settings, self.world.clock.now, accepted)

    def signed(self, file: Path, *holders: str) -> Path:
        """The next targets with the succession in them, and the holders' signatures."""
        now = self.world.clock.now()
        targets = ceremonies.succeed(self.folder, file, 365, now).path
        for name in holders:
            ceremonies.sign_file(targets, key(name), None, now)
        return targets

    async def told_shanxi(self) -> None:
        """Shanxi's home knows the registry as the coordinator released it."""
        async with open_database(self.guizhou.settings) as database:
            files = await registry_in(database, self.world.clock.now).files()
        async with open_database(self.shanxi.settings) as database:
            await registry_in(database, self.world.clock.now).refresh(Offered(files))

    async def founded(self) -> succeeding.Founded:
        """Shanxi, which stands still, takes over the registry, founds its successor, and runs again."""
        await self.told_shanxi()
        made = await succeeding.found(self.shanxi.settings, self.world.clock.now())
        await self.shanxi.start(self.world.clock)
        return made


@asynccontextmanager
async def federation(home: Path) -> AsyncIterator[Federation]:
    async with provinces(home, SHANXI, GUIZHOU, LANZHOU, extra=SETTINGS | REGISTRY) as world:
        members = [world.guizhou, world.shanxi, world.all[LANZHOU]]
        for one in members:
            await one.stop()
        root = await federate(members)
        folder = home / "ceremony"
        folder.mkdir()
        (folder / "1.root.json").write_bytes(root)
        async with open_database(world.guizhou.settings) as database:
            files = await registry_in(database, world.clock.now).files()
        (folder / "1.targets.json").write_bytes(files["1.targets.json"])
        for one in members:
            await one.start(world.clock)
        yield Federation(world, folder)


async def split(all_: Federation, home: Path) -> tuple[bytes, bytes, bytes]:
    """Both followers have found the split. Reports: common, Guizhou's alone, Lanzhou's alone. Shanxi stands still."""
    reports = await forked(all_.world, home)
    await all_.guizhou.start(all_.world.clock)
    await nodes.eventually(evidence(all_.guizhou, all_.lanzhou), SECONDS)
    await nodes.eventually(halted(all_.guizhou, all_.lanzhou), SECONDS)
    await all_.shanxi.stop()
    return reports


def follows(one: TestJurisdiction, size: int, origin: str = NEXT) -> Callable[[], bool]:
    """Whether a node holds so much of a log."""

    def reached() -> bool:
        assert one.node is not None
        head = one.node.board.newest(origin)
        return head is not None and head.size >= size and head.fresh_at is not None

    return reached


HEAD = f"SELECT size, closed_size FROM log_heads WHERE origin = '{ORIGIN}'"  # noqa: S608 - own names
ENTRIES = f"SELECT idx FROM log_entries WHERE origin = '{ORIGIN}'"  # noqa: S608 - own names
NOTE = f"SELECT checkpoint FROM log_heads WHERE origin = '{ORIGIN}'"  # noqa: S608 - own names
DISCARDED = "SELECT idx FROM log_discarded"


def rows(one: TestJurisdiction, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{one.layout.home / 'huxin.db'}?mode=ro", uri=True)) as database:
        return list(database.execute(query))


def recovered(one: TestJurisdiction) -> Callable[[], Awaitable[bool]]:
    """Whether Shanxi's log is followed again, without any trouble."""

    async def connected() -> bool:
        told = await peer(one)
        return (told.state, told.last_error, told.HasField("split_at")) == ("connected", "", False)

    return connected


async def unready(one: TestJurisdiction) -> dict[str, str]:
    """What /readyz says to operators, by each check that does not hold."""
    assert one.node is not None
    answer = json.loads((await get(one.node.operations_port, "/readyz")).body)
    return {check["name"]: check["sentence"] for check in answer["checks"] if not check["ok"]}


def made_key(path: Path) -> Path:
    """The public half of a new key file."""
    new_key(path, Suite.ED25519, None)
    return public_path(path)


async def download_again(one: TestJurisdiction) -> list[bytes]:
    """Every report that it has issued and still knows of, with a proof of this moment."""
    numbers = rows(one, "SELECT report_number FROM reports ORDER BY issued_at")
    return [await nodes.download(one, str(number)) for (number,) in numbers]


def reason_at(
    one: TestJurisdiction, world: Provinces, bundle: bytes, step: int, reason: str
) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return (await verdict_of(one, world, bundle)).steps[step].reason == reason

    return found


def witnesses(one: TestJurisdiction, origin: str, size: int) -> Callable[[], Awaitable[bool]]:
    """Whether another follower is known to have cosigned so much of a log."""

    async def known() -> bool:
        assert one.node is not None
        return any(held >= size for held in one.node.standings.witnessing(origin).sizes.values())

    return known


def succession(like: Succession, note: str) -> Succession:
    """The same with another last head; of the note the log's own lines alone."""
    own = own_cosigner(like.predecessor)
    return replace(like, head=with_lines_of(note, {own}))


def forged(like: Succession, thief: Signer) -> str:
    """The last head, signed by somebody else."""
    text = sign_head(like.predecessor, like.size, like.root, thief)
    return cosign(text, own_cosigner(like.predecessor), thief, like.decided_at)
