"""`huxin report`: reports of this jurisdiction, as window officers and the platform ask for them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from node.cli.asking import asked, id_type_option, node_options, subject_of
from node.cli.connection import Report, as_json, codes_of
from node.cli.session import Group, Session, in_china, json_option, pass_session
from node.cli.tables import Table
from node.cli.verdict_cells import days
from node.cli.wording import FLAGS, words_for
from node.model.calendar import Period, day_in_china, months_before
from node.model.identifiers import parse_report_number
from node.model.issuing import PeriodExceptionNote, ReportOrder
from node.model.log import StatusFlag
from node.wire.status import STATUS_FLAGS

_DAY = click.DateTime(["%Y-%m-%d"])
_NUMBER = click.argument("number")
_AWAITS_RECOVERY = (
    "本机日志已分裂或已关闭：在后继日志建立之前，其他地区看不到此变更；若换用另一数据库，须重新设置。 "
    "This node's log has two histories or is closed: no other jurisdiction sees this change before the log is "
    "recovered and its successor founded, and it must be set again if another database is put in the place of this "
    "one. See `huxin doctor` and ops/README.md, HuxinSplitView."
)


@click.group(cls=Group)
def report() -> None:
    """Issue special credit reports, look them up, hand them out, change their standing."""


@report.command(
    "create",
    example="huxin report create 91140100MA0K000001 --scenario tender --months 36\n"
    "huxin report create 91140100MA0K000001 --scenario financing --row 6 --row 16",
)
@click.argument("subject")
@id_type_option
@click.option(
    "--scenario",
    required=True,
    metavar="SCENARIO",
    help="What the report is for, such as tender (see the scheme's scenarios).",
)
@click.option("--months", type=click.IntRange(1, 1200), metavar="N", help="Period: so many months back from today.")
@click.option("--from", "start", type=_DAY, metavar="DAY", help="Period: first day, such as 2023-11-22.")
@click.option("--to", "end", type=_DAY, metavar="DAY", help="Period: first day after it. Default: today.")
@click.option("--row", "rows", multiple=True, metavar="CODE", help="Row of the catalogue. Default: all rows.")
@click.option(
    "--asked-by",
    metavar="PARTY",
    default="",
    help="Relying party that asked for a period longer than the scheme's cap.",
)
@click.option("--asked-for", metavar="WORDS", default="", help="What that relying party asked for, in words.")
@click.option(
    "--request-id",
    metavar="UUID",
    help="UUID: the same id with the same content gives the same report. Default: a new one.",
)
@node_options("gateway")
@json_option
@pass_session
def create(  # noqa: PLR0913 - one parameter per option
    session: Session,
    *,
    subject: str,
    id_type: str,
    scenario: str,
    months: int | None,
    start: datetime | None,
    end: datetime | None,
    rows: tuple[str, ...],
    asked_by: str,
    asked_for: str,
    request_id: str | None,
    address: str | None,
    certificate: str,
) -> None:
    """Issue a report about SUBJECT. Answered only once report, attestation and log entry are committed.

    Without a period: the longest that the scheme allows, up to today.
    """
    order = ReportOrder(
        request_id=request_id or str(uuid.uuid4()),
        subject=subject_of(session, id_type, subject),
        period=_period(session, months, start, end),
        exception=PeriodExceptionNote(asked_by, asked_for) if asked_by or asked_for else None,
        local_codes=rows,
        scenario=scenario,
    )
    with asked(session, address, certificate) as node:
        issued = node.create_report(order)
    if session.as_json:
        session.emit(as_json(issued))
        return
    session.say("已出具 Issued", "bold green")
    _show(session, issued)
    session.say(f"下载 Download: huxin --home {session.home} report download {issued.report_number}")


@report.command("show", example="huxin report show 14000020261122...")
@_NUMBER
@node_options("gateway")
@json_option
@pass_session
def show(session: Session, number: str, address: str | None, certificate: str) -> None:
    """Show what is known of the report NUMBER issued here. Its content is in the download."""
    with asked(session, address, certificate) as node:
        found = node.report(parse_report_number(number, "NUMBER").text)
    if session.as_json:
        session.emit(as_json(found))
    else:
        _show(session, found)


@report.command("list", example="huxin report list 91140100MA0K000001")
@click.argument("subject")
@id_type_option
@node_options("gateway")
@json_option
@pass_session
def list_reports(session: Session, subject: str, id_type: str, address: str | None, certificate: str) -> None:
    """List the reports about SUBJECT, newest first."""
    ref = subject_of(session, id_type, subject)
    with asked(session, address, certificate) as node:
        found = node.reports(ref)
    if session.as_json:
        session.emit([as_json(each) for each in found])
        return
    if not found:
        session.say("没有报告 No report about this subject was issued here.")
        return
    table = Table(
        "报告编号\nNumber",
        "出具时间\nIssued",
        "期间（止日不含）\nDays, end excluded",
        "场景\nScenario",
        "记录\nRecords",
        "标记\nFlags",
    )
    for each in found:
        issued_at = in_china(each.issued_at.ToDatetime(UTC))
        table.add_row(
            each.report_number, issued_at, days(each.period), each.scenario, str(each.record_count), _flags(each)
        )
    session.out.print(table)


@report.command(
    "download",
    example="huxin report download 14000020261122... -o report.huxin\n"
    "huxin report download 14000020261122... -o tax-only.huxin --row 16",
)
@_NUMBER
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write. Default: NUMBER.huxin."
)
@click.option("--row", "rows", multiple=True, metavar="CODE", help="Disclose these rows alone. Default: everything.")
@node_options("gateway")
@json_option
@pass_session
def download(
    session: Session, number: str, output: Path | None, rows: tuple[str, ...], address: str | None, certificate: str
) -> None:
    """Write the report NUMBER as a file that any other jurisdiction can verify. A file of that name is replaced."""
    text = parse_report_number(number, "NUMBER").text
    target = output or Path(f"{text}.huxin")
    with asked(session, address, certificate) as node:
        content = b"".join(node.download(text, rows))
    target.write_bytes(content)
    session.say(f"已写入 Wrote {target} ({len(content)} bytes).", "green")
    session.answer({"report_number": text, "file": str(target), "size": len(content), "rows": list(rows)})


@report.command("status", example="huxin report status 14000020261122... revoked --set --reason issued_in_error")
@_NUMBER
@click.argument("flag", metavar="FLAG", type=click.Choice([flag.value for flag in STATUS_FLAGS.values()]))
@click.option("--set/--clear", "raised", required=True, help="Set or clear the flag. A revocation is never cleared.")
@click.option("--reason", required=True, metavar="CODE", help="Reason code in lower snake case.")
@node_options("operator")
@json_option
@pass_session
def status(
    session: Session, number: str, flag: str, raised: bool, reason: str, address: str | None, certificate: str
) -> None:
    """Set or clear a status flag of the report NUMBER. Peers that follow this node's log see it within seconds.

    FLAG is under_objection, corrected, superseded, revoked or newer_information.

    While this node's log has two histories or is closed (`huxin doctor`), the flag is stored here alone: no other
    jurisdiction sees it before the log is recovered and its successor founded, and it must be set again if another
    database is put in the place of the present one. The command says so. If you have a newer database, put it back
    first.
    """
    chosen = StatusFlag(flag)
    text = parse_report_number(number, "NUMBER").text
    with asked(session, address, certificate) as node:
        changed = node.change_status(text, chosen, reason, raised=raised)
    done = "已设置 Set" if raised else "已清除 Cleared"
    session.say(f"{done}: {FLAGS[chosen.name].both}. 日志序号 Log index {changed.log_index}.", "green")
    if changed.awaits_recovery:
        session.say(_AWAITS_RECOVERY, "bold yellow")
    session.answer(
        {
            "report_number": text,
            "flag": flag,
            "set": raised,
            "reason": reason,
            "log_index": changed.log_index,
            "awaits_recovery": changed.awaits_recovery,
        }
    )


def _period(session: Session, months: int | None, start: datetime | None, end: datetime | None) -> Period | None:
    """The days asked for, or None for the longest. Raises UsageError for a contradiction."""
    if months is not None and (start or end):
        raise click.UsageError("Give --months, or --from and --to, not both.")
    if end is not None and start is None:
        raise click.UsageError("--to needs --from.")
    today = day_in_china(session.clock.now())
    if months is not None:
        return Period(months_before(today, months), today)
    if start is None:
        return None
    last = end.date() if end else today
    if start.date() >= last:
        raise click.UsageError(f"The period is empty: --from must lie before {last}.")
    return Period(start.date(), last)


def _flags(found: Report) -> Text:
    """How it stands, in words; empty when nothing was said of it since."""
    codes = codes_of(found, "flags")
    return Text("；".join(words_for(FLAGS, code).both for code in codes), style="red" if codes else "")


def _show(session: Session, found: Report) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in (
        ("报告编号 Number", found.report_number),
        ("出具时间 Issued", in_china(found.issued_at.ToDatetime(UTC))),
        ("期间（止日不含）Days, end excluded", days(found.period)),
        ("应用场景 Scenario", found.scenario),
        ("分项数 Sections", str(found.section_count)),
        ("记录数 Records shown", str(found.record_count)),
        ("日志序号 Log index", str(found.log_index)),
        ("证明摘要 Attestation SHA-256", found.attestation_digest.hex()),
    ):
        table.add_row(name, Text(value))
    if found.flags:
        table.add_row("标记 Flags", _flags(found))
    session.out.print(table)
