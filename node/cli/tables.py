"""Tables that lose nothing: what does not fit into a column goes on in its next line, however narrow the terminal."""

from __future__ import annotations

from typing import Any

import rich.table


class Table(rich.table.Table):
    """As rich's, but no word ends in an ellipsis: a serial number or a digest that was cut is none.

    Columns with `no_wrap` keep their width, and the others make room for them.
    """

    def add_column(self, header: Any = "", *arguments: Any, **attributes: Any) -> None:
        """As rich's; overflowing text is folded unless it says otherwise."""
        if not attributes.get("no_wrap"):
            attributes.setdefault("overflow", "fold")
        super().add_column(header, *arguments, **attributes)
