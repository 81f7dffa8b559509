"""From cells to findings: what was found in what was covered, and what was not covered."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from node.model.catalogue import DateBasis
from node.model.policy import RecognitionPolicy
from node.model.records import SEVERE_LIST, RecordType, ViolationRecord
from node.model.verdict import Finding, FindingKind, Gap, GapReason
from node.recognition.cells import Plan, RequiredCell
from node.recognition.coverage import Feed, IssuerView
from node.recognition.gaps import Inquiry, cover
from node.recognition.presented import Presented

_NOTHING_COMMITTED: frozenset[tuple[str, RecordType]] = frozenset()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a report proves of a requirement. `gap_reasons` in order of precedence, each once."""

    findings: tuple[Finding, ...]
    gap_reasons: tuple[GapReason, ...]
    counted_records: int
    empty: bool


def assess(
    plan: Plan,
    view: IssuerView | None,
    policy: RecognitionPolicy | None,
    presented: Presented,
    committed: AbstractSet[tuple[str, RecordType]] = _NOTHING_COMMITTED,
) -> Assessment:
    """Holds a requirement against a report, cell by cell.

    A pure function of its arguments: callers MAY remember the answer. `view` is the issuer's catalogue and crosswalk of
    the versions that the report names, None where they are not known here; `policy` our trust certificate for the
    issuer, if any; `committed` the (leaf, record type) pairs about which the subject declared itself: that never makes
    them covered.
    """
    inquiry = Inquiry.of(plan, view, policy, presented)
    refusal = inquiry.refusal()
    cells = plan.cells_for(None if view is None else view.catalogue)
    findings = tuple(_finding(inquiry, cell, refusal, committed) for cell in cells)
    reasons = {gap.reason for finding in findings for gap in finding.gaps}
    return Assessment(
        findings,
        tuple(reason for reason in GapReason if reason in reasons),
        sum(finding.counted_records for finding in findings),
        plan.empty,
    )


def _finding(
    inquiry: Inquiry,
    cell: RequiredCell,
    refusal: GapReason | None,
    committed: AbstractSet[tuple[str, RecordType]],
) -> Finding:
    feed = Feed(()) if inquiry.view is None else inquiry.view.feed(cell)
    coverage = cover(inquiry, cell, feed, refusal)
    records = _records(inquiry, cell, feed)
    counts_repaired = inquiry.requirement.repaired_records_count
    is_committed = bool(cell.leaf) and (cell.leaf, cell.record_type) in committed
    return Finding(
        cell.leaf,
        cell.record_type,
        inquiry.interval,
        _kind(len(records), coverage.gaps, is_committed=is_committed),
        len(records),
        sum(counts_repaired or not record.repaired for record in records),
        tuple(coverage.gaps),
        coverage.caveats,
        coverage.until,
        cell.rows,
    )


def _kind(records: int, gaps: list[Gap], *, is_committed: bool) -> FindingKind:
    """A record is said first; it never hides a gap, nor a gap it.

    A refused caveat leaves the finding as it is: the cell was covered, under a reservation that the decision refuses.
    """
    if records:
        return FindingKind.HAS_RECORDS
    if all(gap.reason is GapReason.CAVEAT_REFUSED for gap in gaps):
        return FindingKind.NO_RECORD_FOUND
    return FindingKind.COMMITTED if is_committed else FindingKind.NOT_COVERED


def _records(inquiry: Inquiry, cell: RequiredCell, feed: Feed) -> frozenset[ViolationRecord]:
    """The distinct records of the interval in any section tied to the cell, whatever the catalogue says it collects.

    An over-count is visible and harmless, an under-count would be a false "none". An entry filed under several rows is
    one record.
    """
    found = [
        record
        for row in feed.tied
        for section in inquiry.shown.all_of((row.local_code, cell.record_type))
        for record in section.records
    ]
    return frozenset(record for record in found if _counts(inquiry, cell.record_type, record)) if found else frozenset()


def _counts(inquiry: Inquiry, kind: RecordType, record: ViolationRecord) -> bool:
    """Whether a record is dated in the required interval, or is a list entry in force in it (R069, R070)."""
    days = inquiry.interval
    # Where the period ends at the moment of issue, what the day of issue brought is part of it although that day has no
    # end yet: leaving it out would be a false "none".
    before = days.end if inquiry.requirement.fixed is not None else date.max
    listed = kind == SEVERE_LIST or bool(record.list_name) or record.removed_on is not None
    if listed and record.decided_on < before and (record.removed_on is None or record.removed_on > days.start):
        return True
    view = inquiry.view
    dated = record.decided_on
    if record.effective_on is not None and view is not None:
        by_effect = view.catalogue.scheme.date_basis is DateBasis.EFFECTIVE
        dated = record.effective_on if by_effect and not listed else dated
    return days.start <= dated < before
