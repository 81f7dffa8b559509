"""Rows of log_sightings: by when a log had a size, and who says so.

Every look-up is one range of the primary key for each key asked for: the smallest size beyond an index is the first
that was seen to hold it. Sizes of one witness rise with time, for a row is written only after the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, String, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.witnesses import OURSELVES, SIGHTING_EVERY, Lifting, Sighting
from node.storage.bulk import key_table
from node.storage.database import Database
from node.storage.schema import from_instant, log_sightings, to_instant

SightingKey = tuple[str, str, int]
"""(origin, witness, index): the first sighting of the entry by that witness."""

_KEYS_AT_ONCE = 4_096
_KEEP = text("""
    INSERT INTO log_sightings (origin, witness, size, seen_at)
    SELECT :origin, :witness, :size, :seen_at
    WHERE NOT EXISTS (
        SELECT 1 FROM log_sightings WHERE origin = :origin AND witness = :witness AND size >= :size
    ) AND NOT EXISTS (
        SELECT 1 FROM log_sightings s WHERE s.origin = :origin AND s.witness = :witness AND s.seen_at > :settled
            AND s.size = (SELECT max(t.size) FROM log_sightings t WHERE t.origin = :origin AND t.witness = :witness)
    )""").bindparams(
    *(bindparam(name, type_=String()) for name in ("origin", "witness")),
    *(bindparam(name, type_=BigInteger()) for name in ("size", "seen_at", "settled")),
)


async def keep_sighting(
    connection: AsyncConnection, origin: str, sighting: Sighting, every: timedelta = SIGHTING_EVERY
) -> None:
    """Add a sighting in the caller's transaction, unless the witness told as much before, or anything less long ago.

    A moment before that of a smaller size is left out as well: a clock that went back would make entries seem older.
    """
    moments = {"seen_at": to_instant(sighting.at), "settled": to_instant(sighting.at - every)}
    await connection.execute(_KEEP, {"origin": origin, "witness": sighting.witness, "size": sighting.size, **moments})


async def last_sighting(database: Database, origin: str, witness: str = OURSELVES) -> Sighting | None:
    """The largest size of a log that a witness is known to have seen."""
    table = log_sightings.c
    query = select(table.size, table.seen_at).where(table.origin == origin, table.witness == witness)
    async with database.read() as connection:
        row = (await connection.execute(query.order_by(table.size.desc()).limit(1))).one_or_none()
    return None if row is None else Sighting(witness, row.size, from_instant(row.seen_at))


async def first_sightings(database: Database, keys: Sequence[SightingKey]) -> dict[SightingKey, Sighting]:
    """(origin, witness, index) -> the sighting of the smallest size that holds the entry of that index."""
    found: dict[SightingKey, Sighting] = {}
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), _KEYS_AT_ONCE):
        columns = {"origin": str, "witness": str, "idx": int}
        table, parameters = key_table(database.dialect, columns, distinct[start : start + _KEYS_AT_ONCE])
        # CROSS JOIN: SQLite then goes from each key to one place of one primary key.
        query = f"""{table} SELECT keys.origin, keys.witness, keys.idx, s.size, s.seen_at
            FROM keys CROSS JOIN log_sightings s
            WHERE s.origin = keys.origin AND s.witness = keys.witness AND s.size = (
                SELECT min(t.size) FROM log_sightings t
                WHERE t.origin = keys.origin AND t.witness = keys.witness AND t.size > keys.idx
            )"""  # noqa: S608 - own names
        for origin, witness, index, size, at in await database.fetch(query, parameters):
            found[origin, witness, index] = Sighting(witness, size, from_instant(at))
    return found


async def liftings(database: Database, keys: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], list[Lifting]]:
    """(origin, digest of an attestation) -> every change in that log which clears one of its flags, in log order."""
    found: dict[tuple[str, bytes], list[Lifting]] = {}
    if not keys:
        return found
    table, parameters = key_table(database.dialect, {"origin": str, "digest": bytes}, list(dict.fromkeys(keys)))
    query = f"""{table} SELECT keys.origin, keys.digest, e.idx, e.entry
        FROM keys CROSS JOIN log_status s JOIN log_entries e ON e.origin = s.origin AND e.idx = s.idx
        WHERE s.origin = keys.origin AND s.attestation_digest = keys.digest AND NOT s.is_set
        ORDER BY e.idx"""  # noqa: S608 - own names
    for origin, digest, index, entry in await database.fetch(query, parameters):
        found.setdefault((origin, digest), []).append(Lifting(index, entry))
    return found
