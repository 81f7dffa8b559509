"""What a loaded version says that a person should look at: lawful data, but probably not what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from node.model.catalogue import Edition, Relation
from node.model.records import SEVERE_LIST


class Level(StrEnum):
    """How much a finding weighs."""

    PROBLEM = "problem"
    """Somebody has to act: the coverage is less, or other, than the scheme states."""
    NOTE = "note"
    """Worth knowing and in order."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding. `place` is a row or a key within the version."""

    level: Level
    division: str
    version: str
    place: str
    message: str


def lint(edition: Edition) -> tuple[LintFinding, ...]:
    """All findings of one version, by rule and then by row."""
    rules = (_rows_unknown, _stated_count, _rows_without_leaf, _names_given_twice, _lists_without_type, _partial_leaves)
    catalogue = edition.catalogue
    return tuple(
        LintFinding(level, catalogue.division, catalogue.version, place, message)
        for rule in rules
        for level, place, message in rule(edition)
    )


_Found = Iterator[tuple[Level, str, str]]


def _rows_unknown(edition: Edition) -> _Found:
    if not edition.catalogue.rows_known:
        yield (
            Level.NOTE,
            "rows_known",
            "the rows are not known: every cell is CATALOGUE_UNKNOWN until they are supplied",
        )


def _stated_count(edition: Edition) -> _Found:
    stated, rows = edition.catalogue.stated_domains, len(edition.catalogue.rows)
    if edition.catalogue.rows_known and stated is not None and stated != rows:
        yield Level.PROBLEM, "stated_domains", f"the scheme states {stated} domains and the catalogue has {rows} rows"


def _rows_without_leaf(edition: Edition) -> _Found:
    for code, row in edition.catalogue.rows.items():
        if code not in edition.crosswalk.lines:
            message = (
                f"{row.local_name} has no crosswalk line: it covers nothing elsewhere, and no procedure can use it"
            )
            yield Level.PROBLEM, f"row {code}", message


def _names_given_twice(edition: Edition) -> _Found:
    seen: dict[str, str] = {}
    for code, row in edition.catalogue.rows.items():
        if row.local_name in seen:
            yield Level.PROBLEM, f"row {code}", f"{row.local_name} is also the name of row {seen[row.local_name]}"
        seen.setdefault(row.local_name, code)


def _lists_without_type(edition: Edition) -> _Found:
    names_lists = any(row.severe_lists for row in edition.catalogue.rows.values())
    for code, row in edition.catalogue.rows.items():
        collects = row.collects(SEVERE_LIST) is not None
        if row.severe_lists and not collects:
            yield Level.PROBLEM, f"row {code}", "it names severe lists and does not collect list entries"
        if collects and names_lists and not row.severe_lists:
            yield Level.PROBLEM, f"row {code}", "it collects list entries and names no list, unlike other rows"


def _partial_leaves(edition: Edition) -> _Found:
    for leaf, lines in edition.crosswalk.by_leaf.items():
        if all(relation in (Relation.BROAD, Relation.RELATED) for _, relation in lines):
            rows = ", ".join(code for code, _ in lines)
            yield Level.NOTE, f"leaf {leaf}", f"only parts of it are covered (row {rows}): never complete here"
