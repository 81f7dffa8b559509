"""What our views of an issuer's logs hold of its statements: one look-up for all, across logs that were succeeded.

Most issuers have one log, and cost one query. Where a log was closed and another goes on in its place, the entry may
stand in any of them, and what was said of it since in any later one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from node.model.log import EntryView, StatusEvent, StatusFlag
from node.model.witnesses import Sighting
from trust.issuers import ClosedLog, TrustedIssuer
from trust.reading import Reading
from trust.recovery import NOTHING_OPEN, LeftOpen

StatementKey = tuple[str, bytes, str]
"""(origin of the log, digest of the envelope, report number that the statement bears)."""
StatusKey = tuple[str, bytes]
"""(origin of the log, digest of the envelope)."""

_NO_FLAGS: frozenset[StatusFlag] = frozenset()
_NOWHERE: frozenset[str] = frozenset()


class LogViews(Protocol):
    """Our views of logs. Look-ups of concurrent callers share queries."""

    async def find_by_digests(self, keys: Sequence[StatementKey]) -> Mapping[StatementKey, EntryView]: ...
    async def find_by_report_number(self, origin: str, report_number: str) -> EntryView | None: ...


class ClosedViews(Protocol):
    """Of logs that were closed. `statuses` are what a log says of a statement that may stand in another one."""

    def settled(self, log: ClosedLog) -> bool: ...
    async def statuses(self, keys: Sequence[StatusKey]) -> Mapping[StatusKey, Sequence[StatusEvent]]: ...
    async def discarded_flags(
        self, keys: Sequence[StatusKey], settled: Collection[str]
    ) -> Mapping[StatusKey, frozenset[StatusFlag]]: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What is held of one statement. `sightings`: who saw it in its log when, where that was asked (`proving_age`)."""

    entry: EntryView | None
    left_open: LeftOpen = NOTHING_OPEN
    sightings: tuple[Sighting, ...] = ()


_NOTHING = Found(None)


class Logs:
    """Finds statements in all logs of their issuers."""

    def __init__(self, views: LogViews, closed: ClosedViews) -> None:
        self._views = views
        self._closed = closed

    async def by_number(self, trusted: TrustedIssuer, report_number: str) -> EntryView | None:
        """The statement of that number in the newest log that counts and holds it."""
        for origin in (trusted.origin, *(log.origin for log in reversed(trusted.closed))):
            found = await self._views.find_by_report_number(origin, report_number)
            if found is not None and _counts(found, trusted, self._settled(trusted)):
                return found
        return None

    async def find(self, cases: Sequence[tuple[Reading, TrustedIssuer | None]], as_of: datetime) -> list[Found]:
        """For each case what is held of its statement, in order. An unknown issuer's is not looked for.

        `as_of`: the moment whose rules apply. What a log says takes effect by then, or settles no doubt.
        """
        # Before anything is read: what is read of a log that is settled only meanwhile may be of another history.
        settled = {
            trusted.division: self._settled(trusted) for _, trusted in cases if trusted is not None and trusted.closed
        }
        keys = [key for reading, trusted in cases if trusted is not None for key in _keys(reading, trusted)]
        entries = await self._views.find_by_digests(keys)
        if not settled:
            return [
                _NOTHING if trusted is None else _found(entries.get(_keys(reading, trusted)[0]))
                for reading, trusted in cases
            ]
        changes = [
            key[:2] for reading, trusted in cases if trusted and trusted.closed for key in _keys(reading, trusted)
        ]
        statuses = await self._closed.statuses(changes)
        discarded = await self._closed.discarded_flags(changes, frozenset[str]().union(*settled.values()))
        return [
            _NOTHING
            if trusted is None
            else _across(reading, trusted, settled.get(trusted.division, _NOWHERE), entries, statuses, discarded, as_of)
            for reading, trusted in cases
        ]

    def _settled(self, trusted: TrustedIssuer) -> frozenset[str]:
        return frozenset(log.origin for log in trusted.closed if self._closed.settled(log))


def _across(
    reading: Reading,
    trusted: TrustedIssuer,
    settled: frozenset[str],
    entries: Mapping[StatementKey, EntryView],
    statuses: Mapping[StatusKey, Sequence[StatusEvent]],
    discarded: Mapping[StatusKey, frozenset[StatusFlag]],
    as_of: datetime,
) -> Found:
    keys = _keys(reading, trusted)
    if not trusted.closed:
        return _found(entries.get(keys[0]))
    empty = frozenset(log.origin for log in trusted.closed if log.size == 0)
    said: list[StatusEvent] = []
    restated: frozenset[StatusFlag] = _NO_FLAGS
    doubted = False
    # From the newest log back: what was discarded of a log is settled by what any later one says of that flag.
    for origin, digest, _ in keys:
        events = statuses.get((origin, digest), ()) if origin == trusted.origin or origin in settled else ()
        given_up = discarded.get((origin, digest), _NO_FLAGS)
        if origin in empty:  # there was nothing to cut it back to: all that is held of it is given up
            given_up |= {event.flag for event in events if event.set}
            events = ()
        doubted |= bool(given_up - restated)
        said[:0] = events
        restated |= {event.flag for event in events if _settles(event, trusted, as_of)}
    held = (entry for key in keys if (entry := entries.get(key)) is not None and _counts(entry, trusted, settled))
    entry = next(held, None)
    return Found(
        None if entry is None else replace(entry, statuses=tuple(said)),
        LeftOpen(frozenset(log.origin for log in trusted.closed) - settled, doubted),
    )


def _settles(event: StatusEvent, trusted: TrustedIssuer, as_of: datetime) -> bool:
    """Whether a change says what holds of its flag: a clearing that a lost key may have signed is not believed."""
    return event.effective_at <= as_of and (event.set or not trusted.compromised)


def _found(entry: EntryView | None) -> Found:
    return _NOTHING if entry is None else Found(entry)


def _counts(entry: EntryView, trusted: TrustedIssuer, settled: frozenset[str]) -> bool:
    """Whether an entry stands where its log counts."""
    if entry.origin == trusted.origin:
        return True
    return any(
        log.origin == entry.origin and log.origin in settled and entry.index < log.size for log in trusted.closed
    )


def _keys(reading: Reading, trusted: TrustedIssuer) -> list[StatementKey]:
    """One for each log of the issuer, the newest first."""
    number = "" if reading.attestation is None else reading.attestation.report_number
    origins = [trusted.origin, *(log.origin for log in reversed(trusted.closed))]
    return [(origin, reading.envelope_digest, number) for origin in origins]
