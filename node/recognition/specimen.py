"""The best report that an issuer could give: what certificates and catalogue versions are tried on.

Complete, over the longest period allowed, delivered in full on the day of issue, and without any record. What a real
report proves is never more than this one: less was chosen, less was delivered, or records were found.
"""

from __future__ import annotations

from datetime import datetime

from node.model.calendar import Period, day_in_china, months_before
from node.model.catalogue import Edition
from node.model.report import Coverage, DisclosedReport, Section, Selection, Summary
from node.model.subject import IdType, SubjectKind, SubjectRef
from node.recognition.presented import Presented

_CUSTOMARY_MONTHS = 60
"""Longest period where a scheme names no cap: what is issued when none is chosen (R063)."""

_NOBODY = SubjectRef(IdType.USCC, "")


def best_report(edition: Edition, scenario: str, at: datetime) -> Presented:
    """A report on an enterprise that nobody bears, issued at an instant under one version of a catalogue."""
    catalogue, scheme, day = edition.catalogue, edition.catalogue.scheme, day_in_china(at)
    period = Period(months_before(day, scheme.max_period_months or _CUSTOMARY_MONTHS), day)
    sections = tuple(
        Section(row.local_code, row.local_name, collected.record_type, Coverage(collected.since, day))
        for row in catalogue.rows.values()
        for collected in row.types
    )
    return Presented(
        issuer=catalogue.division,
        territory=catalogue.territory,
        subject_kind=SubjectKind.ENTERPRISE,
        scheme=scheme.scheme,
        template_version=scheme.template_version,
        issued_at=at,
        data_cutoff=at,
        period=period,
        period_exception=False,
        scenario=scenario,
        catalogue_digest=catalogue.digest,
        crosswalk_digest=edition.crosswalk.digest,
        envelope_digest=b"",
        report=_shown(period, sections),
    )


def unreadable_report(issuer: str, scenario: str, at: datetime) -> Presented:
    """A report under a catalogue that is not known here: nothing in it can be read as covered."""
    day = day_in_china(at)
    period = Period(months_before(day, _CUSTOMARY_MONTHS), day)
    return Presented(
        issuer=issuer,
        territory=issuer,
        subject_kind=SubjectKind.ENTERPRISE,
        scheme="",
        template_version="",
        issued_at=at,
        data_cutoff=at,
        period=period,
        period_exception=False,
        scenario=scenario,
        catalogue_digest=b"",
        crosswalk_digest=b"",
        envelope_digest=b"",
        report=_shown(period, ()),
    )


def _shown(period: Period, sections: tuple[Section, ...]) -> DisclosedReport:
    cells = frozenset((section.local_code, section.record_type) for section in sections)
    return DisclosedReport(Summary("", "", _NOBODY, period, 0, Selection(complete=True, cells=cells), ""), sections)
