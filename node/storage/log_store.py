"""Logs of signed statements: the own one and the replicas of the peers, in one set of tables.

Appending is one transaction that first compares and swaps the size of the stored head: of several replicas of a node,
or followers of one peer, exactly one extends a log from a given size. Look-ups by digest and number are per origin, for
a peer may log what another one signed; the first entry in a log counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import exc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.issuing import ReportRow, StatusRow
from node.model.log import (
    DuplicateRequests,
    EntryView,
    LogClosed,
    LogEntry,
    LogHead,
    LogMoved,
    StatusEvent,
    StatusFlag,
    SubtreeRoot,
)
from node.model.witnesses import OURSELVES, Lifting, Sighting
from node.storage import attachments as attached
from node.storage import sightings
from node.storage.bulk import insert_rows, key_table
from node.storage.database import Database
from node.storage.grouping import GroupedLookup
from node.storage.log_rows import (
    ENTRY_COLUMNS,
    STATUS_COLUMNS,
    SUBTREE_COLUMNS,
    entry_rows,
    status_rows,
    subtree_rows,
)
from node.storage.schema import from_instant, log_entries, log_heads, log_subtrees, to_instant
from node.storage.sightings import SightingKey

StatementKey = tuple[str, bytes, str]
"""(origin, digest, report number)."""
NumberKey = tuple[str, str]
"""(origin, report number)."""
_Key = TypeVar("_Key", bound=tuple[Any, ...])

HashRun = tuple[int, int, int]
"""(level, start, stop): stored hashes number `start` to before `stop` of a level."""

_JOINED_HASHES = {
    "sqlite": "max(idx) || ':' || group_concat(hex(hash), '')",
    "postgresql": "max(idx) || ':' || string_agg(encode(hash, 'hex'), '' ORDER BY idx)",
}
"""What is left of a run's rows: its last number, and its hashes in order. SQLite keeps the order of the rows inside."""
_HASH_DIGITS = 64
"""Of a SHA-256, in hexadecimal."""


