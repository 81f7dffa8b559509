"""One refresh against everything that a dishonest mirror, coordinator or jurisdiction can do.

Each attack fails with its reason and changes nothing, or harms the one alone who published it; an honest refresh
afterwards succeeds.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from tuf.api.metadata import DelegatedRole, Delegations, Metadata, MetaFile, Signed, Snapshot, TargetFile, Targets
from tuf.api.serialization.json import CanonicalJSONSerializer

from node.registry.documents import RootDocument
from node.registry.keys import RegistrySigner, tuf_key
from node.registry.metadata import FIRST_SEEN_FIELD, SIGNED_AT_FIELD, described, read_metadata, served_name, target_of
from node.registry.refresh import (
    LIMITS,
    MAX_AHEAD,
    MAX_PUBLICATION_BYTES,
    REFRESH_REASONS,
    NotServed,
    RefreshFailed,
    SourceFailed,
    refresh,
)
from node.registry.release import Changes
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
from trust.registry import MAX_TARGET_BYTES, MAX_TARGETS

A, B = "140000", "520000"
Files = dict[str, bytes]
T = Callable[[Any], None]


@pytest.fixture
def federation() -> Federation:
    """Two jurisdictions that have published once."""
    return Federation(A, B)


def resigned(data: bytes, change: T, *names: str) -> bytes:
    """A metadata file with something changed, signed by the keys of these names."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    change(metadata.signed)
    metadata.signatures.clear()
    for name in names:
        metadata.sign(RegistrySigner(key(name)), append=True)
    return metadata.to_bytes()


def newest(files: Mapping[str, bytes], role: str) -> str:
    """Name of a role's newest file."""
    if role == "timestamp":
        return "timestamp.json"
    return max((name for name in files if name.endswith(f".{role}.json")), key=lambda name: int(name.split(".")[0]))


def rebuilt(files: Mapping[str, bytes], snapshot: T, timestamp: T = lambda _signed: None) -> Files:
    """A release whose snapshot is changed, as whoever holds the coordinator's online keys can make it."""
    made = dict(files)

    def renewed(found: Snapshot) -> None:
        found.version += 1
        snapshot(found)

    fresh = resigned(files[newest(files, "snapshot")], renewed, "snapshot")
    version = read_metadata(fresh, Snapshot).version
    made[f"{version}.snapshot.json"] = fresh

    def pointing(found: Any) -> None:
        found.version += 1
        found.snapshot_meta = described(fresh, version)
        timestamp(found)

    made["timestamp.json"] = resigned(files["timestamp.json"], pointing, "timestamp")
    return made


def stamped(files: Mapping[str, bytes], change: T) -> Files:
    """A release whose timestamp alone is changed, signed by its key."""

    def renewed(found: Any) -> None:
        found.version += 1
        change(found)

    return {**files, "timestamp.json": resigned(files["timestamp.json"], renewed, "timestamp")}


def publishing(files: Mapping[str, bytes], division: str, change: T, *names: str, extra: Files | None = None) -> Files:
    """A release that holds a jurisdiction's changed metadata, whatever it says: the coordinator is in on it."""
    before = newest(files, division)
    version = int(before.split(".")[0]) + 1

    def renewed(found: Targets) -> None:
        found.version = version
        change(found)

    data = resigned(files[before], renewed, *(names or (f"registry {division}",)))

    def listing(found: Snapshot) -> None:
        found.meta[f"{division}.json"] = described(data, version)

    return {**rebuilt(files, listing), f"{version}.{division}.json": data, **(extra or {})}


def require_refused(held: Mapping[str, bytes], source: Any, reason: str, now: datetime) -> RefreshFailed:
    """The refresh fails with this reason, what was held is as before, and its own files are still taken."""
    before = dict(held)
    with pytest.raises(RefreshFailed) as caught:
        refresh(held, source, now)
    assert caught.value.reason == reason
    assert reason in REFRESH_REASONS
    assert caught.value.message.startswith("The registry was not refreshed: ")
    assert dict(held) == before
    return caught.value


