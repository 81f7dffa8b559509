"""Versions of catalogues: found in folders, in force on days, refused when they overlap (R080, R216)."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from node.adapters.catalogues.registry import discover
from node.errors import BadSource, NotFound


def second_version(shanxi: Path, *, close_first: bool) -> Path:
    """A synthetic province with two versions made of Shanxi's files."""
    root = shanxi.parent.parent / "roots"
    for version, start, end in (("1", "2025-01-01", "2026-01-01"), ("2", "2026-01-01", "")):
        folder = Path(shutil.copytree(shanxi, root / "990000_shili" / version))
        path = folder / "jurisdiction.toml"
        text = (
            path.read_text("utf-8")
            .replace('"140000"', '"990000"')
            .replace('version = "2025-237"', f'version = "{version}"')
        )
        text = text.replace("valid_from = 2025-09-01", f"valid_from = {start}", 1)
        if end and close_first:
            text = text.replace("rows_known", f"valid_until = {end}\nrows_known", 1)
        path.write_text(text.replace("省", "省（虚构）"), "utf-8")
        words = folder / "catalogue.csv"
        words.write_text(words.read_text("utf-8").replace("行政处罚", "行政处罚（含简易程序）"), "utf-8")
    return root


def test_each_day_has_its_version(shanxi: Path) -> None:
    registry = discover([second_version(shanxi, close_first=True)])
    assert [e.catalogue.version for e in registry.of("990000")] == ["1", "2"]
    assert registry.on("990000", date(2025, 12, 31)).catalogue.version == "1"
    assert registry.on("990000", date(2026, 1, 1)).catalogue.version == "2"
    with pytest.raises(NotFound):
        registry.on("990000", date(2024, 12, 31))
    first = registry.of("990000")[0].catalogue
    assert registry.catalogue(first.digest) is first
    assert [e.catalogue.division for e in registry.in_force(date(2024, 6, 1))] == ["620100"]


def test_a_version_without_an_end_holds_until_the_next_begins(shanxi: Path) -> None:
    """R080: a later version comes as a folder of its own; the one that it follows cannot be edited where it lies."""
    registry = discover([second_version(shanxi, close_first=False)])
    assert registry.on("990000", date(2025, 12, 31)).catalogue.version == "1"
    assert registry.on("990000", date(2026, 1, 1)).catalogue.version == "2"
    first = registry.of("990000")[0].catalogue
    assert first.valid_until == date(2026, 1, 1)
    assert registry.catalogue(first.digest) is first


def test_overlapping_validity_is_refused(shanxi: Path) -> None:
    root = second_version(shanxi, close_first=True)
    settings = root / "990000_shili" / "1" / "jurisdiction.toml"
    late = settings.read_text("utf-8").replace("valid_until = 2026-01-01", "valid_until = 2026-02-01")
    settings.write_text(late, "utf-8")
    with pytest.raises(BadSource, match="valid_until = 2026-01-01") as caught:
        discover([root])
    assert caught.value.column == "valid_until"


def test_the_same_jurisdiction_in_two_roots_is_refused(shanxi: Path) -> None:
    with pytest.raises(BadSource, match="same name"):
        discover([shanxi.parent.parent])


def test_folders_that_are_no_jurisdiction_are_refused(tmp_path: Path) -> None:
    (tmp_path / "shanxi").mkdir()
    with pytest.raises(BadSource, match="<division>_<name>"):
        discover([tmp_path])
    (tmp_path / "shanxi").rename(tmp_path / "140000_shanxi")
    with pytest.raises(BadSource, match="no version"):
        discover([tmp_path])
    with pytest.raises(BadSource, match="no such folder"):
        discover([tmp_path / "nothing"])


def test_the_folder_and_the_file_must_agree_on_the_division(shanxi: Path) -> None:
    shanxi.parent.rename(shanxi.parent.parent / "990000_shili")
    with pytest.raises(BadSource) as caught:
        discover([shanxi.parent.parent])
    assert caught.value.column == "division"
