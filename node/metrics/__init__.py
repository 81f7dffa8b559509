"""What the node counts and measures (`docs/metrics.md`). One `Metrics` per process, made by the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from node.metrics import families
from node.metrics.live import LiveCollector, MessageReading, PeerReading, Readings

__all__ = ["OTHER", "MessageReading", "Metrics", "PeerReading", "Readings", "Vocabulary"]

OTHER = "OTHER"
"""Label value for any name outside its closed list: what a caller invents never makes a new series."""

_CODES = frozenset(
    {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    }
)
_DECISIONS = frozenset({"ACCEPT", "REFER", "REJECT", "NONE"})
_MESSAGE_OUTCOMES = frozenset({"delivered", "refused", "expired", "handled", "parked"})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The closed lists that bound the series. Methods as `package.Service/Method`, reasons in UPPER_SNAKE_CASE.

    `verdict_reasons` need not name `NONE`, the reason of a verdict that has none.
    """

    methods: frozenset[str]
    verdict_reasons: frozenset[str]
    refusal_reasons: frozenset[str]
    refresh_results: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    acknowledgements: frozenset[str] = frozenset()
    swept: frozenset[str] = frozenset()


class Metrics:
    """All metrics of one node. Observing is cheap (about a microsecond) and never raises for an unknown name."""

    def __init__(self, registry: CollectorRegistry, vocabulary: Vocabulary) -> None:
        self._registry = registry
        self._words = vocabulary
        self._verdict_reasons = vocabulary.verdict_reasons | {"NONE"}
        self._requests = _counter(families.RPC_REQUESTS, registry)
        self._verdicts = _counter(families.VERDICTS, registry)
        self._duration = _histogram(families.RPC_DURATION, registry)
        self._issue_duration = _histogram(families.REPORT_ISSUE_DURATION, registry)
        self._issued = _counter(families.REPORTS_ISSUED, registry)
        self._group_size = _histogram(families.COMMIT_GROUP_SIZE, registry)
        refusals = _counter(families.REFUSALS, registry)
        self._refreshes = _counter(families.REGISTRY_REFRESHES, registry)
        self._limited = _counter(families.LIMITED, registry)
        self._acknowledgements = _counter(families.ACKNOWLEDGEMENTS, registry)
        self._propagation = _histogram(families.PROPAGATION, registry)
        self._messages = _counter(families.MESSAGES_ENDED, registry)
        self._swept = _counter(families.STATEMENTS_SWEPT, registry)
        self._ready = _gauge(families.READY, registry)
        self._build = _gauge(families.BUILD_INFO, registry)
        ProcessCollector(registry=registry)
        # Children are looked up in plain dicts: `labels()` costs more than the counting itself.
        self._rpc_children: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._verdict_children: dict[tuple[str, str], Counter] = {}
        # All made at once, so that the first refusal of a kind is an increase that a rate can see.
        self._refusal_children = {
            reason: refusals.labels(reason) for reason in sorted(vocabulary.refusal_reasons | {OTHER})
        }

    def observe_rpc(self, method: str, code: str, seconds: float) -> None:
        """One call was answered. `code`: name of the gRPC status code, such as `OK`."""
        children = self._rpc_children.get((method, code))
        if children is None:
            children = self._rpc_child(method, code)
        children[0].inc()
        children[1].observe(seconds)

    def observe_verdict(self, decision: str | None, reason: str | None) -> None:
        """One verdict was given: its decision (None without a requirement) and its most serious reason, if any."""
        key = (decision or "NONE", reason or "NONE")
        child = self._verdict_children.get(key)
        if child is None:
            known = (_known(key[0], _DECISIONS), _known(key[1], self._verdict_reasons))
            child = self._verdict_children.setdefault(known, self._verdicts.labels(*known))
        child.inc()

    def observe_issue(self, seconds: float) -> None:
        """One report was committed, so many seconds after it was asked for."""
        self._issue_duration.observe(seconds)
        self._issued.inc()

    def observe_commit_group(self, reports: int) -> None:
        """One durable commit was shared by so many reports."""
        self._group_size.observe(reports)

    def observe_refusal(self, reason: str) -> None:
        """One call was refused for its certificate."""
        self._refusal_children.get(reason, self._refusal_children[OTHER]).inc()

    def observe_refresh(self, peer: str, reason: str) -> None:
        """One attempt to refresh the trust registry from a peer; `reason` says why it failed, "" that it did not."""
        self._refreshes.labels(peer, _known(reason or "OK", self._words.refresh_results)).inc()

    def observe_limited(self, peer: str, limit: str) -> None:
        """A caller met a limit. `peer`: its division, or the party of an own workload."""
        self._limited.labels(peer, _known(limit, self._words.limits)).inc()

    def observe_acknowledgement(self, peer: str, result: str) -> None:
        """A peer said how much it holds of our log, and what came of it."""
        self._acknowledgements.labels(peer, _known(result, self._words.acknowledgements)).inc()

    def observe_propagation(self, peer: str, seconds: float) -> None:
        """A peer has said that it holds what was committed so many seconds ago."""
        self._propagation.labels(peer).observe(seconds)

    def observe_message(self, peer: str, outcome: str) -> None:
        """One message to or from a peer came to an end, or was parked."""
        self._messages.labels(peer, _known(outcome, _MESSAGE_OUTCOMES)).inc()

    def count_swept(self, peer: str, result: str, statements: int) -> None:
        """The signatures of so many statements of a peer's log came to this; 0 to begin with."""
        self._swept.labels(peer, _known(result, self._words.swept)).inc(statements)

    def set_ready(self, checks: Mapping[str, bool]) -> None:
        """The newest result of every readiness check, by name."""
        for name, ok in checks.items():
            self._ready.labels(name).set(ok)

    def set_build(self, version: str, division: str) -> None:
        """Which version runs, for which jurisdiction."""
        self._build.labels(version, division).set(1)

    def watch(self, readings: Readings) -> None:
        """Asks these readings at each scrape from now on. Raises ValueError when called twice."""
        self._registry.register(LiveCollector(readings))

    def render(self, accept: str) -> tuple[bytes, str]:
        """Body and content type of a scrape, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _rpc_child(self, method: str, code: str) -> tuple[Counter, Histogram]:
        known_method, known_code = _known(method, self._words.methods), _known(code, _CODES)
        # Kept under the known names only: a caller's inventions must not fill the dict either.
        return self._rpc_children.setdefault(
            (known_method, known_code),
            (self._requests.labels(known_method, known_code), self._duration.labels(known_method)),
        )


def _known(name: str, names: frozenset[str]) -> str:
    return name if name in names else OTHER


def _counter(family: families.Family, registry: CollectorRegistry) -> Counter:
    return Counter(family.name, family.help, family.labels, registry=registry)


def _gauge(family: families.Family, registry: CollectorRegistry) -> Gauge:
    return Gauge(family.name, family.help, family.labels, registry=registry)


def _histogram(family: families.Family, registry: CollectorRegistry) -> Histogram:
    return Histogram(family.name, family.help, family.labels, registry=registry, buckets=family.buckets)
