"""Gauges whose value is asked for at each scrape, so that an age is never the age of an age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily

from node.metrics.families import (
    CLOCK_OFFSET,
    CLOCK_STEP,
    EXPIRY,
    LOG_SIZE,
    PEER_CONNECTED,
    POOL_CONNECTIONS,
    REPLICA_AGE,
    REPLICA_LAG,
    SPLIT_VIEWS,
    TRUST_STATE_AGE,
    WITHHELD,
    WITNESSES,
    Family,
)
from node.model.expiry import Expiry


@dataclass(frozen=True, slots=True)
class PeerReading:
    """How we stand with one peer. `lag_entries` and `age_seconds` are None while nothing is known of its log.

    `clock_offset_seconds`: our clock less the peer's, None while nothing was heard of it lately. `withheld_entries`: of
    its log, that others hold and it has not announced; `witnesses`: how many others cosigned its log as we hold it.
    """

    peer: str
    connected: bool
    lag_entries: int | None
    age_seconds: float | None
    clock_offset_seconds: float | None = None
    withheld_entries: int = 0
    witnesses: int = 0


@dataclass(frozen=True, slots=True)
class Readings:
    """What to ask at a scrape. Each callable answers from memory at once: it runs on the event loop.

    `trust_ages`: seconds by issuer. `log_sizes`: entries by origin. `pool`: connections by state (`in_use`, `idle`).
    `expiries`: no two of one kind and name. `clock_step`: seconds by which civil time was set since the start.
    `split_views`: how many peers showed a second history, by issuer.
    """

    peers: Callable[[], Iterable[PeerReading]]
    trust_ages: Callable[[], Mapping[str, float]]
    log_sizes: Callable[[], Mapping[str, int]]
    pool: Callable[[], Mapping[str, int]]
    expiries: Callable[[], Iterable[Expiry]]
    clock_step: Callable[[], float]
    split_views: Callable[[], Mapping[str, int]] = dict


class LiveCollector:
    """Turns readings into gauges. A reading that raises fails the scrape, which `HuxinNoMetrics` makes known."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def describe(self) -> Iterator[GaugeMetricFamily]:
        by_peer = (PEER_CONNECTED, REPLICA_LAG, REPLICA_AGE, WITHHELD, WITNESSES, CLOCK_OFFSET)
        for family in (*by_peer, SPLIT_VIEWS, TRUST_STATE_AGE, LOG_SIZE, POOL_CONNECTIONS, EXPIRY, CLOCK_STEP):
            yield _gauge(family, {})

    def collect(self) -> Iterator[GaugeMetricFamily]:
        peers = tuple(self._readings.peers())
        yield _gauge(PEER_CONNECTED, {p.peer: p.connected for p in peers})
        yield _gauge(REPLICA_LAG, {p.peer: p.lag_entries for p in peers if p.lag_entries is not None})
        yield _gauge(REPLICA_AGE, {p.peer: p.age_seconds for p in peers if p.age_seconds is not None})
        offsets = {p.peer: p.clock_offset_seconds for p in peers if p.clock_offset_seconds is not None}
        yield _gauge(CLOCK_OFFSET, offsets)
        yield _gauge(WITHHELD, {p.peer: p.withheld_entries for p in peers})
        yield _gauge(WITNESSES, {p.peer: p.witnesses for p in peers})
        yield _gauge(SPLIT_VIEWS, self._readings.split_views())
        yield _gauge(TRUST_STATE_AGE, self._readings.trust_ages())
        yield _gauge(LOG_SIZE, self._readings.log_sizes())
        yield _gauge(POOL_CONNECTIONS, self._readings.pool())
        expiries = tuple(self._readings.expiries())
        yield _labelled(EXPIRY, {(each.kind.value, each.name): each.ends.timestamp() for each in expiries})
        yield _labelled(CLOCK_STEP, {(): self._readings.clock_step()})


def _gauge(family: Family, values: Mapping[str, float]) -> GaugeMetricFamily:
    return _labelled(family, {(label,): value for label, value in values.items()})


def _labelled(family: Family, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        gauge.add_metric(labels, float(value))
    return gauge
