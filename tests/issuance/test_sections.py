"""Sections: what their units delivered, and which records belong in them (R042-R050, R069-R075)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from node.errors import InvalidInput
from node.issuance.sections import Window, choose_rows, delivered_until, section_template
from node.model.calendar import Period
from node.model.catalogue import CollectedType, DateBasis, Row
from node.model.records import PENALTY_ORDINARY, PENALTY_SUMMARY, SEVERE_LIST, RecordType, RepairState, ViolationRecord
from node.model.report import Section
from node.wire.report import decode_section, encode_section
from tests.issuance.world import RECORD, TODAY, edition

CATALOGUE = edition().catalogue
SCHEME = CATALOGUE.scheme
ROW = Row("6", "市场监管", (CollectedType(PENALTY_ORDINARY, date(2022, 8, 1)),), ("省局", "各市"))
D1, D2, D3 = date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)


# Coverage


@pytest.mark.parametrize(
    ("units", "deliveries", "until"),
    [
        (("省局", "各市"), {("省局", "6"): D3, ("各市", "6"): D2}, D2),
        (("省局", "各市"), {("省局", "6"): D1, ("各市", "6"): D2, ("别的", "6"): date(2020, 1, 1)}, D1),
        (("省局", "各市"), {("省局", "6"): D3}, None),
        (("省局", "各市"), {("省局", "6"): D3, ("各市", "7"): D3}, None),
        (("省局",), {("省局", "6"): D3}, D3),
        (("省局",), {}, None),
        ((), {("甲", "6"): D3, ("乙", "6"): D1, ("乙", "7"): date(2020, 1, 1)}, D1),
        ((), {("甲", "7"): D3}, None),
        ((), {}, None),
    ],
)
def test_one_unit_does_not_vouch_for_another(
    units: tuple[str, ...], deliveries: dict[tuple[str, str], date], until: date | None
) -> None:
    assert delivered_until(replace(ROW, units=units), deliveries) == until


# Choice of rows


def test_chosen_rows_stand_in_catalogue_order_once() -> None:
    assert [row.local_code for row in choose_rows(CATALOGUE, ("26", "1", "6", "1"))] == ["1", "6", "26"]
    assert choose_rows(CATALOGUE, ()) == tuple(CATALOGUE.rows.values())


def test_a_row_that_is_not_there_is_named_by_its_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_rows(CATALOGUE, ("6", "99"))
    assert caught.value.field == "local_codes[1]"


# Which records are shown

START = date(2023, 11, 22)
ENDED = date(2025, 1, 1)
LATEST = Period(START, TODAY)
PAST = Period(START, ENDED)


def record(decided: date, **changes: object) -> ViolationRecord:
    return replace(RECORD, decided_on=decided, **changes)  # type: ignore[arg-type]  # fields by name


BEFORE, LAST_DAY = date(2023, 11, 21), date(2024, 12, 31)


@pytest.mark.parametrize(
    ("period", "kind", "found", "shown"),
    [
        # By the day of the decision, the first day in, the last one out.
        (PAST, PENALTY_ORDINARY, record(BEFORE), False),
        (PAST, PENALTY_ORDINARY, record(START), True),
        (PAST, PENALTY_ORDINARY, record(LAST_DAY), True),
        (PAST, PENALTY_ORDINARY, record(ENDED), False),
        # What the day of issue itself brought is shown: leaving it out would be a false "none".
        (LATEST, PENALTY_ORDINARY, record(TODAY), True),
        (Period(START, date(2026, 11, 21)), PENALTY_ORDINARY, record(date(2026, 11, 21)), False),
        # Entries of lists: in force in the period, however long ago they began.
        (PAST, SEVERE_LIST, record(date(2015, 1, 1)), True),
        (PAST, SEVERE_LIST, record(date(2015, 1, 1), removed_on=START), False),
        (PAST, SEVERE_LIST, record(date(2015, 1, 1), removed_on=date(2023, 11, 23)), True),
        (PAST, SEVERE_LIST, record(LAST_DAY), True),
        (PAST, SEVERE_LIST, record(ENDED), False),
        (LATEST, SEVERE_LIST, record(TODAY), True),
        (PAST, SEVERE_LIST, record(date(2024, 1, 1), removed_on=date(2024, 2, 1)), True),
        # A list of a jurisdiction's own type (R037) is a list as well: verifiers count it by the same rule.
        (PAST, RecordType("140000_own_list"), record(date(2015, 1, 1), list_name="合成名单"), True),
        (PAST, RecordType("140000_own_list"), record(date(2015, 1, 1), removed_on=ENDED), True),
        (PAST, RecordType("140000_own_list"), record(date(2015, 1, 1), removed_on=BEFORE), False),
    ],
)
def test_records_belong_to_the_period_they_are_dated_or_in_force_in(
    period: Period, kind: RecordType, found: ViolationRecord, shown: bool
) -> None:
    assert Window.of(period, TODAY, SCHEME).shows(kind, found) is shown


@pytest.mark.parametrize(
    ("basis", "effective", "shown"),
    [
        (DateBasis.DECISION, START, False),
        (DateBasis.EFFECTIVE, START, True),
        (DateBasis.EFFECTIVE, ENDED, False),
        (DateBasis.EFFECTIVE, None, False),
    ],
)
def test_a_scheme_may_place_records_by_their_effect(basis: DateBasis, effective: date | None, shown: bool) -> None:
    window = Window.of(PAST, TODAY, replace(SCHEME, date_basis=basis))
    assert window.shows(PENALTY_ORDINARY, record(BEFORE, effective_on=effective)) is shown


@pytest.mark.parametrize("show_repaired", [True, False])
@pytest.mark.parametrize("state", RepairState)
def test_repaired_records_are_shown_or_hidden_by_the_scheme(show_repaired: bool, state: RepairState) -> None:
    window = Window.of(LATEST, TODAY, replace(SCHEME, show_repaired=show_repaired))
    for kind in (PENALTY_ORDINARY, SEVERE_LIST):
        shown = window.shows(kind, record(START, repair_state=state))
        assert shown is (show_repaired or state is not RepairState.REPAIRED)


# Filled sections


def filled(*records: tuple[str, RecordType, ViolationRecord]) -> tuple[list[Section], int]:
    template = section_template(CATALOGUE, choose_rows(CATALOGUE, ("1", "6", "10")), {}, encode_section)
    window = Window.of(LATEST, TODAY, SCHEME)
    encoded, count = template.filled(records, window, encode_section)
    return [decode_section(each) for each in encoded], count


def test_every_collected_type_of_every_chosen_row_has_its_section() -> None:
    sections, count = filled()
    assert [(section.local_code, section.record_type) for section in sections] == [
        (code, collected.record_type) for code in ("1", "6", "10") for collected in CATALOGUE.rows[code].types
    ]
    assert all(section.local_name == CATALOGUE.rows[section.local_code].local_name for section in sections)
    assert not any(section.records for section in sections)
    assert count == 0


def test_records_stand_in_their_section_by_day() -> None:
    early, late = record(START), record(TODAY, document_number="示例〔2026〕9号")
    same_day = record(START, document_number="示例〔2020〕0号")
    sections, count = filled(
        ("6", PENALTY_ORDINARY, late), ("6", PENALTY_ORDINARY, early), ("6", PENALTY_ORDINARY, same_day)
    )
    found = {(s.local_code, s.record_type): s.records for s in sections if s.records}
    assert found == {("6", PENALTY_ORDINARY): (same_day, early, late)}
    assert count == 3


def test_an_entry_filed_under_several_rows_is_one_record() -> None:
    entry = record(START, list_name="城市轨道交通规划建设领域黑名单")
    sections, count = filled(("1", SEVERE_LIST, entry), ("10", SEVERE_LIST, entry))
    assert [section.local_code for section in sections if section.records] == ["1", "10"]
    assert count == 1


@pytest.mark.parametrize(
    "records",
    [
        [("7", PENALTY_ORDINARY, RECORD)],
        [("6", RecordType("administrative_enforcement"), RECORD)],
        [("6", PENALTY_SUMMARY, record(BEFORE))],
    ],
    ids=["row not chosen", "type not collected", "before the period"],
)
def test_what_was_not_chosen_leaves_no_trace(records: Sequence[tuple[str, RecordType, ViolationRecord]]) -> None:
    assert filled(*records) == filled()


def test_the_selection_says_what_was_chosen() -> None:
    part = section_template(CATALOGUE, choose_rows(CATALOGUE, ("6",)), {}, encode_section).selection
    assert (part.complete, {code for code, _ in part.cells}) == (False, {"6"})
    whole = section_template(CATALOGUE, choose_rows(CATALOGUE, ()), {}, encode_section)
    assert whole.selection.complete
    assert len(whole.sections) == len(whole.places) == sum(len(row.types) for row in CATALOGUE.rows.values())
