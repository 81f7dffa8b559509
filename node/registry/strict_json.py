"""JSON read strictly: no name twice in an object, whole numbers only, and two documents compared field by field."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from trust.errors import MalformedInput, NotCanonical, UnknownContent

SHOWN = 60
"""Characters shown of a place in a document: it may have been made by somebody who means harm."""


def read_json(data: bytes) -> dict[str, Any]:
    """The JSON object in UTF-8 bytes. Raises MalformedInput for anything else, for fractions and for repeated names."""
    try:
        found = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError):
        raise MalformedInput("the file is damaged or cut off: it is not JSON; ask for the original file") from None
    if not isinstance(found, dict):
        raise MalformedInput("the file holds no JSON object: ask for the original file")
    return found


def require_same(found: object, expected: object, place: str = "") -> None:
    """Raises UnknownContent, MalformedInput or NotCanonical naming the first place where `found` differs."""
    if type(found) is not type(expected):  # True equals 1, and is not what was written
        raise MalformedInput(f"{_shown(place)} is of another kind than this document has there: ask for the original")
    if isinstance(found, dict) and isinstance(expected, dict):
        _require_same_names(found, expected, place)
        for name, value in expected.items():
            require_same(found[name], value, f"{place}.{name}")
    elif isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            raise NotCanonical(
                f"{_shown(place)} has {len(found)} entries and not {len(expected)}: ask for the original document"
            )
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            require_same(one, other, f"{place}[{number}]")
    elif found != expected:
        raise NotCanonical(f"{_shown(place)} does not say what this kind of document says there: do not sign it")


def _require_same_names(found: dict[str, Any], expected: dict[str, Any], place: str) -> None:
    for name in found:
        if name not in expected:
            raise UnknownContent(
                f"{_shown(f'{place}.{name}')} is a field that this version does not know: upgrade huxin on this "
                "machine, or ask who wrote the document"
            )
    for name in expected:
        if name not in found:
            raise MalformedInput(f"{_shown(f'{place}.{name}')} is missing: ask for the original document")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedInput("a name stands twice in one object: readers could disagree on what it says")
    return found


def _refuse_number(text: str) -> NoReturn:
    del text
    raise MalformedInput("a number is not whole: no document of the registry has one")


def _shown(place: str) -> str:
    """A place, safe to print: names come from the document."""
    plain = ascii(place.removeprefix("."))[1:-1]
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}..."
