"""`--json`: every command that tells something has it, and then stdout holds one document and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from huxin.v1 import admin_service_pb2, report_service_pb2

from node.cli.failures import ExitCode
from node.cli.main import cli
from tests.cli.running import huxin
from tests.cli.test_connection import NUMBER, Desk, desk
from tests.cli.test_registry import Registry, begun, registry

__all__ = ["begun", "desk", "registry"]

WITHOUT = {"serve": "runs until it is stopped, and answers nothing; its log has a setting of its own"}
"""Commands that have no `--json` by intent, and why."""

EXPORTED = "payloadType"


def commands(group: click.Command = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that it is called with."""
    if not isinstance(group, click.Group):
        yield " ".join(path), group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


def test_every_command_has_json_but_those_that_answer_nothing() -> None:
    without = {
        name
        for name, command in commands()
        if not any("--json" in option.opts for option in command.params if isinstance(option, click.Option))
    }
    assert without == set(WITHOUT), "add json_option, and session.answer or session.emit"


def document(*arguments: str | Path, home: Path | None = None, code: int = ExitCode.OK) -> Any:
    """The one document on stdout. What people are told meanwhile stands on stderr, and nothing of it is lost."""
    result = huxin(*arguments, "--json", home=home)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_founding(tmp_path: Path) -> None:
    result = huxin("init", "620100", "--json", home=tmp_path / "lanzhou")
    assert result.exit_code == ExitCode.OK, result.output
    made = json.loads(result.stdout)
    assert (made["division"], made["name_zh"], made["home"]) == ("620100", "兰州市", str(tmp_path / "lanzhou"))
    (own,) = document("trust", "list", home=tmp_path / "lanzhou")
    assert made["signers"] == own["signers"]
    assert "trust export" in result.stderr, "people are told what is next"


