"""Reads `examples.toml` into values with every default filled in, so that each example stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from node.adapters.textfiles import Settings, read_settings
from node.errors import BadSource
from node.model.calendar import Period, months_before
from node.model.catalogue import Caveat
from node.model.records import RECORD_TYPES, RecordType, RepairState, ViolationRecord
from node.model.requirement import RequiredItem, Requirement
from node.model.verdict import Decision, FindingKind, GapReason

_E = TypeVar("_E", bound=StrEnum)
_FILE = Path(__file__).parent / "examples.toml"


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """A synthetic record and the (row, record type) of the issuer's catalogue under which it is filed."""

    local_code: str
    record_type: RecordType
    record: ViolationRecord


@dataclass(frozen=True, slots=True)
class ExpectedGap:
    """Days that are not covered, why, and for CAVEAT_REFUSED which caveat."""

    interval: Period
    reason: GapReason
    caveat: Caveat | None


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """One cell of the answer. `leaf` is empty where own rows are compared directly: then `local_code` says which."""

    leaf: str
    local_code: str
    record_type: RecordType
    kind: FindingKind
    records: int
    counted_records: int
    gaps: tuple[ExpectedGap, ...]
    caveats: tuple[Caveat, ...]


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """Full inputs and outputs of one example.

    The report is issued and verified on `day`, with the longest period the issuer allows; `local_codes` are the rows
    chosen, () for all. Every unit's last complete delivery has the as-of day `delivered_on`, but for those in
    `late_deliveries`. `show_repaired` None leaves the issuing scheme's switch as it is. The trust certificate of the
    relying jurisdiction covers every leaf, every common record type and the requirement's scenario, has reviewed the
    issuer's catalogue and crosswalk, and accepts `accepted_caveats`.
    """

    example_id: str
    title: str
    issuer: str
    day: date
    local_codes: tuple[str, ...]
    delivered_on: date
    late_deliveries: Mapping[str, date]
    records: tuple[ExampleRecord, ...]
    show_repaired: bool | None
    accepted_caveats: tuple[Caveat, ...]
    requirement: Requirement
    decision: Decision
    reasons: tuple[str, ...]
    findings: tuple[ExpectedFinding, ...]


def load_worked_examples(path: Path = _FILE) -> tuple[WorkedExample, ...]:
    """All examples, in the order of the document. Raises BadSource naming the file and the key at fault."""
    settings = read_settings(path, path.name)
    reader = _Reader(settings)
    examples = tuple(reader.example(table) for table in settings.tables("example"))
    settings.finish()
    if len({example.example_id for example in examples}) != len(examples):
        raise BadSource(path.name, "two examples have the same id; number them apart", column="example.id")
    return examples


