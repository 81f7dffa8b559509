"""The register: who is registered where (R022)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Row, select

from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.bulk import of_subjects, upsert_rows
from node.storage.database import Database
from node.storage.grouping import GroupedLookup
from node.storage.schema import registrations

_KEYS_PER_QUERY = 500


class RegistrationStore:
    """Registrations by normalised identifier. Every read sees what was committed before it, by any process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._grouped = GroupedLookup(self.get_many)

    async def get(self, ref: SubjectRef) -> Registration | None:
        """One registration, or None. Concurrent calls share queries."""
        return await self._grouped.get(ref)

    async def get_many(self, refs: Sequence[SubjectRef]) -> dict[SubjectRef, Registration]:
        """The registrations that exist among `refs`, 500 per query."""
        found = {}
        async with self._database.read() as connection:
            for start in range(0, len(refs), _KEYS_PER_QUERY):
                wanted = of_subjects(registrations, refs[start : start + _KEYS_PER_QUERY])
                for row in await connection.execute(select(registrations).where(wanted)):
                    registration = _registration(row)
                    found[registration.ref] = registration
        return {ref: found[ref] for ref in refs if ref in found}

    async def upsert(self, items: Iterable[Registration]) -> None:
        """Insert or replace registrations in one transaction; of one identifier the last counts."""
        newest = {item.ref: item for item in items}
        # Sorted, so that two such transactions on PostgreSQL lock rows in the same order and never each other.
        rows = [_values(newest[ref]) for ref in sorted(newest)]
        # A crash here leaves the register as it was; the same rows are simply ingested again.
        async with self._database.write() as connection:
            await upsert_rows(connection, registrations, rows)


def _values(item: Registration) -> dict[str, object]:
    return {
        "id_type": item.ref.id_type.value,
        "id": item.ref.id,
        "name": item.name,
        "kind": item.kind.value,
        "division": item.division,
        "registered_on": item.registered_on,
        "excluded": item.excluded,
    }


def _registration(row: Row[tuple[object, ...]]) -> Registration:
    return Registration(
        SubjectRef(IdType(row.id_type), row.id),
        row.name,
        SubjectKind(row.kind),
        row.division,
        row.registered_on,
        row.excluded,
    )
