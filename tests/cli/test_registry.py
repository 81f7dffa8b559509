"""The trust registry from the command line alone: founded, joined, published, carried, explained."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from node.cli.failures import ExitCode
from node.config import Settings
from node.model.calendar import rfc3339
from node.model.log import EntryKind
from tests.cli.running import huxin
from tests.cli.test_log import _store
from trust.log.succession import read_succession

SHANXI, GUIZHOU = "140000", "520000"
HOLDERS = {SHANXI: "root-shanxi", GUIZHOU: "root-guizhou", "620100": "root-lanzhou"}


def ok(*arguments: str | Path, home: Path | None = None) -> Result:
    result = huxin(*arguments, home=home)
    assert result.exit_code == ExitCode.OK, result.stderr + result.stdout
    return result


def refused(*arguments: str | Path, home: Path | None = None) -> str:
    """What is said; in words, and never as a traceback."""
    result = huxin(*arguments, home=home)
    assert result.exit_code != ExitCode.OK, result.stdout
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stderr + result.stdout


def emitted(*arguments: str | Path, home: Path | None = None) -> Any:
    return json.loads(ok(*arguments, "--json", home=home).stdout)


class Registry:
    """A ceremony folder, and the homes of Shanxi, which coordinates, and Guizhou."""

    def __init__(self, folder: Path) -> None:
        self.ceremony, self.keys = folder / "ceremony", folder / "safe"
        self.shanxi, self.guizhou = folder / "shanxi", folder / "guizhou"
        self.folder = folder

    def home(self, division: str) -> Path:
        return self.shanxi if division == SHANXI else self.guizhou

    def digest(self, name: str) -> str:
        (document,) = emitted("trust", "root", "show", self.ceremony / name)
        return str(document["digest"])

    def sign(self, name: str, *holders: str) -> Path:
        for division in holders:
            ok("trust", "root", "sign", self.ceremony / name, "--key", self.keys / f"{HOLDERS[division]}.key")
        return self.ceremony / name

    def accept(self, *files: Path) -> Result:
        return ok("trust", "accept", *files, home=self.shanxi)

    def archive(self) -> Path:
        ok("trust", "archive", "-o", self.folder / "registry.zip", home=self.shanxi)
        return self.folder / "registry.zip"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root and targets signed by two of three; both have joined, Shanxi has accepted, nobody has published."""
    one = Registry(tmp_path_factory.mktemp("registry"))
    one.keys.mkdir()
    for name in HOLDERS.values():
        ok("trust", "key", "new", "root", "-o", one.keys / f"{name}.key")
    for division in (SHANXI, GUIZHOU):
        ok("init", division, home=one.home(division))
    for use in ("snapshot", "timestamp"):
        ok("trust", "key", "new", use, "-o", one.shanxi / "keys" / f"{use}.key")
    holders = [f"--holder={division}={one.keys / name}.pub" for division, name in HOLDERS.items()]
    online = [f"--{use}={one.shanxi / 'keys' / use}.pub" for use in ("snapshot", "timestamp")]
    who = [*holders, *online, "--threshold", "2", "--coordinator", SHANXI]
    ok("trust", "root", "init", *who, "--folder", one.ceremony)
    for division in (SHANXI, GUIZHOU):
        public = one.home(division) / "keys" / "registry.pub"
        ok("trust", "delegate", division, "--key", public, "--folder", one.ceremony)
    root = one.sign("1.root.json", SHANXI, GUIZHOU)
    for division in (SHANXI, GUIZHOU):
        ok("trust", "join", root, "--digest", one.digest("1.root.json"), home=one.home(division))
    one.accept(one.sign("1.targets.json", SHANXI, "620100"))
    return one.folder


@pytest.fixture
def registry(begun: Path, tmp_path: Path) -> Registry:
    return Registry(Path(shutil.copytree(begun, tmp_path / "registry")))