def test_certificates(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_KEYS__CA_OVERLAP_SECONDS", "0")
    issued = document("certificate", "issue", "source", "market-bureau", "--out-name", "bureau", home=home)
    assert Path(issued["certificate"]).is_file()
    assert Path(issued["key"]).is_file()
    assert issued["identity"].endswith("/source/market-bureau")
    (renewed,) = document("certificate", "renew", "bureau", home=home)
    listed = {row["serial"]: row for row in document("certificate", "list", home=home)}
    assert renewed["name"] == "bureau"
    assert listed[renewed["serial"]]["until"] == renewed["until"]
    assert document("certificate", "renew", home=home) == []
    revoked = document("certificate", "revoke", renewed["serial"], "--reason", "superseded", home=home)
    assert revoked == {"serial": renewed["serial"], "reason": "superseded"}
    assert document("certificate", "sign-revocations", home=home) == {"lists": 1}
    begun_ca = document("certificate", "rotate-ca", home=home)
    assert begun_ca["ca"].endswith("ca.crt")
    assert begun_ca["issues_from"].endswith("Z")
    for row in document("certificate", "renew", home=home):
        assert row["name"] in {"node", "gateway", "operator", "bureau"}
    assert document("certificate", "retire-ca", "--ignore-replaced", home=home)["retired"] is True


def test_keys(home: Path) -> None:
    def signing() -> dict[str, Any]:
        return {line["key_id"]: line for line in document("key", "list", home=home) if line["role"] == "signing"}

    (first,) = signing()
    rotated = document("key", "rotate", "--in", "1s", home=home)
    made = rotated["made"]
    assert (rotated["bundle_version"], made["suite"]) == (2, "ed25519")
    assert made["valid_from"] == signing()[made["key_id"]]["valid_from"]
    assert [each["key_id"] for each in rotated["retired"]] == [first]
    added = document("key", "add", "--suite", "ecdsa-p256-sha256", "--in", "1s", home=home)["made"]
    assert signing()[added["key_id"]]["suite"] == "ecdsa-p256-sha256"
    retired = document("key", "retire", added["key_id"][:12], home=home)
    assert [each["key_id"] for each in retired["retired"]] == [added["key_id"]]
    sealing = document("key", "rotate", "--sealing", home=home)
    assert Path(sealing["made"]["where"]).is_file()
    since = ("--since", "2026-01-01T08:00:00+08:00")
    unasked = huxin("key", "compromised", first[:12], *since, "--json", home=home)
    assert (unasked.exit_code, unasked.stdout, "--yes" in unasked.stderr) == (ExitCode.USAGE, "", True)
    lost = document("key", "compromised", first[:12], *since, "--yes", home=home)
    assert lost["compromised"] == {"key_id": first, "since": "2026-01-01T00:00:00Z"}
    assert lost["recognitions_to_sign_again"] == ["140000"]


def test_bundles_by_hand(home: Path, tmp_path: Path) -> None:
    file, guizhou = tmp_path / "shanxi.json", tmp_path / "guizhou"
    exported = document("trust", "export", "-o", file, home=home)
    assert (exported["file"], exported["division"], exported["version"]) == (str(file), "140000", 2)
    assert EXPORTED in document("trust", "export", home=home), "the bundle itself is JSON"
    document("init", "520000", home=guizhou)
    (key_id,) = exported["signers"]
    imported = document("trust", "import", file, "--key", key_id, home=guizhou)
    assert (imported["division"], imported["signers"]) == ("140000", [key_id])
    shown = document("trust", "show", "140000", home=guizhou)
    assert ([each["key_id"] for each in shown["signing_keys"]], shown["log"]) == ([key_id], "huxin/140000")
    assert (shown["contacts"], shown["recognition"]) == (["值班室 0351-0000000"], None)


def test_the_registry(registry: Registry) -> None:
    published = document("trust", "publish", home=registry.shanxi)
    assert published == {"published": True, "snapshot_version": 2, "file": None}
    assert document("trust", "publish", home=registry.shanxi)["published"] is False
    archive, carried = registry.folder / "registry.zip", registry.folder / "520000.publication"
    written = document("trust", "archive", "-o", archive, home=registry.shanxi)
    assert written == {"file": str(archive), "size": archive.stat().st_size}
    taken = document("trust", "refresh", "--from", archive, home=registry.guizhou)
    assert taken == {"verified": True, "peers": [], "snapshot_version": 2, "members": ["140000"]}
    assert document("trust", "publish", "-o", carried, home=registry.guizhou)["file"] == str(carried)
    accepted = document("trust", "accept", carried, home=registry.shanxi)
    assert accepted == {"documents": [], "publications": ["520000"], "snapshot_version": 3, "closed_logs": []}
    alone = document("trust", "refresh", home=registry.guizhou, code=ExitCode.REFUSED)
    assert (alone["verified"], alone["snapshot_version"]) == (False, 2)
    lanzhou, root = registry.folder / "lanzhou", registry.ceremony / "1.root.json"
    document("init", "620100", home=lanzhou)
    joining = ("--digest", registry.digest("1.root.json"), "--from", archive)
    joined = document("trust", "join", root, *joining, home=lanzhou)
    assert joined == {"root_version": 1, "snapshot_version": 2, "members": ["140000"]}


def test_a_requirement_file() -> None:
    adapters = Path(__file__).parents[2] / "node" / "adapters"
    file = min(adapters.rglob("procedures/**/*.toml"))
    checked = document("requirement", "check", file)
    assert checked["usable"] is True
    assert checked["items"] > 0


def test_what_a_node_is_asked_for(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_NODE", desk.address)
    desk.answers["ReportService/DownloadReport"] = lambda *_: iter(
        [report_service_pb2.DownloadReportResponse(chunk=part) for part in (b"one", b"two")]
    )
    desk.answers["AdminService/ChangeStatus"] = lambda *_: admin_service_pb2.ChangeStatusResponse(log_index=7)
    target = tmp_path / "report.huxin"

    def asked(*words: str | Path) -> Any:
        result = desk.ask(*words, "--json")
        assert result.exit_code == ExitCode.OK, result.output
        return json.loads(result.stdout)

    loaded = asked("report", "download", NUMBER, "-o", target, "--row", "16")
    assert loaded == {"report_number": NUMBER, "file": str(target), "size": 6, "rows": ["16"]}
    changed = asked("report", "status", NUMBER, "revoked", "--set", "--reason", "issued_in_error")
    assert changed == {
        "report_number": NUMBER,
        "flag": "revoked",
        "set": True,
        "reason": "issued_in_error",
        "log_index": 7,
        "awaits_recovery": False,
    }
