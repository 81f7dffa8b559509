"""Tables of the command line lose nothing, however narrow the terminal is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import node.cli
from node.cli.tables import Table
from tests.cli.running import huxin

WORD = "0123456789abcdefghijklmnopqrstuvwxyz"


def printed(table: Table, width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_words_go_on_in_the_next_line(width: int) -> None:
    table = Table("A heading", "B")
    table.add_row(WORD, "b")
    lines = [line.split("│") for line in printed(table, width).splitlines()]
    assert "".join(cells[1].strip() for cells in lines if len(cells) > 2) == WORD


def test_a_column_that_must_not_be_broken_is_not() -> None:
    table = Table()
    table.add_column("Id", no_wrap=True)
    table.add_column("Other")
    table.add_row(WORD, WORD)
    assert WORD in printed(table, 60)


def test_serial_numbers_can_be_read_whole_on_a_narrow_terminal(home: Path) -> None:
    """They are what `huxin certificate revoke` wants."""
    listed = json.loads(huxin("certificate", "list", "--json", home=home).stdout)
    shown = huxin("certificate", "list", home=home, environ={"COLUMNS": "80"}).stdout
    cells = [line.split("│") for line in shown.splitlines()]
    serials = "".join(row[3].strip() for row in cells if len(row) > 4)
    for row in listed:
        assert row["serial"] in serials


def test_no_command_makes_a_table_that_cuts() -> None:
    modules = Path(node.cli.__file__).parent.glob("*.py")
    own = {path.name for path in modules if "from rich.table import" in path.read_text(encoding="utf-8")}
    assert own == set(), "use node.cli.tables"
