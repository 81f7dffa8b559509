"""What holders decide becomes the next document, and what cannot be is refused by the option's name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from node.errors import InvalidInput
from node.registry.ceremony import (
    RootChanges,
    delegate,
    expiry,
    found_root,
    found_targets,
    next_root,
    next_targets,
    require_apart,
    undelegate,
)
from node.registry.documents import delegated_paths, read_root, read_targets
from tests.registry.holders import EXPIRES, NOW, delegated, founded, new_keys, public, signed
from trust.algorithms import Suite
from trust.errors import BadKey, MalformedInput
from trust.keys import generate

HOLDERS = new_keys()
ROOT = signed(founded(HOLDERS), HOLDERS.values())
REGISTRY = new_keys()
TARGETS = signed(delegated(ROOT, REGISTRY), HOLDERS.values(), ROOT)
NEW = generate(Suite.ED25519).public


def test_the_first_root_says_who_decides() -> None:
    root = founded(HOLDERS)
    assert (root.version, root.threshold, root.coordinator, root.signatures) == (1, 2, "140000", {})
    assert root.holders == public(HOLDERS)
    assert read_root(root.to_bytes()) == root


@pytest.mark.parametrize("threshold", [0, -1, 4])
def test_a_threshold_out_of_reach_is_refused(threshold: int) -> None:
    with pytest.raises(InvalidInput, match="between 2 and 3") as caught:
        founded(HOLDERS, threshold)
    assert caught.value.field == "--threshold"


def test_one_key_alone_must_be_allowed_by_name() -> None:
    online = generate(Suite.ED25519).public, generate(Suite.ED25519).public
    with pytest.raises(InvalidInput, match="one stolen key"):
        found_root(public(HOLDERS), 1, "140000", online, EXPIRES)
    assert found_root(public(HOLDERS), 1, "140000", online, EXPIRES, allow_single=True).threshold == 1
    with pytest.raises(InvalidInput, match="one stolen key"):
        next_root(ROOT, RootChanges(threshold=1), EXPIRES)
    assert next_root(ROOT, RootChanges(threshold=1), EXPIRES, allow_single=True).threshold == 1


def test_the_next_root_changes_what_is_named_and_nothing_else() -> None:
    later = EXPIRES + timedelta(days=1)
    same = next_root(ROOT, RootChanges(), later)
    assert (same.version, same.expires, same.signatures) == (2, later, {})
    assert (same.holders, same.threshold, same.coordinator) == (ROOT.holders, ROOT.threshold, ROOT.coordinator)
    assert (same.snapshot, same.timestamp) == (ROOT.snapshot, ROOT.timestamp)
    changes = RootChanges(
        add={"210000": NEW},
        replace={"520000": generate(Suite.ECDSA_P256_SHA256).public},
        remove=("620100",),
        threshold=3,
        coordinator="520000",
        snapshot=generate(Suite.ED25519).public,
        timestamp=generate(Suite.ED25519).public,
    )
    other = next_root(ROOT, changes, later)
    assert other.holders == {
        "140000": ROOT.holders["140000"],
        "520000": changes.replace["520000"],
        "210000": NEW,
    }
    assert (other.threshold, other.coordinator) == (3, "520000")
    assert (other.snapshot, other.timestamp) == (changes.snapshot, changes.timestamp)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (RootChanges(add={"140000": NEW}), "--add"),
        (RootChanges(remove=("210000",)), "--remove"),
        (RootChanges(replace={"210000": NEW}), "--replace"),
        (RootChanges(replace={"140000": ROOT.holders["140000"]}), "--replace"),
        (RootChanges(remove=("140000", "520000")), "--threshold"),
        (RootChanges(threshold=4), "--threshold"),
        (RootChanges(coordinator="520000"), "--coordinator"),
        (RootChanges(coordinator="520000", snapshot=NEW), "--coordinator"),
        (RootChanges(coordinator="520000", snapshot=NEW, timestamp=ROOT.timestamp), "--coordinator"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_its_option(changes: RootChanges, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        next_root(ROOT, changes, EXPIRES)
    assert caught.value.field == field


def test_the_coordinator_may_be_named_again_without_new_keys() -> None:
    assert next_root(ROOT, RootChanges(coordinator="140000"), EXPIRES).coordinator == "140000"


def test_a_delegation_is_of_the_jurisdictions_own_paths() -> None:
    empty = found_targets(EXPIRES)
    assert (empty.version, empty.delegations) == (1, {})
    targets = delegate(empty, ROOT, "520000", (NEW,))
    role = targets.signed.delegations.roles["520000"]  # type: ignore[union-attr,index]  # there, or the test fails
    assert role.paths == ["520000/*", "520000/*/*"] == delegated_paths("520000")
    assert (role.terminating, role.threshold, role.keyids) == (True, 1, [NEW.key_id])
    assert role.is_delegated_path("520000/bundle")
    assert role.is_delegated_path("520000/scheme/2025")
    for foreign in ("140000/bundle", "520000", "520000/a/b/c", "5200000/bundle", "520000x/bundle"):
        assert not role.is_delegated_path(foreign)
    assert read_targets(targets.to_bytes()) == targets


def test_a_delegation_replaces_the_one_before_and_takes_its_signatures() -> None:
    other = delegate(TARGETS, ROOT, "520000", (NEW, generate(Suite.ED25519).public), 2)
    assert set(other.delegations) == set(TARGETS.delegations)
    assert other.delegations["140000"] == TARGETS.delegations["140000"]
    assert other.delegations["520000"].threshold == 2
    assert (other.signatures, other.version) == ({}, TARGETS.version)
    assert REGISTRY["520000"].key_id not in other.to_bytes().decode()
    with pytest.raises(InvalidInput, match="very keys"):
        delegate(TARGETS, ROOT, "520000", (REGISTRY["520000"].public,))


def test_no_key_serves_twice() -> None:
    with pytest.raises(BadKey, match="two places"):
        delegate(TARGETS, ROOT, "520000", (REGISTRY["140000"].public,))
    for key in (ROOT.holders["140000"], ROOT.snapshot, ROOT.timestamp):
        with pytest.raises(BadKey, match="in a safe"):
            delegate(TARGETS, ROOT, "520000", (key,))
    with pytest.raises(BadKey, match="in a safe"):
        require_apart(next_root(ROOT, RootChanges(add={"210000": REGISTRY["140000"].public}), EXPIRES), TARGETS)


@pytest.mark.parametrize("division", ["", "14", "14000a", "140000/x", "*", "１４００００"])
def test_only_a_division_code_is_delegated(division: str) -> None:
    with pytest.raises(MalformedInput, match="six digits"):
        delegate(TARGETS, ROOT, division, (NEW,))


def test_who_is_undelegated_leaves_no_key_behind() -> None:
    left = undelegate(TARGETS, "520000")
    assert set(left.delegations) == {"140000", "620100"}
    assert left.signatures == {}
    assert REGISTRY["520000"].key_id not in left.to_bytes().decode()
    with pytest.raises(InvalidInput, match="140000, 620100 are"):
        undelegate(left, "520000")
    with pytest.raises(InvalidInput, match="none are"):
        undelegate(found_targets(EXPIRES), "520000")


def test_the_next_targets_say_the_same_one_version_later() -> None:
    following = next_targets(TARGETS, EXPIRES + timedelta(1))
    assert (following.version, following.signatures) == (2, {})
    assert following.delegations == TARGETS.delegations


def test_documents_live_a_day_to_ten_years() -> None:
    assert expiry(NOW.replace(microsecond=7), 365) == NOW + timedelta(days=365)
    for days in (0, -1, 3651):
        with pytest.raises(InvalidInput, match="1 to 3650 days"):
            expiry(NOW, days)
