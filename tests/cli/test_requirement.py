"""`huxin requirement examples`: the worked examples of `docs/recognition.md`, for people and for machines."""

from __future__ import annotations

import json

from click.testing import CliRunner

from node.adapters.worked_examples.loading import load_worked_examples
from node.cli.main import cli

EXAMPLES = load_worked_examples()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["requirement", "examples", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_names_every_example_its_gaps_and_its_decision() -> None:
    shown = run()
    for example in EXAMPLES:
        assert f" {example.example_id} " in shown
        for finding in example.findings:
            assert finding.kind.value in shown
            for gap in finding.gaps:
                assert f"{gap.reason.value} [{gap.interval.start}," in shown
    assert shown.count("ACCEPT") == sum(example.decision.value == "ACCEPT" for example in EXAMPLES)


def test_json_holds_full_inputs_and_outputs() -> None:
    shown = json.loads(run("--json"))
    assert [example["example_id"] for example in shown] == [example.example_id for example in EXAMPLES]
    late = next(example for example in shown if example["example_id"] == "9")
    assert late["late_deliveries"] == {"省市场监管局": "2026-10-01"}
    assert late["requirement"]["items"][0]["local_code"] == "7"
    assert late["findings"][0]["gaps"] == [
        {"interval": {"start": "2026-10-01", "end": "2026-11-22"}, "reason": "SOURCE_LATE", "caveat": None}
    ]
