"""How a command ends: one red sentence on stderr and an exit code that scripts can rely on, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

from node.cli.session import Session, console
from node.errors import BadConfiguration, BadSource, HuxinError, InvalidInput, NotFound
from trust.errors import TrustError


class ExitCode(IntEnum):
    """Exit codes of every command; `MEANINGS` says them in words for `huxin --help`."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    REFUSED = 3
    BAD_INPUT = 4
    REFER = 10
    REJECT = 11
    INTERNAL = 70


MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "done; of verify, present: ACCEPT",
    ExitCode.PROBLEMS: "problems found (doctor, lint, ingest, log, trust), or verdicts would flip",
    ExitCode.USAGE: "the command or a setting is wrong",
    ExitCode.REFUSED: "the node refused, or could not be reached",
    ExitCode.BAD_INPUT: "a file cannot be read or used",
    ExitCode.REFER: "of verify, present: REFER, or no requirement was named; a person looks",
    ExitCode.REJECT: "of verify, present: REJECT, or not genuine, or revoked",
    ExitCode.INTERNAL: "an error inside huxin; please report it",
}


class Refused(HuxinError):
    """The node refused a call or could not be reached. The message is one or more whole sentences."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command ends when it cannot do what was asked."""

    sentence: str
    code: ExitCode


def tell(failure: Failure, err: Console) -> None:
    """One red sentence on stderr."""
    err.print(Text.assemble(("错误 Error: ", "bold red"), (failure.sentence, "red")), soft_wrap=True)


class Misused(click.UsageError):
    """A command that was typed wrongly, told as every other error: usage and help of click's, our beginning."""

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message(), error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        """As click calls it."""
        session = None if self.ctx is None else self.ctx.find_object(Session)
        if self.ctx is not None:
            click.echo(f"{self.ctx.get_usage()}\nTry '{self.ctx.command_path} --help' for help.\n", file, err=True)
        tell(Failure(self.message, ExitCode.USAGE), console(stderr=True) if session is None else session.err)


def failure_of(error: Exception) -> Failure:
    """The one sentence and the exit code for any error; an unforeseen one advises --debug."""
    if isinstance(error, InvalidInput):
        return Failure(f"{error.field}: {error.message}" if error.field else error.message, ExitCode.USAGE)
    if isinstance(error, HuxinError):
        return Failure(error.message, _code_of(error))
    if isinstance(error, TrustError):
        return Failure(f"{error.message} ({error.reason})", ExitCode.BAD_INPUT)
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return Failure(f"{place}{error.strerror}. Check the path and its permissions.", ExitCode.BAD_INPUT)
    return Failure(
        f"huxin met something it did not foresee ({type(error).__name__}). Run the same command as "
        "`huxin --debug ...` to see where, and report that.",
        ExitCode.INTERNAL,
    )


def _code_of(error: HuxinError) -> ExitCode:
    if isinstance(error, BadSource):
        return ExitCode.BAD_INPUT
    if isinstance(error, BadConfiguration | NotFound):
        return ExitCode.USAGE
    return ExitCode.REFUSED
