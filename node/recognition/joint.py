"""Several reports, one requirement: what they cover together, territory by territory, and what remains uncovered.

A report counts for a territory when nothing but gaps and records keeps its own verdict from ACCEPT: what is forged,
flagged, stale, too old or undecided covers nothing. Within a territory the days covered are united, cell by cell, over
the interval of the newest report that counts; a day that any of them covers is covered. Records are never united away:
what one report shows, all show.

| decision | when |
|---|---|
| ACCEPT | every report counts, none shows a record that counts, and no territory has a day of a cell uncovered |
| REJECT | some report is rejected: a presentation that holds one is not made good by the others |
| REFER  | everything else |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from node.model.calendar import Period
from node.model.joint import JointVerdict, PresentedVerdict, TerritoryFindings
from node.model.verdict import CaveatUse, Decision, Finding, FindingKind, Gap, GapReason, ReportFacts, Verdict
from node.recognition.decision import RECORDS_FOUND
from node.recognition.intervals import Spans, overlap, subtract

_GAPS = frozenset(reason.value for reason in GapReason)
_OTHERS_CAN_HELP = _GAPS | {RECORDS_FOUND}
_FURTHEST_FIRST = {reason: -place for place, reason in enumerate(GapReason)}
"""Of several reasons for one day the one named is that of the report which came furthest: it is the easiest to fill."""


def join(territories: Sequence[str], judged: Sequence[PresentedVerdict]) -> JointVerdict:
    """Decides on all reports together. A pure function of its arguments.

    `judged` holds for each territory the verdicts, against the requirement for that territory, on the reports that
    speak for it; reports that speak for none stand in it once, with an empty territory. Raises ValueError without any
    territory or report, or for a verdict on another territory: a fault of the caller.
    """
    if not territories or not judged or not {each.territory for each in judged} <= {"", *territories}:
        raise ValueError("several reports are judged for territories that were asked about")
    found = tuple(_territory(code, [each for each in judged if each.territory == code]) for code in territories)
    decision = _decide(found, judged)
    reasons = () if decision is Decision.ACCEPT else _reasons(found, judged)
    return JointVerdict(decision, reasons, found, tuple(judged), judged[0].verdict.requirement_title)


def _counts(verdict: Verdict) -> bool:
    """Whether what a report covers is covered: only gaps, which others may fill, or records keep it from ACCEPT."""
    if verdict.decision is Decision.ACCEPT:
        return True
    return verdict.decision is Decision.REFER and bool(verdict.reasons) and _OTHERS_CAN_HELP.issuperset(verdict.reasons)


def _decide(found: Iterable[TerritoryFindings], judged: Sequence[PresentedVerdict]) -> Decision:
    if any(each.verdict.decision is Decision.REJECT for each in judged):
        return Decision.REJECT
    shown = chain.from_iterable(each.verdict.findings for each in judged)
    sound = all(_counts(each.verdict) for each in judged) and not any(finding.counted_records for finding in shown)
    return Decision.ACCEPT if sound and all(map(_covered, found)) else Decision.REFER


def _covered(territory: TerritoryFindings) -> bool:
    return bool(territory.findings) and not any(finding.gaps for finding in territory.findings)


def _reasons(found: Sequence[TerritoryFindings], judged: Sequence[PresentedVerdict]) -> tuple[str, ...]:
    """All reasons, each once: what rejects, what of single reports no other can make good, records, remaining gaps."""
    rejected = [each.verdict for each in judged if each.verdict.decision is Decision.REJECT]
    others = [each.verdict for each in judged if each.verdict.decision is not Decision.REJECT]
    alone = [reason for verdict in (*rejected, *others) for reason in verdict.reasons if reason not in _OTHERS_CAN_HELP]
    records = [RECORDS_FOUND] if any(RECORDS_FOUND in each.verdict.reasons for each in judged) else []
    gaps = {gap.reason for territory in found for finding in territory.findings for gap in finding.gaps}
    if not {each.territory for each in found} <= {each.territory for each in judged}:
        gaps.add(GapReason.OUTSIDE_TERRITORY)
    return tuple(dict.fromkeys((*alone, *records, *(reason.value for reason in GapReason if reason in gaps))))


def _territory(code: str, judged: Sequence[PresentedVerdict]) -> TerritoryFindings:
    """Reports are united where they were asked the same cells: one that was compared row by row stays by itself."""
    groups: dict[tuple[object, ...], list[PresentedVerdict]] = {}
    for each in judged:
        if _counts(each.verdict):
            groups.setdefault(tuple(map(_cell, each.verdict.findings)), []).append(each)
    together = [(tuple(each.report for each in group), _united(group)) for group in groups.values()]
    if not together:
        return TerritoryFindings(code, (), ())
    reports, findings = min(together, key=lambda pair: sum(len(finding.gaps) for finding in pair[1]))
    return TerritoryFindings(code, reports, findings)


def _cell(finding: Finding) -> tuple[object, ...]:
    return finding.leaf, finding.record_type, finding.required_rows


def _united(group: Sequence[PresentedVerdict]) -> tuple[Finding, ...]:
    newest = max((each.verdict for each in group), key=lambda verdict: _facts(verdict).issued_at)
    columns = zip(*(each.verdict.findings for each in group), strict=True)
    return tuple(
        _one_cell(of_newest.interval, cells) for of_newest, cells in zip(newest.findings, columns, strict=True)
    )


def _facts(verdict: Verdict) -> ReportFacts:
    if verdict.report is None:
        raise ValueError("a report that counts was read")
    return verdict.report


def _one_cell(interval: Period, cells: Sequence[Finding]) -> Finding:
    remaining: Spans = (interval,)
    caveats: list[CaveatUse] = []
    for cell in cells:
        covered = subtract((cell.interval,), tuple(gap.interval for gap in cell.gaps))
        remaining = subtract(remaining, covered)
        within = overlap(covered, (interval,))
        caveats += [CaveatUse(use.caveat, days) for use in cell.caveats for days in overlap((use.interval,), within)]
    gaps = _gaps(remaining, cells)
    records = max(cell.records for cell in cells)
    known = [cell.covered_until for cell in cells if cell.covered_until is not None]
    return replace(
        cells[0],
        interval=interval,
        kind=_kind(records, gaps, cells),
        records=records,
        counted_records=max(cell.counted_records for cell in cells),
        gaps=gaps,
        caveats=tuple(dict.fromkeys(caveats)),
        covered_until=max(known, default=None),
    )


def _gaps(remaining: Spans, cells: Sequence[Finding]) -> tuple[Gap, ...]:
    """Why each remaining day is uncovered. The newest report covers it or has a gap there, so every day gets one."""
    found: list[Gap] = []
    for gap in sorted((gap for cell in cells for gap in cell.gaps), key=lambda gap: _FURTHEST_FIRST[gap.reason]):
        found += [replace(gap, interval=days) for days in overlap(remaining, (gap.interval,))]
        remaining = subtract(remaining, (gap.interval,))
    return tuple(sorted(found, key=lambda gap: gap.interval))


def _kind(records: int, gaps: Sequence[Gap], cells: Sequence[Finding]) -> FindingKind:
    """As for a single report: a record is said first, and a refused caveat leaves "no record found" as it is."""
    if records:
        return FindingKind.HAS_RECORDS
    if all(gap.reason is GapReason.CAVEAT_REFUSED for gap in gaps):
        return FindingKind.NO_RECORD_FOUND
    committed = any(cell.kind is FindingKind.COMMITTED for cell in cells)
    return FindingKind.COMMITTED if committed else FindingKind.NOT_COVERED
