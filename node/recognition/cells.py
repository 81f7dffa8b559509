"""From a requirement to the cells it asks for: own rows become leaves, groups become leaves, duplicates merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from node.errors import InvalidInput
from node.model.calendar import Period, day_in_china, months_before
from node.model.catalogue import Catalogue, Crosswalk, Relation, Taxonomy
from node.model.records import RECORD_TYPES, RecordType
from node.model.requirement import RequiredItem, Requirement

MAX_CELLS = 1_000
"""Most cells of one requirement: each costs every report held against it. All leaves with five types are 280."""

_TYPE_ORDER = {record_type: place for place, record_type in enumerate(RECORD_TYPES)}


@dataclass(frozen=True, slots=True)
class RequiredCell:
    """One (leaf, record type) asked for; or one (own row, record type) where rows are compared directly.

    `leaf` is empty for a direct comparison (`local_code` says which row) and for an own row that has no leaf at all
    (`local_code` is empty too: nothing can ever cover it). `leaves` are those that the trust certificate must cover.
    `rows` are the own rows that asked, `wording` the words in which they did; `doubtful` is set when one of them
    reaches the leaf by closeMatch.
    """

    leaf: str
    record_type: RecordType
    rows: tuple[str, ...]
    wording: tuple[str, ...]
    leaves: tuple[str, ...] = ()
    doubtful: bool = False
    local_code: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A requirement made ready: computed once per requirement and own crosswalk, hashed by identity.

    `cells` are the translated ones, `direct` those for an issuer that shares `catalogue_digest`, both in a fixed
    order: taxonomy, then own catalogue, then record types. `empty` is set when the requirement, or an item of it, asks
    for nothing: such a requirement is never met.
    """

    requirement: Requirement
    cells: tuple[RequiredCell, ...]
    direct: tuple[RequiredCell, ...]
    catalogue_digest: bytes
    empty: bool

    def cells_for(self, catalogue: Catalogue | None) -> tuple[RequiredCell, ...]:
        """The cells to ask of an issuer with that catalogue: rows as they are when it is the same version as ours."""
        shared = (
            catalogue is not None
            and catalogue.division == self.requirement.jurisdiction
            and catalogue.digest == self.catalogue_digest
        )
        return self.direct if shared else self.cells

    def interval(self, issued_at: datetime) -> Period:
        """The days asked for of a report issued at that moment; the day of issue has no end yet, so is not in."""
        fixed = self.requirement.fixed
        if fixed is not None:
            return fixed
        day = day_in_china(issued_at)
        return Period(months_before(day, self.requirement.months), day)


def translate(
    requirement: Requirement, taxonomy: Taxonomy, catalogue: Catalogue | None, crosswalk: Crosswalk | None
) -> Plan:
    """Makes a requirement ready to be held against reports.

    `catalogue` and `crosswalk` are the relying jurisdiction's own; None when it has none, then its own rows have no
    leaf. Raises InvalidInput when the requirement names no period or two, asks for more than MAX_CELLS, or when they
    are another jurisdiction's.
    """
    if (requirement.fixed is None) == (requirement.months <= 0):
        raise InvalidInput(
            "requirement.period",
            "A requirement asks for months back from the day of issue, or for fixed days: name one.",
        )
    for own in (catalogue, crosswalk):
        if own is not None and own.division != requirement.jurisdiction:
            raise InvalidInput(
                "requirement.jurisdiction", "A requirement is read with the catalogue of the jurisdiction that made it."
            )
    asked = [(item, kind) for item in requirement.items for kind in item.record_types]
    reader = _Reader(taxonomy, catalogue, crosswalk)
    cells = reader.merged(cell for item, kind in asked for cell in reader.translated(item, kind))
    if len(cells) > MAX_CELLS:
        raise InvalidInput(
            "requirement.items", f"The items come to more than {MAX_CELLS} leaves and record types; ask for fewer."
        )
    return Plan(
        requirement,
        cells=cells,
        direct=reader.merged(cell for item, kind in asked for cell in reader.direct(item, kind)),
        catalogue_digest=b"" if catalogue is None else catalogue.digest,
        empty=not requirement.items or any(not item.record_types for item in requirement.items),
    )


