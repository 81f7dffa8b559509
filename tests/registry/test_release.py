"""What the coordinator signs, and what it does not let itself be given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tuf.api.metadata import Snapshot, Targets, Timestamp

from node.errors import BadSource
from node.registry.keys import RegistrySigner
from node.registry.metadata import (
    FIRST_SEEN_FIELD,
    SIGNED_AT_FIELD,
    newest,
    read_metadata,
    served_name,
    signed_bytes,
    target_of,
)
from node.registry.publishing import Publication
from node.registry.refresh import RefreshFailed, refresh
from node.registry.release import Changes, next_release
from tests.support.registry import (
    DAY,
    FOUNDED,
    HOUR,
    NO_CHANGES,
    SECOND,
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
    Federation,
    Offered,
    bundle_of,
    online,
    root_document,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key
from trust.errors import TrustError
from trust.vocabulary import SigningKeyInfo

A, B = "140000", "520000"


def test_without_changes_the_timestamp_alone_is_new(federation: Federation) -> None:
    now = federation.now + HOUR + timedelta(microseconds=7)
    offered = next_release(federation.held, NO_CHANGES, online(), now)
    assert {name for name in offered if offered[name] != federation.held.get(name)} == {"timestamp.json"}
    before, after = (read_metadata(each["timestamp.json"], Timestamp) for each in (federation.held, offered))
    assert after.version == before.version + 1
    assert after.unrecognized_fields[SIGNED_AT_FIELD] == f"{federation.now + HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert after.expires == (federation.now + HOUR + TIMESTAMP_LIFE)
    found = refresh(federation.held, Offered(offered), now)
    assert found.release.publications == federation.verified.release.publications


def test_the_snapshot_is_renewed_at_half_of_its_life(federation: Federation) -> None:
    before = newest(federation.held, "snapshot", Snapshot)
    half = before.expires - SNAPSHOT_LIFE / 2
    assert newest(next_release(federation.held, NO_CHANGES, online(), half), "snapshot", Snapshot) == before
    after = newest(next_release(federation.held, NO_CHANGES, online(), half + SECOND), "snapshot", Snapshot)
    assert (after.version, after.meta) == (before.version + 1, before.meta)
    assert after.unrecognized_fields == before.unrecognized_fields


def test_the_snapshot_remembers_when_it_first_held_a_key(federation: Federation) -> None:
    at = federation.now + DAY
    federation.now = at
    keys = tuple(SigningKeyInfo(key(name).public.spki, "ed25519", FOUNDED - DAY) for name in (A, "next"))
    federation.publish(A, sealed(bundle_of(A, 2, at, keys), A))
    seen = newest(federation.held, "snapshot", Snapshot).unrecognized_fields[FIRST_SEEN_FIELD]
    assert seen[A][key("next").key_id] == f"{at + SECOND:%Y-%m-%dT%H:%M:%SZ}"
    assert seen[A][key(A).key_id] == f"{FOUNDED + 2 * SECOND:%Y-%m-%dT%H:%M:%SZ}"
    assert set(seen) == {A, B}


def test_no_delegations_no_release() -> None:
    root = signed(root_document(), "root 140000", "root 520000")
    with pytest.raises(BadSource, match="no delegations yet"):
        next_release({"1.root.json": root}, NO_CHANGES, online(), FOUNDED)


@pytest.mark.parametrize("step", [-1, 0, 2, 10**6, 10**40])
def test_one_version_after_the_other(federation: Federation, step: int) -> None:
    """The same number twice would be two files under one name: the coordinator's own database kept the first, and its
    snapshot vouched for the second, for everybody. And who stole a key cannot use up all the numbers."""
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    version = made.version - 1 + step
    listed = read_metadata(made.metadata, Targets)
    listed.version = max(version, 1)
    again = Publication(A, max(version, 1), signed_bytes(listed, RegistrySigner(key(f"registry {A}"))), made.files)
    with pytest.raises(BadSource, match="refresh the registry, then publish again"):
        next_release(federation.held, Changes(publications=(again,)), online(), federation.now)
    federation.release(Changes(publications=(made,)))


def test_the_same_publication_twice_is_refused_the_second_time(federation: Federation) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    federation.release(Changes(publications=(made,)))
    with pytest.raises(BadSource):
        federation.release(Changes(publications=(made,)))


def test_nobody_hands_over_what_is_listed_under_another_name(federation: Federation) -> None:
    forged = sealed(bundle_of(B, 9, federation.now))
    listed = Targets(2, expires=FOUNDED + 9 * DAY, targets={f"{B}/bundle": target_of(f"{B}/bundle", forged)})
    made = Publication(A, 2, signed_bytes(listed, RegistrySigner(key(f"registry {A}"))), {f"{B}/bundle": forged})
    with pytest.raises(BadSource, match="another name"):
        next_release(federation.held, Changes(publications=(made,)), online(), federation.now)


def test_a_file_that_is_not_listed(federation: Federation) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    more = replace(made, files={**made.files, f"{A}/catalogue/x": b"not listed"})
    with pytest.raises(BadSource, match="does not list"):
        next_release(federation.held, Changes(publications=(more,)), online(), federation.now)


def test_a_file_that_is_not_what_is_listed(federation: Federation) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    other = replace(made, files={f"{A}/bundle": sealed(bundle_of(A, 3, federation.now))})
    with pytest.raises(RefreshFailed) as caught:
        federation.release(Changes(publications=(other,)))
    assert caught.value.reason in {"REGISTRY_MISMATCH", "REGISTRY_TOO_LARGE"}


def test_a_file_that_is_missing(federation: Federation) -> None:
    made = federation.publication(A, sealed(bundle_of(A, 2, federation.now)))
    with pytest.raises(RefreshFailed) as caught:
        federation.release(Changes(publications=(replace(made, files={}),)))
    assert caught.value.reason == "REGISTRY_UNREACHABLE"


def test_a_bundle_that_cannot_be_read(federation: Federation) -> None:
    with pytest.raises(TrustError):
        federation.publish(A, b"not a bundle")


def test_roots_and_delegations_come_together(federation: Federation) -> None:
    roots = [signed(root_document(version=version), "root 140000", "root 520000") for version in (2, 3)]
    targets = signed(targets_document(A, version=2), "root 140000", "root 520000")
    found = federation.release(Changes(roots=tuple(reversed(roots)), targets=targets))
    assert found.root_version == 3
    assert set(found.release.publications) == {A}
    assert served_name(f"{B}/bundle", target_of(f"{B}/bundle", sealed(bundle_of(B)))) not in found.files


def test_older_delegations_are_not_taken_back(federation: Federation) -> None:
    old = federation.held["1.targets.json"]
    federation.release(Changes(targets=signed(targets_document(A, version=2), "root 140000", "root 520000")))
    held = federation.held
    federation.release(Changes(targets=old))
    assert federation.held["2.targets.json"] == held["2.targets.json"]
    assert set(federation.verified.release.publications) == {A}
