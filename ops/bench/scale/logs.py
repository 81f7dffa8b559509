"""Logs of any length in an SQLite file, made quickly: the rows are those that appends store, the commits are not.

Entries are assembled into the tree by `node.ledger.assembly` and turned into rows by `node.storage.log_rows`, as for
every append (`tests/ops/test_bench_scale.py` compares the tables). What differs is the way to the disk: one transaction
without journal and with a page cache that holds the indexes, so that the file is useless after a crash in the middle.
The indexes grow by insertion, as they do in service, and not by sorting: their pages are as full as a node's.

An entry is a real attestation with another report number and digest of its report: its signature does not verify,
which nobody checks when a log is replicated or proven. Numbers are of 30,000 reports a day.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from node.ledger.assembly import EntryDraft, assemble
from node.ledger.sequencer import LogKeys
from node.model.log import EntryKind, LogHead
from node.storage.bulk import insert_statement
from node.storage.database import Database
from node.storage.log_rows import ENTRY_COLUMNS, SUBTREE_COLUMNS, entry_rows, subtree_rows
from node.storage.log_store import LogStore
from tests.support import trust as world
from trust.envelope import seal
from trust.log import checkpoint
from trust.log.checkpoint import own_cosigner
from trust.log.tree import Frontier
from trust.statements import ATTESTATION, encode_attestation, encode_envelope

CHUNK = 10_000
REPORTS_A_DAY = 30_000
FIRST_DAY = date(2026, 1, 1)
_CACHE_KIB = 2_500_000
"""Enough for the indexes of ten million entries: without it each insertion would read and write a page of the disk."""


class SyntheticEntries:
    """Entry number i, the same each time this process asks for it."""

    def __init__(self) -> None:
        attestation = world.attestation_of(world.sections_of(113))
        envelope = encode_envelope(seal(ATTESTATION, encode_attestation(attestation), [world.key("bench signer")]))
        number, digest = world.NUMBER.encode(), attestation.report_digest
        if envelope.count(number) != 1 or envelope.count(digest) != 1:
            raise AssertionError("the attestation holds its number and its digest once each")
        places = sorted(((envelope.index(number), number), (envelope.index(digest), digest)))
        (first, one), (second, other) = places
        self._number_first = one == number
        self._parts = envelope[:first], envelope[first + len(one) : second], envelope[second + len(other) :]
        self.bytes_each = len(envelope)

    def draft(self, index: int) -> EntryDraft:
        """As the sequencer gets it."""
        noise = sha256(index.to_bytes(8, "big")).digest()
        day = FIRST_DAY + timedelta(days=index // REPORTS_A_DAY)
        number = f"140000{day:%Y%m%d}{noise.hex()[:17].upper()}"
        values = (number.encode(), noise) if self._number_first else (noise, number.encode())
        before, between, after = self._parts
        entry = b"".join((before, values[0], between, values[1], after))
        return EntryDraft(entry, sha256(entry).digest(), EntryKind.ATTESTATION, number)

    def drafts(self, start: int, stop: int) -> list[EntryDraft]:
        return [self.draft(index) for index in range(start, stop)]


def signed_head(keys: LogKeys, frontier: Frontier) -> LogHead:
    """The head over a tree, signed and cosigned now."""
    at = datetime.now(UTC)
    text = checkpoint.sign_head(keys.origin, frontier.size, frontier.root(), keys.head)
    text = checkpoint.cosign(text, keys.cosigner_name, keys.cosigner, at)
    return LogHead(keys.origin, frontier.size, frontier.root(), text, at)


async def make_log(file: Path, size: int, keys: LogKeys, progressed: Callable[[int], object]) -> None:
    """A migrated database with a log of `size` entries and nothing else. `progressed` gets entries done since then."""
    database = await Database.open(f"sqlite:///{file}")
    await database.migrate()
    await database.close()
    frontier = Frontier()
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN")
        for frontier, added in _fill(connection, size, keys.origin):  # noqa: B007 - the last one is the log's
            progressed(added)
        connection.execute("COMMIT")
    finally:
        connection.close()
    with file.open("rb") as written:
        os.fsync(written.fileno())  # else the first measured commit waits for gigabytes
    database = await Database.open(f"sqlite:///{file}")
    # The head goes in as any head does: an empty log that grew at once.
    async with database.write() as writing:
        head = signed_head(keys, frontier)
        await writing.exec_driver_sql(
            insert_statement("sqlite", "log_heads", ("origin", "size", "root", "checkpoint", "fresh_at")),
            (head.origin, head.size, head.root, head.checkpoint, None),
        )
    await LogStore(database).update_head(head)
    await database.close()


def _fill(connection: sqlite3.Connection, size: int, origin: str) -> Iterator[tuple[Frontier, int]]:
    entries, frontier = SyntheticEntries(), Frontier()
    insert_entry = insert_statement("sqlite", "log_entries", ENTRY_COLUMNS)
    insert_subtree = insert_statement("sqlite", "log_subtrees", SUBTREE_COLUMNS)
    for start in range(0, size, CHUNK):
        batch = assemble(frontier, entries.drafts(start, min(size, start + CHUNK)))
        connection.executemany(insert_entry, entry_rows(origin, batch.entries))
        connection.executemany(insert_subtree, subtree_rows(origin, batch.subtrees))
        frontier = batch.frontier
        yield frontier, len(batch.entries)


def new_keys(origin: str = world.ORIGIN) -> LogKeys:
    """Keys for a log that nobody follows."""
    return LogKeys(origin, world.key("bench head"), own_cosigner(origin), world.key("bench cosigner"))


def random_indexes(size: int, count: int, seed: int) -> list[int]:
    """Entries anywhere in the log, the same for the same seed."""
    chosen = random.Random(seed)  # noqa: S311 - a sample, not a secret
    return [chosen.randrange(size) for _ in range(count)]
