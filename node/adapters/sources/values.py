"""Cells of delivered files as values. Every function raises CellError, whose text never repeats the cell.

The traps behind these rules (null words, date forms, sentinels, words around codes, masked numbers) were met in real
files of credit platforms.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta

from node.errors import InvalidInput
from node.model.calendar import day_in_china
from node.model.identifiers import IdWarning, normalise, parse_subject_id
from node.model.subject import IdType, SubjectRef

_NULLS = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "\\N", "\\n", "NULL", "UNDEFINED", "NONE", "NAN", "N/A", "无", "暂无"}
)
_YES = frozenset({"YES", "Y", "TRUE", "1", "是"})
_NO = frozenset({"NO", "N", "FALSE", "0", "否"})
_OPEN_END = 2099
_BEGINNING = date(1900, 1, 2)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LOST = ("\N{REPLACEMENT CHARACTER}", "锟斤拷")
_DAY = re.compile(
    r"(?P<y>[0-9]{4})(?:(?P<sep>[-/.])(?P<m>[0-9]{1,2})(?P=sep)(?P<d>[0-9]{1,2})"
    r"|年(?P<m2>[0-9]{1,2})月(?P<d2>[0-9]{1,2})日|(?P<m3>[0-9]{2})(?P<d3>[0-9]{2}))"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
)
_CODE_IN_WORDS = re.compile(r"(?:统一社会信用代码)?\s*:?\s*([0-9A-Z]{18})\s*(?:\((?:\d{1,2}/\d{1,2})?\))?", re.ASCII)


class CellError(ValueError):
    """A cell cannot be read; the text says what to do."""


def clean(text: str) -> str:
    """The cell in NFKC without outer white space; null words become the empty string.

    Raises CellError for characters that an earlier conversion lost and for control characters inside a cell.
    """
    if any(lost in text for lost in _LOST):
        raise CellError("characters were lost in an earlier conversion; export the row again from its source")
    value = unicodedata.normalize("NFKC", text).strip()
    if value.upper().replace(" ", "") in _NULLS:
        return ""
    if _CONTROL.search(value):
        raise CellError("the cell holds control characters; export the row again from its source")
    return value


def clean_text(text: str) -> str:
    """A text to be shown: as delivered but for outer white space; null words become the empty string."""
    return text.strip() if clean(text) else ""


def required(value: str) -> str:
    """The value. Raises CellError when the cell was empty or held a null word."""
    if not value:
        raise CellError("the cell is empty; fill it in")
    return value


def read_flag(text: str) -> bool:
    """Yes or no, said explicitly: a flag that keeps a record out of reports is never guessed (R043-R053, F07)."""
    value = clean(text).upper()
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise CellError("write yes or no (是 or 否)")


def read_day(text: str) -> date | None:
    """A calendar day in China, or None for an empty cell and for sentinels that mean open (9999-12-31, 2099-12-31).

    Raises CellError for anything else that is no day, impossible days (2022-09-31) and beginnings of time (1900-01-01).
    """
    value = clean(text)
    if not value:
        return None
    day = _parse_day(value)
    if day.year >= _OPEN_END:
        return None
    if day < _BEGINNING:
        raise CellError("this day stands for an unknown one; find the true day or leave the cell empty")
    return day


def _parse_day(value: str) -> date:
    if re.fullmatch(r"[0-9]{13}", value):
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))
        return day_in_china(instant)
    if re.fullmatch(r"[0-9]{5}", value):
        raise CellError("this is a spreadsheet's day count; format the column as a date and export again")
    found = _DAY.fullmatch(value)
    if found is None:
        raise CellError("this is not a day; write it as 2026-11-20")
    parts = found.groupdict()
    month, day = parts["m"] or parts["m2"] or parts["m3"], parts["d"] or parts["d2"] or parts["d3"]
    try:
        return date(int(parts["y"]), int(month), int(day))
    except ValueError:
        raise CellError("there is no such day in the calendar; correct it") from None


def read_past_day(text: str, today: date) -> date | None:
    """A day that is not after `today`. Raises CellError."""
    day = read_day(text)
    if day is not None and day > today:
        raise CellError("the day lies in the future; correct it")
    return day


def read_id_type(text: str) -> IdType:
    """Which register the identifier belongs to, by code or in Chinese."""
    value = required(clean(text)).lower()
    types = {
        IdType.USCC.value: IdType.USCC,
        "统一社会信用代码": IdType.USCC,
        IdType.RESIDENT_ID.value: IdType.RESIDENT_ID,
        "居民身份证": IdType.RESIDENT_ID,
        "身份证": IdType.RESIDENT_ID,
    }
    if value not in types:
        raise CellError("write uscc or resident_id (统一社会信用代码 or 居民身份证)")
    return types[value]


def read_subject(id_type: IdType, text: str) -> tuple[SubjectRef, tuple[IdWarning, ...]]:
    """The subject, without words around its code. Raises CellError for masked, missing and malformed identifiers."""
    value = normalise(required(clean(text)))
    if "*" in value:
        raise CellError("the identifier is masked and matches nobody; deliver it in full")
    if id_type is IdType.USCC and (found := _CODE_IN_WORDS.fullmatch(value)):
        value = found[1]
    try:
        return parse_subject_id(id_type, value)
    except InvalidInput as error:
        raise CellError(error.message) from None
