"""What is looked up where a key of an issuer was compromised: by when statements stood in its log, and who says so.

Nothing of this is asked for issuers whose keys were never in other hands, so it costs the common verdict nothing. It is
read from storage at each question: whoever moves a compromise to an earlier moment changes what counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from node.model.log import EntryView
from node.model.witnesses import OURSELVES, Lifting, Sighting
from node.verification.trusting import KnownIssuer
from trust.errors import TrustError
from trust.flags import without_liftings
from trust.issuers import TrustedIssuer, open_status_change
from trust.log.checkpoint import own_cosigner
from trust.sightings import existence
from trust.witnesses import Witnessing

LIFTINGS_JUDGED = 32
"""Changes of one statement that clear a flag and are judged; where there are more, none of them counts."""


class AgeRecords(Protocol):
    """What this node keeps of when logs had grown, and the changes that clear flags. One query each."""

    async def first_sightings(
        self, keys: Sequence[tuple[str, str, int]]
    ) -> Mapping[tuple[str, str, int], Sighting]: ...
    async def liftings(self, keys: Sequence[tuple[str, bytes]]) -> Mapping[tuple[str, bytes], Sequence[Lifting]]: ...


@dataclass(frozen=True, slots=True)
class Suspect:
    """A statement in our view whose issuer has had a key in other hands.

    `signed`: whether such a key signed it. `quorum`: how many witnesses our trust certificate demands.
    """

    digest: bytes
    entry: EntryView
    signed: bool
    trusted: TrustedIssuer
    witnessing: Witnessing
    quorum: int


@dataclass(frozen=True, slots=True)
class Aged:
    """The same statement, without the clearing of flags that a thief could have signed, and who saw it when."""

    entry: EntryView
    sightings: tuple[Sighting, ...]


class Ages:
    """Judges suspects. `issuers`: everybody known now, by division; their nodes are each other's witnesses."""

    def __init__(
        self, records: AgeRecords, issuers: Mapping[str, KnownIssuer], known_at: datetime, skew: timedelta
    ) -> None:
        self._records = records
        self._witnesses = {division: own_cosigner(known.trusted.origin) for division, known in issuers.items()}
        self._known_at = known_at
        self._skew = skew

    async def of(self, suspects: Sequence[Suspect]) -> list[Aged]:
        """One for each, in order: two queries for all of them."""
        lifted = [
            (each.entry.origin, each.digest)
            for each in suspects
            # Of a log that was succeeded the changes of several logs stand together: none of the clearings is believed.
            if 0 < _clearings(each.entry) <= LIFTINGS_JUDGED and not each.trusted.closed
        ]
        liftings = await self._records.liftings(lifted) if lifted else {}
        # Those that came since the entry was read are not among its changes.
        of_each = [
            tuple(liftings.get((each.entry.origin, each.digest), ()))[: _clearings(each.entry)] for each in suspects
        ]
        places = [
            (each, index)
            for each, changes in zip(suspects, of_each, strict=True)
            for index in (
                *((each.entry.index,) if each.signed else ()),
                *(change.index for change in changes),
            )
        ]
        found = await self._sightings(places)
        aged = []
        for each, changes in zip(suspects, of_each, strict=True):
            entry = self._believed(each, changes, found) if _clearings(each.entry) else each.entry
            own = found.get((each.entry.origin, each.entry.index), ()) if each.signed else ()
            aged.append(Aged(entry, own))
            await asyncio.sleep(0)  # a few signatures each
        return aged

    async def _sightings(self, places: Sequence[tuple[Suspect, int]]) -> dict[tuple[str, int], tuple[Sighting, ...]]:
        """By origin and index, ours and, where our trust certificate counts on witnesses, theirs by name."""
        keys = [
            (each.entry.origin, witness, index)
            for each, index in places
            for witness in (OURSELVES, *(self._witnesses if each.quorum else ()))
        ]
        found: dict[tuple[str, int], tuple[Sighting, ...]] = {}
        if keys:
            for (origin, witness, index), sighting in (await self._records.first_sightings(keys)).items():
                named = replace(sighting, witness=self._witnesses[witness]) if witness else sighting
                found[origin, index] = (*found.get((origin, index), ()), named)
        return found

    def _believed(
        self,
        suspect: Suspect,
        changes: Sequence[Lifting],
        found: Mapping[tuple[str, int], tuple[Sighting, ...]],
    ) -> EntryView:
        """What clears a flag was believed when it came, before the compromise was told: it is judged again."""
        entry = suspect.entry
        believed = [self._stands(suspect, change, found) for change in changes]
        return replace(entry, statuses=tuple(without_liftings(entry.statuses, believed)))

    def _stands(self, suspect: Suspect, change: Lifting, found: Mapping[tuple[str, int], tuple[Sighting, ...]]) -> bool:
        existed = existence(
            change.index,
            found.get((suspect.entry.origin, change.index), ()),
            suspect.trusted,
            suspect.witnessing,
            suspect.quorum,
            self._known_at,
            self._skew,
        )
        try:
            open_status_change(change.entry, suspect.trusted, None if existed is None else existed.by_issuer_clock)
        except TrustError:
            return False
        return True


def _clearings(entry: EntryView) -> int:
    return sum(not change.set for change in entry.statuses)