class _Reader:
    """Reads the shared tables once, then each example against them."""

    def __init__(self, settings: Settings) -> None:
        letters = settings.table("types")
        self._letters = {name: letters.texts(name) for name in letters.names()}
        letters.finish()
        common = settings.table("common")
        self._day, self._delivered_on = common.day("day"), common.day("delivered_on")
        self._scenario = common.text("scenario")
        self._caveats = _caveats(common, "accepted_caveats")
        common.finish()
        records = settings.table("records")
        self._records = {name: self._record(records.table(name)) for name in records.names()}

    def example(self, table: Settings) -> WorkedExample:
        requirement = self._requirement(table.table("requirement"), table.text("id"), table.text("title"))
        interval = Period(months_before(self._day, requirement.months), self._day)
        example = WorkedExample(
            table.text("id"),
            table.text("title"),
            table.text("issuer"),
            self._day,
            _texts(table, "local_codes"),
            self._delivered_on,
            dict(_late(entry) for entry in _tables(table, "late_deliveries")),
            tuple(self._named_record(table, name) for name in _texts(table, "records")),
            table.flag("show_repaired") if table.has("show_repaired") else None,
            _caveats(table, "accepted_caveats") if table.has("accepted_caveats") else self._caveats,
            requirement,
            _one_of(Decision, table, "decision"),
            _texts(table, "reasons"),
            tuple(finding for entry in table.tables("findings") for finding in self._findings(entry, interval)),
        )
        table.finish()
        return example

    def _requirement(self, table: Settings, example_id: str, title: str) -> Requirement:
        types = self._types(table)
        requirement = Requirement(
            requirement_id=f"worked-example/{example_id}",
            title_zh=f"示例 {example_id}",
            title_en=title,
            jurisdiction=table.text("jurisdiction"),
            scenario=self._scenario,
            items=tuple(RequiredItem(types, local_code=code) for code in table.texts("local_codes")),
            months=table.whole("months"),
            repaired_records_count=table.flag("repaired_records_count")
            if table.has("repaired_records_count")
            else True,
            illustrative=True,
        )
        table.finish()
        return requirement

    def _findings(self, table: Settings, interval: Period) -> Iterator[ExpectedFinding]:
        leaf = table.text("leaf") if table.has("leaf") else ""
        local_code = "" if leaf else table.text("local_code")
        kind = _one_of(FindingKind, table, "kind")
        records, counted = (table.whole(k) if table.has(k) else 0 for k in ("records", "counted_records"))
        gaps = tuple(_gap(gap, interval) for gap in _tables(table, "gaps"))
        caveats = _caveats(table, "caveats") if table.has("caveats") else ()
        for record_type in self._types(table):
            yield ExpectedFinding(leaf, local_code, record_type, kind, records, counted, gaps, caveats)
        table.finish()

    def _types(self, table: Settings) -> tuple[RecordType, ...]:
        codes = [code for name in table.texts("types") for code in self._letters.get(name, (name,))]
        for code in codes:
            if code not in RECORD_TYPES:
                raise table.bad("types", "write a letter of [types] or the code of a common record type")
        return tuple(map(RecordType, codes))

    def _named_record(self, table: Settings, name: str) -> ExampleRecord:
        if name not in self._records:
            raise table.bad("records", "name a record that stands under [records] above")
        return self._records[name]

    def _record(self, table: Settings) -> ExampleRecord:
        repaired_on = table.day("repaired_on") if table.has("repaired_on") else None
        record = ViolationRecord(
            deciding_authority=table.text("deciding_authority"),
            document_number=table.text("document_number"),
            decided_on=table.day("decided_on"),
            content=table.text("content"),
            source_unit=table.text("source_unit"),
            effective_on=table.day("effective_on"),
            repair_state=RepairState.NOT_REPAIRED if repaired_on is None else RepairState.REPAIRED,
            repaired_on=repaired_on,
        )
        example = ExampleRecord(table.text("local_code"), RecordType(table.text("record_type")), record)
        table.finish()
        return example


def _gap(table: Settings, interval: Period) -> ExpectedGap:
    days = Period(table.day("from"), table.day("until")) if table.has("from") else interval
    caveat = _one_of(Caveat, table, "caveat") if table.has("caveat") else None
    gap = ExpectedGap(days, _one_of(GapReason, table, "reason"), caveat)
    table.finish()
    return gap


def _late(table: Settings) -> tuple[str, date]:
    late = table.text("unit"), table.day("delivered_on")
    table.finish()
    return late


def _caveats(table: Settings, key: str) -> tuple[Caveat, ...]:
    names = table.texts(key)
    if not {*names} <= {*Caveat}:
        raise table.bad(key, f"write some of {', '.join(Caveat)}")
    return tuple(map(Caveat, names))


def _one_of(kind: type[_E], table: Settings, key: str) -> _E:
    text = table.text(key)
    if text not in {*kind}:
        raise table.bad(key, f"write one of {', '.join(kind)}")
    return kind(text)


def _texts(table: Settings, key: str) -> tuple[str, ...]:
    return table.texts(key) if table.has(key) else ()


def _tables(table: Settings, key: str) -> tuple[Settings, ...]:
    return table.tables(key) if table.has(key) else ()