def require_recovers(federation: Federation, held: Mapping[str, bytes], now: datetime | None = None) -> None:
    """The next honest release is taken over."""
    federation.release(now=now)
    found = refresh(held, Offered(federation.held), federation.now)
    assert found.release.signed_at == federation.now.replace(microsecond=0)


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


# Time ---------------------------------------------------------------------------------------------------------------


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

    files = rebuilt(files, snapshot, lasting if role != "timestamp" else lambda _found: None)
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


# Rollback and mixtures ----------------------------------------------------------------------------------------------


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
        files[name] = resigned(files[name], lambda _found: None, "snapshot 2")

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


# Arbitrary content --------------------------------------------------------------------------------------------------

NONSENSE = {
    "empty": b"",
    "noise": b"\x00\xff\xfe" * 50,
    "no JSON": b"not JSON",
    "cut off": b'{"signatures": [], "signed": {"_type": "ti',
    "not UTF-8": b'{"signatures": [], "signed": {"_type": "\xff\xfe"}}',
    "UTF-16": '{"signatures": [], "signed": {}}'.encode("utf-16"),
    "deep": b"[" * 8_000,
    "deep object": b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    "a list": b"[]",
    "a number": b"1" * 5_000,
    "null": b"null",
    "wrong types": b'{"signatures": {}, "signed": []}',
    "no type": b'{"signatures": [], "signed": {}}',
    "huge version": b'{"signatures": [], "signed": {"_type": "timestamp", "version": 1' + b"0" * 4_000 + b"}}",
    "huge float": b'{"signatures": [], "signed": {"_type": "timestamp", "version": 1e999}}',
    "another kind": b'{"signatures": [], "signed": {"_type": "mirrors"}}',
}


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", A])
def test_nonsense_for_each_kind_of_file(federation: Federation, role: str) -> None:
    held = federation.held
    federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    name = "2.root.json" if role == "root" else newest(federation.held, role)
    base = federation.anchor if role == "targets" else held
    # What comes after the timestamp has to fit its length before it is read.
    reasons = {"REGISTRY_MALFORMED"} if role in {"root", "timestamp"} else {"REGISTRY_MISMATCH", "REGISTRY_TOO_LARGE"}
    for nonsense in NONSENSE.values():
        with pytest.raises(RefreshFailed) as caught:
            refresh(base, Offered({**federation.held, name: nonsense}), federation.now)
        assert caught.value.reason in reasons, nonsense[:40]
    require_recovers(federation, held)


def test_nonsense_that_the_coordinator_released(federation: Federation) -> None:
    """Listed with its hash: the snapshot's makes the release unreadable, a jurisdiction's harms that one alone."""
    held = federation.held
    version = int(newest(held, "snapshot").split(".")[0]) + 1
    for data in filter(None, NONSENSE.values()):
        listed = described(data, version)
        offered = stamped(held, lambda found, listed=listed: setattr(found, "snapshot_meta", listed))
        files = {**offered, f"{version}.snapshot.json": data}
        require_refused(held, Offered(files), "REGISTRY_MALFORMED", federation.now)

        published = MetaFile(2, len(data), {"sha256": sha256(data).hexdigest()})
        offered = rebuilt(held, lambda found, published=published: found.meta.update({f"{A}.json": published}))
        found = refresh(held, Offered({**offered, f"2.{A}.json": data}), federation.now)
        assert found.release.publications[A].content is None
        assert "cannot be read" in found.release.publications[A].problem
        assert found.release.publications[B].content
    require_recovers(federation, held)


