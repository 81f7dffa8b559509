"""Which verdicts come out otherwise once something changes: a version of a catalogue, or a trust certificate.

Every requirement is held, before and after, against the best report that the issuer could give that day
(`node.recognition.specimen`). What differs then differs because of the change alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from node.model.calendar import start_of_day
from node.model.catalogue import Caveat, Edition, Taxonomy
from node.model.policy import RecognitionPolicy
from node.model.records import RECORD_TYPES, RecordType
from node.model.requirement import Requirement
from node.model.verdict import Decision, Finding, Step
from node.recognition.cells import translate
from node.recognition.coverage import IssuerView
from node.recognition.decision import Asked, foresee
from node.recognition.findings import assess
from node.recognition.specimen import best_report, unreadable_report


@dataclass(frozen=True, slots=True)
class CellFlip:
    """One required cell whose finding changes: kind, then gaps with their reasons; empty where it is not asked."""

    target: str
    record_type: RecordType
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VerdictFlip:
    """One requirement that comes out otherwise against one issuer; the decisions are equal when only cells change.

    Reasons are those of the verdicts, most serious first; () for ACCEPT.
    """

    requirement_id: str
    issuer: str
    before: Decision
    after: Decision
    cells: tuple[CellFlip, ...]
    reasons_before: tuple[str, ...]
    reasons_after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision foreseen, its reasons, and each finding in words by target and record type.

    A report that is rejected has no findings: nobody may read anything into it.
    """

    decision: Decision
    reasons: tuple[str, ...]
    findings: Mapping[tuple[str, RecordType], str]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one trust certificate comes to: its policy, and the steps 1 to 13 that no report can pass under it.

    `policy` is None where there never was a certificate.
    """

    policy: RecognitionPolicy | None
    failing: tuple[Step, ...]


def foreseen(
    requirement: Requirement,
    taxonomy: Taxonomy,
    own: Edition | None,
    issuer: str,
    edition: Edition | None,
    terms: Terms,
    at: datetime,
) -> Outcome:
    """What would be decided, by a requirement read with the own edition, on the issuer's best report of this instant.

    `edition` is the issuer's in force, None when none is known here.
    """
    plan = translate(requirement, taxonomy, own.catalogue if own else None, own.crosswalk if own else None)
    scenario = _scenario(requirement, edition, terms.policy)
    if edition is None:
        view, presented = None, unreadable_report(issuer, scenario, at)
    else:
        view, presented = IssuerView.of(edition.catalogue, edition.crosswalk), best_report(edition, scenario, at)
    assessment = assess(plan, view, terms.policy, presented)
    decision, reasons = foresee(
        terms.failing,
        presented,
        None if edition is None else edition.catalogue,
        Asked(requirement, terms.policy, assessment),
        at,
    )
    return Outcome(decision, reasons, {} if decision is Decision.REJECT else _in_words(assessment.findings))


@dataclass(frozen=True, slots=True)
class Prospect:
    """What becomes of one procedure of ours on an issuer's best report when our trust certificate changes."""

    requirement: Requirement
    before: Outcome
    after: Outcome
    flip: VerdictFlip | None


def prospects(
    requirements: Iterable[Requirement],
    taxonomy: Taxonomy,
    own: Edition | None,
    issuer: str,
    edition: Edition | None,
    terms: tuple[Terms, Terms],
    at: datetime,
) -> tuple[Prospect, ...]:
    """Every procedure, with the terms before and those after; one whose verdict changes has a flip."""
    found = []
    for requirement in requirements:
        before, after = (foreseen(requirement, taxonomy, own, issuer, edition, each, at) for each in terms)
        found.append(Prospect(requirement, before, after, _compare(requirement, issuer, before, after)))
    return tuple(found)


def catalogue_flips(
    old: Edition,
    new: Edition,
    requirements: Iterable[Requirement],
    others: Sequence[Edition],
    taxonomy: Taxonomy,
    day: date,
    accepted: frozenset[Caveat],
) -> tuple[VerdictFlip, ...]:
    """All flips by a new version, by requirement and issuer, for reports issued on `day` in China, if all is reviewed.

    `others` are the editions of other jurisdictions in force on that day; `old` and `new` replace their own. A version
    matters twice: for reports its jurisdiction issues, and for requirements written in its own rows.
    """
    world = _World(taxonomy, day, accepted)
    return tuple(flip for asked in requirements for flip in _of_requirement(asked, old, new, others, world))


