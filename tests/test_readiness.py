"""Ready means able to be trusted (docs/protocol.md, Trust registry; issue: Metrics)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.readiness import PEERS_FOR_A_MEDIAN, Facts, MissingKey, checks, is_ready

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
NONE = timedelta(0)
SIGNING, LOG = MissingKey("signing", "its token is locked"), MissingKey("log", "its token is gone")
GOOD = Facts(
    missing_keys=(),
    trust_anchors=4,
    misfit_log_keys=(),
    cosign_failure="",
    database_writable=True,
    schema="0003",
    expected_schema="0003",
    now=NOW,
    built_at=NOW - timedelta(days=30),
    own_evidence=NOW - MINUTE,
    oldest_head=3 * MINUTE,
    peer_evidence=(NOW - MINUTE, NOW, NOW + timedelta(seconds=20)),
    peer_offsets=(),
    allowed_skew=MINUTE,
)


def failing(facts: Facts) -> list[str]:
    return [check.name for check in checks(facts) if not check.ok]


def test_a_node_that_can_be_trusted_is_ready() -> None:
    assert is_ready(checks(GOOD))
    assert [check.name for check in checks(GOOD)] == [
        *("keys", "trust_anchors", "log_key", "own_history", "database", "schema", "clock")
    ]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (replace(GOOD, missing_keys=(SIGNING, LOG)), "keys"),
        (replace(GOOD, trust_anchors=0), "trust_anchors"),
        (replace(GOOD, misfit_log_keys=("log",)), "log_key"),
        (replace(GOOD, misfit_log_keys=("log", "cosigner")), "log_key"),
        (replace(GOOD, cosign_failure="DATABASE"), "log_key"),
        (replace(GOOD, successor="huxin/140000/2"), "log_key"),
        (replace(GOOD, own_evidence=None), "log_key"),
        (replace(GOOD, own_evidence=NOW - 3 * MINUTE - TICK), "log_key"),
        (replace(GOOD, foreign_heads=("520000",)), "own_history"),
        (replace(GOOD, database_writable=False), "database"),
        (replace(GOOD, schema="0002"), "schema"),
        (replace(GOOD, schema=""), "schema"),
        (replace(GOOD, built_at=NOW + timedelta(days=1)), "clock"),
        (replace(GOOD, own_evidence=NOW + 2 * MINUTE), "clock"),
        (replace(GOOD, peer_evidence=(NOW, NOW + 2 * MINUTE, NOW + 2 * MINUTE)), "clock"),
        (replace(GOOD, peer_offsets=(NONE, MINUTE + TICK, 9 * MINUTE)), "clock"),
        (replace(GOOD, peer_offsets=(NONE, -MINUTE - TICK, -9 * MINUTE)), "clock"),
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
        cosign_failure="DATABASE",
        database_writable=False,
        schema="",
        now=NOW - timedelta(days=365),
        foreign_heads=("520000", "620100"),
    )
    sentences = {check.name: check.sentence for check in checks(worst)}
    assert not any(check.ok for check in checks(worst))
    assert "signing: its token is locked." in sentences["keys"]
    assert "huxin trust import" in sentences["trust_anchors"]
    assert "NTP" in sentences["clock"]
    assert "(DATABASE)" in sentences["log_key"]
    assert "Peers (520000, 620100) hold heads" in sentences["own_history"]
    assert "cosigner key" in _sentence(replace(GOOD, misfit_log_keys=("cosigner",)), "log_key")


def _sentence(facts: Facts, name: str) -> str:
    return next(check.sentence for check in checks(facts) if check.name == name)


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        (
            replace(GOOD, successor="huxin/140000/2"),
            ("huxin/140000/2", "`huxin log close`", "keys.cosigner", "`huxin log found`", "start the node"),
        ),
        # With new keys: those that sign now are right for the log before, and wrong for the one that goes on.
        (replace(GOOD, successor="huxin/140000/2", misfit_log_keys=("log", "cosigner")), ("keys.log", "log found")),
        (replace(GOOD, successor="huxin/140000/2", cosign_failure="LOG_CLOSED"), ("start the node again",)),
        (replace(GOOD, cosign_failure="LOG_CLOSED"), ("start the node again",)),
        (replace(GOOD, cosign_failure="LOG_NOT_FOUNDED"), ("`huxin log found`",)),
    ],
)
def test_on_the_way_to_a_successor_log_nobody_is_told_to_restore_anything(facts: Facts, steps: tuple[str, ...]) -> None:
    sentence = _sentence(facts, "log_key")
    for step in steps:
        assert step in sentence
    for wrong in ("Restore", "Mend the database"):
        assert wrong not in sentence


def test_a_flag_is_not_set_before_the_newest_database_is_back() -> None:
    """A revocation that was confirmed vanished with the older copy of the database."""
    sentence = _sentence(replace(GOOD, foreign_heads=("520000",)), "own_history")
    back, flags = sentence.index("put it back first"), sentence.index("set flags after that")
    assert back < flags
    for consequence in ("is lost with it", "does not heal any more"):
        assert consequence in sentence
    assert "once the successor log is founded" in sentence


def test_no_database_is_put_back_once_a_successor_is_named() -> None:
    sentence = _sentence(replace(GOOD, foreign_heads=("520000",), successor="huxin/140000/2"), "own_history")
    assert "do what log_key says; put no other database back now" in sentence
    assert "put it back first" not in sentence


def test_all_faults_are_found_at_once() -> None:
    assert failing(replace(GOOD, missing_keys=(LOG,), database_writable=False)) == ["keys", "database"]


def test_one_lying_peer_cannot_make_us_doubt_our_clock() -> None:
    lie = NOW + timedelta(days=400)
    assert failing(replace(GOOD, peer_evidence=(NOW, NOW, lie))) == []
    assert failing(replace(GOOD, peer_evidence=(lie,))) == []
    assert failing(replace(GOOD, peer_evidence=(lie, lie))) == []


def test_clocks_may_differ_by_the_allowed_skew() -> None:
    assert failing(replace(GOOD, own_evidence=NOW + MINUTE)) == []
    assert failing(replace(GOOD, own_evidence=NOW + MINUTE + TICK)) == ["clock"]
    assert failing(replace(GOOD, peer_offsets=(MINUTE,) * 3)) == []
    assert failing(replace(GOOD, peer_offsets=(-MINUTE,) * 3)) == []


def test_a_clock_that_is_off_is_told_by_how_much_and_to_which_side() -> None:
    assert "90 seconds ahead of that of most of the 4 peers" in _sentence(
        replace(GOOD, peer_offsets=(NONE, 1.5 * MINUTE, 2 * MINUTE, 2 * MINUTE)), "clock"
    )
    assert "120 seconds behind that of most of the 3 peers" in _sentence(
        replace(GOOD, peer_offsets=(NONE, -2 * MINUTE, -3 * MINUTE)), "clock"
    )


def test_two_peers_are_not_enough_to_doubt_our_clock() -> None:
    assert failing(replace(GOOD, peer_offsets=(9 * MINUTE, 9 * MINUTE))) == []


offsets = st.timedeltas(timedelta(days=-4000), timedelta(days=4000))


@given(honest=st.lists(offsets, min_size=1, max_size=20), data=st.data())
def test_fewer_than_half_of_the_peers_cannot_change_what_the_others_agree_on(
    honest: list[timedelta], data: st.DataObject
) -> None:
    """Whatever they say; and what is judged never lies outside of what honest peers say."""
    most = min(len(honest) - 1, 20)
    lies = data.draw(st.lists(offsets, max_size=most))
    everyone = data.draw(st.permutations([*honest, *lies]))
    if len(everyone) < PEERS_FOR_A_MEDIAN:
        assert failing(replace(GOOD, peer_offsets=tuple(everyone))) == []
        return
    found = _sentence(replace(GOOD, peer_offsets=tuple(everyone)), "clock")
    ahead = [offset > MINUTE for offset in honest]
    behind = [offset < -MINUTE for offset in honest]
    if all(ahead) or all(behind):
        assert ("ahead of" if all(ahead) else "behind") in found
    if not any(ahead):
        assert "ahead of" not in found
    if not any(behind):
        assert "behind" not in found
    if told := re.search(r"is (\d+) seconds", found):
        seconds = int(told[1]) * (1 if "ahead of" in found else -1)
        assert min(honest) - SECOND <= timedelta(seconds=seconds) <= max(honest) + SECOND


@given(st.lists(offsets, min_size=3, max_size=20))
def test_what_peers_signed_counts_against_us_when_more_than_half_signed_it_later(found: list[timedelta]) -> None:
    later = sum(offset > MINUTE for offset in found)
    facts = replace(GOOD, peer_evidence=tuple(NOW + offset for offset in found))
    assert bool(failing(facts)) == (later >= len(found) - (len(found) - 1) // 2)
    if 2 * later <= len(found):
        assert failing(facts) == []


@given(st.lists(offsets, min_size=3, max_size=20))
def test_more_than_half_must_be_on_one_side(found: list[timedelta]) -> None:
    ahead, behind = (sum(sign * offset > MINUTE for offset in found) for sign in (1, -1))
    assert bool(failing(replace(GOOD, peer_offsets=tuple(found)))) == (2 * max(ahead, behind) > len(found))


def test_a_new_node_without_any_evidence_is_ready() -> None:
    assert is_ready(checks(replace(GOOD, peer_evidence=(), peer_offsets=())))


def test_old_evidence_does_not_unready() -> None:
    """Expired trust state serves: every decision is at most REFER (protocol.md, Trust registry)."""
    long_ago = NOW - timedelta(days=900)
    assert is_ready(checks(replace(GOOD, peer_evidence=(long_ago,) * 5)))


def test_no_checks_at_all_are_not_readiness() -> None:
    assert not is_ready(())