def test_a_name_twice_is_read_as_it_was_signed(federation: Federation) -> None:
    """Whatever reader takes the first or the second of two names: the signature covers what python-tuf reads."""
    held = federation.held
    data = stamped(held, lambda _found: None)["timestamp.json"]
    version = json.loads(data)["signed"]["version"]
    doubled = data.replace(f'"version":{version}'.encode(), f'"version":{version},"version":{version + 7}'.encode())
    assert doubled != data
    require_refused(held, Offered({**held, "timestamp.json": doubled}), "REGISTRY_SIGNATURES", federation.now)


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", A])
def test_metadata_signed_by_somebody_else(federation: Federation, role: str) -> None:
    held = federation.held
    if role == "root":
        files = {**held, "2.root.json": signed(root_document(version=2), "nobody", "nobody else")}
    elif role == "timestamp":
        files = {**held, "timestamp.json": resigned(stamped(held, lambda _f: None)["timestamp.json"], id, "nobody")}
    elif role == "snapshot":
        made = rebuilt(held, lambda _found: None)
        name = newest(made, "snapshot")
        forged = resigned(made[name], id, "nobody")

        def pointing(found: Any) -> None:
            found.snapshot_meta = described(forged, int(name.split(".")[0]))

        files = {**stamped(made, pointing), name: forged}
    elif role == "targets":
        forged = signed(targets_document(A, B, version=2), "nobody", "nobody else")

        def listing(found: Snapshot) -> None:
            found.meta["targets.json"] = described(forged, 2)

        files = {**rebuilt(held, listing), "2.targets.json": forged}
    else:
        files = publishing(held, A, id, "nobody")
        found = refresh(held, Offered(files), federation.now)
        assert found.release.publications[A].content is None
        assert "not signed by the registry keys" in found.release.publications[A].problem
        assert found.release.publications[B] == federation.verified.release.publications[B]
        return
    require_refused(held, Offered(files), "REGISTRY_SIGNATURES", federation.now)
    require_recovers(federation, held)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: setattr(found, "version", 10**30),
        lambda found: found.unrecognized_fields.update({FIRST_SEEN_FIELD: []}),
        lambda found: found.unrecognized_fields.update({FIRST_SEEN_FIELD: {A: 1}}),
        lambda found: found.unrecognized_fields.update({FIRST_SEEN_FIELD: {A: {"key": "long ago"}}}),
        lambda found: setattr(found.meta[f"{A}.json"], "hashes", None),
        lambda found: setattr(found.meta[f"{A}.json"], "version", 2**31),
    ],
    ids=["huge version", "no table", "no tables", "no instant", "no hash", "huge publication"],
)
def test_a_snapshot_of_another_form(federation: Federation, change: T) -> None:
    """A database holds 64 bits, and what is listed without its hash could be anybody's."""
    held = federation.held
    require_refused(held, Offered(rebuilt(held, change)), "REGISTRY_MALFORMED", federation.now)
    require_recovers(federation, held)


def test_a_timestamp_version_beyond_all_use(federation: Federation) -> None:
    held = federation.held
    offered = stamped(held, lambda found: setattr(found, "version", 2**63))
    require_refused(held, Offered(offered), "REGISTRY_MALFORMED", federation.now)


# Roots --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signers", "reason"),
    [
        (("root 140000",), "REGISTRY_SIGNATURES"),
        ((), "REGISTRY_SIGNATURES"),
        (("new 140000", "new 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "root 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "new 140000", "new 520000"), "REGISTRY_SIGNATURES"),
        (("root 140000", "root 520000", "new 140000", "new 520000"), ""),
    ],
    ids=["one", "none", "new keys only", "old keys only", "one old key", "both"],
)
def test_a_root_needs_the_old_and_the_new_holders(
    federation: Federation, signers: tuple[str, ...], reason: str
) -> None:
    held = federation.held
    document = root_document(version=2, d140000="new 140000", d520000="new 520000", d620100="new 620100")
    files = {**held, "2.root.json": signed(document, *signers)}
    if reason:
        require_refused(held, Offered(files), reason, federation.now)
        require_recovers(federation, held)
    else:
        targets = signed(targets_document(A, B, version=2), "new 140000", "new 520000")
        found = federation.release(Changes(roots=(files["2.root.json"],), targets=targets))
        assert refresh(held, Offered(found.files), federation.now).root_version == 2


def test_an_old_root_under_a_new_number(federation: Federation) -> None:
    held = federation.held
    require_refused(held, Offered({**held, "2.root.json": federation.root}), "REGISTRY_ROLLBACK", federation.now)
    require_recovers(federation, held)


