"""Stored logs as they lie there, read page by page and believed in nothing: for `huxin log`.

Only reads, each statement on its own snapshot, so a serving node may go on beside it. What lies below a committed head
never changes; what lies beyond is asked for in one statement together with the head, and so at one moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Table, exists, func, literal, or_, select, tuple_

from node.model.log import LogHead
from node.model.log_audit import StoredEntry, StoredStatus
from node.storage.database import Database
from node.storage.schema import from_instant, log_discarded, log_entries, log_heads, log_status, log_subtrees

_PAGE = 1024


class LogAuditReader:
    """Reads whatever the tables of the logs hold."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def origins(self) -> list[str]:
        """Every log that any of the four tables knows, in order. A few look-ups per log, however long they are."""
        found: set[str] = set()
        for table in (log_heads, log_entries, log_subtrees, log_status):
            after = ""
            while True:
                rows = await self._rows(select(func.min(table.c.origin)).where(table.c.origin > after))
                if rows[0][0] is None:
                    break
                after = str(rows[0][0])
                found.add(after)
        return sorted(found)

    async def head(self, origin: str) -> LogHead | None:
        """The stored head, or None. Its time is None when the stored number is no instant."""
        rows = await self._rows(select(log_heads).where(log_heads.c.origin == origin))
        if not rows:
            return None
        (row,) = rows
        fresh_at = None if row.fresh_at is None else _instant(row.fresh_at)
        return LogHead(row.origin, row.size, row.root, row.checkpoint, fresh_at)

    async def last_index(self, origin: str) -> int:
        """The highest index of any stored entry; -1 without one."""
        rows = await self._rows(select(func.max(log_entries.c.idx)).where(log_entries.c.origin == origin))
        return -1 if rows[0][0] is None else int(rows[0][0])

    async def entries(self, origin: str, start: int, stop: int) -> list[StoredEntry]:
        """The stored entries [start, stop) in order; gaps show by their index."""
        table = log_entries.c
        columns = (table.idx, table.leaf_hash, table.digest, table.kind, table.report_number, table.entry)
        within = (table.origin == origin, table.idx >= start, table.idx < stop)
        return [
            StoredEntry(row.idx, row.leaf_hash, row.digest, row.kind, row.report_number or "", row.entry)
            for row in await self._rows(select(*columns).where(*within).order_by(table.idx))
        ]

    async def statuses(self, origin: str, start: int, stop: int) -> list[StoredStatus]:
        """The rows of log_status with an index in [start, stop)."""
        table = log_status.c
        within = (table.origin == origin, table.idx >= start, table.idx < stop)
        return [
            StoredStatus(row.idx, row.attestation_digest, row.flag, bool(row.is_set), _instant(row.effective_at))
            for row in await self._rows(select(log_status).where(*within).order_by(table.idx))
        ]

    async def numbers(self, origins: Collection[str], digests: Collection[bytes]) -> dict[bytes, str]:
        """Report numbers of the attestations with these digests, in whichever of these logs they stand.

        Entries are filed under their number first, so that this reads one index of each log whole: for people who look
        at a page, not for what serves.
        """
        found: dict[bytes, str] = {}
        table = log_entries.c
        for origin in origins if digests else ():
            here = (table.origin == origin, table.digest.in_(list(digests)))
            for row in await self._rows(select(table.digest, table.report_number).where(*here)):
                found[bytes(row.digest)] = row.report_number or ""
        return found

    async def discarded(self, origin: str, start: int, limit: int) -> list[tuple[int, bytes]]:
        """Index and bytes of what was cut off a closed log, from index `start` on, and does not stand there again."""
        cut, kept = log_discarded.c, log_entries.c
        same = (kept.origin == cut.origin, kept.idx == cut.idx, kept.entry == cut.entry)
        within = (cut.origin == origin, cut.idx >= start, ~exists().where(*same))
        rows = await self._rows(select(cut.idx, cut.entry).where(*within).order_by(cut.idx).limit(limit))
        return [(int(row.idx), bytes(row.entry)) for row in rows]

    async def subtrees(self, origin: str, level: int, start: int, stop: int) -> dict[int, bytes]:
        """Stored roots of the subtrees [start, stop) of a level, by index."""
        table = log_subtrees.c
        within = (table.origin == origin, table.level == level, table.idx >= start, table.idx < stop)
        return {row.idx: row.hash for row in await self._rows(select(table.idx, table.hash).where(*within))}

    async def entries_beyond(self, origin: str) -> AsyncIterator[int]:
        """Indexes of entries outside the head that is stored at that moment."""
        async for index in self._beyond(log_entries, origin):
            yield index

    async def statuses_beyond(self, origin: str) -> AsyncIterator[int]:
        """The same for rows of log_status."""
        async for index in self._beyond(log_status, origin):
            yield index

    async def _beyond(self, table: Table, origin: str) -> AsyncIterator[int]:
        size = _size_of(origin)
        outside = (table.c.origin == origin, or_(table.c.idx < 0, table.c.idx >= size))
        last: int | None = None
        while True:
            query = select(table.c.idx).where(*outside).order_by(table.c.idx).limit(_PAGE)
            rows = await self._rows(query if last is None else query.where(table.c.idx > last))
            for row in rows:
                last = int(row.idx)
                yield last
            if len(rows) < _PAGE:
                return

    async def subtrees_beyond(self, origin: str, levels: tuple[int, ...]) -> AsyncIterator[tuple[int, int]]:
        """(level, index) of stored roots that the head of that moment does not complete, or of another level."""
        size = _size_of(origin)
        table = log_subtrees.c
        outside = or_(
            table.level.not_in(levels),
            table.idx < 0,
            *((table.level == level) & (table.idx >= size.op(">>")(literal(level, Integer))) for level in levels),
        )
        last: tuple[int, int] | None = None
        while True:
            query = select(table.level, table.idx).where(table.origin == origin, outside)
            query = query.order_by(table.level, table.idx).limit(_PAGE)
            rows = await self._rows(
                query if last is None else query.where(tuple_(table.level, table.idx) > tuple_(*last))
            )
            for row in rows:
                last = int(row.level), int(row.idx)
                yield last
            if len(rows) < _PAGE:
                return

    async def _rows(self, query: Any) -> list[Any]:
        async with self._database.read() as connection:
            return list((await connection.execute(query)).all())


def _size_of(origin: str) -> Any:
    """The size of the stored head, 0 without one, as part of another statement."""
    return func.coalesce(select(log_heads.c.size).where(log_heads.c.origin == origin).scalar_subquery(), 0)


def _instant(value: int) -> datetime | None:
    try:
        return from_instant(value)
    except OverflowError:
        return None
