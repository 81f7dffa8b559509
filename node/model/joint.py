"""One requirement over several territories, held against the reports of several jurisdictions together."""

from __future__ import annotations

from dataclasses import dataclass

from node.model.verdict import Decision, Finding, Verdict


@dataclass(frozen=True, slots=True)
class PresentedVerdict:
    """The verdict on one report for one territory.

    `report` is its place among those presented, from 0. `territory` is empty for a report that speaks for none of the
    territories asked about: its verdict is then that for the first of them.
    """

    report: int
    territory: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TerritoryFindings:
    """What was found in one territory: per required cell what no report that counts covered, and what any shows.

    `reports` are the places of the reports that count for it. Without one, nothing was covered: `findings` is empty.
    """

    territory: str
    reports: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class JointVerdict:
    """The answer to all reports together, and the verdict on each."""

    decision: Decision
    reasons: tuple[str, ...]
    territories: tuple[TerritoryFindings, ...]
    verdicts: tuple[PresentedVerdict, ...]
    requirement_title: str = ""
