"""`huxin log close|found`: recovery of the own log from a split view, by a successor that k of n sign off."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from node.app.succeeding import agreed_size, close, found
from node.cli.failures import ExitCode
from node.cli.session import Command, Session, json_option, pass_session
from node.cli.tables import in_groups
from node.errors import InvalidInput
from node.model.counting import in_entries

_PUBLIC_KEY = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("close", cls=Command, example="huxin --home shanxi log close --entries 5120 -o shanxi.succession.json")
@click.option(
    "--entries",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="How many entries of our log count: up to the last head that all witnesses hold (`huxin evidence`).",
)
@click.option("--log-key", type=_PUBLIC_KEY, help="Public key of the successor's log. Default: the present one.")
@click.option("--cosigner-key", type=_PUBLIC_KEY, help="Public key that cosigns then. Default: the present one.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the holders."
)
@click.option("--yes", is_flag=True, help="Do not ask where our own evidence speaks against N.")
@json_option
@pass_session
def close_command(
    session: Session, entries: int, log_key: Path | None, cosigner_key: Path | None, output: Path, yes: bool
) -> None:
    """Write what the holders of the root keys are asked to sign off: our log ends here, and a successor goes on.

    For a log with two histories (`huxin evidence`), which peers follow no further. Nothing is changed by it. If the log
    key may have been stolen, make new keys first (`huxin trust key`) and name their public halves. It asks before it
    writes when N lies beyond what the histories agree on by the evidence stored here, or when there is no evidence.
    """
    settings, now = session.settings(), session.clock.now()
    made = asyncio.run(close(settings, entries, log_key, cosigner_key, now))
    agreed = asyncio.run(agreed_size(settings))
    _require_meant(session, entries, agreed, yes=yes)
    output.write_bytes(made.entry)
    if session.as_json:
        session.emit(
            {
                "file": str(output),
                "predecessor": made.predecessor,
                "entries": made.size,
                "root": made.root.hex(),
                "origin": made.origin,
                "digest": made.digest.hex(),
                "agreed_size": agreed,
            }
        )
        return
    session.say(f"已写出 Wrote {output}; nothing is signed off yet.", "green")
    ends = in_entries(made.size)
    session.say(f"{made.predecessor} 止于第 {made.size} 条 ends after {ends}; next log: {made.origin}")
    session.say(f"根哈希 Root {in_groups(made.root.hex())}")
    session.say(f"摘要 Digest {in_groups(made.digest.hex())}")
    session.say("下一步：交根密钥持有地区签署 Next: hand it to the holders of the root keys (docs/ceremony.md):")
    session.say(f"  huxin trust succeed {output.name} --folder ceremony")


def _require_meant(session: Session, entries: int, agreed: int | None, *, yes: bool) -> None:
    """Warns where our own evidence speaks against this end of our log. Raises InvalidInput or Exit unless it is meant.

    Only the holders can close the log, for good; they see the number and not this evidence.
    """
    if agreed is None:
        warning = (
            "注意：本节点没有本日志分裂的证据，关闭后不可恢复。\n"
            "No evidence of a second history of our log is stored here (`huxin evidence`), so there is no size that "
            "both share. A log that is closed stays so: close it for what peers have shown you, or to replace its keys."
        )
    elif entries > agreed:
        warning = (
            f"注意：据本节点的证据，两个版本只在前 {agreed} 条一致。\n"
            f"By the evidence stored here the histories of our log agree for {in_entries(agreed)} only, and {entries} "
            f"lies beyond that: whoever was shown the other one has to give up what it holds from index {agreed} on. "
            f"Prefer --entries {agreed}; what comes after is logged again anyway, and gets witnesses anew."
        )
    else:
        return
    session.err.print(warning, style="yellow", markup=False, soft_wrap=True)
    if yes:
        return
    if session.as_json or not sys.stdin.isatty():
        raise InvalidInput(
            "--yes", "Nobody can be asked here, so nothing was written. Read the warning, then add --yes."
        )
    if not click.confirm("仍要写出 Write it all the same?", default=False, err=True):
        session.say("未写出 Nothing was written.")
        raise click.exceptions.Exit(ExitCode.PROBLEMS)


@click.command("found", cls=Command, example="huxin --home shanxi log found")
@json_option
@pass_session
def found_command(session: Session) -> None:
    """Begin the successor of our log that the trust registry names, and log again what stands beyond its last head.

    From then on nothing is added to the log before. A node that runs meanwhile issues nothing more until it is started
    again.
    """
    settings, now = session.settings(), session.clock.now()
    made = asyncio.run(found(settings, now))
    if session.as_json:
        session.emit(
            {
                "predecessor": made.predecessor,
                "closed_size": made.closed_size,
                "origin": made.origin,
                "size": made.size,
                "logged_again": made.size - 1,
            }
        )
        return
    again, held = made.size - 1, in_entries(made.size)
    session.say(f"已建立 Founded {made.origin} with {held}, {again} of them logged again.", "green")
    closed = in_entries(made.closed_size)
    session.say(f"{made.predecessor} 已关闭，止于第 {made.closed_size} 条 is closed after {closed}.")
    session.say("请重启节点 Start the node again: it goes on in the new log.")
