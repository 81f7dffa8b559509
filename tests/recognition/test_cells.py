"""Requirements become cells (`docs/recognition.md`, Requirements; R081)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.catalogue import Relation
from node.model.records import ENFORCEMENT, PENALTY_ORDINARY, RECORD_TYPES, SEVERE_LIST, RecordType
from node.model.requirement import RequiredItem
from node.recognition.cells import MAX_CELLS, RequiredCell, translate
from tests.recognition.cases import (
    GUIZHOU,
    LANZHOU,
    LIAONING,
    PENALTIES,
    SHANXI,
    edition,
    leaves,
    plan_of,
    registry,
    requirement,
    rows,
)


def pairs(cells: tuple[RequiredCell, ...]) -> list[tuple[str, str]]:
    return [(cell.leaf, cell.record_type) for cell in cells]


def test_an_own_row_is_translated_whole_by_any_relation() -> None:
    # Shanxi's row 19 holds IT01 and IT04 and parts of IT03 and LW01: all four are asked, whole.
    plan = plan_of(requirement(SHANXI, *rows("19", types=[SEVERE_LIST])))
    assert pairs(plan.cells) == [(leaf, SEVERE_LIST) for leaf in ("IT01", "IT03", "IT04", "LW01")]
    assert {cell.rows for cell in plan.cells} == {("19",)}
    assert {cell.wording for cell in plan.cells} == {("工业信息化",)}


def test_a_group_means_all_its_leaves() -> None:
    plan = plan_of(requirement(LIAONING, *leaves("FN", types=[PENALTY_ORDINARY])))
    assert [cell.leaf for cell in plan.cells] == ["FN01", "FN02", "FN03", "FN04"]
    assert plan.cells[0].wording == ("地方金融管理",)


def test_duplicates_merge_into_one_cell_that_names_every_row() -> None:
    # Shanxi's rows 6 and 7 both reach MK02.
    plan = plan_of(requirement(SHANXI, *rows("7", "6", types=[PENALTY_ORDINARY]), *leaves("MK02", types=PENALTIES)))
    merged = {(cell.leaf, cell.record_type): cell for cell in plan.cells}
    assert merged["MK02", PENALTY_ORDINARY].rows == ("6", "7")
    assert merged["MK02", PENALTY_ORDINARY].wording == ("市场监管", "卫生健康", "药品监督管理")
    assert merged["MK02", PENALTIES[1]].rows == ()


def test_order_of_items_and_types_does_not_matter() -> None:
    items = (*rows("25", "24", types=[SEVERE_LIST, PENALTY_ORDINARY]), *leaves("MK", "EC08"))
    plan, turned = (
        plan_of(requirement(LANZHOU, *order))
        for order in (items, tuple(replace(i, record_types=i.record_types[::-1]) for i in reversed(items)))
    )
    assert plan.cells == turned.cells
    assert plan.direct == turned.direct


def test_a_close_match_on_the_own_side_makes_the_cell_doubtful() -> None:
    assert edition(GUIZHOU).crosswalk.lines["2"] == (("LW03", Relation.CLOSE),)
    (cell,) = plan_of(requirement(GUIZHOU, *rows("2", types=[SEVERE_LIST]))).cells
    assert cell.doubtful
    both = plan_of(requirement(GUIZHOU, *rows("2", types=[SEVERE_LIST]), *leaves("LW03", types=[SEVERE_LIST]))).cells
    assert [cell.doubtful for cell in both] == [True]


@pytest.mark.parametrize("asked", [rows("99"), leaves("ZZ99")])
def test_what_has_no_leaf_stays_as_a_cell_that_nothing_covers(asked: tuple[RequiredItem, ...]) -> None:
    plan = plan_of(requirement(SHANXI, *asked))
    assert len(plan.cells) == 3
    assert not plan.empty


def test_own_rows_of_a_jurisdiction_without_known_rows_have_no_leaf() -> None:
    asked = requirement(LIAONING, *rows("1", types=[ENFORCEMENT]))
    for own in ((None, None), (edition(LIAONING).catalogue, edition(LIAONING).crosswalk)):
        (cell,) = translate(asked, registry().taxonomy, *own).cells
        assert (cell.leaf, cell.rows, cell.wording) == ("", ("1",), ("1",))


@pytest.mark.parametrize(
    "items", [(), (RequiredItem((), leaf="MK01"),), (*leaves("MK01"), RequiredItem((), leaf="EC07"))]
)
def test_a_requirement_that_asks_for_nothing_is_marked(items: tuple[RequiredItem, ...]) -> None:
    assert plan_of(requirement(SHANXI, *items)).empty


def test_rows_are_compared_directly_only_with_the_same_catalogue_version() -> None:
    plan = plan_of(requirement(SHANXI, *rows("19", types=[SEVERE_LIST]), *leaves("IT02", types=[SEVERE_LIST])))
    own = edition(SHANXI).catalogue
    direct = plan.cells_for(own)
    assert [(cell.leaf, cell.local_code) for cell in direct] == [("IT02", ""), ("", "19")]
    assert set(direct[1].leaves) == {"IT01", "IT03", "IT04", "LW01"}
    assert plan.cells_for(replace(own, digest=b"\1" * 32)) == plan.cells
    assert plan.cells_for(edition(GUIZHOU).catalogue) == plan.cells
    assert plan.cells_for(None) == plan.cells


def test_a_type_that_only_one_jurisdiction_has_comes_last() -> None:
    kinds = [RecordType("zzz_local"), *reversed(RECORD_TYPES), RecordType("aaa_local")]
    plan = plan_of(requirement(SHANXI, *leaves("MK01", types=kinds)))
    assert [cell.record_type for cell in plan.cells] == [*RECORD_TYPES, "aaa_local", "zzz_local"]


def test_the_period_ends_with_the_day_of_issue_in_china() -> None:
    plan = plan_of(requirement(SHANXI, *leaves("MK01"), months=36))
    late_evening = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    assert plan.interval(late_evening) == Period(date(2023, 11, 22), date(2026, 11, 22))
    after_midnight = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    assert plan.interval(after_midnight) == Period(date(2023, 11, 23), date(2026, 11, 23))


def test_a_fixed_period_stays_as_it_is() -> None:
    days = Period(date(2023, 1, 1), date(2024, 1, 1))
    plan = plan_of(replace(requirement(SHANXI, *leaves("MK01"), months=0), fixed=days))
    assert plan.interval(datetime(2026, 11, 22, tzinfo=UTC)) == days


def test_a_requirement_names_one_period() -> None:
    days = Period(date(2023, 1, 1), date(2024, 1, 1))
    for wrong in (
        requirement(SHANXI, *leaves("MK01"), months=0),
        requirement(SHANXI, *leaves("MK01"), months=-1),
        replace(requirement(SHANXI, *leaves("MK01"), months=12), fixed=days),
    ):
        with pytest.raises(InvalidInput, match="name one"):
            plan_of(wrong)


def test_a_requirement_is_read_with_its_own_jurisdictions_catalogue() -> None:
    other = edition(GUIZHOU)
    with pytest.raises(InvalidInput, match="the jurisdiction that made it"):
        translate(requirement(SHANXI, *rows("1")), registry().taxonomy, other.catalogue, None)
    with pytest.raises(InvalidInput, match="the jurisdiction that made it"):
        translate(requirement(SHANXI, *rows("1")), registry().taxonomy, None, other.crosswalk)


def test_a_requirement_has_a_limit() -> None:
    """Each cell costs every report of a batch."""
    types = [RecordType(f"t{number}") for number in range(250)]
    assert len(plan_of(requirement(SHANXI, *leaves("FN", types=types))).cells) == MAX_CELLS
    with pytest.raises(InvalidInput, match="more than 1000 leaves and record types"):
        plan_of(requirement(SHANXI, *leaves("FN", types=[*types, PENALTY_ORDINARY])))