@pytest.mark.parametrize("held_version", [1, 7, 20])
def test_twenty_rotations_at_once(federation: Federation, held_version: int) -> None:
    """A node that slept through all of them follows root by root; all holders are others by then."""
    asleep: Mapping[str, bytes] = federation.anchor
    holders = ["root 140000", "root 520000", "root 620100"]
    for version in range(2, 22):
        fresh = [f"{division} {version}" for division in ("140000", "520000", "620100")]
        names = {f"d{name[:6]}": name for name in fresh}
        document = root_document(version=version, now=federation.now, **names)
        root = signed(document, *holders[:2], *fresh[1:])
        targets = signed(targets_document(A, B, version=version, now=federation.now), *fresh[:2])
        federation.release(Changes(roots=(root,), targets=targets), federation.now + DAY)
        holders = fresh
        if version == held_version:
            asleep = federation.held
    found = refresh(asleep, Offered(federation.held), federation.now)
    assert found.root_version == 21
    assert {f"{version}.root.json" for version in range(held_version, 22)} <= set(found.files)


def test_a_root_of_another_form(federation: Federation) -> None:
    """python-tuf takes it; whoever signed it cannot have read all that it says."""
    held = federation.held
    data = signed(root_document(version=2), "root 140000", "root 520000")

    def loose(found: Any) -> None:
        found.unrecognized_fields["x-more"] = "than was shown"

    forged = resigned(data, loose, "root 140000", "root 520000")
    require_refused(held, Offered({**held, "2.root.json": forged}), "REGISTRY_MALFORMED", federation.now)


# Delegations --------------------------------------------------------------------------------------------------------


def other_delegation(federation: Federation, paths: dict[str, list[str]]) -> Files:
    """A release whose targets delegate these paths, signed by the holders."""
    names = [f"registry {division}" for division in paths]
    roles = {
        division: DelegatedRole(division, [key(name).key_id], 1, terminating=True, paths=found)
        for (division, found), name in zip(paths.items(), names, strict=True)
    }
    keys = {key(name).key_id: tuf_key(key(name).public) for name in names}

    def delegating(found: Targets) -> None:
        found.version = 2
        found.delegations = Delegations(keys, roles)

    data = resigned(federation.held[newest(federation.held, "targets")], delegating, "root 140000", "root 520000")

    def listing(found: Snapshot) -> None:
        found.meta["targets.json"] = described(data, 2)

    return {**rebuilt(federation.held, listing), "2.targets.json": data}


def own(division: str) -> list[str]:
    return [f"{division}/*", f"{division}/*/*"]


@pytest.mark.parametrize(
    "paths",
    [
        {A: [*own(A), *own(B)], B: own(B)},
        {A: own(B), B: own(A)},
        {A: ["*/*"], B: own(B)},
        {"shanxi": own(A), B: own(B)},
    ],
    ids=["more than its own", "exchanged", "everything", "under another name"],
)
def test_holders_cannot_delegate_one_name_to_another(federation: Federation, paths: dict[str, list[str]]) -> None:
    held = federation.held
    require_refused(held, Offered(other_delegation(federation, paths)), "REGISTRY_MALFORMED", federation.now)
    require_recovers(federation, held)


def test_a_jurisdiction_that_lists_the_name_of_another(federation: Federation) -> None:
    """A's metadata lists B's bundle: nothing of that is fetched, and B is as it was."""
    forged = sealed(bundle_of(B, 9, federation.now))

    def listing(found: Targets) -> None:
        found.targets[f"{B}/bundle"] = target_of(f"{B}/bundle", forged)

    name = served_name(f"{B}/bundle", target_of(f"{B}/bundle", forged))
    source = Offered(publishing(federation.held, A, listing, extra={name: forged}))
    found = refresh(federation.held, source, federation.now)
    content = found.release.publications[A].content
    assert content is not None
    assert content[f"{B}/bundle"] == b""
    assert name not in source.asked
    assert name not in found.files
    assert found.release.publications[B] == federation.verified.release.publications[B]


def test_another_jurisdictions_key_signs_nothing_here(federation: Federation) -> None:
    found = refresh(federation.held, Offered(publishing(federation.held, A, id, f"registry {B}")), federation.now)
    assert found.release.publications[A].content is None
    assert found.release.publications[B].content


