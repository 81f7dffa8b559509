"""Several reports together as a page: the conclusion, territory by territory what remains uncovered, each report."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from node.cli.connection import JointVerdict, Names, TerritoryFindings, code_of
from node.cli.tables import Table
from node.cli.verdict_view import caveats, cells, decided, decision_style, division_name, gaps, told_reasons
from node.cli.wording import DECISIONS


def show(console: Console, joint: JointVerdict, names: Names, files: Sequence[str]) -> None:
    """Prints a joint verdict on the reports of these files, in the order in which they were presented."""
    retry_seconds = max((each.verdict.retry_seconds for each in joint.verdicts), default=0)
    console.print(decided(code_of(joint, "decision"), told_reasons(joint.reasons, retry_seconds)))
    if joint.requirement_title:
        console.print(Text(f"办理要求 Requirement: {joint.requirement_title}"))
    for territory in joint.territories:
        _show_territory(console, territory, names, files)
    console.print(_reports(joint, names, files))


def _show_territory(console: Console, territory: TerritoryFindings, names: Names, files: Sequence[str]) -> None:
    console.print(Text(f"\n地域 Territory: {division_name(territory.territory, names)}", style="bold"))
    if not territory.reports:
        console.print(Text("没有可计入的报告：全部未覆盖 No report counts for it: nothing is covered.", style="yellow"))
        return
    console.print(Text("计入的报告 Reports that count: " + "、".join(files[place] for place in territory.reports)))
    console.print(cells(territory, names))
    for part in (gaps(territory, names), caveats(territory)):
        if part is not None:
            console.print(part)


def _reports(joint: JointVerdict, names: Names, files: Sequence[str]) -> Table:
    table = Table(title="各份报告 Each report by itself", title_justify="left", show_lines=True, expand=True)
    table.add_column("文件与编号\nFile and number", ratio=4)
    table.add_column("对应地域\nJudged for", ratio=3)
    table.add_column("单独结论\nAlone", ratio=3)
    table.add_column("原因\nReasons", ratio=5)
    for each in joint.verdicts:
        code = code_of(each.verdict, "decision")
        label = DECISIONS[code].label.both if code in DECISIONS else code
        table.add_row(
            Text(f"{files[each.report]}\n{each.verdict.report.report_number}".rstrip()),
            Text(division_name(each.territory, names) if each.territory else "都不对应 none of those asked about"),
            Text(label, style=decision_style(code)),
            Text("\n".join(told_reasons(each.verdict.reasons, each.verdict.retry_seconds))),
        )
    return table
