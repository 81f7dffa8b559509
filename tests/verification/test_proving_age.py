"""What is looked up for issuers whose key was lost, and what is believed of it: never more than is proven."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256

import pytest

from node.model.calendar import Period
from node.model.log import StatusEvent, StatusFlag
from node.model.verdict import Decision, Existed, Verdict
from node.model.witnesses import OURSELVES, Lifting, Sighting
from node.verification.proving_age import LIFTINGS_JUDGED, Ages, Suspect
from tests.recognition.cases import DAY, GUIZHOU, ISSUED, LANZHOU, SHANXI, Report, leaves, requirement
from tests.support.trust import conditions, key
from tests.verification.test_verify import ask
from tests.verification.world import Issued, Relying, snapshot
from trust.envelope import seal
from trust.issuers import ClosedLog, TrustedKey
from trust.keys import PrivateKey
from trust.statements import STATUS_CHANGE, encode_envelope, encode_status_change
from trust.vocabulary import StatusChange
from trust.vocabulary import StatusFlag as SignedFlag
from trust.witnesses import NOTHING_WITNESSED

REPORT = Report(SHANXI, local_codes=("6",), period=Period(date(2023, 1, 1), DAY))
ORIGIN = f"huxin/{SHANXI}"
MARKET = requirement(GUIZHOU, *leaves("MK01"))
MINUTE = timedelta(minutes=1)
LOST = ISSUED + 6 * MINUTE
EARLY, LATE = ISSUED + MINUTE, ISSUED + 7 * MINUTE
BUNDLE, ENVELOPE = Issued.of(REPORT).bundle()
ABOUT = sha256(ENVELOPE).digest()


class Forbidden(dict[object, object]):
    """Nothing may be looked up here."""

    def __contains__(self, name: object) -> bool:
        raise AssertionError(name)


def world(*changes: tuple[int, bool, bytes], quorum: int = 0, **seen: datetime) -> Relying:
    """Shanxi's key was in other hands from LOST on. `changes`: (index, set, entry). `seen`: of all entries, by whom."""
    relying = Relying(snapshot(GUIZHOU, SHANXI))
    known = relying.trust.issuers[SHANXI]
    signing = TrustedKey(key("signing").public, ISSUED - timedelta(days=3_000), None, LOST)
    trusted = replace(known.trusted, keys={signing.key.key_id: signing})
    others = {f"huxin/{LANZHOU}/node": key("lanzhou").public}
    trusted = trusted.with_witnesses(others)
    recognitions = {
        issuer: tuple(replace(each, conditions=conditions(quorum=quorum)) for each in found)
        for issuer, found in relying.trust.recognitions.items()
    }
    issuers = {**relying.trust.issuers, SHANXI: replace(known, trusted=trusted)}
    relying.trust = replace(relying.trust, issuers=issuers, recognitions=recognitions)
    events = [StatusEvent(ABOUT, StatusFlag.UNDER_OBJECTION, on, EARLY) for _, on, _ in changes]
    relying.views.hold(REPORT, ENVELOPE, *events)
    relying.views.lifted[ORIGIN, ABOUT] = [Lifting(index, entry) for index, on, entry in changes if not on]
    for witness, at in seen.items():
        name = OURSELVES if witness == "ours" else witness.removeprefix("of_")
        for index in (0, *(index for index, _, _ in changes)):
            relying.views.sightings[ORIGIN, name, index] = Sighting(name, index + 1, at)
    return relying


def change(signer: PrivateKey, on: bool = False, at: datetime = EARLY, issuer: str = SHANXI) -> bytes:
    said = StatusChange(issuer, ABOUT, SignedFlag.UNDER_OBJECTION, on, at, at, "SYNTHETIC")
    return encode_envelope(seal(STATUS_CHANGE, encode_status_change(said), [signer]))


def told(verdict: Verdict) -> tuple[Decision | None, tuple[str, ...]]:
    return verdict.decision, verdict.reasons


STANDS = (Decision.ACCEPT, ())
OLD_OR_FORGED = (Decision.REFER, ("KEY_COMPROMISED_SINCE",))
OBJECTED = (Decision.REFER, ("STATUS_UNDER_OBJECTION",))


def test_what_we_saw_in_time_stands() -> None:
    verdict = ask(world(ours=EARLY), BUNDLE)
    assert told(verdict) == STANDS
    assert verdict.existed == Existed(EARLY, True, ())


def test_what_we_saw_later_or_never_does_not() -> None:
    for relying in (world(ours=LATE), world()):
        verdict = ask(relying, BUNDLE)
        assert told(verdict) == OLD_OR_FORGED
        assert verdict.existed is None


def test_nothing_is_looked_up_while_no_key_was_lost() -> None:
    relying = Relying(snapshot(GUIZHOU, SHANXI))
    relying.views.hold(REPORT, ENVELOPE)
    relying.views.sightings = Forbidden()  # type: ignore[assignment] # raises at any look
    relying.views.lifted = Forbidden()  # type: ignore[assignment] # the same
    verdict = ask(relying, BUNDLE)
    assert (told(verdict), verdict.existed) == (STANDS, None)


SETTING = (1, True, b"a change that sets the flag")


