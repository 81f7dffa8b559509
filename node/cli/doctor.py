"""`huxin doctor`: what is wrong with this home, what will end and when, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import click
from rich.text import Text

from node.app.expiries import advice
from node.app.inspecting import ends, inspect
from node.cli.failures import ExitCode
from node.cli.session import Command, Session, in_china, json_option, pass_session, rfc3339
from node.cli.tables import Table
from node.model.counting import counted
from node.model.expiry import Expiry
from node.readiness import Check

_SOON = timedelta(days=30)


@click.command(cls=Command, example="huxin --home shanxi doctor")
@json_option
@pass_session
@click.pass_context
def doctor(ctx: click.Context, session: Session) -> None:
    """Look at settings, keys, certificates, trust, database, logs, what ends when. Exits 1 when something is wrong."""
    settings, now = session.settings(), session.clock.now()
    checks, expiries = asyncio.run(inspect(settings, now)), asyncio.run(ends(settings, now))
    if session.as_json:
        session.emit(
            {
                "checks": [asdict(check) for check in checks],
                "expiries": [
                    {
                        "kind": each.kind.value,
                        "name": each.name,
                        "ends": rfc3339(each.ends),
                        "ended": each.ends <= now,
                        "advice": advice(each, settings.division),
                    }
                    for each in expiries
                ],
            }
        )
    else:
        session.out.print(_found(checks))
        session.out.print(_ending(expiries, settings.division, now))
    if not all(check.ok for check in checks) or any(each.ends <= now for each in expiries):
        ctx.exit(ExitCode.PROBLEMS)


def _found(checks: Sequence[Check]) -> Table:
    table = Table("", "Check", "What was found")
    for check in checks:
        mark = Text("ok", style="green") if check.ok else Text("WRONG", style="bold red")
        table.add_row(mark, Text(check.name), Text(check.sentence))
    return table


def _ending(expiries: Sequence[Expiry], own_division: str, now: datetime) -> Table:
    """Soonest first; what to do stands where it is time to do it."""
    table = Table("Ends", "Left", "Kind", "Name", "What to do")
    for each in expiries:
        left = each.ends - now
        style = "bold red" if left <= timedelta(0) else "yellow" if left < _SOON else ""
        table.add_row(
            Text(in_china(each.ends)),
            Text(_left(left), style=style),
            Text(each.kind.value.replace("_", " ")),
            Text(each.name),
            Text(advice(each, own_division) if left < _SOON else ""),
        )
    return table


def _left(left: timedelta) -> str:
    if left <= timedelta(0):
        return "ENDED"
    return counted(left.days, "day") if left.days > 1 else counted(round(left.total_seconds() / 3600), "hour")
