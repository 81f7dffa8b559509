"""The documents: links lead somewhere, commands exist, the walk through the README works, nothing promised is present.

The walk is what a newcomer does with the README alone: found two jurisdictions, issue in one, verify in the other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from node.cli.failures import ExitCode
from node.cli.main import cli
from node.model.reasons import STEP_REASONS
from node.model.verdict import Decision, FindingKind, GapReason
from node.rpc.permissions import PERMISSIONS
from tests.support.newcomer import Newcomer

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "adr", ROOT / "trust", ROOT / "ops", ROOT / "tests" / "vectors")
    for path in folder.glob("*.md")
)
WALK = "## First verdict by hand"
FEDERATION = "## A federation by registry"
WALK_SECONDS = 300
"""What a newcomer may need, typing included; the machine must need far less."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def section(text: str, heading: str) -> str:
    """The text from a heading to the next one of its level."""
    level = heading.split(" ", 1)[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^{level} |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no section {heading}"
    return found[1]


def shell_blocks(text: str) -> list[str]:
    return re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


# Links


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as the hosting sites make them."""
    headings = re.findall(r"^#+ (.*)$", without_code(text_of(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path, text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert list(broken_links(path, text_of(path))) == []


def test_a_broken_link_would_be_found() -> None:
    text = "[a](nowhere.md) [b](README.md#no-such-heading) [c](README.md#reference) [d](https://example.org/)"
    assert list(broken_links(ENGLISH, text)) == ["nowhere.md", "README.md#no-such-heading"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_of_the_repository_that_is_named_exists(path: Path) -> None:
    named = re.findall(r"`((?:node|trust|proto|ops|tests|docs|\.ci)/[\w./-]*)`", text_of(path))
    assert [name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(name + "*"))] == []


def test_every_document_that_code_names_exists() -> None:
    code = [path for room in ("node", "trust", "ops", "proto", "tests") for path in (ROOT / room).rglob("*")]
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in code
        if path.suffix in {".py", ".proto", ".toml", ".yml", ".json"}
        for name in re.findall(r"`(docs/[\w./-]+\.md)`", text_of(path))
    }
    assert len(named) > 20
    assert [place for place in sorted(named) if not (ROOT / place[1]).exists()] == []


def test_the_index_names_every_document() -> None:
    index = text_of(ROOT / "docs" / "README.md")
    missing = [
        path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md" and path.name not in index
    ]
    assert missing == []
    decisions = text_of(ROOT / "docs" / "adr" / "README.md")
    records = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    assert [name for name in records if name not in decisions] == []
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))


def test_a_decision_says_what_was_rejected_and_what_follows() -> None:
    for path in (ROOT / "docs" / "adr").glob("0*.md"):
        headings = re.findall(r"^## (.*)$", text_of(path), re.MULTILINE)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"], path.name


# Commands


def command_lines(text: str) -> Iterator[str]:
    """Everything that reads as a huxin command: lines of shell blocks, and spans of code in the prose."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"\s*huxin( |$)", line):
                yield line.strip()
    yield from re.findall(r"`(huxin(?: [^`]+)?)`", without_code(text))


def children(group: click.Group) -> dict[str, click.Command]:
    """The commands of a group, by name."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def mistake(line: str) -> str:
    """Why a line is no command of ours; empty when it is one. Capital words and dots stand for values."""
    words = re.split(r" [#>|]", line, maxsplit=1)[0].split()[1:]
    command: click.Command = cli
    while words:
        word = words.pop(0).rstrip("&")
        if word.startswith("-"):
            option = word.split("=")[0].split("|")[0]
            known = {name: param for param in command.params for name in (*param.opts, *param.secondary_opts)}
            if option not in known and option not in ("--help", "-h", "--json"):
                return f"{line}: no option {option}"
            param = known.get(option)
            if isinstance(param, click.Option) and not param.is_flag and not param.count and words:
                words.pop(0)
        elif isinstance(command, click.Group) and word not in ("...", "COMMAND"):
            inside = children(command)
            if word not in inside:
                return f"{line}: no command {word}"
            command = inside[word]
    return ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_written_exists(path: Path) -> None:
    assert [wrong for line in command_lines(text_of(path)) if (wrong := mistake(line))] == []


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert mistake("huxin report issue 91140000MA0TE5T16Q")
    assert mistake("huxin verify report.huxin --requirement 520000/tender")
    assert not mistake("huxin --home shanxi verify report.huxin --require 520000/tender > out.txt &")


@pytest.mark.parametrize("path", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_the_readme_names_every_command(path: Path) -> None:
    leaves = {
        f"huxin {name}" + (f" {child}" if child else "")
        for name, command in children(cli).items()
        for child in (children(command) if isinstance(command, click.Group) else ("",))
    }
    assert sorted(leaf for leaf in leaves if f"`{leaf}`" not in text_of(path)) == []


@pytest.mark.parametrize("path", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_the_readme_names_every_exit_code_and_decision(path: Path) -> None:
    text = text_of(path)
    assert sorted(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == sorted(map(int, ExitCode))
    assert [decision for decision in Decision if f"| {decision} |" not in text] == []
    targets = re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"`?make ([a-z-]+)", text)) <= set(targets)


def test_both_readmes_have_the_same_parts() -> None:
    def shape(path: Path) -> list[str]:
        return [found.split(" ")[0] for found in re.findall(r"^#+ .*$", without_code(text_of(path)), re.MULTILINE)]

    assert shape(ENGLISH) == shape(CHINESE)
    assert shell_blocks(text_of(ENGLISH)) == shell_blocks(text_of(CHINESE))
    rows = [len(re.findall(r"^\|", text_of(path), re.MULTILINE)) for path in (ENGLISH, CHINESE)]
    assert rows[0] == rows[1]
    links = [set(re.findall(r"\]\(((?:docs|ops)/[^)]*)\)", text_of(path))) for path in (ENGLISH, CHINESE)]
    assert links[0] == links[1]


def test_the_product_never_says_clear() -> None:
    assert "huxin never says clear" in text_of(ENGLISH)
    assert "从不说“无违法违规”" in text_of(CHINESE)


# What the design documents must name


def test_the_protocol_says_every_step() -> None:
    steps = section(text_of(ROOT / "docs" / "protocol.md"), "## Verification steps")
    assert re.findall(r"^\| (\d+) \|", steps, re.MULTILINE) == [str(number) for number in range(1, 19)]


def test_the_protocol_says_every_reason_of_a_step() -> None:
    steps = text_of(ROOT / "docs" / "protocol.md")
    reasons = STEP_REASONS - set(GapReason)
    assert sorted(reason for reason in reasons if f"`{reason}`" not in steps) == []


def test_recognition_says_every_gap_and_finding() -> None:
    text = text_of(ROOT / "docs" / "recognition.md")
    table = re.findall(r"^\| `([A-Z_]+)` \|", section(text, "## Gaps"), re.MULTILINE)
    assert table == [reason.value for reason in GapReason]  # in order of precedence
    assert [kind for kind in FindingKind if kind not in section(text, "## Finding per cell")] == []
    assert [decision for decision in Decision if f"| {decision} |" not in text] == []


def test_the_protocol_tells_methods_that_exist_from_planned_ones() -> None:
    services = section(text_of(ROOT / "docs" / "protocol.md"), "## Services")
    present, planned = services.split("**Planned", 1)
    existing = {method.rsplit("/", 1)[1] for method in PERMISSIONS if method.startswith("/huxin.")}
    assert sorted(method for method in existing if f"`{method}`" not in present) == []
    assert sorted(method for method in existing if f"`{method}`" in planned) == []
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", re.sub(r"`[A-Za-z]+Service`", "", present)))
    assert {name for name in named if re.fullmatch(r"([A-Z][a-z]+)+", name)} <= existing | {
        "ErrorInfo",
        "BadRequest",
        "RetryInfo",
    }


def test_the_architecture_names_every_room() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    rooms = {path.stem if path.is_file() else path.name for path in (ROOT / "node").iterdir() if path.name[0] != "_"}
    modules = {path.name for path in (ROOT / "trust").iterdir() if path.name[0] != "_"}
    assert sorted(name for name in rooms if not re.search(rf"\b{name}\b", text)) == []
    assert sorted(name for name in modules - {"py.typed", "README.md"} if name not in text) == []


# The changelog


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = text_of(ROOT / "CHANGELOG.md")
    assert text.startswith("# Changelog\n")
    versions = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version) for version in versions[1:])
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    declared = re.search(r'^version = "(.*)"', text_of(ROOT / "pyproject.toml"), re.MULTILINE)
    assert declared is not None
    released = [version.split("]")[0][1:] for version in versions[1:]]
    assert not released or released[0] == declared[1]


# The walk


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    one = Newcomer(tmp_path)
    yield one
    one.leaves()


def test_the_first_verdict_by_hand_comes_as_the_readme_says(newcomer: Newcomer) -> None:
    began = time.monotonic()
    path, found, fill, export, introduce, serve, peers, create, download, accept, refer, forge, away = shell_blocks(
        section(text_of(ENGLISH), WALK)
    )
    assert "$PWD/.venv/bin" in path  # which this test has put on the path itself
    for block in (found, fill):
        assert newcomer.types(block)[0] == 0
    code, printed = newcomer.types(export)
    shanxi, guizhou = re.findall(r"\b[0-9a-f]{64}\b", printed)
    newcomer.puts(shanxi, "SHANXI_KEY")
    newcomer.puts(guizhou, "GUIZHOU_KEY")
    assert (code, newcomer.types(introduce)[0]) == (0, 0)
    newcomer.types(serve)
    newcomer.waits_until(newcomer.ready)
    newcomer.waits_until(lambda: "connected" in newcomer.types(peers)[1])
    code, printed = newcomer.types(create)
    number = re.search(r"\b140000[0-9A-Z]{25}\b", printed)
    assert number is not None, printed
    newcomer.puts(number[0], "NUMBER")
    assert (code, newcomer.types(download)[0]) == (0, 0)
    newcomer.waits_until(lambda: "1 of 1" in newcomer.types(peers)[1])

    assert verdict(newcomer.types(accept)) == (0, "ACCEPT")
    code, printed = newcomer.types(refer)
    assert verdict((code, printed)) == (10, "REFER")
    assert {"SOURCE_LATE", "RECORD_TYPE_NOT_COLLECTED"} == set(GapReason) & set(re.findall(r"[A-Z_]{6,}", printed))
    assert verdict(newcomer.types(forge)) == (11, "REJECT")
    stop, verify_again, stop_the_other = away.strip().splitlines()
    newcomer.types(stop)
    newcomer.waits_until(lambda: "connected" not in newcomer.types(peers)[1])
    assert verdict(newcomer.types(verify_again)) == (0, "ACCEPT")
    assert newcomer.types(stop_the_other)[0] == 0
    assert time.monotonic() - began < WALK_SECONDS / 2


def test_the_federation_by_registry_comes_as_the_readme_says(newcomer: Newcomer) -> None:
    _, found, _, export, introduce, *_ = shell_blocks(section(text_of(ENGLISH), WALK))
    write, show, sign, join, serve, grant, look, stop = shell_blocks(section(text_of(ENGLISH), FEDERATION))
    newcomer.types(found)
    _, printed = newcomer.types(export)
    for key, word in zip(re.findall(r"\b[0-9a-f]{64}\b", printed), ("SHANXI_KEY", "GUIZHOU_KEY"), strict=True):
        newcomer.puts(key, word)
    newcomer.types(introduce)

    assert newcomer.types(write)[0] == 0
    code, printed = newcomer.types(show)
    digests = re.findall(r"Digest, to compare by telephone:\n +((?:[0-9a-f]{8} ?){8})\n", printed)
    for digest, word in zip(digests, ("ROOT_DIGEST", "TARGETS_DIGEST"), strict=True):
        newcomer.puts(digest, word)
    assert code == 0
    code, printed = newcomer.types(sign)
    assert (code, printed.count("2 of 2"), printed.count("Signed for")) == (0, 2, 4), printed
    code, printed = newcomer.types(join)
    assert (code, printed.count("Published: 140000, 520000, 620100.")) == (0, 2), printed
    newcomer.types(serve)
    give, read = grant.strip().splitlines()
    assert newcomer.types(give)[0] == 0
    # Each recognises itself; Guizhou and Lanzhou recognise Shanxi.
    newcomer.waits_until(lambda: newcomer.types(read)[1].count("in force") == 5)
    code, printed = newcomer.types(look)
    assert (code, "root version 1: 2 of 3 holders must sign" in printed) == (0, True), printed
    assert newcomer.types(stop)[0] == 0


def verdict(answer: tuple[int, str]) -> tuple[int, str]:
    """Exit code and decision as printed."""
    code, printed = answer
    decision = re.search(r"Decision: (\w+)", printed)
    return code, decision[1] if decision else printed
