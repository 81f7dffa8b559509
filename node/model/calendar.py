"""Calendar days in China and half-open periods of them (`docs/recognition.md`, Period and territory).

Days are `datetime.date` in UTC+08:00; instants are timezone-aware UTC `datetime`.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import overload

CHINA = timezone(timedelta(hours=8), "UTC+08:00")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Days from `start` (inclusive) to `end` (exclusive). Raises ValueError when empty or reversed."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"a period needs its start ({self.start}) before its end ({self.end})")

    def intersection(self, other: Period) -> Period | None:
        """The days in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def day_in_china(instant: datetime) -> date:
    """The calendar day in China at an instant."""
    return instant.astimezone(CHINA).date()


def start_of_day(day: date) -> datetime:
    """The instant at which a day begins in China."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)


def in_china(instant: datetime, *, seconds: bool = False) -> str:
    """An aware instant as people read it, everywhere: in China, with the offset, to the minute or to the second."""
    local = instant.astimezone(CHINA)
    return f"{local:%Y-%m-%d %H:%M:%S} (UTC+8)" if seconds else f"{local:%Y-%m-%d %H:%M} (UTC+8)"


@overload
def rfc3339(instant: datetime) -> str: ...
@overload
def rfc3339(instant: datetime | None) -> str | None: ...
def rfc3339(instant: datetime | None) -> str | None:
    """An aware instant as machines read it, everywhere: RFC 3339, in UTC, as ProtoJSON has it; None for None."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day."""
    index = day.year * 12 + (day.month - 1) - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
