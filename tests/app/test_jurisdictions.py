"""Catalogues that come with huxin, and those that other jurisdictions publish while the node runs."""

from __future__ import annotations

from dataclasses import replace

from node.adapters.catalogues.registry import BUILT_IN, edition_of
from node.adapters.catalogues.shared_data import load_shared
from node.app.jurisdictions import load_jurisdictions
from node.model.registry import RegistryFact, RegistryRecord
from tests.support.nodes import THE_DAY, TestJurisdiction

FOLDER = BUILT_IN / "140000_shanxi" / "2025-237"


def files(**changes: tuple[str, str]) -> tuple[bytes, bytes, bytes]:
    """Shanxi's published files, changed as told: a file's stem to (before, after)."""
    found = []
    for name in ("catalogue.csv", "crosswalk.csv", "jurisdiction.toml"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        before, after = changes.get(name.partition(".")[0], ("", ""))
        assert before in text
        found.append(text.replace(before, after).encode())
    catalogue, crosswalk, scheme = found
    return catalogue, crosswalk, scheme


def later() -> tuple[bytes, bytes, bytes]:
    """A synthetic next version, from 2027 on."""
    text = files(jurisdiction=('version = "2025-237"', 'version = "2027-1"'))[2].decode()
    head, valid, rest = text.partition("valid_from = ")
    return *files()[:2], (head + valid + "2027-01-01" + rest[10:]).encode()


def record(published: tuple[bytes, bytes, bytes], version: str, division: str = "140000") -> RegistryRecord:
    """A registry in which that jurisdiction publishes this version."""
    facts = tuple(
        RegistryFact(division, kind, version, content, b"\0" * 32, THE_DAY, None, THE_DAY, None)
        for kind, content in zip(("catalogue", "crosswalk", "scheme"), published, strict=True)
    )
    return RegistryRecord(1, 1, 1, "140000", THE_DAY, {}, facts, ())


def test_a_published_version_is_known_by_its_digest_and_in_force_from_its_day(guizhou: TestJurisdiction) -> None:
    published = edition_of("140000", later(), load_shared())
    found = load_jurisdictions(guizhou.settings)
    assert found.catalogue(published.catalogue.digest) is None
    catalogues = found.catalogues()
    found.learn(record(later(), "2027-1"))
    # What was handed to verification before the version was known finds it now.
    known = catalogues.catalogue(published.catalogue.digest)
    assert known is not None
    assert known.version == "2027-1"
    assert catalogues.crosswalk(published.crosswalk.digest) is not None
    assert found.registry.on("140000", THE_DAY.date()).catalogue.version == "2025-237"
    assert found.registry.on("140000", THE_DAY.date().replace(year=2027)).catalogue.version == "2027-1"


def test_a_version_stays_known_after_it_is_published_no_more(guizhou: TestJurisdiction) -> None:
    whole = record(later(), "2027-1")
    ended = replace(whole, facts=tuple(replace(fact, known_until=THE_DAY) for fact in whole.facts))
    digest = edition_of("140000", later(), load_shared()).catalogue.digest
    assert load_jurisdictions(guizhou.settings, ended).catalogue(digest) is not None


def test_what_is_installed_here_is_not_replaced(guizhou: TestJurisdiction) -> None:
    installed = load_jurisdictions(guizhou.settings).registry.editions
    other = files(catalogue=("市场监管", "食品监管"), crosswalk=("市场监管", "食品监管"))
    assert load_jurisdictions(guizhou.settings, record(other, "2025-237")).registry.editions == installed


def test_the_own_catalogue_is_never_learned_from_others(shanxi: TestJurisdiction) -> None:
    digest = edition_of("140000", later(), load_shared()).catalogue.digest
    assert load_jurisdictions(shanxi.settings, record(later(), "2027-1")).catalogue(digest) is None


def test_a_version_that_cannot_be_read_harms_nothing_else(guizhou: TestJurisdiction) -> None:
    installed = load_jurisdictions(guizhou.settings).registry.editions
    for broken in (
        (b"", b"", b""),
        (*later()[:2], b"not TOML ="),
        (b"\xff\xfe", *later()[1:]),
        files(jurisdiction=('division = "140000"', 'division = "520000"')),
    ):
        assert load_jurisdictions(guizhou.settings, record(broken, "2027-1")).registry.editions == installed
