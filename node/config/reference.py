"""The text of `docs/configuration.md`, made from the settings themselves."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from node.config.settings import FILE_NAME, HOME_VARIABLE, PREFIX, Settings

_HEAD = f"""# Configuration

A node has one home, a folder. In it `{FILE_NAME}` holds its settings; `huxin init` writes one. Only `division` must be
set. Relative paths count from the home.

Every key can be set by an environment variable as well, which counts before the file: `{PREFIX}` + table + `__` + key,
in capitals, lists separated by commas. `{PREFIX}LIMITS__BATCH_ITEMS=100` sets `limits.batch_items`,
`{PREFIX}DIVISION=140000` sets `division`. `{HOME_VARIABLE}` is no setting: it names the home for the command line.

Secrets are never settings: a setting names the file that holds them. A key or variable that is not listed here stops
the start, as does a value out of its bounds; the message names the key.
"""


def reference() -> str:
    """The whole text."""
    parts = [_HEAD, _table({name: f for name, f in Settings.model_fields.items() if _section(f) is None})]
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            parts.append(f"## `[{name}]`\n\n{section.__doc__}\n\n{_table(section.model_fields)}")
    return "\n".join(parts)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(fields: dict[str, FieldInfo]) -> str:
    rows = "".join(
        f"| `{name}` | {_default(field.default)} | {_bounds(field)} | {field.description} |\n"
        for name, field in fields.items()
    )
    return "| key | default | bounds | meaning |\n|---|---|---|---|\n" + rows


def _default(value: object) -> str:
    if value is PydanticUndefined:
        return "must be set"
    if value in (None, "", ()):
        return "empty"
    if isinstance(value, tuple):
        return ", ".join(_default(each) for each in value)
    if isinstance(value, (int, float)):
        return f"`{value:.15g}`"
    text = value.as_posix() if isinstance(value, Path) else value.value if isinstance(value, StrEnum) else str(value)
    return f'`"{text}"`'


def _bounds(field: FieldInfo) -> str:
    """Lower and upper bound as the annotations state them."""
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    parts = [
        f"{words} {getattr(note, sign):.15g}"
        for note in field.metadata
        for sign, words in signs.items()
        if hasattr(note, sign)
    ]
    return ", ".join(parts) or "-"
