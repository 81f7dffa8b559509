"""What every command is given: the home, where to print, and how."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from node.app.founding import Layout
from node.cli.field_names import as_typed
from node.clock import Clock, SystemClock
from node.config import Settings
from node.errors import BadConfiguration, InvalidInput
from node.model.calendar import in_china as in_china  # noqa: PLC0414 - commands take both from here
from node.model.calendar import rfc3339 as rfc3339  # noqa: PLC0414
from node.model.registry import RegistryRecord

NODE_VARIABLE = "HUXIN_NODE"
"""Names the address of the node for the command line; not a setting of the node."""

PIPE_WIDTH = 120
"""Columns of a table when nobody's terminal says how wide it is."""

F = TypeVar("F", bound=Callable[..., Any])


def console(*, stderr: bool = False, no_color: bool = False) -> Console:
    """A console on stdout or stderr. Without a terminal it is `PIPE_WIDTH` wide; NO_COLOR and COLUMNS are honoured."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    # `no_color=False` would overrule NO_COLOR, which Console looks up itself.
    return Console(stderr=stderr, no_color=True if no_color else None, highlight=False, width=width)


@dataclass(slots=True)
class Session:
    """One run of `huxin`."""

    home: Path
    as_json: bool
    stdout: Console
    err: Console
    clock: Clock = field(default_factory=SystemClock)

    @property
    def out(self) -> Console:
        """Where people read. What a machine reads on stdout is one document, so they are told on stderr then."""
        return self.err if self.as_json else self.stdout

    @property
    def layout(self) -> Layout:
        return Layout(self.home)

    def settings(self) -> Settings:
        """The settings of the node in this home. Raises BadConfiguration."""
        if not self.layout.settings.exists():
            raise BadConfiguration(
                str(self.home),
                "holds no huxin.toml. Create a jurisdiction with `huxin init`, or name its home with --home.",
            )
        environ = {name: value for name, value in os.environ.items() if name != NODE_VARIABLE}
        return Settings.load(self.layout.settings, environ)

    def registry(self) -> RegistryRecord | None:
        """The trust registry as this home has verified it last, None when it joined none."""
        # Here and not above: commands that ask a running node would wait for the database libraries.
        from node.app.registering import registry_record  # noqa: PLC0415

        return asyncio.run(registry_record(self.settings()))

    def say(self, text: str, style: str | None = None) -> None:
        """A line for people; nothing in it is taken for markup."""
        self.out.print(text, style=style, markup=False, soft_wrap=True)

    def answer(self, value: object) -> None:
        """What a command did, where stdout is for a machine; people are told by `say`."""
        if self.as_json:
            self.emit(value)

    def emit(self, value: object) -> None:
        """JSON for machines: one document, UTF-8, times in UTC as RFC 3339 in whole, keys in the order given."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))


pass_session = click.make_pass_decorator(Session)


def json_option(command: F) -> F:
    """`--json`, also after the command's name, where machines may read."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.ensure_object(Session).as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Print JSON for machines instead."
    )(command)


class Command(click.Command):
    """A command that shows examples below its options, line by line as written."""

    def __init__(self, *args: Any, example: str = "", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.example = example

    def invoke(self, ctx: click.Context) -> Any:
        """Runs it. What was typed wrongly is named as it was typed, whatever the use case calls it."""
        try:
            return super().invoke(ctx)
        except InvalidInput as error:
            error.field = as_typed(error.field, self.params, ctx)
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.example:
            with formatter.section("Example"):
                for line in self.example.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group whose commands are `Command`s."""

    command_class = Command
