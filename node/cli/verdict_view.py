"""A verdict as a page that a clerk understands: the conclusion, what it rests on, cell by cell what was not covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from node.cli.connection import Gap, Names, Step, TerritoryFindings, Verdict, code_of, codes_of
from node.cli.reasons import REASONS
from node.cli.session import in_china
from node.cli.tables import Table
from node.cli.verdict_cells import days, gap_lines, lines, target_name
from node.cli.verdict_times import ages, as_of, looks_back, times, warnings
from node.cli.wording import (
    AUTHENTICITY,
    CAVEATS,
    DECISIONS,
    FLAGS,
    GAPS,
    REMEDIES,
    STANDING,
    STEP_STATUS,
    STEPS,
    SUBJECT_KINDS,
    Explained,
    Words,
    words_for,
)
from node.model.counting import counted
from node.model.verdict import Decision, FindingKind, StepStatus

_STYLES = {Decision.ACCEPT: "green", Decision.REFER: "yellow", Decision.REJECT: "red"}
_KIND_STYLES = {
    FindingKind.HAS_RECORDS: "red",
    FindingKind.NO_RECORD_FOUND: "green",
    FindingKind.NOT_COVERED: "yellow",
    FindingKind.COMMITTED: "yellow",
}
_STEP_STYLES: dict[str, str] = {StepStatus.PASS: "green", StepStatus.FAIL: "red", StepStatus.UNDECIDED: "yellow"}
LAST_STEP = 18
UNREACHED = "NOT_REACHED"
"""Says only that an earlier step did not pass, which stands beside it."""
UNWITNESSED = "WITNESS_QUORUM_UNMET"
"""Of a report that was issued just now it passes by itself."""


def show(console: Console, verdict: Verdict, names: Names, *, steps: bool) -> None:
    """Prints a verdict; `steps` adds all eighteen."""
    console.print(conclusion(verdict))
    console.print(facts(verdict, names))
    if verdict.findings:
        console.print(cells(verdict, names))
    for part in (gaps(verdict, names), caveats(verdict), step_table(verdict, whole=steps)):
        if part is not None:
            console.print(part)


def conclusion(verdict: Verdict) -> RenderableType:
    """The big line and what it means, with the reasons of a decision other than ACCEPT, and with warnings."""
    told_of = f"（按 {as_of(verdict)} 的规则）" if looks_back(verdict) else ""
    reasons = told_reasons(verdict.reasons, verdict.retry_seconds)
    return decided(code_of(verdict, "decision"), reasons, warnings(verdict), told_of)


def decided(code: str, reasons: Sequence[str], warned: Iterable[str] = (), told_of: str = "") -> RenderableType:
    """A decision with its reasons in words and warnings; `told_of` says of when, where that is not now."""
    explained = DECISIONS.get(code)
    style = decision_style(code)
    label = explained.label if explained else Words(code, code)
    parts = [Text(f"结论 Decision: {label.en}  {label.zh}{told_of}", style=f"bold {style}")]
    if explained:
        parts += [Text(explained.sentence.zh), Text(explained.sentence.en, style="dim")]
    parts += [Text(f"· {line}") for line in reasons]
    parts += [Text(f"⚠ {warning}", style="yellow") for warning in warned]
    return Panel(Group(*parts), border_style=style, expand=True)


def told_reasons(reasons: Sequence[str], retry_seconds: int = 0) -> list[str]:
    """Reasons in words, without what only says that an earlier step did not pass, unless there is nothing else.

    `retry_seconds` as in a verdict: when to ask again where witnesses are too few.
    """
    told = [reason for reason in reasons if reason != UNREACHED] or list(reasons)
    return [f"{reason_words(reason, retry_seconds).both}（{reason}）" for reason in told]


def reason_words(reason: str, retry_seconds: int = 0) -> Words:
    """What a reason means, and when to ask again where that helps."""
    words = words_for(REASONS, reason)
    if reason != UNWITNESSED or not retry_seconds:
        return words
    return Words(
        f"{words.zh}，刚出具的报告请约 {retry_seconds} 秒后再试，否则见 huxin peers",
        f"{words.en}: of a report that was issued just now ask again in about {counted(retry_seconds, 'second')}, else "
        "look at `huxin peers`",
    )


def decision_style(code: str) -> str:
    """Colour of a decision; of one that is not known here, or of none, a neutral one."""
    return _STYLES.get(Decision(code), "") if code in _STYLES else "cyan"


def facts(verdict: Verdict, names: Names) -> RenderableType:
    """Authenticity, standing, what the report says of itself, and how old our knowledge is."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in (*_answers(verdict), *_report(verdict, names), *_ages(verdict)):
        table.add_row(name, Text(value))
    return table


