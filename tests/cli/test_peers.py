"""`huxin peers` and `huxin evidence`: what is long is whole, and the next step is said."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from pathlib import Path

from huxin.v1 import admin_service_pb2

from node.cli.tables import in_groups
from tests.cli.running import huxin
from tests.cli.test_connection import Desk, desk

__all__ = ["desk"]


def test_what_is_long_about_peers_is_never_cut(desk: Desk) -> None:
    """However narrow the terminal: each endpoint, each error whole on one line, and the next step under it."""
    response = admin_service_pb2.ListPeersResponse()
    endpoint_of = "node-{}.credit.some-long-name-of-a-province.example:7443"
    error = "What the peer sent was refused: " + "a long reason, " * 12 + "and its end."
    for division, state, more in (
        ("140000", "connected", {}),
        ("210000", "halted", {"last_error": error, "last_reason": "HEAD_INCONSISTENT", "split_at": 3}),
        ("520000", "refused", {"last_error": error, "last_reason": "PEER_REFUSES_US"}),
        ("620100", "connected", {"withheld": 3, "known_size": 12345678, "replicated": 12345675}),
    ):
        response.peers.add(
            division=division, name_zh="某省", state=state, endpoint=endpoint_of.format(division), **more
        )
    desk.answers["AdminService/ListPeers"] = lambda *_: response
    printed = huxin("peers", home=desk.home, environ={"HUXIN_NODE": desk.address, "COLUMNS": "60"}).stdout
    assert "…" not in printed
    lines = printed.splitlines()
    for peer in response.peers:
        place = lines.index(f"{peer.division} 某省: {peer.endpoint}")
        if peer.last_error:
            assert lines[place + 1] == f"  {peer.state}: {error} ({peer.last_reason})"
    steps = [line for line in lines if "下一步 Next:" in line]
    assert [("huxin evidence" in step, "HuxinSplitView" in step) for step in steps] == [
        (True, True),
        *[(False, False)] * 2,
    ]
    assert ["HuxinPeerDisconnected" in step for step in steps] == [False, True, False]
    assert ["3 fewer entries" in step and "HuxinLogWithheld" in step for step in steps] == [False, False, True]


def test_evidence_of_a_log_that_was_succeeded_names_the_one_that_goes_on(desk: Desk) -> None:
    response = admin_service_pb2.ListSplitViewsResponse()
    for origin, size in (("huxin/140000", 3), ("huxin/520000", 0), ("huxin/620100", None)):
        split = response.splits.add(origin=origin, shown_by="210000", agreed_size=3)
        split.evidence.first, split.evidence.second = f"{origin}\n7\nroot one\n", f"{origin}\n9\nroot two\n"
        if size is not None:
            split.successor.origin, split.successor.closed_size = f"{origin}/2", size
            split.successor.decided_at.FromJsonString("2026-11-22T02:00:00Z")
    desk.answers["AdminService/ListSplitViews"] = lambda *_: response
    text = desk.ask("evidence").stdout
    decided = "decided 2026-11-22 10:00 (UTC+8), once its operator has founded it (`huxin log found`)"
    assert f"succeeded by huxin/140000/2, {decided}; its entries below index 3 count" in text
    assert f"succeeded by huxin/520000/2, {decided}; none of its entries counts" in text
    assert "huxin/620100/2" not in text
    assert "Export the evidence" in text, "one of them is not recovered yet"
    found = json.loads(desk.ask("evidence", "--json").stdout)
    assert [split.get("successor", {}).get("closed_size") for split in found] == ["3", "0", None]
    del response.splits[2]
    assert "Export the evidence" not in desk.ask("evidence").stdout


def test_the_roots_of_evidence_can_be_compared_by_eye(desk: Desk) -> None:
    """As `huxin log show` and `prove` print them; and what is proven to agree may agree further."""
    root, other = bytes(range(32)), bytes(range(1, 33))
    response = admin_service_pb2.ListSplitViewsResponse()
    split = response.splits.add(origin="huxin/140000", shown_by="620100", agreed_size=3)
    split.evidence.first, split.evidence.second = (
        f"huxin/140000\n7\n{b64encode(each).decode()}\n" for each in (root, other)
    )
    desk.answers["AdminService/ListSplitViews"] = lambda *_: response
    text = desk.ask("evidence").stdout
    assert in_groups(root.hex()) in text
    assert in_groups(other.hex()) in text
    assert "已证实一致至 Proven to agree up to" in text
    assert "huxin log prove --origin huxin/140000 --old-size N" in text


def test_nobody_is_sent_to_the_operator_of_the_own_log(desk: Desk) -> None:
    response = admin_service_pb2.ListSplitViewsResponse()
    split = response.splits.add(origin="huxin/140000", shown_by="520000")
    split.evidence.first, split.evidence.second = "huxin/140000\n7\nroot\n", "huxin/140000\n9\nroot\n"
    desk.answers["AdminService/ListSplitViews"] = lambda *_: response
    text = desk.ask("evidence").stdout
    assert "It is our own log: see `huxin doctor` and ops/README.md, HuxinSplitView." in text
    assert "ask the log's operator" not in text
    response.splits.add(origin="huxin/520000", shown_by="620100").evidence.first = "huxin/520000\n7\nroot\n"
    text = desk.ask("evidence").stdout
    assert "It is our own log" in text
    assert "ask the log's operator" in text


def test_peers_say_state_lag_and_error(desk: Desk) -> None:
    response = admin_service_pb2.ListPeersResponse()
    response.peers.add(
        division="520000",
        name_zh="贵州省",
        state="waiting",
        replicated=3,
        head_size=5,
        last_error="Nobody answers.",
        last_reason="PEER_AWAY",
    )
    desk.answers["AdminService/ListPeers"] = lambda *_: response
    text = desk.ask("peers").stdout
    for part in ("520000 贵州省", "waiting", "3 of 5", "none yet", "Nobody answers.", "PEER_AWAY"):
        assert part in text
    assert "not told yet" in text
    (peer,) = json.loads(desk.ask("peers", "--json").stdout)
    assert (peer["replicated"], peer["last_reason"]) == ("3", "PEER_AWAY")


def test_peers_say_what_they_hold_of_ours_and_how_long_it_took(desk: Desk) -> None:
    response = admin_service_pb2.ListPeersResponse()
    told = admin_service_pb2.Acknowledged(size=7, lag=2, measured=5, p50_seconds=0.021, p99_seconds=1.5)
    response.peers.add(division="520000", state="connected", acknowledged=told)
    response.peers.add(division="620100", state="connected", acknowledged=admin_service_pb2.Acknowledged(size=9))
    desk.answers["AdminService/ListPeers"] = lambda *_: response
    text = desk.ask("peers").stdout
    for part in ("7 of 9", "0.02 / 1.50 s", "9 of 9"):
        assert part in text
    first, second = json.loads(desk.ask("peers", "--json").stdout)
    assert (first["acknowledged"]["p99_seconds"], second["acknowledged"]["measured"]) == (1.5, 0)
    assert not {"p50_seconds", "p99_seconds"} & second["acknowledged"].keys(), "nothing was measured"


def test_peers_say_who_witnesses_and_what_is_withheld(desk: Desk) -> None:
    response = admin_service_pb2.ListPeersResponse()
    response.peers.add(
        division="520000", state="connected", replicated=5, head_size=5, known_size=8, withheld=3, witnesses=["a", "b"]
    )
    desk.answers["AdminService/ListPeers"] = lambda *_: response
    text = desk.ask("peers").stdout
    assert re.search(r"5 of 8 +│ 2 +│", text), text
    told = json.loads(desk.ask("peers", "--json").stdout)[0]
    assert (told["withheld"], told["witnesses"]) == ("3", ["a", "b"])
    assert "split_at" not in told


def test_evidence_is_shown_and_exported(desk: Desk, tmp_path: Path) -> None:
    response = admin_service_pb2.ListSplitViewsResponse()
    split = response.splits.add(origin="huxin/520000", shown_by="620100", agreed_size=3)
    split.found_at.FromJsonString("2026-11-22T02:00:00Z")
    split.evidence.first, split.evidence.second = "huxin/520000\n7\nroot one\n", "huxin/520000\n9\nroot two\n"
    split.evidence.root, split.evidence.consistency[:] = bytes(32), [b"\x01" * 32]
    desk.answers["AdminService/ListSplitViews"] = lambda *_: response
    text = desk.ask("evidence", "--export", str(tmp_path / "out")).stdout
    for part in ("huxin/520000", "620100", "前 3 条 entries", "7 条 root one", "9 条 root two", "2026-11-22 10:00"):
        assert part in text
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert files == {
        "huxin-520000-620100.first.note": split.evidence.first,
        "huxin-520000-620100.second.note": split.evidence.second,
        "huxin-520000-620100.proof.txt": "A" * 43 + "=\n" + "AQEB" * 10 + "AQE=\n",
    }
    assert json.loads(desk.ask("evidence", "--json").stdout)[0]["evidence"]["first"] == split.evidence.first
    both = desk.ask("evidence", "--export", str(tmp_path / "again"), "--json")
    assert json.loads(both.stdout)[0]["evidence"]["first"] == split.evidence.first, "nothing else stands there"
    assert "first.note" in both.stderr


def test_without_evidence_it_says_so(desk: Desk) -> None:
    desk.answers["AdminService/ListSplitViews"] = lambda *_: admin_service_pb2.ListSplitViewsResponse()
    assert "No log with two histories" in desk.ask("evidence").stdout


def test_no_peers_says_how_to_get_one(desk: Desk) -> None:
    desk.answers["AdminService/ListPeers"] = lambda *_: admin_service_pb2.ListPeersResponse()
    assert "huxin trust join" in desk.ask("peers").stdout
