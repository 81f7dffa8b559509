"""Trust certificates before they are signed: what is proposed is what is signed, and nothing has changed meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from node.adapters.catalogues.registry import BUILT_IN
from node.app import key_life, trusting
from node.app.recognising import choices_of, propose, propose_withdrawal, sign
from node.app.registering import to_publish
from node.app.relations import RelationState, signed_for, state_of
from node.app.trusting import RecognitionChoices
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput
from node.model.catalogue import Caveat
from node.model.verdict import Decision
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
WHOLE = RecognitionChoices()


@pytest.fixture
def guizhou(tmp_path: Path) -> TestJurisdiction:
    """It holds Shanxi's bundle and does not recognise it; Shanxi signs with ECDSA."""
    found = nodes.found(tmp_path, "520000")
    nodes.introduce([found, nodes.found(tmp_path, "140000", suite=Suite.ECDSA_P256_SHA256)])
    return found


def with_catalogues(one: TestJurisdiction, folder: Path) -> Settings:
    return one.settings.model_copy(
        update={"catalogues": one.settings.catalogues.model_copy(update={"folders": (folder,)})}
    )


def test_what_was_proposed_is_signed_and_begins_when_it_is(guizhou: TestJurisdiction) -> None:
    proposal = propose(guizhou.settings, None, "140000", replace(WHOLE, scenarios=("tender",)), THE_DAY)
    later = THE_DAY + timedelta(minutes=5)
    held = sign(guizhou.settings, None, proposal, later)
    assert held.certificate == replace(proposal.certificate, issued_at=later, valid_from=later)
    assert trusting.trusted_state(guizhou.settings).recognition("140000", later) == held
    assert trusting.trusted_state(guizhou.settings).recognition("140000", THE_DAY) is None


def test_nothing_is_signed_when_another_was_signed_since_it_was_shown(guizhou: TestJurisdiction) -> None:
    nodes.recognise(guizhou, "140000", THE_DAY - SECOND)
    proposal = propose(guizhou.settings, None, "140000", WHOLE, THE_DAY)
    ended = propose_withdrawal(guizhou.settings, None, "140000", "", THE_DAY)
    colleague = trusting.withdraw(guizhou.settings, "140000", THE_DAY + SECOND)
    for shown in (proposal, ended):
        with pytest.raises(BadSource, match="look again"):
            sign(guizhou.settings, None, shown, THE_DAY + 2 * SECOND)
    assert trusting.trusted_state(guizhou.settings).certificates["140000"][-1] == colleague


def test_what_has_ended_before_it_is_signed_is_not_signed(guizhou: TestJurisdiction) -> None:
    proposal = propose(guizhou.settings, None, "140000", replace(WHOLE, months_valid=1), THE_DAY)
    with pytest.raises(InvalidInput, match="ended already"):
        sign(guizhou.settings, None, proposal, THE_DAY + timedelta(days=30))
    assert "140000" not in trusting.trusted_state(guizhou.settings).certificates


def test_terms_signed_last_can_be_chosen_again(guizhou: TestJurisdiction) -> None:
    chosen = RecognitionChoices(
        scenarios=("tender",),
        leaves=("MK01", "EC07"),
        record_types=("severe_dishonesty_list",),
        caveats=(Caveat.CLOSE_MATCH,),
        required_suites=("ecdsa-p256-sha256",),
        max_trust_state_age_seconds=86_400,
        max_log_view_age_seconds=3_600,
        witness_quorum=2,
        legal_basis=("互认协议（合成）",),
    )
    trusting.recognise(guizhou.settings, "140000", chosen, THE_DAY)
    assert choices_of(guizhou.settings, None, "140000") == chosen
    trusting.withdraw(guizhou.settings, "140000", THE_DAY + SECOND)
    assert choices_of(guizhou.settings, None, "140000") == chosen
    with pytest.raises(InvalidInput, match="without --keep"):
        choices_of(guizhou.settings, None, "620100")


