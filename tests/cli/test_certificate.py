"""`huxin certificate` on a real home."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from node.app.founding import Layout
from node.app.trusting import trusted_state
from node.cli.failures import ExitCode
from node.config import Settings
from tests.cli.running import huxin

AT_ONCE: dict[str, str | None] = {"HUXIN_KEYS__CA_OVERLAP_SECONDS": "0"}


def listed(home: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(huxin("certificate", "list", "--json", home=home).stdout)
    return found


def test_the_node_lasts_a_month_and_the_others_longer(home: Path) -> None:
    rows = {row["names"]: row for row in listed(home)}
    assert set(rows) == {"node", "gateway", "operator"}
    assert {row["state"] for row in rows.values()} == {"in use"}
    ends = {name: datetime.fromisoformat(row["until"]) for name, row in rows.items()}
    assert ends["gateway"] - ends["node"] == timedelta(days=397 - 30)
    shown = huxin("certificate", "list", home=home).stdout
    assert all(row["serial"] in shown and row["identity"] in shown for row in rows.values())


def test_renewing_what_is_due_and_what_is_named(home: Path) -> None:
    assert huxin("certificate", "renew", home=home).stdout == "No certificate is due.\n"
    before = {row["serial"] for row in listed(home)}
    result = huxin("certificate", "renew", "gateway", "--days", "3", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    rows = listed(home)
    assert len(rows) == 4
    assert [row["state"] for row in rows if row["serial"] in before and not row["names"]] == ["replaced, still valid"]
    missing = huxin("certificate", "renew", "nobody", home=home)
    assert missing.exit_code == ExitCode.USAGE
    assert "certificate list" in missing.stderr


def test_revoking_by_serial_number_and_by_file(home: Path) -> None:
    (serial,) = (row["serial"] for row in listed(home) if row["names"] == "gateway")
    result = huxin("certificate", "revoke", serial, "--reason", "key-compromise", home=home)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert serial in result.stdout
    assert "trust export" in result.stdout
    assert huxin("certificate", "revoke", Layout(home).certificate("operator"), home=home).exit_code == ExitCode.OK
    assert {row["names"] for row in listed(home) if row["state"] == "revoked"} == {"gateway", "operator"}
    again = huxin("certificate", "revoke", serial, home=home)
    assert (again.exit_code, "already" in again.stderr) == (ExitCode.USAGE, True)
    unknown = huxin("certificate", "revoke", "ab12", home=home)
    assert (unknown.exit_code, "--unrecorded" in unknown.stderr) == (ExitCode.USAGE, True)
    assert huxin("certificate", "revoke", "ab12", "--unrecorded", home=home).exit_code == ExitCode.OK
    assert "Signed 1 list" in huxin("certificate", "sign-revocations", home=home).stdout
    doctor = huxin("doctor", home=home)
    assert "revoked" in doctor.stdout + doctor.stderr


def test_lists_that_do_not_exist_are_not_signed(home: Path) -> None:
    assert "no list" in huxin("certificate", "sign-revocations", home=home).stdout


def test_a_new_ca_step_by_step(home: Path) -> None:
    early = huxin("certificate", "retire-ca", home=home)
    assert (early.exit_code, "rotate-ca" in early.stderr) == (ExitCode.USAGE, True)
    assert huxin("certificate", "rotate-ca", home=home, environ=AT_ONCE).exit_code == ExitCode.OK
    assert "due" in huxin("certificate", "renew", home=home).stdout  # seven days, unless it is told otherwise
    assert huxin("certificate", "renew", home=home, environ=AT_ONCE).stdout.count("Renewed") == 3
    remaining = huxin("certificate", "retire-ca", home=home, environ=AT_ONCE)
    assert (remaining.exit_code, "replaced" in remaining.stderr) == (ExitCode.REFUSED, True)
    done = huxin("certificate", "retire-ca", "--ignore-replaced", home=home, environ=AT_ONCE)
    assert done.exit_code == ExitCode.OK, done.stderr
    settings = Settings.load(Layout(home).settings, {})
    assert len(trusted_state(settings).own.bundle.ca_certificates) == 1
    assert huxin("certificate", "issue", "gateway", "--out-name", "second", home=home).exit_code == ExitCode.OK
    assert {row["state"] for row in listed(home) if row["names"]} == {"in use"}


def test_a_ca_kept_elsewhere_is_brought_for_one_command(home: Path, tmp_path: Path) -> None:
    """Also with a passphrase it would be the same file."""
    medium = tmp_path / "medium.key"
    Layout(home).key("ca").rename(medium)
    away = huxin("certificate", "renew", "gateway", home=home)
    assert (away.exit_code, "HUXIN_KEYS__CA" in away.stderr) == (ExitCode.REFUSED, True)
    brought = huxin("certificate", "renew", "gateway", home=home, environ={"HUXIN_KEYS__CA": str(medium)})
    assert brought.exit_code == ExitCode.OK, brought.stderr


def test_a_name_that_is_taken_is_renewed_instead(home: Path) -> None:
    taken = huxin("certificate", "issue", "gateway", home=home)
    assert (taken.exit_code, "certificate renew gateway" in taken.stderr) == (ExitCode.USAGE, True)


def test_the_keys_of_a_home_with_a_passphrase(tmp_path: Path) -> None:
    secret, home = tmp_path / "secret", tmp_path / "home"
    secret.write_text("synthetic passphrase\n", encoding="utf-8")
    secret.chmod(0o600)
    assert huxin("init", "140000", "--passphrase-file", secret, home=home).exit_code == ExitCode.OK
    for command in (["rotate-ca"], ["renew"], ["retire-ca", "--ignore-replaced"], ["revoke", "ab12", "--unrecorded"]):
        result = huxin("certificate", *command, home=home, environ=AT_ONCE)
        assert result.exit_code == ExitCode.OK, (command, result.stderr)
    assert b"ENCRYPTED" in Layout(home).key("ca").read_bytes()
