"""Steps 6 to 10 where the issuer's log was closed and another one goes on in its place (R184)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from node.model.log import EntryView, LogHead, StatusEvent, StatusFlag
from tests.support.trust import ISSUED, NOW, ORIGIN, Log, World, conditions, jurisdiction, key
from trust.bundle import Inclusion, encode_bundle, read_bundle
from trust.errors import CheckpointInvalid, MalformedInput
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.succession import Succession, next_origin
from trust.log.tree import leaf_hash, root_of
from trust.outcome import StepStatus
from trust.recovery import NOTHING_OPEN, LeftOpen
from trust.verify import Examination, verify
from trust.witnesses import NOTHING_WITNESSED, Witnessing

NEXT = next_origin(ORIGIN)
PASS, FAIL, UNDECIDED = StepStatus.PASS, StepStatus.FAIL, StepStatus.UNDECIDED
FRESH = NOW - timedelta(minutes=1)
LANZHOU = "huxin/620100/node"
UNSETTLED = LeftOpen(frozenset({ORIGIN}))


def succession(world: World, size: int) -> Succession:
    """The log of `world` is closed after so many of its five entries."""
    root = root_of([leaf_hash(entry) for entry in world.log.entries[:size]])
    head = cosign(sign_head(ORIGIN, size, root, key("head")), own_cosigner(ORIGIN), key("cosigner"), ISSUED)
    keys = key("next head").spki, key("next cosigner").spki
    return Succession(ORIGIN, head, NEXT, *keys, ISSUED.replace(microsecond=0))


def closed_after(size: int, world: World | None = None) -> World:
    """The report is at index 2 of the closed log; our view of the successor is fresh and does not hold it."""
    world = world or World.build()
    trusted = TrustedIssuer.of(
        jurisdiction(key("signing")), NOW - timedelta(hours=1), {LANZHOU: key(LANZHOU).public}
    ).succeeded(succession(world, size))
    return replace(world, trusted=trusted, view=view())


def view(*entries: bytes, fresh: bool = True) -> LogHead:
    return LogHead(NEXT, 1 + len(entries), bytes(32), "", FRESH if fresh else FRESH - timedelta(days=1))


def examine(
    world: World, left_open: LeftOpen = NOTHING_OPEN, witnessing: Witnessing = NOTHING_WITNESSED
) -> Examination:
    return verify(
        world.bundle,
        claim=world.claim,
        trusted=world.trusted,
        terms=world.terms,
        view=world.view,
        entry=world.entry,
        as_of=world.now,
        known_at=world.now,
        witnessing=witnessing,
        left_open=left_open,
    )


def outcome(examined: Examination, number: int) -> tuple[StepStatus, str]:
    found = examined.outcomes[number - 1]
    return found.status, found.reason


def logged_again(world: World) -> World:
    """The same report, which stands in the successor now; its bundle proves the closed log."""
    return replace(world, view=view(world.envelope), entry=EntryView(NEXT, 1, world.envelope, ()))


def proven_by_the_successor(world: World) -> World:
    log = Log((b"succession", world.envelope), FRESH)
    inclusion = replace(log.inclusion(1), checkpoint=checkpoint_of(log))
    shown = read_bundle(world.bundle)
    bundle = encode_bundle(world.envelope, shown.subject_salt, shown.disclosure, shown.report_salt, inclusion)
    return replace(world, bundle=bundle, view=LogHead(NEXT, 2, log.root, "", FRESH))


def checkpoint_of(log: Log) -> str:
    text = sign_head(NEXT, len(log.entries), log.root, key("next head"))
    return cosign(text, own_cosigner(NEXT), key("next cosigner"), FRESH)


def test_what_stands_below_the_last_honest_head_goes_on() -> None:
    for size in (3, 5):
        examined = examine(closed_after(size))
        assert examined.verified is not None
        assert outcome(examined, 6) == (PASS, "")


def test_what_stands_beyond_it_does_not() -> None:
    """A bundle that proves the closed log was logged once; one without a proof perhaps never."""
    for proof, reason in ((True, "NOT_IN_SUCCESSOR"), (False, "NOT_IN_LOG")):
        examined = examine(replace(closed_after(2), bundle=World.build(proof=proof).bundle))
        assert outcome(examined, 6) == (FAIL, reason)
        assert examined.verified is None


def test_unless_the_successor_holds_it() -> None:
    for world in (closed_after(2), replace(closed_after(2), bundle=World.build(proof=False).bundle)):
        assert examine(logged_again(world)).verified is not None
    assert examine(proven_by_the_successor(logged_again(closed_after(2)))).verified is not None


def test_a_closed_log_that_our_tree_does_not_lead_to_says_nothing() -> None:
    """Whatever is found there, it may be of the other history: not accepted, and not rejected either."""
    examined = examine(closed_after(3), UNSETTLED)
    assert outcome(examined, 6) == (UNDECIDED, "NOT_YET_IN_VIEW")
    assert examined.verified is None
    assert outcome(examine(replace(closed_after(3), entry=None), UNSETTLED), 6) == (UNDECIDED, "NOT_YET_IN_VIEW")
    assert examine(logged_again(closed_after(2)), UNSETTLED).verified is not None, "the successor is another log"


def test_freshness_is_that_of_the_successor() -> None:
    world = closed_after(3)
    assert outcome(examine(replace(world, view=view(fresh=False))), 9) == (UNDECIDED, "LOG_VIEW_STALE")
    assert outcome(examine(replace(world, view=None)), 9) == (UNDECIDED, "NO_LOG_VIEW")
    of_before = replace(world, view=World.build().view)
    assert outcome(examine(of_before), 9) == (UNDECIDED, "NO_LOG_VIEW"), "a view of the closed log is none"
    assert examine(of_before).verified is None


def test_two_histories_are_one_below_the_last_honest_head() -> None:
    examined = examine(closed_after(3), witnessing=Witnessing(agreed=0))
    assert examined.verified is not None
    split_again = examine(logged_again(closed_after(2)), witnessing=Witnessing(agreed=1))
    assert outcome(split_again, 6) == (UNDECIDED, "LOG_SPLIT"), "of the successor this still holds"


def test_witnesses_are_those_of_the_log_that_holds_the_entry() -> None:
    demanding = replace(closed_after(3), terms=conditions(quorum=1))
    assert outcome(examine(demanding), 7) == (UNDECIDED, "WITNESS_QUORUM_UNMET")
    assert outcome(examine(demanding, witnessing=Witnessing({LANZHOU: 2})), 7) == (UNDECIDED, "WITNESS_QUORUM_UNMET")
    assert outcome(examine(demanding, witnessing=Witnessing({LANZHOU: 3})), 7) == (PASS, "")


def test_who_cosigned_the_closed_log_is_no_witness_of_the_successor() -> None:
    world = World.build()
    shown = read_bundle(world.bundle)
    witnessed = encode_bundle(
        world.envelope, shown.subject_salt, shown.disclosure, shown.report_salt, world.log.inclusion(2, LANZHOU)
    )
    demanding = replace(closed_after(3), bundle=witnessed, terms=conditions(quorum=1))
    assert outcome(examine(demanding), 7) == (PASS, "")
    again = logged_again(replace(closed_after(2), bundle=witnessed, terms=conditions(quorum=1)))
    assert outcome(examine(again), 6) == (PASS, "")
    assert outcome(examine(again), 7) == (UNDECIDED, "WITNESS_QUORUM_UNMET")


def test_a_proof_of_the_closed_log_must_still_hold() -> None:
    """Every bit counts, also of what proves nothing any more."""
    for world in (closed_after(3), logged_again(closed_after(2))):
        shown = read_bundle(world.bundle)
        assert shown.inclusion is not None
        wrong = Inclusion(shown.inclusion.index, (bytes(32), *shown.inclusion.hashes[1:]), shown.inclusion.checkpoint)
        bundle = encode_bundle(world.envelope, shown.subject_salt, shown.disclosure, shown.report_salt, wrong)
        assert outcome(examine(replace(world, bundle=bundle)), 6) == (FAIL, "PROOF_INVALID")


def test_a_head_of_the_successor_by_the_closed_logs_key_is_refused() -> None:
    """Whoever stole that key cannot go on with it."""
    world = logged_again(closed_after(2))
    shown, log = read_bundle(world.bundle), Log((b"succession", world.envelope), FRESH)
    text = cosign(sign_head(NEXT, 2, log.root, key("head")), own_cosigner(NEXT), key("cosigner"), FRESH)
    stolen = replace(log.inclusion(1), checkpoint=text)
    bundle = encode_bundle(world.envelope, shown.subject_salt, shown.disclosure, shown.report_salt, stolen)
    assert outcome(examine(replace(world, bundle=bundle)), 6) == (FAIL, "CHECKPOINT_INVALID")


def test_flags_of_either_log_are_in_force() -> None:
    world = closed_after(3)
    revoked = StatusEvent(bytes(32), StatusFlag.REVOKED, True, ISSUED)
    flagged = replace(world, entry=EntryView(ORIGIN, 2, world.envelope, (revoked,)))
    assert outcome(examine(flagged), 10) == (FAIL, "REVOKED")


def test_a_flag_that_was_set_in_what_was_discarded_leaves_a_doubt() -> None:
    doubt = LeftOpen(doubted=True)
    for world in (closed_after(3), logged_again(closed_after(2))):
        examined = examine(world, doubt)
        assert outcome(examined, 10) == (UNDECIDED, "STATUS_UNPROVEN")
        assert examined.verified is None
    revoked = StatusEvent(bytes(32), StatusFlag.REVOKED, True, ISSUED)
    flagged = replace(closed_after(3), entry=EntryView(ORIGIN, 2, World.build().envelope, (revoked,)))
    examined = examine(flagged, doubt)
    assert (outcome(examined, 10), examined.doubted) == ((FAIL, "REVOKED"), True)
    assert not examine(flagged).doubted
    assert not examine(closed_after(3), doubt).doubted, "step 10 names it itself"


def test_a_succession_fits_one_log_of_one_issuer() -> None:
    world = World.build()
    assert world.trusted is not None
    first = succession(world, 3)
    with pytest.raises(MalformedInput):
        world.trusted.succeeded(first).succeeded(first)
    other = TrustedIssuer.of(
        replace(jurisdiction(key("signing")), log=replace(jurisdiction(key("signing")).log, head_spki=key("x").spki)),
        NOW,
    )
    with pytest.raises(CheckpointInvalid):
        other.succeeded(first)