def test_from_the_ceremony_to_mutual_knowledge(registry: Registry) -> None:
    """Two homes that never met, one of them without any network."""
    said = ok("trust", "publish", home=registry.shanxi).stdout
    assert "snapshot 2" in said
    assert "says so already" in ok("trust", "publish", home=registry.shanxi).stdout

    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    carried = registry.folder / "520000.publication"
    ok("trust", "publish", "-o", carried, home=registry.guizhou)
    said = registry.accept(carried).stdout
    assert "Took over the publication of 520000." in said
    assert "snapshot 3" in said

    said = ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou).stdout
    assert "Published: 140000, 520000." in said
    for home, other in ((registry.shanxi, GUIZHOU), (registry.guizhou, SHANXI)):
        status = emitted("trust", "status", home=home)
        assert (status["snapshot_version"], status["coordinator"]) == (3, SHANXI)
        assert [(each["division"], each["problem"]) for each in status["jurisdictions"]] == [
            (SHANXI, ""),
            (GUIZHOU, ""),
        ]
        explained = emitted("trust", "explain", other, home=home)
        assert (explained["by_registry"], explained["threshold"], len(explained["holders"])) == (True, 2, 3)
        assert len(explained["registry_keys"]) == len(explained["keys"]) == 1
        (key,) = explained["keys"]
        assert key["counts_from"] == max(key["valid_from"], key["first_seen"])


def test_status_and_explanation_for_people(registry: Registry) -> None:
    ok("trust", "publish", home=registry.shanxi)
    said = ok("trust", "status", home=registry.shanxi).stdout
    assert "Root version 1; delegations version 1; coordinator 140000; snapshot 2." in said
    for role in ("root", "targets", "snapshot", "timestamp", SHANXI):
        assert role in said
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    said = ok("trust", "explain", SHANXI, home=registry.guizhou).stdout
    for part in ("2 of 3 holders", "140000/*", "first seen in the registry", "Current as of"):
        assert part in said
    said = ok("trust", "explain", GUIZHOU, home=registry.guizhou).stdout
    assert "confirmed by hand" in said


def test_a_member_is_told_how_members_learn_of_its_keys(registry: Registry) -> None:
    """They need no file and no telephone: the registry tells them."""
    since = ("--since", "2026-01-01T08:00:00+08:00", "--yes")
    (lost,) = (each for each in emitted("key", "list", home=registry.guizhou) if each["role"] == "signing")
    said = ok("key", "compromised", lost["key_id"], *since, home=registry.guizhou).stdout
    assert "trust registry" not in said  # it joined, and has published nothing yet

    ok("trust", "publish", home=registry.shanxi)
    (lost,) = (each for each in emitted("key", "list", home=registry.shanxi) if each["role"] == "signing")
    said = ok("key", "compromised", lost["key_id"], *since, home=registry.shanxi).stdout
    assert "until the trust registry holds the new key" in said
    assert "Peers that know us by file alone know no key that signs for us now" in said
    ok("trust", "publish", home=registry.shanxi)
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    keys = {each["key_id"]: each for each in emitted("trust", "explain", SHANXI, home=registry.guizhou)["keys"]}
    assert keys[lost["key_id"]]["compromised_at"] is not None
    assert len(keys) == 2


def test_before_a_registry_was_joined(home: Path, tmp_path: Path) -> None:
    archive = tmp_path / "some.zip"
    archive.write_bytes(b"")
    for command in (("status",), ("publish",), ("archive", "-o", tmp_path / "x.zip"), ("refresh", "--from", archive)):
        said = refused("trust", *command, home=home)
        assert "Traceback" not in said
        assert "trust" in said
    assert not (tmp_path / "x.zip").exists()
    explained = emitted("trust", "explain", SHANXI, home=home)
    assert (explained["by_registry"], explained["holders"]) == (False, {})
    assert "not known here" in refused("trust", "explain", GUIZHOU, home=home)


