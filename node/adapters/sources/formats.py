"""Formats of delivered files, found by name: a module `<name>_source.py` in this folder is the format `<name>`.

A jurisdiction whose sources deliver something else than our CSV adds one such module with a function `read_records` of
the same form as `csv_source.read_records`; nothing else has to know of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Protocol, cast

from node.adapters import sources
from node.adapters.sources.encoding import Source
from node.errors import InvalidInput
from node.model.delivery import BadRow, RecordRow
from node.model.records import RECORD_TYPES, RecordType

_SUFFIX = "_source"


class RecordReader(Protocol):
    """Reads a delivered file row by row; raises BadSource at the first step when it cannot."""

    def __call__(
        self, source: Source, *, today: date, record_types: Mapping[RecordType, tuple[str, str]] = RECORD_TYPES
    ) -> Iterator[RecordRow | BadRow]: ...


def format_names() -> tuple[str, ...]:
    """All formats, by name."""
    modules = (module.name for module in pkgutil.iter_modules(sources.__path__))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in modules if name.endswith(_SUFFIX)))


def record_reader(name: str) -> RecordReader:
    """The reader of a format. Raises InvalidInput for an unknown name."""
    if name not in format_names():
        raise InvalidInput("format", f"there is no such format; known are {', '.join(format_names())}")
    module = importlib.import_module(f"{sources.__name__}.{name}{_SUFFIX}")
    return cast("RecordReader", module.read_records)
