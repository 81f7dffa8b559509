"""The whole trust registry in one file, carried where no network leads: a ZIP of the files as a mirror serves them.

Nothing in it is believed for where it came from: it is a source like any peer.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping

from node.errors import BadSource
from node.registry.refresh import NotServed, SourceFailed

MAX_ARCHIVE_BYTES = 64 << 20
_PART = 64 * 1024
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
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise BadSource(
                "archive", "it is no archive that `huxin trust archive` wrote; ask for the original"
            ) from None

    def fetch(self, name: str) -> Iterator[bytes]:
        """Parts of a file, unpacked as they are asked for: what a part unpacks to is bounded by whoever asks."""
        try:
            with self._archive.open(name) as file:
                while part := file.read(_PART):
                    yield part
        except KeyError:
            raise NotServed from None
        except (
            zipfile.BadZipFile,
            zipfile.LargeZipFile,
            ValueError,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ):
            raise SourceFailed("The archive is damaged.") from None
