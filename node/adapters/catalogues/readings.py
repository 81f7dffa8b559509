"""How the words of published catalogues are read: record types and the days from which they are collected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from node.adapters.textfiles import TableRow, read_table
from node.model.catalogue import Caveat, CollectedType
from node.model.records import RECORD_TYPES, RecordType

WORDING_COLUMNS = ("wording", "match", "division", "record_types", "reading")
_NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Wording:
    """How one wording is read. `division` is empty when every jurisdiction means the same by it."""

    wording: str
    contains: bool
    division: str
    record_types: tuple[RecordType, ...]

    def fits(self, text: str, division: str) -> bool:
        """Whether this entry reads that text of that jurisdiction."""
        here = self.division in ("", division)
        return here and (self.wording in text if self.contains else self.wording == text)


def load_wordings(path: Path, label: str) -> tuple[Wording, ...]:
    """The shared table of wordings. Raises BadSource for an unknown record type or way of matching."""
    return tuple(_wording(row) for row in read_table(path, label, WORDING_COLUMNS))


def _wording(row: TableRow) -> Wording:
    if row["match"] not in ("exact", "contains"):
        raise row.bad("match", "write exact or contains")
    types = row.parts("record_types")
    for code in types:
        if code not in RECORD_TYPES:
            raise row.bad("record_types", f"{code} is not a record type; use {', '.join(RECORD_TYPES)}")
    if not types:
        raise row.bad("record_types", "the cell is empty; name at least one record type")
    return Wording(
        row.required("wording"), row["match"] == "contains", row["division"], tuple(RecordType(code) for code in types)
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a jurisdiction's own settings say of its catalogue's cells."""

    division: str
    wordings: tuple[Wording, ...]
    types_scheme_wide: bool
    since_when_not_stated: date | None

    def collected_types(self, row: TableRow) -> tuple[CollectedType, ...]:
        """The record types of a catalogue row with the day each begins and the caveats it travels with.

        Raises BadSource for a wording that no table reads, a type given twice and a day that cannot be read.
        """
        by_wording = {text: self._read_types(row, text) for text in row.parts("record_types")}
        if not by_wording:
            raise row.bad("record_types", "the cell is empty; a row that collects nothing does not belong here")
        starts = self._read_starts(row, tuple(by_wording))
        collected: list[CollectedType] = []
        for text, types in by_wording.items():
            since, caveats = starts[text]
            for record_type in types:
                if any(c.record_type == record_type for c in collected):
                    raise row.bad("record_types", f"two wordings both mean {record_type}; keep one")
                collected.append(CollectedType(record_type, since, caveats))
        return tuple(collected)

    def _read_types(self, row: TableRow, text: str) -> tuple[RecordType, ...]:
        for wording in self.wordings:
            if wording.fits(text, self.division):
                return wording.record_types
        raise row.bad(
            "record_types",
            f"nothing says which record types {text} means; add it to [wordings] of this version's jurisdiction.toml",
        )

    def _read_starts(self, row: TableRow, wordings: tuple[str, ...]) -> Mapping[str, tuple[date, frozenset[Caveat]]]:
        """`data_since` is one value for all, or `wording: value; wording: value` with the wordings' words."""
        cell = row.required("data_since")
        if ":" not in cell:
            start = self._read_start(row, cell)
            return dict.fromkeys(wordings, start)
        starts = {}
        for part in row.parts("data_since"):
            name, _, value = part.partition(":")
            for text in wordings:
                # a wording may be cited without the bracket that explains it
                if name.strip() in (text, text.partition("（")[0]):
                    starts[text] = self._read_start(row, value.strip())
                    break
            else:
                raise row.bad("data_since", f"{name.strip()} is none of this row's record types; use their words")
        for text in wordings:
            if text not in starts:
                raise row.bad("data_since", f"nothing says since when {text} is collected; add `{text}: ...`")
        return starts

    def _read_start(self, row: TableRow, text: str) -> tuple[date, frozenset[Caveat]]:
        caveats = {Caveat.TYPES_SCHEME_WIDE} if self.types_scheme_wide else set()
        if text == _NOT_STATED:
            if self.since_when_not_stated is None:
                raise row.bad(
                    "data_since",
                    "not stated needs the key reading.since_when_not_stated in jurisdiction.toml: the day to assume",
                )
            return self.since_when_not_stated, frozenset(caveats | {Caveat.SINCE_ASSUMED})
        if re.fullmatch(r"[0-9]{4}", text):
            return date(int(text), 1, 1), frozenset(caveats | {Caveat.SINCE_YEAR_ONLY})
        return read_day(row, "data_since", text), frozenset(caveats)


def read_day(row: TableRow, column: str, text: str) -> date:
    """A day written yyyy-mm-dd. Raises BadSource."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise row.bad(column, "this is not a day; write it as 2025-09-01, or a year alone, or not stated")
