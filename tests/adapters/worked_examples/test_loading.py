"""The data file of worked examples: what it fills in, and how it refuses a slip."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from node.adapters.worked_examples import loading
from node.adapters.worked_examples.loading import load_worked_examples
from node.errors import BadSource
from node.model.calendar import Period
from node.model.catalogue import Caveat
from node.model.records import PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST, RepairState
from node.model.verdict import Decision, GapReason

SOURCE = (Path(loading.__file__).parent / "examples.toml").read_text("utf-8")


def load_with(tmp_path: Path, what: str, by: str) -> tuple[loading.WorkedExample, ...]:
    assert what in SOURCE
    path = tmp_path / "examples.toml"
    path.write_text(SOURCE.replace(what, by, 1), "utf-8")
    return load_worked_examples(path)


def test_every_default_is_filled_in() -> None:
    first = load_worked_examples()[0]
    assert (first.example_id, first.issuer, first.decision) == ("1a", "140000", Decision.REFER)
    assert (first.day, first.delivered_on) == (date(2026, 11, 22), date(2026, 11, 20))
    assert first.accepted_caveats == (Caveat.TYPES_SCHEME_WIDE, Caveat.SINCE_YEAR_ONLY, Caveat.SINCE_ASSUMED)
    assert first.requirement.items[0].record_types == (PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST)
    assert [finding.record_type for finding in first.findings] == [PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST]


def test_a_gap_without_days_is_the_whole_period() -> None:
    (example,) = (example for example in load_worked_examples() if example.example_id == "5")
    (gap,) = example.findings[0].gaps
    assert (gap.interval, gap.reason) == (
        Period(date(2023, 11, 22), date(2026, 11, 22)),
        GapReason.CATALOGUE_UNKNOWN,
    )


def test_the_record_says_that_it_is_synthetic() -> None:
    records = [filed.record for example in load_worked_examples() for filed in example.records]
    assert len(records) == 5
    assert all("合成" in record.content and record.repair_state is RepairState.REPAIRED for record in records)


@pytest.mark.parametrize(
    ("what", "by", "place"),
    [
        ('decision = "REFER"', 'decision = "CLEAR"', "example[1].decision"),
        ('reason = "BEFORE_DATA_SINCE"', 'reason = "WITHHELD"', "gaps[1].reason"),
        ('kind = "NOT_COVERED"', 'kind = "CLEAR"', "findings[1].kind"),
        ('types = ["P", "S"]', 'types = ["X"]', "requirement.types"),
        ('accepted_caveats = ["TYPES_SCHEME_WIDE"', 'accepted_caveats = ["ANYTHING"', "accepted_caveats"),
        ("months = 60", 'months = "five years"', "requirement.months"),
        ("months = 60", "month = 60", "requirement.months"),
        ('records = ["repaired_penalty"]', 'records = ["another"]', "records"),
        ('local_codes = ["7"]', 'local_codes = ["7"]\nrow = "7"', "requirement.row"),
        ("delivered_on = 2026-10-01 }", "delivered_on = 2026-10-01, on = 1 }", "late_deliveries[1].on"),
        ('id = "1b"', 'id = "1a"', "example.id"),
    ],
)
def test_a_slip_is_refused_with_its_place(tmp_path: Path, what: str, by: str, place: str) -> None:
    with pytest.raises(BadSource) as refused:
        load_with(tmp_path, what, by)
    assert refused.value.file == "examples.toml"
    assert refused.value.column.endswith(place)
