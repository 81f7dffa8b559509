"""The alert rules: valid, about metrics that exist, each shown firing and silent, each with a page to read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from node.config.sections import FreshnessSettings
from node.metrics.families import FAMILIES
from tests.support.exported import COMMON_LABELS, exported_names
from tests.support.promql import labels_of, metrics_of
from tests.support.promtool import promtool

OPS = Path(__file__).parents[2] / "ops"
FOLDER = OPS / "prometheus"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


RULES: list[dict[str, Any]] = [rule for group in load("huxin.rules.yml")["groups"] for rule in group["rules"]]
NAMES = [rule["alert"] for rule in RULES]
CASES: list[dict[str, Any]] = [
    case for test in load("huxin.rules.test.yml")["tests"] for case in test["alert_rule_test"]
]


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", "huxin.rules.yml", folder=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_promtool_sees_every_alert_fire_and_keep_silent() -> None:
    done = promtool("test", "rules", "huxin.rules.test.yml", folder=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_would_notice_a_rule_that_never_fires(tmp_path: Path) -> None:
    rules = (FOLDER / "huxin.rules.yml").read_text(encoding="utf-8")
    (tmp_path / "huxin.rules.yml").write_text(rules.replace("huxin_ready == 0", "huxin_ready == 2"), encoding="utf-8")
    cases = load("huxin.rules.test.yml")
    cases["tests"] = [t for t in cases["tests"] if t["alert_rule_test"][0]["alertname"] == "HuxinNotReady"]
    (tmp_path / "huxin.rules.test.yml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    done = promtool("test", "rules", "huxin.rules.test.yml", folder=tmp_path)
    assert done.returncode != 0
    assert "HuxinNotReady" in done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(name: str) -> None:
    expected = [bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name]
    assert set(expected) == {True, False}


def test_no_case_is_about_an_alert_that_is_not_there() -> None:
    assert {case["alertname"] for case in CASES} == set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_reads_only_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    used = metrics_of(rule["expr"])
    assert used
    assert used <= exported_names() | {"up"}
    known = {label for family in FAMILIES for label in family.labels} | COMMON_LABELS
    assert labels_of(rule["expr"]) <= known
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert shown <= known


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_waits_says_how_bad_it_is_and_has_a_page(rule: dict[str, Any]) -> None:
    assert rule["for"]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^### (.+)$", (OPS.parent / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()


def test_the_page_describes_no_alert_that_is_not_there() -> None:
    headings = re.findall(r"^### (.+)$", (OPS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == NAMES


def test_the_limits_of_the_alerts_are_the_defaults_of_the_settings() -> None:
    limits = FreshnessSettings()
    expressions = {rule["alert"]: rule["expr"] for rule in RULES}
    assert expressions["HuxinReplicaTooOld"] == f"huxin_replica_age_seconds > {limits.log_view_seconds:.0f}"
    assert expressions["HuxinPeerClockOff"] == f"abs(huxin_clock_offset_seconds) > {limits.clock_skew_seconds:.0f}"
    days = limits.trust_state_seconds / 86400
    assert expressions["HuxinTrustStateTooOld"] == f"huxin_trust_state_age_seconds > {days:.0f} * 86400"
