"""Refused calls are told with who, what and why: once a minute each, whoever floods."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from node.rpc import refusals
from node.rpc.refusals import QUIET_SECONDS, RefusalLog
from tests.rpc.federation import GUIZHOU, SHANXI
from tests.rpc.world import PARTIES, Door, foreign_claim, opened, unary
from trust.identities import Role

CREATE = "/huxin.v1.ReportService/CreateReport"
LEAF = PARTIES["peer-node"].pem


class Told:
    """A log of refusals with a clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log = RefusalLog(lambda: self.now)


def test_the_same_refusal_is_told_once_a_minute_with_its_count() -> None:
    told = Told()
    with capture_logs() as logs:
        for _ in range(5):
            told.log.tell("a/B", "NOT_PERMITTED", LEAF, "ipv4:192.0.2.1:1")
        told.now = QUIET_SECONDS - 1
        told.log.tell("a/B", "NOT_PERMITTED", LEAF, "ipv4:192.0.2.1:1")
        assert len(logs) == 1
        told.now = QUIET_SECONDS
        told.log.tell("a/B", "NOT_PERMITTED", LEAF, "ipv4:192.0.2.1:1")
    assert [line["unlogged_before"] for line in logs] == [0, 5]
    assert logs[0] == {
        "event": "call_refused",
        "log_level": "warning",
        "method": "a/B",
        "reason": "NOT_PERMITTED",
        "peer": "ipv4:192.0.2.1:1",
        "unlogged_before": 0,
        "serial": f"{PARTIES['peer-node'].certificate.serial_number:x}",
        "claimed": "spiffe://520000.huxin/node",
    }


def test_another_method_reason_or_certificate_is_told_by_itself() -> None:
    told = Told()
    with capture_logs() as logs:
        for method, reason, leaf in (("a/B", "X", LEAF), ("a/C", "X", LEAF), ("a/B", "Y", LEAF), ("a/B", "X", b"")):
            told.log.tell(method, reason, leaf, "unix:")
    assert len(logs) == 4
    assert "claimed" not in logs[3]
    assert "serial" not in logs[3]


@pytest.mark.parametrize("leaf", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\n", bytes(100_000)])
def test_what_cannot_be_read_is_told_without_it(leaf: bytes) -> None:
    with capture_logs() as logs:
        Told().log.tell("a/B", "CERTIFICATE_UNREADABLE", leaf, "unix:")
    assert len(logs) == 1
    assert not {"claimed", "serial"} & set(logs[0])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_REMEMBERED", 3)
    told = Told()
    with capture_logs() as logs:
        for number in (1, 2, 3, 4, 2, 3, 4, 1):
            told.log.tell(f"a/{number}", "X", LEAF, "unix:")
    assert [line["method"] for line in logs] == ["a/1", "a/2", "a/3", "a/4", "a/1"]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


async def test_through_the_door(door: Door) -> None:
    """One role too little, and one CA too much."""
    forged = foreign_claim(SHANXI, Role.GATEWAY, GUIZHOU)
    with capture_logs() as logs:
        for holder in (PARTIES["peer-node"], PARTIES["peer-node"], forged):
            async with door.channel(holder) as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await unary(channel, CREATE)(b"", timeout=10)
    assert [(line["reason"], line["claimed"]) for line in logs] == [
        ("NOT_PERMITTED", "spiffe://520000.huxin/node"),
        ("CERTIFICATE_REJECTED", "spiffe://140000.huxin/gateway"),
    ]
    assert {line["method"] for line in logs} == {CREATE[1:]}
    assert all(str(line["peer"]).startswith("ipv4:127.0.0.1:") for line in logs)
