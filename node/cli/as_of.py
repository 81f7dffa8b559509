"""`--at`: a moment in the past as people write it, a day in China or an instant."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from node.errors import InvalidInput
from node.model.calendar import day_in_china, start_of_day

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
"""With its zone: an instant without one would be read differently elsewhere."""

_TICK = timedelta(microseconds=1)
"""What the wire keeps apart at most: a day ends one tick before the next begins."""


def read_moment(text: str, now: datetime) -> datetime | None:
    """The moment whose rules apply, in UTC; None, which is now, for today and for nothing else.

    `YYYY-MM-DD` is the end of that day in China: what took effect on the day counts. An instant is written as by RFC
    3339, with its zone. Raises InvalidInput naming the option, also for a day or an instant to come.
    """
    day = _day(text)
    if day is not None:
        if day == day_in_china(now):
            return None
        moment = _end_of(day)
    else:
        moment = _instant(text)
    if moment is None:
        raise InvalidInput(
            "--at", "Write a day such as 2026-05-01, or an instant with its zone such as 2026-05-01T09:30:00+08:00."
        )
    if moment > now:
        raise InvalidInput("--at", "That moment is still to come, and nobody knows its rules; leave --at out for now.")
    return moment


def ends_a_day(moment: datetime) -> bool:
    """Whether a moment is the end of a day in China, as `read_moment` makes it."""
    return day_in_china(moment) != day_in_china(moment + _TICK)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if str(day) == text else None


def _end_of(day: date) -> datetime | None:
    return (start_of_day(day + timedelta(days=1)) - _TICK).astimezone(UTC) if day < date.max else None


def _instant(text: str) -> datetime | None:
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