def test_a_replaced_registry_key_silences_its_jurisdiction_alone(federation: Federation) -> None:
    """Holders must be able to take a stolen key away without asking whoever holds it: the release goes on."""
    targets = targets_document(A, B, version=2)
    stolen = targets.delegations[A]
    fresh = type(stolen)({key("fresh").key_id: key("fresh").public}, 1)
    renewed = type(targets)(version=2, expires=targets.expires, delegations={**targets.delegations, A: fresh})
    found = federation.release(Changes(targets=signed(renewed, "root 140000", "root 520000")))
    assert found.release.publications[A].content is None
    assert found.release.publications[B].content
    assert found.ends[A] == found.release.expires_at
    publication = federation.publication(A, signer="fresh")
    federation.release(Changes(publications=(publication,)))
    assert federation.verified.release.publications[A].content


def lists_something_else(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(1, {"sha512": "0" * 128}, path)


def lists_no_hash_at_all(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(1, {"sha256": "../../../../etc/passwd"}, path)


def lists_too_many(found: Targets) -> None:
    for number in range(MAX_TARGETS):
        path = f"{A}/catalogue/{number}"
        found.targets[path] = TargetFile(1, {"sha256": f"{number:064x}"}, path)


def lists_a_large_file(found: Targets) -> None:
    path = f"{A}/catalogue/x"
    found.targets[path] = TargetFile(MAX_TARGET_BYTES + 1, {"sha256": "0" * 64}, path)


def lists_much_in_all(found: Targets) -> None:
    for number in range(MAX_PUBLICATION_BYTES // MAX_TARGET_BYTES):
        path = f"{A}/catalogue/{number}"
        found.targets[path] = TargetFile(MAX_TARGET_BYTES, {"sha256": f"{number:064x}"}, path)


@pytest.mark.parametrize(
    "change",
    [lists_something_else, lists_no_hash_at_all, lists_too_many, lists_a_large_file, lists_much_in_all],
)
def test_a_publication_beyond_its_limits_harms_its_own_alone(federation: Federation, change: T) -> None:
    source = Offered(publishing(federation.held, A, change))
    found = refresh(federation.held, source, federation.now)
    assert found.release.publications[A].content is None
    assert found.release.publications[A].problem.endswith("its administrator must publish again")
    assert found.release.publications[B].content
    assert not [name for name in source.asked if "catalogue" in name], "refused before anything is fetched"


@pytest.mark.parametrize(
    "path",
    [
        f"{A}/catalogue/" + "x" * 5_000,
        f"{A}/catalogue/a b",
        f"{A}/catalogue/\x00",
        f"{A}/catalogue/\x1b[31m",
        f"{A}/catalogue/互信",
        f"{A}/../{B}/bundle",
        f"{A}/catalogue/a/b/c",
    ],
)
def test_a_path_that_no_wire_or_database_could_carry(federation: Federation, path: str) -> None:
    """It is not fetched, and left out alone: SQLite would have kept what PostgreSQL refuses, and frozen half of us."""

    def listing(found: Targets) -> None:
        found.targets[path] = TargetFile(1, {"sha256": "0" * 64}, path)

    found = refresh(federation.held, Offered(publishing(federation.held, A, listing)), federation.now)
    content = found.release.publications[A].content
    assert content is not None
    assert content[path] == b""
    assert max(map(len, found.files)) <= 255


def test_a_file_that_another_version_understands_is_carried_on(federation: Federation) -> None:
    data, path = b"of a later version", f"{A}/weather/today"
    listed = target_of(path, data)

    def listing(found: Targets) -> None:
        found.targets[path] = listed

    files = publishing(federation.held, A, listing, extra={served_name(path, listed): data})
    found = refresh(federation.held, Offered(files), federation.now)
    assert found.files[served_name(path, listed)] == data


# Sources ------------------------------------------------------------------------------------------------------------


class Endless:
    """Honest but for one file, which never ends. Counts what was taken of it."""

    def __init__(self, files: Mapping[str, bytes], endless: str, part: bytes = b" " * 4096) -> None:
        self.files, self.endless, self.part, self.sent = files, endless, part, 0

    def fetch(self, name: str) -> Iterator[bytes]:
        if name == self.endless:
            while True:
                self.sent += len(self.part)
                yield self.part
        if name not in self.files:
            raise NotServed
        yield self.files[name]


def sizes(federation: Federation) -> dict[str, int]:
    """Most bytes of each kind of file of the newest release."""
    held = federation.held
    bundle = next(name for name in held if name.endswith(".bundle") and name.startswith(A))
    exact = [newest(held, role) for role in ("snapshot", "targets", A)]
    return {
        "2.root.json": LIMITS.root_max_length,
        "timestamp.json": LIMITS.timestamp_max_length,
        **{name: len(held[name]) for name in (*exact, bundle)},
    }


@pytest.mark.parametrize("which", range(6))
def test_endless_data_for_each_kind_of_file(federation: Federation, which: int) -> None:
    name, limit = list(sizes(federation).items())[which]
    source = Endless(federation.held, name)
    tracemalloc.start()
    require_refused(federation.anchor, source, "REGISTRY_TOO_LARGE", federation.now)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert limit <= source.sent <= limit + len(source.part)
    assert peak < 8 << 20
    require_recovers(federation, federation.held)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", A, "bundle"])
def test_withheld_files(federation: Federation, role: str) -> None:
    held = federation.held
    name = next(each for each in held if each.endswith(".bundle")) if role == "bundle" else newest(held, role)
    files = {each: content for each, content in held.items() if each != name}
    require_refused(federation.anchor, Offered(files), "REGISTRY_UNREACHABLE", federation.now)
    require_recovers(federation, held)


def test_a_withheld_newer_root_is_found_by_its_signatures(federation: Federation) -> None:
    """Who hides the root in which the online keys changed cannot show what those keys have signed."""
    document = root_document(version=2)
    fresh = RootDocument(
        version=2,
        expires=document.expires,
        holders=document.holders,
        threshold=2,
        coordinator=A,
        snapshot=document.snapshot,
        timestamp=key("timestamp 2").public,
    )
    held = federation.held
    files = {**held, "timestamp.json": resigned(stamped(held, id)["timestamp.json"], id, "timestamp 2")}
    require_refused(held, Offered(files), "REGISTRY_SIGNATURES", federation.now)
    files["2.root.json"] = signed(fresh, "root 140000", "root 520000")
    assert refresh(held, Offered(files), federation.now).root_version == 2


class Breaking:
    """A source that breaks off in the middle of one file."""

    def __init__(self, files: Mapping[str, bytes], name: str) -> None:
        self.files, self.name = files, name

    def fetch(self, name: str) -> Iterator[bytes]:
        if name not in self.files:
            raise NotServed
        yield self.files[name][:20]
        if name == self.name:
            raise SourceFailed("The peer went away.")
        yield self.files[name][20:]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", B, "bundle"])
def test_a_source_that_breaks_off(federation: Federation, role: str) -> None:
    held = federation.held
    name = next(each for each in held if each.endswith(".bundle")) if role == "bundle" else newest(held, role)
    require_refused(federation.anchor, Breaking(held, name), "REGISTRY_UNREACHABLE", federation.now)
    assert refresh(federation.anchor, Breaking(held, ""), federation.now).files == held


def test_what_is_signed_is_what_is_read(federation: Federation) -> None:
    """Every byte of the newest timestamp counts: whichever is altered, the refresh fails or nothing has changed."""
    held = federation.held
    data = stamped(held, id)["timestamp.json"]
    signed_part = CanonicalJSONSerializer().serialize(Metadata.from_bytes(data).signed)
    for at in range(0, len(data), 7):
        altered = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            found = refresh(held, Offered({**held, "timestamp.json": altered}), federation.now)
        except RefreshFailed:
            continue
        kept = found.files["timestamp.json"]
        assert CanonicalJSONSerializer().serialize(Metadata.from_bytes(kept).signed) in {
            signed_part,
            CanonicalJSONSerializer().serialize(Metadata.from_bytes(held["timestamp.json"]).signed),
        }
