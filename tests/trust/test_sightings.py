"""Witnessed time: what proves that a statement is older than the compromise of a key that signed it (step 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from node.model.witnesses import OURSELVES as OURSELVES_IN_STORAGE
from tests.support.trust import ISSUED, NOW, ORIGIN, World, conditions, jurisdiction, key
from trust.bundle import read_bundle
from trust.issuers import TrustedIssuer, TrustedKey
from trust.outcome import StepStatus
from trust.sightings import OURSELVES, Existence, existence
from trust.verify import CLOCK_SKEW, Examination
from trust.witnesses import Witnessing

GUIZHOU, LANZHOU, LIAONING = (f"huxin/{division}/node" for division in ("520000", "620100", "210000"))
OURS, ISSUERS = GUIZHOU, f"{ORIGIN}/node"
KNOWN = {name: key(name).public for name in (GUIZHOU, LANZHOU, LIAONING)}
TRUSTED = TrustedIssuer.of(jurisdiction(key("signing")), NOW, KNOWN)
INDEX = 2
"""Of the statement of `World`, in a log of five entries."""
TICK, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)
SEEN = ISSUED + MINUTE
SINCE = SEEN + CLOCK_SKEW + TICK
"""The earliest compromise before which what was seen at SEEN is proven to have existed."""
PASSED = (StepStatus.PASS, "")
REFERRED = (StepStatus.UNDECIDED, "KEY_COMPROMISED_SINCE")


@dataclass(frozen=True)
class Seen:
    witness: str = OURSELVES
    size: int = INDEX + 1
    at: datetime = SEEN


def proven(
    *sightings: Seen, quorum: int = 0, agreed: int | None = None, trusted: TrustedIssuer = TRUSTED, own: str = OURS
) -> Existence | None:
    return existence(INDEX, sightings, trusted, Witnessing({}, agreed, own), quorum, NOW, CLOCK_SKEW)


def compromised(since: datetime = SINCE, quorum: int = 0) -> World:
    """A genuine report whose key was in other hands since then."""
    world = World.build()
    lost = TrustedKey(key("signing").public, ISSUED - DAY, None, since)
    trusted = replace(TRUSTED, keys={key("signing").key_id: lost})
    return replace(world, trusted=trusted, terms=conditions(quorum=quorum))


def step(examination: Examination, number: int = 4) -> tuple[StepStatus, str]:
    found = examination.outcomes[number - 1]
    return found.status, found.reason


def test_storage_and_rule_call_ourselves_the_same() -> None:
    assert OURSELVES == OURSELVES_IN_STORAGE


# Our own record


def test_our_own_record_proves_what_it_held() -> None:
    assert proven(Seen()) == Existence(SEEN, (), SEEN + CLOCK_SKEW)
    assert proven() is None


def test_a_size_is_larger_than_the_index_or_says_nothing() -> None:
    assert proven(Seen(size=INDEX)) is None
    assert proven(Seen(size=INDEX + 1)) is not None


def test_nothing_counts_that_is_known_later() -> None:
    assert proven(Seen(at=NOW)) is not None
    assert proven(Seen(at=NOW + TICK)) is None


def test_of_two_histories_nothing_seen_beyond_their_parting_counts() -> None:
    assert proven(Seen(size=4), agreed=4) is not None
    assert proven(Seen(size=5), agreed=4) is None
    assert proven(Seen(GUIZHOU, 5), Seen(LANZHOU, 5), quorum=1, agreed=4) is None


def test_the_earliest_proof_counts() -> None:
    earlier = SEEN - MINUTE
    found = proven(Seen(), Seen(LANZHOU, at=earlier), quorum=1)
    assert found == Existence(earlier, (LANZHOU,), earlier + CLOCK_SKEW)
    found = proven(Seen(at=earlier), Seen(LANZHOU), quorum=1)
    assert found is not None
    assert found.own
    assert proven(Seen(), Seen(LANZHOU), quorum=1) == Existence(SEEN, (), SEEN + CLOCK_SKEW), "a tie is ours"


# Others


@pytest.mark.parametrize(
    ("quorum", "witnesses", "enough"),
    [
        (0, (LANZHOU, LIAONING), False),  # nobody's word was declared to count
        (1, (), False),
        (1, (LANZHOU,), True),
        (2, (LANZHOU,), False),
        (2, (LANZHOU, LANZHOU), False),
        (2, (LANZHOU, LIAONING), True),
        (1, (ISSUERS,), False),  # a thief of its keys could have dated it
        (1, (OURS,), False),  # our own record is OURSELVES, with our own clock
        (2, (LANZHOU, ISSUERS, OURS), False),
        (1, ("huxin/999999/node",), False),  # not, or no longer, known here
    ],
)
def test_others_count_as_many_as_our_certificate_demands(quorum: int, witnesses: tuple[str, ...], enough: bool) -> None:
    found = proven(*(Seen(name) for name in witnesses), quorum=quorum)
    assert (found is not None) == enough
    if found is not None:
        assert set(found.witnesses) <= set(witnesses)
        assert len(found.witnesses) == quorum


def test_a_quorum_is_as_late_as_its_latest_word() -> None:
    found = proven(Seen(LANZHOU, at=SEEN - MINUTE), Seen(LIAONING), quorum=2)
    assert found == Existence(SEEN, (LIAONING, LANZHOU) if LIAONING < LANZHOU else (LANZHOU, LIAONING), SINCE - TICK)
    early = proven(Seen(LANZHOU, at=SEEN - MINUTE), Seen(LIAONING), quorum=1)
    assert early is not None
    assert (early.at, early.witnesses) == (SEEN - MINUTE, (LANZHOU,))


def test_one_key_is_one_witness_under_whatever_names() -> None:
    shared = TrustedIssuer.of(jurisdiction(key("signing")), NOW, {**KNOWN, LIAONING: key(LANZHOU).public})
    assert proven(Seen(LANZHOU), Seen(LIAONING), quorum=2, trusted=shared) is None
    issuers = TrustedIssuer.of(jurisdiction(key("signing")), NOW, {**KNOWN, LANZHOU: key("cosigner").public})
    assert proven(Seen(LANZHOU), quorum=1, trusted=issuers) is None, "the issuer's own key"
    ours = TrustedIssuer.of(jurisdiction(key("signing")), NOW, {**KNOWN, LANZHOU: key(GUIZHOU).public})
    assert proven(Seen(LANZHOU), quorum=1, trusted=ours) is None, "our own cosignatures under another's name"


# Step 4


@pytest.mark.parametrize(
    ("since", "wanted"),
    [
        (ISSUED, (StepStatus.FAIL, "KEY_COMPROMISED")),  # it claims to be signed since
        (SEEN, REFERRED),
        (SINCE - TICK, REFERRED),  # the clocks may be that far apart
        (SINCE, PASSED),
        (SINCE + DAY, PASSED),
    ],
)
def test_the_boundary_is_the_compromise_less_the_skew(since: datetime, wanted: tuple[StepStatus, str]) -> None:
    examination = compromised(since).examine(Witnessing({}, None, OURS), Seen())
    assert step(examination) == wanted
    assert (examination.verified is not None) == (wanted == PASSED)
    assert (examination.existed is not None) == (wanted == PASSED)


def test_without_sightings_it_stays_undecided() -> None:
    examination = compromised().examine(Witnessing({}, None, OURS))
    assert step(examination) == REFERRED
    assert examination.verified is None


def test_a_key_that_was_never_lost_needs_no_proof_and_names_none() -> None:
    examination = World.build().examine(Witnessing({}, None, OURS), Seen())
    assert step(examination) == PASSED
    assert examination.existed is None


def test_a_retired_key_is_retired_whatever_was_seen() -> None:
    world = compromised()
    lost = TrustedKey(key("signing").public, ISSUED - DAY, ISSUED, SINCE)
    assert world.trusted is not None
    trusted = replace(world.trusted, keys={key("signing").key_id: lost})
    examination = replace(world, trusted=trusted).examine(Witnessing({}, None, OURS), Seen())
    assert step(examination) == (StepStatus.FAIL, "KEY_RETIRED")


def test_what_only_the_bundle_shows_is_never_older() -> None:
    """Our view ends before the entry: the bundle's proof is good, and could be the thief's with the log's keys."""
    world = compromised(quorum=1)
    assert read_bundle(world.bundle).inclusion is not None
    assert world.view is not None
    for unseen in (
        replace(world, entry=None, view=replace(world.view, size=2, root=b"r" * 32, fresh_at=ISSUED)),
        replace(world, view=replace(world.view, size=2, root=b"r" * 32, fresh_at=ISSUED)),
        replace(world, entry=None, view=None),
    ):
        examination = unseen.examine(Witnessing({LANZHOU: 9}, None, OURS), Seen(), Seen(LANZHOU))
        assert step(examination) == REFERRED
        assert examination.verified is None


def test_another_entry_in_its_place_is_not_older() -> None:
    world = compromised()
    assert world.entry is not None
    forged = replace(world, entry=replace(world.entry, entry=b"another"))
    examination = forged.examine(Witnessing({}, None, OURS), Seen())
    assert (step(examination, 6)[1], step(examination)) == ("LOG_ENTRY_DIFFERS", REFERRED)


def test_after_a_split_it_is_not_older() -> None:
    examination = compromised().examine(Witnessing({}, INDEX, OURS), Seen())
    assert (step(examination, 6)[1], step(examination)) == ("LOG_SPLIT", REFERRED)


def test_our_certificates_quorum_is_the_one_that_counts() -> None:
    for quorum, wanted in ((0, REFERRED), (1, PASSED), (2, REFERRED)):
        examination = compromised(quorum=quorum).examine(Witnessing({LANZHOU: 9}, None, OURS), Seen(LANZHOU))
        assert step(examination) == wanted
    nobody = replace(compromised(quorum=1), terms=None)
    assert step(nobody.examine(Witnessing({}, None, OURS), Seen(LANZHOU))) == REFERRED
