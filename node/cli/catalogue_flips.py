"""Which verdicts a new version of a catalogue would flip, for a given set of requirements.

Every requirement is held, before and after, against the best report that an issuer could give that day: complete,
longest period allowed, delivered in full that day, no record, every version reviewed. What differs then differs because
of the catalogue alone. A version matters twice: for reports its jurisdiction issues, and for requirements written in
its own rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from node.adapters.catalogues.registry import CatalogueRegistry
from node.model.calendar import Period, months_before, start_of_day
from node.model.catalogue import Caveat, Edition, Taxonomy
from node.model.policy import RecognitionPolicy
from node.model.records import RECORD_TYPES, RecordType
from node.model.report import Coverage, DisclosedReport, Section, Selection, Summary
from node.model.requirement import Requirement
from node.model.subject import IdType, SubjectKind, SubjectRef
from node.model.verdict import Decision, Finding
from node.recognition.cells import translate
from node.recognition.coverage import IssuerView
from node.recognition.findings import assess
from node.recognition.presented import Presented

DEFAULT_CAVEATS = frozenset({Caveat.TYPES_SCHEME_WIDE, Caveat.SINCE_YEAR_ONLY, Caveat.SINCE_ASSUMED})
"""Accepted unless said otherwise, as in the worked examples of `docs/recognition.md`: all but CLOSE_MATCH."""

_CUSTOMARY_MONTHS = 60
_NOBODY = SubjectRef(IdType.USCC, "")


@dataclass(frozen=True, slots=True)
class CellFlip:
    """One required cell whose finding changes: kind, then gaps with their reasons; empty where it is not asked."""

    target: str
    record_type: RecordType
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VerdictFlip:
    """One requirement that comes out otherwise against one issuer; the decisions are equal when only cells change."""

    requirement_id: str
    issuer: str
    before: Decision
    after: Decision
    cells: tuple[CellFlip, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    decision: Decision
    findings: Mapping[tuple[str, RecordType], str]


def verdict_flips(
    old: Edition,
    new: Edition,
    requirements: Iterable[Requirement],
    registry: CatalogueRegistry,
    day: date,
    accepted: frozenset[Caveat] = DEFAULT_CAVEATS,
) -> tuple[VerdictFlip, ...]:
    """All flips, by requirement and issuer, for reports issued on `day` in China.

    The catalogues of other jurisdictions are those in force on that day; `old` and `new` replace their own.
    """
    others = tuple(e for e in registry.in_force(day) if e.catalogue.division != old.catalogue.division)
    return tuple(
        flip
        for requirement in requirements
        for flip in _of_requirement(requirement, old, new, others, _World(registry.taxonomy, day, accepted))
    )


@dataclass(frozen=True, slots=True)
class _World:
    taxonomy: Taxonomy
    day: date
    accepted: frozenset[Caveat]

    def outcome(self, requirement: Requirement, own: Edition | None, issuer: Edition) -> _Outcome:
        """The requirement, read with its own catalogue, against the best report of an issuer."""
        plan = translate(requirement, self.taxonomy, own.catalogue if own else None, own.crosswalk if own else None)
        view = IssuerView.of(issuer.catalogue, issuer.crosswalk)
        assessment = assess(plan, view, self._policy(requirement, issuer), self._presented(requirement, issuer))
        # a refused caveat is a gap beside NO_RECORD_FOUND: the gaps decide, not the kind alone
        met = not assessment.empty and not assessment.gap_reasons
        findings = {
            (f.leaf or "row " + ", ".join(f.required_rows), f.record_type): _words(f) for f in assessment.findings
        }
        return _Outcome(Decision.ACCEPT if met else Decision.REFER, findings)

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

    def _presented(self, requirement: Requirement, issuer: Edition) -> Presented:
        catalogue, scheme = issuer.catalogue, issuer.catalogue.scheme
        period = Period(months_before(self.day, scheme.max_period_months or _CUSTOMARY_MONTHS), self.day)
        sections = tuple(
            Section(row.local_code, row.local_name, t.record_type, Coverage(t.since, self.day))
            for row in catalogue.rows.values()
            for t in row.types
        )
        cells = frozenset((section.local_code, section.record_type) for section in sections)
        summary = Summary("", "", _NOBODY, period, 0, Selection(complete=True, cells=cells), "")
        issued_at = start_of_day(self.day)
        return Presented(
            issuer=catalogue.division,
            territory=catalogue.territory,
            subject_kind=SubjectKind.ENTERPRISE,
            scheme=scheme.scheme,
            template_version=scheme.template_version,
            issued_at=issued_at,
            data_cutoff=issued_at,
            period=period,
            period_exception=False,
            scenario=requirement.scenario,
            catalogue_digest=catalogue.digest,
            crosswalk_digest=issuer.crosswalk.digest,
            envelope_digest=b"",
            report=DisclosedReport(summary, sections),
        )


def _of_requirement(
    requirement: Requirement, old: Edition, new: Edition, others: tuple[Edition, ...], world: _World
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


def _compare(requirement: Requirement, issuer: str, before: _Outcome, after: _Outcome) -> VerdictFlip | None:
    cells = tuple(
        CellFlip(target, record_type, before.findings.get((target, record_type), ""), after_words)
        for target, record_type in dict.fromkeys((*before.findings, *after.findings))
        if before.findings.get((target, record_type), "")
        != (after_words := after.findings.get((target, record_type), ""))
    )
    if not cells and before.decision == after.decision:
        return None
    return VerdictFlip(requirement.requirement_id, issuer, before.decision, after.decision, cells)


def _words(finding: Finding) -> str:
    gaps = (f"{g.reason} [{g.interval.start}, {g.interval.end})" for g in finding.gaps)
    return "; ".join((finding.kind.value, *gaps))
