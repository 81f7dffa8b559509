"""Which period a report may cover: the subject chooses, the scheme caps (R060-R063)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from node.errors import InvalidInput
from node.issuance.period import choose_period
from node.model.calendar import Period
from node.model.catalogue import Catalogue
from node.model.issuing import PeriodExceptionNote
from tests.issuance.world import TODAY, edition

EXCEPTION = PeriodExceptionNote("91110000MA0TE00000", "synthetic: the tender asks for ten years")


def catalogue(cap: int | None) -> Catalogue:
    known = edition().catalogue
    return replace(known, scheme=replace(known.scheme, max_period_months=cap))


@pytest.mark.parametrize(("cap", "start"), [(60, 2021), (36, 2023), (None, 2021)])
def test_without_a_wish_it_is_the_longest_allowed(cap: int | None, start: int) -> None:
    assert choose_period(catalogue(cap), None, EXCEPTION, TODAY) == (Period(date(start, 11, 22), TODAY), None)


@pytest.mark.parametrize(
    ("cap", "start", "end", "exception"),
    [
        (60, date(2021, 11, 22), TODAY, None),
        (60, date(2020, 1, 1), date(2024, 12, 31), None),
        (60, date(2026, 11, 21), TODAY, None),
        (None, date(2001, 1, 1), TODAY, None),
        (60, date(2021, 11, 21), TODAY, EXCEPTION),
    ],
)
def test_what_the_cap_allows(cap: int | None, start: date, end: date, exception: PeriodExceptionNote | None) -> None:
    wanted = Period(start, end)
    assert choose_period(catalogue(cap), wanted, exception, TODAY) == (wanted, exception)


def test_an_exception_that_is_not_needed_is_not_recorded() -> None:
    wanted = Period(date(2024, 1, 1), TODAY)
    assert choose_period(catalogue(60), wanted, EXCEPTION, TODAY) == (wanted, None)


@pytest.mark.parametrize(
    ("start", "end", "exception", "field"),
    [
        (date(2024, 1, 1), date(2026, 11, 23), None, "period.end"),
        (date(2021, 11, 21), TODAY, None, "period_exception"),
        (date(2021, 11, 21), TODAY, replace(EXCEPTION, relying_party=" "), "period_exception"),
        (date(2021, 11, 21), TODAY, replace(EXCEPTION, reason=""), "period_exception"),
        (date(2015, 1, 1), date(2026, 11, 23), EXCEPTION, "period.end"),
    ],
)
def test_what_it_does_not(start: date, end: date, exception: PeriodExceptionNote | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_period(catalogue(60), Period(start, end), exception, TODAY)
    assert caught.value.field == field


def test_a_leap_day_has_five_years_too() -> None:
    found, _ = choose_period(catalogue(60), None, None, date(2028, 2, 29))
    assert found == Period(date(2023, 2, 28), date(2028, 2, 29))
