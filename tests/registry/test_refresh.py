"""One refresh against everything that a dishonest mirror, coordinator or jurisdiction can do: time and order.

Each attack fails with its reason and changes nothing, or harms the one alone who published it; an honest refresh
afterwards succeeds. The other files of this name go on with content, roots, publications and sources.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.metadata import Signed, Snapshot, Targets

from node.registry.documents import RootDocument
from node.registry.metadata import SIGNED_AT_FIELD, described, read_metadata
from node.registry.refresh import MAX_AHEAD, REFRESH_REASONS, refresh
from node.registry.release import Changes
from tests.registry.forging import (
    A,
    B,
    newest,
    rebuilt,
    require_recovers,
    require_refused,
    resigned,
    stamped,
    unchanged,
)
from tests.support.registry import (
    DAY,
    FOUNDED,
    HOUR,
    PUBLICATION_LIFE,
    SECOND,
    SNAPSHOT_LIFE,
    TIMESTAMP_LIFE,
    Federation,
    Offered,
    bundle_of,
    root_document,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key


def test_a_new_node_learns_everything_from_its_anchor(federation: Federation) -> None:
    found = refresh(federation.anchor, Offered(federation.held), federation.now)
    assert found.files == federation.held
    assert found.release == federation.verified.release
    assert set(found.release.publications) == {A, B}
    assert (found.root_version, found.coordinator) == (1, A)
    assert set(found.ends) == {"root", "timestamp", "snapshot", "targets", A, B}
    assert found.release.expires_at == min(found.ends[role] for role in ("root", "timestamp", "snapshot", "targets"))


def test_only_what_is_new_is_fetched(federation: Federation) -> None:
    held = federation.held
    federation.release()
    source = Offered(federation.held)
    refresh(held, source, federation.now)
    assert source.asked == ["2.root.json", "timestamp.json"]


def test_the_clock_is_the_callers(federation: Federation) -> None:
    """Holds the line that sets python-tuf's private `reference_time`: its own clock says November 2026 or later."""
    now = FOUNDED + 4000 * DAY
    later = Federation(A, now=now)
    refresh(later.anchor, Offered(later.held), later.now)
    require_refused(federation.held, Offered(federation.held), "REGISTRY_EXPIRED", now)
    past = Federation(A, now=FOUNDED - 4000 * DAY)
    assert refresh(past.anchor, Offered(past.held), past.now).release.signed_at == past.now


def test_freeze_shows_its_age_and_ends(federation: Federation) -> None:
    """A mirror that keeps sending the same files is taken as long as they hold, and `signed_at` stays where it was."""
    held = federation.held
    signed_at = federation.now
    for hours in (1, 24, 24 * 4):
        found = refresh(held, Offered(held), signed_at + hours * HOUR)
        assert found.release.signed_at == signed_at
        assert found.files == held
    require_refused(held, Offered(held), "REGISTRY_EXPIRED", signed_at + TIMESTAMP_LIFE)
    require_recovers(federation, held, signed_at + TIMESTAMP_LIFE + DAY)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (None, "REGISTRY_MALFORMED"),
        ("", "REGISTRY_MALFORMED"),
        ("yesterday", "REGISTRY_MALFORMED"),
        (17, "REGISTRY_MALFORMED"),
        ({"at": []}, "REGISTRY_MALFORMED"),
        ("2026-11-22T02:00:00+00:00", "REGISTRY_MALFORMED"),
        ("9999-12-31T23:59:59Z", "REGISTRY_CLOCK"),
        (f"{FOUNDED + MAX_AHEAD + 10 * SECOND:%Y-%m-%dT%H:%M:%SZ}", "REGISTRY_CLOCK"),
    ],
)
def test_a_timestamp_says_when_it_was_signed(federation: Federation, field: Any, reason: str) -> None:
    """From the future it would hide how old trust is, and no honest one would be new enough after it."""

    def change(found: Any) -> None:
        found.unrecognized_fields.pop(SIGNED_AT_FIELD)
        if field is not None:
            found.unrecognized_fields[SIGNED_AT_FIELD] = field

    held = federation.held
    require_refused(held, Offered(stamped(held, change)), reason, federation.now)
    require_recovers(federation, held)


