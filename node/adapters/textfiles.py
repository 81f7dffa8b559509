"""Strict reading of the small data files that people maintain: CSV tables and TOML, refused with the exact place."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from node.errors import BadSource

_T = TypeVar("_T")

MAX_FILE_BYTES = 4 * 1024 * 1024
"""A catalogue of a few hundred rows is tens of kilobytes: more is not a data file that a person keeps."""


def read_text(path: Path, label: str) -> str:
    """The file as text. Raises BadSource when it is missing, too large or not UTF-8 (a byte order mark is accepted)."""
    try:
        content = path.read_bytes()
    except OSError:
        raise BadSource(label, "the file is missing or cannot be read; put it there and make it readable") from None
    if len(content) > MAX_FILE_BYTES:
        raise BadSource(
            label, f"the file is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB; it cannot be one of these"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise BadSource(label, "the file is not UTF-8 here; save it again as UTF-8", row=row) from None


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a CSV table: its cells by column name, stripped, and where it stands."""

    file: str
    row: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def required(self, column: str) -> str:
        """The cell. Raises BadSource when it is empty."""
        if not self.cells[column]:
            raise self.bad(column, "the cell is empty; fill it in")
        return self.cells[column]

    def parts(self, column: str) -> tuple[str, ...]:
        """The cell's parts between semicolons, empty ones refused. () for an empty cell."""
        if not self.cells[column]:
            return ()
        parts = tuple(part.strip() for part in self.cells[column].split(";"))
        if not all(parts):
            raise self.bad(column, "there is nothing between two semicolons or after the last; remove the semicolon")
        return parts

    def bad(self, column: str, message: str) -> BadSource:
        """The error that names this place, to be raised."""
        return BadSource(self.file, message, row=self.row, column=column)


def read_table(path: Path, label: str, columns: tuple[str, ...]) -> Iterator[TableRow]:
    """The rows of a CSV table with exactly these columns, in any order. Lines that begin with `#` are remarks.

    Raises BadSource naming row and column for a missing, unknown or repeated column and a row of another length.
    """
    reader = csv.reader(read_text(path, label).splitlines(keepends=True), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                _check_header(label, reader.line_num, header, columns)
            elif len(cells) != len(header):
                raise BadSource(
                    label,
                    f"the row has {len(cells)} cells and the header {len(header)}; look for a missing or extra comma, "
                    "and put cells that hold commas in double quotes",
                    row=reader.line_num,
                )
            else:
                yield TableRow(label, reader.line_num, dict(zip(header, map(str.strip, cells), strict=True)))
    except csv.Error:
        raise BadSource(label, "the quotation marks of this row do not fit together", row=reader.line_num) from None
    if not header:
        raise BadSource(label, f"the file is empty; its first line is: {','.join(columns)}", row=1)


def _check_header(label: str, row: int, header: list[str], columns: tuple[str, ...]) -> None:
    for column in columns:
        if column not in header:
            raise BadSource(
                label, f"the column is missing; the first line is: {','.join(columns)}", row=row, column=column
            )
    for position, column in enumerate(header):
        if column in header[:position]:
            raise BadSource(label, "the column appears twice; remove one", row=row, column=column)
        if column not in columns:
            raise BadSource(
                label, f"the column is not known; remove it or use one of {', '.join(columns)}", row=row, column=column
            )


class Settings:
    """A TOML table whose keys are taken one by one; `finish` refuses what nobody took, so that no key is misspelt.

    Every method raises BadSource naming file and key: for a missing key, a value of another kind, an unknown key.
    """

    def __init__(self, file: str, values: Mapping[str, Any], prefix: str = "") -> None:
        self._file, self._values, self._prefix = file, values, prefix
        self._taken: set[str] = set()

    def bad(self, key: str, message: str) -> BadSource:
        """The error that names this key, to be raised."""
        return BadSource(self._file, message, column=self._prefix + key)

    def has(self, key: str) -> bool:
        """Whether an optional key is there."""
        return key in self._values

    def text(self, key: str) -> str:
        """A non-empty string."""
        return self._take(key, str, 'a text in double quotes, such as "..."')

    def text_or_none(self, key: str) -> str:
        """A non-empty string; `"none"`, which has to be said, is the empty one."""
        value = self.text(key)
        return "" if value == "none" else value

    def flag(self, key: str) -> bool:
        """True or false."""
        return self._take(key, bool, "true or false")

    def whole(self, key: str) -> int:
        """A whole number above zero."""
        value = self._take(key, int, "a whole number")
        if value < 1:
            raise self.bad(key, "write a whole number above zero")
        return value

    def whole_or_none(self, key: str) -> int | None:
        """A whole number above zero; `"none"`, which has to be said, is None."""
        if self._values.get(key) == "none":
            self._taken.add(key)
            return None
        return self.whole(key)

    def day(self, key: str) -> date:
        """A day, without quotes."""
        return self._take(key, date, "a day without quotes, such as 2025-09-01")

    def day_or_none(self, key: str) -> date | None:
        """A day; `"none"`, which has to be said, is None."""
        if self._values.get(key) == "none":
            self._taken.add(key)
            return None
        return self.day(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of non-empty strings without repetition, at least one."""
        values = self._take(key, list, 'a list of texts, such as ["...", "..."]')
        if not values or not all(isinstance(value, str) and value.strip() for value in values):
            raise self.bad(key, 'write a list of at least one text, such as ["...", "..."]')
        if len(set(values)) != len(values):
            raise self.bad(key, "the list says something twice; remove one")
        return tuple(values)

    def table(self, key: str) -> Settings:
        """A table `[key]`."""
        return Settings(self._file, self._take(key, dict, f"a table [{key}]"), f"{self._prefix}{key}.")

    def tables(self, key: str) -> tuple[Settings, ...]:
        """An array of tables `[[key]]`, at least one."""
        values = self._take(key, list, f"tables [[{key}]]")
        if not values or not all(isinstance(value, dict) for value in values):
            raise self.bad(key, f"write at least one table [[{key}]]")
        return tuple(Settings(self._file, value, f"{self._prefix}{key}[{i}].") for i, value in enumerate(values, 1))

    def names(self) -> tuple[str, ...]:
        """All keys, for tables whose keys are names."""
        return tuple(self._values)

    def finish(self) -> None:
        """Refuse keys that were not taken."""
        for key in self._values:
            if key not in self._taken:
                raise self.bad(key, "the key is not known here; correct its spelling or remove it")

    def _take(self, key: str, kind: type[_T], wanted: str) -> _T:
        if key not in self._values:
            raise self.bad(key, f"the key is missing; add it: {wanted}")
        value = self._values[key]
        # bool is an int and datetime a date to Python, but not to people who keep these files
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)) or isinstance(value, datetime):
            raise self.bad(key, f"write {wanted}")
        if isinstance(value, str) and not value.strip():
            raise self.bad(key, "the text is empty; fill it in")
        self._taken.add(key)
        return value


def read_settings(path: Path, label: str) -> Settings:
    """A TOML file. Raises BadSource with the row where it is not TOML."""
    try:
        return Settings(label, tomllib.loads(read_text(path, label)))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        row = int(place[1]) if place else None
        raise BadSource(label, "this is not TOML; look for a missing quote or a key given twice", row=row) from None
