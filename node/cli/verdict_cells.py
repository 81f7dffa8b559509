"""Findings of a verdict, grouped so that a clerk reads one line where many cells say the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from node.cli.connection import Finding, Gap, Names, code_of
from node.cli.wording import CAVEATS, FINDINGS, GAPS, TYPES, words_for
from node.model.verdict import FindingKind


@dataclass(frozen=True, slots=True)
class CellLine:
    """Cells with one result: what was asked, the record types, days as `start – end` (end excluded)."""

    targets: tuple[str, ...]
    record_types: tuple[str, ...]
    interval: str
    kind: str
    result: str
    notes: tuple[str, ...]


def lines(findings: Iterable[Finding], names: Names) -> list[CellLine]:
    """The findings in their order; cells of the same days and result stand together, cells with records never do.

    Only whole rectangles are joined: every target of a line was asked with every record type of it.
    """
    types_of: dict[tuple[str, Hashable], list[Finding]] = {}
    for place, finding in enumerate(findings):
        types_of.setdefault((_target(finding, names), _result(finding, place)), []).append(finding)
    rectangles: dict[Hashable, tuple[list[str], list[Finding]]] = {}
    for (target, result), group in types_of.items():
        key = (result, tuple(finding.record_type for finding in group))
        rectangles.setdefault(key, ([], group))[0].append(target)
    return [_line(targets, group) for targets, group in rectangles.values()]


def days(period: object) -> str:
    """A period as `start – end`; the end is excluded, as the table's head says."""
    return f"{getattr(period, 'start', '')} – {getattr(period, 'end', '')}"


def target_name(finding: Finding, names: Names) -> str:
    """What was asked, in the relying party's words, with the leaf that it was translated to."""
    return _target(finding, names)


def _target(finding: Finding, names: Names) -> str:
    rows = "、".join(_named(code, names.rows.get(code, "")) for code in finding.required_rows)
    leaf = f"{finding.leaf} {names.leaves.get(finding.leaf, '')}".rstrip()
    if rows and leaf:
        return f"{rows} → {leaf}"
    return rows or leaf or "（无对应领域 no domain at all）"


def _named(code: str, name: str) -> str:
    return f"{name}（第{code}项）" if name else f"第{code}项"


def _result(finding: Finding, place: int) -> Hashable:
    """What must be equal for two cells to stand in one line; the place keeps cells with records apart."""
    return (
        days(finding.interval),
        finding.kind,
        place if finding.records else -1,
        tuple((gap.reason, days(gap.interval), gap.caveat) for gap in finding.gaps),
        tuple((use.caveat, days(use.interval)) for use in finding.caveats),
        finding.covered_until,
    )


def _line(targets: Sequence[str], group: Sequence[Finding]) -> CellLine:
    first = group[0]
    kind = code_of(first, "kind")
    return CellLine(
        tuple(targets),
        tuple(words_for(TYPES, finding.record_type).zh for finding in group),
        days(first.interval),
        kind,
        _result_text(first, kind),
        tuple(_notes(first)),
    )


def _result_text(finding: Finding, kind: str) -> str:
    words = words_for(FINDINGS, kind)
    if kind != FindingKind.HAS_RECORDS:
        return f"{words.zh}\n{words.en}"
    return (
        f"{words.zh} {finding.records} 条，计入 {finding.counted_records} 条\n"
        f"{finding.records} found, {finding.counted_records} count"
    )


def _notes(finding: Finding) -> Iterable[str]:
    for gap in finding.gaps:
        explained = GAPS.get(gap.reason)
        label = explained.label.zh if explained else gap.reason
        whole = days(gap.interval) == days(finding.interval)
        when = "整个期间" if whole else days(gap.interval)
        yield f"未覆盖（{when}）：{label}"
    for caveat in dict.fromkeys(use.caveat for use in finding.caveats):
        known = CAVEATS.get(caveat)
        yield f"保留：{known.label.zh if known else caveat}"
    if finding.covered_until:
        yield f"数源报送至 {finding.covered_until}"


def gap_lines(places: Iterable[tuple[str, Gap]]) -> list[str]:
    """Where one reason bites: `targets｜record types｜days（wording of both sides）`, joined like the cells."""
    types_of: dict[tuple[str, str, str], list[str]] = {}
    for target, gap in places:
        key = (target, days(gap.interval), _wordings("、".join(gap.required_wording), "、".join(gap.issuer_wording)))
        types_of.setdefault(key, []).append(words_for(TYPES, gap.record_type).zh)
    targets_of: dict[tuple[str, str, str], list[str]] = {}
    for (target, when, wordings), types in types_of.items():
        targets_of.setdefault(("、".join(types), when, wordings), []).append(target)
    return [f"{'；'.join(targets)}｜{types}｜{when}{words}" for (types, when, words), targets in targets_of.items()]


def _wordings(ours: str, theirs: str) -> str:
    """What each side calls it; nothing when the issuer has no word for it."""
    if not theirs:
        return ""
    return f"（我方：{ours}；对方：{theirs}）" if ours else f"（对方：{theirs}）"
