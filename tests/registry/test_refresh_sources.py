"""Sources that never end, hold back, break off or alter."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping

import pytest
from tuf.api.metadata import Metadata
from tuf.api.serialization.json import CanonicalJSONSerializer

from node.registry.documents import RootDocument
from node.registry.refresh import (
    LIMITS,
    NotServed,
    RefreshFailed,
    SourceFailed,
    refresh,
)
from tests.registry.forging import (
    A,
    B,
    newest,
    require_recovers,
    require_refused,
    resigned,
    stamped,
    unchanged,
)
from tests.support.registry import (
    Federation,
    Offered,
    root_document,
    signed,
)
from tests.support.trust import key


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
    files = {**held, "timestamp.json": resigned(stamped(held, unchanged)["timestamp.json"], unchanged, "timestamp 2")}
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
    data = stamped(held, unchanged)["timestamp.json"]
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
