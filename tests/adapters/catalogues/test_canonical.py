"""Digests name the meaning of a version, not the form of its files (R080)."""

import csv
import io
from pathlib import Path

import pytest

from node.adapters.catalogues.loading import load_edition
from node.adapters.catalogues.shared_data import SharedData
from tests.adapters.catalogues.conftest import Edit


def test_columns_quotes_order_of_lines_and_comments_do_not_count(shanxi: Path, shared: SharedData) -> None:
    before = load_edition(shanxi, shared)
    for name in ("catalogue.csv", "crosswalk.csv"):
        header, *rows = list(csv.reader(io.StringIO((shanxi / name).read_text("utf-8"))))
        if name == "crosswalk.csv":
            rows.reverse()
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([row[::-1] for row in [header, *rows]])
        (shanxi / name).write_text("# another form\n" + out.getvalue(), "utf-8")
    settings = shanxi / "jurisdiction.toml"
    settings.write_text("\n".join(line.split(" #")[0] for line in settings.read_text("utf-8").splitlines()), "utf-8")
    assert load_edition(shanxi, shared) == before


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("valid_from = 2025-09-01", "valid_from = 2025-09-02"),
        ("show_repaired = true", "show_repaired = false"),
        ('max_period_months = "none"', "max_period_months = 60"),
        ("types_scheme_wide = false", "types_scheme_wide = true"),
        ('"decision"', '"effective"'),
        ('"branch",', ""),
        ("stated_domains = 40", 'stated_domains = "none"'),
        ('version = "2025-237"', 'version = "2"'),
    ],
)
def test_whatever_bears_on_a_verdict_changes_the_digest(
    shanxi: Path, shared: SharedData, edit: Edit, what: str, by: str
) -> None:
    before = load_edition(shanxi, shared)
    edit("jurisdiction.toml", what, by)
    after = load_edition(shanxi, shared)
    assert after.catalogue.digest != before.catalogue.digest
    assert after.crosswalk.digest == before.crosswalk.digest


@pytest.mark.parametrize(
    ("what", "by"), [("2022-08-01", "2022-08-02"), ("省发展改革委", "省发改委"), ("境外投资黑名单", "境外黑名单")]
)
def test_rows_count(shanxi: Path, shared: SharedData, edit: Edit, what: str, by: str) -> None:
    before = load_edition(shanxi, shared)
    edit("catalogue.csv", what, by)
    assert load_edition(shanxi, shared).catalogue.digest != before.catalogue.digest


def test_a_relation_changes_the_crosswalk_alone(shanxi: Path, shared: SharedData, edit: Edit) -> None:
    before = load_edition(shanxi, shared)
    edit("crosswalk.csv", "EC01,exactMatch", "EC01,closeMatch")
    after = load_edition(shanxi, shared)
    assert after.crosswalk.digest != before.crosswalk.digest
    assert after.catalogue.digest == before.catalogue.digest


def test_closing_a_version_does_not_rename_it(shanxi: Path, shared: SharedData, edit: Edit) -> None:
    before = load_edition(shanxi, shared)
    edit("jurisdiction.toml", "valid_from = 2025-09-01", "valid_until = 2027-01-01\nvalid_from = 2025-09-01")
    after = load_edition(shanxi, shared)
    assert after.catalogue.valid_until is not None
    assert after.catalogue.digest == before.catalogue.digest