@pytest.mark.parametrize(
    ("lifting", "seen_at", "expected"),
    [
        (change(key("signing")), EARLY, STANDS),
        (change(key("signing")), LATE, OBJECTED),  # it may be the thief's
        (change(key("signing")), None, OBJECTED),
        (change(key("signing"), at=LOST), EARLY, OBJECTED),  # dated since
        (change(key("another")), EARLY, OBJECTED),
        (change(key("signing"), issuer=LANZHOU), EARLY, OBJECTED),
        (b"\xff", EARLY, OBJECTED),
    ],
)
def test_what_clears_a_flag_is_judged_again(
    lifting: bytes, seen_at: datetime | None, expected: tuple[Decision, Sequence[str]]
) -> None:
    relying = world(SETTING, (2, False, lifting), ours=EARLY)
    assert told(ask(relying, BUNDLE)) in (STANDS, OBJECTED)
    if seen_at is None:
        del relying.views.sightings[ORIGIN, OURSELVES, 2]
    else:
        relying.views.sightings[ORIGIN, OURSELVES, 2] = Sighting(OURSELVES, 3, seen_at)
    assert told(ask(relying, BUNDLE)) == expected


def test_what_sets_a_flag_counts_whoever_signed_it() -> None:
    assert told(ask(world(SETTING, ours=EARLY), BUNDLE)) == OBJECTED


@pytest.mark.parametrize("on", [True, False])
def test_a_flag_that_cannot_be_read_stays_whatever_it_says_and_whoever_signed_it(on: bool) -> None:
    """Left out as a clearing that nobody believes it would turn REFER into ACCEPT."""
    relying = world((1, on, change(key("another"))), ours=EARLY)
    unreadable = StatusEvent(ABOUT, StatusFlag.UNREADABLE, on, EARLY)
    relying.views.hold(REPORT, ENVELOPE, unreadable)
    assert told(ask(relying, BUNDLE)) == (Decision.REFER, ("STATUS_UNREADABLE",))


def test_each_clearing_is_judged_by_itself() -> None:
    good, bad = (2, False, change(key("signing"))), (2, False, change(key("another")))
    setting = (3, True, b"again")
    after_good, after_bad = (4, *good[1:]), (4, *bad[1:])
    assert told(ask(world(SETTING, bad, setting, after_good, ours=EARLY), BUNDLE)) == STANDS
    assert told(ask(world(SETTING, good, setting, after_bad, ours=EARLY), BUNDLE)) == OBJECTED


def test_a_clearing_that_is_not_found_is_not_believed() -> None:
    relying = world(SETTING, (2, False, change(key("signing"))), ours=EARLY)
    relying.views.lifted.clear()
    assert told(ask(relying, BUNDLE)) == OBJECTED


@pytest.mark.parametrize(("count", "expected"), [(LIFTINGS_JUDGED, STANDS), (LIFTINGS_JUDGED + 1, OBJECTED)])
def test_of_clearings_without_end_none_is_believed(count: int, expected: tuple[Decision, Sequence[str]]) -> None:
    """Each costs signature checks on the loop that serves everybody."""
    liftings = [(2 + number, False, change(key("signing"))) for number in range(count)]
    assert told(ask(world(SETTING, *liftings, ours=EARLY), BUNDLE)) == expected


@pytest.mark.parametrize(("quorum", "expected"), [(0, OLD_OR_FORGED), (1, STANDS)])
def test_others_are_asked_for_where_we_count_on_them(quorum: int, expected: tuple[Decision, Sequence[str]]) -> None:
    relying = world(quorum=quorum, **{f"of_{LANZHOU}": EARLY})
    relying.witnesses = {f"huxin/{LANZHOU}/node": 1}
    verdict = ask(relying, BUNDLE)
    assert told(verdict) == expected
    if quorum:
        assert verdict.existed == Existed(EARLY, False, (f"huxin/{LANZHOU}/node",))


def test_the_issuers_own_word_is_none() -> None:
    relying = world(quorum=1, **{f"of_{SHANXI}": EARLY})
    relying.witnesses = {f"huxin/{LANZHOU}/node": 1}
    assert told(ask(relying, BUNDLE)) == OLD_OR_FORGED


def aged(closed: tuple[ClosedLog, ...]) -> Sequence[StatusEvent]:
    """The changes that are believed of a statement, of an issuer that had logs before its newest one."""
    relying = world(SETTING, (2, False, change(key("signing"))), ours=EARLY)
    trusted = replace(relying.trust.issuers[SHANXI].trusted, closed=closed)
    entry = relying.views.entries[ORIGIN, ABOUT]
    ages = Ages(relying.views, relying.trust.issuers, ISSUED + 9 * MINUTE, MINUTE / 60)
    (found,) = asyncio.run(ages.of([Suspect(ABOUT, entry, True, trusted, NOTHING_WITNESSED, 0)]))
    return found.entry.statuses


def test_after_a_succession_no_clearing_is_believed() -> None:
    """Changes of several logs stand together then: which of them cleared the flag, their order alone does not tell."""
    log = ClosedLog(f"{ORIGIN}/0", key("head").public, key("cosigner").public, 3, bytes(32), "", ISSUED, b"")
    assert [each.set for each in aged(())] == [True, False]
    assert [each.set for each in aged((log,))] == [True]
