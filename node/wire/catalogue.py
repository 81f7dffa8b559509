"""Taxonomy, catalogues and crosswalks as messages."""

from __future__ import annotations

from collections.abc import Iterator

from huxin.v1 import catalogue_pb2 as pb
from huxin.v1 import catalogue_service_pb2 as service_pb

from node.model.catalogue import Catalogue, Crosswalk, Relation, Row, Taxonomy
from node.wire.fields import day_text


def taxonomy_response(taxonomy: Taxonomy) -> service_pb.GetTaxonomyResponse:
    """The shared taxonomy, concepts in published order."""
    return service_pb.GetTaxonomyResponse(
        version=taxonomy.version,
        digest=taxonomy.digest,
        concepts=[
            pb.TaxonomyConcept(
                code=each.code,
                name_zh=each.name_zh,
                name_en=each.name_en,
                parent=each.parent,
                definition=each.definition,
            )
            for each in taxonomy.concepts.values()
        ],
    )


def catalogue_message(catalogue: Catalogue, *, with_rows: bool) -> pb.Catalogue:
    """One version of a catalogue, rows in published order."""
    return pb.Catalogue(
        division=catalogue.division,
        name_zh=catalogue.name_zh,
        name_en=catalogue.name_en,
        version=catalogue.version,
        digest=catalogue.digest,
        valid_from=catalogue.valid_from.isoformat(),
        valid_until=day_text(catalogue.valid_until),
        rows_known=catalogue.rows_known,
        stated_domains=catalogue.stated_domains or 0,
        rows=[_row(row) for row in catalogue.rows.values()] if with_rows else [],
        scheme=catalogue.scheme.scheme,
    )


def crosswalk_message(crosswalk: Crosswalk) -> pb.Crosswalk:
    """One version of a crosswalk, its lines by local row."""
    return pb.Crosswalk(
        division=crosswalk.division,
        digest=crosswalk.digest,
        lines=[
            pb.CrosswalkLine(local_code=local_code, leaf=leaf, relation=relation.value)
            for local_code, targets in crosswalk.lines.items()
            for leaf, relation in targets
        ],
    )


def coverage_cells(
    taxonomy: Taxonomy, catalogue: Catalogue, crosswalk: Crosswalk | None
) -> Iterator[service_pb.LeafCoverage]:
    """How one jurisdiction covers each leaf: `UNKNOWN`, `NOT_COVERED` or `COVERED` (some row bears on it).

    `relatedMatch` lines are told but cover nothing (`docs/recognition.md`, Relations and grades).
    """
    for leaf in taxonomy.leaves:
        lines = () if crosswalk is None else crosswalk.by_leaf.get(leaf, ())
        covering = any(relation is not Relation.RELATED for _, relation in lines)
        state = "COVERED" if covering else "NOT_COVERED"
        yield service_pb.LeafCoverage(
            leaf=leaf,
            division=catalogue.division,
            state=state if catalogue.rows_known and crosswalk is not None else "UNKNOWN",
            lines=[
                pb.CrosswalkLine(local_code=local_code, leaf=leaf, relation=relation.value)
                for local_code, relation in lines
            ],
        )


def _row(row: Row) -> pb.CatalogueRow:
    return pb.CatalogueRow(
        local_code=row.local_code,
        local_name=row.local_name,
        types=[
            pb.CollectedType(record_type=each.record_type, since=each.since.isoformat(), caveats=sorted(each.caveats))
            for each in row.types
        ],
        units=row.units,
        severe_lists=row.severe_lists,
    )
