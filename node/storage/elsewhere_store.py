"""Own organisations of which peers say that they hold records (R183). Nothing but the list of them reads this table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.sharing import SubjectBasics, SubjectElsewhere
from node.model.subject import SubjectRef
from node.storage.bulk import upsert_rows
from node.storage.database import Database
from node.storage.schema import from_instant, subjects_elsewhere, to_instant
from node.storage.subject_pages import page_query, place, subject_of


async def keep_basics(connection: AsyncConnection, holder: str, basics: SubjectBasics, at: datetime) -> None:
    """Keeps a peer's newest word of a subject, or erases it where that withdraws, in a transaction that is open."""
    subject, table = basics.subject, subjects_elsewhere
    if basics.since is None:
        mine = (table.c.id_type == subject.id_type.value, table.c.id == subject.id, table.c.holder == holder)
        await connection.execute(delete(table).where(*mine))
        return
    values = {
        "id_type": subject.id_type.value,
        "id": subject.id,
        "holder": holder,
        "name": basics.name,
        "since": basics.since,
        "received_at": to_instant(at),
    }
    await upsert_rows(connection, table, [values])


class ElsewhereStore:
    """What peers said, by subject and peer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, holder: str, most: int) -> int:
        """Of how many subjects a peer's word is kept, counted up to `most`."""
        rows = select(subjects_elsewhere.c.id).where(subjects_elsewhere.c.holder == holder).limit(most).subquery()
        async with self._database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(rows)) or 0)

    async def list(
        self, holder: str, subject: SubjectRef | None, limit: int, after: str
    ) -> tuple[list[SubjectElsewhere], str]:
        """At most `limit` by code and holder, and the token of the next page ("" on the last). Raises InvalidInput."""
        table = subjects_elsewhere
        query = page_query(select(table), table, table.c.holder, holder, subject, after).limit(limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        page = [
            SubjectElsewhere(
                row.holder, SubjectBasics(subject_of(row), row.name, row.since), from_instant(row.received_at)
            )
            for row in rows[:limit]
        ]
        return page, place(rows[limit - 1], rows[limit - 1].holder) if len(rows) > limit else ""