def _answers(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "真伪 Authenticity", words_for(AUTHENTICITY, code_of(verdict, "authenticity")).both
    yield "状态 Standing", words_for(STANDING, code_of(verdict, "standing")).both
    if verdict.flags:
        yield "标记 Flags", "；".join(words_for(FLAGS, flag).both for flag in codes_of(verdict, "flags"))
    if verdict.requirement_title:
        yield "办理要求 Requirement", verdict.requirement_title


def _report(verdict: Verdict, names: Names) -> Iterator[tuple[str, str]]:
    if not verdict.HasField("report"):
        yield (
            "报告 Report",
            "签名未通过核验，不显示报告内容 (nothing is shown of a report whose signature does not hold)",
        )
        return
    report = verdict.report
    yield "报告编号 Number", report.report_number
    yield "出具机关 Issuer", division_name(report.issuer, names)
    yield "覆盖地域 Territory", division_name(report.territory, names) + "（及其下辖 and what lies below it）"
    yield "主体类型 Subject", words_for(SUBJECT_KINDS, code_of(report, "subject_kind")).both
    yield "出具时间 Issued", in_china(report.issued_at.ToDatetime(UTC))
    yield "报告期间 Period", days(report.period)
    yield "数据截止 Cut-off", in_china(report.data_cutoff.ToDatetime(UTC))
    yield "出具方案 Scheme", report.scheme


def division_name(code: str, names: Names) -> str:
    """A division by name and code."""
    return f"{names.divisions.get(code, '')} {code}".strip()


def _ages(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield times(verdict)
    if verdict.HasField("report"):  # else it is not known whose log and whose trusted state it would be
        yield from ages(verdict)


def cells(verdict: Verdict | TerritoryFindings, names: Names) -> RenderableType:
    """One line per group of cells with the same result."""
    table = Table(title="所要求的各项 What was asked", title_justify="left", show_lines=True, expand=True)
    table.add_column("要求\nRequired", ratio=4)
    table.add_column("记录类型\nRecord types", ratio=3)
    table.add_column("期间（止日不含）\nDays, end excluded", ratio=3)
    table.add_column("结果\nResult", ratio=4)
    table.add_column("说明\nNotes", ratio=5)
    for line in lines(verdict.findings, names):
        style = _KIND_STYLES[FindingKind(line.kind)] if line.kind in _KIND_STYLES else ""
        table.add_row(
            Text(_listed(line.targets)),
            Text(_listed(line.record_types)),
            Text(line.interval),
            Text(line.result, style=style),
            Text(_listed(line.notes)),
        )
    return table


def _listed(items: Sequence[str]) -> str:
    """An item a line; several are marked, since narrow columns break a long one (at a space after the mark, too)."""
    return "\n".join(f"·{item}" for item in items) if len(items) > 1 else "".join(items)


def gaps(verdict: Verdict | TerritoryFindings, names: Names) -> RenderableType | None:
    """Every reason once: what it means, where it bites, what both sides call it, what could fill it."""
    found: dict[str, list[tuple[str, Gap]]] = {}
    for finding in verdict.findings:
        for gap in finding.gaps:
            found.setdefault(gap.reason, []).append((target_name(finding, names), gap))
    if not found:
        return None
    parts: list[RenderableType] = [Text("未覆盖之处 What was not covered", style="bold")]
    for reason, places in found.items():
        parts += _explained(reason, GAPS.get(reason), "yellow")
        parts += [_indented(Text(f"- {line}")) for line in gap_lines(places)]
        remedies = dict.fromkeys(remedy for _, gap in places for remedy in gap.remedies)
        if remedies:
            fills = "；".join(words_for(REMEDIES, code).both for code in remedies)
            parts.append(_indented(Text(f"可由此补足 could be filled by: {fills}")))
    return Group(*parts)


def caveats(verdict: Verdict | TerritoryFindings) -> RenderableType | None:
    """The reservations under which something was covered."""
    used = dict.fromkeys(use.caveat for finding in verdict.findings for use in finding.caveats)
    if not used:
        return None
    parts: list[RenderableType] = [Text("保留事项 Caveats", style="bold")]
    for code in used:
        parts += _explained(code, CAVEATS.get(code), "")
    return Group(*parts)


def _explained(code: str, explained: Explained | None, style: str) -> list[RenderableType]:
    if explained is None:
        return [Text(f"● {code}", style=style)]
    return [
        Text(f"● {explained.label.both}（{code}）", style=style),
        _indented(Text(explained.sentence.zh)),
        _indented(Text(explained.sentence.en, style="dim")),
    ]


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2), expand=False)


def step_table(verdict: Verdict, *, whole: bool) -> RenderableType | None:
    """All steps, or those alone that say something: not passed, for a reason of their own."""
    rows = [step for step in verdict.steps if whole or _tells(step)]
    if not rows:
        return None
    title = "全部步骤 All steps" if whole else "未通过的步骤 Steps that did not pass"
    table = Table("#", "步骤 Step", "结果 Result", title=title, title_justify="left")
    table.add_column("原因 Reason")  # a code longer than a narrow column is not to be cut
    for step in rows:
        status = code_of(step, "status")
        name, result = STEPS.get(step.number, Words("", "")), words_for(STEP_STATUS, status)
        reason = reason_words(step.reason, verdict.retry_seconds)
        table.add_row(
            str(step.number),
            Text(f"{name.zh}\n{name.en}"),
            Text(f"{result.zh}\n{result.en}", style=_STEP_STYLES.get(status, "")),
            Text(f"{reason.zh}（{step.reason}）\n{reason.en}" if step.reason else ""),
        )
    return table


def _tells(step: Step) -> bool:
    """Not of the last step, which is the conclusion, nor of one that an earlier one left nothing to check."""
    quiet = {StepStatus.PASS, StepStatus.NOT_REQUIRED}
    return code_of(step, "status") not in quiet and step.reason != UNREACHED and step.number < LAST_STEP
