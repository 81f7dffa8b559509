"""What a reviewer is told: doubts about a version, and changes between two (R080)."""

from pathlib import Path

from node.adapters.catalogues.difference import difference
from node.adapters.catalogues.lint import Level, lint
from node.adapters.catalogues.loading import load_edition
from node.adapters.catalogues.shared_data import SharedData
from tests.adapters.catalogues.conftest import Edit


def test_lint_names_rows_without_leaf_miscounts_and_lists_without_type(
    shanxi: Path, shared: SharedData, edit: Edit
) -> None:
    edit("crosswalk.csv", "2,城市管理,UR02,exactMatch\n", "")
    edit("jurisdiction.toml", "stated_domains = 40", "stated_domains = 41")
    edit("catalogue.csv", "\n2,城市管理,行政处罚,各市,,", "\n2,城市管理,行政处罚,各市,城管黑名单,")
    edit("catalogue.csv", "政府采购严重违法失信行为记录名单;注册会计师行业严重失信主体名单;公共资源配置黑名单", "")
    edit("crosswalk.csv", "17,通信管理,IT03,exactMatch\n", "17,通信管理,IT03,broadMatch\n")
    findings = [(f.level, f.place) for f in lint(load_edition(shanxi, shared))]
    assert findings == [
        (Level.PROBLEM, "stated_domains"),
        (Level.PROBLEM, "row 2"),
        (Level.PROBLEM, "row 2"),
        (Level.PROBLEM, "row 23"),
        (Level.NOTE, "leaf IT03"),
    ]


def test_difference_names_every_change_and_nothing_else(shanxi: Path, shared: SharedData, edit: Edit) -> None:
    old = load_edition(shanxi, shared)
    assert difference(old, old) == ()
    edit("jurisdiction.toml", 'max_period_months = "none"', "max_period_months = 60")
    edit("catalogue.csv", "\n2,城市管理,行政处罚,各市,,2022-08-01,", "\n2,城市管理,行政处罚;行政强制,各市,,2022,")
    edit("catalogue.csv", "\n40,国防义务", "\n41,国防义务")
    edit("crosswalk.csv", "40,国防义务,LW04,exactMatch", "41,国防义务,LW04,closeMatch")
    new = load_edition(shanxi, shared)
    changes = [(c.place, c.before, c.after) for c in difference(old, new)]
    assert changes == [
        ("scheme.max_period_months", "", "60"),
        ("row 2 administrative_penalty_ordinary", "since 2022-08-01", "since 2022-01-01 SINCE_YEAR_ONLY"),
        ("row 2 administrative_penalty_summary", "since 2022-08-01", "since 2022-01-01 SINCE_YEAR_ONLY"),
        ("row 2 administrative_enforcement", "", "since 2022-01-01 SINCE_YEAR_ONLY"),
        ("row 40", "国防义务", ""),
        ("row 41", "", "国防义务"),
        ("crosswalk 40 LW04", "exactMatch", ""),
        ("crosswalk 41 LW04", "", "closeMatch"),
    ]
