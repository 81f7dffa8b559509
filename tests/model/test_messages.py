"""Headers and ids of messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from node.model.messages import MessageHeader, MessageReason, message_id, reason_named

NOW = datetime(2026, 11, 22, 2, 0, 0, 123_456, tzinfo=UTC)
HEADER = MessageHeader(bytes(16), "520000", "140000", "report_request", bytes(32), NOW, NOW + timedelta(days=7))


def test_what_is_bound_is_written_as_the_protocol_says() -> None:
    parts = [
        b"purpose",
        bytes(16),
        b"520000",
        b"140000",
        b"report_request",
        bytes(32),
        (1_795_312_800_123_456).to_bytes(8, "big"),
        (1_795_312_800_123_456 + 7 * 86_400_000_000).to_bytes(8, "big"),
        b"key",
    ]
    assert HEADER.bound(b"purpose", b"key") == b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@pytest.mark.parametrize(
    "change",
    [
        {"id": b"1" * 16},
        {"sender": "620100"},
        {"receiver": "620100"},
        {"kind": "report_delivery"},
        {"ordering_key": b"1" * 32},
        {"created_at": NOW + timedelta(microseconds=1)},
        {"expires_at": NOW},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_is_bound(change: dict[str, object]) -> None:
    assert replace(HEADER, **change).bound(b"purpose") != HEADER.bound(b"purpose")  # type: ignore[arg-type]


def test_no_part_can_be_moved_into_its_neighbour() -> None:
    one, other = replace(HEADER, kind="ab", ordering_key=b"c"), replace(HEADER, kind="a", ordering_key=b"bc")
    assert one.bound(b"purpose") != other.bound(b"purpose")


def test_ids_are_of_version_seven_and_sort_by_time() -> None:
    made = message_id(NOW, lambda size: b"\xff" * size)
    assert (made[6] >> 4, made[8] >> 6, len(made)) == (7, 2, 16)
    assert int.from_bytes(made[:6], "big") == 1_795_312_800_123
    assert made < message_id(NOW + timedelta(milliseconds=1), bytes)


def test_a_reason_of_a_later_version_is_other() -> None:
    assert reason_named("INBOX_FULL") is MessageReason.INBOX_FULL
    assert reason_named("OF_2031") is MessageReason.OTHER
