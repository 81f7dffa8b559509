"""Strict readers of single fields."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InvalidInput
from node.wire.fields import (
    code,
    day,
    day_text,
    division,
    instant,
    optional_day,
    optional_text,
    text,
    timestamp,
    within,
)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - given a zone
def test_instants_come_back_exactly(moment: datetime) -> None:
    assert instant(timestamp(moment), "at") == moment


def test_an_instant_in_china_is_the_same_instant() -> None:
    china = timezone(timedelta(hours=8))
    assert timestamp(datetime(1970, 1, 1, 8, tzinfo=china)) == Timestamp()
    assert timestamp(datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=UTC)) == Timestamp(seconds=-1, nanos=5_000)


@pytest.mark.parametrize(
    "message", [Timestamp(nanos=1), Timestamp(nanos=-1_000), Timestamp(nanos=10**9), Timestamp(seconds=2**60)]
)
def test_instants_that_would_be_rounded_or_wrapped_are_refused(message: Timestamp) -> None:
    with pytest.raises(InvalidInput):
        instant(message, "at")


@pytest.mark.parametrize(
    "value",
    ["", "2026-2-1", "20260201", "2026-02-30", "2026-W01-1", "2026-02-01T00", "２０２６-01-01"],  # full-width digits
)
def test_days_have_one_form(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        day(value, "period.start")
    assert caught.value.field == "period.start"


def test_optional_days() -> None:
    assert optional_day("", "x") is None
    assert day_text(None) == ""
    assert day(day_text(date(2026, 11, 22)), "x") == date(2026, 11, 22)


@pytest.mark.parametrize("value", ["14000", "1400000", "040000", "14000x", "１４００００", "140000\n"])
def test_divisions_have_six_digits(value: str) -> None:
    with pytest.raises(InvalidInput):
        division(value, "division")


@pytest.mark.parametrize("value", ["", "Tender", "1st", "a-b", "a" * 65, "a\n"])
def test_codes_are_lower_snake_case(value: str) -> None:
    with pytest.raises(InvalidInput):
        code(value, "scenario")


def test_texts() -> None:
    assert text("ab", "x", limit=2) == "ab"
    assert optional_text("", "x") == ""
    for value in ("", " ", "abc"):
        with pytest.raises(InvalidInput):
            text(value, "x", limit=2)


def test_paths() -> None:
    assert within("", "subject") == "subject"
    assert within("items[3]", "leaf") == "items[3].leaf"
