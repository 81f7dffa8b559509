"""`huxin trust join|refresh|publish|accept|archive|status|explain`: the trust registry from this home."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import structlog
from rich.text import Text

from node.app import registry_commands
from node.app.registry_status import explain, status
from node.cli.failures import ExitCode
from node.cli.registry_view import (
    ends_table,
    explanation_json,
    links,
    standings_table,
    status_json,
    successions_table,
    summary,
)
from node.cli.session import Command, Session, json_option, pass_session
from node.cli.tables import Table
from node.errors import BadSource
from node.model.registry import RegistryRecord
from node.registry.archive import MAX_ARCHIVE_BYTES

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command("join", cls=Command, example="huxin trust join 1.root.json --digest 6f2a... --from registry.zip")
@click.argument("root", type=FILE)
@click.option(
    "--digest",
    required=True,
    metavar="DIGEST",
    help="Digest of the document, all 64 characters, compared with a root holder.",
)
@click.option("--from", "archive", type=FILE, help="Archive of the registry (`huxin trust archive`) to begin with.")
@json_option
@pass_session
def join_command(session: Session, root: Path, digest: str, archive: Path | None) -> None:
    """Make ROOT the anchor of all trust in this home. Done once; later roots follow by themselves.

    The digest is what `huxin trust root show` prints. Get it from a holder by telephone or on paper, not with the file.
    """
    data = None if archive is None else _read(archive)
    settings = session.settings()
    record = asyncio.run(registry_commands.join(settings, session.clock.now, _read(root), _digits(digest), data))
    session.say(f"Joined the trust registry, root version {record.root_version}.", "green")
    if record.signed_at is None and record.coordinator == settings.division:
        session.say(
            "This jurisdiction is its coordinator. Next: huxin trust accept 1.root.json 1.targets.json, with every "
            "member's publication if they are here."
        )
    elif record.signed_at is None:
        session.say(
            "Nothing of it is known yet. Next: huxin trust refresh --from ARCHIVE, or from a peer known already."
        )
    else:
        _say_members(session, record)
        session.say("A running node refreshes by itself from now on. Next: huxin recognise grant DIVISION")
    session.answer({"root_version": record.root_version, **_snapshot_json(record)})


@click.command("refresh", cls=Command, example="huxin trust refresh\nhuxin trust refresh --from registry.zip")
@click.option("--from", "archive", type=FILE, help="An archive that was carried here. Default: ask the peers.")
@json_option
@pass_session
@click.pass_context
def refresh_command(ctx: click.Context, session: Session, archive: Path | None) -> None:
    """Take over the newest trust registry. What does not verify changes nothing and is told.

    A running node does this by itself every few seconds.
    """
    if archive is not None:
        record = asyncio.run(registry_commands.refresh_from(session.settings(), session.clock.now, _read(archive)))
        _say_members(session, record)
        session.answer({"verified": True, "peers": [], **_snapshot_json(record)})
        return
    told: list[tuple[str, str]] = []
    with _without_log():
        good, found = asyncio.run(
            registry_commands.refresh_from_peers(
                session.settings(), session.clock.now, lambda peer, reason: told.append((peer, reason))
            )
        )
    for peer, reason in told:
        session.say(f"{peer}: {reason or 'verified'}", "yellow" if reason else "green")
    if found is not None and good:
        _say_members(session, found)
    session.answer(
        {
            "verified": bool(good),
            "peers": [{"peer": peer, "verified": not reason, "reason": reason} for peer, reason in told],
            **_snapshot_json(found),
        }
    )
    if not good:
        session.say(
            "No peer offered a registry that verifies. What was known before goes on counting until it is too old."
        )
        ctx.exit(ExitCode.REFUSED)


@click.command("publish", cls=Command, example="huxin trust publish\nhuxin trust publish -o 140000.publication")
@click.option("-o", "--output", type=OUTPUT, help="Write a file to be carried to the coordinator instead.")
@json_option
@pass_session
def publish_command(session: Session, output: Path | None) -> None:
    """Publish what this jurisdiction says of itself: bundle, catalogue, recognitions.

    A running node does so by itself whenever something changes.
    """
    settings, now = session.settings(), session.clock.now
    if output is None:
        version = asyncio.run(registry_commands.publish(settings, now))
        if version is None:
            session.say("The registry says so already; nothing was published.")
        else:
            session.say(
                f"Published: snapshot {version} of the registry holds it. Peers know within a refresh.", "green"
            )
        session.answer({"published": version is not None, "snapshot_version": version, "file": None})
        return
    data = asyncio.run(registry_commands.publication_file(settings, now))
    if data is None:
        session.say("The registry says so already; nothing was written.")
        session.answer({"published": False, "snapshot_version": None, "file": None})
        return
    output.write_bytes(data)
    session.say(f"Wrote {output}. The coordinator takes it over with: huxin trust accept {output.name}", "green")
    session.answer({"published": False, "snapshot_version": None, "file": str(output)})


@click.command("accept", cls=Command, example="huxin --home shanxi trust accept 1.root.json 1.targets.json")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@json_option
@pass_session
def accept_command(session: Session, files: tuple[Path, ...]) -> None:
    """Coordinator: release signed roots, delegations (N.root.json, N.targets.json) and publications. All or none."""
    given = [(file.name, _read(file)) for file in files]
    done = asyncio.run(registry_commands.accept(session.settings(), session.clock.now, given))
    for name in done.documents:
        session.say(f"Took over {name}.", "green")
    for division in done.divisions:
        session.say(f"Took over the publication of {division}.", "green")
    if not (done.documents or done.divisions):
        session.say("What these files say was in force already.")
    session.say(f"Released as snapshot {done.snapshot_version}; peers that joined know within a refresh.")
    session.say("For those that have not: huxin trust archive -o registry.zip")
    for origin in done.closed:
        session.say(
            f"日志 {origin} 已关闭。 The operator of {origin} now runs `huxin log found` and starts the node again; "
            "until then every decision about its reports is at most REFER (ops/README.md, HuxinSplitView).",
            "yellow",
        )
    session.answer(
        {
            "documents": list(done.documents),
            "publications": list(done.divisions),
            "snapshot_version": done.snapshot_version,
            "closed_logs": list(done.closed),
        }
    )


@click.command("archive", cls=Command, example="huxin trust archive -o registry.zip")
@click.option("-o", "--output", type=OUTPUT, required=True, help="File to write.")
@json_option
@pass_session
def archive_command(session: Session, output: Path) -> None:
    """Write the whole verified registry into one file: for a new member, or for a node without a network."""
    output.write_bytes(asyncio.run(registry_commands.archive(session.settings(), session.clock.now)))
    session.say(f"Wrote {output}. It holds nothing secret, and whoever takes it over verifies all of it.", "green")
    session.answer({"file": str(output), "size": output.stat().st_size})


@click.command("status", cls=Command, example="huxin trust status")
@json_option
@pass_session
@click.pass_context
def status_command(ctx: click.Context, session: Session) -> None:
    """Show how current the trust registry is here, when its parts end, how each jurisdiction stands, which logs ended.

    Exit code 1 when something has ended or was not taken over whole.
    """
    found, now = asyncio.run(status(session.settings())), session.clock.now()
    record = found.record
    unwell = any(end <= now for end in record.ends.values()) or any(each.problem for each in record.standings)
    if session.as_json:
        session.emit(status_json(found, now))
    else:
        for line in summary(found, now):
            session.say(line)
        session.out.print(ends_table(record, now))
        session.out.print(standings_table(record, now))
        if found.successions:
            session.out.print(successions_table(found.successions))
    if unwell:
        ctx.exit(ExitCode.PROBLEMS)


@click.command("explain", cls=Command, example="huxin trust explain 140000")
@click.argument("division")
@json_option
@pass_session
def explain_command(session: Session, division: str) -> None:
    """Explain why statements of DIVISION are believed here: who vouches for whom, down to each key and its times."""
    found = asyncio.run(explain(session.settings(), division))
    if session.as_json:
        session.emit(explanation_json(found))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in links(found, session.clock.now()):
        table.add_row(name, Text(value))
    session.out.print(table)


COMMANDS: tuple[click.Command, ...] = (
    join_command,
    refresh_command,
    publish_command,
    accept_command,
    archive_command,
    status_command,
    explain_command,
)


@contextmanager
def _without_log() -> Iterator[None]:
    """A node logs each peer that fails; here each is told in its own line, among nothing else."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise BadSource(path.name, "it is too large for any file of the trust registry; give the right file")
    return path.read_bytes()


def _digits(text: str) -> str:
    """A digest as typed or dictated: capitals and spaces do not matter."""
    return "".join(text.split()).lower()


def _snapshot_json(record: RegistryRecord | None) -> dict[str, object]:
    """The snapshot that is held now, and who stands in it."""
    return {
        "snapshot_version": None if record is None else record.snapshot_version,
        "members": [] if record is None else [each.division for each in record.standings],
    }


def _say_members(session: Session, record: RegistryRecord) -> None:
    members = ", ".join(each.division for each in record.standings) or "nobody yet"
    session.say(f"Snapshot {record.snapshot_version} is verified. Published: {members}.", "green")
