"""Closed-loop load: so many callers, each with one call under way at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Load:
    """One repetition: calls per second, and latencies in seconds."""

    rate: float
    p50: float
    p99: float


async def drive(call: Call, first: int, count: int, callers: int) -> Load:
    """Makes `count` calls, numbered from `first`, by so many callers."""
    numbers = iter(range(first, first + count))
    latencies: list[float] = []

    async def caller() -> None:
        for number in numbers:
            began = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    rate = count / (time.perf_counter() - began)
    cuts = quantiles(latencies, n=100)
    return Load(rate, cuts[49], cuts[98])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians over repetitions in which limit and work took turns, so that what else the machine did met both."""

    work: Load
    limit: Load
    ratio: float


async def compare(work: Call, limit: Call, count: int, callers: int, repetitions: int) -> Comparison:
    """Repeats: `count` calls of the limit, then `count` calls of the work, by so many callers."""
    limits, works = [], []
    for turn in range(repetitions):
        limits.append(await drive(limit, turn * count, count, callers))
        works.append(await drive(work, turn * count, count, callers))
    ratios = [done.rate / bare.rate for done, bare in zip(works, limits, strict=True)]
    return Comparison(_middle(works), _middle(limits), median(ratios))


def _middle(loads: Sequence[Load]) -> Load:
    return Load(
        median(load.rate for load in loads), median(load.p50 for load in loads), median(load.p99 for load in loads)
    )
