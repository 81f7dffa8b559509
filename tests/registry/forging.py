"""Releases as whoever holds some of the keys can make them, and what a refused refresh leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Targets

from node.registry.keys import RegistrySigner
from node.registry.metadata import described, read_metadata
from node.registry.refresh import (
    REFRESH_REASONS,
    RefreshFailed,
    refresh,
)
from tests.support.registry import (
    Federation,
    Offered,
)
from tests.support.trust import key

A, B = "140000", "520000"
Files = dict[str, bytes]
T = Callable[[Any], None]


def unchanged(_signed: Any) -> None:
    """Signed anew as it was."""


def resigned(data: bytes, change: T, *names: str) -> bytes:
    """A metadata file with something changed, signed by the keys of these names."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    change(metadata.signed)
    metadata.signatures.clear()
    for name in names:
        metadata.sign(RegistrySigner(key(name)), append=True)
    return metadata.to_bytes()


def pointing_to(snapshot: MetaFile, found: Any) -> None:
    """Of a timestamp: it names this snapshot."""
    found.snapshot_meta = snapshot


def listing_for(division: str, publication: MetaFile, found: Snapshot) -> None:
    """Of a snapshot: it lists this publication."""
    found.meta[f"{division}.json"] = publication


def newest(files: Mapping[str, bytes], role: str) -> str:
    """Name of a role's newest file."""
    if role == "timestamp":
        return "timestamp.json"
    return max((name for name in files if name.endswith(f".{role}.json")), key=lambda name: int(name.split(".")[0]))


def rebuilt(files: Mapping[str, bytes], snapshot: T, timestamp: T = unchanged) -> Files:
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
