"""From proven bytes to what recognition reads: sections and summary, decoded and held against the attestation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from node.errors import InvalidInput
from node.model.calendar import Period, day_in_china
from node.model.catalogue import Catalogue
from node.model.records import RecordType
from node.model.report import DisclosedReport, Section, Selection, Summary
from node.model.subject import SubjectKind
from node.model.verdict import ReportFacts
from node.recognition.presented import Presented
from trust.memo import ArithmeticMemo
from trust.verify import Examined
from trust.vocabulary import Attestation

_DECODED_BYTES = 2_048
"""What a decoded report is counted as, its sections apart: those without records are shared."""


@dataclass(frozen=True, slots=True)
class SectionDecoders:
    """The wire forms of sections. Both raise InvalidInput for what they cannot read."""

    summary: Callable[[bytes], Summary]
    section: Callable[[bytes], Section]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What an authenticated report says. `sameness` is equal for reports that no requirement can tell apart.

    It is None where records make the report its own case; it names objects by identity, so whoever keeps it as a key
    MUST keep the content as well.
    """

    presented: Presented
    facts: ReportFacts
    sameness: tuple[object, ...] | None


class ContentReader:
    """Decodes reports. Decoding is a pure function of bytes and catalogues, so it is remembered by bundle digest."""

    def __init__(
        self, decoders: SectionDecoders, catalogue: Callable[[bytes], Catalogue | None], memo: ArithmeticMemo
    ) -> None:
        self._decoders = decoders
        self._catalogue = catalogue
        self._memo = memo
        self._everything: dict[bytes, Selection] = {}
        self._chosen: dict[Selection, Selection] = {}

    def read(self, examined: Examined) -> Content | None:
        """What the report says, or None when its sections cannot be read or contradict its attestation."""
        # A catalogue may become known while the node runs: what was read without it is read again.
        key = ("content", examined.bundle_digest, self._catalogue(examined.attestation.catalogue_digest) is not None)
        known: Content | None = self._memo.recall(key)
        if known is not None:
            return known
        try:
            report = self._decode(examined)
        except InvalidInput:
            return None
        presented = Presented.of(examined, report)
        content = Content(presented, report_facts(examined.attestation), _sameness(presented))
        self._memo.remember(key, content, _DECODED_BYTES + sum(map(len, examined.sections)))
        return content

    def _decode(self, examined: Examined) -> DisclosedReport:
        shown = examined.sections
        if examined.positions[0] != 0:
            return DisclosedReport(None, tuple(map(self._decoders.section, shown)))
        summary = self._decoders.summary(shown[0])
        summary = replace(summary, selection=self._selection(summary.selection, examined))
        _require_agreement(summary, examined)
        return DisclosedReport(summary, tuple(map(self._decoders.section, shown[1:])))

    def _selection(self, selection: Selection, examined: Examined) -> Selection:
        """The selection with its cells, one object for equal ones.

        The sections of the tree must be exactly those that were selected: so that none can stand twice, one of them
        hidden, and none beside the selection.
        """
        if selection.complete:
            catalogue = self._catalogue(examined.attestation.catalogue_digest)
            if catalogue is None:
                return selection  # then every cell is CATALOGUE_UNKNOWN, whatever was selected
            selection = self._everything.get(catalogue.digest) or self._everything.setdefault(
                catalogue.digest, Selection(complete=True, cells=_cells(catalogue))
            )
        elif len(self._chosen) < 1_024:
            selection = self._chosen.setdefault(selection, selection)
        if examined.attestation.section_count != 1 + len(selection.cells):
            raise InvalidInput("summary.selection", "The report has other sections than the summary says.")
        return selection


def report_facts(statement: Attestation) -> ReportFacts:
    """What a statement says of its report."""
    return ReportFacts(
        statement.report_number,
        statement.issuer,
        statement.territory,
        SubjectKind(statement.subject_kind.value),
        statement.issued_at,
        Period(statement.period.start, statement.period.end),
        statement.scheme,
        statement.data_cutoff,
    )


def _cells(catalogue: Catalogue) -> frozenset[tuple[str, RecordType]]:
    return frozenset((code, how.record_type) for code, row in catalogue.rows.items() for how in row.types)


def _sameness(presented: Presented) -> tuple[object, ...] | None:
    report = presented.report
    if any(section.records for section in report.sections):
        return None
    return (
        presented.issuer,
        presented.territory,
        presented.period,
        day_in_china(presented.issued_at),
        day_in_china(presented.data_cutoff),
        presented.catalogue_digest,
        presented.crosswalk_digest,
        0 if report.summary is None else id(report.summary.selection),
        *map(id, report.sections),
    )


def _require_agreement(summary: Summary, examined: Examined) -> None:
    """One report, one number, one period: an issuer that contradicts itself is not relied on."""
    statement = examined.attestation
    if summary.report_number != statement.report_number:
        raise InvalidInput("summary.report_number", "The summary is of another report than the attestation.")
    if (summary.period.start, summary.period.end) != (statement.period.start, statement.period.end):
        raise InvalidInput("summary.period", "The summary names another period than the attestation.")
