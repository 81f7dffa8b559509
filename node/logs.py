"""Structured logs: one JSON object a line on stdout, or coloured lines on a terminal. Few lines a request.

What could identify a subject never reaches a line (R191, minimum sharing): fields whose names promise an identifier are
masked whatever they hold, and codes that look like one (18-character USCC or resident number, 15-digit predecessors)
are masked wherever they stand, messages and tracebacks included.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, TextIO

import structlog

MASK = "[masked]"

_TELLING_WORDS = frozenset(
    {
        "authorization",
        "bundle",
        "content",
        "email",
        "id",
        "identifier",
        "identity",
        "name",
        "passphrase",
        "password",
        "payload",
        "person",
        "phone",
        "resident",
        "salt",
        "secret",
        "subject",
        "token",
        "uscc",
    }
)
_HARMLESS = frozenset({"key_id", "requirement_id"})
"""Names with a telling word that hold no personal data: fingerprints of keys, ids of published requirements."""

_ALNUM = "0-9A-Za-z０-９Ａ-Ｚａ-ｚ"
_IDENTIFIER = re.compile(rf"(?<![{_ALNUM}])(?:[{_ALNUM}]{{2}}\d{{6}}[{_ALNUM}]{{10}}|\d{{15}})(?![{_ALNUM}])")
"""GB 32100 and GB 11643 both hold a division code in characters 3 to 8 or 1 to 6; full-width forms count too."""

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def mask(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: masks fields by name and identifiers by form."""
    return {key: MASK if _is_telling(key) else _scrub(value) for key, value in event.items()}


def configure_logs(now: Callable[[], datetime], level: str, form: str, stream: TextIO) -> None:
    """Sets up structlog and the standard library's logging (uvicorn, grpc, alembic) to write to one stream.

    `level`: `debug`, `info`, `warning` or `error`. `form`: `json`, `console`, or `auto`, which is console on a terminal
    and else JSON. Raises ValueError for any other. Called once by the entry point, again only by tests.
    """
    if form not in ("auto", "json", "console"):
        raise ValueError("the form of log lines is auto, json or console")
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _stamp(now),
        # Plain tracebacks: the richer ones print local variables, and those hold subjects.
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
    ]
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # It says two lines whenever somebody asks for the schema's revision, as /readyz does every few seconds.
    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    # It says at each refresh which holders have not signed a root that enough others have signed.
    logging.getLogger("tuf").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a logger made at import must follow a later set-up
    )


def get_logger(area: str) -> structlog.stdlib.BoundLogger:
    """The logger of one room, such as `federation`. Cheap; may be called before `configure_logs`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(area, area=area)
    return logger


def _stamp(now: Callable[[], datetime]) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    def stamp(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["timestamp"] = now().isoformat(timespec="milliseconds")
        return event

    return stamp


def _is_telling(key: str) -> bool:
    if key in _HARMLESS:
        return False
    return any(word.lower().removesuffix("s") in _TELLING_WORDS for word in _WORD.findall(key))


def _scrub(value: Any) -> Any:
    """The value with identifiers masked, at any depth. Numbers long enough to be an identifier are masked as text."""
    if isinstance(value, str):
        return _IDENTIFIER.sub(MASK, value)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if _IDENTIFIER.fullmatch(str(value)) is None else MASK
    if isinstance(value, MutableMapping):
        return {_scrub(str(k)): MASK if _is_telling(str(k)) else _scrub(inner) for k, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_scrub(inner) for inner in value]
    return _scrub(str(value))