class LogStore:
    """Durable logs. What `append` committed, every later read of any process sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_report_number = GroupedLookup(self.find_by_report_numbers)
        self._heads = GroupedLookup(self._find_heads)
        self._runs = GroupedLookup(self._find_runs)

    async def append(
        self,
        expected_size: int,
        head: LogHead,
        entries: Sequence[LogEntry],
        subtrees: Sequence[SubtreeRoot],
        attachments: Sequence[ReportRow | StatusRow] = (),
        seen_at: datetime | None = None,
    ) -> None:
        """Commit entries, completed subtrees, the head after them and what goes with them: all or nothing.

        `expected_size` is the stored size before (0 for a log that has no head yet); entries continue from there.
        `seen_at`: by when this node held all of them, where that is to be remembered. Raises LogMoved when the log has
        another size, LogClosed when it was succeeded, DuplicateRequests when request ids came before, ValueError when
        entries, size and head do not fit together.
        """
        if [entry.index for entry in entries] != list(range(expected_size, head.size)):
            raise ValueError(f"entries must be numbered from {expected_size} to {head.size} (exclusive)")
        duplicates = attached.repeated_requests(attachments)
        if duplicates:
            raise DuplicateRequests(duplicates)
        try:
            # The commit point of issuing and of replication. A crash before the end of this block leaves the log at
            # `expected_size`, no report and no request; after it, all of them.
            async with self._database.write() as connection:
                await _swap_head(connection, expected_size, head)
                await insert_batch(connection, head.origin, entries, subtrees)
                await _attach(connection, attachments)
                await _remember_seen(connection, head, seen_at)
        except _RequestsClash:
            raise DuplicateRequests(await attached.stored_requests(self._database, attachments)) from None

    async def update_head(self, head: LogHead, seen_at: datetime | None = None) -> bool:
        """Replace checkpoint and time of a head of the same size and root; False when the stored log is another one.

        An older time than the stored one changes nothing and is no failure. `seen_at` is that of `append`. Raises
        LogClosed.
        """
        same = (log_heads.c.origin == head.origin, log_heads.c.size == head.size, log_heads.c.root == head.root)
        fresh_at = _stored_time(head)
        # A crash here leaves the older cosignature: an older, still true, time.
        async with self._database.write() as connection:
            found = (
                await connection.execute(
                    select(log_heads.c.fresh_at, log_heads.c.closed_size).where(*same).with_for_update()
                )
            ).one_or_none()
            if found is None:
                await require_open(connection, head.origin)
                return False
            if found.closed_size is not None:
                raise LogClosed
            if found.fresh_at is None or (fresh_at is not None and fresh_at >= found.fresh_at):
                change = log_heads.update().where(*same)
                await connection.execute(change.values(checkpoint=head.checkpoint, fresh_at=fresh_at))
            await _remember_seen(connection, head, seen_at)
            return True

    async def last_sighting(self, origin: str) -> Sighting | None:
        """The largest size of a log that this node remembers to have held, and since when."""
        return await sightings.last_sighting(self._database, origin)

    async def first_sightings(self, keys: Sequence[SightingKey]) -> dict[SightingKey, Sighting]:
        """(origin, witness, index) -> when that witness first saw the log to hold the entry of that index."""
        return await sightings.first_sightings(self._database, keys)

    async def liftings(self, keys: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], list[Lifting]]:
        """(origin, digest of an attestation) -> every change in that log which clears one of its flags, in log order.

        The n-th belongs to the n-th change of `EntryView.statuses` that clears one.
        """
        return await sightings.liftings(self._database, keys)

    async def head(self, origin: str) -> LogHead | None:
        """The newest committed head of a log, or None for a log that nothing is known of. Callers share queries."""
        return await self._heads.get(origin)

    async def _find_heads(self, origins: Sequence[str]) -> dict[str, LogHead]:
        table, parameters = key_table(self._database.dialect, {"origin": str}, [(origin,) for origin in origins])
        query = f"""{table} SELECT h.origin, h.size, h.root, h.checkpoint, h.fresh_at
            FROM keys CROSS JOIN log_heads h WHERE h.origin = keys.origin"""  # noqa: S608 - own names
        return {
            origin: LogHead(origin, size, root, text, None if fresh_at is None else from_instant(fresh_at))
            for origin, size, root, text, fresh_at in await self._database.fetch(query, parameters)
        }

    async def entries(self, origin: str, start: int, limit: int) -> list[bytes]:
        """At most `limit` entries in log order from index `start` on."""
        table = log_entries.c
        return await self._hashes(
            select(table.entry).where(table.origin == origin, table.idx >= start).order_by(table.idx).limit(limit)
        )

    async def hash_runs(self, origin: str, runs: Sequence[HashRun]) -> list[bytes]:
        """For each run its stored hashes in one piece, 32 bytes each; fewer where the log ends. Callers share queries.

        Level 0 are leaf hashes, the others roots of completed subtrees.
        """
        return [found or b"" for found in await self._runs.get_many([(origin, *run) for run in runs])]

    async def _find_runs(self, keys: Sequence[tuple[str, int, int, int]]) -> dict[tuple[str, int, int, int], bytes]:
        columns = {"number": int, "origin": str, "level": int, "start": int, "stop": int}
        numbered = [(number, *key) for number, key in enumerate(keys)]
        table, parameters = key_table(self._database.dialect, columns, numbered)
        # One row for each run, not for each hash: what a row costs in Python is most of what it costs at all.
        joined = _JOINED_HASHES[self._database.dialect]
        query = f"""{table}
            SELECT number, CASE WHEN level = 0 THEN (
                SELECT {joined} FROM (
                    SELECT e.idx, e.leaf_hash AS hash FROM log_entries e
                    WHERE e.origin = keys.origin AND e.idx >= keys.start AND e.idx < keys.stop ORDER BY e.idx
                ) AS run
            ) ELSE (
                SELECT {joined} FROM (
                    SELECT s.idx, s.hash FROM log_subtrees s
                    WHERE s.origin = keys.origin AND s.level = keys.level
                        AND s.idx >= keys.start AND s.idx < keys.stop ORDER BY s.idx
                ) AS run
            ) END FROM keys WHERE number IS NOT NULL
            """  # noqa: S608 - own names
        found = await self._database.fetch(query, parameters)
        return {keys[number]: _run_of(keys[number][2], stored) for number, stored in found if stored is not None}

    async def leaf_hashes(self, origin: str, start: int, stop: int) -> list[bytes]:
        """Leaf hashes of the entries [start, stop), 32 bytes each; fewer where the log ends."""
        table = log_entries.c
        return await self._hashes(
            select(table.leaf_hash)
            .where(table.origin == origin, table.idx >= start, table.idx < stop)
            .order_by(table.idx)
        )

    async def subtree_roots(self, origin: str, level: int, start: int, stop: int) -> list[bytes]:
        """Roots of the perfect subtrees [start, stop) of a level, 32 bytes each; fewer where the log ends."""
        table = log_subtrees.c
        return await self._hashes(
            select(table.hash)
            .where(table.origin == origin, table.level == level, table.idx >= start, table.idx < stop)
            .order_by(table.idx)
        )

    async def _hashes(self, query: Any) -> list[bytes]:
        async with self._database.read() as connection:
            return list((await connection.scalars(query)).all())

    async def find_by_report_number(self, origin: str, report_number: str) -> EntryView | None:
        """The first attestation of that number in one log. Concurrent calls share queries."""
        return await self._by_report_number.get((origin, report_number))

    async def find_by_digests(self, keys: Sequence[StatementKey]) -> dict[StatementKey, EntryView]:
        """(origin, digest, report number) -> entry with every status change that the same log holds for it.

        One query. The number is the one that the statement of this digest bears, "" for a statement without: entries
        are filed under number and digest (ADR 0024). An entry of which no number was known is found by its digest.
        A flag that was set in what was cut off of that log comes last, as set since ever.
        """
        return await self._find({"origin": str, "digest": bytes, "number": str}, keys, _FIRST_OF_DIGEST)

    async def find_by_report_numbers(self, keys: Sequence[NumberKey]) -> dict[NumberKey, EntryView]:
        """(origin, report number) -> entry with every status change that the same log holds for it, in one query."""
        return await self._find({"origin": str, "number": str}, keys, _FIRST_OF_NUMBER)

    async def _find(self, columns: dict[str, type], keys: Sequence[_Key], first: str) -> dict[_Key, EntryView]:
        """`columns` are those of `keys`, `first` tells the index of the entry that a row of them asks for."""
        if not keys:
            return {}
        table, parameters = key_table(self._database.dialect, columns, list(dict.fromkeys(keys)))
        # CROSS JOIN: SQLite then reads the keys first and one index per key; the first entry of a log wins.
        query = f"""{table}
            SELECT {", ".join(f"keys.{name}" for name in columns)},
                e.idx, e.entry, e.digest, s.flag, s.is_set, s.effective_at,
                (SELECT c.flag FROM log_discarded c
                    WHERE c.origin = e.origin AND c.attestation_digest = e.digest AND c.is_set ORDER BY c.idx LIMIT 1)
            FROM keys CROSS JOIN log_entries e
            LEFT JOIN log_status s ON s.origin = e.origin AND s.attestation_digest = e.digest
            WHERE e.origin = keys.origin AND e.idx = ({first})
            ORDER BY s.idx"""  # noqa: S608 - own names
        found: dict[_Key, tuple[int, bytes]] = {}
        statuses: dict[_Key, list[StatusEvent]] = {}
        cut_off: dict[_Key, StatusEvent] = {}
        for row in await self._database.fetch(query, parameters):
            key: Any = tuple(row[: len(columns)])
            index, entry, digest, flag, is_set, effective_at, lost = row[len(columns) :]
            found[key] = index, entry
            changes = statuses.setdefault(key, [])
            if flag is not None:
                changes.append(StatusEvent(digest, StatusFlag(flag), bool(is_set), from_instant(effective_at)))
            if lost is not None:
                # Who knows of the succession asks for these apart (`node.verification.logs`). Who does not know of it
                # yet, while another replica cuts the log back, must not take the flag for one that was never set.
                cut_off[key] = StatusEvent(digest, StatusFlag(lost), True, _EVER)
        for key, event in cut_off.items():
            statuses[key].append(event)
        return {key: EntryView(key[0], *entry, tuple(statuses[key])) for key, entry in found.items()}


_EVER = datetime(1900, 1, 1, tzinfo=UTC)
_FIRST_OF_NUMBER = "SELECT min(d.idx) FROM log_entries d WHERE d.origin = keys.origin AND d.report_number = keys.number"
_FIRST_OF_DIGEST = f"""COALESCE(
    ({_FIRST_OF_NUMBER} AND d.digest = keys.digest),
    (SELECT min(d.idx) FROM log_entries d
        WHERE d.origin = keys.origin AND d.report_number IS NULL AND d.digest = keys.digest))"""  # noqa: S608 - own names


async def insert_batch(
    connection: AsyncConnection, origin: str, entries: Sequence[LogEntry], subtrees: Sequence[SubtreeRoot]
) -> None:
    """Entries with what they state, and the subtrees that they completed."""
    await insert_rows(connection, "log_entries", ENTRY_COLUMNS, entry_rows(origin, entries))
    await insert_rows(connection, "log_status", STATUS_COLUMNS, status_rows(origin, entries))
    await insert_rows(connection, "log_subtrees", SUBTREE_COLUMNS, subtree_rows(origin, subtrees))


async def require_open(connection: AsyncConnection, origin: str) -> None:
    """Raises LogClosed for a log that was succeeded."""
    closed = select(log_heads.c.closed_size).where(log_heads.c.origin == origin)
    if await connection.scalar(closed) is not None:
        raise LogClosed


async def _swap_head(connection: AsyncConnection, expected_size: int, head: LogHead) -> None:
    values = {"size": head.size, "root": head.root, "checkpoint": head.checkpoint, "fresh_at": _stored_time(head)}
    here = (log_heads.c.origin == head.origin, log_heads.c.size == expected_size, log_heads.c.closed_size.is_(None))
    swapped = (await connection.execute(log_heads.update().where(*here).values(values))).rowcount
    if swapped == 0:
        await require_open(connection, head.origin)
    if swapped == 0 and expected_size == 0:
        try:
            await connection.execute(log_heads.insert().values(origin=head.origin, **values))
        except exc.IntegrityError:
            raise LogMoved from None
    elif swapped == 0:
        raise LogMoved


class _RequestsClash(Exception):
    """A request id or report of the group is stored already."""


async def _attach(connection: AsyncConnection, attachments: Sequence[ReportRow | StatusRow]) -> None:
    try:
        await attached.insert_attachments(connection, attachments)
    except exc.IntegrityError:
        raise _RequestsClash from None


async def _remember_seen(connection: AsyncConnection, head: LogHead, seen_at: datetime | None) -> None:
    if seen_at is not None:
        await sightings.keep_sighting(connection, head.origin, Sighting(OURSELVES, head.size, seen_at))


def _run_of(start: int, stored: str) -> bytes:
    """The hashes of a run that begins at `start`, as `_JOINED_HASHES` gives them.

    A log has no gaps. Of a damaged one nothing is told, lest a hash slip into the place of one that is missing.
    """
    last, _, hashes = stored.partition(":")
    return bytes.fromhex(hashes) if len(hashes) == (int(last) - start + 1) * _HASH_DIGITS else b""


def _stored_time(head: LogHead) -> int | None:
    return None if head.fresh_at is None else to_instant(head.fresh_at)
