"""Gauges whose value is asked for at each scrape, so that an age is never the age of an age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily

from node.metrics.families import (
    CLOCK_OFFSET,
    CLOCK_STEP,
    EXPIRY,
    INBOX_MESSAGES,
    LOG_SIZE,
    OUTBOX_MESSAGES,
    OUTBOX_OLDEST,
    PEER_ACKNOWLEDGED,
    PEER_ACKNOWLEDGED_LAG,
    PEER_CONNECTED,
    PEER_RETIRED,
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

    `clock_offset_seconds`: our clock less the peer's, None while nothing was heard of it lately. `acknowledged`:
    entries of our log that it says it holds, and how many it has not said so of; None before its first word.
    `clock_offset_seconds`: our clock less the peer's, None while nothing was heard of it lately. `withheld_entries`: of
    its log, that others hold and it has not announced; `witnesses`: how many others cosigned its log as we hold it.
    """

    peer: str
    connected: bool
    lag_entries: int | None
    age_seconds: float | None
    clock_offset_seconds: float | None = None
    acknowledged: tuple[int, int] | None = None
    withheld_entries: int = 0
    witnesses: int = 0


@dataclass(frozen=True, slots=True)
class MessageReading:
    """Messages to and from one peer that have not ended. `oldest_seconds` is None while none is queued."""

    queued: int
    oldest_seconds: float | None
    waiting: int
    parked: int
    retired: bool

    def open_by_state(self) -> tuple[tuple[str, int], ...]:
        """Those from the peer."""
        return ("waiting", self.waiting), ("parked", self.parked)


@dataclass(frozen=True, slots=True)
class Readings:
    """What to ask at a scrape. Each callable answers from memory at once: it runs on the event loop.

    `trust_ages`: seconds by issuer. `log_sizes`: entries by origin. `pool`: connections by state (`in_use`, `idle`).
    `expiries`: no two of one kind and name. `clock_step`: seconds by which civil time was set since the start.
    `messages`: by peer.
    `split_views`: how many peers showed a second history, by issuer.
    """

    peers: Callable[[], Iterable[PeerReading]]
    trust_ages: Callable[[], Mapping[str, float]]
    log_sizes: Callable[[], Mapping[str, int]]
    pool: Callable[[], Mapping[str, int]]
    expiries: Callable[[], Iterable[Expiry]]
    clock_step: Callable[[], float]
    messages: Callable[[], Mapping[str, MessageReading]] = dict
    split_views: Callable[[], Mapping[str, int]] = dict


class LiveCollector:
    """Turns readings into gauges. A reading that raises fails the scrape, which `HuxinNoMetrics` makes known."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def describe(self) -> Iterator[GaugeMetricFamily]:
        acknowledged = (PEER_ACKNOWLEDGED, PEER_ACKNOWLEDGED_LAG)
        by_peer = (PEER_CONNECTED, REPLICA_LAG, REPLICA_AGE, WITHHELD, WITNESSES, CLOCK_OFFSET, *acknowledged)
        messages = (OUTBOX_MESSAGES, OUTBOX_OLDEST, INBOX_MESSAGES, PEER_RETIRED)
        node = (SPLIT_VIEWS, TRUST_STATE_AGE, LOG_SIZE, POOL_CONNECTIONS, EXPIRY, CLOCK_STEP)
        for family in (*by_peer, *node, *messages):
            yield _gauge(family, {})

    def collect(self) -> Iterator[GaugeMetricFamily]:
        peers = tuple(self._readings.peers())
        yield _gauge(PEER_CONNECTED, {p.peer: p.connected for p in peers})
        yield _gauge(REPLICA_LAG, {p.peer: p.lag_entries for p in peers if p.lag_entries is not None})
        yield _gauge(REPLICA_AGE, {p.peer: p.age_seconds for p in peers if p.age_seconds is not None})
        offsets = {p.peer: p.clock_offset_seconds for p in peers if p.clock_offset_seconds is not None}
        yield _gauge(CLOCK_OFFSET, offsets)
        told = {p.peer: p.acknowledged for p in peers if p.acknowledged is not None}
        yield _gauge(PEER_ACKNOWLEDGED, {peer: held for peer, (held, _) in told.items()})
        yield _gauge(PEER_ACKNOWLEDGED_LAG, {peer: missing for peer, (_, missing) in told.items()})
        yield _gauge(WITHHELD, {p.peer: p.withheld_entries for p in peers})
        yield _gauge(WITNESSES, {p.peer: p.witnesses for p in peers})
        yield _gauge(SPLIT_VIEWS, self._readings.split_views())
        yield _gauge(TRUST_STATE_AGE, self._readings.trust_ages())
        yield _gauge(LOG_SIZE, self._readings.log_sizes())
        yield _gauge(POOL_CONNECTIONS, self._readings.pool())
        expiries = tuple(self._readings.expiries())
        yield _labelled(EXPIRY, {(each.kind.value, each.name): each.ends.timestamp() for each in expiries})
        yield _labelled(CLOCK_STEP, {(): self._readings.clock_step()})
        messages = self._readings.messages()
        yield _gauge(OUTBOX_MESSAGES, {peer: each.queued for peer, each in messages.items()})
        oldest = {peer: each.oldest_seconds for peer, each in messages.items() if each.oldest_seconds is not None}
        yield _gauge(OUTBOX_OLDEST, oldest)
        states = [(peer, word, count) for peer, m in messages.items() for word, count in m.open_by_state()]
        yield _labelled(INBOX_MESSAGES, {(peer, word): count for peer, word, count in states})
        yield _gauge(PEER_RETIRED, {peer: each.retired for peer, each in messages.items()})


def _gauge(family: Family, values: Mapping[str, float]) -> GaugeMetricFamily:
    return _labelled(family, {(label,): value for label, value in values.items()})


def _labelled(family: Family, values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        gauge.add_metric(labels, float(value))
    return gauge
