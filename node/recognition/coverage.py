"""What an issuer's catalogue can say of a cell, and what a report's sections do say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from node.model.catalogue import Catalogue, Caveat, CollectedType, Crosswalk, Relation, Row
from node.model.records import RecordType
from node.model.report import DisclosedReport, Section
from node.recognition.cells import RequiredCell

RowType = tuple[str, RecordType]
"""(local code, record type): what one section speaks of."""


class Grade(IntEnum):
    """The most that a single row gives a leaf. A partial or related row alone never covers one."""

    NOTHING = 0
    PARTIAL = 1
    CLOSE = 2
    FULL = 3


_GRADES = {
    Relation.EXACT: Grade.FULL,
    Relation.NARROW: Grade.FULL,
    Relation.CLOSE: Grade.CLOSE,
    Relation.BROAD: Grade.PARTIAL,
    Relation.RELATED: Grade.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Feed:
    """The issuer's rows behind one cell.

    `tied` are all rows that bear on it by any relation; `feeding` those among them that collect the type, with how;
    `grade` is the best that a feeding row gives and `caveats` are those of all of them.
    """

    tied: tuple[Row, ...]
    feeding: tuple[tuple[Row, CollectedType], ...] = ()
    grade: Grade = Grade.NOTHING
    caveats: frozenset[Caveat] = frozenset()

    years_only: tuple[int, ...] = ()
    """Years of which the catalogue names only the year as the beginning."""


_NO_FEED = Feed(())


@dataclass(frozen=True, slots=True)
class _Target:
    bare: Feed
    by_type: Mapping[RecordType, Feed]


@dataclass(frozen=True, slots=True, eq=False)
class IssuerView:
    """One version of an issuer's catalogue and crosswalk, indexed by cell. Computed once, hashed by identity."""

    catalogue: Catalogue
    crosswalk: Crosswalk
    _targets: Mapping[tuple[str, str], _Target]

    @classmethod
    def of(cls, catalogue: Catalogue, crosswalk: Crosswalk) -> IssuerView:
        """Raises ValueError when the two are of different jurisdictions."""
        if catalogue.division != crosswalk.division:
            raise ValueError(f"a catalogue of {catalogue.division} needs its own crosswalk, not {crosswalk.division}'s")
        rows = catalogue.rows
        targets = {
            (leaf, ""): _target([(rows[code], relation) for code, relation in lines if code in rows])
            for leaf, lines in crosswalk.by_leaf.items()
        }
        targets.update({("", code): _target([(row, Relation.EXACT)]) for code, row in rows.items()})
        return cls(catalogue, crosswalk, targets)

    def feed(self, cell: RequiredCell) -> Feed:
        """The rows behind a cell; none where the catalogue does not reach it."""
        target = self._targets.get((cell.leaf, cell.local_code))
        if target is None:
            return _NO_FEED
        return target.by_type.get(cell.record_type, target.bare)


def _target(ties: Sequence[tuple[Row, Relation]]) -> _Target:
    tied = tuple(dict.fromkeys(row.local_code for row, _ in ties))
    rows = {row.local_code: row for row, _ in ties}
    bare = Feed(tuple(rows[code] for code in tied))
    kinds = dict.fromkeys(collected.record_type for row in bare.tied for collected in row.types)
    return _Target(bare, {kind: _feed(bare.tied, ties, kind) for kind in kinds})


def _feed(tied: tuple[Row, ...], ties: Sequence[tuple[Row, Relation]], kind: RecordType) -> Feed:
    feeding = tuple((row, how) for row in tied if (how := row.collects(kind)) is not None)
    return Feed(
        tied,
        feeding,
        max(_GRADES[relation] for row, relation in ties if row.collects(kind) is not None),
        frozenset(caveat for _, how in feeding for caveat in how.caveats),
        tuple(sorted({how.since.year for _, how in feeding if Caveat.SINCE_YEAR_ONLY in how.caveats})),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The sections of a presented report, by what they speak of.

    `listed` is what the summary says was selected; None when the summary itself was withheld. A section shown twice for
    one (row, type) contradicts itself: neither counts for coverage, the records of both count.
    """

    sections: Mapping[RowType, Section]
    repeated: Mapping[RowType, tuple[Section, ...]]
    listed: frozenset[RowType] | None

    @classmethod
    def of(cls, report: DisclosedReport) -> Shown:
        """What a report shows; `listed` is None when its summary, which alone says so, is not shown."""
        sections = {(section.local_code, section.record_type): section for section in report.sections}
        repeated: dict[RowType, tuple[Section, ...]] = {}
        if len(sections) != len(report.sections):
            for section in report.sections:
                key = section.local_code, section.record_type
                repeated[key] = (*repeated.get(key, ()), section)
            repeated = {key: several for key, several in repeated.items() if len(several) > 1}
        return cls(sections, repeated, None if report.summary is None else report.summary.selection.cells)

    def all_of(self, key: RowType) -> tuple[Section, ...]:
        """Every section shown for (row, type), for its records."""
        section = self.sections.get(key)
        return () if section is None else self.repeated.get(key, (section,))

    def unselected(self, feed: Feed, kind: RecordType) -> tuple[Row, ...]:
        """Feeding rows that were not chosen for the report."""
        listed = self.listed
        if listed is None:
            return ()
        return tuple(row for row, _ in feed.feeding if (row.local_code, kind) not in listed)

    def withheld(self, feed: Feed, kind: RecordType) -> tuple[Row, ...]:
        """Tied rows whose section was, or may have been, chosen and is not shown (or shown twice).

        A tied row that does not collect the type has no section by the catalogue, but where the report has one it must
        be seen: what it holds would count. Without the summary nobody knows whether it has.
        """
        return tuple(
            row
            for row in feed.tied
            if ((row.local_code, kind) not in self.sections or (row.local_code, kind) in self.repeated)
            and (self.listed is None or (row.local_code, kind) in self.listed)
        )

    def since(self, feed: Feed, kind: RecordType) -> date:
        """First day from which every feeding row is covered: a section may begin later than its row, never earlier."""
        return max(max(how.since, self.sections[row.local_code, kind].coverage.since) for row, how in feed.feeding)

    def until(self, feed: Feed, kind: RecordType, cutoff: date) -> date | None:
        """Earliest last delivery among the feeding rows, not after `cutoff`; None when some unit never delivered."""
        days = [self.sections[row.local_code, kind].coverage.until for row, _ in feed.feeding]
        known = [day for day in days if day is not None]
        return min(*known, cutoff) if len(known) == len(days) else None

    def late(self, feed: Feed, kind: RecordType, until: date | None) -> tuple[Row, ...]:
        """The rows to blame for a late `until`."""
        return tuple(
            row
            for row, _ in feed.feeding
            if (day := self.sections[row.local_code, kind].coverage.until) is None or day == until
        )
