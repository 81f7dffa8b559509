"""Versions that the coordinator alone vouches for: they shut nobody out, neither now nor after its replacement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tuf.api.metadata import Snapshot

from node.registry.metadata import described
from node.registry.refresh import MAX_UNSIGNED_VERSION, refresh
from tests.registry.forging import Files, newest, rebuilt, require_refused, resigned
from tests.support.registry import Federation, Offered, bundle_of, root_document, sealed, signed
from tests.support.trust import key

A, B = "140000", "520000"


def without_author(files: Mapping[str, bytes], version: int) -> Files:
    """The coordinator lists something under A's name that A has not signed, and gives it any version."""

    def renumbered(found: Any) -> None:
        found.version = version

    data = resigned(files[newest(files, A)], renumbered, "somebody else")

    def listing(found: Snapshot) -> None:
        found.meta[f"{A}.json"] = described(data, version)

    return {**rebuilt(files, listing), f"{version}.{A}.json": data}


def test_a_coordinator_cannot_use_up_the_versions_of_a_jurisdiction() -> None:
    """Else A could never publish again: what follows must have a higher version."""
    federation = Federation(A, B)
    held = federation.held
    beyond = without_author(held, MAX_UNSIGNED_VERSION + 1)
    require_refused(held, Offered(beyond), "REGISTRY_MALFORMED", federation.now)
    poisoned = refresh(held, Offered(without_author(held, MAX_UNSIGNED_VERSION)), federation.now)
    assert poisoned.release.publications[A].content is None
    federation.held = poisoned.files
    found = federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    assert found.release.publications[A].content is not None
    assert newest(found.files, A) == f"{MAX_UNSIGNED_VERSION + 1}.{A}.json"


def test_what_a_former_coordinator_put_under_a_name_keeps_no_honest_release_out() -> None:
    """k of n have replaced it, by one whose node never saw what it had made up."""
    federation = Federation(A, B)
    honest = federation.held
    poisoned = refresh(honest, Offered(without_author(honest, 1_000)), federation.now).files
    root = root_document(version=2)
    files = {
        **honest,
        "2.root.json": signed(
            replace(root, snapshot=key("snapshot 2").public, timestamp=key("timestamp 2").public),
            "root 140000",
            "root 520000",
        ),
    }
    name = newest(files, "snapshot")
    files[name] = resigned(files[name], lambda _found: None, "snapshot 2")

    def pointing(found: Any) -> None:
        found.version += 1
        found.snapshot_meta = described(files[name], int(name.split(".")[0]))

    files["timestamp.json"] = resigned(files["timestamp.json"], pointing, "timestamp 2")
    found = refresh(poisoned, Offered(files), federation.now)
    assert found.release.publications[A].content is not None
    assert newest(found.files, A) == newest(honest, A)
