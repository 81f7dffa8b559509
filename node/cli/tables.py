"""Tables that lose nothing: what does not fit into a column goes on in its next line, however narrow the terminal."""

from __future__ import annotations

from typing import Any

import rich.table


def in_groups(hexadecimal: str) -> str:
    """64 characters in groups of eight, as they are read aloud and compared by eye."""
    return " ".join(hexadecimal[start : start + 8] for start in range(0, len(hexadecimal), 8))


class Table(rich.table.Table):
    """As rich's, but no word ends in an ellipsis: a serial number or a digest that was cut is none.

    Columns with `no_wrap` keep their width, and the others make room for them.
    """

    def add_column(self, header: Any = "", *arguments: Any, **attributes: Any) -> None:
        """As rich's; overflowing text is folded unless it says otherwise."""
        if not attributes.get("no_wrap"):
            attributes.setdefault("overflow", "fold")
        super().add_column(header, *arguments, **attributes)
