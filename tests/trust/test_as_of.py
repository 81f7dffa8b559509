"""Steps 1 to 13 with two times: the rules of T, and whatever is known at K. Nothing is laxer because T is past."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from node.model.log import StatusEvent
from node.model.log import StatusFlag as ModelFlag
from tests.support.trust import ISSUED, World, key, salt
from trust.flags import LaterFlag
from trust.issuers import TrustedKey
from trust.outcome import StepOutcome, StepStatus
from trust.verify import Examination
from trust.vocabulary import StatusFlag

PASS, FAIL, UNDECIDED = StepStatus.PASS, StepStatus.FAIL, StepStatus.UNDECIDED
TICK, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)
T = ISSUED + 5 * DAY
K = ISSUED + 20 * DAY


def looking_back(as_of: datetime = T, known_at: datetime = K) -> World:
    """A genuine report, asked about at K by the rules of T, with fresh knowledge of K."""
    world = World.build()
    assert world.trusted is not None
    assert world.view is not None
    return replace(
        world,
        as_of=as_of,
        now=known_at,
        trusted=replace(world.trusted, refreshed_at=known_at - HOUR),
        view=replace(world.view, fresh_at=known_at),
    )


def outcome(examination: Examination, number: int) -> tuple[StepStatus, str]:
    found: StepOutcome = examination.outcomes[number - 1]
    return found.status, found.reason


def flagged(flag: ModelFlag, at: datetime, *, on: bool = True) -> StatusEvent:
    return StatusEvent(salt("digest"), flag, on, at)


def test_a_good_report_is_verified_as_of_the_moment_asked_about() -> None:
    examination = looking_back().verify()
    assert examination.verified is not None
    assert examination.verified.at == T
    assert examination.later_flags == ()


def test_rules_of_a_moment_to_come_are_nobodys() -> None:
    with pytest.raises(ValueError, match="as_of is at most known_at"):
        looking_back(as_of=K + TICK).verify()


# Keys: by all that is known, whatever T is (docs/recognition.md, As of a past moment)


@pytest.mark.parametrize("as_of", [ISSUED, T, K])
@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        ({}, (PASS, "")),
        ({"valid_from": ISSUED}, (PASS, "")),
        ({"valid_from": ISSUED + TICK}, (FAIL, "KEY_NOT_YET_VALID")),
        ({"retired_at": ISSUED + TICK}, (PASS, "")),
        ({"retired_at": T + DAY}, (PASS, "")),
        ({"retired_at": ISSUED}, (FAIL, "KEY_RETIRED")),
        ({"retired_at": ISSUED - DAY}, (FAIL, "KEY_RETIRED")),
        ({"compromised_at": ISSUED - DAY}, (FAIL, "KEY_COMPROMISED")),
        ({"compromised_at": ISSUED}, (FAIL, "KEY_COMPROMISED")),
        ({"compromised_at": ISSUED + TICK}, (UNDECIDED, "KEY_COMPROMISED_SINCE")),
        # Learned after T, of a compromise after T: the thief may have dated the report back.
        ({"compromised_at": T + DAY}, (UNDECIDED, "KEY_COMPROMISED_SINCE")),
        ({"compromised_at": K + DAY}, (UNDECIDED, "KEY_COMPROMISED_SINCE")),
        ({"compromised_at": T + DAY, "retired_at": T}, (UNDECIDED, "KEY_COMPROMISED_SINCE")),
        ({"compromised_at": T, "retired_at": T + DAY}, (UNDECIDED, "KEY_COMPROMISED_SINCE")),
        ({"compromised_at": T, "retired_at": ISSUED}, (FAIL, "KEY_RETIRED")),
        ({"compromised_at": ISSUED, "retired_at": ISSUED}, (FAIL, "KEY_COMPROMISED")),
        ({"compromised_at": ISSUED, "valid_from": ISSUED + TICK}, (FAIL, "KEY_NOT_YET_VALID")),
    ],
)
def test_compromise_bites_whenever_it_is_learned_and_retirement_only_forward(
    times: dict[str, datetime], wanted: tuple[StepStatus, str], as_of: datetime
) -> None:
    world = looking_back(as_of)
    assert world.trusted is not None
    trusted_key = TrustedKey(
        key("signing").public,
        times.get("valid_from", ISSUED - DAY),
        times.get("retired_at"),
        times.get("compromised_at"),
    )
    trusted = replace(world.trusted, keys={key("signing").key_id: trusted_key})
    examination = replace(world, trusted=trusted).verify()
    assert outcome(examination, 4) == wanted
    assert (examination.verified is not None) == (wanted[0] is PASS)


# Status


def test_what_was_revoked_later_was_not_revoked_then_and_is_named() -> None:
    revoked = looking_back().with_statuses(flagged(ModelFlag.REVOKED, T + TICK))
    examination = revoked.verify()
    assert examination.verified is not None
    assert examination.flags == ()
    assert examination.later_flags == (LaterFlag(StatusFlag.REVOKED, True, T + TICK),)
    today = replace(revoked, as_of=None).verify()
    assert outcome(today, 10) == (FAIL, "REVOKED")
    assert today.later_flags == ()


def test_a_revocation_that_takes_effect_at_the_moment_counts_whenever_it_was_learned() -> None:
    examination = looking_back().with_statuses(flagged(ModelFlag.REVOKED, T)).verify()
    assert outcome(examination, 10) == (FAIL, "REVOKED")
    assert examination.verified is None


def test_an_objection_of_then_counts_though_it_has_been_answered() -> None:
    statuses = flagged(ModelFlag.UNDER_OBJECTION, T - DAY), flagged(ModelFlag.UNDER_OBJECTION, T + DAY, on=False)
    examination = looking_back().with_statuses(*statuses).verify()
    assert outcome(examination, 10) == (FAIL, "STATUS_UNDER_OBJECTION")
    assert examination.later_flags == (LaterFlag(StatusFlag.UNDER_OBJECTION, False, T + DAY),)


def test_a_flag_that_cannot_be_read_counts_at_any_time() -> None:
    for event in (flagged(ModelFlag.UNREADABLE, T + DAY), flagged(ModelFlag.UNREADABLE, T + DAY, on=False)):
        examination = looking_back().with_statuses(event).verify()
        assert outcome(examination, 10) == (FAIL, "STATUS_UNREADABLE")


# Freshness is a question of today


def test_knowledge_is_as_old_as_it_is_today() -> None:
    world = looking_back()
    assert world.trusted is not None
    assert world.view is not None
    stale = replace(world, trusted=replace(world.trusted, refreshed_at=T), view=replace(world.view, fresh_at=T))
    examination = stale.verify()
    assert outcome(examination, 8) == (UNDECIDED, "TRUST_STATE_STALE")
    assert outcome(examination, 9) == (UNDECIDED, "LOG_VIEW_STALE")
    assert replace(stale, now=T).verify().verified is not None


def test_metadata_that_has_ended_today_decides_nothing_about_the_past() -> None:
    world = looking_back()
    assert world.trusted is not None
    ends = replace(world, trusted=replace(world.trusted, expires_at=K))
    assert outcome(ends.verify(), 8) == (UNDECIDED, "TRUST_STATE_EXPIRED")
    before = replace(world, trusted=replace(world.trusted, expires_at=K + TICK))
    assert outcome(before.verify(), 8) == (PASS, "")


# Validity


def test_validity_is_that_of_then() -> None:
    late = looking_back(known_at=ISSUED + 40 * DAY)
    assert outcome(late.verify(), 11) == (PASS, "")
    assert outcome(replace(late, as_of=None).verify(), 11) == (FAIL, "EXPIRED")
    assert outcome(replace(late, as_of=ISSUED + 30 * DAY).verify(), 11) == (FAIL, "EXPIRED")


def test_what_was_issued_after_the_moment_did_not_exist() -> None:
    """A past moment is what it is: the tolerance for clocks is for the present alone."""
    assert outcome(looking_back(as_of=ISSUED - TICK).verify(), 11) == (FAIL, "ISSUED_IN_FUTURE")
    assert outcome(looking_back(as_of=ISSUED).verify(), 11) == (PASS, "")
    assert outcome(replace(looking_back(), as_of=None, now=ISSUED - timedelta(seconds=30)).verify(), 11) == (PASS, "")
