"""Identifiers of subjects and reports: their forms, check characters and repairs of the way people type them.

Sources: GB 32100-2015 (unified social credit code), GB 11714-1997 (organisation code inside it), GB 11643-1999
(resident ID), ISO 7064 MOD 37,36 (check character of report numbers), Crockford base32. Nothing here says where a
subject is registered: a code keeps its division digits when its bearer moves, so the register decides that (R022).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from operator import mul

from node.errors import InvalidInput
from node.model.subject import IdType, SubjectRef

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: 31 characters, the index is the value; no I, O, S, V, Z."""

_DIGITS = frozenset("0123456789")
_USCC_CHARACTERS = frozenset(USCC_ALPHABET)
_USCC_VALUES = {character: value for value, character in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_RESIDENT_CHECKS = "10X98765432"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ISO_7064 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ISO_7064_VALUES = {character: value for value, character in enumerate(_ISO_7064)}
_CROCKFORD_CONFUSIONS = str.maketrans("OIL", "011")


class IdWarning(StrEnum):
    """A doubt about an identifier that asks for a look at the register instead of a refusal."""

    CHECK_CHARACTER = "CHECK_CHARACTER"
    """The code's own check character does not fit; some codes in use fail it."""
    ORGANISATION_CHECK = "ORGANISATION_CHECK"
    """The check character of the organisation code inside (positions 9-17) does not fit."""


@dataclass(frozen=True, slots=True)
class ReportNumber:
    """A report number in its one written form: `text` is 31 characters without separators."""

    text: str
    division: str
    day: date


def normalise(text: str) -> str:
    """Unicode NFKC (full-width to half-width), outer white space removed, upper case."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def uscc_check(body: str) -> str:
    """Check character (position 18) of the first 17 characters of a unified social credit code, GB 32100."""
    total = sum(map(mul, map(_USCC_VALUES.__getitem__, body[:17]), _USCC_WEIGHTS))
    # The outer modulus is what naive code forgets: a sum divisible by 31 has the check character 0.
    return USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_check(body: str) -> str:
    """Check character of the eight characters of an organisation code, GB 11714: A=10 ... Z=35, 10 is X, 11 is 0."""
    total = sum(map(mul, map(_ISO_7064_VALUES.__getitem__, body), _ORGANISATION_WEIGHTS))
    return "0123456789X0"[11 - total % 11]


def resident_check(body: str) -> str:
    """Check character (position 18) of the first 17 digits of a resident ID, GB 11643."""
    return _RESIDENT_CHECKS[sum(int(c) * w for c, w in zip(body, _RESIDENT_WEIGHTS, strict=True)) % 11]


def parse_subject_id(id_type: IdType, text: str, field: str = "subject.id") -> tuple[SubjectRef, tuple[IdWarning, ...]]:
    """The normalised identifier and what is doubtful about it.

    Raises InvalidInput, naming `field` and never the value, when the form is wrong. A unified social credit code whose
    check character fails is returned with a warning (real codes fail it); a resident ID whose check fails is refused.
    """
    value = normalise(text)
    if id_type is IdType.USCC:
        return SubjectRef(id_type, value), _check_uscc(value, field)
    _check_resident_id(value, field)
    return SubjectRef(id_type, value), ()


def _check_uscc(value: str, field: str) -> tuple[IdWarning, ...]:
    if len(value) != 18:
        advice = f"a unified social credit code has 18 characters, this one has {len(value)}"
        if len(value) == 15 and _DIGITS.issuperset(value):
            advice += "; 15 digits look like an old registration number: ask for the code on the current licence"
        raise InvalidInput(field, advice, "SUBJECT_ID_LENGTH")
    if not _USCC_CHARACTERS.issuperset(value):
        position = next(i for i, c in enumerate(value, 1) if c not in USCC_ALPHABET)
        raise InvalidInput(
            field,
            f"character {position} cannot stand in a unified social credit code: digits and capital letters without "
            "I, O, S, V, Z; look for 1, 0, 5, U or 2 misread",
            "SUBJECT_ID_ALPHABET",
        )
    if not _DIGITS.issuperset(value[2:8]):
        raise InvalidInput(
            field,
            "characters 3 to 8 of a unified social credit code are digits; compare them with the licence",
            "SUBJECT_ID_FORM",
        )
    warnings = []
    if uscc_check(value[:17]) != value[17]:
        warnings.append(IdWarning.CHECK_CHARACTER)
    if organisation_check(value[8:16]) != value[16]:
        warnings.append(IdWarning.ORGANISATION_CHECK)
    return tuple(warnings)


def _check_resident_id(value: str, field: str) -> None:
    if len(value) == 15 and _DIGITS.issuperset(value):
        raise InvalidInput(
            field,
            "15-digit resident IDs are no longer in use; ask for the 18-character number on the current card",
            "SUBJECT_ID_OLD_FORM",
        )
    if len(value) != 18 or not _DIGITS.issuperset(value[:17]) or value[17] not in _RESIDENT_CHECKS:
        raise InvalidInput(
            field,
            "a resident ID has 17 digits and a last character that is a digit or X; compare it with the card",
            "SUBJECT_ID_FORM",
        )
    if _calendar_day(value[6:14]) is None:
        raise InvalidInput(
            field,
            "digits 7 to 14 of a resident ID are a date of birth, and these are no day of the calendar",
            "SUBJECT_ID_BIRTH_DATE",
        )
    if resident_check(value[:17]) != value[17]:
        raise InvalidInput(
            field,
            "the last character does not fit the other 17; compare the number with the card",
            "SUBJECT_ID_CHECK",
        )


def make_report_number(division: str, day: date, random10: bytes) -> str:
    """A report number: division6, yyyymmdd, 16 Crockford base32 characters of 80 random bits, one check character.

    `day` is the day of issue in China, `random10` 10 bytes from a cryptographic source. Raises ValueError for another
    length or a division that is not six digits: both are mistakes of the program, not of a caller.
    """
    if len(division) != 6 or not _DIGITS.issuperset(division):
        raise ValueError("a division code has six digits")
    if len(random10) != 10:
        raise ValueError("a report number takes 10 random bytes")
    number = int.from_bytes(random10, "big")
    random = "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(75, -1, -5))
    body = f"{division}{day:%Y%m%d}{random}"
    return body + _mod_37_36(body)


def parse_report_number(text: str, field: str = "report_number") -> ReportNumber:
    """Read a report number as people type it: lower case, full-width, spaces, hyphens, o for 0, i and l for 1.

    Raises InvalidInput saying which part is wrong. The check character is taken as typed: ISO 7064 uses O, I and L
    there as characters of their own, and folding them would let some misprints through.
    """
    value = "".join(c for c in normalise(text) if not c.isspace() and c not in "-‐‑–—_")
    if len(value) != 31:
        raise InvalidInput(
            field,
            f"a report number has 31 characters, this one has {len(value)} without spaces and hyphens; "
            "copy it whole from the head of the report",
            "REPORT_NUMBER_LENGTH",
        )
    body, check = value[:30].translate(_CROCKFORD_CONFUSIONS), value[30]
    division, random = body[:6], body[14:]
    day = _calendar_day(body[6:14])
    if not _DIGITS.issuperset(division):
        raise InvalidInput(
            field, "its first six characters are not a division code (six digits)", "REPORT_NUMBER_DIVISION"
        )
    if day is None:
        raise InvalidInput(field, "characters 7 to 14 are not a day (yyyymmdd)", "REPORT_NUMBER_DAY")
    if not set(random) <= set(_CROCKFORD):
        position = next(i for i, c in enumerate(random, 15) if c not in _CROCKFORD)
        raise InvalidInput(
            field, f"character {position} is never used there (digits and letters without U)", "REPORT_NUMBER_RANDOM"
        )
    if _mod_37_36(body) != check:
        raise InvalidInput(
            field,
            "its last character does not fit the others: one of them is misread; compare them one by one "
            "(the last may be a letter O, I or L)",
            "REPORT_NUMBER_CHECK",
        )
    return ReportNumber(body + check, division, day)


def _mod_37_36(body: str) -> str:
    """ISO 7064 MOD 37,36 check character: finds every single wrong character."""
    product = 36
    for character in body:
        product = ((product + _ISO_7064.index(character)) % 36 or 36) * 2 % 37
    return _ISO_7064[(37 - product) % 36]


def _calendar_day(digits: str) -> date | None:
    if not _DIGITS.issuperset(digits):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
