"""Says of a wrong setting which one, what is wrong with it and what it means; never the value, which may be secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from node.errors import BadConfiguration


def keys(model: type[BaseModel], table: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key in dotted form, in the order of the file, with its field."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{table}{name}.")
        else:
            yield f"{table}{name}", field


def refuse_unknown_variables(model: type[BaseModel], names: Mapping[str, str], prefix: str) -> None:
    """Raises BadConfiguration for a variable with our prefix that sets nothing: it is a slip, not a wish."""
    known = {variable(key, prefix) for key, _ in keys(model)}
    for name in sorted(names):
        if name.upper() not in known:
            raise BadConfiguration(name, f"this variable sets nothing.{_nearest(name.upper(), known)}")


def variable(key: str, prefix: str) -> str:
    """The environment variable that sets a key."""
    return prefix + key.replace(".", "__").upper()


def first_mistake(
    model: type[BaseModel], error: ValidationError, given: Mapping[str, str], prefix: str
) -> BadConfiguration:
    """The first mistake under its key, the others named after it."""
    fields = dict(keys(model))
    found = [(_dotted(detail["loc"]), detail) for detail in error.errors(include_url=False, include_input=False)]
    sentences = [_sentence(key, detail, fields, given, prefix) for key, detail in found]
    others = "".join(f" Also {key}: {text}" for (key, _), text in zip(found[1:], sentences[1:], strict=True))
    return BadConfiguration(found[0][0], sentences[0] + others)


def _sentence(
    key: str, detail: ErrorDetails, fields: Mapping[str, FieldInfo], given: Mapping[str, str], prefix: str
) -> str:
    if detail["type"] == "extra_forbidden":
        return f"there is no such key.{_nearest(key, fields)}"
    if detail["type"] == "missing":
        text = "must be set."
    else:
        text = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
        text = text[0].lower() + text[1:] + "."
    setting = next((name for name in fields if key == name or key.startswith(f"{name}.")), "")
    origin = f" It was set by {variable(setting, prefix)}." if variable(setting, prefix) in given else ""
    meaning = f" Meaning: {fields[setting].description}" if setting else ""
    return text + origin + meaning


def _dotted(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location)


def _nearest(name: str, known: Mapping[str, object] | set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {close[0]}?" if close else " Every key stands in docs/configuration.md."
