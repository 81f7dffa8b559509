"""What changed between two versions of a catalogue, line by line, in words a reviewer can sign off (R080)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from node.model.catalogue import Catalogue, CollectedType, Edition, Row, Scheme

_METADATA = ("territory", "name_zh", "name_en", "valid_from", "valid_until", "rows_known", "stated_domains")


@dataclass(frozen=True, slots=True)
class Change:
    """One change at one place; `before` or `after` is empty where there was or is nothing."""

    place: str
    before: str
    after: str


def difference(old: Edition, new: Edition) -> tuple[Change, ...]:
    """All changes: metadata, scheme, rows in order, crosswalk. Remarks are left out, as in the digest."""
    return (
        *_values("", _METADATA, old.catalogue, new.catalogue),
        *_values("scheme.", tuple(f.name for f in fields(Scheme)), old.catalogue.scheme, new.catalogue.scheme),
        *_rows(old.catalogue, new.catalogue),
        *_crosswalk(old, new),
    )


def _values(prefix: str, names: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:
    for name in names:
        before, after = _text(getattr(old, name)), _text(getattr(new, name))
        if before != after:
            yield Change(prefix + name, before, after)


def _rows(old: Catalogue, new: Catalogue) -> Iterator[Change]:
    for code in dict.fromkeys((*old.rows, *new.rows)):
        before, after = old.rows.get(code), new.rows.get(code)
        if before is None or after is None:
            yield Change(f"row {code}", before.local_name if before else "", after.local_name if after else "")
            continue
        if before.local_name != after.local_name:
            yield Change(f"row {code} name", before.local_name, after.local_name)
        yield from _types(before, after)
        for name in ("units", "severe_lists"):
            if getattr(before, name) != getattr(after, name):
                yield Change(f"row {code} {name}", _text(getattr(before, name)), _text(getattr(after, name)))


def _types(before: Row, after: Row) -> Iterator[Change]:
    for record_type in dict.fromkeys(t.record_type for t in (*before.types, *after.types)):
        old, new = _collected(before.collects(record_type)), _collected(after.collects(record_type))
        if old != new:
            yield Change(f"row {before.local_code} {record_type}", old, new)


def _collected(collected: CollectedType | None) -> str:
    if collected is None:
        return ""
    return " ".join((f"since {collected.since}", *sorted(collected.caveats)))


def _crosswalk(old: Edition, new: Edition) -> Iterator[Change]:
    before = {(code, leaf): r.value for code, pairs in old.crosswalk.lines.items() for leaf, r in pairs}
    after = {(code, leaf): r.value for code, pairs in new.crosswalk.lines.items() for leaf, r in pairs}
    for code, leaf in dict.fromkeys((*before, *after)):
        if before.get((code, leaf)) != after.get((code, leaf)):
            yield Change(f"crosswalk {code} {leaf}", before.get((code, leaf), ""), after.get((code, leaf), ""))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, frozenset):
        return "; ".join(sorted(map(str, value)))
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value)
