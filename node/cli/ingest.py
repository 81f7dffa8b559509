"""`huxin ingest`: deliveries of source units and the register of subjects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from node.app.ingesting import ingest_records, ingest_registrations
from node.cli.failures import ExitCode
from node.cli.session import Group, Session, json_option, pass_session
from node.intake.ingest import IntakeSummary
from node.model.delivery import DeliveryHeader

SHOWN = 50
"""Rows left out that are printed one by one; --json gives all."""

_PROMISE = {
    True: "The delivery is complete: reports cover its rows up to its day.",
    False: "The delivery adds records and does not count as complete: what its rows cover stays as it was. "
    "A delivery with rows left out never is complete.",
}

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(cls=Group)
def ingest() -> None:
    """Take in what source units deliver. A file sent twice changes nothing.

    Rows that cannot be filed are left out and told by line and column, never by content; then the exit code is 1.
    """


@ingest.command(
    "records",
    example="huxin ingest records market.csv\n"
    "huxin ingest records market.csv --unit 省市场监管局 --row 6 --row 14 --as-of 2026-11-20 --complete",
)
@_FILE
@click.option("--unit", help="Source unit that delivers, as the catalogue names it.")
@click.option("--row", "rows", multiple=True, metavar="CODE", help="Row of the catalogue that the delivery is about.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Day up to whose start the data are complete.")
@click.option("--complete", is_flag=True, help="The delivery is everything the unit has for these rows.")
@json_option
@pass_session
@click.pass_context
def records(
    ctx: click.Context,
    session: Session,
    file: Path,
    unit: str | None,
    rows: tuple[str, ...],
    as_of: datetime | None,
    complete: bool,
) -> None:
    """File the violation records of one delivery: stored whole or not at all.

    What the delivery is stands beside FILE in FILE's name with .delivery.toml, or is said by --unit, --row, --as-of.
    """
    header = _header(unit, rows, as_of, complete=complete)
    with _progress(session, file) as advance:
        summary = asyncio.run(ingest_records(session.settings(), session.clock, file, header, advance))
    if not (session.as_json or summary.repeated):
        session.say(_PROMISE[summary.complete])
    _tell(ctx, session, summary, "record(s) filed")


@ingest.command("registrations", example="huxin ingest registrations register.csv")
@_FILE
@json_option
@pass_session
@click.pass_context
def registrations(ctx: click.Context, session: Session, file: Path) -> None:
    """Take in the register of subjects: who is registered where decides who may ask for a report here."""
    with _progress(session, file) as advance:
        summary = asyncio.run(ingest_registrations(session.settings(), session.clock, file, advance))
    _tell(ctx, session, summary, "registration(s) taken in")


def _header(
    unit: str | None, rows: tuple[str, ...], as_of: datetime | None, *, complete: bool
) -> DeliveryHeader | None:
    if unit is None and not rows and as_of is None and not complete:
        return None
    if unit is None or not rows or as_of is None:
        raise click.UsageError("A delivery is described by --unit, --row and --as-of together, or by none of them.")
    return DeliveryHeader(unit, rows, as_of.date(), complete)


@contextmanager
def _progress(session: Session, file: Path) -> Iterator[Callable[[int], None]]:
    """A bar over the rows of a file on stderr; yields what is told the number of rows read since the last call."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=session.err, transient=True, disable=session.as_json) as bar:
        task = bar.add_task(file.name, total=_lines(file))
        yield lambda rows: bar.advance(task, rows)


def _lines(file: Path) -> int:
    """About how many rows: line ends, less the head. A cell with line breaks counts more than once."""
    with file.open("rb") as content:
        return max(1, sum(chunk.count(b"\n") for chunk in iter(lambda: content.read(1 << 20), b"")) - 1)


def _tell(ctx: click.Context, session: Session, summary: IntakeSummary, done: str) -> None:
    """What was filed and what was left out: line, column, why; never contents. Exits 1 when something was left out."""
    if session.as_json:
        session.emit(asdict(summary))
    else:
        if summary.repeated:
            session.say("This delivery was taken in before: nothing has changed.", "green")
        else:
            session.say(f"{summary.filed} {done}.", "green")
        if summary.quarantined:
            _table(session, summary)
    if summary.quarantined:
        ctx.exit(ExitCode.PROBLEMS)


def _table(session: Session, summary: IntakeSummary) -> None:
    table = Table(
        "Line", "Column", "What to do", title=f"{len(summary.quarantined)} row(s) left out", title_justify="left"
    )
    for row in summary.quarantined[:SHOWN]:
        table.add_row(str(row.line), Text(row.column), Text(row.message))
    session.out.print(table)
    if len(summary.quarantined) > SHOWN:
        session.say(f"... and {len(summary.quarantined) - SHOWN} more; --json lists all.")
    session.say("Correct these rows at their source and deliver the file again.")
