"""Catalogues of local domains, crosswalks to the shared taxonomy, and schemes (R076-R081)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from node.model.records import RecordType


class Relation(StrEnum):
    """`local RELATION shared`, SKOS."""

    EXACT = "exactMatch"
    NARROW = "narrowMatch"
    CLOSE = "closeMatch"
    BROAD = "broadMatch"
    RELATED = "relatedMatch"


class Caveat(StrEnum):
    """A reservation under which a cell is covered; a trust certificate accepts or refuses each kind."""

    CLOSE_MATCH = "CLOSE_MATCH"
    SINCE_YEAR_ONLY = "SINCE_YEAR_ONLY"
    SINCE_ASSUMED = "SINCE_ASSUMED"
    TYPES_SCHEME_WIDE = "TYPES_SCHEME_WIDE"


@dataclass(frozen=True, slots=True)
class CollectedType:
    """A record type that a row collects, from `since` (inclusive) on."""

    record_type: RecordType
    since: date
    caveats: frozenset[Caveat] = frozenset()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a catalogue, worded exactly as published (R081)."""

    local_code: str
    local_name: str
    types: tuple[CollectedType, ...]
    units: tuple[str, ...] = ()
    severe_lists: tuple[str, ...] = ()
    note: str = ""

    def collects(self, record_type: RecordType) -> CollectedType | None:
        """How the row collects a type, or None."""
        return next((t for t in self.types if t.record_type == record_type), None)


class DateBasis(StrEnum):
    """Which date places a record in the period (R069)."""

    DECISION = "decision"
    EFFECTIVE = "effective"


@dataclass(frozen=True, slots=True)
class Scheme:
    """The rules under which a jurisdiction issues, as published (R060-R070, R211-R216)."""

    scheme: str
    title: str
    template_version: str
    valid_from: date
    valid_until: date | None
    legal_basis: tuple[str, ...]
    max_period_months: int | None
    show_repaired: bool
    date_basis: DateBasis
    subject_kinds: frozenset[str]
    validity_days: int | None
    scenarios: tuple[str, ...]
    document_number: str = ""
    """Number of the document as published; empty where it bears none or it is not known."""
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version of a jurisdiction's catalogue. `digest` is SHA-256 of its canonical form."""

    division: str
    territory: str
    name_zh: str
    name_en: str
    version: str
    valid_from: date
    valid_until: date | None
    rows_known: bool
    stated_domains: int | None
    rows: Mapping[str, Row]
    scheme: Scheme
    digest: bytes
    own_record_types: Mapping[RecordType, tuple[str, str]] = field(default_factory=dict)
    """Record types that this jurisdiction adds to the common ones (R037), with their names, Chinese first."""


def rows_naming(catalogue: Catalogue, list_name: str) -> tuple[str, ...]:
    """Codes of all rows that name a severe dishonesty list, in catalogue order: an entry is filed under each (R046).

    Full-width and half-width brackets are the same; () when no row names the list.
    """
    wanted = _plain(list_name)
    return tuple(row.local_code for row in catalogue.rows.values() if wanted in map(_plain, row.severe_lists))


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """One version of a jurisdiction's crosswalk: local code -> ((leaf, relation), ...)."""

    division: str
    lines: Mapping[str, tuple[tuple[str, Relation], ...]]
    digest: bytes
    by_leaf: Mapping[str, tuple[tuple[str, Relation], ...]] = field(repr=False)
    """leaf -> ((local code, relation), ...), in catalogue order."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a jurisdiction's catalogue with the crosswalk that belongs to it."""

    catalogue: Catalogue
    crosswalk: Crosswalk


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of the shared taxonomy; groups have no parent."""

    code: str
    name_zh: str
    name_en: str
    parent: str
    definition: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The shared taxonomy: concepts in published order."""

    version: str
    concepts: Mapping[str, Concept]
    digest: bytes

    @property
    def leaves(self) -> tuple[str, ...]:
        """Codes of the leaves, in published order."""
        return tuple(c.code for c in self.concepts.values() if c.parent)

    def expand(self, code: str) -> tuple[str, ...]:
        """A leaf itself, a group's leaves, or () for an unknown code."""
        concept = self.concepts.get(code)
        if concept is None:
            return ()
        if concept.parent:
            return (code,)
        return tuple(c.code for c in self.concepts.values() if c.parent == code)


class CoverageState(StrEnum):
    """Whether a jurisdiction's catalogue reaches a leaf at all; what a report proves is recognition's question."""

    UNKNOWN = "UNKNOWN"
    NOT_COVERED = "NOT_COVERED"
    COVERED = "COVERED"


@dataclass(frozen=True, slots=True)
class LeafCoverage:
    """How one jurisdiction's rows bear on one leaf: `lines` are ((local code, relation), ...) in catalogue order."""

    leaf: str
    division: str
    state: CoverageState
    lines: tuple[tuple[str, Relation], ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A purpose of a report (R093-R101): `group` is administration, business, finance or other."""

    code: str
    group: str
    name_zh: str
    name_en: str