def test_clocks_differ_a_little(federation: Federation) -> None:
    found = refresh(federation.anchor, Offered(federation.held), FOUNDED - MAX_AHEAD + 10 * SECOND)
    assert found.release.signed_at == federation.now


@pytest.mark.parametrize(
    ("role", "life"), [("timestamp", TIMESTAMP_LIFE), ("snapshot", SNAPSHOT_LIFE), ("targets", 365 * DAY)]
)
def test_expired_roles(federation: Federation, role: str, life: timedelta) -> None:
    """Each of them by itself: the others are made to last."""
    end = federation.now + 1000 * DAY
    files = dict(federation.held)
    # The root lasts.
    files["2.root.json"] = signed(root_document(version=2, now=end), "root 140000", "root 520000")
    if role != "targets":
        files["2.targets.json"] = signed(targets_document(A, B, version=2, now=end), "root 140000", "root 520000")

    def lasting(found: Signed) -> None:
        found.expires = end

    def snapshot(found: Snapshot) -> None:
        if role != "snapshot":
            found.expires = end
        if role != "targets":
            found.meta["targets.json"] = described(files["2.targets.json"], 2)

    files = rebuilt(files, snapshot, lasting if role != "timestamp" else unchanged)
    at = federation.now + life
    assert refresh(federation.anchor, Offered(files), at - 2 * DAY).release.signed_at
    error = require_refused(federation.anchor, Offered(files), "REGISTRY_EXPIRED", at + SECOND)
    assert "expired" in error.message


def test_an_expired_root_is_followed_by_a_newer_one(federation: Federation) -> None:
    held, late = federation.held, FOUNDED + 366 * DAY
    require_refused(held, Offered(held), "REGISTRY_EXPIRED", late)
    root = signed(root_document(version=2, now=late), "root 140000", "root 620100")
    targets = signed(targets_document(A, B, version=2, now=late), "root 140000", "root 620100")
    federation.release(Changes(roots=(root,), targets=targets), late)
    assert refresh(held, Offered(federation.held), late).root_version == 2


def test_an_expired_publication_harms_its_own_jurisdiction_alone(federation: Federation) -> None:
    late = federation.now + PUBLICATION_LIFE
    root = signed(root_document(version=2, now=late), "root 140000", "root 520000")
    targets = signed(targets_document(A, B, version=2, now=late), "root 140000", "root 520000")
    federation.release(Changes(roots=(root,), targets=targets), late - HOUR)
    held = federation.held
    federation.publish(A)
    federation.now = late + HOUR
    found = federation.release()
    assert found.release.publications[A].content
    assert found.release.publications[B].content is None
    assert "expired" in found.release.publications[B].problem
    assert found.ends[B] < federation.now
    again = refresh(held, Offered(federation.held), federation.now)
    assert again.files == federation.held
    federation.publish(B)
    assert federation.verified.release.publications[B].content


def test_rollback_of_the_whole_release(federation: Federation) -> None:
    old = federation.held
    federation.release()
    held = federation.held
    require_refused(held, Offered(old), "REGISTRY_ROLLBACK", federation.now)
    require_recovers(federation, held)


def test_rollback_of_the_snapshot_by_the_timestamp_key(federation: Federation) -> None:
    old = federation.held[newest(federation.held, "snapshot")]
    federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    held = federation.held

    def back(found: Any) -> None:
        found.snapshot_meta = described(old, read_metadata(old, Snapshot).version)

    require_refused(held, Offered(stamped(held, back)), "REGISTRY_ROLLBACK", federation.now)
    require_recovers(federation, held)


