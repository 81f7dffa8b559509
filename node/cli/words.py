"""Text that is broken between words and between Chinese characters, never inside a number, a code or a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.containers import Lines
from rich.measure import Measurement
from rich.text import Text

_WIDE = "\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6"
_OPENING, _CLOSING = "（《「『【〔", "，。、；：！？）》」』】〕"
_PIECE = re.compile(rf"\s*[{_OPENING}]*(?:[^\s{_WIDE}]+|[{_WIDE}])?[{_CLOSING}]*\s*")
"""What stays on one line: a word, or one Chinese character, with the marks that open and close it."""


class Words(Text):
    """A cell of a table. Rich alone would break `HEAD_（INCONSISTENT）` wherever its line ends."""

    @classmethod
    def of(cls, cell: str | Text) -> Words:
        """A cell as commands give it; nothing in it is taken for markup."""
        if isinstance(cell, str):
            return cls(cell)
        words = cls(style=cell.style)
        words.append_text(Text(cell.plain, spans=cell.spans))
        return words

    @property
    def least(self) -> int:
        """Columns below which a word of it would be broken."""
        return max((cell_len(piece.strip()) for _, piece in _pieces(self.plain)), default=0)

    @property
    def most(self) -> int:
        """Columns of its longest line."""
        return max(map(cell_len, self.plain.splitlines()), default=0)

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Its lines in that many columns. Only what is longer than a whole line is broken within."""
        lines = Lines()
        for line in self.split("\n", allow_blank=True):
            for part in line.divide(_breaks(line.plain, width)):
                part.rstrip()
                lines.extend(part.wrap(console, width, **how | {"overflow": "fold"}))
        return lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.least, self.most)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    return ((found.start(), found.group()) for found in _PIECE.finditer(text) if found.group())


def _breaks(line: str, width: int) -> list[int]:
    """Before which characters a new line begins."""
    found, used = [], 0
    for start, piece in _pieces(line):
        if used and used + cell_len(piece.rstrip()) > width:
            found.append(start)
            used = 0
        alone = cell_len(piece.rstrip())
        used += cell_len(piece) if alone <= width else alone % width  # where rich ends what is longer than a line
    return found
