"""The dashboard: well-formed, about metrics that exist, and all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from node.metrics.families import FAMILIES
from tests.support.exported import COMMON_LABELS, exported_names
from tests.support.promql import labels_of, metrics_of
from tests.support.promtool import promtool

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "ops/grafana/huxin.json").read_text(encoding="utf-8")
)
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_expression_reads_only_metrics_and_labels_that_exist(expression: str) -> None:
    used = metrics_of(expression)
    assert used
    assert used <= exported_names()
    assert labels_of(expression) <= {label for family in FAMILIES for label in family.labels} | COMMON_LABELS


def test_every_metric_is_shown() -> None:
    used = set().union(*(metrics_of(expression) for expression in EXPRESSIONS))
    stems = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in used}
    assert {family.name for family in FAMILIES} <= stems


def test_variables_come_from_metrics_that_exist() -> None:
    queries = [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    assert queries
    assert all(metrics_of(query) <= exported_names() for query in queries)


def test_promtool_can_read_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    done = promtool("check", "rules", "panels.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_panel_says_what_it_shows_and_none_lies_over_another() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        own = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert max(x for x, _ in own) < 24
        assert not own & cells
        cells |= own
    assert all(panel["description"].endswith(".") and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
