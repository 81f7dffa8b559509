"""`huxin key` as an administrator types it: each command says what happens when, and what comes next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from node.cli.failures import ExitCode
from tests.cli.running import huxin
from tests.support.softhsm import SoftToken, token

__all__ = ["token"]


def keys(home: Path, role: str = "signing") -> list[dict[str, Any]]:
    result = huxin("key", "list", "--json", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    return [line for line in json.loads(result.stdout) if line["role"] == role]


def test_the_list_shows_every_key_and_no_secret(home: Path) -> None:
    result = huxin("key", "list", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    for part in ("signing", "log", "cosigner", "ed25519", "keys/signing.key", "yes"):
        assert part in result.stdout
    (signing,) = keys(home)
    assert signing["key_id"][:12] in result.stdout
    assert (signing["in_use"], signing["retired_at"], signing["compromised_at"]) == (True, None, None)
    assert "PRIVATE" not in result.stdout


def test_rotate_says_what_happens_when(home: Path) -> None:
    result = huxin("key", "rotate", "--in", "48h", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    old, new = keys(home)
    for part in (new["key_id"], "version 2", "begins to sign", old["key_id"][:12], "is retired", "trust export"):
        assert part in result.stdout
    again = huxin("key", "rotate", home=home)
    assert (again.exit_code, "wait until it signs" in again.stderr) == (ExitCode.USAGE, True)


def test_rotate_of_the_sealing_key_makes_one_that_peers_take_at_once(home: Path) -> None:
    (old,) = keys(home, "sealing")
    result = huxin("key", "rotate", "--sealing", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    before, new = keys(home, "sealing")
    assert (before["key_id"], before["in_use"], new["in_use"]) == (old["key_id"], False, True)
    for part in (new["key_id"], "version 2", f"keys/sealing-{new['key_id'][:12]}.key", "trust export"):
        assert part in result.stdout
    mixed = huxin("key", "rotate", "--sealing", "--suite", "ed25519", home=home)
    assert (mixed.exit_code, "stands alone" in mixed.stderr) == (ExitCode.USAGE, True)


def test_add_retire_and_the_doctor_is_content(home: Path) -> None:
    (first,) = keys(home)
    result = huxin("key", "add", "--suite", "ecdsa-p256-sha256", "--in", "1s", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "REFER" in result.stdout
    assert {line["suite"] for line in keys(home)} == {"ed25519", "ecdsa-p256-sha256"}
    assert huxin("doctor", home=home).exit_code == ExitCode.OK
    last = huxin("key", "retire", "no such key", home=home)
    assert (last.exit_code, "huxin key list" in last.stderr) == (ExitCode.USAGE, True)
    assert huxin("key", "retire", first["key_id"][:12], home=home).exit_code in (ExitCode.OK, ExitCode.USAGE)


def test_compromised_explains_and_asks(home: Path) -> None:
    (lost,) = keys(home)
    since = "2026-01-01T08:00:00+08:00"
    asked = huxin("key", "compromised", lost["key_id"], "--since", since, home=home)
    assert asked.exit_code != ExitCode.OK  # nobody answered
    assert keys(home) == [lost]
    for part in ("KEY_COMPROMISED", "KEY_COMPROMISED_SINCE", "REJECT", "REFER", "cannot be taken back"):
        assert part in asked.stdout
    done = huxin("key", "compromised", lost["key_id"], "--since", since, "--yes", home=home)
    assert done.exit_code == ExitCode.OK, done.stderr
    gone, new = keys(home)
    assert (gone["compromised_at"], gone["in_use"], new["in_use"]) == ("2026-01-01T00:00:00Z", False, True)
    for part in (new["key_id"], "huxin recognise grant 140000 --keep", "--key KEYID"):
        assert part in done.stdout
    assert "registry" not in done.stdout  # it joined none
    assert "signs nothing with the lost key" in done.stdout.splitlines()[-1]
    assert "1 of them may sign statements now" in huxin("doctor", home=home).stdout


@pytest.mark.parametrize("asked", [("--yes",), ()])
def test_compromised_says_nothing_of_reports_when_the_moment_cannot_be(home: Path, asked: tuple[str, ...]) -> None:
    (line,) = keys(home)
    result = huxin("key", "compromised", line["key_id"], "--since", "2999-01-01T08:00:00+08:00", *asked, home=home)
    assert (result.exit_code, "lies in the future" in result.stderr) == (ExitCode.USAGE, True)
    assert result.stdout == ""
    assert keys(home) == [line]


@pytest.mark.parametrize(
    ("role", "advice"),
    [
        ("log", "huxin log close"),
        ("cosigner", "vouch for logs"),
        ("sealing", "huxin key rotate --sealing"),
    ],
)
def test_what_applies_to_a_key_that_signs_no_statements_is_told(home: Path, role: str, advice: str) -> None:
    """And nothing is published: neither end is one that our bundle could tell."""
    (line,) = keys(home, role)
    for command in (("retire",), ("compromised", "--since", "2026-01-01T08:00:00+08:00", "--yes")):
        result = huxin("key", *command, line["key_id"][:12], home=home)
        assert result.exit_code == ExitCode.USAGE
        assert "It is no signing key." in result.stderr
        assert advice in result.stderr
        assert result.stdout == ""  # what becomes of reports is said of a key that signs them alone
    assert (keys(home, role), len(keys(home))) == ([line], 1)


def test_the_key_of_the_registry_is_ended_by_a_ceremony(home: Path) -> None:
    shown = json.loads(huxin("trust", "key", "id", home / "keys" / "registry.pub", "--json", home=home).stdout)
    result = huxin("key", "retire", shown["key_id"], home=home)
    assert (result.exit_code, "huxin trust delegate" in result.stderr) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("since", ["2026-01-01", "2026-01-01T08:00:00", "0001-01-01T00:00:00+08:00", "yesterday"])
def test_a_moment_needs_its_offset(home: Path, since: str) -> None:
    result = huxin("key", "compromised", "aa", "--since", since, "--yes", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "+08:00" in result.stderr


def test_a_jurisdiction_is_founded_in_a_token_and_rotates_there(tmp_path: Path, token: SoftToken) -> None:
    home = tmp_path / "shanxi"
    founded = huxin("init", "140000", "--token", str(token.uri()), home=home)
    assert founded.exit_code == ExitCode.OK, founded.stderr
    inside = {path.name for path in (home / "keys").iterdir()}
    assert inside == {
        "registry.pub",
        *(f"{name}.key" for name in ("ca", "node", "gateway", "operator", "registry", "sealing")),
    }
    assert huxin("doctor", home=home).exit_code == ExitCode.OK
    assert "token huxin: signing" in huxin("key", "list", home=home).stdout
    rotated = huxin("key", "rotate", home=home)
    assert rotated.exit_code == ExitCode.OK, rotated.stderr
    assert all(line["where"].startswith("pkcs11:token=huxin;") for line in keys(home))
    token.unplug()
    away = huxin("doctor", home=home)
    assert (away.exit_code, "its token is absent" in away.stdout) == (ExitCode.PROBLEMS, True)
    refused = huxin("trust", "export", home=home)
    assert (refused.exit_code, "huxin doctor" in refused.stderr) == (ExitCode.REFUSED, True)


def test_a_founding_in_a_token_that_cannot_be_opened_says_why(tmp_path: Path, token: SoftToken) -> None:
    token.write_pin("wrong")
    result = huxin("init", "140000", "--token", str(token.uri()), home=tmp_path / "shanxi")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "its PIN is wrong" in result.stderr
    for wrong in ("pkcs11:token=x", "keys/signing.key"):
        result = huxin("init", "140000", "--token", wrong, home=tmp_path / "another")
        assert result.exit_code == ExitCode.USAGE
        assert not (tmp_path / "another").exists()