def test_a_root_is_joined_by_its_digest_and_once(registry: Registry, home: Path) -> None:
    root, digest = registry.ceremony / "1.root.json", registry.digest("1.root.json")
    assert "compare all 64 characters" in refused("trust", "join", root, "--digest", "0" * 64, home=home)
    assert "compare all 64 characters" in refused("trust", "join", root, "--digest", digest[:8], home=home)
    targets = registry.ceremony / "1.targets.json"
    assert "root" in refused("trust", "join", targets, "--digest", digest, home=home)
    spoken = " ".join(digest[at : at + 4] for at in range(0, 64, 4)).upper()
    assert "root version 1" in ok("trust", "join", root, "--digest", spoken, home=home).stdout
    assert "joined a registry already" in refused("trust", "join", root, "--digest", digest, home=home)


def test_a_root_that_too_few_have_signed_is_not_joined(registry: Registry, home: Path) -> None:
    """It has the same digest. Joined, nothing could ever be refreshed, and a home joins once."""
    root = registry.ceremony / "1.root.json"
    document = json.loads(root.read_text())
    few = registry.folder / "1.root.json"
    few.write_text(json.dumps({**document, "signatures": document["signatures"][:1]}))
    assert "1 of the 2 signatures" in refused(
        "trust", "join", few, "--digest", registry.digest("1.root.json"), home=home
    )
    ok("trust", "join", root, "--digest", registry.digest("1.root.json"), home=home)


def test_joining_with_an_archive(registry: Registry, home: Path) -> None:
    """Shanxi's third office, say: everything is known at once."""
    ok("trust", "publish", home=registry.shanxi)
    root, digest = registry.ceremony / "1.root.json", registry.digest("1.root.json")
    said = ok("trust", "join", root, "--digest", digest, "--from", registry.archive(), home=home).stdout
    assert "Published: 140000." in said


