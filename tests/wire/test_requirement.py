"""Requirements: written, read again, and refused by field."""

from dataclasses import replace
from datetime import date

import pytest
from huxin.v1 import requirement_pb2 as pb

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.records import ENFORCEMENT, PENALTY_ORDINARY
from node.model.requirement import RequiredItem, Requirement
from node.wire.requirement import requirement, requirement_message

WANTED = Requirement(
    "520000/synthetic-tender",
    "合成示例",
    "synthetic example",
    "520000",
    "tender",
    (RequiredItem((PENALTY_ORDINARY, ENFORCEMENT), leaf="MK01"), RequiredItem((PENALTY_ORDINARY,), local_code="19")),
    months=36,
    territory="140000",
    max_data_age_days=7,
    max_report_age_days=20,
    repaired_records_count=False,
    illustrative=True,
)


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED,
        replace(WANTED, months=0, fixed=Period(date(2023, 1, 1), date(2026, 1, 1))),
        replace(WANTED, max_trust_age_hours=24, max_log_view_age_minutes=10),
        replace(WANTED, items=(), territory="", repaired_records_count=True, max_data_age_days=0),
    ],
)
def test_requirements_come_back_as_they_were(wanted: Requirement) -> None:
    message = pb.Requirement.FromString(requirement_message(wanted).SerializeToString())
    assert requirement(message) == wanted


def changed(**changes: object) -> pb.Requirement:
    message = requirement_message(WANTED)
    for name, value in changes.items():
        if value is None:
            message.ClearField(name)
        else:
            setattr(message, name, value)
    return message


def with_item(item: pb.RequiredItem) -> pb.Requirement:
    message = requirement_message(WANTED)
    message.items.append(item)
    return message


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (changed(jurisdiction=None), "jurisdiction"),
        (changed(scenario="Tender"), "scenario"),
        (changed(months=None), "months"),
        (changed(months=0), "months"),
        (changed(months=1_201), "months"),
        (changed(territory="14"), "territory"),
        (changed(max_data_age_days=100_000), "max_data_age_days"),
        (changed(title_zh="长" * 201), "title_zh"),
        (with_item(pb.RequiredItem(record_types=["x"])), "items[2].target"),
        (with_item(pb.RequiredItem(leaf="MK01")), "items[2].record_types"),
        (with_item(pb.RequiredItem(leaf="", record_types=["x"])), "items[2].leaf"),
        (with_item(pb.RequiredItem(local_code="", record_types=["x"])), "items[2].local_code"),
        (with_item(pb.RequiredItem(leaf="MK01", record_types=["x", "x"])), "items[2].record_types"),
        (with_item(pb.RequiredItem(leaf="MK01", record_types=["x", "Y"])), "items[2].record_types[1]"),
        (pb.Requirement(items=[pb.RequiredItem()] * 1_001), "items"),
        # A megabyte of types took the node from everybody else for six seconds, a batch for minutes.
        (with_item(pb.RequiredItem(leaf="MK", record_types=[f"t{number}" for number in range(998)])), "items"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_requirements_name_the_field(message: pb.Requirement, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        requirement(message, "requirement")
    assert caught.value.field == f"requirement.{field}"
