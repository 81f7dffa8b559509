"""What commands print on a terminal of eighty columns: every word that a wide one shows stands there whole."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf.message import Message
from huxin.v1 import admin_service_pb2, exchange_service_pb2, report_service_pb2, statement_pb2
from rich.cells import cell_len
from rich.console import Console

from node.app.proving import HeadView, LogPage
from node.cli.log_view import entries_table, heads_table
from node.cli.tables import Table
from node.model.log_audit import StoredEntry
from tests.cli.running import huxin
from tests.cli.test_connection import NUMBER, SUBJECT, Desk, desk

__all__ = ["desk"]

NARROW, WIDE = 80, 400
IDS = ("0192f3c4a5b67c8d9e0f1a2b3c4d5e6f", "0192f3c4a5b67c8d9e0f1a2b3c4d5e70")
NAME = "某某市某某区某某建筑工程有限责任公司"
WHEN = "2026-11-22T02:00:00Z"


def messages() -> Message:
    response = admin_service_pb2.ListMessagesResponse()
    for each, state, reason in zip(IDS, ("queued", "failed"), ("", "RECEIVER_REFUSES_THIS_KIND"), strict=True):
        found = response.messages.add(id=each, peer="520000", kind="report_request", state=state, reason=reason)
        found.order, found.attempts = f"subjects/{SUBJECT}", 12345
        found.created_at.FromJsonString(WHEN)
    return response


def asked() -> Message:
    response = exchange_service_pb2.ListAskedReportsResponse()
    for each in IDS:
        found = response.asked.add(id=each, receiver="520000", state="answered", report_number=NUMBER)
        found.created_at.FromJsonString(WHEN)
    return response


def reports() -> report_service_pb2.ListReportsResponse:
    response = report_service_pb2.ListReportsResponse()
    found = response.reports.add(report_number=NUMBER, scenario="government_procurement", record_count=12345)
    found.issued_at.FromJsonString(WHEN)
    found.flags.append(statement_pb2.STATUS_FLAG_REVOKED)
    return response


def elsewhere() -> Message:
    response = exchange_service_pb2.ListSubjectsElsewhereResponse()
    found = response.subjects.add(holder="520000", name=NAME, since="2026-11-22")
    found.subject.id = SUBJECT
    found.received_at.FromJsonString(WHEN)
    return response


def shared() -> Message:
    response = exchange_service_pb2.ListSharedSubjectsResponse()
    found = response.subjects.add(receiver="520000", name=NAME, since="2026-11-22", state="delivered")
    found.subject.id = SUBJECT
    found.told_at.FromJsonString(WHEN)
    return response


def peers() -> Message:
    response = admin_service_pb2.ListPeersResponse()
    peer = response.peers.add(division="522300", name_zh="黔西南布依族苗族自治州", state="connected")
    peer.replicated, peer.head_size, peer.endpoint = 12345678, 12345678, "node.example:7443"
    peer.fresh_at.FromJsonString(WHEN)
    peer.acknowledged.size, peer.acknowledged.p50_seconds, peer.acknowledged.p99_seconds = 12345678, 10.25, 3600.75
    return response


def splits() -> Message:
    response = admin_service_pb2.ListSplitViewsResponse()
    split = response.splits.add(origin="huxin/140000/node", shown_by="520000", agreed_size=12345678)
    root = "Q0hBTkdFRCBST09UIE9GIFRISVMgTE9HIEhFQUQhISE="
    split.evidence.first = split.evidence.second = f"huxin/140000/node\n12345678\n{root}\n"
    split.found_at.FromJsonString(WHEN)
    return response


def test_a_list_of_reports_says_which_are_revoked(desk: Desk) -> None:
    answer = reports()
    desk.answers["ReportService/ListReports"] = lambda *_: answer
    assert "已撤销 revoked" in desk.ask("report", "list", SUBJECT).stdout
    answer.ClearField("reports")
    answer.reports.add(report_number=NUMBER)
    assert "revoked" not in desk.ask("report", "list", SUBJECT).stdout


def words(printed: str) -> set[str]:
    """Of the rows of tables and of what stands beneath: whatever is not Chinese and no border."""
    rows = [line for line in printed.splitlines() if "┃" not in line]  # a heading of empty cells alone may go
    return set(re.findall(r"[!-9;-~]+", "\n".join(rows)))


@pytest.mark.parametrize(
    ("method", "answer", "command"),
    [
        ("AdminService/ListMessages", messages, ("outbox", "list")),
        ("AdminService/ListMessages", messages, ("inbox", "list")),
        ("AdminService/ListPeers", peers, ("peers",)),
        ("AdminService/ListSplitViews", splits, ("evidence",)),
        ("ReportService/ListReports", reports, ("report", "list", SUBJECT)),
        ("ExchangeService/ListAskedReports", asked, ("request", "list")),
        ("ExchangeService/ListSubjectsElsewhere", elsewhere, ("subjects", "elsewhere")),
        ("ExchangeService/ListSharedSubjects", shared, ("subjects", "shared")),
    ],
)
def test_what_a_node_answers_is_whole(
    desk: Desk, method: str, answer: Callable[[], Message], command: tuple[str, ...]
) -> None:
    desk.answers[method] = lambda *_: answer()
    _whole(desk.home, command, desk.address)


@pytest.mark.parametrize(
    "command",
    [
        ("key", "list"),
        ("certificate", "list"),
        ("doctor",),
        ("trust", "list"),
        ("trust", "show", "140000"),
        ("requirement", "examples"),
        ("catalogue", "show"),
        ("catalogue", "show", "140000"),
        ("catalogue", "coverage"),
    ],
)
def test_what_the_home_tells_is_whole(founded: Path, command: tuple[str, ...]) -> None:
    _whole(founded, command)


def test_the_heads_and_entries_of_logs_are_whole() -> None:
    fresh_at = datetime(2026, 11, 22, tzinfo=UTC)
    head = HeadView(
        "huxin/140000/node/2", True, 12345678, b"r" * 32, "", fresh_at, 12345678, {"huxin/520000/node": fresh_at}
    )
    entry = StoredEntry(12345678, b"l" * 32, b"d" * 32, "status_change", NUMBER, b"e")
    for table in (heads_table([head]), entries_table(LogPage(head, (entry,)))):
        narrow, wide = (_printed(table, columns) for columns in (NARROW, WIDE))
        assert words(wide) - words(narrow) == set()
        assert max(map(cell_len, narrow.splitlines())) <= NARROW


def _printed(table: Table, columns: int) -> str:
    file = io.StringIO()
    Console(file=file, width=columns).print(table)
    return file.getvalue()


def _whole(home: Path, command: tuple[str, ...], address: str = "") -> None:
    wide, narrow = (
        huxin(*command, home=home, environ={"HUXIN_NODE": address or None, "COLUMNS": str(columns)})
        for columns in (WIDE, NARROW)
    )
    assert wide.exit_code == narrow.exit_code
    assert wide.stdout, wide.stderr
    assert words(wide.stdout) - words(narrow.stdout) == set()
    assert "…" not in narrow.stdout.replace(" … ", ""), "a period without end has one"
