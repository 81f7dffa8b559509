"""Messages from peers, as they were sealed to us, until they are handled.

What a message brings about (replies, an answer kept with its request) is committed together with its end, so that it
happens once whatever crashes, and of two replicas that handle the same message the first counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.messages import (
    Backlog,
    Delivery,
    DeliveryOutcome,
    Handled,
    InboxState,
    MessageHeader,
    MessageLine,
    MessageReason,
    SealedMessage,
)
from node.storage.asked_store import keep_answer
from node.storage.database import Database
from node.storage.elsewhere_store import keep_basics
from node.storage.outbox_store import queue
from node.storage.schema import from_instant, inbox, to_instant

_OPEN = inbox.c.ended_at.is_(None)
_WAITING = inbox.c.state == InboxState.WAITING.value
_LINE = [column for column in inbox.columns if column.name != "sealed"]
_WAITS_AGAIN = {"state": InboxState.WAITING.value, "reason": "", "attempts": 0}
_DELIVERED = Delivery(DeliveryOutcome.DELIVERED)


class InboxStore:
    """Messages to the node of `own`. At most `limit` of one peer are open at once: more are deferred."""

    def __init__(self, database: Database, own: str, limit: int) -> None:
        self._database = database
        self._own = own
        self._limit = limit

    async def take(self, sender: str, messages: Sequence[SealedMessage]) -> list[Delivery]:
        """Stores what is new of one sender's messages: what becomes of each, in their order."""
        # A crash before the commit has answered nobody: the sender sends them again. After it, whether or not the
        # answer arrives, they are here, and the same message again is answered DELIVERED without being stored twice.
        async with self._database.write() as connection:
            count = select(func.count()).select_from(inbox).where(inbox.c.sender == sender, _OPEN)
            room = self._limit - int(await connection.scalar(count) or 0)
            answers = []
            for message in messages:
                answer, stored = await self._take(connection, message, room)
                answers.append(answer)
                room -= stored
        return answers

    async def _take(self, connection: AsyncConnection, message: SealedMessage, room: int) -> tuple[Delivery, bool]:
        header = message.header
        known = (
            await connection.execute(select(*_LINE).where(inbox.c.sender == header.sender, inbox.c.id == header.id))
        ).one_or_none()
        if known is not None:
            if self._header(known) == header:
                return _DELIVERED, False
            return Delivery(DeliveryOutcome.REFUSED, MessageReason.ID_REUSED), False
        if room <= 0:
            return Delivery(DeliveryOutcome.DEFERRED, MessageReason.INBOX_FULL), False
        statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(inbox)
        done = await connection.execute(statement.values(_row(message)).on_conflict_do_nothing())
        return _DELIVERED, done.rowcount == 1

    async def next(self, sender: str, now: datetime, without: Collection[str] = ()) -> SealedMessage | None:
        """The first message of a peer that waits and has no open one of its ordering key before it.

        Of a kind that is not in `without`.
        """
        earlier = inbox.alias("earlier")
        behind = exists().where(
            earlier.c.sender == inbox.c.sender,
            earlier.c.ordering_key == inbox.c.ordering_key,
            earlier.c.ended_at.is_(None),
            earlier.c.sequence < inbox.c.sequence,
        )
        query = (
            select(inbox)
            .where(inbox.c.sender == sender, _OPEN, _WAITING, inbox.c.expires_at > to_instant(now), ~behind)
            .where(inbox.c.kind.not_in(without))
            .order_by(inbox.c.sequence)
            .limit(1)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else SealedMessage(self._header(row), row.key_id, row.sealed)

    async def begin(self, header: MessageHeader) -> int:
        """Counts an attempt before it is made, so that a message which takes the process down is counted too."""
        async with self._database.write() as connection:
            await connection.execute(update(inbox).where(_is(header), _WAITING).values(attempts=inbox.c.attempts + 1))
            return int(await connection.scalar(select(inbox.c.attempts).where(_is(header))) or 0)

    async def postpone(self, header: MessageHeader, reason: MessageReason) -> None:
        """It could not be handled for a reason that passes: it waits, and the attempt does not count against it."""
        async with self._database.write() as connection:
            await connection.execute(update(inbox).where(_is(header), _WAITING).values(reason=reason.value, attempts=0))

    async def finish(self, header: MessageHeader, handled: Handled, at: datetime) -> bool:
        """The end of a message with all that it brought about; its content is erased. False when it had ended."""
        values = {
            "state": InboxState.HANDLED.value,
            "reason": "",
            "ended_at": to_instant(at),
            "sealed": None,
            "outcome": handled.outcome,
            "evidence_digest": handled.evidence_digest,
        }
        # A crash before the commit leaves the message waiting: it is handled again, by handlers that come to the same.
        # After it, replies and answer are durable with the message's end; nothing of it can be done twice.
        async with self._database.write() as connection:
            done = await connection.execute(update(inbox).where(_is(header), _WAITING).values(values))
            if done.rowcount != 1:
                return False
            await queue(connection, handled.replies)
            if handled.answer is not None:
                await keep_answer(connection, handled.answer, at)
            if handled.basics is not None:
                await keep_basics(connection, header.sender, handled.basics, at)
        return True

    async def park(self, header: MessageHeader, reason: MessageReason) -> bool:
        """Puts a message aside that cannot be handled. It stays, sealed, until it is tried again or expires."""
        values = {"state": InboxState.PARKED.value, "reason": reason.value}
        async with self._database.write() as connection:
            return (await connection.execute(update(inbox).where(_is(header), _WAITING).values(values))).rowcount == 1

    async def retry(self, message_id: bytes) -> bool:
        """A parked message waits again. False when none of that id is parked."""
        parked = and_(inbox.c.id == message_id, inbox.c.state == InboxState.PARKED.value)
        async with self._database.write() as connection:
            return (await connection.execute(update(inbox).where(parked).values(_WAITS_AGAIN))).rowcount > 0

    async def release(self, holds: Callable[[str], bool]) -> frozenset[str]:
        """Lets wait again what was parked for want of a sealing key that is here now: the peers whose messages do.

        `holds` says of a key id, 64 lowercase hex digits, whether its key is here.
        """
        parked = and_(
            _OPEN, inbox.c.state == InboxState.PARKED.value, inbox.c.reason == MessageReason.KEY_NOT_LOADED.value
        )
        async with self._database.read() as connection:
            keys = await connection.scalars(select(inbox.c.key_id).where(parked).distinct())
            back = [key_id for key_id in keys if holds(key_id.hex())]
        if not back:
            return frozenset()
        released = and_(parked, inbox.c.key_id.in_(back))
        async with self._database.write() as connection:
            senders = frozenset(await connection.scalars(select(inbox.c.sender).where(released).distinct()))
            await connection.execute(update(inbox).where(released).values(_WAITS_AGAIN))
        return senders

    async def expire(self, now: datetime) -> int:
        """Ends what has outlived its time, parked or not, and erases it: how many."""
        over = and_(_OPEN, inbox.c.expires_at <= to_instant(now))
        async with self._database.read() as connection:
            if await connection.scalar(select(exists().where(over))) is not True:
                return 0
        async with self._database.write() as connection:
            done = await connection.execute(
                update(inbox).where(over).values(state=InboxState.EXPIRED.value, ended_at=to_instant(now), sealed=None)
            )
            return int(done.rowcount)

    async def forget(self, before: datetime) -> int:
        """Deletes what ended and expired before a moment: none of it could be delivered again."""
        over = and_(inbox.c.ended_at < to_instant(before), inbox.c.expires_at < to_instant(before))
        async with self._database.write() as connection:
            return int((await connection.execute(inbox.delete().where(over))).rowcount)

    async def backlog(self) -> dict[str, Backlog]:
        """What is open, by peer."""
        parked = func.sum(case((inbox.c.state == InboxState.PARKED.value, 1), else_=0)).label("parked")
        query = select(inbox.c.sender, func.count().label("open"), parked).where(_OPEN).group_by(inbox.c.sender)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {row.sender: Backlog(waiting=row.open - int(row.parked), parked=int(row.parked)) for row in rows}

    async def handled_since(self, sender: str, kind: str, since: datetime) -> int:
        """How many messages of a kind a peer had handled from an instant on."""
        mine = and_(
            inbox.c.sender == sender,
            inbox.c.kind == kind,
            inbox.c.ended_at >= to_instant(since),
            inbox.c.state == InboxState.HANDLED.value,
        )
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(inbox).where(mine)) or 0)

    async def lines(self, peer: str, state: str, limit: int, before: int) -> list[MessageLine]:
        """Messages, newest first, of one peer or all, in one state or any, that came before a sequence."""
        conditions: list[ColumnElement[bool]] = [inbox.c.sequence < before]
        if peer:
            conditions.append(inbox.c.sender == peer)
        if state:
            conditions.append(inbox.c.state == state)
        query = select(*_LINE).where(*conditions).order_by(inbox.c.sequence.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_line(row) for row in await connection.execute(query)]

    async def line(self, message_id: bytes) -> MessageLine | None:
        """The newest message of that id, or None: ids of two senders could be the same."""
        query = select(*_LINE).where(inbox.c.id == message_id).order_by(inbox.c.sequence.desc()).limit(1)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _line(row)

    def _header(self, row: Row[Any]) -> MessageHeader:
        return MessageHeader(
            id=row.id,
            sender=row.sender,
            receiver=self._own,
            kind=row.kind,
            ordering_key=row.ordering_key,
            created_at=from_instant(row.created_at),
            expires_at=from_instant(row.expires_at),
        )


def _is(header: MessageHeader) -> ColumnElement[bool]:
    return and_(inbox.c.sender == header.sender, inbox.c.id == header.id)


def _row(message: SealedMessage) -> dict[str, Any]:
    header = message.header
    return {
        "sender": header.sender,
        "id": header.id,
        "kind": header.kind,
        "ordering_key": header.ordering_key,
        "created_at": to_instant(header.created_at),
        "expires_at": to_instant(header.expires_at),
        "key_id": message.key_id,
        "state": InboxState.WAITING.value,
        "reason": "",
        "attempts": 0,
        "sealed": message.sealed,
        "outcome": "",
        "evidence_digest": b"",
    }


def _line(row: Row[Any]) -> MessageLine:
    return MessageLine(
        sequence=row.sequence,
        id=row.id,
        peer=row.sender,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        created_at=from_instant(row.created_at),
        expires_at=from_instant(row.expires_at),
        ended_at=None if row.ended_at is None else from_instant(row.ended_at),
        attempts=row.attempts,
        ordering_key=row.ordering_key,
        outcome=row.outcome,
        evidence_digest=row.evidence_digest,
    )
