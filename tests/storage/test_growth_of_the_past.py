"""What the memory of the past costs: nothing of it may be dropped (ADR 0026), so each row is to stay small.

`HUXIN_PAST_MINUTES=525600` measures a year; what it prints (`pytest -s`) stands in ADR 0026.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Table, insert, text

from node.model.witnesses import OURSELVES, SIGHTING_EVERY
from node.storage.database import Database
from node.storage.schema import log_notes, log_sightings, to_instant
from tests.ledger.world import NOW, ORIGIN, PeerLog
from tests.support.trust import key
from trust.log.checkpoint import cosign, own_cosigner

_log = structlog.get_logger(__name__)

MINUTES = int(os.environ.get("HUXIN_PAST_MINUTES", "10080"))
AT_ONCE = 10_000
A_YEAR = 525_600
MOST_OF_SIGHTINGS, MOST_OF_NOTES = 65e6, 400e6
"""Bytes in a year in each minute of which a log grows. There is no more than a sighting of ours and a note a minute."""


async def bytes_of(database: Database) -> int:
    """What the database takes, its indexes included."""
    async with database.read() as connection:
        if database.dialect == "sqlite":
            pages = await connection.scalar(text("PRAGMA page_count"))
            return int(pages or 0) * int(await connection.scalar(text("PRAGMA page_size")) or 0)
        tables = ("log_sightings", "log_notes")
        sizes = [await connection.scalar(text(f"SELECT pg_total_relation_size('{each}')")) for each in tables]
        return sum(int(size or 0) for size in sizes)


async def cost(database: Database, table: Table, rows: list[dict[str, Any]]) -> float:
    """Bytes that these rows take, as they come: in the order of time."""
    before = await bytes_of(database)
    for start in range(0, len(rows), AT_ONCE):
        async with database.write() as connection:
            await connection.execute(insert(table), rows[start : start + AT_ONCE])
    return await bytes_of(database) - before


async def test_a_year_in_each_minute_of_which_a_log_grows(database: Database) -> None:
    log = PeerLog(size=3)
    moments = [(minute + 1_000_000, NOW + minute * SIGHTING_EVERY) for minute in range(MINUTES)]
    sightings = [
        {"origin": ORIGIN, "witness": OURSELVES, "size": size, "seen_at": to_instant(at)} for size, at in moments
    ]
    # As long as any: the issuer's signature, its own cosignature, ours.
    note = cosign(log.note(3), own_cosigner("huxin/520000"), key("another cosigner"), NOW).replace(
        "\n3\n", "\n1000003\n"
    )
    notes = [
        {"origin": ORIGIN, "cosigned_at": to_instant(at + timedelta(seconds=1)), "size": size, "note": note}
        for size, at in moments
    ]
    year = A_YEAR / MINUTES
    found = [year * await cost(database, log_sightings, sightings), year * await cost(database, log_notes, notes)]
    told = {name: f"{each / 1e6:.0f} MB" for name, each in zip(("sightings", "notes"), found, strict=True)}
    _log.info("a_year_of_the_past", database=database.dialect, minutes=MINUTES, **told)
    assert 10e6 < found[0] < MOST_OF_SIGHTINGS
    assert 100e6 < found[1] < MOST_OF_NOTES
