"""Requirements as data: the examples of four jurisdictions, and refusals with their place (R101)."""

import shutil
from pathlib import Path

import pytest

from node.adapters.catalogues.registry import CatalogueRegistry, discover
from node.adapters.procedures.loading import BUILT_IN, discover_requirements, load_requirement
from node.errors import BadSource
from node.model.calendar import Period
from node.model.requirement import Requirement

PROCEDURES = ("funding", "licensing", "listing", "tender")


@pytest.fixture(scope="module")
def registry() -> CatalogueRegistry:
    return discover()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILT_IN / "520000_guizhou", tmp_path / "520000_guizhou"))


def load_edited(registry: CatalogueRegistry, folder: Path, what: str, by: str) -> Requirement:
    path = folder / "tender.toml"
    text = path.read_text("utf-8")
    assert what in text
    path.write_text(text.replace(what, by, 1), "utf-8")
    return load_requirement(path, registry)


def test_four_examples_in_each_jurisdiction_all_marked_so(registry: CatalogueRegistry) -> None:
    requirements = discover_requirements(registry)
    divisions = ("140000", "210000", "520000", "620100")
    assert sorted(requirements) == [f"{d}/{p}" for d in divisions for p in PROCEDURES]
    for requirement in requirements.values():
        assert requirement.illustrative
        assert requirement.title_zh.startswith("示例")
        assert requirement.items
        own_rows = [item.local_code for item in requirement.items if item.local_code]
        # the rows of Liaoning are not known: its examples are written in leaves
        assert bool(own_rows) == (requirement.jurisdiction != "210000")


def test_a_group_of_leaves_may_be_asked(registry: CatalogueRegistry) -> None:
    assert "FN" in [item.leaf for item in discover_requirements(registry)["210000/listing"].items]


def test_ages_have_their_customary_values(registry: CatalogueRegistry, folder: Path) -> None:
    path = folder / "tender.toml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("max_")]
    path.write_text("\n".join(lines), "utf-8")
    requirement = load_requirement(path, registry)
    assert (requirement.max_data_age_days, requirement.max_report_age_days) == (10, 30)
    assert (requirement.max_trust_age_hours, requirement.max_log_view_age_minutes) == (0, 0)


def test_fresher_knowledge_of_the_issuer_may_be_demanded(registry: CatalogueRegistry, folder: Path) -> None:
    limits = "months = 36\nmax_trust_age_hours = 24\nmax_log_view_age_minutes = 10"
    requirement = load_edited(registry, folder, "months = 36", limits)
    assert (requirement.max_trust_age_hours, requirement.max_log_view_age_minutes) == (24, 10)


def test_fixed_days_instead_of_months(registry: CatalogueRegistry, folder: Path) -> None:
    fixed = "[fixed]\nstart = 2024-01-01\nend = 2025-01-01\n\n[[items]]"
    path = folder / "tender.toml"
    path.write_text(path.read_text("utf-8").replace("months = 36\n", "").replace("[[items]]", fixed, 1), "utf-8")
    requirement = load_requirement(path, registry)
    assert requirement.months == 0
    assert isinstance(requirement.fixed, Period)


@pytest.mark.parametrize(
    ("what", "by", "column", "advice"),
    [
        ("months = 36", "", "months", "[fixed]"),
        ("months = 36", "months = 0", "months", "above zero"),
        ('territory = "issuer"', "", "territory", "missing"),
        ('territory = "issuer"', 'territory = "here"', "territory", "division code"),
        ('scenario = "tender"', 'scenario = "tenders"', "scenario", "listing"),
        ('local_code = "7"', 'local_code = "77"', "items[1].local_code", "no row 77"),
        ('local_name = "市场监管"', 'local_name = "市监"', "items[1].local_name", "市场监管"),
        ('local_code = "7"\nlocal_name = "市场监管"', 'leaf = "MK99"', "items[1].leaf", "no leaf"),
        ('local_code = "7"', 'local_code = "7"\nleaf = "MK01"', "items[1].local_code", "one thing"),
        ('"administrative_penalty_summary"', '"summary"', "items[1].record_types", "not a record type"),
        ("illustrative = true", 'illustrative = "no"', "illustrative", "true or false"),
        ("illustrative = true", "ilustrative = true", "illustrative", "missing"),
        ("months = 36", "months = 36\nmax_trust_age_hours = 0", "max_trust_age_hours", "above zero"),
        ("months = 36", "months = 36\nmax_log_view_age_minutes = 1000001", "max_log_view_age_minutes", "at most"),
        ("months = 36", "months = 36\nyears = 3", "years", "not known"),
    ],
)  # fmt: skip
def test_refusals(registry: CatalogueRegistry, folder: Path, what: str, by: str, column: str, advice: str) -> None:
    with pytest.raises(BadSource) as caught:
        load_edited(registry, folder, what, by)
    assert (caught.value.file, caught.value.column) == ("520000_guizhou/tender.toml", column)
    assert advice in caught.value.message


def test_a_requirement_without_items_is_refused(registry: CatalogueRegistry, folder: Path) -> None:
    path = folder / "tender.toml"
    path.write_text(path.read_text("utf-8").split("[[items]]")[0] + "items = []\n", "utf-8")
    with pytest.raises(BadSource, match="at least one"):
        load_requirement(path, registry)


def test_own_rows_need_known_rows_and_a_catalogue(registry: CatalogueRegistry, folder: Path) -> None:
    liaoning = folder.rename(folder.parent / "210000_liaoning")
    with pytest.raises(BadSource, match="in leaves"):
        load_requirement(liaoning / "tender.toml", registry)
    nobody = liaoning.rename(folder.parent / "990000_shili")
    with pytest.raises(BadSource, match="no catalogue of 990000"):
        load_requirement(nobody / "tender.toml", registry)
