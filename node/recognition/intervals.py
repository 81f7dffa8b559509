"""Arithmetic of half-open intervals of days. A `Spans` is disjoint and in order; every function keeps it so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from node.model.calendar import Period

Spans = tuple[Period, ...]


def span(start: date, end: date) -> Spans:
    """[start, end), or nothing when it is empty or reversed."""
    return (Period(start, end),) if start < end else ()


def overlap(spans: Spans, windows: Spans) -> Spans:
    """The days that lie in both."""
    both = (one.intersection(other) for one in spans for other in windows)
    return tuple(period for period in both if period is not None)


def subtract(spans: Spans, windows: Spans) -> Spans:
    """The days of `spans` that lie in none of `windows`."""
    for window in windows:
        spans = tuple(
            rest
            for period in spans
            for rest in (
                *span(period.start, min(period.end, window.start)),
                *span(max(period.start, window.end), period.end),
            )
        )
    return spans


def union(periods: Iterable[Period]) -> Spans:
    """All days of `periods`, touching and overlapping ones joined."""
    joined: list[Period] = []
    for period in sorted(periods):
        if joined and period.start <= joined[-1].end:
            joined[-1] = Period(joined[-1].start, max(joined[-1].end, period.end))
        else:
            joined.append(period)
    return tuple(joined)
