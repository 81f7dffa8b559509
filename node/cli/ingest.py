"""`huxin ingest`: deliveries of source units and the register of subjects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from node.app.ingesting import ingest_deliveries, ingest_registrations
from node.cli.failures import ExitCode
from node.cli.session import Group, Session, json_option, pass_session
from node.cli.tables import Table
from node.intake.ingest import IntakeSummary
from node.model.counting import counted
from node.model.delivery import BadRow, DeliveryHeader

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
    "huxin ingest records deliveries/*.csv\n"
    "huxin ingest records market.csv --unit 省市场监管局 --row 6 --row 14 --as-of 2026-11-20 --complete",
)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--unit", metavar="UNIT", help="Source unit that delivers, as the catalogue names it.")
@click.option("--row", "rows", multiple=True, metavar="CODE", help="Row of the catalogue that the delivery is about.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Day up to whose start the data are complete, such as 2026-11-22.",
)
@click.option("--complete", is_flag=True, help="The delivery is everything the unit has for these rows.")
@json_option
@pass_session
@click.pass_context
def records(
    ctx: click.Context,
    session: Session,
    files: tuple[Path, ...],
    unit: str | None,
    rows: tuple[str, ...],
    as_of: datetime | None,
    complete: bool,
) -> None:
    """File violation records, one delivery in each FILE: each stored whole or not at all.

    What a delivery is stands beside FILE in FILE's name with .delivery.toml, or is said by --unit, --row, --as-of.
    """
    header = _header(unit, rows, as_of, complete=complete)
    if header is not None and len(files) > 1:
        raise click.UsageError(
            "--unit, --row and --as-of describe one delivery; give one FILE, or headers beside them."
        )
    taken: list[tuple[Path, IntakeSummary]] = []
    try:
        with _progress(session, *files) as advance:
            asyncio.run(
                ingest_deliveries(
                    session.settings(),
                    session.clock,
                    files,
                    header,
                    advance,
                    lambda file, summary: taken.append((file, summary)),
                )
            )
    except Exception:
        if len(files) > 1:
            _say_where(session, files, len(taken))
        raise
    if len(files) > 1:
        _tell_all(ctx, session, taken)
        return
    summary = taken[0][1]
    if not (session.as_json or summary.repeated):
        session.say(_PROMISE[summary.complete])
    _tell(ctx, session, summary, "record", "filed")


@ingest.command("registrations", example="huxin ingest registrations register.csv")
@_FILE
@json_option
@pass_session
@click.pass_context
def registrations(ctx: click.Context, session: Session, file: Path) -> None:
    """Take in the register of subjects: who is registered where decides who may ask for a report here."""
    with _progress(session, file) as advance:
        summary = asyncio.run(ingest_registrations(session.settings(), session.clock, file, advance))
    _tell(ctx, session, summary, "registration", "taken in")


def _header(
    unit: str | None, rows: tuple[str, ...], as_of: datetime | None, *, complete: bool
) -> DeliveryHeader | None:
    if unit is None and not rows and as_of is None and not complete:
        return None
    if unit is None or not rows or as_of is None:
        raise click.UsageError("A delivery is described by --unit, --row and --as-of together, or by none of them.")
    return DeliveryHeader(unit, rows, as_of.date(), complete)


@contextmanager
def _progress(session: Session, *files: Path) -> Iterator[Callable[[int], None]]:
    """A bar over the rows of files on stderr; yields what is told the number of rows read since the last call."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=session.err, transient=True, disable=session.as_json or not session.err.is_terminal
    ) as bar:
        name = files[0].name if len(files) == 1 else counted(len(files), "file")
        task = bar.add_task(name, total=sum(map(_lines, files)))
        yield lambda rows: bar.advance(task, rows)


def _lines(file: Path) -> int:
    """About how many rows: line ends, less the head. A cell with line breaks counts more than once."""
    with file.open("rb") as content:
        return max(1, sum(chunk.count(b"\n") for chunk in iter(lambda: content.read(1 << 20), b"")) - 1)


def _tell(ctx: click.Context, session: Session, summary: IntakeSummary, what: str, done: str) -> None:
    """What was filed and what was left out: line, column, why; never contents. Exits 1 when something was left out."""
    if session.as_json:
        session.emit(asdict(summary))
    else:
        if summary.repeated:
            session.say("This delivery was taken in before: nothing has changed.", "green")
        else:
            session.say(f"{counted(summary.filed, what)} {done}.", "green")
        _tables(session, summary)
    if summary.quarantined:
        ctx.exit(ExitCode.PROBLEMS)


def _say_where(session: Session, files: tuple[Path, ...], done: int) -> None:
    """Which of several files the error that follows is about."""
    session.err.print(
        f"{done} of {len(files)} deliveries were taken in; it stopped at {files[done].name}. After correcting what "
        "follows, give the same command again: what is in already does not change.",
        style="yellow",
        markup=False,
        soft_wrap=True,
    )


def _tell_all(ctx: click.Context, session: Session, taken: Sequence[tuple[Path, IntakeSummary]]) -> None:
    """Several deliveries, a line each; those with rows left out in full. Exits 1 when there was one."""
    if session.as_json:
        session.emit([{"file": str(file), **asdict(summary)} for file, summary in taken])
    else:
        for file, summary in taken:
            state = "taken in before" if summary.repeated else f"{summary.filed} filed"
            session.say(f"{file.name}: {state}, {'complete' if summary.complete else 'not complete'}")
            _tables(session, summary)
        filed = sum(summary.filed for _, summary in taken if not summary.repeated)
        session.say(f"{counted(filed, 'record')} filed from {counted(len(taken), 'delivery', 'deliveries')}.", "green")
    if any(summary.quarantined for _, summary in taken):
        ctx.exit(ExitCode.PROBLEMS)


def _tables(session: Session, summary: IntakeSummary) -> None:
    if summary.quarantined:
        _table(session, summary.quarantined, "left out")
        session.say("Correct these rows at their source and deliver the file again, for the same day.")
    if summary.doubtful:
        _table(session, summary.doubtful, "filed that somebody should look at")


def _table(session: Session, rows: Sequence[BadRow], title: str) -> None:
    table = Table("Line", "Column", "What to do", title=f"{counted(len(rows), 'row')} {title}", title_justify="left")
    for row in rows[:SHOWN]:
        table.add_row(str(row.line), Text(row.column), Text(row.message))
    session.out.print(table)
    if len(rows) > SHOWN:
        session.say(f"... and {len(rows) - SHOWN} more; --json lists all.")
