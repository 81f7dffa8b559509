"""Strict readers of single fields. `path` is the field's path in its request, such as `subject.id_type`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from huxin.v1.period_pb2 import Period as PeriodMessage

from node.errors import InvalidInput
from node.model.calendar import Period
from node.model.records import RecordType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIVISION = re.compile(r"[1-9][0-9]{5}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_TEXT = 2_000

N = TypeVar("N", bound=int)
V = TypeVar("V")


def within(path: str, name: str) -> str:
    """Path of a field inside the message at `path`; the request itself has the empty path."""
    return f"{path}.{name}" if path else name


def text(value: str, path: str, *, limit: int = _MAX_TEXT) -> str:
    """A text that must be there, at most `limit` characters."""
    if not value.strip():
        raise InvalidInput(path, "The field is missing; give it a value.")
    return optional_text(value, path, limit=limit)


def optional_text(value: str, path: str, *, limit: int = _MAX_TEXT) -> str:
    """A text that may be empty, at most `limit` characters."""
    if len(value) > limit:
        raise InvalidInput(path, f"The text is longer than {limit} characters; shorten it.")
    return value


def division(value: str, path: str) -> str:
    """A six-digit division code (GB/T 2260)."""
    if not _DIVISION.fullmatch(value):
        raise InvalidInput(path, "A division is a six-digit GB/T 2260 code such as 140000.")
    return value


def code(value: str, path: str) -> str:
    """A code in lower snake case."""
    if not _CODE.fullmatch(value):
        raise InvalidInput(path, "A code has lower-case letters, digits and underscores, at most 64, a letter first.")
    return value


def record_type(value: str, path: str) -> RecordType:
    """A record type code. The list is open: a jurisdiction may add types (R037)."""
    return RecordType(code(value, path))


def record_types(values: Iterable[str], path: str) -> tuple[RecordType, ...]:
    """Record type codes, each at most once."""
    types = tuple(record_type(value, f"{path}[{position}]") for position, value in enumerate(values))
    if len(set(types)) != len(types):
        raise InvalidInput(path, "The same record type is named twice; name each once.")
    return types


def choice(table: Mapping[N, V], number: N, path: str) -> V:
    """The model's value for an enum number; the unspecified zero and numbers unknown to this version are refused."""
    value = table.get(number)
    if value is None:
        known = ", ".join(str(each) for each in sorted(table))
        raise InvalidInput(path, f"The field is missing or has a value unknown to this version (known: {known}).")
    return value


def day(value: str, path: str) -> date:
    """A calendar day, exactly `YYYY-MM-DD`."""
    try:
        parsed = date.fromisoformat(value)
    except ValueError:
        parsed = None
    if parsed is None or parsed.isoformat() != value:
        raise InvalidInput(path, "A day is written YYYY-MM-DD, such as 2026-11-22, and must exist.")
    return parsed


def optional_day(value: str, path: str) -> date | None:
    """A calendar day, or None when the field is empty."""
    return day(value, path) if value else None


def period(message: PeriodMessage, path: str) -> Period:
    """A half-open range of days, start before end."""
    start = day(message.start, within(path, "start"))
    end = day(message.end, within(path, "end"))
    if start >= end:
        raise InvalidInput(within(path, "end"), "The end of a period is exclusive and must be later than its start.")
    return Period(start, end)


def period_message(value: Period) -> PeriodMessage:
    """A period as a message."""
    return PeriodMessage(start=value.start.isoformat(), end=value.end.isoformat())


def day_text(value: date | None) -> str:
    """A day as `YYYY-MM-DD`, or the empty text for None."""
    return value.isoformat() if value is not None else ""


def timestamp(value: datetime) -> Timestamp:
    """An instant as a message, exact to the microsecond. `value` must be timezone-aware."""
    past = value - _EPOCH
    return Timestamp(seconds=past.days * 86_400 + past.seconds, nanos=past.microseconds * 1_000)


def instant(message: Timestamp, path: str) -> datetime:
    """An instant, UTC. Finer than a microsecond, or out of range, is refused: nothing is rounded."""
    if not 0 <= message.nanos < 1_000_000_000 or message.nanos % 1_000:
        raise InvalidInput(path, "A timestamp has whole microseconds.")
    try:
        return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
    except OverflowError:
        raise InvalidInput(path, "A timestamp lies between the years 1 and 9999.") from None
