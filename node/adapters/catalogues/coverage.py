"""The coverage matrix: which jurisdiction's rows bear on which leaf. What a report proves is recognition's question."""

from __future__ import annotations

from collections.abc import Iterable

from node.model.catalogue import CoverageState, Edition, LeafCoverage, Relation, Taxonomy


def coverage(editions: Iterable[Edition], taxonomy: Taxonomy) -> tuple[LeafCoverage, ...]:
    """One cell per leaf and edition: leaves in the order of the taxonomy, editions in the order given."""
    chosen = tuple(editions)
    return tuple(_cell(leaf, edition) for leaf in taxonomy.leaves for edition in chosen)


def _cell(leaf: str, edition: Edition) -> LeafCoverage:
    if not edition.catalogue.rows_known:
        return LeafCoverage(leaf, edition.catalogue.division, CoverageState.UNKNOWN, ())
    lines = edition.crosswalk.by_leaf.get(leaf, ())
    # a related row gives the leaf nothing (`docs/recognition.md`, Relations and grades)
    covered = any(relation is not Relation.RELATED for _, relation in lines)
    state = CoverageState.COVERED if covered else CoverageState.NOT_COVERED
    return LeafCoverage(leaf, edition.catalogue.division, state, lines)
