"""Text of delivered files: UTF-8 (with or without byte order mark) or GB18030, decided by the whole file.

Both decoders are strict: a file that is neither is refused, since a dropped or replaced character can turn one company
into another (domain note on input formats, trap 28).
"""

from __future__ import annotations

import codecs
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from node.errors import BadSource

_CHUNK = 1 << 16
_SPOOL = 4 << 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Source = Path | IO[bytes]
"""A file or an open binary stream; a stream is read from where it stands and is left open."""


def label(source: Source) -> str:
    """What messages call the source: the file's name, without its folder."""
    return source.name if isinstance(source, Path) else "delivery"


@contextmanager
def open_text(source: Source) -> Iterator[TextIO]:
    """The source as text, line ends as they are. Memory stays bounded: a stream that cannot be rewound is spooled.

    Raises BadSource when it cannot be read, is empty, or is neither UTF-8 nor GB18030.
    """
    name = label(source)
    with _rewindable(source, name) as stream:
        start = stream.tell()
        encoding = _detect(stream, name)
        stream.seek(start)
        text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")
        try:
            yield text
        finally:
            text.detach()


@contextmanager
def _rewindable(source: Source, name: str) -> Iterator[IO[bytes]]:
    if isinstance(source, Path):
        try:
            stream = source.open("rb")
        except OSError:
            raise BadSource(name, "the file is missing or cannot be read; name an existing, readable file") from None
        with stream:
            yield stream
    elif source.seekable():
        yield source
    else:
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            while chunk := source.read(_CHUNK):
                spool.write(chunk)
            spool.seek(0)
            yield spool


def _detect(stream: IO[bytes], name: str) -> str:
    start = stream.tell()
    head = stream.read(4)
    if not head:
        raise BadSource(name, "the file is empty; it needs at least the line of column names")
    if head.startswith(_UTF_16):
        raise BadSource(name, "the file is UTF-16; save it as CSV UTF-8")
    for encoding in ("utf-8-sig", "gb18030"):
        stream.seek(start)
        if _decodes(stream, encoding):
            return encoding
    raise BadSource(name, "the file is neither UTF-8 nor GB18030, or it is cut off; save it again as CSV UTF-8")


def _decodes(stream: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
