"""The trust registry at rest, on both databases: one transaction takes in all, and the first of two writers counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from node.model.registry import RegistryFact, RegistryRecord, RegistryStanding
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.registry_store import KEPT_GENERATIONS, RegistryStore
from node.storage.schema import registry_facts, registry_files
from tests.support.databases import Statements

T = datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
ANCHOR = RegistryRecord(0, 1, 0, "140000", None, {"root": T + DAY}, (), ())


def fact(name: str = "", **changes: object) -> RegistryFact:
    made = RegistryFact(
        "140000", "catalogue", name, b"content", name.encode().ljust(32, b"d"), T, T + DAY, T, known_until=None
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def record(generation: int, *facts: RegistryFact, **changes: object) -> RegistryRecord:
    made = RegistryRecord(
        generation=generation,
        root_version=3,
        snapshot_version=generation + 10,
        coordinator="140000",
        signed_at=T,
        ends={"root": T + DAY, "140000": T},
        facts=facts,
        standings=(RegistryStanding("140000", T, T + DAY, ""), RegistryStanding("520000", T, T + DAY, "它没有发布")),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_nothing_before_a_registry_was_joined(database: Database) -> None:
    store = RegistryStore(database)
    assert await store.load() is None
    assert await store.generation() is None
    assert await store.files() == {}
    assert await store.file("1.root.json") is None


async def test_what_is_committed_comes_back_exactly(database: Database) -> None:
    store = RegistryStore(database)
    assert await store.commit(None, ANCHOR, {"1.root.json": b"root"})
    assert await store.load() == ANCHOR
    following = record(1, fact("a"), fact("b", valid_until=None, known_until=T + DAY))
    files = {"1.root.json": b"root", "timestamp.json": b"t", "140000/x.bundle": b"\x00\xff" * 1_000}
    assert await store.commit(0, following, files)
    assert await store.load() == following
    assert await store.files() == files
    assert await store.file("140000/x.bundle") == b"\x00\xff" * 1_000
    assert await store.generation() == 1


async def test_the_longest_names_and_versions_fit(database: Database) -> None:
    store = RegistryStore(database)
    name = "140000/catalogue/" + "0" * 64 + "." + "x" * 64
    largest = record(1, fact("x" * 64), root_version=2**31 - 1, snapshot_version=2**31 - 1)
    await store.commit(None, ANCHOR, {})
    assert await store.commit(0, largest, {name: b"", f"{2**31 - 1}.140000.json": b"x"})
    assert await store.load() == largest
    assert await store.file(name) == b""


async def test_a_registry_is_joined_once(database: Database) -> None:
    store = RegistryStore(database)
    assert await store.commit(None, ANCHOR, {"1.root.json": b"root"})
    other = replace(ANCHOR, coordinator="520000")
    assert not await store.commit(None, other, {"1.root.json": b"another root"})
    assert await store.load() == ANCHOR
    assert await store.files() == {"1.root.json": b"root"}


async def test_of_two_writers_the_first_counts(database_url: str) -> None:
    """Replicas of one node, each with its own connections: the second learns that it must look again."""
    first, second = await Database.open(database_url), await Database.open(database_url)
    one, other = RegistryStore(first), RegistryStore(second)
    try:
        await one.commit(None, ANCHOR, {"1.root.json": b"root"})
        mine, theirs = record(1, fact("mine")), record(1, fact("theirs"))
        taken = await asyncio.gather(
            one.commit(0, mine, {"file": b"mine"}), other.commit(0, theirs, {"file": b"theirs"})
        )
        assert sorted(taken) == [False, True]
        winner, content = (mine, b"mine") if taken[0] else (theirs, b"theirs")
        assert await one.load() == winner == await other.load()
        assert await other.files() == {"file": content}
        assert not await one.commit(0, record(1), {}), "a late one"
    finally:
        await first.close()
        await second.close()


async def test_what_fails_halfway_changes_nothing(database: Database) -> None:
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {"1.root.json": b"root"})
    broken = record(1, fact("a"), standings=(RegistryStanding("140000", T, T, None),))  # type: ignore[arg-type]
    with pytest.raises(StorageFault):
        await store.commit(0, broken, {"1.root.json": b"root", "2.root.json": b"next"})
    assert await store.load() == ANCHOR
    assert await store.files() == {"1.root.json": b"root"}


async def test_superseded_files_are_served_for_a_while(database: Database) -> None:
    """Who began to fetch the release before can finish; what is long past does not stay for ever."""
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {"1.root.json": b"root"})
    await store.commit(0, record(1), {"1.root.json": b"root", "1.snapshot.json": b"old"})
    for generation in range(2, 2 + KEPT_GENERATIONS):
        await store.commit(generation - 1, record(generation), {"1.root.json": b"root", "timestamp.json": b"t"})
        assert await store.file("1.snapshot.json") == b"old"
        assert "1.snapshot.json" not in await store.files()
    last = 2 + KEPT_GENERATIONS
    await store.commit(last - 1, record(last), {"1.root.json": b"root", "timestamp.json": b"t"})
    assert await store.file("1.snapshot.json") is None
    assert await store.file("1.root.json") == b"root"


async def test_a_superseded_file_can_come_back(database: Database) -> None:
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {})
    await store.commit(0, record(1), {"file": b"one"})
    await store.commit(1, record(2), {})
    await store.commit(2, record(3), {"file": b"two"})
    assert await store.files() == {"file": b"two"}
    for generation in range(4, 4 + 2 * KEPT_GENERATIONS):
        await store.commit(generation - 1, record(generation), {"file": b"two"})
    assert await store.file("file") == b"two"


async def test_what_is_served_is_what_was_verified(database: Database) -> None:
    """Another content under a known name once stayed the old one, while the snapshot vouched for the new one."""
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {})
    await store.commit(0, record(1), {"7.140000.json": b"one", "timestamp.json": b"1"})
    await store.commit(1, record(2), {"7.140000.json": b"two", "timestamp.json": b"2"})
    assert await store.files() == {"7.140000.json": b"two", "timestamp.json": b"2"}


async def test_facts_are_kept_and_written_once(database: Database, count_statements: Statements) -> None:
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {})
    await store.commit(0, record(1, fact("a"), fact("b")), {})
    del count_statements[:]
    await store.commit(1, record(2, fact("a"), fact("b")), {})
    assert not [each for each, _ in count_statements if "INSERT INTO registry_facts" in each]
    ended = record(3, fact("a", known_until=T + DAY), fact("b"), fact("c"))
    await store.commit(2, ended, {})
    assert await store.load() == ended
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(registry_facts)) == 3
        assert await connection.scalar(select(func.count()).select_from(registry_files)) == 0


async def test_standings_are_those_of_the_last_commit(database: Database) -> None:
    store = RegistryStore(database)
    await store.commit(None, ANCHOR, {})
    await store.commit(0, record(1), {})
    await store.commit(1, record(2, standings=()), {})
    found = await store.load()
    assert found is not None
    assert found.standings == ()
