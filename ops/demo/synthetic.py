"""A made-up register and made-up deliveries for a jurisdiction's real catalogue.

Every subject is called 合成 (synthetic) in its name and TE5T in its code. Nothing is drawn at random: the same day
gives the same files. The form of the files: docs/csv-source.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from node.model.catalogue import Catalogue, Row, rows_naming
from node.model.identifiers import organisation_check, uscc_check
from node.model.records import SEVERE_LIST

LATE_DAYS = 40
KEPT_OUT_EVERY = 25
PLATFORM = "合成信用平台 synthetic platform"
"""Who delivers where a scheme names no units."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A company that does not exist."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One row of a delivery, its fields the columns. All flags as for a record that a report may show."""

    id_type: str = field(default="uscc", init=False)
    subject_id: str
    local_code: str
    record_type: str
    deciding_authority: str
    document_number: str
    decided_on: date
    content: str
    source_unit: str
    list_name: str = ""
    repair_state: str = "not_repaired"
    repaired_on: date | None = None
    effective: str = "yes"
    not_penalised: str = "no"
    revoked: str = "no"
    secret: str = field(default="no")
    sealed: str = "no"

    @property
    def storable(self) -> bool:
        """Whether the law lets a report show it (R043-R053, F07)."""
        return (self.effective, self.not_penalised, self.revoked, self.secret, self.sealed) == ("yes", *["no"] * 4)


COLUMNS = tuple(column.name for column in fields(Delivered))
KEPT_OUT = (("effective", "no"), *((flag, "yes") for flag in ("not_penalised", "revoked", "secret", "sealed")))
"""What makes a row one that the law keeps out."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one unit hands over: its rows of the catalogue, complete up to a day."""

    unit: str
    local_codes: tuple[str, ...]
    as_of: date
    rows: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """What a folder of deliveries holds. `filed` counts a list entry once for every row that names its list."""

    deliveries: int
    rows: int
    filed: int
    kept_out: int


def subject(division: str, number: int, name_zh: str) -> Subject:
    """The `number`-th synthetic company of a division, with a code whose check characters hold."""
    organisation = f"TE5T{number:04}"
    body = f"91{division}{organisation}{organisation_check(organisation)}"
    return Subject(body + uscc_check(body), f"{name_zh}合成企业{number:04}号（synthetic）")


def fillers(catalogue: Catalogue, subjects: Sequence[Subject], count: int, today: date) -> Iterator[Delivered]:
    """`count` records spread over subjects, rows, types and days; each 25th is one that the law keeps out."""
    rows = list(catalogue.rows.values())
    for n in range(count):
        row = rows[n * 31 % len(rows)]
        record_type = row.types[n // len(rows) % len(row.types)].record_type
        decided = today - timedelta(days=100 + n * 37 % 900)
        unit = _units(row)[n // 7 % len(_units(row))]
        made = Delivered(
            subject_id=subjects[n * 7919 % len(subjects)].code,
            local_code=row.local_code,
            record_type=record_type,
            deciding_authority=unit,
            document_number=f"合成决字〔{decided.year}〕{n:05}号",
            decided_on=decided,
            content=f"合成数据 synthetic：第{n}号决定",
            source_unit=unit,
        )
        if record_type == SEVERE_LIST:
            names = row.severe_lists or ("合成严重失信名单 synthetic list",)
            made = replace(made, list_name=names[n % len(names)])
        elif n % 3 == 0:
            made = replace(made, repair_state="repaired", repaired_on=decided + timedelta(days=60))
        if n % KEPT_OUT_EVERY == 0:
            made = kept_out(made, n // KEPT_OUT_EVERY)
        yield made


def kept_out(row: Delivered, turn: int) -> Delivered:
    """The row as one that the law keeps out, for each of the five reasons in turn."""
    name, value = KEPT_OUT[turn % len(KEPT_OUT)]
    changed: Any = {name: value}
    return replace(row, **changed)


def deliveries(catalogue: Catalogue, rows: Sequence[Delivered], as_of: date, late: str = "") -> list[Delivery]:
    """A delivery of every unit for every row of the catalogue that it is named for; `late` stopped 40 days before."""
    codes: dict[str, list[str]] = {}
    for row in catalogue.rows.values():
        for unit in _units(row):
            codes.setdefault(unit, []).append(row.local_code)
    return [
        Delivery(
            unit,
            tuple(named),
            as_of - timedelta(days=LATE_DAYS) if unit == late else as_of,
            tuple(row for row in rows if row.source_unit == unit),
        )
        for unit, named in codes.items()
    ]


def write_register(path: Path, division: str, subjects: Sequence[Subject]) -> None:
    """The register as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id_type", "subject_id", "name", "kind", "division"))
        writer.writerows(("uscc", each.code, each.name, "enterprise", division) for each in subjects)


def write_deliveries(folder: Path, catalogue: Catalogue, made: Sequence[Delivery]) -> Volume:
    """One CSV file for each delivery, with its header beside it."""
    folder.mkdir(parents=True)
    for number, delivery in enumerate(made, 1):
        path = folder / f"unit{number:02}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({name: getattr(row, name) for name in COLUMNS} for row in delivery.rows)
        codes = ", ".join(f'"{code}"' for code in delivery.local_codes)
        path.with_suffix(".delivery.toml").write_text(
            f'unit = "{delivery.unit}"\nlocal_codes = [{codes}]\nas_of = {delivery.as_of}\ncomplete = true\n',
            encoding="utf-8",
        )
    rows = [row for delivery in made for row in delivery.rows]
    filed = sum(_places(row, catalogue) for row in rows if row.storable)
    return Volume(len(made), len(rows), filed, sum(not row.storable for row in rows))


def _units(row: Row) -> tuple[str, ...]:
    return row.units or (PLATFORM,)


def _places(row: Delivered, catalogue: Catalogue) -> int:
    """Under how many rows intake files it: a list entry under every row that names its list (R046)."""
    return len(rows_naming(catalogue, row.list_name)) or 1 if row.list_name else 1
