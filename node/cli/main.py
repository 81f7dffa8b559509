"""`huxin`: the root of all commands."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click
import structlog

from node.cli.failures import MEANINGS, Misused, failure_of, tell
from node.cli.session import Group, Session, console
from node.config import HOME_VARIABLE

DEFAULT_HOME = "huxin-home"

COMMANDS: dict[str, str] = {
    "init": "node.cli.founding:init",
    "serve": "node.cli.serve:serve",
    "ingest": "node.cli.ingest:ingest",
    "report": "node.cli.report:report",
    "request": "node.cli.request:request",
    "subjects": "node.cli.subjects:subjects",
    "verify": "node.cli.verify:verify",
    "present": "node.cli.present:present",
    "requirement": "node.cli.requirement:requirement",
    "catalogue": "node.cli.catalogue:catalogue_group",
    "trust": "node.cli.trust:trust",
    "recognise": "node.cli.recognise:recognise",
    "key": "node.cli.key:key",
    "peers": "node.cli.peers:peers",
    "log": "node.cli.log:log",
    "outbox": "node.cli.mailbox:outbox",
    "inbox": "node.cli.mailbox:inbox",
    "evidence": "node.cli.evidence:evidence",
    "certificate": "node.cli.certificate:certificate",
    "doctor": "node.cli.doctor:doctor",
}
"""Each is imported when it is asked for: `huxin verify` need not wait for the database libraries."""

_GLOBAL = ("--home", "--no-color", "--debug")


class Root(Group):
    """Finds commands by `COMMANDS`, in that order, and ends every error as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def make_context(self, *arguments: Any, **attributes: Any) -> click.Context:
        """As click's, which reads the options before the command in it."""
        try:
            return super().make_context(*arguments, **attributes)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            raise Misused(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            name = error.option_name if isinstance(error, click.NoSuchOption) else ""
            if name in _GLOBAL:
                error = click.UsageError(f"{name} stands before the command: huxin {name} ... COMMAND ...", error.ctx)
            raise Misused(error) from None
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click ends these itself; a reader that went away, such as `head`, quietly
        except Exception as error:  # noqa: BLE001 - whatever it is, a clerk gets a sentence
            if ctx.params.get("debug"):
                click.echo(traceback.format_exc(), err=True)
            failure = failure_of(error)
            session = ctx.find_object(Session)  # none yet when the command itself could not be loaded
            tell(failure, console(stderr=True) if session is None else session.err)
            raise click.exceptions.Exit(failure.code) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])
        with formatter.section("First steps"):
            formatter.write("  huxin --home shanxi init 140000\n  huxin --home shanxi serve\n  huxin COMMAND --help\n")
        super().format_epilog(ctx, formatter)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=HOME_VARIABLE,
    default=DEFAULT_HOME,
    show_default=True,
    show_envvar=True,
    help="Folder of the jurisdiction: settings, keys, certificates, trust, database.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines where a command can.")
@click.option("--no-color", is_flag=True, help="No colours. NO_COLOR=1 does the same.")
@click.option("--debug", is_flag=True, help="Show where an unforeseen error happened.")
@click.version_option(package_name="huxin", prog_name="huxin")
@click.pass_context
def cli(ctx: click.Context, home: Path, as_json: bool, no_color: bool, debug: bool) -> None:
    """互信 huxin: issue special credit reports, and verify what another jurisdiction's report proves.

    One node speaks for one jurisdiction. Commands that ask a running node find it by the settings in the home, or by
    --node and HUXIN_NODE.
    """
    del debug  # read from the context's parameters by Root.invoke
    if no_color:
        ctx.color = False
    ctx.obj = Session(home, as_json, console(no_color=no_color), console(stderr=True, no_color=no_color))


def main() -> None:
    """Entry point of the `huxin` script."""
    # gRPC's core writes lines of its own to stderr, between our sentences and among a node's JSON; our errors say more.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # What a command prints on stdout is its answer, perhaps read by a machine; `serve` sets up the log anew.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    cli(prog_name="huxin")
