"""Metrics on which every family has at least one sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from node.metrics import MessageReading, Metrics, PeerReading, Readings, Vocabulary
from node.model.expiry import Expiry, ExpiryKind

VERIFY = "huxin.v1.VerificationService/Verify"
VOCABULARY = Vocabulary(
    methods=frozenset({VERIFY}),
    verdict_reasons=frozenset({"SIGNATURE_INVALID"}),
    refusal_reasons=frozenset({"NOT_PERMITTED"}),
    refresh_results=frozenset({"OK", "REGISTRY_ROLLBACK"}),
    limits=frozenset({"calls"}),
    acknowledgements=frozenset({"COUNTED"}),
    swept=frozenset({"HOLDS"}),
)


def readings(peers: Callable[[], Iterable[PeerReading]] = tuple) -> Readings:
    """Readings of a node without peers, unless given."""
    return Readings(
        peers=peers,
        trust_ages=lambda: {"140000": 60.0},
        log_sizes=lambda: {"huxin/140000": 12},
        pool=lambda: {"in_use": 1, "idle": 9},
        expiries=lambda: [Expiry(ExpiryKind.CERTIFICATE, "node", datetime(2027, 1, 1, tzinfo=UTC))],
        clock_step=lambda: 0.25,
        messages=lambda: {"520000": MessageReading(2, 7.5, 1, 3, retired=True)},
        split_views=lambda: {"140000": 0},
    )


def exercised() -> Metrics:
    """A node's metrics after one of everything."""
    metrics = Metrics(CollectorRegistry(), VOCABULARY)
    metrics.observe_rpc(VERIFY, "OK", 0.1)
    metrics.observe_verdict("ACCEPT", None)
    metrics.observe_issue(0.1)
    metrics.observe_commit_group(2)
    metrics.observe_refusal("NOT_PERMITTED")
    metrics.observe_refresh("520000", "")
    metrics.observe_limited("520000", "calls")
    metrics.observe_acknowledgement("520000", "COUNTED")
    metrics.observe_propagation("520000", 0.02)
    metrics.count_swept("520000", "HOLDS", 1)
    metrics.observe_message("520000", "delivered")
    metrics.set_ready({"keys": True})
    metrics.set_build("0.1.0", "140000")
    metrics.watch(readings(lambda: [PeerReading("520000", True, 0, 3.0, -1.5, (12, 0))]))
    return metrics
