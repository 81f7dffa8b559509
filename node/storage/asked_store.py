"""Requests for reports of other jurisdictions. A request and its message are one: they share id and transaction."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.errors import InvalidInput
from node.model.asking import AskedReport, AskedState, NewAsk
from node.model.messages import Draft, OutboxState, StoredAnswer
from node.storage.database import Database
from node.storage.outbox_store import queue
from node.storage.schema import asked_reports, from_instant, outbox, to_instant

_STATES = {
    OutboxState.QUEUED.value: AskedState.QUEUED,
    OutboxState.DELIVERED.value: AskedState.ASKED,
    OutboxState.REFUSED.value: AskedState.UNDELIVERED,
    OutboxState.EXPIRED.value: AskedState.EXPIRED,
}


async def keep_answer(connection: AsyncConnection, answer: StoredAnswer, at: datetime) -> None:
    """Keeps the first answer to a request, in a transaction that is open; a later one changes nothing."""
    mine = and_(
        asked_reports.c.id == answer.request_id,
        asked_reports.c.receiver == answer.sender,
        asked_reports.c.answered_at.is_(None),
    )
    await connection.execute(
        update(asked_reports)
        .where(mine)
        .values(
            answered_at=to_instant(at),
            report_number=answer.report_number,
            reason=answer.reason,
            message=answer.message,
            bundle=answer.bundle,
        )
    )


class AskedStore:
    """Requests of all callers; each sees its own only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, ask: NewAsk, draft: Draft) -> bool:
        """A request with its message, durable together. False when the caller's request id was used before."""
        values = {
            "id": ask.id,
            "caller": ask.caller,
            "request_id": ask.request_id,
            "content": ask.content,
            "receiver": ask.receiver,
            "created_at": to_instant(ask.created_at),
            "expires_at": to_instant(ask.expires_at),
            "report_number": "",
            "reason": "",
            "message": "",
        }
        # A crash before the commit leaves neither, and nobody was told of a request; after it, both: the message goes
        # out when the node runs again.
        async with self._database.write() as connection:
            statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(asked_reports)
            done = await connection.execute(statement.values(values).on_conflict_do_nothing())
            if done.rowcount != 1:
                return False
            await queue(connection, [draft])
        return True

    async def find(self, caller: str, request_id: str, now: datetime) -> tuple[bytes, AskedReport] | None:
        """(keyed digest of what was asked, the request) that a request id stands for, or None."""
        mine = and_(asked_reports.c.caller == caller, asked_reports.c.request_id == request_id)
        async with self._database.read() as connection:
            row = (await connection.execute(_query().where(mine))).one_or_none()
        return None if row is None else (row.content, _asked(row, now))

    async def get(self, ask_id: bytes, caller: str, now: datetime) -> AskedReport | None:
        """A request of that caller, or None."""
        mine = and_(asked_reports.c.id == ask_id, asked_reports.c.caller == caller)
        async with self._database.read() as connection:
            row = (await connection.execute(_query().where(mine))).one_or_none()
        return None if row is None else _asked(row, now)

    async def receiver(self, ask_id: bytes) -> str | None:
        """Whom a request asks, or None when there is none of that id."""
        async with self._database.read() as connection:
            found: str | None = await connection.scalar(
                select(asked_reports.c.receiver).where(asked_reports.c.id == ask_id)
            )
        return found

    async def bundle(self, ask_id: bytes, caller: str) -> bytes | None:
        """What came for a request of that caller, sealed to ourselves, or None."""
        mine = and_(asked_reports.c.id == ask_id, asked_reports.c.caller == caller)
        async with self._database.read() as connection:
            found: bytes | None = await connection.scalar(select(asked_reports.c.bundle).where(mine))
        return found

    async def list(self, caller: str, now: datetime, limit: int, after: str) -> tuple[list[AskedReport], str]:
        """At most `limit` requests of a caller, newest first, and the token of the next page ("" on the last)."""
        place = tuple_(asked_reports.c.created_at, asked_reports.c.id)
        query = _query().where(asked_reports.c.caller == caller)
        if after:
            query = query.where(place < _opened(after))
        query = query.order_by(asked_reports.c.created_at.desc(), asked_reports.c.id.desc()).limit(limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        page = [_asked(row, now) for row in rows[:limit]]
        return page, _token(rows[limit - 1]) if len(rows) > limit else ""

    async def erase(self, answered_before: datetime) -> int:
        """Erases bundles that came before a moment: how many. What is known of the request stays."""
        over = and_(asked_reports.c.answered_at < to_instant(answered_before), asked_reports.c.bundle.is_not(None))
        async with self._database.write() as connection:
            return int((await connection.execute(update(asked_reports).where(over).values(bundle=None))).rowcount)


def _query() -> Select[Any]:
    columns = [column for column in asked_reports.columns if column.name != "bundle"]
    sent = outbox.c.state.label("sent"), outbox.c.reason.label("sent_reason")
    here = asked_reports.c.bundle.is_not(None).label("here")
    return select(*columns, *sent, here).outerjoin(outbox, outbox.c.id == asked_reports.c.id)


def _asked(row: Row[Any], now: datetime) -> AskedReport:
    answered = row.answered_at is not None
    expires = from_instant(row.expires_at)
    state = AskedState.EXPIRED  # its message is forgotten: long over
    if answered:
        state = AskedState.ANSWERED if row.report_number else AskedState.REFUSED
    elif row.sent == OutboxState.REFUSED.value or expires > now:
        state = _STATES.get(row.sent, AskedState.EXPIRED)
    return AskedReport(
        id=row.id,
        receiver=row.receiver,
        state=state,
        created_at=from_instant(row.created_at),
        expires_at=expires,
        answered_at=from_instant(row.answered_at) if answered else None,
        report_number=row.report_number,
        reason=row.reason if answered else row.sent_reason or "",
        message=row.message,
        downloadable=row.here,
    )


def _token(row: Row[Any]) -> str:
    return urlsafe_b64encode(f"{row.created_at}.{row.id.hex()}".encode()).decode()


def _opened(token: str) -> tuple[int, bytes]:
    try:
        created_at, ask_id = urlsafe_b64decode(token.encode()).decode().split(".")
        place = int(created_at), bytes.fromhex(ask_id)
    except (binascii.Error, UnicodeError, ValueError):
        place = 0, b""
    if not 0 < place[0] < 2**63 or len(place[1]) != 16:
        raise InvalidInput("page_token", "Pass the next_page_token of the page before, unchanged.")
    return place
