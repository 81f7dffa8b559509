"""Violation records by subject, and the deliveries that brought them (R030, R042, R145).

A delivery is one transaction; it updates the records it knows again by their natural key (`record_rows.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.delivery import Delivery, DeliveryReceipt, QuarantinedRow, RecordRow
from node.model.records import RecordType, ViolationRecord
from node.model.subject import IdType, SubjectRef
from node.storage.bulk import of_subjects, upsert_rows
from node.storage.database import Database
from node.storage.grouping import GroupedLookup
from node.storage.record_rows import (
    LEAVE_FIRST_PLACE,
    WITHDRAW,
    WITHDRAW_ONLY,
    Places,
    delivery_identity,
    record_values,
    to_record,
    withdrawal,
)
from node.storage.schema import counters, deliveries, delivery_rows, quarantine, records, to_instant

_KEYS_PER_QUERY = 500

LastDeliveries = Mapping[tuple[str, str], date]
"""(unit, local code) -> as-of day of its last complete delivery."""


class FiledRecord(NamedTuple):
    """A record under one catalogue row."""

    local_code: str
    record_type: RecordType
    record: ViolationRecord


class RecordStore:
    """Records and deliveries. Every read sees what was committed before it, by any process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest_deliveries = GroupedLookup(self._read_deliveries, limit=1)
        self._known: tuple[int, LastDeliveries] = (-1, {})

    async def for_subjects(self, refs: Sequence[SubjectRef]) -> dict[SubjectRef, list[FiledRecord]]:
        """All records of subjects in one query, by catalogue row, type and day; subjects without any are left out."""
        table = records.c
        wanted = frozenset(refs)
        query = (
            select(records)
            .where(of_subjects(records, refs))
            .order_by(table.local_code, table.record_type, table.decided_on, table.record_key, table.ordinal)
        )
        found: dict[SubjectRef, list[FiledRecord]] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                ref = SubjectRef(IdType(row.id_type), row.id)
                if ref in wanted:
                    filed = FiledRecord(row.local_code, RecordType(row.record_type), to_record(row))
                    found.setdefault(ref, []).append(filed)
        return found

    async def apply_delivery(
        self,
        delivery: Delivery,
        rows: Sequence[RecordRow],
        quarantined: Sequence[QuarantinedRow] = (),
        withdrawn: Sequence[RecordRow] = (),
    ) -> DeliveryReceipt:
        """Store a delivery whole, in one transaction; the same delivery again (by content) changes nothing.

        `withdrawn` rows were delivered earlier and may no longer be shown (revoked, sealed): the stored record of that
        key and content goes, or the only one that key ever had. They go before `rows` come. Raises ValueError for rows
        that may not be stored or are filed under no catalogue row.
        """
        if not all(row.storable and row.local_code for row in rows):
            raise ValueError("a row may only be stored when it is storable and filed under a catalogue row")
        identity = delivery_identity(delivery)
        # A crash here leaves nothing of the delivery: it is ingested again from its first line.
        async with self._database.write() as connection:
            # First of all, so that deliveries of several processes go one after the other (PostgreSQL's row lock) and
            # whoever sees the higher number sees the delivery.
            bump = update(counters).where(counters.c.name == "deliveries").values(value=counters.c.value + 1)
            await connection.execute(bump)
            known = await connection.scalar(select(deliveries.c.id).where(deliveries.c.identity == identity))
            if known is not None:
                return DeliveryReceipt(known, repeated=True)
            number = await _insert_delivery(connection, delivery, identity, quarantined)
            for row in withdrawn:
                await _withdraw(connection, row)
            places = await _places(connection, sorted({row.subject for row in rows}))
            await upsert_rows(connection, records, record_values(rows, number, places))
        return DeliveryReceipt(number, repeated=False)

    async def quarantined(self, delivery_id: int) -> list[tuple[int, str, str, bytes]]:
        """(line, column, message, raw bytes) of the rows of a delivery that could not be read, as delivered."""
        table = quarantine.c
        query = select(table.line, table.column_name, table.message, table.raw).order_by(table.ordinal)
        async with self._database.read() as connection:
            return [tuple(row) for row in await connection.execute(query.where(table.delivery_id == delivery_id))]

    async def delivery_version(self) -> int:
        """A number that grows with every delivery of any process."""
        async with self._database.read() as connection:
            version = await connection.scalar(select(counters.c.value).where(counters.c.name == "deliveries"))
        return int(version or 0)

    async def last_complete_deliveries(self) -> LastDeliveries:
        """As-of day of the newest complete delivery per unit and catalogue row. Silent units are absent.

        Rows that were put aside hold the day back: only deliveries before theirs count, until the unit delivers that
        day again without a fault. Else the next delivery would promise what the row put aside denies.
        """
        held = _held_back().subquery()
        query = (
            select(deliveries.c.unit, delivery_rows.c.local_code, func.max(deliveries.c.as_of))
            .join(delivery_rows, delivery_rows.c.delivery_id == deliveries.c.id)
            .outerjoin(held, and_(held.c.unit == deliveries.c.unit, held.c.local_code == delivery_rows.c.local_code))
            .where(deliveries.c.complete, or_(held.c.since.is_(None), deliveries.c.as_of < held.c.since))
            .group_by(deliveries.c.unit, delivery_rows.c.local_code)
        )
        async with self._database.read() as connection:
            return {(unit, local_code): day for unit, local_code, day in await connection.execute(query)}

    async def deliveries(self) -> tuple[int, LastDeliveries]:
        """`delivery_version` and `last_complete_deliveries`, read again only when the version grew."""
        return await self._newest_deliveries.get(None) or self._known

    async def _read_deliveries(self, keys: Sequence[None]) -> dict[None, tuple[int, LastDeliveries]]:
        version = await self.delivery_version()
        if version != self._known[0]:
            # Read after the version: the days can only be newer than it says, and then it grows with the next call.
            self._known = (version, await self.last_complete_deliveries())
        return dict.fromkeys(keys, self._known)


