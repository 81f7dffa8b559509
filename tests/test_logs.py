"""No line holds what identifies a subject (R191). Subjects here are synthetic."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from node.logs import MASK, configure_logs, get_logger
from tests.support.clock import SettableClock

USCC = "91140000MA0SYNTH1X"
RESIDENT = "14010519900101001X"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    stream = io.StringIO()
    yield stream
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_area(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("federation").info("peer followed", peer="520000", entries=12)
    assert lines(stream) == [
        {
            "area": "federation",
            "event": "peer followed",
            "peer": "520000",
            "entries": 12,
            "level": "info",
            "timestamp": "2026-11-22T09:00:00.000+00:00",
        }
    ]


@pytest.mark.parametrize(
    "key", ["id", "uscc", "subject", "subjects", "subject_id", "request_id", "subjectName", "resident_id", "password"]
)
def test_fields_that_promise_an_identifier_are_masked(stream: io.StringIO, key: str) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("issuance").info("report issued", **{key: "anything"})
    assert lines(stream)[0][key] == MASK


@pytest.mark.parametrize("key", ["key_id", "requirement_id", "peer", "entries", "valid", "idle"])
def test_harmless_fields_stay(stream: io.StringIO, key: str) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("issuance").info("report issued", **{key: "abc"})
    assert lines(stream)[0][key] == "abc"


@pytest.mark.parametrize(
    "identifier",
    [USCC, USCC.lower(), RESIDENT, "140105900101001", "９１１４００００ＭＡ０ＳＹＮＴＨ１Ｘ"],
    ids=["uscc", "lower-case", "resident", "15 digits", "full-width"],
)
def test_identifiers_are_masked_wherever_they_stand(stream: io.StringIO, identifier: str) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("intake").info(
        f"row of 主体{identifier}号", note=f"<{identifier}>", deep={"rows": [(identifier,)], identifier: 1}
    )
    assert identifier not in stream.getvalue()
    assert lines(stream)[0]["event"] == f"row of 主体{MASK}号"


def test_identifiers_that_are_numbers_are_masked(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("intake").info("row", number=140105199001010011, entries=10_000_000)
    assert lines(stream)[0]["number"] == MASK
    assert lines(stream)[0]["entries"] == 10_000_000


def test_digests_and_report_numbers_are_readable(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    get_logger("ledger").info("head", root="ab12" * 16, number="14000020261122ABCDEFGH12345678Z")
    assert lines(stream)[0]["root"] == "ab12" * 16
    assert lines(stream)[0]["number"] == "14000020261122ABCDEFGH12345678Z"


@pytest.mark.parametrize("form", ["json", "console"])
def test_tracebacks_show_neither_identifiers_nor_local_variables(stream: io.StringIO, form: str) -> None:
    configure_logs(SettableClock().now, "info", form, stream)

    def fail(company: str) -> None:
        raise ValueError(f"no row for {company}")

    try:
        fail(USCC)
    except ValueError:
        get_logger("intake").exception("delivery failed")
    assert "ValueError" in stream.getvalue()
    assert MASK in stream.getvalue()
    assert USCC not in stream.getvalue()


def test_lines_of_libraries_go_the_same_way(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    logging.getLogger("uvicorn.error").warning("bad request from %s", USCC, extra={"subject": "somebody"})
    assert lines(stream)[0]["event"] == f"bad request from {MASK}"
    assert lines(stream)[0]["subject"] == MASK


def test_less_serious_lines_are_left_out(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "warning", "json", stream)
    get_logger("rpc").info("quiet")
    get_logger("rpc").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_auto_is_json_away_from_a_terminal_and_console_on_one(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "auto", stream)
    get_logger("rpc").info("away")
    assert lines(stream)[0]["event"] == "away"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    configure_logs(SettableClock().now, "info", "auto", terminal)
    get_logger("rpc").info("on one")
    assert "on one" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")


def test_a_form_that_is_not_there_is_refused(stream: io.StringIO) -> None:
    with pytest.raises(ValueError, match="auto, json or console"):
        configure_logs(SettableClock().now, "info", "xml", stream)


def test_asking_for_the_schema_is_not_told_each_time(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    logging.getLogger("alembic.runtime.migration").warning("a column is missing")
    assert [line["event"] for line in lines(stream)] == ["a column is missing"]


def test_a_signature_that_is_not_needed_is_not_missed_at_each_refresh(stream: io.StringIO) -> None:
    configure_logs(SettableClock().now, "info", "json", stream)
    logging.getLogger("tuf.api._payload").info("No signature for keyid %s", "b44f")
    logging.getLogger("tuf.api._payload").warning("a key cannot be read")
    assert [line["event"] for line in lines(stream)] == ["a key cannot be read"]
