"""`--at`: a day in China or an instant, and nothing that could be read in two ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from node.cli.as_of import ends_a_day, read_moment
from node.errors import InvalidInput

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
"""One in the morning of the 23rd in China."""

TICK = timedelta(microseconds=1)


def test_a_day_is_its_end_in_china() -> None:
    moment = read_moment("2026-05-01", NOW)
    assert moment == datetime(2026, 5, 1, 16, 0, tzinfo=UTC) - TICK
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)
    assert ends_a_day(moment)
    assert not ends_a_day(moment - TICK)


def test_today_is_now_and_yesterday_is_not() -> None:
    assert read_moment("2026-11-23", NOW) is None
    assert read_moment("2026-11-22", NOW) == datetime(2026, 11, 22, 16, 0, tzinfo=UTC) - TICK


@pytest.mark.parametrize("text", ["2026-05-01T09:30:00+08:00", "2026-05-01T01:30:00Z", "2026-05-01t01:30:00.000z"])
def test_an_instant_is_itself(text: str) -> None:
    assert read_moment(text, NOW) == datetime(2026, 5, 1, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-5-1",
        "20260501",
        "2026-02-29",
        "2026-05-01T09:30:00",
        "2026-05-01 09:30:00+08:00",
        "9999-12-31",
        "20260501T093000+0800",
        "2026-W18-5T09:30:00Z",
        "2026-05-01T09:30:61Z",
        "0001-01-01T00:00:00+23:00",
    ],
)
def test_what_could_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Write a day") as caught:
        read_moment(text, NOW)
    assert caught.value.field == "--at"


@pytest.mark.parametrize("text", ["2026-11-24", "2026-11-22T17:00:01Z"])
def test_the_future_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="still to come"):
        read_moment(text, NOW)
