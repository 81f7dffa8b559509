"""Logs that were closed: cut back to what counts of them, marked, and succeeded by another.

What is cut off is kept apart: it proves nothing, but it may tell of a change that its issuer has lost. The mark is what
every append compares: once it is there, no replica of this node adds to the log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, and_, cast, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.log import LogClosed, LogEntry, LogHead, LogMoved, StatusEvent, StatusFlag, SubtreeRoot
from node.model.witnesses import HeadState
from node.storage.bulk import key_table
from node.storage.database import Database
from node.storage.log_store import insert_batch
from node.storage.schema import (
    from_instant,
    log_discarded,
    log_entries,
    log_heads,
    log_notes,
    log_peer_heads,
    log_sightings,
    log_status,
    log_subtrees,
    to_instant,
)

StatusKey = tuple[str, bytes]
"""(origin of a log, SHA-256 of an attestation's envelope)."""


class ClosedLogStore:
    """Durable. Replicas of one node share it: whoever is second finds done what it came for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closed(self) -> dict[str, int]:
        """By origin the size at which each closed log ends."""
        query = select(log_heads.c.origin, log_heads.c.closed_size).where(log_heads.c.closed_size.is_not(None))
        async with self._database.read() as connection:
            return {row.origin: row.closed_size for row in await connection.execute(query)}

    async def cut(self, found: LogHead, kept: LogHead, *, close: bool) -> None:
        """Put a smaller head, or one of the same size, in the place of `found`; entries beyond it count no more.

        `close`: the log ends there. Who cosigned a larger head of ours vouches for what is kept, and for no more.
        Raises LogMoved when another head is stored than `found`, LogClosed when the log is closed already.
        """
        # The commit point. A crash before it leaves the log as it was, halted if it was; after it, what counts of it.
        async with self._database.write() as connection:
            await _lock(connection, found)
            await _discard(connection, found.origin, kept.size)
            await connection.execute(
                log_heads.update()
                .where(log_heads.c.origin == found.origin)
                .values(
                    size=kept.size,
                    root=kept.root,
                    checkpoint=kept.checkpoint,
                    fresh_at=None if kept.fresh_at is None else to_instant(kept.fresh_at),
                    closed_size=kept.size if close else None,
                )
            )
            heads = log_peer_heads.c
            larger = (heads.origin == found.origin, heads.size > kept.size)
            await connection.execute(log_peer_heads.update().where(*larger).values(size=kept.size, root=kept.root))
            nothing = or_(heads.state == HeadState.AHEAD.value, heads.size == 0)
            await _see_less(connection, found.origin, kept.size)
            await connection.execute(log_peer_heads.delete().where(heads.origin == found.origin, nothing))

    async def succeed(
        self,
        found: LogHead,
        closed_size: int,
        head: LogHead,
        entries: Sequence[LogEntry],
        subtrees: Sequence[SubtreeRoot],
    ) -> None:
        """Close the own log as it is at `closed_size`, and begin its successor with all its first entries at once.

        Raises LogMoved when the own log has another head than `found` by now, or the successor was begun before.
        """
        # The commit point of founding a successor. A crash before it: the log before goes on, founding is repeated.
        # After it: nothing can be added to that log any more, by no replica, and everything of it stands in the new
        # one, whose first head nobody has seen before.
        async with self._database.write() as connection:
            await _lock(connection, found)
            begun = select(log_heads.c.origin).where(log_heads.c.origin == head.origin)
            if (await connection.execute(begun)).first() is not None:
                raise LogMoved
            await connection.execute(
                log_heads.update().where(log_heads.c.origin == found.origin).values(closed_size=closed_size)
            )
            await connection.execute(
                log_heads.insert().values(
                    origin=head.origin,
                    size=head.size,
                    root=head.root,
                    checkpoint=head.checkpoint,
                    fresh_at=None if head.fresh_at is None else to_instant(head.fresh_at),
                )
            )
            await insert_batch(connection, head.origin, entries, subtrees)

    async def statuses(self, keys: Sequence[StatusKey]) -> dict[StatusKey, tuple[StatusEvent, ...]]:
        """Status changes that a log holds of an attestation, wherever that stands; in log order, in one query."""
        query = """SELECT keys.origin, keys.digest, s.flag, s.is_set, s.effective_at
            FROM keys CROSS JOIN log_status s
            WHERE s.origin = keys.origin AND s.attestation_digest = keys.digest
            ORDER BY s.idx"""
        found: dict[StatusKey, tuple[StatusEvent, ...]] = {}
        for origin, digest, flag, is_set, at in await self._of_keys(query, keys):
            event = StatusEvent(bytes(digest), StatusFlag(flag), bool(is_set), from_instant(at))
            found[origin, event.attestation_digest] = (*found.get((origin, event.attestation_digest), ()), event)
        return found

    async def discarded_flags(
        self, keys: Sequence[StatusKey], settled: Collection[str]
    ) -> Mapping[StatusKey, frozenset[StatusFlag]]:
        """Flags of an attestation that were set in what does not count of a log.

        `settled`: logs that were known to be settled before this was asked. What was cut off of one and stands in the
        very same place again, followed up from its beginning, counts there with whatever cleared it.
        """
        query = """SELECT keys.origin, keys.digest, d.flag, EXISTS (
                SELECT 1 FROM log_entries e WHERE e.origin = d.origin AND e.idx = d.idx AND e.entry = d.entry
            )
            FROM keys CROSS JOIN log_discarded d
            WHERE d.origin = keys.origin AND d.attestation_digest = keys.digest AND d.is_set"""
        found: dict[StatusKey, frozenset[StatusFlag]] = {}
        for origin, digest, flag, stands in await self._of_keys(query, keys):
            if stands and origin in settled:
                continue
            key = origin, bytes(digest)
            found[key] = found.get(key, frozenset()) | {StatusFlag(flag)}
        return found

    async def _of_keys(self, query: str, keys: Sequence[StatusKey]) -> Sequence[Any]:
        if not keys:
            return ()
        table, parameters = key_table(
            self._database.dialect, {"origin": str, "digest": bytes}, list(dict.fromkeys(keys))
        )
        return await self._database.fetch(f"{table} {query}", parameters)


async def _lock(connection: AsyncConnection, found: LogHead) -> None:
    """The stored head is `found`, and stays so until this transaction ends. Raises LogMoved, LogClosed."""
    here = select(log_heads).where(log_heads.c.origin == found.origin).with_for_update()
    row = (await connection.execute(here)).one_or_none()
    if row is None or (row.size, row.root) != (found.size, found.root):
        raise LogMoved
    if row.closed_size is not None:
        raise LogClosed


async def _see_less(connection: AsyncConnection, origin: str, kept: int) -> None:
    """Who saw more of the log than is kept saw what is kept, and no entry that may come in the place of the others."""
    table = log_sightings.c
    larger = and_(table.origin == origin, table.size > kept)
    if kept:
        seen: Select[Any] = (
            select(table.origin, table.witness, literal(kept, BigInteger), func.min(table.seen_at))
            .where(larger)
            .group_by(table.origin, table.witness)
        )
        insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(log_sightings)
        columns = ["origin", "witness", "size", "seen_at"]
        await connection.execute(insert.from_select(columns, seen).on_conflict_do_nothing())
    await connection.execute(log_sightings.delete().where(larger))
    # What we cosigned of the other history is nobody's word on when an entry stood.
    await connection.execute(log_notes.delete().where(log_notes.c.origin == origin, log_notes.c.size > kept))


async def _discard(connection: AsyncConnection, origin: str, kept: int) -> None:
    """Moves entries and status changes from index `kept` on aside, and forgets the subtrees over them."""
    beyond = and_(log_entries.c.origin == origin, log_entries.c.idx >= kept)
    entries: Select[Any] = (
        select(
            log_entries.c.origin,
            log_entries.c.idx,
            log_entries.c.entry,
            log_status.c.attestation_digest,
            log_status.c.flag,
            log_status.c.is_set,
        )
        .select_from(
            log_entries.outerjoin(
                log_status, and_(log_status.c.origin == log_entries.c.origin, log_status.c.idx == log_entries.c.idx)
            )
        )
        .where(beyond)
    )
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(log_discarded)
    columns = ["origin", "idx", "entry", "attestation_digest", "flag", "is_set"]
    await connection.execute(insert.from_select(columns, entries).on_conflict_do_nothing())
    await connection.execute(log_status.delete().where(log_status.c.origin == origin, log_status.c.idx >= kept))
    await connection.execute(log_entries.delete().where(beyond))
    table = log_subtrees.c
    incomplete = table.idx >= literal(kept, BigInteger).op(">>")(cast(table.level, Integer))
    await connection.execute(log_subtrees.delete().where(table.origin == origin, incomplete))
