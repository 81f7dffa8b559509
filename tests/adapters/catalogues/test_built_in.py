"""The four real catalogues as data: what the schemes say is what is loaded (R016-R020, R039-R041, R046, R063-R067)."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from node.adapters.catalogues.coverage import coverage
from node.adapters.catalogues.lint import Level, lint
from node.adapters.catalogues.registry import CatalogueRegistry, discover
from node.model.catalogue import Catalogue, Caveat, CoverageState, Relation, rows_naming
from node.model.records import (
    CRIMINAL,
    ENFORCEMENT,
    PENALTY_ORDINARY,
    PENALTY_SUMMARY,
    SEVERE_LIST,
    RecordType,
)

VECTORS = Path(__file__).parents[2] / "vectors"
DAY = date(2026, 11, 22)
ALL_TYPES = {PENALTY_ORDINARY, PENALTY_SUMMARY, ENFORCEMENT, SEVERE_LIST, CRIMINAL}
NAMES = {"shanxi": "140000", "guizhou": "520000", "lanzhou": "620100", "liaoning": "210000"}


@pytest.fixture(scope="module")
def registry() -> CatalogueRegistry:
    return discover()


def catalogue_of(registry: CatalogueRegistry, name: str) -> Catalogue:
    return registry.on(NAMES[name], DAY).catalogue


def types_of(catalogue: Catalogue, code: str) -> set[RecordType]:
    return {t.record_type for t in catalogue.rows[code].types}


@pytest.mark.parametrize(("name", "rows", "stated"), [("shanxi", 40, 40), ("guizhou", 43, None), ("lanzhou", 38, 38)])
def test_rows_and_stated_domains(registry: CatalogueRegistry, name: str, rows: int, stated: int | None) -> None:
    catalogue = catalogue_of(registry, name)
    assert (len(catalogue.rows), catalogue.stated_domains, catalogue.rows_known) == (rows, stated, True)


def test_liaoning_is_known_by_number_only(registry: CatalogueRegistry) -> None:
    catalogue = catalogue_of(registry, "liaoning")
    assert (catalogue.rows_known, catalogue.stated_domains, dict(catalogue.rows)) == (False, 52, {})


def test_the_taxonomy_has_56_leaves_in_9_groups(registry: CatalogueRegistry) -> None:
    taxonomy = registry.taxonomy
    assert len(taxonomy.leaves) == 56
    assert sum(not c.parent for c in taxonomy.concepts.values()) == 9
    assert taxonomy.expand("FN") == ("FN01", "FN02", "FN03", "FN04")


def test_crosswalks_use_the_stated_relations(registry: CatalogueRegistry) -> None:
    relations = Counter(r for e in registry.editions for pairs in e.crosswalk.lines.values() for _, r in pairs)
    assert relations == {Relation.EXACT: 112, Relation.NARROW: 17, Relation.CLOSE: 1, Relation.BROAD: 3}


def test_coverage_matrix_is_the_one_derived_independently(registry: CatalogueRegistry) -> None:
    cells = {(c.leaf, c.division): c for c in coverage(registry.editions, registry.taxonomy)}
    with (VECTORS / "coverage_matrix.csv").open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file))
    assert [row["taxonomy_code"] for row in expected] == list(registry.taxonomy.leaves)
    for row in expected:
        for name, division in NAMES.items():
            cell = cells[row["taxonomy_code"], division]
            text = ";".join(f"{code}:{relation.value}" for code, relation in cell.lines)
            assert (text or cell.state.value) == row[name], (row["taxonomy_code"], name)
            assert (cell.state is CoverageState.COVERED) == bool(text)


def test_shanxi_types_per_row(registry: CatalogueRegistry) -> None:
    catalogue = catalogue_of(registry, "shanxi")
    count = Counter(t.record_type for row in catalogue.rows.values() for t in row.types)
    assert count == {PENALTY_ORDINARY: 38, PENALTY_SUMMARY: 38, ENFORCEMENT: 12, SEVERE_LIST: 22, CRIMINAL: 2}
    assert {t.since for row in catalogue.rows.values() for t in row.types} == {date(2022, 8, 1)}
    assert not {c for row in catalogue.rows.values() for t in row.types for c in t.caveats}
    assert types_of(catalogue, "38") == {SEVERE_LIST, CRIMINAL}


def test_guizhou_lists_types_for_all_domains_and_a_year_only(registry: CatalogueRegistry) -> None:
    for row in catalogue_of(registry, "guizhou").rows.values():
        assert {t.record_type for t in row.types} == ALL_TYPES
        assert {t.since for t in row.types} == {date(2020, 1, 1)}
        assert {t.caveats for t in row.types} == {frozenset({Caveat.SINCE_YEAR_ONLY, Caveat.TYPES_SCHEME_WIDE})}


def test_lanzhou_has_ordinary_penalties_from_an_assumed_day_and_lists(registry: CatalogueRegistry) -> None:
    for row in catalogue_of(registry, "lanzhou").rows.values():
        assert [(t.record_type, t.since, t.caveats) for t in row.types] == [
            (PENALTY_ORDINARY, date(2024, 3, 1), frozenset({Caveat.SINCE_ASSUMED, Caveat.TYPES_SCHEME_WIDE})),
            (SEVERE_LIST, date(2024, 1, 1), frozenset({Caveat.TYPES_SCHEME_WIDE})),
        ]


@pytest.mark.parametrize(
    ("list_name", "rows"),
    [
        ("城市轨道交通规划建设领域黑名单", ("1", "10")),
        ("境外投资黑名单", ("1", "26")),
        ("公共资源配置黑名单", ("3", "23")),
        ("社会保险领域严重失信主体名单", ("4", "32")),
        ("保障性住房(公租房)使用领域信用黑名单", ("10",)),
        ("没有这个名单", ()),
    ],
)
def test_lists_named_in_several_rows(registry: CatalogueRegistry, list_name: str, rows: tuple[str, ...]) -> None:
    assert rows_naming(catalogue_of(registry, "shanxi"), list_name) == rows


def test_schemes_as_published(registry: CatalogueRegistry) -> None:
    schemes = {name: catalogue_of(registry, name).scheme for name in NAMES}
    assert {name: s.max_period_months for name, s in schemes.items()} == {
        "shanxi": None,
        "guizhou": 60,
        "lanzhou": None,
        "liaoning": 60,
    }
    assert schemes["shanxi"].document_number == "晋发改信用发〔2025〕237号"
    assert schemes["lanzhou"].valid_from == date(2024, 3, 1)
    assert "natural_person" in schemes["liaoning"].subject_kinds
    assert "public_institution" not in schemes["liaoning"].subject_kinds
    assert "social_organisation" not in schemes["guizhou"].subject_kinds
    for scheme in schemes.values():
        assert {"enterprise", "individual_business", "farmers_cooperative", "branch"} <= scheme.subject_kinds
        assert {"tender", "listing", "funding", "licensing"} <= set(scheme.scenarios)
        assert set(scheme.scenarios) <= set(registry.scenarios)


def test_lint_finds_no_problem(registry: CatalogueRegistry) -> None:
    findings = [finding for edition in registry.editions for finding in lint(edition)]
    assert [f.place for f in findings if f.level is Level.PROBLEM] == []
    assert [(f.division, f.place) for f in findings] == [("210000", "rows_known")]


def test_digests_are_those_that_peers_may_have_reviewed(registry: CatalogueRegistry) -> None:
    """A failure means that an issued version was changed: put the change into a new version instead."""
    assert {e.catalogue.version: e.catalogue.digest.hex()[:16] for e in registry.editions} == {
        "2025-237": "567663179f3f0fb4",
        "2025-09-draft": "96ab4814dcebc35d",
        "2025-533": "ce19850740c60864",
        "2024-03": "e51b717333118d01",
    }
    for edition in registry.editions:
        assert registry.catalogue(edition.catalogue.digest) is edition.catalogue
        assert registry.crosswalk(edition.crosswalk.digest) is edition.crosswalk
    assert registry.catalogue(bytes(32)) is None
