from __future__ import annotations

import timeit
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from node.metrics import OTHER, Metrics, PeerReading, Vocabulary
from node.metrics.families import FAMILIES, Kind, reference
from node.model.expiry import Expiry, ExpiryKind
from tests.support.metrics import VERIFY, VOCABULARY, exercised, readings

ROOT = Path(__file__).parent.parent


def scraped(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape, by name and labels."""
    text = metrics.render("text/plain")[0].decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    return scraped(metrics).get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), VOCABULARY)


def test_everything_exported_is_declared_with_its_type_labels_and_help() -> None:
    text = exercised().render("text/plain")[0].decode()
    exported = {
        (f.name + ("_total" if f.type == "counter" else ""), f.type, f.documentation): {
            label for sample in f.samples for label in sample.labels if label != "le"
        }
        for f in text_string_to_metric_families(text)
        if not f.name.startswith("process_") and not f.name.endswith("_created")
    }
    assert exported == {(f.name, f.kind.value, f.help): set(f.labels) for f in FAMILIES}


def test_names_follow_the_conventions() -> None:
    for family in FAMILIES:
        assert family.name.startswith("huxin_")
        assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
        assert "_milliseconds" not in family.name
        assert family.help.endswith(".")
        assert bool(family.buckets) == (family.kind is Kind.HISTOGRAM)


def test_docs_equal_what_is_exported() -> None:
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == reference()


def test_calls_are_counted_by_method_and_code(metrics: Metrics) -> None:
    metrics.observe_rpc(VERIFY, "OK", 0.003)
    metrics.observe_rpc(VERIFY, "OK", 0.4)
    metrics.observe_rpc(VERIFY, "NOT_FOUND", 0.001)
    assert value(metrics, "huxin_rpc_requests_total", method=VERIFY, code="OK") == 2
    assert value(metrics, "huxin_rpc_requests_total", method=VERIFY, code="NOT_FOUND") == 1
    assert value(metrics, "huxin_rpc_duration_seconds_bucket", method=VERIFY, le="0.005") == 2
    assert value(metrics, "huxin_rpc_duration_seconds_count", method=VERIFY) == 3


def test_names_a_caller_invents_make_no_series(metrics: Metrics) -> None:
    for number in range(1000):
        metrics.observe_rpc(f"huxin.v1.Invented/Method{number}", f"CODE{number}", 0.1)
        metrics.observe_verdict(f"D{number}", f"R{number}")
        metrics.observe_refusal(f"R{number}")
    assert value(metrics, "huxin_rpc_requests_total", method=OTHER, code=OTHER) == 1000
    assert value(metrics, "huxin_verdicts_total", decision=OTHER, reason=OTHER) == 1000
    assert value(metrics, "huxin_refusals_total", reason=OTHER) == 1000
    assert "Invented" not in metrics.render("text/plain")[0].decode()
    assert len(metrics._rpc_children) == 1


def test_verdicts_by_decision_and_reason(metrics: Metrics) -> None:
    metrics.observe_verdict("ACCEPT", None)
    metrics.observe_verdict("REJECT", "SIGNATURE_INVALID")
    metrics.observe_verdict("REJECT", "SIGNATURE_INVALID")
    metrics.observe_verdict(None, None)
    assert value(metrics, "huxin_verdicts_total", decision="ACCEPT", reason="NONE") == 1
    assert value(metrics, "huxin_verdicts_total", decision="REJECT", reason="SIGNATURE_INVALID") == 2
    assert value(metrics, "huxin_verdicts_total", decision="NONE", reason="NONE") == 1


def test_refusals_start_at_zero_so_that_the_first_one_is_an_increase(metrics: Metrics) -> None:
    assert value(metrics, "huxin_refusals_total", reason="NOT_PERMITTED") == 0
    metrics.observe_refusal("NOT_PERMITTED")
    assert value(metrics, "huxin_refusals_total", reason="NOT_PERMITTED") == 1


def test_refreshes_of_the_registry_by_peer_and_reason(metrics: Metrics) -> None:
    metrics.observe_refresh("520000", "")
    metrics.observe_refresh("520000", "REGISTRY_ROLLBACK")
    metrics.observe_refresh("520000", "INVENTED")
    for result in ("OK", "REGISTRY_ROLLBACK", OTHER):
        assert value(metrics, "huxin_registry_refreshes_total", peer="520000", result=result) == 1


def test_limits_and_acknowledgements_by_peer(metrics: Metrics) -> None:
    metrics.observe_limited("520000", "calls")
    metrics.observe_limited("520000", "invented")
    metrics.observe_acknowledgement("520000", "COUNTED")
    metrics.observe_acknowledgement("520000", "INVENTED")
    metrics.observe_propagation("520000", 0.03)
    for limit in ("calls", OTHER):
        assert value(metrics, "huxin_limited_total", peer="520000", limit=limit) == 1
    for result in ("COUNTED", OTHER):
        assert value(metrics, "huxin_acknowledgements_total", peer="520000", result=result) == 1
    assert value(metrics, "huxin_propagation_seconds_bucket", peer="520000", le="0.025") == 0
    assert value(metrics, "huxin_propagation_seconds_bucket", peer="520000", le="0.05") == 1


def test_signatures_swept_begin_at_zero(metrics: Metrics) -> None:
    metrics.count_swept("520000", "HOLDS", 0)
    assert value(metrics, "huxin_statements_swept_total", peer="520000", result="HOLDS") == 0
    metrics.count_swept("520000", "HOLDS", 3)
    metrics.count_swept("520000", "INVENTED", 1)
    assert value(metrics, "huxin_statements_swept_total", peer="520000", result="HOLDS") == 3
    assert value(metrics, "huxin_statements_swept_total", peer="520000", result=OTHER) == 1


def test_what_a_peer_holds_of_our_log_and_lacks(metrics: Metrics) -> None:
    metrics.watch(
        readings(lambda: [PeerReading("520000", True, 0, 1.0, None, (9, 3)), PeerReading("210000", True, 0, 1.0)])
    )
    assert value(metrics, "huxin_peer_acknowledged_entries", peer="520000") == 9
    assert value(metrics, "huxin_peer_acknowledged_lag_entries", peer="520000") == 3
    assert value(metrics, "huxin_peer_acknowledged_entries", peer="210000") is None


def test_issues_and_commit_groups(metrics: Metrics) -> None:
    metrics.observe_issue(0.02)
    metrics.observe_commit_group(17)
    assert value(metrics, "huxin_reports_issued_total") == 1
    assert value(metrics, "huxin_report_issue_duration_seconds_count") == 1
    assert value(metrics, "huxin_commit_group_size_bucket", le="16.0") == 0
    assert value(metrics, "huxin_commit_group_size_bucket", le="32.0") == 1


def test_ages_are_asked_for_at_each_scrape(metrics: Metrics) -> None:
    ages = iter([5.0, 65.0])
    metrics.watch(readings(peers=lambda: [PeerReading("520000", True, 0, next(ages))]))
    assert value(metrics, "huxin_replica_age_seconds", peer="520000") == 5
    assert value(metrics, "huxin_replica_age_seconds", peer="520000") == 65


def test_a_peer_of_which_nothing_is_known_has_no_lag_and_no_age_but_is_seen(metrics: Metrics) -> None:
    metrics.watch(readings(peers=lambda: [PeerReading("210000", False, None, None)]))
    assert value(metrics, "huxin_peer_connected", peer="210000") == 0
    assert value(metrics, "huxin_replica_lag_entries", peer="210000") is None
    assert value(metrics, "huxin_replica_age_seconds", peer="210000") is None
    assert value(metrics, "huxin_clock_offset_seconds", peer="210000") is None


def test_a_peer_that_leaves_takes_its_series_along(metrics: Metrics) -> None:
    peers = [PeerReading("520000", True, 3, 1.0)]
    metrics.watch(readings(peers=lambda: peers))
    assert value(metrics, "huxin_replica_lag_entries", peer="520000") == 3
    peers.clear()
    assert value(metrics, "huxin_replica_lag_entries", peer="520000") is None


def test_what_ends_is_told_by_kind_and_name_as_an_instant(metrics: Metrics) -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    told = [Expiry(ExpiryKind.CERTIFICATE, "ca/140000", ends), Expiry(ExpiryKind.METADATA, "root", ends)]
    metrics.watch(replace(readings(), expiries=lambda: told))
    for kind, name in (("certificate", "ca/140000"), ("metadata", "root")):
        assert value(metrics, "huxin_expiry_timestamp_seconds", kind=kind, name=name) == ends.timestamp()
    assert value(metrics, "huxin_clock_step_seconds") == 0.25
    told.clear()
    assert value(metrics, "huxin_expiry_timestamp_seconds", kind="metadata", name="root") is None


def test_watching_twice_is_refused(metrics: Metrics) -> None:
    metrics.watch(readings())
    with pytest.raises(ValueError, match="Duplicated"):
        metrics.watch(readings())


def test_a_reading_that_fails_fails_the_scrape(metrics: Metrics) -> None:
    def broken() -> dict[str, float]:
        raise RuntimeError

    metrics.watch(replace(readings(), trust_ages=broken))
    with pytest.raises(RuntimeError):
        metrics.render("text/plain")


def test_two_nodes_in_one_process_share_nothing() -> None:
    one, two = (Metrics(CollectorRegistry(), VOCABULARY) for _ in range(2))
    one.observe_issue(0.1)
    assert value(one, "huxin_reports_issued_total") == 1
    assert value(two, "huxin_reports_issued_total") == 0


def test_open_metrics_is_spoken_where_asked_for(metrics: Metrics) -> None:
    body, content_type = metrics.render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_observing_a_call_costs_less_than_three_microseconds(metrics: Metrics) -> None:
    metrics.observe_rpc(VERIFY, "OK", 0.001)
    rounds = 2000
    # The best of many short rounds: what the code costs, not what the machine does besides.
    best = min(timeit.repeat(lambda: metrics.observe_rpc(VERIFY, "OK", 0.001), number=rounds, repeat=25)) / rounds
    assert best < 3e-6


def test_vocabulary_is_the_bound_of_series() -> None:
    small = Metrics(CollectorRegistry(), Vocabulary(frozenset(), frozenset(), frozenset()))
    small.observe_rpc(VERIFY, "OK", 0.1)
    assert value(small, "huxin_rpc_requests_total", method=OTHER, code="OK") == 1
