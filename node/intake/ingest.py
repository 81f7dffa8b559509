"""The use case behind `huxin ingest`: one delivery of one source unit, stored whole or not at all.

What the law keeps out of reports (R043-R045, R052, R053, F07: not effective, not penalised, revoked, secret, sealed) is
never stored, leaves no trace in any number, and takes with it what an earlier delivery or another line of the same
file brought of the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol

from node.errors import InvalidInput
from node.model.calendar import day_in_china
from node.model.catalogue import Catalogue, rows_naming
from node.model.delivery import (
    BadRow,
    Delivery,
    DeliveryHeader,
    DeliveryReceipt,
    QuarantinedRow,
    RecordRow,
    RegistrationRow,
)
from node.model.records import SEVERE_LIST
from node.model.subject import Registration
from node.model.territory import contains

_GROUP = 2000
"""Registrations per transaction."""


class RecordStore(Protocol):
    """Where records live. `apply_delivery` is one transaction: everything or nothing.

    The same delivery again (same unit, rows, day and bytes) changes nothing. `withdrawn` rows go, `rows` come.
    """

    async def apply_delivery(
        self,
        delivery: Delivery,
        rows: Sequence[RecordRow],
        quarantined: Sequence[QuarantinedRow] = (),
        withdrawn: Sequence[RecordRow] = (),
    ) -> DeliveryReceipt: ...


class RegistrationStore(Protocol):
    """The register of subjects."""

    async def upsert(self, items: Iterable[Registration]) -> None: ...


Progress = Callable[[int], None]
"""Told the number of rows read since the last call."""


@dataclass(frozen=True, slots=True)
class IntakeSummary:
    """What became of a file. Rows that the law keeps out are in none of the numbers.

    `complete`: the delivery moves what its rows are covered until. `repeated`: it was stored before. `doubtful` rows
    are filed, and somebody should look at them.
    """

    filed: int
    quarantined: tuple[BadRow, ...]
    complete: bool = False
    repeated: bool = False
    doubtful: tuple[BadRow, ...] = ()


@dataclass(slots=True)
class _Sorted:
    """Rows of one delivery by what becomes of them."""

    kept: list[RecordRow] = field(default_factory=list)
    withdrawn: list[RecordRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


class IngestRecords:
    """Takes deliveries into the record store of one jurisdiction."""

    def __init__(self, store: RecordStore, catalogue: Catalogue, now: Callable[[], datetime]) -> None:
        self._store = store
        self._catalogue = catalogue
        self._now = now

    async def ingest(
        self,
        header: DeliveryHeader,
        digest: bytes,
        rows: Iterable[RecordRow | BadRow],
        raw_line: Callable[[int], bytes],
        progress: Progress,
    ) -> IntakeSummary:
        """Stores a delivery. `digest` is SHA-256 of the file, `raw_line` its physical lines, counted from 1.

        Raises InvalidInput when the header names a row or unit that the catalogue does not have.
        """
        now = self._now()
        check_header(header, self._catalogue, day_in_china(now))
        found = _Sorted()
        for row in rows:
            progress(1)
            self._sort(row, header, found)
        # A delivery with rows put aside is not complete, whatever its header says: one of them may be the record that
        # a "no record found" would deny.
        complete = header.complete and not found.bad
        withdrawn = set(map(_identity, found.withdrawn))
        kept = [row for row in found.kept if _identity(row) not in withdrawn]
        receipt = await self._store.apply_delivery(
            Delivery(replace(header, complete=complete), now, digest),
            kept,
            [QuarantinedRow(bad, raw_line(bad.line)) for bad in found.bad],
            found.withdrawn,
        )
        doubtful = tuple(_doubt(row.line) for row in kept if row.warnings)
        return IntakeSummary(len(kept), tuple(found.bad), complete, receipt.repeated, doubtful)

    def _sort(self, row: RecordRow | BadRow, header: DeliveryHeader, found: _Sorted) -> None:
        if isinstance(row, BadRow):
            found.bad.append(row)
            return
        for filed in file_record(row, header, self._catalogue):
            if not row.storable:
                # Not even as a bad row: a mistake in a sealed row must not give it away.
                if isinstance(filed, RecordRow):
                    found.withdrawn.append(filed)
            elif isinstance(filed, BadRow):
                found.bad.append(filed)
            else:
                found.kept.append(filed)


class IngestRegistrations:
    """Takes the register of subjects in: who is registered where decides eligibility (R022)."""

    def __init__(self, store: RegistrationStore, territory: str) -> None:
        self._store = store
        self._territory = territory

    async def ingest(self, rows: Iterable[RegistrationRow | BadRow], progress: Progress) -> IntakeSummary:
        """Stores registrations in groups; a repeated file changes nothing.

        A subject registered elsewhere is stored as well: so one that moved away is no longer issued to here.
        """
        quarantined: list[BadRow] = []
        doubtful: list[BadRow] = []
        group: list[Registration] = []
        filed = 0
        for row in rows:
            progress(1)
            if isinstance(row, BadRow):
                quarantined.append(row)
                continue
            if row.warnings:
                doubtful.append(_doubt(row.line))
            if not contains(self._territory, row.registration.division):
                doubtful.append(BadRow(row.line, "division", "It lies elsewhere: no report will be issued here."))
            group.append(row.registration)
            if len(group) >= _GROUP:
                filed += await self._flush(group)
        return IntakeSummary(filed + await self._flush(group), tuple(quarantined), doubtful=tuple(doubtful))

    async def _flush(self, group: list[Registration]) -> int:
        # A crash here leaves whole groups: the same file again completes them.
        count = len(group)
        if group:
            await self._store.upsert(group)
            group.clear()
        return count


def _doubt(line: int) -> BadRow:
    """A code whose check character fails: some in use do, others are mistyped (GB 32100)."""
    return BadRow(line, "subject_id", "Its check character does not fit; compare the code with the register.")


def check_header(header: DeliveryHeader, catalogue: Catalogue, today: date) -> None:
    """Raises InvalidInput when a delivery names a row or unit that the catalogue lacks, or a day to come."""
    if header.as_of > today:
        raise InvalidInput("as_of", f"A delivery cannot be complete for days to come; today is {today.isoformat()}.")
    for code in header.local_codes:
        row = catalogue.rows.get(code)
        if row is None:
            raise InvalidInput(
                "local_codes",
                f"The catalogue {catalogue.version} has no row {code}; see `huxin catalogue show "
                f"{catalogue.division}`.",
            )
        if row.units and header.unit not in row.units:
            raise InvalidInput(
                "unit", f"Row {code} {row.local_name} is delivered by {'; '.join(row.units)}, not by {header.unit}."
            )


def file_record(row: RecordRow, header: DeliveryHeader, catalogue: Catalogue) -> list[RecordRow | BadRow]:
    """Under which rows a record is filed: its own and, for a list entry, every row that names its list (R046).

    The row that the unit gave stays although the catalogue does not tie the list to it: whoever asks that row must not
    be told that there is no record.
    """
    codes = [row.local_code] if row.local_code else []
    if row.record_type == SEVERE_LIST and row.record.list_name:
        named = rows_naming(catalogue, row.record.list_name)
        own = catalogue.rows.get(row.local_code)
        if named and (own is None or own.collects(SEVERE_LIST) is None):
            codes = []
        codes = list(dict.fromkeys([*named, *codes]))
    if not codes:
        return [BadRow(row.line, "list_name", "No row of the catalogue names this list; give its local_code.")]
    if row.local_code and header.local_codes and row.local_code not in header.local_codes:
        return [BadRow(row.line, "local_code", "The delivery's header does not name this row.")]
    return [_filed_under(code, row, catalogue) for code in codes]


def _filed_under(code: str, row: RecordRow, catalogue: Catalogue) -> RecordRow | BadRow:
    entry = catalogue.rows.get(code)
    if entry is None:
        advice = f"The catalogue has no such row; see `huxin catalogue show {catalogue.division}`."
        return BadRow(row.line, "local_code", advice)
    if entry.collects(row.record_type) is None:
        return BadRow(row.line, "record_type", f"Row {code} does not collect records of this type.")
    return replace(row, local_code=code)


def _identity(row: RecordRow) -> tuple[object, ...]:
    """What makes two lines speak of one record. Repair and removal may have come since."""
    record = row.record
    decision = (record.deciding_authority, record.document_number, record.decided_on, record.list_name, record.content)
    return (row.subject, row.local_code, row.record_type, decision)
