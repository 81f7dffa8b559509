"""The root of the commands: help, exit codes, and that every error ends as a sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from node.cli import field_names
from node.cli.failures import MEANINGS, ExitCode, Refused, failure_of
from node.cli.main import COMMANDS, cli
from node.cli.session import Command
from node.errors import BadConfiguration, BadSource, InvalidInput, NotFound, NotReady
from tests.cli.running import huxin
from trust.errors import BadKey, SignatureInvalid


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None, name
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


OURS = [(path, command) for path, command in commands(cli) if path[0] != "catalogue"]
IDS = [" ".join(path) for path, _ in OURS]


def test_what_is_logged_does_not_stand_among_what_a_command_prints() -> None:
    code = (
        "import structlog\nfrom node.cli.main import main\n"
        "try:\n    main()\nfinally:\n    structlog.get_logger().warning('catalogue_left_out')"
    )
    told = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("huxin, version ")
    assert "catalogue_left_out" not in told.stdout
    assert "catalogue_left_out" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (("--nonsense",), "huxin [OPTIONS] COMMAND"),
        (("nonsense",), "huxin [OPTIONS] COMMAND"),
        (("key", "list", "--nonsense"), "huxin key list [OPTIONS]"),
        (("verify",), "huxin verify [OPTIONS]"),
        (("key", "list", "--home", "x"), "huxin key list [OPTIONS]"),
    ],
)
def test_what_was_typed_wrongly_is_told_as_every_other_error(arguments: tuple[str, ...], usage: str) -> None:
    result = huxin(*arguments)
    assert result.exit_code == ExitCode.USAGE
    assert result.stdout == ""
    assert result.stderr.startswith(f"Usage: {usage}")
    assert "--help' for help." in result.stderr
    assert result.stderr.splitlines()[-1].startswith("错误 Error: ")


def test_a_group_alone_shows_its_help_and_no_error() -> None:
    assert "Error" not in huxin("key").output


def test_help_documents_every_exit_code() -> None:
    text = huxin("--help").stdout
    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"{int(code)} " in text
        assert meaning in text
    for name in COMMANDS:
        assert f"  {name} " in text


@pytest.mark.parametrize(("path", "command"), OURS, ids=IDS)
def test_every_command_has_help_and_an_example_of_itself(path: tuple[str, ...], command: click.Command) -> None:
    text = huxin(*path, "--help").stdout
    assert isinstance(command, Command)
    assert command.help
    assert command.example
    for line in command.example.splitlines():
        assert line.startswith("huxin "), line
        assert " ".join(path) in line, line
        assert line in text


@pytest.mark.parametrize(("path", "command"), OURS, ids=IDS)
def test_every_option_says_what_it_does(path: tuple[str, ...], command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (path, parameter.name)


def test_every_value_has_a_name_that_says_what_to_type() -> None:
    """DIVISION, N, DAY: neither what Python calls its type nor a format of the C library."""
    for path, command in commands(cli):
        context = click.Context(command)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.is_flag:
                shown = parameter.make_metavar(context)
                assert not re.search("TEXT|INTEGER|FLOAT|%|''", shown), (path, parameter.opts, shown)


def test_every_field_has_something_that_fills_it() -> None:
    known = {parameter.name for _, command in commands(cli) for parameter in command.params}
    assert {name for names in field_names._FILLED_BY.values() for name in names} <= known


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("territories", "--territory"),
        ("territories[3]", "--territory"),
        ("subject.id", "--subject"),
        ("bundles", "FILE"),
        ("against", "--require, --requirement-file"),
        ("requirement.items[0].leaf", "requirement.items[0].leaf"),
        ("--at", "--at"),
        ("", ""),
    ],
)
def test_a_field_is_named_as_it_is_typed(field: str, typed: str) -> None:
    command = next(command for path, command in commands(cli) if path == ("present",))
    assert field_names.as_typed(field, command.params, click.Context(command)) == typed


def test_what_a_file_says_is_not_called_an_option() -> None:
    command = next(command for path, command in commands(cli) if path == ("ingest", "records"))
    context = click.Context(command)
    assert field_names.as_typed("unit", command.params, context) == "unit"
    context.params = {"unit": "省市场监管局"}
    assert field_names.as_typed("unit", command.params, context) == "--unit"


def test_no_sentence_leaves_the_number_to_the_reader() -> None:
    """`1 row`, `2 rows`: never `1 row(s)`."""
    found = [
        f"{path}: {line.strip()}"
        for path in Path("node").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"[a-z]\((s|es|y|ies)\)", line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("subject", "Wrong."), ExitCode.USAGE),
        (BadConfiguration("rpc.listen", "wrong."), ExitCode.USAGE),
        (NotFound("NO_CATALOGUE", "None."), ExitCode.USAGE),
        (BadSource("file.csv", "wrong", row=3), ExitCode.BAD_INPUT),
        (SignatureInvalid("It does not verify."), ExitCode.BAD_INPUT),
        (BadKey("Unusable."), ExitCode.BAD_INPUT),
        (FileNotFoundError(2, "No such file or directory", "x"), ExitCode.BAD_INPUT),
        (NotReady("NO_OWN_BUNDLE", "None."), ExitCode.REFUSED),
        (Refused("UNREACHABLE", "Nobody."), ExitCode.REFUSED),
        (RuntimeError("a secret of the program"), ExitCode.INTERNAL),
    ],
)
def test_every_error_has_its_exit_code_and_one_sentence(error: Exception, code: ExitCode) -> None:
    failure = failure_of(error)
    assert failure.code is code
    assert failure.sentence.endswith((".", ")", "wrong"))
    assert "secret" not in failure.sentence


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command with a fault of ours in it."""

    @click.command("doctor", cls=Command)
    def broken() -> None:
        raise RuntimeError("the text of an exception")

    monkeypatch.setitem(COMMANDS, "doctor", f"{__name__}:broken")
    monkeypatch.setitem(globals(), "broken", broken)
    monkeypatch.setattr("importlib.import_module", lambda _: type("Module", (), {"broken": broken}))


