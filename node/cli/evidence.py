"""`huxin evidence`: logs of which two histories were shown, and the two signed heads that prove it."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from datetime import UTC
from pathlib import Path

import click
from rich.text import Text

from node.cli.asking import asked, node_options
from node.cli.connection import SplitView, SuccessorLog, as_json
from node.cli.session import Command, Session, in_china, json_option, pass_session
from node.cli.tables import Table, in_groups
from trust.log.checkpoint import origin_of, own_cosigner


@click.command(cls=Command, example="huxin --home guizhou evidence --export evidence")
@click.option(
    "--export",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write both heads of each as notes, and the proof, into this folder.",
)
@node_options("operator")
@json_option
@pass_session
def evidence(session: Session, folder: Path | None, address: str | None, certificate: str) -> None:
    """Show logs that have two histories, by whom the other one was shown, and how far they agree.

    The two heads are C2SP checkpoints, both signed by the log's key: any C2SP tool verifies them. Neither continues the
    other, which the exported proof (RFC 9162) shows without any entry of the log.
    """
    with asked(session, address, certificate) as node:
        found = node.split_views()
    if folder is not None:
        for split in found:
            _export(session, folder, split)
    if session.as_json:
        session.emit([as_json(split) for split in found])
        return
    if not found:
        session.say("没有发现互相矛盾的日志。 No log with two histories was found.")
        return
    table = Table(
        "日志 Log", "出示方 Shown by", "发现时间 Found", "已证实一致至 Proven to agree up to", "两个日志头 Heads"
    )
    for split in found:
        table.add_row(
            Text(split.origin),
            Text(split.shown_by),
            Text(in_china(split.found_at.ToDatetime(UTC))),
            Text(f"前 {split.agreed_size} 条 entries"),
            Text(f"{_head(split.evidence.first)}\n{_head(split.evidence.second)}"),
        )
    session.out.print(table)
    for origin in dict.fromkeys(split.origin for split in found if not split.HasField("successor")):
        session.say(
            f"{origin}: 两个版本可能在此之后仍一致 the histories may agree further. Compare the roots that `huxin log "
            f"prove --origin {origin} --old-size N` shows at each node."
        )
    for origin, successor in {split.origin: split.successor for split in found if split.HasField("successor")}.items():
        session.say(_succeeded(origin, successor), "green")
    own = own_cosigner(origin_of(session.settings().division))
    waiting = [own_cosigner(split.origin) == own for split in found if not split.HasField("successor")]
    if any(waiting):
        session.say(
            "这是本机日志。 It is our own log: see `huxin doctor` and ops/README.md, HuxinSplitView.", "bold yellow"
        )
    if not all(waiting):
        session.say(
            "用 --export 导出证据，并联系该日志的机关。 Export the evidence; ask the log's operator which one holds "
            "(ops/README.md, HuxinSplitView)."
        )


def _succeeded(origin: str, log: SuccessorLog) -> str:
    """That the log with two histories is closed, and which one goes on since when."""
    since, size = in_china(log.decided_at.ToDatetime(UTC)), log.closed_size
    return (
        f"{origin} 已由 {log.origin} 接续，自 {since} 起，前 {size} 条有效 succeeded by {log.origin}, decided {since}, "
        "once its operator has founded it (`huxin log found`); "
        + (f"its entries below index {size} count, and the evidence stays." if size else "none of its entries counts.")
    )


def _head(note: str) -> str:
    """Size and root of a note, as its second and third line name them."""
    lines = note.split("\n")
    if len(lines) <= 2:
        return "（空 empty）"
    try:
        root = in_groups(b64decode(lines[2], validate=True).hex())
    except binascii.Error:  # what a peer showed is shown as it is
        root = lines[2]
    return f"{lines[1]} 条 {root}"


def _export(session: Session, folder: Path, split: SplitView) -> None:
    name = f"{split.origin.replace('/', '-')}-{split.shown_by}"
    folder.mkdir(parents=True, exist_ok=True)
    found = split.evidence
    (folder / f"{name}.first.note").write_text(found.first, encoding="utf-8")
    (folder / f"{name}.second.note").write_text(found.second, encoding="utf-8")
    hashes = [b64encode(each).decode() for each in (found.root, *found.consistency)]
    (folder / f"{name}.proof.txt").write_text("".join(f"{each}\n" for each in hashes), encoding="utf-8")
    session.say(f"{folder}/{name}.first.note, .second.note, .proof.txt")
