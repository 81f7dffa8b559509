"""Ready means able to be trusted (docs/protocol.md, Trust registry; issue: Metrics)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from node.readiness import Facts, MissingKey, checks, is_ready

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SIGNING, LOG = MissingKey("signing", "its token is locked"), MissingKey("log", "its token is gone")
GOOD = Facts(
    missing_keys=(),
    trust_anchors=4,
    database_writable=True,
    schema="0003",
    expected_schema="0003",
    now=NOW,
    built_at=NOW - timedelta(days=30),
    own_evidence=NOW - MINUTE,
    peer_evidence=(NOW - MINUTE, NOW, NOW + timedelta(seconds=20)),
    allowed_skew=MINUTE,
)


def failing(facts: Facts) -> list[str]:
    return [check.name for check in checks(facts) if not check.ok]


def test_a_node_that_can_be_trusted_is_ready() -> None:
    assert is_ready(checks(GOOD))
    assert [check.name for check in checks(GOOD)] == ["keys", "trust_anchors", "database", "schema", "clock"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (replace(GOOD, missing_keys=(SIGNING, LOG)), "keys"),
        (replace(GOOD, trust_anchors=0), "trust_anchors"),
        (replace(GOOD, database_writable=False), "database"),
        (replace(GOOD, schema="0002"), "schema"),
        (replace(GOOD, schema=""), "schema"),
        (replace(GOOD, built_at=NOW + timedelta(days=1)), "clock"),
        (replace(GOOD, own_evidence=NOW + 2 * MINUTE), "clock"),
        (replace(GOOD, peer_evidence=(NOW, NOW + 2 * MINUTE, NOW + 2 * MINUTE)), "clock"),
    ],
)
def test_each_fault_makes_it_unready_and_is_named(facts: Facts, name: str) -> None:
    assert failing(facts) == [name]
    assert not is_ready(checks(facts))


def test_every_failing_check_says_what_to_do() -> None:
    worst = replace(
        GOOD,
        missing_keys=(SIGNING,),
        trust_anchors=0,
        database_writable=False,
        schema="",
        now=NOW - timedelta(days=365),
    )
    sentences = {check.name: check.sentence for check in checks(worst)}
    assert not any(check.ok for check in checks(worst))
    assert "signing: its token is locked." in sentences["keys"]
    assert "huxin trust import" in sentences["trust_anchors"]
    assert "NTP" in sentences["clock"]


def test_all_faults_are_found_at_once() -> None:
    assert failing(replace(GOOD, missing_keys=(LOG,), database_writable=False)) == ["keys", "database"]


def test_one_lying_peer_cannot_make_us_doubt_our_clock() -> None:
    lie = NOW + timedelta(days=400)
    assert failing(replace(GOOD, peer_evidence=(NOW, NOW, lie))) == []
    assert failing(replace(GOOD, peer_evidence=(lie,))) == []
    assert failing(replace(GOOD, peer_evidence=(lie, lie))) == []


def test_clocks_may_differ_by_the_allowed_skew() -> None:
    assert failing(replace(GOOD, own_evidence=NOW + MINUTE)) == []
    assert failing(replace(GOOD, own_evidence=NOW + MINUTE + timedelta(microseconds=1))) == ["clock"]


def test_a_new_node_without_any_evidence_is_ready() -> None:
    assert is_ready(checks(replace(GOOD, own_evidence=None, peer_evidence=())))


def test_old_evidence_does_not_unready() -> None:
    """Expired trust state serves: every decision is at most REFER (protocol.md, Trust registry)."""
    long_ago = NOW - timedelta(days=900)
    assert is_ready(checks(replace(GOOD, own_evidence=long_ago, peer_evidence=(long_ago,) * 5)))


def test_no_checks_at_all_are_not_readiness() -> None:
    assert not is_ready(())
