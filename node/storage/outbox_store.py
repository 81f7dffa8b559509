"""Messages to peers. A message is queued in the transaction of what caused it; the content lies sealed to ourselves.

Replicas of one node share the tables: each may send the same message, the receiver knows it by its id, and of two who
write its end the first counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.messages import Backlog, Draft, MessageHeader, MessageLine, MessageReason, OutboxState
from node.storage.database import Database
from node.storage.schema import from_instant, outbox, to_instant

_QUEUED = outbox.c.ended_at.is_(None)
_LINE = [column for column in outbox.columns if column.name != "content"]


async def queue(connection: AsyncConnection, drafts: Sequence[Draft]) -> None:
    """Queues messages in a transaction that is open: they exist if and only if what caused them does."""
    for draft in drafts:
        header = draft.header
        await connection.execute(
            insert(outbox).values(
                id=header.id,
                receiver=header.receiver,
                kind=header.kind,
                ordering_key=header.ordering_key,
                created_at=to_instant(header.created_at),
                expires_at=to_instant(header.expires_at),
                state=OutboxState.QUEUED.value,
                reason="",
                attempts=0,
                content=draft.content,
            )
        )


class OutboxStore:
    """Messages of the node of `own`, by the order in which they were queued."""

    def __init__(self, database: Database, own: str) -> None:
        self._database = database
        self._own = own

    async def due(self, receiver: str, now: datetime, limit: int, passing: Collection[bytes] = ()) -> list[Draft]:
        """What may be sent to a peer now, oldest first: of each ordering key the first that has not ended.

        Without those whose ids are in `passing`, of which there are some hundreds at most; who waits behind one waits.
        """
        earlier = outbox.alias("earlier")
        behind = exists().where(
            earlier.c.receiver == outbox.c.receiver,
            earlier.c.ordering_key == outbox.c.ordering_key,
            earlier.c.ended_at.is_(None),
            earlier.c.sequence < outbox.c.sequence,
        )
        query = (
            select(outbox)
            .where(outbox.c.receiver == receiver, _QUEUED, outbox.c.expires_at > to_instant(now), ~behind)
            .where(outbox.c.id.not_in(passing))
            .order_by(outbox.c.sequence)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [Draft(self._header(row), row.content) for row in await connection.execute(query)]

    async def end(
        self, message_id: bytes, state: OutboxState, reason: MessageReason | None, at: datetime, *, tried: bool = True
    ) -> bool:
        """The end of a message, and of its content. False when it had ended already.

        A crash before the commit lets it be sent again; the receiver answers as it did.
        """
        values = {
            "state": state.value,
            "reason": reason.value if reason else "",
            "ended_at": to_instant(at),
            "content": None,
            "attempts": outbox.c.attempts + int(tried),
        }
        async with self._database.write() as connection:
            done = await connection.execute(update(outbox).where(outbox.c.id == message_id, _QUEUED).values(values))
            return done.rowcount == 1

    async def note(self, message_ids: Sequence[bytes], reason: MessageReason) -> None:
        """Attempts that came to nothing, and why: the messages stay queued."""
        async with self._database.write() as connection:
            await connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(message_ids), _QUEUED)
                .values(reason=reason.value, attempts=outbox.c.attempts + 1)
            )

    async def note_waiting(self, receiver: str, reason: MessageReason) -> None:
        """Why nothing can be sent to a peer at all; an empty queue and a reason that stands already write nothing."""
        waiting = and_(outbox.c.receiver == receiver, _QUEUED, outbox.c.reason != reason.value)
        async with self._database.read() as connection:
            if await connection.scalar(select(exists().where(waiting))) is not True:
                return
        async with self._database.write() as connection:
            await connection.execute(update(outbox).where(waiting).values(reason=reason.value))

    async def expire(self, now: datetime) -> dict[str, int]:
        """Ends what has outlived its time, for every peer: how many, by peer."""
        over = and_(_QUEUED, outbox.c.expires_at <= to_instant(now))
        async with self._database.read() as connection:
            if await connection.scalar(select(exists().where(over))) is not True:
                return {}
        async with self._database.write() as connection:
            rows = (await connection.execute(select(outbox.c.receiver).where(over))).scalars().all()
            await connection.execute(
                update(outbox)
                .where(over)
                .values(state=OutboxState.EXPIRED.value, ended_at=to_instant(now), content=None)
            )
        return {peer: rows.count(peer) for peer in set(rows)}

    async def forget(self, before: datetime) -> int:
        """Deletes what ended before a moment: how many."""
        async with self._database.write() as connection:
            done = await connection.execute(outbox.delete().where(outbox.c.ended_at < to_instant(before)))
            return int(done.rowcount)

    async def backlog(self) -> dict[str, Backlog]:
        """What is queued, by peer."""
        query = (
            select(outbox.c.receiver, func.count().label("queued"), func.min(outbox.c.created_at).label("oldest"))
            .where(_QUEUED)
            .group_by(outbox.c.receiver)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {row.receiver: Backlog(queued=row.queued, oldest=from_instant(row.oldest)) for row in rows}

    async def lines(self, peer: str, state: str, limit: int, before: int) -> list[MessageLine]:
        """Messages, newest first, of one peer or all, in one state or any, that were queued before a sequence."""
        conditions: list[ColumnElement[bool]] = [outbox.c.sequence < before]
        if peer:
            conditions.append(outbox.c.receiver == peer)
        if state:
            conditions.append(outbox.c.state == state)
        query = select(*_LINE).where(*conditions).order_by(outbox.c.sequence.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_line(row) for row in await connection.execute(query)]

    async def line(self, message_id: bytes) -> MessageLine | None:
        """One message, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(*_LINE).where(outbox.c.id == message_id))).one_or_none()
        return None if row is None else _line(row)

    def _header(self, row: Row[Any]) -> MessageHeader:
        return MessageHeader(
            id=row.id,
            sender=self._own,
            receiver=row.receiver,
            kind=row.kind,
            ordering_key=row.ordering_key,
            created_at=from_instant(row.created_at),
            expires_at=from_instant(row.expires_at),
        )


def _line(row: Row[Any]) -> MessageLine:
    return MessageLine(
        sequence=row.sequence,
        id=row.id,
        peer=row.receiver,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        created_at=from_instant(row.created_at),
        expires_at=from_instant(row.expires_at),
        ended_at=None if row.ended_at is None else from_instant(row.ended_at),
        attempts=row.attempts,
        ordering_key=row.ordering_key,
    )