@pytest.mark.parametrize("damage", ["empty", "cut off", "foreign"])
def test_an_archive_that_does_not_verify_changes_nothing(registry: Registry, damage: str) -> None:
    whole = registry.archive().read_bytes()
    bad = registry.folder / "bad.zip"
    bad.write_bytes({"empty": b"", "cut off": whole[: len(whole) // 2], "foreign": b"PK\x05\x06" + bytes(18)}[damage])
    refused("trust", "refresh", "--from", bad, home=registry.guizhou)
    assert emitted("trust", "status", home=registry.guizhou)["signed_at"] is None
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)


def test_an_older_archive_is_told_as_such(registry: Registry) -> None:
    old = registry.archive().rename(registry.folder / "old.zip")
    ok("trust", "publish", home=registry.shanxi)
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    before = emitted("trust", "status", home=registry.guizhou)
    said = refused("trust", "refresh", "--from", old, home=registry.guizhou)
    assert "older metadata than we have verified before. Ask for an archive" in said
    assert "another peer" not in said
    assert emitted("trust", "status", home=registry.guizhou)["signed_at"] == before["signed_at"]


def test_without_a_peer_nothing_is_refreshed(registry: Registry) -> None:
    result = huxin("trust", "refresh", home=registry.guizhou)
    assert result.exit_code == ExitCode.REFUSED
    assert "No peer offered a registry that verifies." in result.stdout


def test_who_is_not_delegated_to_is_told_what_to_do(registry: Registry) -> None:
    said = refused("trust", "publish", home=registry.guizhou)
    assert "huxin trust refresh" in said
    ok("trust", "undelegate", GUIZHOU, "--folder", registry.ceremony)
    registry.accept(registry.sign("2.targets.json", SHANXI, GUIZHOU))
    carried = registry.folder / "520000.publication"
    ok("trust", "publish", "-o", carried, home=registry.guizhou)
    assert "no delegation yet" in refused("trust", "accept", carried, home=registry.shanxi)


def test_a_member_that_left_comes_back_with_its_publication(registry: Registry) -> None:
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    carried = registry.folder / "520000.publication"
    ok("trust", "publish", "-o", carried, home=registry.guizhou)
    registry.accept(carried)
    ok("trust", "undelegate", GUIZHOU, "--folder", registry.ceremony)
    registry.accept(registry.sign("2.targets.json", SHANXI, GUIZHOU))
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    assert [each["division"] for each in emitted("trust", "status", home=registry.shanxi)["jurisdictions"]] == []

    public = registry.guizhou / "keys" / "registry.pub"
    ok("trust", "delegate", GUIZHOU, "--key", public, "--folder", registry.ceremony)
    targets = registry.sign("3.targets.json", SHANXI, GUIZHOU)
    assert "together with the delegations" in refused("trust", "accept", targets, home=registry.shanxi)
    ok("trust", "publish", "-o", carried, home=registry.guizhou)
    registry.accept(targets, carried)
    (member,) = emitted("trust", "status", home=registry.shanxi)["jurisdictions"]
    assert (member["division"], member["problem"]) == (GUIZHOU, "")


def test_status_names_the_delegations_and_the_logs_that_were_succeeded(registry: Registry) -> None:
    asyncio.run(_store(registry.shanxi, Settings.load(registry.shanxi / "huxin.toml", {}), EntryKind.OTHER))
    assert emitted("trust", "status", home=registry.guizhou)["delegations_version"] is None
    assert "no delegations" in ok("trust", "status", home=registry.guizhou).stdout
    file = registry.folder / "succession.json"
    for name in ("log", "cosigner"):
        ok("trust", "key", "new", "root", "-o", registry.folder / f"{name}.key")
    keys = [f"--{name}-key={registry.folder / name}.pub" for name in ("log", "cosigner")]
    ok("log", "close", "--entries", "3", *keys, "-o", file, "--yes", home=registry.shanxi)
    assert "Successions" not in ok("trust", "status", home=registry.shanxi).stdout
    ok("trust", "succeed", file, "--folder", registry.ceremony)
    registry.accept(registry.sign("2.targets.json", SHANXI, GUIZHOU))
    status = emitted("trust", "status", home=registry.shanxi)
    made = read_succession(file.read_bytes())
    assert status["delegations_version"] == 2
    assert status["successions"] == [
        {
            "division": SHANXI,
            "predecessor": "huxin/140000",
            "size": 3,
            "root": made.root.hex(),
            "origin": "huxin/140000/2",
            "decided_at": rfc3339(made.decided_at),
        }
    ]
    listed = {each["role"]: each for each in emitted("key", "list", home=registry.shanxi)}
    assert listed["log"]["key_id"] == made.new_head_key.key_id  # those that are wanted now, not those of before
    assert listed["cosigner"]["key_id"] == made.new_cosigner.key_id
    assert (listed["log"]["where"], listed["log"]["in_use"]) == (None, False)
    said = ok("trust", "status", home=registry.shanxi).stdout
    assert "delegations version 2" in said
    (row,) = (line for line in said.splitlines() if "huxin/140000/2" in line)
    assert "huxin/140000 " in row


def test_a_withdrawal_that_was_published_stays_published(registry: Registry) -> None:
    """Its file is lost, and the file is written for the coordinator: silence would have recognised again."""
    for home, division in ((registry.shanxi, SHANXI), (registry.guizhou, GUIZHOU)):
        ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
        carried = registry.folder / f"{division}.publication"
        ok("trust", "publish", "-o", carried, home=home)
        registry.accept(carried)
    ok("trust", "refresh", "--from", registry.archive(), home=registry.guizhou)
    certificates = registry.guizhou / "trust" / "certificates"
    (own,) = certificates.glob("520000.*.json")
    own.unlink()
    said = ok("trust", "publish", "-o", carried, home=registry.guizhou).stdout
    assert "says so already" in said
