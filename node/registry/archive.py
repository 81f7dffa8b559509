"""The whole trust registry in one file, carried where no network leads: a ZIP of the files as a mirror serves them.

Nothing in it is believed for where it came from: it is a source like any peer.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from node.errors import BadSource
from node.registry.refresh import NotServed, SourceFailed

MAX_ARCHIVE_BYTES = 64 << 20
MAX_ENTRIES = 40_000
"""Some hundred files of each jurisdiction, and every root there ever was."""

_PART = 64 * 1024
_ENTRY = b"PK\x01\x02"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The others of the format unpack a part whole, whatever it becomes."""
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    OSError,
)
_WHEN = (2020, 1, 1, 0, 0, 0)
"""Every file bears this time, so that the same registry gives the same archive."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _WHEN), files[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


class Archive:
    """An archive as a source. Raises BadSource for a file that is none, or too large."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_ARCHIVE_BYTES:
            raise BadSource("archive", f"it has more than {MAX_ARCHIVE_BYTES >> 20} MiB; ask for the original")
        try:
            if data.count(_ENTRY) > MAX_ENTRIES:  # before each of them becomes an object
                raise zipfile.BadZipFile
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED:
            raise BadSource(
                "archive", "it is no archive that `huxin trust archive` wrote; ask for the original"
            ) from None

    def fetch(self, name: str) -> Iterator[bytes]:
        """Parts of a file, unpacked as they are asked for: what a part unpacks to is bounded by whoever asks."""
        try:
            if self._archive.getinfo(name).compress_type not in _METHODS:
                raise SourceFailed("The archive is packed in another way than `huxin trust archive` does.")
            with self._archive.open(name) as file:
                while part := file.read(_PART):
                    yield part
        except KeyError:
            raise NotServed from None
        except _DAMAGED:
            raise SourceFailed("The archive is damaged.") from None
