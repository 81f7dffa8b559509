"""`huxin catalogue`: what a reviewer sees, and exit codes that scripts can rely on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.adapters.catalogues.registry import BUILT_IN
from node.cli.main import cli

DAY = ("--on", "2026-11-22")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["catalogue", *arguments])


def run_json(*arguments: str, code: int = 0) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.output)


@pytest.fixture
def next_shanxi(tmp_path: Path) -> Path:
    """A synthetic successor of Shanxi's version, not installed: 税务 is gone and 市场监管 lost its leaf MK01."""
    folder = Path(
        shutil.copytree(BUILT_IN / "140000_shanxi" / "2025-237", tmp_path / "new" / "140000_shanxi" / "2027-1")
    )
    for name, what, by in (
        ("jurisdiction.toml", 'version = "2025-237"', 'version = "2027-1"'),
        ("crosswalk.csv", "13,税务,EC07,exactMatch\n", ""),
        ("crosswalk.csv", "6,市场监管,MK01,narrowMatch\n", ""),
    ):
        path = folder / name
        text = path.read_text("utf-8")
        assert what in text
        path.write_text(text.replace(what, by, 1), "utf-8")
    lines = (folder / "catalogue.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "catalogue.csv").write_text("".join(line for line in lines if not line.startswith("13,")), "utf-8")
    return folder


def test_lint_of_the_real_catalogues_ends_in_order() -> None:
    assert run("lint").exit_code == 0
    assert [finding["level"] for finding in run_json("lint")] == ["note"]


def test_lint_ends_with_1_on_a_problem_and_with_4_on_a_bad_file(tmp_path: Path) -> None:
    folder = tmp_path / "more" / "990000_shili" / "1"
    shutil.copytree(BUILT_IN / "620100_lanzhou" / "2024-03", folder)
    settings = (folder / "jurisdiction.toml").read_text("utf-8").replace('"620100"', '"990000"')
    (folder / "jurisdiction.toml").write_text(settings.replace("stated_domains = 38", "stated_domains = 39"), "utf-8")
    words = (folder / "catalogue.csv").read_text("utf-8")
    (folder / "catalogue.csv").write_text(words.replace("（处罚的客观记载，“双公示”）", "（含简易程序）"), "utf-8")
    (problem,) = (
        f for f in run_json("lint", "--catalogues", str(tmp_path / "more"), code=1) if f["level"] == "problem"
    )
    assert problem["place"] == "stated_domains"
    (folder / "crosswalk.csv").write_text("local_code\n", "utf-8")
    result = run("lint", "--catalogues", str(tmp_path / "more"))
    assert result.exit_code == 4
    assert "990000_shili/1/crosswalk.csv" in result.output
    assert str(tmp_path) not in result.output


def test_show_lists_versions_and_one_catalogue_row_by_row() -> None:
    assert [v["division"] for v in run_json("show")] == ["140000", "210000", "520000", "620100"]
    shown = run_json("show", "140000", *DAY)
    assert len(shown["rows"]) == 40
    assert shown["crosswalk"]["9"] == [["SF01", "narrowMatch"], ["SF03", "narrowMatch"]]
    assert len(shown["digest"]) == 64
    assert "晋发改信用发〔2025〕237号" in run("show", "140000", *DAY).output
    assert "CATALOGUE_UNKNOWN" in run("show", "210000", *DAY).output


def test_show_of_an_unknown_jurisdiction_or_day_says_so() -> None:
    assert run("show", "990000").exit_code == 2
    assert run("show", "140000", "--on", "2020-01-01").exit_code == 2


def test_coverage_counts_the_stated_leaves() -> None:
    cells = run_json("coverage", *DAY)
    covered = {
        d: sum(c["state"] == "COVERED" for c in cells if c["division"] == d) for d in ("140000", "520000", "620100")
    }
    assert covered == {"140000": 46, "520000": 44, "620100": 40}
    assert {c["state"] for c in cells if c["division"] == "210000"} == {"UNKNOWN"}
    assert "46" in run("coverage", *DAY).output.splitlines()[-2]


def test_diff_of_a_version_with_itself_changes_nothing() -> None:
    assert run_json("diff", "140000@2025-237", "140000@2025-237", "--requirements", "all", *DAY) == {
        "changes": [],
        "flips": [],
    }


def test_diff_lists_every_verdict_that_flips(next_shanxi: Path) -> None:
    found = run_json("diff", "140000@2025-237", str(next_shanxi), "--requirements", "all", *DAY, code=1)
    assert {"place": "row 13", "before": "税务", "after": ""} in found["changes"]
    flips = {(f["requirement_id"], f["issuer"]): (f["before"], f["after"]) for f in found["flips"]}
    # as issuer: whoever asks for MK01 or EC07
    assert flips["520000/tender", "140000"] == ("ACCEPT", "REFER")
    assert flips["620100/funding", "140000"] == ("ACCEPT", "REFER")
    # as relying jurisdiction: its own row 13 reaches nothing any more, whoever issues
    assert flips["140000/funding", "520000"] == ("ACCEPT", "REFER")
    # a verdict that stays, for other reasons
    assert flips["520000/listing", "140000"] == ("REFER", "REFER")
    # what does not ask for either is not there
    assert not [key for key in flips if key[0] in ("520000/licensing", "210000/licensing")]
    cell = found["flips"][0]["cells"][0]
    assert cell["before"] != cell["after"]


def test_diff_can_be_narrowed_and_is_readable(next_shanxi: Path) -> None:
    result = run("diff", "140000@2025-237", str(next_shanxi), "--requirements", "520000/tender", *DAY)
    assert result.exit_code == 1
    assert "ACCEPT" in result.output
    assert "NOT_IN_CATALOGUE" in result.output
    structural = run("diff", "140000@2025-237", str(next_shanxi), *DAY)
    assert structural.exit_code == 0
    assert "Name --requirements" in structural.output


def test_a_refused_caveat_leaves_less_to_flip(next_shanxi: Path) -> None:
    """Guizhou lists its record types for all domains together: refuse that, and its reports never met the procedure."""
    arguments = ("diff", "140000@2025-237", str(next_shanxi), "--requirements", "140000/funding", *DAY)

    def decisions(*more: str) -> tuple[str, str]:
        found = run_json(*arguments, *more, code=1)["flips"]
        (flip,) = (f for f in found if f["issuer"] == "520000")
        return flip["before"], flip["after"]

    assert decisions() == ("ACCEPT", "REFER")
    assert decisions("--accept", "CLOSE_MATCH") == ("REFER", "REFER")


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "140000@2025-237", "140000@1999"),
        ("diff", "140000@2025-237", "520000@2025-533"),
        ("diff", "140000@2025-237", "140000@2025-237", "--requirements", "nothing"),
        ("show", "--on", "yesterday"),
        ("lint", "--catalogues", "nowhere"),
    ],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_every_command_explains_itself() -> None:
    for command in ("lint", "show", "coverage", "diff"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "Example" in result.output