async def _withdraw(connection: AsyncConnection, row: RecordRow) -> None:
    which = withdrawal(row)
    gone = (await connection.scalars(WITHDRAW, which)).all()
    if not gone:
        del which["of_content"]
        await connection.execute(WITHDRAW_ONLY, which)
    elif 0 not in gone:
        del which["of_content"]
        await connection.execute(LEAVE_FIRST_PLACE, {**which, "of_ordinal": gone[0]})


async def _insert_delivery(
    connection: AsyncConnection, delivery: Delivery, identity: bytes, quarantined: Sequence[QuarantinedRow]
) -> int:
    header = delivery.header
    values = {
        "identity": identity,
        "unit": header.unit,
        "as_of": header.as_of,
        "complete": header.complete,
        "received_at": to_instant(delivery.received_at),
        "content_digest": delivery.digest,
    }
    number = (await connection.execute(insert(deliveries).values(values).returning(deliveries.c.id))).scalar_one()
    codes = [{"delivery_id": number, "local_code": code} for code in dict.fromkeys(header.local_codes)]
    if codes:
        await connection.execute(insert(delivery_rows), codes)
    kept = [
        {
            "delivery_id": number,
            "ordinal": ordinal,
            "line": row.bad.line,
            "column_name": row.bad.column,
            "message": row.bad.message,
            "raw": row.raw,
        }
        for ordinal, row in enumerate(quarantined)
    ]
    if kept:
        await connection.execute(insert(quarantine), kept)
    return int(number)


def _held_back() -> Select[tuple[str, str, date]]:
    """(unit, local code, as-of day) of the first delivery whose rows put aside were not delivered again since."""
    again, again_rows = deliveries.alias(), delivery_rows.alias()
    corrected = (
        exists()
        .where(again.c.unit == deliveries.c.unit, again.c.as_of == deliveries.c.as_of, again.c.id > deliveries.c.id)
        .where(again_rows.c.delivery_id == again.c.id, again_rows.c.local_code == delivery_rows.c.local_code)
        .where(~exists().where(quarantine.alias().c.delivery_id == again.c.id))
    )
    return (
        select(deliveries.c.unit, delivery_rows.c.local_code, func.min(deliveries.c.as_of).label("since"))
        .join(delivery_rows, delivery_rows.c.delivery_id == deliveries.c.id)
        .where(exists().where(quarantine.c.delivery_id == deliveries.c.id), ~corrected)
        .group_by(deliveries.c.unit, delivery_rows.c.local_code)
    )


async def _places(connection: AsyncConnection, refs: Sequence[SubjectRef]) -> Places:
    """Where the records of these subjects stand."""
    table = records.c
    places: Places = {}
    for start in range(0, len(refs), _KEYS_PER_QUERY):
        condition = of_subjects(records, refs[start : start + _KEYS_PER_QUERY])
        query = select(table.id_type, table.id, table.record_key, table.content, table.ordinal).where(condition)
        for row in await connection.execute(query):
            key = (SubjectRef(IdType(row.id_type), row.id), row.record_key)
            places.setdefault(key, {})[row.content] = row.ordinal
    return places