def test_how_long_it_lasts_is_kept_of_ourselves_alone(guizhou: TestJurisdiction) -> None:
    """Founded, it recognises itself for ten years; a peer is looked at again every year."""
    trusting.recognise_self(guizhou.settings, THE_DAY)
    trusting.recognise(guizhou.settings, "140000", replace(WHOLE, months_valid=48), THE_DAY)
    own = choices_of(guizhou.settings, None, "520000")
    assert own.months_valid == trusting.SELF_MONTHS
    now = THE_DAY + HOUR
    kept = propose(guizhou.settings, None, "520000", own, now).certificate
    assert kept.valid_until == now + timedelta(days=30 * trusting.SELF_MONTHS)
    assert choices_of(guizhou.settings, None, "140000").months_valid == trusting.DEFAULT_MONTHS


def lose_key(one: TestJurisdiction, since: timedelta) -> None:
    """Its signing key was in other hands since so long after the day, as published two hours after it."""
    (lost,) = trusting.trusted_state(one.settings).own.trusted.keys
    key_life.compromise(one.settings, lost, THE_DAY + since, THE_DAY + 2 * HOUR)


@pytest.mark.parametrize("since", [-HOUR, HOUR], ids=["signed since", "signed before"])
def test_terms_that_a_lost_key_signed_can_be_chosen_again(guizhou: TestJurisdiction, since: timedelta) -> None:
    chosen = RecognitionChoices(scenarios=("tender",), leaves=("MK01",), witness_quorum=2, suites=("ed25519",))
    signed = trusting.recognise(guizhou.settings, "140000", chosen, THE_DAY)
    lose_key(guizhou, since)
    now = THE_DAY + 3 * HOUR
    state = trusting.trusted_state(guizhou.settings)
    assert state.recognition("140000", now) is None
    kept = choices_of(guizhou.settings, None, "140000")
    assert (kept.scenarios, kept.leaves, kept.witness_quorum) == (("tender",), ("MK01",), 2)
    proposal = propose(guizhou.settings, None, "140000", kept, now)
    (lapsed, _witnesses, _suites) = proposal.doubts
    assert "in other hands" in lapsed
    assert f"{THE_DAY:%Y-%m-%d}" in lapsed
    # told against what is to be read again, so that what somebody would add to it stands out
    assert proposal.lapsed
    assert {change.term for change in proposal.changes} == {"valid_until"}
    wider = propose(guizhou.settings, None, "140000", replace(kept, leaves=("MK01", "EC07")), now)
    assert [change.added for change in wider.changes if change.term == "leaves"] == [("EC07",)]
    held = sign(guizhou.settings, None, proposal, now)
    assert held.certificate.scope == signed.certificate.scope
    assert trusting.trusted_state(guizhou.settings).recognition("140000", now) == held
    again = propose(guizhou.settings, None, "140000", kept, now + SECOND)
    assert not again.lapsed
    assert not any("in other hands" in doubt for doubt in again.doubts)


def test_what_ended_with_a_lost_key_is_told_as_that_and_published_by_nobody(guizhou: TestJurisdiction) -> None:
    """Not as a withdrawal that nobody signed, and not as an empty file, which all peers would find wrong with us."""
    trusting.recognise(guizhou.settings, "140000", WHOLE, THE_DAY)
    new = key_life.rotate(guizhou.settings, None, timedelta(0), None, THE_DAY + HOUR).key_id
    later = THE_DAY + HOUR + key_life.NOTICE + SECOND  # the key before signs no more
    trusting.recognise(guizhou.settings, "140000", replace(WHOLE, scenarios=("tender",)), later)
    key_life.compromise(guizhou.settings, new, later - SECOND, later + DAY)
    state = trusting.trusted_state(guizhou.settings)
    states = [state_of(each, later + DAY) for each in signed_for(state, "140000")]
    assert states[-1] is RelationState.LAPSED
    assert RelationState.WITHDRAWN not in states
    assert state.recognition("140000", later + DAY) is None
    published = to_publish(guizhou.settings, state)
    assert all(published.values())


