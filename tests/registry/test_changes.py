"""What an official reads is everything: no two documents differ in a byte to sign and read alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import InvalidInput
from node.model.calendar import rfc3339
from node.registry.ceremony import RootChanges, delegate, next_root, next_targets, undelegate
from node.registry.changes import Caution, Change, Fact, Topic, changes_between, describe, facts_of
from node.registry.documents import Delegation, RootDocument, TargetsDocument, read_document
from tests.registry.holders import EXPIRES, NOW, delegated, founded, new_keys
from trust.algorithms import PublicKey, Suite
from trust.keys import generate

HOLDERS = new_keys()
ROOT = founded(HOLDERS)
TARGETS = delegated(ROOT, new_keys())
POOL = [generate(Suite.ED25519).public for _ in range(6)] + [generate(Suite.ECDSA_P256_SHA256).public for _ in range(3)]
CODES = ("140000", "220000", "520000", "620100", "710000")

expiries = st.integers(1, 4000).map(lambda hours: NOW + timedelta(hours=hours))


@st.composite
def roots(draw: st.DrawFn) -> RootDocument:
    keys = draw(st.permutations(POOL))
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True))
    return RootDocument(
        version=draw(st.integers(1, 3)),
        expires=draw(expiries),
        specification=draw(st.sampled_from(["1.0.31", "1.0"])),
        holders=dict(zip(codes, keys, strict=False)),
        threshold=draw(st.integers(1, len(codes))),
        coordinator=draw(st.sampled_from(CODES)),
        snapshot=keys[-1],
        timestamp=keys[-2],
    )


@st.composite
def targets(draw: st.DrawFn) -> TargetsDocument:
    keys: Sequence[PublicKey] = draw(st.permutations(POOL))
    delegations, used = {}, 0
    for code in draw(st.lists(st.sampled_from(CODES), max_size=4, unique=True)):
        count = draw(st.integers(1, 2))
        held = {key.key_id: key for key in keys[used : used + count]}
        delegations[code], used = Delegation(held, draw(st.integers(1, count))), used + count
    return TargetsDocument(version=draw(st.integers(1, 3)), expires=draw(expiries), delegations=delegations)


@pytest.mark.parametrize("documents", [roots(), targets()], ids=["root", "targets"])
def test_documents_that_read_alike_are_alike(documents: st.SearchStrategy[RootDocument | TargetsDocument]) -> None:
    @given(documents, documents)
    @settings(max_examples=150, deadline=None)
    def holds(one: RootDocument | TargetsDocument, other: RootDocument | TargetsDocument) -> None:
        before, after = facts_of(one), facts_of(other)
        changes = changes_between(before, after)
        assert (one.payload == other.payload) == (not changes)
        # What changed, laid over what was, is what is.
        told = {**before, **{each.fact: each.after for each in changes}}
        assert {fact: value for fact, value in told.items() if value is not None} == after
        assert [each.before for each in changes] == [before.get(each.fact) for each in changes]
        assert read_document(one.to_bytes()) == one

    holds()


def fact(topic: Topic, name: str = "") -> Fact:
    return Fact(topic, name)


def test_each_change_of_a_root_is_told() -> None:
    new, snapshot, timestamp = POOL[:3]
    second = next_root(
        ROOT,
        RootChanges(
            add={"210000": new},
            remove=("520000",),
            threshold=3,
            coordinator="620100",
            snapshot=snapshot,
            timestamp=timestamp,
        ),
        EXPIRES + timedelta(days=1),
    )
    told = describe(second, ROOT, NOW)
    assert told.changes is not None
    assert set(told.changes) == {
        Change(fact(Topic.VERSION), "1", "2"),
        Change(fact(Topic.EXPIRES), rfc3339(EXPIRES), rfc3339(EXPIRES + timedelta(days=1))),
        Change(fact(Topic.COORDINATOR), "140000", "620100"),
        Change(fact(Topic.THRESHOLD), "2", "3"),
        Change(fact(Topic.HOLDER, "210000"), None, new.key_id),
        Change(fact(Topic.HOLDER, "520000"), HOLDERS["520000"].key_id, None),
        Change(fact(Topic.SNAPSHOT), ROOT.snapshot.key_id, snapshot.key_id),
        Change(fact(Topic.TIMESTAMP), ROOT.timestamp.key_id, timestamp.key_id),
    }
    assert told.facts == facts_of(second)


def test_each_change_of_targets_is_told() -> None:
    following = next_targets(TARGETS, EXPIRES)
    following = undelegate(delegate(following, ROOT, "210000", (POOL[0],)), "140000")
    following = delegate(following, ROOT, "520000", (POOL[1], POOL[2]), 2)
    told = describe(following, TARGETS, NOW).changes
    assert told is not None
    assert {(each.fact.topic, each.fact.name): each.after for each in told} == {
        (Topic.VERSION, ""): "2",
        (Topic.DELEGATION, "210000"): f"1 of {POOL[0].key_id}",
        (Topic.DELEGATION, "520000"): "2 of " + " ".join(sorted((POOL[1].key_id, POOL[2].key_id))),
        (Topic.DELEGATION, "140000"): None,
    }


def test_the_first_version_follows_nothing() -> None:
    assert describe(ROOT, None, NOW).changes is None
    assert describe(TARGETS, None, NOW).changes is None


@pytest.mark.parametrize("previous", [None, TARGETS, replace(ROOT, version=2), replace(ROOT, version=3)])
def test_a_later_version_is_not_described_without_the_one_before(
    previous: RootDocument | TargetsDocument | None,
) -> None:
    with pytest.raises(InvalidInput, match=r"1\.root\.json"):
        describe(next_root(ROOT, RootChanges(), EXPIRES), previous, NOW)
    if previous is not None:
        with pytest.raises(InvalidInput):
            describe(ROOT, previous, NOW)


@pytest.mark.parametrize(
    ("holders", "threshold", "cautions"),
    [
        (3, 2, ()),
        (5, 3, ()),
        (3, 3, (Caution.EVERY_KEY_IS_NEEDED,)),
        (3, 1, (Caution.ONE_KEY_IS_ENOUGH,)),
        (1, 1, (Caution.ONE_KEY_IS_ENOUGH,)),
        (4, 2, (Caution.TWO_CAMPS,)),
        (5, 2, (Caution.TWO_CAMPS,)),
    ],
)
def test_a_threshold_to_stop_at_is_pointed_out(holders: int, threshold: int, cautions: tuple[Caution, ...]) -> None:
    root = founded(new_keys(CODES[:holders]), threshold)
    assert describe(root, None, NOW).cautions == cautions


def test_what_gets_weaker_or_is_over_is_pointed_out() -> None:
    strict = founded(new_keys(CODES), 4)
    lower = next_root(strict, RootChanges(threshold=3), EXPIRES)
    assert describe(lower, strict, NOW).cautions == (Caution.THRESHOLD_LOWERED,)
    shorter = next_targets(TARGETS, EXPIRES - timedelta(days=1))
    assert describe(shorter, TARGETS, NOW).cautions == (Caution.SHORTER_LIFE,)
    assert describe(TARGETS, None, EXPIRES).cautions == (Caution.EXPIRED,)
    assert describe(TARGETS, None, EXPIRES - timedelta(seconds=1)).cautions == ()


def test_the_facts_have_one_order() -> None:
    shuffled = dict(random.Random(7).sample(list(ROOT.holders.items()), 3))  # noqa: S311 - an order, not a secret
    assert list(facts_of(replace(ROOT, holders=shuffled))) == list(facts_of(ROOT))
