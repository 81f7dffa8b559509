"""A version that cannot be trusted to mean what it says is refused with its exact place and advice."""

from pathlib import Path

import pytest

from node.adapters.catalogues.loading import load_edition
from node.adapters.catalogues.shared_data import SharedData, load_scenarios, load_shared, load_taxonomy
from node.errors import BadSource
from tests.adapters.catalogues.conftest import Edit


def refusal(folder: Path, shared: SharedData) -> BadSource:
    with pytest.raises(BadSource) as caught:
        load_edition(folder, shared)
    assert str(folder.parent.parent) not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("file", "what", "by", "row", "column", "advice"),
    [
        ("crosswalk.csv", "EC01,exactMatch", "EC99,exactMatch", 2, "leaf", "not in the taxonomy"),
        ("crosswalk.csv", "EC01,exactMatch", "EC,exactMatch", 2, "leaf", "EC01, EC02"),
        ("crosswalk.csv", "EC01,exactMatch", "EC01,sameAs", 2, "relation", "exactMatch, narrowMatch"),
        ("crosswalk.csv", "2,城市管理,UR02", "1,发展改革,EC01", 3, "leaf", "twice"),
        ("crosswalk.csv", "2,城市管理,UR02", "99,城市管理,UR02", 3, "local_code", "no row 99"),
        ("crosswalk.csv", "2,城市管理,UR02", "3,城市管理,UR02", 3, "local_name", "自然资源"),
        ("crosswalk.csv", "relation", "relations", 1, "relation", "missing"),
        ("catalogue.csv", "\n2,", "\n1,", 3, "local_code", "twice"),
        ("catalogue.csv", "\n2,城市管理,行政处罚,", "\n2,城市管理,处罚,", 3, "record_types", "[wordings]"),
        ("catalogue.csv", "理,行政处罚,", "理,行政处罚;行政处罚（含简易程序）,", 3, "record_types", "both"),
        ("catalogue.csv", "\n2,城市管理,行政处罚,", "\n2,城市管理,,", 3, "record_types", "empty"),
        ("catalogue.csv", "\n2,城市管理,行政处罚,", "\n2,,行政处罚,", 3, "local_name", "empty"),
        ("catalogue.csv", "各市,,2022-08-01", "各市,,2022-13-01", 3, "data_since", "2025-09-01"),
        ("catalogue.csv", "各市,,2022-08-01", "各市,,not stated", 3, "data_since", "since_when_not_stated"),
        ("catalogue.csv", "各市,,2022-08-01", "各市,,行政强制:2022", 3, "data_since", "none of this row"),
        ("catalogue.csv", "各市,,2022-08-01", "各市;,,2022-08-01", 3, "responsible_units", "semicolon"),
        ("catalogue.csv", "\n2,城市管理,行政处罚,各市,,", "\n2,城市管理,行政处罚,各市,", 3, "", "comma"),
        ("catalogue.csv", "note\n", "notes\n", 1, "note", "missing"),
        ("catalogue.csv", "\n2,城市管理", '\n2,城市"管理"x,"a"b', 3, "", "quotation marks"),
        ("jurisdiction.toml", 'template_version = "1"', "", None, "scheme.template_version", "missing"),
        ("jurisdiction.toml", "show_repaired = true", 'show_repaired = "yes"', None, "scheme.show_repaired", "true or"),
        ("jurisdiction.toml", "show_repaired", "shows_repaired", None, "scheme.show_repaired", "missing"),
        ("jurisdiction.toml", "rows_known = true", "rows_known = true\nrows = 3", None, "rows", "not known here"),
        ("jurisdiction.toml", "rows_known = true", "rows_known = false", None, "rows_known", "has rows"),
        ("jurisdiction.toml", "stated_domains = 40", "stated_domains = 0", None, "stated_domains", "above zero"),
        ("jurisdiction.toml", '"140000"', '"14000"', None, "division", "six digits"),
        ("jurisdiction.toml", "2025-09-01", '"soon"', None, "valid_from", "a day without quotes"),
        ("jurisdiction.toml", "valid_from = 2025-09-01", "valid_from = 2025-09-01\nvalid_until = 2025-09-01", None,
         "valid_until", "not after"),
        ("jurisdiction.toml", '"enterprise"', '"firm"', None, "scheme.subject_kinds", "individual_business"),
        ("jurisdiction.toml", '"listing"', '"stock"', None, "scheme.scenarios", "tender"),
        ("jurisdiction.toml", '"decision"', '"listing"', None, "scheme.date_basis", "effective"),
        ("jurisdiction.toml", "[scheme]", "[scheme", 16, "", "TOML"),
        ("jurisdiction.toml", "[reading]", '[record_types]\ncriminal_judgment = ["甲", "a"]\n[reading]', None,
         "record_types.criminal_judgment", "not common"),
        ("jurisdiction.toml", "[reading]", '[wordings]\n"甲" = ["nothing"]\n[reading]', None, "wordings.甲", "not a"),
    ],
)  # fmt: skip
def test_refusals(
    shanxi: Path,
    shared: SharedData,
    edit: Edit,
    *,
    file: str,
    what: str,
    by: str,
    row: int | None,
    column: str,
    advice: str,
) -> None:
    edit(file, what, by)
    error = refusal(shanxi, shared)
    assert (error.file, error.row, error.column) == (f"140000_shanxi/2025-237/{file}", row, column)
    assert advice in error.message


def test_another_encoding_is_refused_where_it_shows(shanxi: Path, shared: SharedData) -> None:
    path = shanxi / "catalogue.csv"
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    error = refusal(shanxi, shared)
    assert (error.row, "UTF-8" in error.message) == (2, True)


def test_a_missing_and_an_empty_file_are_refused(shanxi: Path, shared: SharedData) -> None:
    (shanxi / "crosswalk.csv").write_text("", "utf-8")
    assert "first line is: local_code" in refusal(shanxi, shared).message
    (shanxi / "crosswalk.csv").unlink()
    assert "missing" in refusal(shanxi, shared).message


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(shanxi: Path, shared: SharedData) -> None:
    before = load_edition(shanxi, shared)
    for path in shanxi.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert load_edition(shanxi, shared) == before


def test_shared_tables_are_checked_too(tmp_path: Path) -> None:
    head = "code,name_zh,name_en,parent_code,definition\n"
    table = tmp_path / "taxonomy-1.csv"
    for body, column in (
        ("A,甲,a,,x\nA,甲,a,,x\n", "code"),
        ("A01,甲,a,A,x\n", "parent_code"),
        ("A,,a,,x\n", "name_zh"),
    ):
        table.write_text(head + body, "utf-8")
        with pytest.raises(BadSource) as caught:
            load_taxonomy(table, "1")
        assert caught.value.column == column
    table.unlink()
    with pytest.raises(BadSource, match="no taxonomy"):
        load_shared(tmp_path)
    scenarios = tmp_path / "scenarios.csv"
    scenarios.write_text("code,class,name_zh,name_en,source\ntender,sports,甲,a,R1\n", "utf-8")
    with pytest.raises(BadSource) as caught:
        load_scenarios(scenarios, "scenarios.csv")
    assert caught.value.column == "class"
