"""Rows of a delivered CSV file, one at a time: a bad row is handed on as a BadRow, never as an exception."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from node.adapters.sources.columns import ColumnSet
from node.adapters.sources.encoding import Source, label, open_text
from node.errors import BadSource
from node.model.delivery import BadRow


@dataclass(frozen=True, slots=True)
class RawRow:
    """The cells of one row by column code, as delivered; `line` is the physical line on which it begins."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_rows(source: Source, columns: ColumnSet) -> Iterator[RawRow | BadRow]:
    """All rows after the header; blank ones are passed over. Memory is that of one row.

    Raises BadSource at the first step when the file cannot be read or its header is not this column set.
    """
    with open_text(source) as text:
        codes: tuple[str, ...] = ()
        for line, cells in _parse(text):
            if cells is None:
                if not codes:
                    raise BadSource(label(source), "the quotation marks of the header do not fit together", row=line)
                yield BadRow(line, "", "the quotation marks of this row do not fit together; export it again")
            elif not any(cell.strip() for cell in cells):
                continue
            elif not codes:
                codes = columns.match(cells, label(source), line)
            elif len(cells) != len(codes):
                yield BadRow(
                    line,
                    "",
                    f"the row has {len(cells)} cells and the header {len(codes)}; put cells that hold commas, "
                    "quotation marks or line breaks in double quotes",
                )
            else:
                yield RawRow(line, dict(zip(codes, cells, strict=True)))
        if not codes:
            raise BadSource(label(source), "there is no line of column names")


def _parse(text: TextIO) -> Iterator[tuple[int, list[str] | None]]:
    """(first line, cells) of each row; cells is None when the row's quoting is broken, and reading goes on after it."""
    reader = csv.reader(text, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except csv.Error:
            yield line, None
        except StopIteration:
            return