def test_more_witnesses_than_there_are_is_a_doubt(guizhou: TestJurisdiction) -> None:
    """Guizhou knows Shanxi alone: nobody is left who could be a witness."""
    proposal = propose(guizhou.settings, None, "140000", replace(WHOLE, witness_quorum=1), THE_DAY)
    assert ["could be one: 0 other jurisdictions" in doubt for doubt in proposal.doubts] == [True]
    assert Decision.ACCEPT not in {each.after.decision for each in proposal.prospects}
    reached = propose(guizhou.settings, None, "140000", WHOLE, THE_DAY)
    assert Decision.ACCEPT in {each.after.decision for each in reached.prospects}
    assert [change.term for change in proposal.changes if change.term == "witness_quorum"] == ["witness_quorum"]
    assert sign(guizhou.settings, None, proposal, THE_DAY).certificate.witness_quorum == 1


def test_suites_that_no_key_of_the_issuer_has_are_a_doubt(guizhou: TestJurisdiction) -> None:
    proposal = propose(guizhou.settings, None, "140000", replace(WHOLE, suites=("ed25519",)), THE_DAY)
    assert ["suites required" in doubt for doubt in proposal.doubts] == [True]
    assert {each.after.decision for each in proposal.prospects} == {Decision.REJECT}
    either = propose(guizhou.settings, None, "140000", replace(WHOLE, suites=("ed25519", "ecdsa-p256-sha256")), THE_DAY)
    assert (either.doubts, len(either.flips)) == ((), 4)


def test_a_catalogue_that_ends_first_is_a_doubt(guizhou: TestJurisdiction, tmp_path: Path) -> None:
    newer = tmp_path / "more" / "140000_shanxi" / "2026-1"
    shutil.copytree(BUILT_IN / "140000_shanxi" / "2025-237", newer)
    path = newer / "jurisdiction.toml"
    text = path.read_text(encoding="utf-8")
    for before, after in (
        ('version = "2025-237"', 'version = "2026-1"'),
        ("valid_from = 2025-09-01 # start", "valid_from = 2026-01-01\nvalid_until = 2027-06-01 # start"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    settings = with_catalogues(guizhou, tmp_path / "more")
    (doubt,) = propose(settings, None, "140000", WHOLE, THE_DAY).doubts
    assert "catalogue 2026-1 of 140000 ends on 2027-06-01" in doubt
    assert "huxin recognise grant 140000 --keep" in doubt
    assert propose(settings, None, "140000", replace(WHOLE, months_valid=6), THE_DAY).doubts == ()


def test_an_issuer_whose_rows_are_not_published_is_a_doubt(tmp_path: Path) -> None:
    guizhou = nodes.found(tmp_path, "520000")
    nodes.introduce([guizhou, nodes.found(tmp_path, "210000")])
    proposal = propose(guizhou.settings, None, "210000", WHOLE, THE_DAY)
    assert ["not published" in doubt for doubt in proposal.doubts] == [True]
    assert {each.after.reasons for each in proposal.prospects} == {("CATALOGUE_UNKNOWN",)}


def test_before_any_catalogue_of_the_issuer_was_in_force(guizhou: TestJurisdiction) -> None:
    early = THE_DAY - timedelta(days=3_650)
    doubts = propose(guizhou.settings, None, "140000", WHOLE, early).doubts
    assert "every cell will be CATALOGUE_NOT_REVIEWED" in doubts[0]
    assert any("KEY_NOT_YET_VALID" in doubt for doubt in doubts)


def test_scenarios_that_the_issuer_does_not_serve_are_a_doubt(guizhou: TestJurisdiction) -> None:
    doubts = propose(guizhou.settings, None, "140000", replace(WHOLE, scenarios=("audit",)), THE_DAY).doubts
    assert ["none of these scenarios" in doubt for doubt in doubts] == [True]


def test_what_we_recognise_of_ourselves_is_never_stale(guizhou: TestJurisdiction) -> None:
    """Our own bundle may be old: what a node knows of itself is of this moment."""
    year = THE_DAY + timedelta(days=365)
    own = propose(guizhou.settings, None, "520000", WHOLE, year)
    assert own.doubts == ()
    assert Decision.ACCEPT in {each.after.decision for each in own.prospects}
    (stale,) = propose(guizhou.settings, None, "140000", WHOLE, year).doubts
    assert "older than allowed" in stale
