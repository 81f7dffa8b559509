"""Tables and JSON of `huxin catalogue`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from rich.console import Console

from node.adapters.catalogues.difference import Change
from node.adapters.catalogues.lint import Level, LintFinding
from node.adapters.catalogues.registry import CatalogueRegistry
from node.cli.tables import Table
from node.model.calendar import rfc3339
from node.model.catalogue import Catalogue, CoverageState, Edition, LeafCoverage
from node.model.counting import counted
from node.model.records import RECORD_TYPES
from node.recognition.flips import VerdictFlip


def plain(value: Any) -> Any:
    """Any value of the model as JSON has it: days as `YYYY-MM-DD`, digests in hexadecimal, sets sorted."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    if isinstance(value, frozenset):
        return sorted(plain(inner) for inner in value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def summary_json(catalogue: Catalogue) -> dict[str, Any]:
    """A version without its rows."""
    return {
        "division": catalogue.division,
        "name_zh": catalogue.name_zh,
        "name_en": catalogue.name_en,
        "version": catalogue.version,
        "valid_from": catalogue.valid_from,
        "valid_until": catalogue.valid_until,
        "rows_known": catalogue.rows_known,
        "rows": len(catalogue.rows),
        "stated_domains": catalogue.stated_domains,
        "scheme": catalogue.scheme.scheme,
        "digest": catalogue.digest,
    }


def edition_json(edition: Edition) -> dict[str, Any]:
    """A version with its rows, scheme and crosswalk."""
    return {
        **summary_json(edition.catalogue),
        "territory": edition.catalogue.territory,
        "scheme": asdict(edition.catalogue.scheme),
        "rows": [asdict(row) for row in edition.catalogue.rows.values()],
        "crosswalk": edition.crosswalk.lines,
        "crosswalk_digest": edition.crosswalk.digest,
    }


def print_findings(console: Console, findings: list[LintFinding]) -> None:
    """All findings, then how many there are."""
    table = Table("Level", "Jurisdiction", "Version", "Where", "What", title="Findings")
    for f in findings:
        table.add_row(f.level.value, f.division, f.version, f.place, f.message)
    if findings:
        console.print(table, markup=False)
    problems = sum(f.level is Level.PROBLEM for f in findings)
    console.print(f"{counted(problems, 'problem')}, {counted(len(findings) - problems, 'note')}.", markup=False)


def print_versions(console: Console, registry: CatalogueRegistry) -> None:
    """One line per version."""
    table = Table("Division", "Name", "Version", "In force", "Rows", "Stated", "Digest", title="Catalogues")
    for edition in registry.editions:
        c = edition.catalogue
        table.add_row(
            c.division,
            f"{c.name_zh} {c.name_en}",
            c.version,
            f"{c.valid_from} … {c.valid_until or ''}",
            str(len(c.rows)) if c.rows_known else "not known",
            str(c.stated_domains or ""),
            c.digest.hex()[:12],
        )
    console.print(table, markup=False)


def print_edition(console: Console, edition: Edition) -> None:
    """One version: head and rows."""
    catalogue, scheme = edition.catalogue, edition.catalogue.scheme
    console.print(
        f"{catalogue.name_zh} {catalogue.name_en} ({catalogue.division}), version {catalogue.version}", markup=False
    )
    console.print(f"《{scheme.title}》 {scheme.document_number}".rstrip(), markup=False)
    console.print(f"Legal basis: {'; '.join(scheme.legal_basis)}", markup=False)
    longest = counted(scheme.max_period_months, "month") if scheme.max_period_months else "not stated"
    console.print(f"Longest period: {longest}; in force from {scheme.valid_from}", markup=False)
    console.print(
        f"Catalogue {catalogue.digest.hex()}\nCrosswalk {edition.crosswalk.digest.hex()}", soft_wrap=True, markup=False
    )
    if not catalogue.rows_known:
        console.print(
            f"Rows not known; the scheme states {catalogue.stated_domains}: every cell is CATALOGUE_UNKNOWN.",
            markup=False,
        )
        return
    table = Table("Row", "Name", "Collects", "Leaves")
    names = {**RECORD_TYPES, **catalogue.own_record_types}
    for code, row in catalogue.rows.items():
        collects = (" ".join((names[t.record_type][1], f"from {t.since}", *sorted(t.caveats))) for t in row.types)
        lines = edition.crosswalk.lines.get(code, ())
        table.add_row(code, row.local_name, "\n".join(collects), "\n".join(f"{leaf} {r.value}" for leaf, r in lines))
    console.print(table, markup=False)


def print_coverage(
    console: Console, registry: CatalogueRegistry, editions: Sequence[Edition], cells: Sequence[LeafCoverage]
) -> None:
    """The coverage matrix."""
    by_place = {(cell.leaf, cell.division): cell for cell in cells}
    table = Table("Leaf", "Name", *(e.catalogue.name_en for e in editions), title="Rows that bear on each leaf")
    for leaf in registry.taxonomy.leaves:
        concept = registry.taxonomy.concepts[leaf]
        shown = (_coverage_text(by_place[leaf, e.catalogue.division]) for e in editions)
        table.add_row(leaf, f"{concept.name_zh} {concept.name_en}", *shown)
    covered = (
        sum(c.state is CoverageState.COVERED for c in cells if c.division == e.catalogue.division) for e in editions
    )
    table.add_section()
    table.add_row("", f"of {len(registry.taxonomy.leaves)} leaves", *map(str, covered))
    console.print(table, markup=False)


def _coverage_text(cell: LeafCoverage) -> str:
    if cell.state is CoverageState.UNKNOWN:
        return "?"
    return "\n".join(f"{code} {relation.value}" for code, relation in cell.lines) or "-"


def print_difference(
    console: Console, changes: Sequence[Change], flips: Sequence[VerdictFlip], requirements: int
) -> None:
    """Changes, then the verdicts that would flip."""
    if changes:
        table = Table("Where", "Before", "After", title="Changes")
        for change in changes:
            table.add_row(change.place, change.before, change.after)
        console.print(table, markup=False)
    else:
        console.print("Nothing that counts has changed.", markup=False)
    if flips:
        print_flips(console, flips, "Verdicts that would flip")
    elif requirements:
        console.print(f"No verdict flips for {counted(requirements, 'requirement')}.", markup=False)
    else:
        console.print("Name --requirements to see which verdicts would flip.", markup=False)


def print_flips(console: Console, flips: Sequence[VerdictFlip], title: str) -> None:
    """One line for each cell that comes out otherwise."""
    table = Table("Requirement", "Issuer", "Verdict", "Cell", "Before", "After", title=title)
    for flip in flips:
        verdict = f"{flip.before} → {flip.after}" if flip.before != flip.after else f"{flip.after}, other findings"
        for cell in flip.cells:
            place = f"{cell.target} {RECORD_TYPES.get(cell.record_type, ('', cell.record_type))[1]}"
            table.add_row(flip.requirement_id, flip.issuer, verdict, place, cell.before or "-", cell.after or "-")
    console.print(table, markup=False)
