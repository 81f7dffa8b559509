"""Tables of the command line lose nothing, however narrow the terminal is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

import node.cli
from node.cli.tables import Table
from node.cli.words import Words
from tests.cli.running import huxin

WORD = "0123456789abcdefghijklmnopqrstuvwxyz"


def printed(table: rich.table.Table, width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(table)
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_word_that_its_column_has_no_room_for_stands_whole_beneath(width: int) -> None:
    table = Table("A heading", "B", "C")
    table.add_row("a", WORD, "某某市" * 40)
    table.add_row("a2", "b2", "c2")
    lines = printed(table, width).splitlines()
    assert sum(WORD in line for line in lines) == 1
    assert max(map(cell_len, lines)) <= width, "the terminal would break it"


def test_what_is_longer_than_a_line_goes_on_in_the_next() -> None:
    table = Table("A heading", "B")
    table.add_row(WORD, "b")
    assert WORD in "".join(printed(table, 20).split())


def test_a_row_begins_with_what_tells_rows_apart_and_leaves_out_what_is_empty() -> None:
    table = Table("Id", "状态\nState", "Why", "Heads")
    table.add_row(WORD, Text("已送达 delivered", "green"), "", "first\nsecond")
    table.add_row("b", "", WORD, "")
    assert printed(table, 60).splitlines() == [
        f"Id: {WORD}",
        "  状态 State: 已送达 delivered",
        "  Heads:",
        "    first",
        "    second",
        f"Id: b  Why: {WORD}",
    ]


def test_a_value_that_does_not_fit_beside_its_name_stands_beneath_it() -> None:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    facts.add_row("证明摘要 Attestation", WORD)
    facts.add_row("编号 Id", "7 [bold]")
    assert printed(facts, 50).splitlines() == ["证明摘要 Attestation", f"  {WORD}", "编号 Id               7 [bold]"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("依据（HEAD_INCONSISTENT）拒绝。", 21, ["依据", "（HEAD_INCONSISTENT）", "拒绝。"]),
        ("已送达 delivered", 9, ["已送达", "delivered"]),
        ("某某市场监督管理局，负责。", 12, ["某某市场监督", "管理局，负", "责。"]),
        ("网信 Cyberspace affairs", 15, ["网信 Cyberspace", "affairs"]),
        ("  two words", 6, ["  two", "words"]),
        ("a\n\nb", 6, ["a", "", "b"]),
        ("abcdefgh ij", 5, ["abcde", "fgh", "ij"]),
    ],
)
def test_text_is_broken_between_words_and_chinese_characters(text: str, width: int, lines: list[str]) -> None:
    console = Console(width=80, file=io.StringIO())
    assert [line.plain.rstrip() for line in Words(text).wrap(console, width)] == lines


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
    for row in listed:
        assert row["serial"] in shown


def test_no_command_makes_a_table_that_cuts() -> None:
    modules = Path(node.cli.__file__).parent.glob("*.py")
    own = {path.name for path in modules if "from rich.table import" in path.read_text(encoding="utf-8")}
    assert own == set(), "use node.cli.tables"