@dataclass(frozen=True, slots=True)
class _World:
    taxonomy: Taxonomy
    day: date
    accepted: frozenset[Caveat]

    def outcome(self, requirement: Requirement, own: Edition | None, issuer: Edition) -> Outcome:
        """The cells alone decide here: a version that is not in force yet is tried as if it were."""
        plan = translate(requirement, self.taxonomy, own.catalogue if own else None, own.crosswalk if own else None)
        view = IssuerView.of(issuer.catalogue, issuer.crosswalk)
        presented = best_report(issuer, requirement.scenario, start_of_day(self.day))
        assessment = assess(plan, view, self._policy(requirement, issuer), presented)
        # a refused caveat is a gap beside NO_RECORD_FOUND: the gaps decide, not the kind alone
        met = not assessment.empty and not assessment.gap_reasons
        return Outcome(
            Decision.ACCEPT if met else Decision.REFER,
            tuple(reason.value for reason in assessment.gap_reasons),
            _in_words(assessment.findings),
        )

    def _policy(self, requirement: Requirement, issuer: Edition) -> RecognitionPolicy:
        midnight = start_of_day(self.day)
        return RecognitionPolicy(
            recogniser=requirement.jurisdiction,
            issuer=issuer.catalogue.division,
            leaves=frozenset(self.taxonomy.leaves),
            record_types=frozenset((*RECORD_TYPES, *issuer.catalogue.own_record_types)),
            scenarios=frozenset({requirement.scenario}),
            reviewed_catalogues=frozenset({issuer.catalogue.digest}),
            reviewed_crosswalks=frozenset({issuer.crosswalk.digest}),
            accepted_caveats=self.accepted,
            max_trust_state_age=timedelta(days=1),
            max_log_view_age=timedelta(days=1),
            valid_from=midnight,
            valid_until=midnight + timedelta(days=1),
        )


def _of_requirement(
    requirement: Requirement, old: Edition, new: Edition, others: Sequence[Edition], world: _World
) -> Iterator[VerdictFlip]:
    changed = old.catalogue.division
    own_before = own_after = next((e for e in others if e.catalogue.division == requirement.jurisdiction), None)
    if requirement.jurisdiction == changed:
        own_before, own_after = old, new
    # where the requirement is another jurisdiction's, only the changed issuer's reports can come out otherwise
    unchanged = others if requirement.jurisdiction == changed else ()
    for before, after in ((old, new), *((issuer, issuer) for issuer in unchanged)):
        flip = _compare(
            requirement,
            before.catalogue.division,
            world.outcome(requirement, own_before, before),
            world.outcome(requirement, own_after, after),
        )
        if flip is not None:
            yield flip


def _compare(requirement: Requirement, issuer: str, before: Outcome, after: Outcome) -> VerdictFlip | None:
    targets = dict.fromkeys((*before.findings, *after.findings))
    if Decision.REJECT in (before.decision, after.decision):
        targets = {}
    cells = tuple(
        CellFlip(*target, was, becomes)
        for target in targets
        if (was := before.findings.get(target, "")) != (becomes := after.findings.get(target, ""))
    )
    if not cells and before.decision == after.decision:
        return None
    return VerdictFlip(
        requirement.requirement_id, issuer, before.decision, after.decision, cells, before.reasons, after.reasons
    )


def _scenario(requirement: Requirement, edition: Edition | None, policy: RecognitionPolicy | None) -> str:
    """What the best report would be issued for: the procedure's scenario, else one that is recognised."""
    offered = (requirement.scenario,) if edition is None else edition.catalogue.scheme.scenarios
    recognised = frozenset[str]() if policy is None else policy.scenarios
    if requirement.scenario in offered:
        return requirement.scenario
    return next((scenario for scenario in offered if scenario in recognised), offered[0])


def _in_words(findings: Iterable[Finding]) -> Mapping[tuple[str, RecordType], str]:
    return {(f.leaf or "row " + ", ".join(f.required_rows), f.record_type): _words(f) for f in findings}


def _words(finding: Finding) -> str:
    gaps = (f"{g.reason} [{g.interval.start}, {g.interval.end})" for g in finding.gaps)
    return "; ".join((finding.kind.value, *gaps))
