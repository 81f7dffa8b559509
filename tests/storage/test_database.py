"""Database on both engines: opening, migrating, transactions, and what errors tell."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import stat
import traceback
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text, update

from node.errors import BadConfiguration, NotReady
from node.storage import database as database_module
from node.storage.database import Database
from node.storage.engines import create_engines
from node.storage.errors import StorageFault, StorageUnavailable
from node.storage.schema import counters, metadata, registrations
from node.storage.upgrade import expected_revision, present_revision
from tests.support.postgres import PostgresServer

_SECRET = "91140000SYNTHETIC1"  # noqa: S105 - the identifier that must not show, synthetic


def _open_files() -> set[str]:
    return {entry.name for entry in os.scandir("/proc/self/fd")}


async def _probe(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(select(counters.c.value).where(counters.c.name == "probe")) or 0)


async def _revision(database: Database) -> str:
    async with database.read() as connection:
        return await connection.run_sync(present_revision)


async def test_an_empty_database_is_migrated_to_the_tables_of_the_schema(empty_database_url: str) -> None:
    database = await Database.open(empty_database_url)
    assert await _revision(database) == ""
    await database.migrate()
    assert await _revision(database) == expected_revision()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.check_writable()
    await database.close()


async def test_migrating_again_and_at_once_keeps_what_is_there(empty_database_url: str) -> None:
    replicas = [await Database.open(empty_database_url) for _ in range(3)]
    await asyncio.gather(*(replica.migrate() for replica in replicas))
    await replicas[0].check_writable()
    await replicas[1].migrate()
    assert await _probe(replicas[2]) == 1
    for replica in replicas:
        await replica.close()


async def test_a_newer_schema_is_refused_and_left_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotReady, match="schema 9999, this program knows up to 0003") as refusal:
        await database.migrate()
    assert refusal.value.reason == "SCHEMA_TOO_NEW"


async def test_a_block_that_raises_commits_nothing(database: Database) -> None:
    async def change_and_fail() -> None:
        async with database.write() as connection:
            await connection.execute(update(counters).values(value=7))
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert await _probe(database) == 0
    await database.check_writable()
    assert await _probe(database) == 1


async def test_a_cancelled_writer_leaves_no_lock_and_no_half(database: Database) -> None:
    inside = asyncio.Event()

    async def hold() -> None:
        async with database.write() as connection:
            await connection.execute(update(counters).values(value=7))
            inside.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await inside.wait()
    waiter = asyncio.create_task(database.check_writable())
    await asyncio.sleep(0)
    waiter.cancel()
    holder.cancel()
    await asyncio.gather(holder, waiter, return_exceptions=True)
    await database.check_writable()
    assert await _probe(database) == 1


async def test_a_commit_that_is_cancelled_is_whole_or_nothing(database: Database) -> None:
    with warnings.catch_warnings():
        # A connection whose caller was cancelled in the middle of a statement is dropped by SQLAlchemy and closed when
        # it is collected; Python 3.13 warns of that.
        warnings.simplefilter("ignore", ResourceWarning)
        await _cancel_again_and_again(database)
        gc.collect()


async def _cancel_again_and_again(database: Database) -> None:
    committed = 0
    for turns in range(1, 40):
        task = asyncio.create_task(database.check_writable())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        now = await _probe(database)
        assert now - committed in (0, 1)
        committed = now
    await database.check_writable()
    assert await _probe(database) == committed + 1


async def test_identifiers_show_neither_in_errors_nor_in_logs(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    database = await Database.open(database_url)
    row = {"id_type": "uscc", "id": _SECRET, "name": _SECRET, "kind": "x", "division": "140000", "excluded": ""}

    async def twice() -> None:
        async with database.write() as connection:
            await connection.execute(insert(registrations), [row])
            await connection.execute(insert(registrations), [row])

    async def wrong_type() -> None:
        async with database.write() as connection:
            await connection.execute(insert(registrations).values({**row, "registered_on": _SECRET}))

    async def raw() -> None:
        await database.fetch(f"SELECT '{_SECRET}' FROM nothing", ())  # noqa: S608 - a sample

    for act in (twice, wrong_type, raw):
        with pytest.raises(StorageFault) as fault:
            await act()
        assert _SECRET not in "".join(traceback.format_exception(fault.value))
    async with database.write() as connection:
        await connection.execute(insert(registrations), [row])
    async with database.read() as connection:
        found = await connection.scalar(select(registrations.c.name).where(registrations.c.id == _SECRET))
    assert found == _SECRET
    await database.close()
    assert _SECRET not in caplog.text


async def test_raw_rows_are_tuples_of_what_is_committed(database: Database) -> None:
    mark = "?" if database.dialect == "sqlite" else "$1"
    query = f"SELECT name, value + 1 FROM counters WHERE name = {mark}"  # noqa: S608 - one of two marks
    (before,) = await database.fetch(query, ("probe",))
    await database.check_writable()
    (after,) = await database.fetch(query, ("probe",))
    assert (tuple(before), tuple(after)) == (("probe", before[1]), ("probe", before[1] + 1))
    assert await database.fetch(query, ("no such counter",)) == []
    assert database.statistics().readers_in_use == 0


async def test_statistics_are_plain_numbers(database: Database) -> None:
    async with database.write(), database.read():
        busy = database.statistics()
    assert (busy.writers_in_use, busy.readers_in_use) == (1, 1)
    assert (database.statistics().writers_in_use, database.statistics().readers_in_use) == (0, 0)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "nonsense", "sqlite:////nowhere/at/all/node.db"]
)
async def test_an_unusable_url_is_named(url: str) -> None:
    with pytest.raises(BadConfiguration, match=r"^database\.url: "):
        await Database.open(url)


async def test_a_missing_database_or_user_is_a_reason_to_wait(postgres: PostgresServer) -> None:
    for url in (postgres.url("no_such_database"), postgres.url("postgres").replace("postgres@", "nobody_known@")):
        with pytest.raises(StorageUnavailable) as refusal:
            await Database.open(url)
        assert refusal.value.code in {"3D000", "28000"}


async def test_a_server_that_stops_is_a_reason_to_wait_until_it_is_back(postgres: PostgresServer) -> None:
    name = await asyncio.to_thread(postgres.create)
    database = await Database.open(postgres.url(name))
    await database.migrate()
    await asyncio.to_thread(postgres.restart)
    outcomes = [await _try(database) for _ in range(20)]
    assert outcomes[-1] == ""
    assert set(outcomes) == {"", "STORAGE_UNAVAILABLE"}
    await database.close()


async def _try(database: Database) -> str:
    try:
        await database.check_writable()
        await _probe(database)
    except NotReady as error:
        return error.reason
    return ""


def test_libpq_s_spelling_of_tls_is_understood() -> None:
    engines = create_engines("postgresql://huxin@db.example/huxin?sslmode=verify-full", 4, 1.0)
    assert dict(engines.writer.url.query) == {"ssl": "verify-full"}


async def test_an_unreachable_server_is_a_reason_to_wait(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await Database.open(f"postgresql://nobody@/nothing?host={tmp_path}")


class TestSqlite:
    """What only an SQLite file needs."""

    async def test_a_file_that_is_no_database_is_a_fault_and_leaves_nothing_open(self, tmp_path: Path) -> None:
        (tmp_path / "node.db").write_bytes(b"not a database " * 1000)
        before = _open_files()
        with pytest.raises(StorageFault, match="SQLITE_NOTADB"):
            await Database.open(f"sqlite:///{tmp_path}/node.db")
        assert _open_files() == before

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/node.db"

    async def test_only_its_owner_may_read_the_file(self, url: str, tmp_path: Path) -> None:
        database = await Database.open(url)
        await database.migrate()
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
        await database.close()
        assert set(modes) == {"node.db", "node.db-wal", "node.db-shm", "node.db.lock"}
        assert set(modes.values()) == {0o600}

    async def test_every_connection_has_its_pragmas(self, url: str) -> None:
        database = await Database.open(url)
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
        async with database.write() as writer, database.read() as reader:
            for connection, query_only in ((writer, 0), (reader, 1)):
                for pragma, value in {**wanted, "query_only": query_only}.items():
                    assert await connection.scalar(text(f"PRAGMA {pragma}")) == value
        await database.close()

    async def test_readers_cannot_write(self, url: str) -> None:
        database = await Database.open(url)
        await database.migrate()
        with pytest.raises(StorageUnavailable, match="busy, full or out of reach") as refusal:
            async with database.read() as connection:
                await connection.execute(update(counters).values(value=7))
        assert refusal.value.code == "SQLITE_READONLY"
        await database.close()

    async def test_the_writer_copies_a_long_log_into_the_file(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 64 * 1024)
        database = await Database.open(url)
        await database.migrate()
        for _ in range(40):
            await database.check_writable()
            assert database.statistics().wal_bytes < 128 * 1024
        assert database.statistics().checkpoints_missed == 0
        await database.close()

    async def test_a_reader_in_the_way_postpones_the_copy_and_loses_nothing(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database_module, "CHECKPOINT_BYTES", 64 * 1024)
        database = await Database.open(url)
        await database.migrate()
        async with database.read() as reader:
            await reader.exec_driver_sql("BEGIN")
            await reader.exec_driver_sql("SELECT * FROM counters")
            for _ in range(40):
                await database.check_writable()
            assert database.statistics().checkpoints_missed > 0
            await reader.exec_driver_sql("ROLLBACK")
        assert await _probe(database) == 40
        await database.close()

    async def test_who_waits_too_long_for_another_process_is_told(self, url: str) -> None:
        database, other = await Database.open(url), await Database.open(url, patience=0.05)
        await database.migrate()
        async with database.write():
            with pytest.raises(StorageUnavailable) as refusal:
                await other.check_writable()
            assert refusal.value.code == "WRITE_GATE_TIMEOUT"
        await other.check_writable()
        await other.close()
        await database.close()

    async def test_a_full_disk_is_a_reason_to_wait_and_harms_nothing(self, url: str) -> None:
        database = await Database.open(url)
        await database.migrate()
        row = {"id_type": "uscc", "id": _SECRET, "kind": "x", "division": "140000", "excluded": ""}
        # SQLite's own limit on the size of the file brings the same error as a full disk.
        async with database.write() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count=1")
        with pytest.raises(StorageUnavailable) as refusal:
            async with database.write() as connection:
                await connection.execute(insert(registrations), [{**row, "name": "x" * 1_000_000}])
        assert refusal.value.code == "SQLITE_FULL"
        async with database.write() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count=1073741823")
            await connection.execute(insert(registrations), [{**row, "name": "short"}])
        await database.close()
