"""A process that writes until it is killed: `python crash_writer.py URL ORIGIN append|hold [COUNT]`.

append: extends the log by two entries, one of them a status change, with a subtree and a report per transaction, and
prints the size after each commit; ends after COUNT transactions. hold: prints `open` in the middle of a transaction
whose rows are written but not committed, and waits to be killed.
"""

from __future__ import annotations

import asyncio
import sys

from node.model.issuing import ReportRow
from node.model.log import LogMoved, SubtreeRoot
from node.storage.bulk import insert_rows
from node.storage.database import Database
from node.storage.log_store import LogStore
from tests.storage.samples import sample_entry, sample_head, sample_report, sample_status


async def append(database: Database, origin: str, count: int) -> None:
    store = LogStore(database)
    done = 0
    while done < count:
        head = await store.head(origin)
        size = 0 if head is None else head.size
        entries = [
            sample_entry(size, origin),
            sample_status(size + 1, sample_entry(size, origin).digest, origin=origin),
        ]
        reports: list[ReportRow] = [sample_report(size, bundle=b"b" * 16384)] if origin == "huxin/140000" else []
        try:
            await store.append(size, sample_head(size + 2, origin), entries, [SubtreeRoot(8, size, b"h" * 32)], reports)
        except LogMoved:
            continue
        done += 1
        print(size + 2, flush=True)  # noqa: T201 - what the parent reads


async def hold(database: Database, origin: str) -> None:
    async with database.write() as connection:
        rows = [(origin, 0, 8, b"h" * 32)]
        await insert_rows(connection, "log_subtrees", ("origin", "idx", "level", "hash"), rows)
        print("open", flush=True)  # noqa: T201 - what the parent reads
        await asyncio.Event().wait()


async def main(url: str, origin: str, act: str, count: int) -> None:
    database = await Database.open(url)
    await (append(database, origin, count) if act == "append" else hold(database, origin))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1_000_000))
