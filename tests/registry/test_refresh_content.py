"""Refreshes of arbitrary content: unreadable, unsigned, in another form."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from tuf.api.metadata import MetaFile, Snapshot

from node.registry.metadata import FIRST_SEEN_FIELD, described
from node.registry.refresh import RefreshFailed, refresh
from tests.registry.forging import (
    A,
    B,
    T,
    listing_for,
    newest,
    pointing_to,
    publishing,
    rebuilt,
    require_recovers,
    require_refused,
    resigned,
    stamped,
    unchanged,
)
from tests.support.registry import (
    Federation,
    Offered,
    bundle_of,
    root_document,
    sealed,
    signed,
    targets_document,
)

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
        offered = stamped(held, partial(pointing_to, described(data, version)))
        files = {**offered, f"{version}.snapshot.json": data}
        require_refused(held, Offered(files), "REGISTRY_MALFORMED", federation.now)

        published = MetaFile(2, len(data), {"sha256": sha256(data).hexdigest()})
        offered = rebuilt(held, partial(listing_for, A, published))
        found = refresh(held, Offered({**offered, f"2.{A}.json": data}), federation.now)
        assert found.release.publications[A].content is None
        assert "cannot be read" in found.release.publications[A].problem
        assert found.release.publications[B].content
    require_recovers(federation, held)


def test_a_name_twice_is_read_as_it_was_signed(federation: Federation) -> None:
    """Whatever reader takes the first or the second of two names: the signature covers what python-tuf reads."""
    held = federation.held
    data = stamped(held, unchanged)["timestamp.json"]
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
        files = {**held, "timestamp.json": resigned(stamped(held, unchanged)["timestamp.json"], unchanged, "nobody")}
    elif role == "snapshot":
        made = rebuilt(held, unchanged)
        name = newest(made, "snapshot")
        forged = resigned(made[name], unchanged, "nobody")

        def pointing(found: Any) -> None:
            found.snapshot_meta = described(forged, int(name.split(".")[0]))

        files = {**stamped(made, pointing), name: forged}
    elif role == "targets":
        forged = signed(targets_document(A, B, version=2), "nobody", "nobody else")

        def listing(found: Snapshot) -> None:
            found.meta["targets.json"] = described(forged, 2)

        files = {**rebuilt(held, listing), "2.targets.json": forged}
    else:
        files = publishing(held, A, unchanged, "nobody")
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
