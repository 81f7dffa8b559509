"""`huxin request`: reports of other jurisdictions, asked for at a window here on behalf of their subject (R181)."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC
from pathlib import Path

import click
from rich.text import Text

from node.cli.asking import asked, id_type_option, node_options, subject_of
from node.cli.connection import AskedReport, as_json
from node.cli.message_wording import ASKED, reason_words
from node.cli.session import Group, Session, in_china, json_option, pass_session
from node.cli.tables import Table
from node.errors import BadSource
from node.model.asking import AskOrder, ReportAsk
from node.model.calendar import Period, day_in_china, months_before

MAX_EVIDENCE_BYTES = 256 << 20
"""A scan or a recording; more is some other file."""

_ID = click.argument("request_id", metavar="ID")


@click.group(cls=Group)
def request() -> None:
    """Ask another jurisdiction for a report on behalf of its subject, and fetch what comes.

    The evidence of identity and consent stays here; the other jurisdiction is told its SHA-256. Keep the file.
    """


@request.command(
    "create",
    example="huxin request create --to 140000 --subject 91140100MA0K000001 --scenario tender --evidence consent.pdf",
)
@click.option("--to", "receiver", required=True, metavar="DIVISION", help="Jurisdiction where the subject belongs.")
@click.option("--subject", required=True, metavar="CODE", help="Identifier of the subject.")
@id_type_option
@click.option(
    "--scenario",
    required=True,
    metavar="SCENARIO",
    help="What the report is for, as the issuer's scheme names it: tender.",
)
@click.option(
    "--evidence",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the evidence of identity and consent. It is not sent; keep it.",
)
@click.option(
    "--months",
    type=click.IntRange(1, 1200),
    metavar="N",
    help="Period: so many months back from today. Default: the longest.",
)
@click.option("--row", "rows", multiple=True, metavar="CODE", help="Row of the issuer's catalogue. Default: all rows.")
@click.option(
    "--request-id",
    metavar="UUID",
    help="UUID: the same id with the same content is the same request. Default: a new one.",
)
@node_options("gateway")
@json_option
@pass_session
def create(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    receiver: str,
    subject: str,
    id_type: str,
    scenario: str,
    evidence: Path,
    months: int | None,
    rows: tuple[str, ...],
    request_id: str | None,
    address: str | None,
    certificate: str,
) -> None:
    """Ask the jurisdiction DIVISION for a report. It is asked as soon as it can be reached."""
    today = day_in_china(session.clock.now())
    order = AskOrder(
        request_id or str(uuid.uuid4()),
        receiver,
        ReportAsk(
            subject=subject_of(session, id_type, subject, "--subject"),
            period=Period(months_before(today, months), today) if months else None,
            local_codes=rows,
            scenario=scenario,
            evidence_digest=_digest(evidence),
        ),
    )
    with asked(session, address, certificate) as node:
        made = node.ask_for_report(order)
    if session.as_json:
        session.emit(as_json(made))
        return
    session.say("已提交 The request is stored and goes out.", "bold green")
    _show(session, made)
    session.say(f"查看 Look: huxin --home {session.home} request show {made.id}")


@request.command("list", example="huxin request list")
@node_options("gateway")
@json_option
@pass_session
def list_command(session: Session, address: str | None, certificate: str) -> None:
    """List the requests for reports that were made with the certificate of --as, newest first, and how each stands.

    Those of another certificate are not shown: each window sees its own.
    """
    with asked(session, address, certificate) as node:
        found = node.asked_reports()
    if session.as_json:
        session.emit([as_json(each) for each in found])
        return
    if not found:
        session.say("没有申请 No report was asked for with this certificate.")
        return
    table = Table()
    table.add_column("编号\nId", no_wrap=True)
    for name in ("对方\nAsked", "状态\nState", "提交\nMade", "报告编号\nReport"):
        table.add_column(name)
    for each in found:
        made_at = in_china(each.created_at.ToDatetime(UTC))
        table.add_row(each.id, each.receiver, Text(ASKED[each.state].both), made_at, each.report_number)
    session.out.print(table)


@request.command("show", example="huxin request show 0192f3c4a5b67c8d9e0f1a2b3c4d5e6f")
@_ID
@node_options("gateway")
@json_option
@pass_session
def show(session: Session, request_id: str, address: str | None, certificate: str) -> None:
    """Show how the request ID stands, and why."""
    with asked(session, address, certificate) as node:
        found = node.asked_report(request_id)
    if session.as_json:
        session.emit(as_json(found))
        return
    _show(session, found)
    if found.downloadable:
        session.say(f"取回 Fetch: huxin --home {session.home} request fetch {found.id}")


@request.command("fetch", example="huxin request fetch 0192f3c4a5b67c8d9e0f1a2b3c4d5e6f -o report.huxin")
@_ID
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Default: NUMBER.huxin."
)
@node_options("gateway")
@json_option
@pass_session
def fetch(session: Session, request_id: str, output: Path | None, address: str | None, certificate: str) -> None:
    """Write the report that came for the request ID into a file, to be verified before anybody relies on it.

    It is opened for the certificate that asked and for no other: give the same --as as to `huxin request create`.
    Whether it has come, `huxin request show` says.
    """
    with asked(session, address, certificate) as node:
        found = node.asked_report(request_id)
        content = b"".join(node.download_asked(request_id))
    target = output or Path(f"{found.report_number}.huxin")
    target.write_bytes(content)
    session.say(f"已写入 Wrote {target} ({len(content)} bytes).", "green")
    session.say(f"核验 Verify before anybody relies on it: huxin --home {session.home} verify {target} --subject ...")
    session.answer({"id": found.id, "report_number": found.report_number, "file": str(target), "size": len(content)})


def _digest(path: Path) -> bytes:
    """SHA-256 of a file, read in parts. Raises BadSource when it is empty, too large, or cannot be read."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if not 0 < size <= MAX_EVIDENCE_BYTES:
                raise BadSource(path.name, "the evidence is empty or larger than 256 MiB; name the scan itself")
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        raise BadSource(path.name, "cannot be read; check who may open it") from None


def _show(session: Session, found: AskedReport) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    lines = [
        ("编号 Id", found.id),
        ("对方 Asked", found.receiver),
        ("状态 State", ASKED[found.state].both if found.state in ASKED else found.state),
        ("提交 Made", in_china(found.created_at.ToDatetime(UTC))),
        ("截止 Expires", in_china(found.expires_at.ToDatetime(UTC))),
    ]
    if found.HasField("answered_at"):
        lines.append(("答复 Answered", in_china(found.answered_at.ToDatetime(UTC))))
    if found.report_number:
        lines.append(("报告编号 Report", found.report_number))
    if found.reason:
        lines.append(("原因 Why", reason_words(found.reason)))
    if found.message:
        lines.append(("对方说明 They say", found.message))
    for name, value in lines:
        table.add_row(name, Text(value))
    session.out.print(table)
