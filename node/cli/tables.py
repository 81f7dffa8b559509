"""Tables that can be read whole on any terminal: what its columns have no room for stands beneath each row.

A number or a code that was cut or broken is none: nobody can copy it, search for it, or hear it read aloud.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import rich.table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from node.cli.words import Words

_INDENT = "  "


def in_groups(hexadecimal: str) -> str:
    """64 characters in groups of eight, as they are read aloud and compared by eye."""
    return " ".join(hexadecimal[start : start + 8] for start in range(0, len(hexadecimal), 8))


class Table(rich.table.Table):
    """As rich's, but no word is cut or broken: where the columns are too many for it, each row is written as lines.

    Such a row begins with its first cell, so this is what tells rows apart; empty cells are left out. Strings are
    plain text, never markup. `Table.grid` of two columns holds names and values: a value that does not fit beside its
    name stands beneath it.
    """

    def add_column(self, header: str | Text = "", *arguments: Any, **attributes: Any) -> None:  # type: ignore[override]
        """As rich's."""
        super().add_column(Words.of(header), *arguments, **attributes)

    def add_row(self, *cells: str | Text, **attributes: Any) -> None:  # type: ignore[override]
        """As rich's, of text only."""
        super().add_row(*map(Words.of, cells), **attributes)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        if self.box is None:
            yield from self._facts(console, width)
        elif self._laid_out(width):
            yield from super().__rich_console__(console, options)
        else:
            yield from self._written(console, width)

    def _words(self) -> tuple[list[Words], list[list[Words]]]:
        """Headers and rows; all of them came through `Words.of`."""
        headers = [Words.of(column.header) for column in self.columns if isinstance(column.header, Text)]
        rows = zip(*(column.cells for column in self.columns), strict=True)
        return headers, [[Words.of(cell) for cell in row if isinstance(cell, Text)] for row in rows]

    def _laid_out(self, width: int) -> bool:
        """Gives each column its width. False when there is no room for the longest word of each."""
        headers, rows = self._words()
        inside = [[header, *cells] for header, *cells in zip(headers, *rows, strict=True)]
        most = [max(cell.most for cell in cells) for cells in inside]
        least = [
            most[place] if column.no_wrap else max(cell.least for cell in inside[place])
            for place, column in enumerate(self.columns)
        ]
        room = width - 3 * len(least) - 1  # a border and a space on both sides of each
        if sum(least) > room:
            return False
        widths = least if self.expand else _shared(least, most, room)  # those of an expanded table are rich's least
        for column, columns in zip(self.columns, widths, strict=True):
            column.width = columns
        return True

    def _written(self, console: Console, width: int) -> Iterator[Text]:
        """Each row as lines, the first cell foremost."""
        headers, rows = self._words()
        if self.title:
            yield Text(str(self.title), style="table.title")
        for row in rows:
            row[0].stylize("bold")
            parts = [_labelled(header, cell) if cell.plain else cell for header, cell in zip(headers, row, strict=True)]
            yield from _packed(console, [parts[0], *(part for part in parts[1:] if part.plain)], width)
        if self.caption:
            yield Text(str(self.caption), style="table.caption")

    def _facts(self, console: Console, width: int) -> Iterator[Text]:
        """Names and values."""
        rows = self._words()[1]
        named = max((name.most for name, _ in rows), default=0)
        for name, value in rows:
            name.stylize(self.columns[0].style)
            beside = width - named - len(_INDENT)
            if value.least > beside:
                yield Text.assemble(name)
                yield from _indented(value.wrap(console, width - len(_INDENT)))
                continue
            line = Text.assemble(name, " " * (named - name.most), _INDENT)
            for part in value.wrap(console, beside):
                line.append_text(part)
                yield line
                line = Text(" " * (named + len(_INDENT)))


def _shared(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """The room among the columns, none wider than it needs: the narrowest grow first, sentences take the rest."""
    widths = list(least)
    for _ in range(room - sum(least)):
        growing = [place for place, width in enumerate(widths) if width < most[place]]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
    return widths


def _labelled(header: Words, cell: Words) -> Words:
    """A cell with the name of its column before it; several lines stand beneath the name."""
    label = header.plain.replace("\n", " ")
    between = "\n" if "\n" in cell.plain else " "
    return Words.of(Text.assemble((f"{label}:{between}" if label else "", "dim"), cell))


def _packed(console: Console, parts: Sequence[Words], width: int) -> Iterator[Text]:
    """As many parts to a line as fit; all lines but the first are indented, and what goes on further."""
    line = Text()
    for place, part in enumerate(parts):
        if "\n" not in part.plain and line and line.cell_len + len(_INDENT) + part.most <= width:
            line.append(_INDENT).append_text(part)
            continue
        if line:
            yield line
        first, *others = part.wrap(console, width - 2 * len(_INDENT))
        line = Text.assemble(_INDENT if place else "", first)
        if others:  # what follows begins a line of its own
            yield line
            yield from _indented(others, 2)
            line = Text()
    if line:
        yield line


def _indented(lines: Iterable[Text], times: int = 1) -> list[Text]:
    return [Text.assemble(_INDENT * times, line) for line in lines]
