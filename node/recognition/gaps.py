"""What of a required cell was not covered: one reason per day, the first that applies.

The order of the checks below is the order of precedence in `docs/recognition.md` (Gaps). Secret, sealed and lawfully
not penalised records have no reason here and must never get one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from node.model.calendar import Period, day_in_china
from node.model.catalogue import Caveat, Row
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.model.territory import contains
from node.model.verdict import CaveatUse, Gap, GapReason, Remedy
from node.recognition.cells import Plan, RequiredCell
from node.recognition.coverage import Feed, Grade, IssuerView, Shown
from node.recognition.intervals import Spans, overlap, span, subtract, union
from node.recognition.presented import Presented

_REMEDIES: dict[GapReason, tuple[Remedy, ...]] = {
    GapReason.CATALOGUE_UNKNOWN: (Remedy.REVIEW_OF_CATALOGUE, Remedy.COMMITMENT),
    GapReason.CATALOGUE_NOT_REVIEWED: (Remedy.REVIEW_OF_CATALOGUE, Remedy.COMMITMENT),
    GapReason.OUTSIDE_TERRITORY: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.NOT_RECOGNISED: (Remedy.CERTIFICATE_CHANGE, Remedy.COMMITMENT),
    GapReason.NOT_IN_CATALOGUE: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.RECORD_TYPE_NOT_COLLECTED: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.PARTIAL_MATCH: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.NOT_SELECTED: (Remedy.WIDER_SELECTION, Remedy.COMMITMENT),
    GapReason.NOT_DISCLOSED: (Remedy.FULL_DISCLOSURE, Remedy.COMMITMENT),
    GapReason.BEFORE_DATA_SINCE: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.PERIOD_NOT_CHOSEN: (Remedy.LONGER_PERIOD, Remedy.COMMITMENT),
    GapReason.SOURCE_LATE: (Remedy.FRESH_REPORT, Remedy.COMMITMENT),
    GapReason.AFTER_CUTOFF: (Remedy.FRESH_REPORT, Remedy.COMMITMENT),
    GapReason.REPAIRED_NOT_SHOWN: (Remedy.OTHER_JURISDICTION, Remedy.COMMITMENT),
    GapReason.CAVEAT_REFUSED: (Remedy.CERTIFICATE_CHANGE, Remedy.COMMITMENT),
}
"""What could fill a gap, most useful first."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One requirement held against one report: all that the cells share. `view` and `policy` may be unknown.

    `cutoff` is the day in China on which the issuer read its record store: of it and later days nothing is known.
    """

    requirement: Requirement
    interval: Period
    presented: Presented
    view: IssuerView | None
    policy: RecognitionPolicy | None
    shown: Shown
    cutoff: date

    @classmethod
    def of(cls, plan: Plan, view: IssuerView | None, policy: RecognitionPolicy | None, presented: Presented) -> Inquiry:
        """The question that a plan puts to one presented report."""
        return cls(
            plan.requirement,
            plan.interval(presented.issued_at),
            presented,
            view,
            policy,
            Shown.of(presented.report),
            day_in_china(presented.data_cutoff),
        )

    def refusal(self) -> GapReason | None:
        """Why the report as a whole can cover nothing, if so."""
        presented, view, policy = self.presented, self.view, self.policy
        if (
            view is None
            or not view.catalogue.rows_known
            or view.catalogue.division != presented.issuer
            or view.catalogue.digest != presented.catalogue_digest
            or view.crosswalk.digest != presented.crosswalk_digest
        ):
            return GapReason.CATALOGUE_UNKNOWN
        if (
            policy is None
            or presented.catalogue_digest not in policy.reviewed_catalogues
            or presented.crosswalk_digest not in policy.reviewed_crosswalks
        ):
            return GapReason.CATALOGUE_NOT_REVIEWED
        if not contains(presented.territory, self.requirement.territory or presented.issuer):
            return GapReason.OUTSIDE_TERRITORY
        return None


@dataclass(slots=True)
class CellCoverage:
    """Which days of one cell are covered, under which caveats, and why the others are not.

    `remaining` are the days that no reason has claimed yet: at the end, the covered ones.
    """

    remaining: Spans
    gaps: list[Gap] = field(default_factory=list)
    caveats: tuple[CaveatUse, ...] = ()
    until: date | None = None


def cover(inquiry: Inquiry, cell: RequiredCell, feed: Feed, refusal: GapReason | None) -> CellCoverage:
    """Partitions the required interval of `cell`: every day ends up covered or in exactly one gap."""
    coverage = CellCoverage((inquiry.interval,))

    def claim(reason: GapReason, windows: Spans, rows: Iterable[Row], caveat: Caveat | None = None) -> None:
        taken = overlap(coverage.remaining, windows)
        if not taken:
            return
        coverage.remaining = subtract(coverage.remaining, windows)
        wording = tuple(row.local_name for row in rows) or tuple(row.local_name for row in feed.tied)
        coverage.gaps.extend(
            Gap(cell.leaf, cell.record_type, days, reason, cell.wording, wording, _REMEDIES[reason], caveat)
            for days in taken
        )

    whole = (inquiry.interval,)
    barred = _barred(inquiry, cell, feed, refusal)
    if barred is not None:
        claim(barred[0], whole, barred[1])
        return coverage

    kind, presented, shown = cell.record_type, inquiry.presented, inquiry.shown
    start, end = inquiry.interval.start, inquiry.interval.end
    cutoff = inquiry.cutoff
    claim(GapReason.BEFORE_DATA_SINCE, span(start, shown.since(feed, kind)), ())
    unchosen = (*span(start, presented.period.start), *span(presented.period.end, min(end, cutoff)))
    claim(GapReason.PERIOD_NOT_CHOSEN, unchosen, ())
    coverage.until = shown.until(feed, kind, cutoff)
    late = _late(coverage.until, inquiry)
    claim(GapReason.SOURCE_LATE, late, shown.late(feed, kind, coverage.until) if late else ())
    claim(GapReason.AFTER_CUTOFF, span(cutoff, end), ())
    if inquiry.requirement.repaired_records_count and not _repaired_shown(inquiry):
        claim(GapReason.REPAIRED_NOT_SHOWN, whole, ())
    coverage.caveats = _caveats(coverage.remaining, cell, feed)
    accepted = frozenset() if inquiry.policy is None else inquiry.policy.accepted_caveats
    for use in coverage.caveats:
        if use.caveat not in accepted:
            claim(GapReason.CAVEAT_REFUSED, (use.interval,), (), use.caveat)
    coverage.gaps.sort(key=lambda gap: gap.interval)
    return coverage


def _barred(
    inquiry: Inquiry, cell: RequiredCell, feed: Feed, refusal: GapReason | None
) -> tuple[GapReason, tuple[Row, ...]] | None:
    """Why no day of the cell can be covered, if so, and the rows to blame (none: all that bear on it)."""
    if refusal is not None:
        return refusal, ()
    if not _recognised(inquiry.policy, cell):
        return GapReason.NOT_RECOGNISED, ()
    return _out_of_reach(feed) or _not_shown(inquiry.shown, cell, feed)


def _out_of_reach(feed: Feed) -> tuple[GapReason, tuple[Row, ...]] | None:
    """What no report of this issuer could cover."""
    if not feed.tied:
        return GapReason.NOT_IN_CATALOGUE, ()
    if not feed.feeding:
        return GapReason.RECORD_TYPE_NOT_COLLECTED, ()
    if feed.grade < Grade.CLOSE:
        return GapReason.PARTIAL_MATCH, tuple(row for row, _ in feed.feeding)
    return None


def _not_shown(shown: Shown, cell: RequiredCell, feed: Feed) -> tuple[GapReason, tuple[Row, ...]] | None:
    """What this report could cover but does not show."""
    if rows := shown.unselected(feed, cell.record_type):
        return GapReason.NOT_SELECTED, rows
    if rows := shown.withheld(feed, cell.record_type):
        return GapReason.NOT_DISCLOSED, rows
    return None


def _recognised(policy: RecognitionPolicy | None, cell: RequiredCell) -> bool:
    return policy is not None and cell.record_type in policy.record_types and policy.leaves.issuperset(cell.leaves)


def _late(until: date | None, inquiry: Inquiry) -> Spans:
    """The tail that the sources had not delivered, once it is longer than `max_data_age` allows."""
    start = inquiry.interval.start
    end = min(inquiry.interval.end, inquiry.presented.period.end)
    if until is None:
        return span(start, end)
    allowed = timedelta(days=inquiry.requirement.max_data_age_days)
    return span(max(start, until), end) if end - until > allowed else ()


def _repaired_shown(inquiry: Inquiry) -> bool:
    return inquiry.view is not None and inquiry.view.catalogue.scheme.show_repaired


def _caveats(covered: Spans, cell: RequiredCell, feed: Feed) -> tuple[CaveatUse, ...]:
    """Reservations on the covered days, in the order of `Caveat`, each on the days that carry it."""
    uses: list[CaveatUse] = []
    if feed.grade is Grade.CLOSE or cell.doubtful:
        uses.extend(CaveatUse(Caveat.CLOSE_MATCH, days) for days in covered)
    if feed.years_only:
        years = union(Period(date(year, 1, 1), date(year + 1, 1, 1)) for year in feed.years_only)
        uses.extend(CaveatUse(Caveat.SINCE_YEAR_ONLY, days) for days in overlap(covered, years))
    for caveat in (Caveat.SINCE_ASSUMED, Caveat.TYPES_SCHEME_WIDE):
        if caveat in feed.caveats:
            uses.extend(CaveatUse(caveat, days) for days in covered)
    return tuple(uses)
