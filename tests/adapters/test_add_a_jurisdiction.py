"""`docs/add-a-jurisdiction.md`, followed to the letter in an empty folder."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.adapters import sources
from node.adapters.catalogues.registry import discover
from node.adapters.procedures.loading import discover_requirements
from node.adapters.sources import formats
from node.cli.main import cli
from node.model.catalogue import Caveat
from node.model.records import PENALTY_ORDINARY

GUIDE = (Path(__file__).parents[2] / "docs" / "add-a-jurisdiction.md").read_text("utf-8")
FILES = re.findall(r"^`(my-catalogues/[^`]+)`\n\n```(?:toml|csv)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```console\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)[0].splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, body in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, "utf-8")
    return tmp_path / "my-catalogues"


def test_the_guide_prints_every_file_and_the_commands() -> None:
    assert [Path(name).name for name, _ in FILES] == [
        "jurisdiction.toml",
        "catalogue.csv",
        "crosswalk.csv",
        "tender.toml",
    ]
    assert len(COMMANDS) == 3


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_guide_end_in_order(command: str) -> None:
    program, *arguments = shlex.split(command)
    result = CliRunner().invoke(cli, arguments)
    assert (program, result.exit_code) == ("huxin", 0), result.output
    if "show" in arguments:
        assert "示例省（虚构）" in result.output


def test_the_new_jurisdiction_stands_beside_the_others(folder: Path) -> None:
    registry = discover([folder])
    assert registry.divisions == ("140000", "210000", "520000", "620100", "990000")
    catalogue = registry.on("990000", date(2026, 11, 22)).catalogue
    assert list(catalogue.own_record_types) == ["abnormal_operations_list"]
    row = catalogue.rows["2"]
    assert row.collects(PENALTY_ORDINARY) is not None
    assert [(t.since, t.caveats) for t in row.types] == [
        (date(2024, 1, 1), frozenset({Caveat.SINCE_YEAR_ONLY})),
        (date(2024, 1, 1), frozenset({Caveat.SINCE_YEAR_ONLY})),
        (date(2026, 1, 1), frozenset({Caveat.SINCE_ASSUMED})),
    ]
    assert discover_requirements(registry, [folder])["990000/tender"].illustrative


def test_the_jurisdictions_folder_itself_is_accepted_as_a_root(folder: Path) -> None:
    assert "990000" in discover([folder / "990000_shili"]).divisions


def test_an_adapter_module_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shili_source.py").write_text(
        "def read_records(source, *, today, record_types=None):\n    yield from ()\n", "utf-8"
    )
    assert formats.format_names() == ("csv",)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    assert formats.format_names() == ("csv", "shili")
    assert list(formats.record_reader("shili")(tmp_path, today=date(2026, 11, 22))) == []
