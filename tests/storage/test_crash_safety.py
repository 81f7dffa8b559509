"""Processes that are killed, and processes that write at once, on both engines.

Whatever a killed process had answered is there; nothing is there by half; nobody is locked out afterwards.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from sqlalchemy import text

from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.report_store import ReportStore
from tests.storage.samples import ORIGIN, sample_entry, sample_head

_ROOT = Path(__file__).parents[2]


async def _start(url: str, origin: str, act: str, *count: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.storage.crash_writer",
        *(url, origin, act, *count),
        stdout=PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


async def _kill(process: Process) -> list[bytes]:
    """The lines that it still managed to write before it died."""
    assert process.stdout is not None
    process.kill()
    lines = (await process.stdout.read()).split()
    await process.wait()
    return lines


async def _check_whole(database: Database, origin: str, answered: int) -> int:
    """Size of the log, after checking that it holds whole transactions only and at least what was answered."""
    store = LogStore(database)
    head = await store.head(origin)
    size = 0 if head is None else head.size
    assert head is None or head == sample_head(size, origin)
    assert size >= answered
    assert size % 2 == 0
    entries = [sample_entry(index, origin).entry for index in range(size)]
    assert await store.entries(origin, 0, size + 10) == entries
    named = [sample_entry(index, origin) for index in range(0, size, 2)]
    firsts = [(origin, each.digest, each.report_number) for each in named]
    assert [len(view.statuses) for view in (await store.find_by_digests(firsts)).values()] == [1] * (size // 2)
    async with database.read() as connection:
        count = text("SELECT count(*) FROM log_subtrees WHERE origin = :origin")
        assert await connection.scalar(count, {"origin": origin}) == size // 2
    return size


async def _check_file(database: Database) -> None:
    if database.dialect == "sqlite":
        async with database.read() as connection:
            assert await connection.scalar(text("PRAGMA integrity_check")) == "ok"


async def test_a_writer_killed_again_and_again_leaves_whole_transactions(database: Database, database_url: str) -> None:
    answered = 0
    for commits in (1, 2, 5, 11):
        process = await _start(database_url, ORIGIN, "append")
        assert process.stdout is not None
        for _ in range(commits):
            answered = int(await process.stdout.readline())
        # A last line without its end is a number that nobody could have read.
        answered = max([answered, *(int(line) for line in (await _kill(process))[:-1])])
        answered = await _check_whole(database, ORIGIN, answered)
    reports = ReportStore(database)
    for index in range(0, answered, 2):
        assert await reports.get(sample_entry(index).report_number) is not None
    await _check_file(database)


async def test_a_process_killed_in_the_middle_of_a_transaction_leaves_nothing_and_blocks_nobody(
    database: Database, database_url: str
) -> None:
    process = await _start(database_url, ORIGIN, "hold")
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    await _kill(process)
    await LogStore(database).append(0, sample_head(1), [sample_entry(0)], ())
    assert await LogStore(database).subtree_roots(ORIGIN, 8, 0, 10) == []
    await _check_file(database)


async def test_two_processes_and_this_one_write_at_once(database: Database, database_url: str) -> None:
    """`huxin ingest` beside a running node, and two replicas racing for one log."""
    processes = [
        await _start(database_url, ORIGIN, "append", "40"),
        await _start(database_url, ORIGIN, "append", "40"),
        await _start(database_url, "huxin/520000", "append", "40"),
    ]
    for _ in range(40):
        await database.check_writable()
    sizes = []
    for process in processes:
        output, _ = await process.communicate()
        assert process.returncode == 0
        sizes += [int(line) for line in output.split()] if process is not processes[2] else []
    # No size was told to two of them: the database decided each race.
    assert sorted(sizes) == list(range(2, 162, 2))
    assert await _check_whole(database, ORIGIN, 160) == 160
    assert await _check_whole(database, "huxin/520000", 80) == 80
    await _check_file(database)
