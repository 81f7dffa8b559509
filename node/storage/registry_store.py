"""The trust registry at rest: one transaction takes in a refresh whole, files and facts together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from node.model.registry import RegistryFact, RegistryRecord, RegistryStanding
from node.storage.bulk import upsert_rows
from node.storage.database import Database
from node.storage.schema import (
    from_instant,
    registry_facts,
    registry_files,
    registry_standings,
    registry_state,
    to_instant,
)

KEPT_GENERATIONS = 8
"""For how many changes a superseded file is still served: who began to fetch the release before can finish."""

_ONLY = 1


class RegistryStore:
    """What this node holds of the trust registry. Replicas of one node share it; the first change of two counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def generation(self) -> int | None:
        """Grows with each change; None when no registry was joined. Cheap enough to ask every second."""
        async with self._database.read() as connection:
            found: int | None = await connection.scalar(select(registry_state.c.generation))
        return found

    async def load(self) -> RegistryRecord | None:
        """The registry as last verified, None when none was joined."""
        async with self._database.read() as connection:
            state = (await connection.execute(select(registry_state))).one_or_none()
            if state is None:
                return None
            facts = (await connection.execute(select(registry_facts).order_by(*registry_facts.primary_key))).all()
            standings = (
                await connection.execute(select(registry_standings).order_by(registry_standings.c.division))
            ).all()
        return RegistryRecord(
            generation=state.generation,
            root_version=state.root_version,
            snapshot_version=state.snapshot_version,
            coordinator=state.coordinator,
            signed_at=_instant(state.signed_at),
            ends={role: from_instant(end) for role, end in json.loads(state.ends).items()},
            facts=tuple(map(_fact, facts)),
            standings=tuple(
                RegistryStanding(
                    row.division, from_instant(row.refreshed_at), from_instant(row.expires_at), row.problem
                )
                for row in standings
            ),
        )

    async def file(self, name: str) -> bytes | None:
        """One verified file by the name under which a mirror serves it, also of the releases just before."""
        async with self._database.read() as connection:
            found: bytes | None = await connection.scalar(
                select(registry_files.c.content).where(registry_files.c.name == name)
            )
        return found

    async def files(self) -> dict[str, bytes]:
        """All files of the newest verified release."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(registry_files.c.name, registry_files.c.content).where(registry_files.c.superseded_in.is_(None))
            )
            return {row.name: row.content for row in rows}

    async def commit(self, expected: int | None, record: RegistryRecord, files: Mapping[str, bytes]) -> bool:
        """Take in what was verified: `record` with its files, when the generation still is `expected`.

        False when another replica or command was first: nothing was changed, look again.
        """
        # A crash before the commit leaves what was verified before, whole; after it, all of the new. There is no file
        # beside the database that could say otherwise.
        async with self._database.write() as connection:
            if not await _swapped(connection, expected, _state(record)):
                return False
            await _put_files(connection, record.generation, files)
            await _put_facts(connection, record.facts)
            await connection.execute(registry_standings.delete())
            await upsert_rows(connection, registry_standings, [_standing_row(each) for each in record.standings])
            return True


async def _swapped(connection: AsyncConnection, expected: int | None, values: dict[str, Any]) -> bool:
    if expected is not None:
        here = registry_state.c.generation == expected
        return (await connection.execute(registry_state.update().where(here).values(values))).rowcount == 1
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(registry_state)
    joined = await connection.execute(insert.values(id=_ONLY, **values).on_conflict_do_nothing())
    return joined.rowcount == 1


async def _put_files(connection: AsyncConnection, generation: int, files: Mapping[str, bytes]) -> None:
    """The new release beside the ones just before: only what is new is written, only what is long past is deleted."""
    table = registry_files.c
    rows = (await connection.execute(select(table.name, table.superseded_in, table.content))).all()
    served = {row.name: row.content for row in rows if row.superseded_in is None}
    gone = [name for name in served if name not in files]
    await connection.execute(registry_files.update().where(table.name.in_(gone)).values(superseded_in=generation))
    await connection.execute(registry_files.delete().where(table.superseded_in <= generation - KEPT_GENERATIONS))
    # Compared by content: a name says its version or its hash, and whoever signed two files under one could make us
    # keep one and vouch for the other.
    fresh = [name for name, content in files.items() if served.get(name) != content]
    values = [{"name": name, "content": files[name], "superseded_in": None} for name in fresh]
    await upsert_rows(connection, registry_files, values)


async def _put_facts(connection: AsyncConnection, facts: tuple[RegistryFact, ...]) -> None:
    """Facts that are new or have ended; those that stay as they were are not written again."""
    held = {_fact(row) for row in await connection.execute(select(registry_facts))}
    rows = [
        {
            "division": fact.division,
            "kind": fact.kind,
            "name": fact.name,
            "digest": fact.digest,
            "known_from": to_instant(fact.known_from),
            "known_until": _stored(fact.known_until),
            "valid_from": to_instant(fact.valid_from),
            "valid_until": _stored(fact.valid_until),
            "content": fact.content,
        }
        for fact in facts
        if fact not in held
    ]
    await upsert_rows(connection, registry_facts, rows)


def _state(record: RegistryRecord) -> dict[str, Any]:
    return {
        "generation": record.generation,
        "root_version": record.root_version,
        "snapshot_version": record.snapshot_version,
        "coordinator": record.coordinator,
        "signed_at": _stored(record.signed_at),
        "ends": json.dumps({role: to_instant(end) for role, end in sorted(record.ends.items())}),
    }


def _standing_row(standing: RegistryStanding) -> dict[str, Any]:
    return {
        "division": standing.division,
        "refreshed_at": to_instant(standing.refreshed_at),
        "expires_at": to_instant(standing.expires_at),
        "problem": standing.problem,
    }


def _fact(row: Row[Any]) -> RegistryFact:
    return RegistryFact(
        division=row.division,
        kind=row.kind,
        name=row.name,
        content=row.content,
        digest=row.digest,
        valid_from=from_instant(row.valid_from),
        valid_until=_instant(row.valid_until),
        known_from=from_instant(row.known_from),
        known_until=_instant(row.known_until),
    )


def _stored(instant: datetime | None) -> int | None:
    return None if instant is None else to_instant(instant)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else from_instant(value)