class _Reader:
    """Reads items with one taxonomy and the relying jurisdiction's own catalogue and crosswalk."""

    def __init__(self, taxonomy: Taxonomy, catalogue: Catalogue | None, crosswalk: Crosswalk | None) -> None:
        self._taxonomy = taxonomy
        self._rows = {} if catalogue is None else catalogue.rows
        self._lines = {} if crosswalk is None else crosswalk.lines
        self._leaf_place = {leaf: place for place, leaf in enumerate(taxonomy.leaves)}
        self._row_place = {code: place for place, code in enumerate(self._rows)}

    def translated(self, item: RequiredItem, kind: RecordType) -> Iterator[RequiredCell]:
        """Every leaf that the item reaches by any relation, whole: the only safe reading."""
        if not item.local_code:
            # A code that the taxonomy does not know stays: it can be covered by nothing, so the requirement is not met.
            for leaf in self._taxonomy.expand(item.leaf) or (item.leaf,):
                yield RequiredCell(leaf, kind, (), (self._leaf_name(leaf),), (leaf,))
            return
        rows, wording = (item.local_code,), (self._row_name(item.local_code),)
        lines = self._lines.get(item.local_code, ())
        for leaf, relation in lines:
            yield RequiredCell(leaf, kind, rows, wording, (leaf,), doubtful=relation is Relation.CLOSE)
        if not lines:
            yield RequiredCell("", kind, rows, wording)

    def direct(self, item: RequiredItem, kind: RecordType) -> Iterator[RequiredCell]:
        """Own rows as they are, for an issuer with the same catalogue; leaves stay leaves."""
        if not item.local_code:
            yield from self.translated(item, kind)
            return
        code = item.local_code
        leaves = tuple(leaf for leaf, _ in self._lines.get(code, ()))
        yield RequiredCell("", kind, (code,), (self._row_name(code),), leaves, local_code=code)

    def merged(self, cells: Iterable[RequiredCell]) -> tuple[RequiredCell, ...]:
        """One cell per target and record type, in taxonomy, catalogue and record type order."""
        same: dict[tuple[object, ...], list[RequiredCell]] = {}
        for cell in cells:
            same.setdefault((cell.leaf or cell.rows, cell.record_type), []).append(cell)
        return tuple(sorted(map(self._one_of, same.values()), key=self._order))

    def _one_of(self, group: Sequence[RequiredCell]) -> RequiredCell:
        """What all these ask: rows in catalogue order before the leaf itself, whatever the order of the items."""
        ordered = sorted(group, key=lambda cell: (not cell.rows, self._row_places(cell)))
        return replace(
            ordered[0],
            rows=tuple(dict.fromkeys(code for cell in ordered for code in cell.rows)),
            wording=tuple(dict.fromkeys(word for cell in ordered for word in cell.wording)),
            doubtful=any(cell.doubtful for cell in ordered),
        )

    def _order(self, cell: RequiredCell) -> tuple[object, ...]:
        last = len(self._leaf_place)
        leaf = (self._leaf_place.get(cell.leaf, last), cell.leaf) if cell.leaf else (last + 1, "")
        rows = () if cell.leaf else self._row_places(cell)
        return (*leaf, rows, _TYPE_ORDER.get(cell.record_type, len(_TYPE_ORDER)), cell.record_type)

    def _row_places(self, cell: RequiredCell) -> tuple[tuple[int, str], ...]:
        return tuple((self._row_place.get(code, len(self._row_place)), code) for code in cell.rows)

    def _row_name(self, code: str) -> str:
        row = self._rows.get(code)
        return code if row is None else row.local_name

    def _leaf_name(self, leaf: str) -> str:
        concept = self._taxonomy.concepts.get(leaf)
        return leaf if concept is None else concept.name_zh
