"""The registry in one file: there and back, and whatever else a ZIP can be."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile

import pytest

from node.errors import BadSource
from node.registry import archive
from node.registry.archive import MAX_ARCHIVE_BYTES, Archive, pack
from node.registry.refresh import NotServed, RefreshFailed, SourceFailed, refresh
from tests.support.registry import Federation

FILES = {"1.root.json": b"root", "140000/abc.bundle": b"\x00\xff" * 90_000, "empty": b""}


def read(found: Archive, name: str) -> bytes:
    return b"".join(found.fetch(name))


def zipped(name: str, data: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        made.writestr(name, data)
    return out.getvalue()


def test_there_and_back() -> None:
    found = Archive(pack(FILES))
    assert {name: read(found, name) for name in FILES} == FILES
    assert max(map(len, found.fetch("140000/abc.bundle"))) <= 64 * 1024
    with pytest.raises(NotServed):
        read(found, "2.root.json")


def test_the_same_registry_gives_the_same_archive() -> None:
    assert pack(FILES) == pack(dict(reversed(FILES.items())))


def test_an_archive_is_a_source_like_any_other() -> None:
    federation = Federation("140000")
    found = refresh(federation.anchor, Archive(pack(federation.held)), federation.now)
    assert found.files == federation.held


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a ZIP" * 100, b"\x00" * 1_000])
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(BadSource, match="no archive"):
        Archive(data)


def test_too_large() -> None:
    with pytest.raises(BadSource, match="64 MiB"):
        Archive(b"\x00" * (MAX_ARCHIVE_BYTES + 1))


def test_too_many_entries_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    with pytest.raises(BadSource, match="no archive"):
        Archive(pack(FILES))


def test_a_foreign_archive_lacks_what_is_asked_for() -> None:
    federation = Federation("140000")
    with pytest.raises(RefreshFailed) as caught:
        refresh(federation.anchor, Archive(zipped("holiday.txt", b"photos")), federation.now)
    assert caught.value.reason == "REGISTRY_UNREACHABLE"


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (zipfile.ZIP_DEFLATED, "REGISTRY_TOO_LARGE"),
        (zipfile.ZIP_BZIP2, "REGISTRY_UNREACHABLE"),
        (zipfile.ZIP_LZMA, "REGISTRY_UNREACHABLE"),
    ],
)
def test_a_bomb_is_unpacked_to_its_limit_only(method: int, reason: str) -> None:
    federation = Federation("140000")
    bomb = zipped("timestamp.json", b" " * (100 << 20), method)
    assert len(bomb) < 200_000
    tracemalloc.start()
    with pytest.raises(RefreshFailed) as caught:
        refresh(federation.anchor, Archive(bomb), federation.now)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.reason == reason
    assert peak < 8 << 20


def test_an_encrypted_entry() -> None:
    data = bytearray(zipped("timestamp.json", b"x" * 100))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    with pytest.raises(SourceFailed):
        read(Archive(bytes(data)), "timestamp.json")


def test_a_damaged_archive_breaks_nothing_else() -> None:
    """Cut off or altered anywhere: refused, or a source that fails, or other bytes, which nobody believes."""
    noise = random.Random(2)  # noqa: S311 - the same damage each time
    whole = pack({"timestamp.json": bytes(noise.randbytes(3_000)), "1.root.json": b"root" * 500})
    altered = [whole[:cut] for cut in range(0, len(whole), 37)]
    for _ in range(1_500):
        data = bytearray(whole)
        for _ in range(noise.randint(1, 4)):
            data[noise.randrange(len(data))] = noise.randrange(256)
        altered.append(bytes(data))
    outcomes = set()
    for each in altered:
        try:
            read(Archive(each), "timestamp.json")
        except (BadSource, NotServed, SourceFailed) as error:
            outcomes.add(type(error))
    assert outcomes == {BadSource, NotServed, SourceFailed}
