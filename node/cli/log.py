"""`huxin log show|prove|check`: the stored logs themselves, read beside a serving node or without one.

`close` and `found` are in `node.cli.log_succession`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from node.app.auditing import audit_logs
from node.app.log_changes import DiscardedPage, discarded_page
from node.app.proving import log_heads, log_page, prove_entry, prove_growth
from node.cli import log_view as view
from node.cli.failures import ExitCode
from node.cli.log_succession import close_command, found_command
from node.cli.session import Group, Session, json_option, pass_session
from node.model.counting import in_entries
from node.model.log_audit import AuditProgress, Difference

MOST_TOLD = 1000
"""Differences that are told one by one: whoever has more restores the log rather than reading on."""

_ORIGIN = click.option(
    "--origin",
    metavar="LOG",
    help="Division code, which names all its logs, or origin of one, such as 140000 or huxin/140000. Default: the own.",
)


@click.group("log", cls=Group)
def log() -> None:
    """The logs of signed statements stored here: this node's own, and its replicas of the peers' logs.

    All but `found` read the database and change nothing. They run beside a serving node, and without one.
    """


log.add_command(close_command)
log.add_command(found_command)


@log.command("show", example="huxin log show --origin 140000 --start 0 --limit 50")
@_ORIGIN
@click.option("--start", type=click.IntRange(min=0), metavar="INDEX", help="First entry. Default: the newest entries.")
@click.option(
    "--limit",
    type=click.IntRange(0, 1000),
    metavar="N",
    default=20,
    show_default=True,
    help="Entries at most; 0 for heads alone.",
)
@click.option("--discarded", is_flag=True, help="Entries that were cut off a closed log instead, the oldest first.")
@json_option
@pass_session
def show(session: Session, origin: str | None, start: int | None, limit: int, discarded: bool) -> None:
    """List the heads of all logs, and entries of one by index, kind, report number and digest.

    Of a change of standing: which flag it sets or clears, since when, and the number of the report. A jurisdiction
    whose log was closed has several: its division code shows entries of the newest. --discarded shows what this node
    had to give up when a log with two histories was closed, and what of it was logged again.
    """
    settings = session.settings()
    if discarded:
        _show_discarded(session, asyncio.run(discarded_page(settings, origin, start or 0, limit)))
        return
    heads = asyncio.run(log_heads(settings))
    page = None
    if origin is not None or any(head.own for head in heads):
        page = asyncio.run(log_page(settings, origin, start, limit))
    if session.as_json:
        session.emit(view.shown_json(heads, page))
        return
    if not heads:
        session.say("No log is stored here yet. The node begins its own when it serves for the first time.")
        return
    session.out.print(view.heads_table(heads))
    if page is not None and limit:
        session.out.print(view.entries_table(page))
        session.say(view.entries_told(page))
    for line in view.closed_told(heads):
        session.say(line, "yellow")
    for head in heads:
        if head.trouble:
            session.say(f"{head.origin}: {head.trouble}", "red")


def _show_discarded(session: Session, page: DiscardedPage) -> None:
    if session.as_json:
        session.emit(view.discarded_json(page))
        return
    if page.entries:
        session.out.print(view.discarded_table(page))
    session.say(view.discarded_told(page))


@log.command(
    "prove",
    example="huxin log prove 0 --json\nhuxin log prove 14000020261122ABCDEFGHJKMNPQRS7 -o proof.json\n"
    "huxin log prove --old-size 1000 --new-size 5120",
)
@click.argument("entry", required=False)
@_ORIGIN
@click.option(
    "--old-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Prove instead that the log begins with what it was then.",
)
@click.option(
    "--new-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --old-size: until which size. Default: the newest head.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the proof as JSON to a file."
)
@json_option
@pass_session
def prove(
    session: Session,
    entry: str | None,
    origin: str | None,
    old_size: int | None,
    new_size: int | None,
    output: Path | None,
) -> None:
    """Prove that ENTRY (an index or a report number) is in the newest head, or that the log only ever grew.

    A report is looked for in all logs of a jurisdiction, closed ones and the one that goes on; the proof names the log.
    Of a closed log the newest head is the last one that counts. An index and --old-size mean the newest log.

    The proof is checked before it is given out. It follows RFC 9162 (hashes SHA-256, lowest first), so any verifier of
    RFC 6962 or RFC 9162 logs can follow it; JSON holds everything that such a verifier needs.
    """
    settings = session.settings()
    if (entry is None) == (old_size is None) or (new_size is not None and old_size is None):
        raise click.UsageError(
            "Name an entry (index or report number), or sizes: --old-size N and, if wanted, --new-size N."
        )
    if entry is not None:
        proof = asyncio.run(prove_entry(settings, origin, entry))
        as_json, facts = view.inclusion_json(proof), view.inclusion_facts(proof)
    else:
        growth = asyncio.run(prove_growth(settings, origin, old_size or 0, new_size))
        as_json, facts = view.growth_json(growth), view.growth_facts(growth)
    if output is not None:
        output.write_text(json.dumps(as_json, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        session.say(f"Wrote {output}.", "green")
    elif session.as_json:
        session.emit(as_json)
    else:
        session.out.print(view.facts_table(facts))
        if as_json["checkpoint"] is not None:
            # Not in the table: a note that was broken into lines is no note any more.
            session.say(f"\nSigned head:\n\n{as_json['checkpoint']}")
    if as_json["checkpoint"] is None:
        session.err.print(view.UNSIGNED, style="yellow", markup=False, soft_wrap=True)


@log.command("check", example="huxin --home shanxi log check")
@click.option(
    "--origin",
    metavar="LOG",
    help="Division code, which names all its logs, or origin of one, such as 140000. Default: every log stored here.",
)
@json_option
@pass_session
@click.pass_context
def check(ctx: click.Context, session: Session, origin: str | None) -> None:
    """Derive everything anew from the stored entries and tell what differs, entry by entry.

    Looks at every entry's hashes, kind, report number and status, at gaps and rows that no head covers, at every stored
    subtree root, the root of the head, and its signature and cosignatures. Exits 1 when something differs.
    """
    checked, told, count = asyncio.run(_checked(session, origin))
    if session.as_json:
        session.emit(view.checked_json(checked, told, count))
    elif count:
        if count > len(told):
            session.say(f"... and {count - len(told)} more.", "red")
        session.say(view.ADVICE, "red")
    else:
        for each in checked:
            session.say(
                f"{each.origin}: {in_entries(each.size)}, head and signatures are what they should be.",
                "green",
            )
        if not checked:
            session.say("No log is stored here yet. The node begins its own when it serves for the first time.")
    if count:
        ctx.exit(ExitCode.PROBLEMS)


async def _checked(session: Session, origin: str | None) -> tuple[list[AuditProgress], list[Difference], int]:
    """What was looked at, the first differences, and the number of all."""
    logs: list[AuditProgress] = []
    told: list[Difference] = []
    count = 0
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # On stderr and for a terminal's reader alone: what differs goes to stdout, whole, into whatever file it is sent to.
    with Progress(*columns, console=session.err, transient=True, disable=not session.err.is_terminal) as progress:
        bars: list[TaskID] = []

        def begun(one: AuditProgress) -> None:
            logs.append(one)
            bars.append(progress.add_task(one.origin, total=None))

        async def advance() -> None:
            while True:
                for bar, one in zip(bars, logs, strict=True):
                    progress.update(bar, total=one.size or None, completed=one.checked)
                await asyncio.sleep(0.2)

        ticking = asyncio.create_task(advance())
        try:
            async for difference in audit_logs(session.settings(), origin, begun):
                count += 1
                if count <= MOST_TOLD:
                    told.append(difference)
                    if not session.as_json:
                        session.say(view.told(difference), "red")
        finally:
            ticking.cancel()
    return logs, told, count
