"""Whose cosignatures count for a quorum, and what is left of a log with two histories (steps 6 and 7; R184)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.trust import ISSUED, NOW, ORIGIN, World, conditions, jurisdiction, key
from trust.bundle import encode_bundle, read_bundle
from trust.errors import StepUndecided
from trust.issuers import TrustedIssuer, witness_keys
from trust.outcome import StepStatus
from trust.witnesses import NOTHING_WITNESSED, Witnessing, require_one_history, witnesses_of

GUIZHOU, LANZHOU, LIAONING = (f"huxin/{division}/node" for division in ("520000", "620100", "210000"))
OURS, ISSUERS = GUIZHOU, f"{ORIGIN}/node"
KNOWN = {name: key(name).public for name in (GUIZHOU, LANZHOU, LIAONING)}
TRUSTED = TrustedIssuer.of(jurisdiction(key("signing")), NOW, KNOWN)
INDEX = 2
"""Of the statement of `World`, in a log of five entries."""


def count(sizes: dict[str, int], *on_head: str, index: int | None = INDEX, trusted: TrustedIssuer = TRUSTED) -> int:
    return len(witnesses_of(index, on_head, trusted, Witnessing(sizes, None, OURS)))


def test_a_head_counts_that_is_larger_than_the_index() -> None:
    assert count({LANZHOU: INDEX}) == 0
    assert count({LANZHOU: INDEX + 1}) == 1
    assert count({LANZHOU: INDEX + 1, LIAONING: 9}) == 2
    assert count({LANZHOU: 9}, index=None) == 0, "what is in no head that we know was witnessed by nobody"


def test_neither_the_issuer_nor_we_are_a_witness() -> None:
    assert count({ISSUERS: 9, OURS: 9}, ISSUERS, OURS) == 0


def test_who_is_not_known_here_does_not_count() -> None:
    assert count({"huxin/999999/node": 9}, "huxin/999998/node") == 0


def test_one_witness_counts_once() -> None:
    assert count({LANZHOU: 9}, LANZHOU) == 1
    shared = TrustedIssuer.of(jurisdiction(key("signing")), NOW, {**KNOWN, LIAONING: key(LANZHOU).public})
    assert count({LANZHOU: 9, LIAONING: 9}, trusted=shared) == 1, "two names, one key"
    borrowed = TrustedIssuer.of(jurisdiction(key("signing")), NOW, {**KNOWN, LANZHOU: key("cosigner").public})
    assert count({LANZHOU: 9}, trusted=borrowed) == 0, "the issuer's own key under another name"


def test_nobody_takes_the_name_of_the_issuers_own_node() -> None:
    trusted = TRUSTED.with_witnesses({ISSUERS: key("another").public})
    assert trusted.cosigners[ISSUERS] == TRUSTED.cosigners[ISSUERS]


def test_every_issuer_knows_every_other_as_a_witness() -> None:
    found = witness_keys([TRUSTED])
    assert {name: found[name].key_id for name in found} == {ISSUERS: key("cosigner").key_id}


def test_entries_count_below_the_point_where_histories_part() -> None:
    require_one_history(10**9, NOTHING_WITNESSED)
    require_one_history(4, Witnessing(agreed=5))
    for agreed in (5, 0):
        with pytest.raises(StepUndecided) as caught:
            require_one_history(5, Witnessing(agreed=agreed))
        assert caught.value.reason == "LOG_SPLIT"


def outcome(world: World, number: int, witnessing: Witnessing) -> tuple[StepStatus, str, bool]:
    """Of one step, and whether everything passed."""
    found = world.examine(witnessing)
    step = found.outcomes[number - 1]
    return step.status, step.reason, found.verified is not None


def of_quorum(quorum: int) -> World:
    return replace(World.build(), trusted=TRUSTED, terms=conditions(quorum=quorum))


def test_a_quorum_is_met_by_our_own_view() -> None:
    world = of_quorum(2)
    few, enough = Witnessing({LANZHOU: 5, GUIZHOU: 5}, None, OURS), Witnessing({LANZHOU: 3, LIAONING: 5}, None, OURS)
    assert outcome(world, 7, few) == (StepStatus.UNDECIDED, "WITNESS_QUORUM_UNMET", False)
    assert outcome(world, 7, enough) == (StepStatus.PASS, "", True)
    assert world.examine(enough).witnesses == 2
    assert of_quorum(0).examine(few).witnesses == 1, "they are counted, whether any are demanded or not"


def test_a_statement_that_is_not_logged_was_witnessed_by_nobody() -> None:
    """A genuine head under another entry: its cosigners saw something else."""
    world = of_quorum(1)
    bundle, elsewhere = read_bundle(world.bundle), world.log.inclusion(1, LANZHOU)
    moved = encode_bundle(bundle.envelope_bytes, bundle.subject_salt, bundle.disclosure, bundle.report_salt, elsewhere)
    found = replace(world, bundle=moved, entry=None, view=None).examine(Witnessing({LANZHOU: 5}, None, OURS))
    assert found.outcomes[5].reason == "PROOF_INVALID"
    assert (found.outcomes[6].reason, found.witnesses) == ("WITNESS_QUORUM_UNMET", 0)


@pytest.mark.parametrize("seen", [True, False], ids=["in our view", "by the bundle's proof"])
def test_what_stands_after_the_histories_part_is_never_verified(seen: bool) -> None:
    world = World.build()
    if not seen:
        assert world.view is not None
        world = replace(world, entry=None, view=replace(world.view, size=1, root=bytes(32), fresh_at=ISSUED))
    after, before = Witnessing(agreed=INDEX), Witnessing(agreed=INDEX + 1)
    assert outcome(world, 6, after) == (StepStatus.UNDECIDED, "LOG_SPLIT", False)
    assert outcome(world, 6, before)[1] != "LOG_SPLIT"
