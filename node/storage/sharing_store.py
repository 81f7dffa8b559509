"""Which peers were told of which of their organisations (R183), held against what is known of those here.

What was told and the message that tells it share a transaction. Replicas of one node share the table: of two that tell
the same, the first commit counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, Subquery, and_, delete, exists, func, or_, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.calendar import day_in_china
from node.model.messages import MessageKind, Telling
from node.model.sharing import Holding, SharedBasics, SubjectBasics
from node.model.subject import IdType, SubjectRef
from node.model.territory import prefix_of
from node.storage.database import Database
from node.storage.outbox_store import queue
from node.storage.registration_store import RegistrationStore
from node.storage.schema import (
    deliveries,
    from_instant,
    outbox,
    records,
    registrations,
    shared_subjects,
    to_instant,
)
from node.storage.subject_pages import page_query, place, subject_of

_USCC = IdType.USCC.value


class SharingStore:
    """What peers were told, and what there is to tell."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._registrations = RegistrationStore(database)

    async def anything_told(self) -> bool:
        """Whether any peer was ever told anything that is not forgotten."""
        async with self._database.read() as connection:
            return bool(await connection.scalar(select(exists().select_from(shared_subjects))))

    async def queued(self) -> dict[str, int]:
        """How many messages of this kind wait for each peer."""
        mine = and_(outbox.c.ended_at.is_(None), outbox.c.kind == MessageKind.SUBJECT_BASICS.value)
        query = select(outbox.c.receiver, func.count().label("waiting")).where(mine).group_by(outbox.c.receiver)
        async with self._database.read() as connection:
            return {row.receiver: int(row.waiting) for row in await connection.execute(query)}

    async def holdings(self, after: str, limit: int, own: str) -> tuple[list[Holding], str]:
        """Of the next `limit` organisations by code of which records are held, or peers were told: those that matter.

        These are all but those of division `own` of which nobody was told; each with what the register says of it.
        With them the last code looked at, where the next piece begins; empty when there is none. Reads pieces of
        primary keys, whatever the tables hold.
        """
        page = _codes(after, limit)
        async with self._database.read() as connection:
            last, count = (await connection.execute(select(func.max(page.c.id), func.count()).select_from(page))).one()
            ids = list(await connection.scalars(_that_matter(page, prefix_of(own))))
            since = {row.id: _day(row.first) for row in await connection.execute(_first_received(ids))} if ids else {}
            shared: dict[str, list[SharedBasics]] = {}
            for row in await connection.execute(_told_of(ids)) if ids else ():
                shared.setdefault(row.id, []).append(_shared(row))
        subjects = [SubjectRef(IdType.USCC, each) for each in ids]
        registered = await self._registrations.get_many(subjects)
        found = [
            Holding(each, since.get(each.id), registered.get(each), tuple(shared.get(each.id, ()))) for each in subjects
        ]
        return found, last if count == limit else ""

    async def record(self, tellings: Sequence[Telling], ended: Sequence[SharedBasics] = ()) -> list[str]:
        """Notes what is told and queues the messages that tell it; forgets withdrawals that arrived.

        Returns the receivers of what was queued. What another replica has told meanwhile stays as that has it.
        """
        receivers = []
        # A crash before the commit has told nobody and noted nothing: the next sweep comes to the same. After it the
        # messages go out when the node runs again.
        async with self._database.write() as connection:
            for telling in tellings:
                if await _note(connection, telling):
                    await queue(connection, [telling.draft])
                    receivers.append(telling.told.receiver)
            for told in ended:
                await connection.execute(delete(shared_subjects).where(*_is(told, told.message_id)))
        return receivers

    async def list(
        self, receiver: str, subject: SubjectRef | None, limit: int, after: str
    ) -> tuple[list[SharedBasics], str]:
        """At most `limit` by code and receiver, and the next page's token ("" on the last). Raises InvalidInput."""
        table = shared_subjects
        query = page_query(_told(), table, table.c.receiver, receiver, subject, after).limit(limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        page = [_shared(row) for row in rows[:limit]]
        return page, place(rows[limit - 1], rows[limit - 1].receiver) if len(rows) > limit else ""


def _codes(after: str, limit: int) -> Subquery:
    """The next codes."""
    held, told = (
        select(table.c.id)
        .where(table.c.id_type == _USCC, table.c.id > after)
        .distinct()
        .order_by(table.c.id)
        .limit(limit)
        .subquery()
        for table in (records, shared_subjects)
    )
    both = union(select(held.c.id), select(told.c.id)).subquery()
    return select(both.c.id).order_by(both.c.id).limit(limit).subquery("page")


def _that_matter(page: Subquery, own: str) -> Select[Any]:
    """All but those of divisions that begin so, by the register or else by the code, of which nobody was told.

    The same question as `node.model.sharing` answers, asked beforehand: most records are of the own organisations.
    """
    mine = and_(registrations.c.id_type == _USCC, registrations.c.id == page.c.id)
    told = exists().where(shared_subjects.c.id_type == _USCC, shared_subjects.c.id == page.c.id)
    division = func.coalesce(registrations.c.division, func.substr(page.c.id, 3, 6))
    return (
        select(page.c.id)
        .outerjoin(registrations, mine)
        .where(or_(func.substr(division, 1, len(own)) != own, told))
        .order_by(page.c.id)
    )


async def _note(connection: AsyncConnection, telling: Telling) -> bool:
    """False when somebody else told that receiver of that subject since it was looked up."""
    told = telling.told
    values = {
        "name": told.basics.name,
        "since": told.basics.since,
        "message_id": told.message_id,
        "queued_at": to_instant(told.queued_at),
    }
    if telling.seen is not None:
        changed = update(shared_subjects).where(*_is(told, telling.seen)).values(values)
        return (await connection.execute(changed)).rowcount == 1
    subject = told.basics.subject
    key = {"id_type": subject.id_type.value, "id": subject.id, "receiver": told.receiver}
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(shared_subjects)
    return (await connection.execute(statement.values({**key, **values}).on_conflict_do_nothing())).rowcount == 1


def _is(told: SharedBasics, message_id: bytes) -> tuple[Any, ...]:
    table, subject = shared_subjects.c, told.basics.subject
    return (
        table.id_type == subject.id_type.value,
        table.id == subject.id,
        table.receiver == told.receiver,
        table.message_id == message_id,
    )


def _first_received(ids: Sequence[str]) -> Select[Any]:
    """When the first delivery came that still stands behind a record of each."""
    return (
        select(records.c.id, func.min(deliveries.c.received_at).label("first"))
        .join(deliveries, deliveries.c.id == records.c.delivery_id)
        .where(records.c.id_type == _USCC, records.c.id.in_(ids))
        .group_by(records.c.id)
    )


def _told_of(ids: Sequence[str]) -> Select[Any]:
    return _told().where(shared_subjects.c.id_type == _USCC, shared_subjects.c.id.in_(ids))


def _told() -> Select[Any]:
    return select(shared_subjects, func.coalesce(outbox.c.state, "").label("state")).outerjoin(
        outbox, outbox.c.id == shared_subjects.c.message_id
    )


def _shared(row: Row[Any]) -> SharedBasics:
    basics = SubjectBasics(subject_of(row), row.name, row.since)
    return SharedBasics(row.receiver, basics, row.message_id, from_instant(row.queued_at), row.state)


def _day(received_at: int) -> date:
    return day_in_china(from_instant(received_at))
