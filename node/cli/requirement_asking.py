"""`huxin requirement list|show|check`: requirements of the node's procedures, and files that hold one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from node.app.jurisdictions import check_requirement
from node.cli.asking import asked, node_options
from node.cli.connection import Names, WireRequirement, as_json
from node.cli.session import Command, Session, json_option, pass_session
from node.cli.tables import Table
from node.cli.verdict_cells import days
from node.cli.verify import known_names
from node.cli.wording import TYPES, words_for


@click.command("list", cls=Command, example="huxin requirement list")
@node_options("gateway")
@json_option
@pass_session
def list_command(session: Session, address: str | None, certificate: str) -> None:
    """List the requirements of the node's jurisdiction. A relying party asks with its own certificate (--as)."""
    with asked(session, address, certificate) as node:
        found = node.requirements()
    if session.as_json:
        session.emit([as_json(each) for each in found])
        return
    table = Table("编号\nId", "名称\nTitle", "场景\nScenario", "期间\nPeriod", "项数\nItems", "性质\nNature")
    for each in found:
        nature = "示例 illustrative" if each.illustrative else "正式 official"
        table.add_row(
            Text(each.requirement_id),
            Text(f"{each.title_zh}\n{each.title_en}"),
            Text(each.scenario),
            _period(each),
            str(len(each.items)),
            nature,
        )
    session.out.print(table)


@click.command("show", cls=Command, example="huxin requirement show 520000/tender")
@click.argument("requirement_id", metavar="ID")
@node_options("gateway")
@json_option
@pass_session
def show_command(session: Session, requirement_id: str, address: str | None, certificate: str) -> None:
    """Show one requirement, item by item."""
    with asked(session, address, certificate) as node:
        found = node.requirement(requirement_id)
        names = Names() if session.as_json else known_names(node)
    if session.as_json:
        session.emit(as_json(found))
    else:
        _show(session, found, names)


@click.command("check", cls=Command, example="huxin requirement check tender.toml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@pass_session
def check_command(session: Session, file: Path) -> None:
    """Say whether a requirement file can be used. Needs no node; names the key of what is wrong."""
    found = check_requirement(file)
    session.say(
        f"可用 Usable: {found.title_zh} {found.title_en} ({found.requirement_id}), {len(found.items)} 项 items.",
        "green",
    )
    session.answer(
        {
            "usable": True,
            "requirement_id": found.requirement_id,
            "title_zh": found.title_zh,
            "title_en": found.title_en,
            "items": len(found.items),
        }
    )


def _period(found: WireRequirement) -> str:
    return days(found.fixed) if found.HasField("fixed") else f"{found.months} 个月 months"


def _freshness(found: WireRequirement) -> Iterator[tuple[str, str]]:
    """The limits of age that this procedure sets itself."""
    if found.max_trust_age_hours:
        yield "信任状态时效 Trust state age", f"{found.max_trust_age_hours} 小时 hours"
    if found.max_log_view_age_minutes:
        yield "日志视图时效 Log view age", f"{found.max_log_view_age_minutes} 分钟 minutes"


def _show(session: Session, found: WireRequirement, names: Names) -> None:
    session.say(f"{found.title_zh} {found.title_en} ({found.requirement_id})", "bold")
    if found.illustrative:
        session.say("示例，未经任何机关公布 An example that no authority has published.", "yellow")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    for name, value in (
        ("应用场景 Scenario", found.scenario),
        ("期间 Period", _period(found)),
        ("地域 Territory", found.territory or "出具机关所辖 the issuer's own division"),
        ("数据时效 Data age", f"{found.max_data_age_days} 天 days"),
        ("报告时效 Report age", f"{found.max_report_age_days} 天 days"),
        *_freshness(found),
        ("已修复记录 Repaired records", "计入 count" if found.repaired_records_count else "不计入 do not count"),
    ):
        facts.add_row(name, Text(value))
    session.out.print(facts)
    table = Table("要求\nRequired", "记录类型\nRecord types")
    for item in found.items:
        code, known = (item.local_code, names.rows) if item.local_code else (item.leaf, names.leaves)
        kinds = "\n".join(words_for(TYPES, kind).both for kind in item.record_types)
        table.add_row(Text(f"{code} {known.get(code, '')}".rstrip()), Text(kinds))
    session.out.print(table)
