"""`huxin doctor`: what is wrong with this home, and what to do."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from node.app.inspecting import inspect
from node.cli.failures import ExitCode
from node.cli.session import Command, Session, json_option, pass_session


@click.command(cls=Command, example="huxin --home shanxi doctor")
@json_option
@pass_session
@click.pass_context
def doctor(ctx: click.Context, session: Session) -> None:
    """Look at settings, keys, certificates, trust, database and clock. Exits 1 when something is wrong."""
    checks = asyncio.run(inspect(session.settings(), session.clock.now()))
    if session.as_json:
        session.emit([asdict(check) for check in checks])
    else:
        table = Table("", "Check", "What was found")
        for check in checks:
            mark = Text("ok", style="green") if check.ok else Text("WRONG", style="bold red")
            table.add_row(mark, Text(check.name), Text(check.sentence))
        session.out.print(table)
    if not all(check.ok for check in checks):
        ctx.exit(ExitCode.PROBLEMS)
