"""Everything that a report about a subject is made of, read for many callers at once."""

from __future__ import annotations

from collections.abc import Sequence

from node.gathering import Gathering
from node.model.issuing import SubjectFacts
from node.model.subject import SubjectRef
from node.storage.grouping import GroupedLookup
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore


class SubjectFactsReader:
    """Registrations, records and deliveries together: three queries for however many callers ask at the same time."""

    def __init__(self, registrations: RegistrationStore, records: RecordStore, gathering: Gathering) -> None:
        self._registrations = registrations
        self._records = records
        self._grouped = GroupedLookup(self._read, gathering=gathering)

    async def get(self, ref: SubjectRef) -> SubjectFacts:
        """What is committed about one subject at a moment after the call began."""
        facts = await self._grouped.get(ref)
        if facts is None:
            raise AssertionError("every subject that was asked for has facts, were they none at all")
        return facts

    async def _read(self, refs: Sequence[SubjectRef]) -> dict[SubjectRef, SubjectFacts]:
        # Deliveries first: a delivery that comes in between can then only make the report show more than it claims.
        version, deliveries = await self._records.deliveries()
        records = await self._records.for_subjects(refs)
        registrations = await self._registrations.get_many(refs)
        return {ref: SubjectFacts(registrations.get(ref), records.get(ref, ()), version, deliveries) for ref in refs}