@pytest.mark.parametrize("role", ["targets", A])
@pytest.mark.parametrize("key_changed", [False, True])
def test_rollback_of_what_others_signed(federation: Federation, role: str, key_changed: bool) -> None:
    """Also by a coordinator whose snapshot key is new: then python-tuf no longer compares with the snapshot before."""
    old = federation.held[newest(federation.held, role)]
    if role == "targets":
        targets = signed(targets_document(A, version=2), "root 140000", "root 520000")
        federation.release(Changes(targets=targets))
    else:
        federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    held = federation.held
    version = read_metadata(old, Targets).version
    files = {**held, f"{version}.{role}.json": old}

    def back(found: Snapshot) -> None:
        found.meta[f"{role}.json"] = described(old, version)

    files = rebuilt(files, back)
    if key_changed:
        root = root_document(version=2)
        root = RootDocument(
            version=2,
            expires=root.expires,
            holders=root.holders,
            threshold=2,
            coordinator=A,
            snapshot=key("snapshot 2").public,
            timestamp=root.timestamp,
        )
        files["2.root.json"] = signed(root, "root 140000", "root 520000")
        name = newest(files, "snapshot")
        files[name] = resigned(files[name], unchanged, "snapshot 2")

        def pointing(found: Any) -> None:
            found.version += 1
            found.snapshot_meta = described(files[name], int(name.split(".")[0]))

        files["timestamp.json"] = resigned(files["timestamp.json"], pointing, "timestamp")
    require_refused(held, Offered(files), "REGISTRY_ROLLBACK", federation.now)
    require_recovers(federation, held)


def test_a_publication_cannot_be_left_out_again(federation: Federation) -> None:
    held = federation.held

    def without(found: Snapshot) -> None:
        del found.meta[f"{B}.json"]

    require_refused(held, Offered(rebuilt(held, without)), "REGISTRY_MALFORMED", federation.now)
    require_recovers(federation, held)


def test_mix_and_match_of_two_releases(federation: Federation) -> None:
    """The newest timestamp with files of the release before, each under the name that is asked for."""
    old = federation.held
    federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    fresh = federation.held
    for role in ("snapshot", A):
        mixed = {**fresh, newest(fresh, role): old[newest(old, role)]}
        require_refused(old, Offered(mixed), "REGISTRY_MISMATCH", federation.now)
        require_refused(federation.anchor, Offered(mixed), "REGISTRY_MISMATCH", federation.now)
    bundle = next(name for name in fresh if name.endswith(".bundle") and name not in old)
    other = next(name for name in old if name.endswith(".bundle") and name.startswith(A))
    require_refused(old, Offered({**fresh, bundle: old[other]}), "REGISTRY_MISMATCH", federation.now)
    assert refresh(old, Offered(fresh), federation.now).files == fresh


def test_two_snapshots_of_one_version(federation: Federation) -> None:
    """A coordinator that tells two stories: what we would serve on would not fit together."""
    held = federation.held
    name = newest(held, "snapshot")

    def other(found: Snapshot) -> None:
        found.expires += SECOND

    twin = resigned(held[name], other, "snapshot")

    def pointing(found: Any) -> None:
        found.snapshot_meta = described(twin, int(name.split(".")[0]))

    require_refused(held, Offered({**stamped(held, pointing), name: twin}), "REGISTRY_MISMATCH", federation.now)
    require_recovers(federation, held)


def test_two_publications_of_one_version(federation: Federation) -> None:
    """Both are signed by their jurisdiction, so the listed one is taken: never the one with the words of the other."""
    held = federation.held
    name = newest(held, A)

    def shorter(found: Targets) -> None:
        found.expires -= DAY

    twin = resigned(held[name], shorter, f"registry {A}")

    def listing(found: Snapshot) -> None:
        found.meta[f"{A}.json"] = described(twin, int(name.split(".")[0]))

    found = refresh(held, Offered({**rebuilt(held, listing), name: twin}), federation.now)
    assert found.files[name] == twin
    assert found.release.publications[A].expires_at == read_metadata(twin, Targets).expires


def test_every_reason_is_explained() -> None:
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert {reason for reason in REFRESH_REASONS if f"| `{reason}` |" in text} == REFRESH_REASONS