def test_a_command_that_cannot_be_loaded_ends_as_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "doctor", "node.cli.no_such_module:doctor")  # as after a broken installation
    result = huxin("doctor")
    assert result.exit_code == ExitCode.INTERNAL
    assert "ModuleNotFoundError" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("faulty")
def test_the_unforeseen_is_one_sentence_and_a_traceback_on_request() -> None:
    result = huxin("doctor")
    assert result.exit_code == ExitCode.INTERNAL
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "the text of an exception" not in result.stderr
    debugged = huxin("--debug", "doctor")
    assert debugged.exit_code == ExitCode.INTERNAL
    assert "Traceback" in debugged.stderr
    assert "the text of an exception" in debugged.stderr


def test_no_home_says_how_to_get_one(tmp_path: Path) -> None:
    result = huxin("trust", "list", home=tmp_path / "nowhere")
    assert result.exit_code == ExitCode.USAGE
    assert "huxin init" in result.stderr
    assert result.stdout == ""


def test_home_may_come_from_the_environment(founded: Path) -> None:
    result = huxin("trust", "list", environ={"HUXIN_HOME": str(founded)})
    assert result.exit_code == ExitCode.OK
    assert "140000" in result.stdout


def test_a_misplaced_global_option_is_told_where_to_stand() -> None:
    result = huxin("peers", "--home", "x")
    assert result.exit_code == ExitCode.USAGE
    assert "--home stands before the command" in result.stderr


def test_other_wrong_options_are_left_to_click() -> None:
    result = huxin("peers", "--nonsense")
    assert result.exit_code == ExitCode.USAGE
    assert "--nonsense" in result.stderr


def test_an_unknown_command_is_wrong_use() -> None:
    assert huxin("verifie").exit_code == ExitCode.USAGE


def test_errors_have_no_colour_without_a_terminal(tmp_path: Path) -> None:
    assert "\x1b[" not in huxin("trust", "list", home=tmp_path).stderr


@pytest.mark.parametrize("box", ["outbox", "inbox"])
def test_a_state_that_is_none_is_refused_with_those_that_are(founded: Path, box: str) -> None:
    result = huxin(box, "list", "--state", "foo", home=founded)
    assert result.exit_code == ExitCode.USAGE
    assert "expired" in result.stderr
    assert "''" not in result.stderr
