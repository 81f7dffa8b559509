"""`huxin trust accept`: what a coordinator releases, and what it is told of what cannot be released."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.cli.test_registry import GUIZHOU, SHANXI, Registry, begun, emitted, ok, refused, registry

__all__ = ["begun", "registry"]


def test_accepting_is_for_the_coordinator(registry: Registry) -> None:
    assert "online keys are not here" in refused(
        "trust", "accept", registry.ceremony / "1.targets.json", home=registry.guizhou
    )


def test_what_was_signed_by_too_few_is_not_accepted(registry: Registry) -> None:
    before = emitted("trust", "status", home=registry.shanxi)
    ok("trust", "root", "rotate", "--folder", registry.ceremony)
    root = registry.sign("2.root.json", SHANXI)
    said = refused("trust", "accept", root, home=registry.shanxi)
    for part in (
        "Nothing was released: 2.root.json has 1 of the 2 signatures that 1.root.json asks for (140000);",
        " 1 more of 520000, 620100 must sign.",
        "huxin trust root sign",
        "accept it again",
    ):
        assert part in said
    assert "another peer" not in said
    assert emitted("trust", "status", home=registry.shanxi)["root_version"] == 1
    registry.sign("2.root.json", "620100")
    targets = registry.sign("2.targets.json", SHANXI, "620100")
    said = registry.accept(root, targets).stdout
    assert "Took over 2.root.json." in said
    after = emitted("trust", "status", home=registry.shanxi)
    assert (after["root_version"], after["snapshot_version"]) == (2, before["snapshot_version"] + 1)


def test_which_delegations_lack_which_signatures_is_told(registry: Registry) -> None:
    """Of those that were given, and of those in force when a new root names other holders."""
    ok("trust", "undelegate", GUIZHOU, "--folder", registry.ceremony)
    targets = registry.sign("2.targets.json", "620100")
    said = refused("trust", "accept", targets, home=registry.shanxi)
    assert "2.targets.json has 1 of the 2 signatures that 1.root.json asks for (620100)" in said
    assert "1 more of 140000, 520000 must sign" in said
    registry.sign("2.targets.json", SHANXI)
    registry.accept(targets)

    ok("trust", "key", "new", "root", "-o", registry.keys / "new.key")
    replaced = f"--replace=620100={registry.keys / 'new.pub'}"
    ok("trust", "root", "rotate", replaced, "--folder", registry.ceremony)
    root = registry.sign("2.root.json", SHANXI, GUIZHOU)
    said = refused("trust", "accept", root, home=registry.shanxi)
    assert "names other holders than signed 2.targets.json" in said
    registry.accept(root, registry.sign("3.targets.json", SHANXI, GUIZHOU))
    status = emitted("trust", "status", home=registry.shanxi)
    assert (status["root_version"], status["delegations_version"]) == (2, 3)


def test_a_document_that_was_changed_after_it_was_signed_is_named(registry: Registry) -> None:
    ok("trust", "root", "rotate", "--folder", registry.ceremony)
    root = registry.sign("2.root.json", SHANXI, GUIZHOU)
    document = json.loads(root.read_text())
    document["signatures"][0]["sig"] = document["signatures"][1]["sig"]
    root.write_text(json.dumps(document))
    said = refused("trust", "accept", root, home=registry.shanxi)
    assert "2.root.json: it carries a signature that does not fit its content" in said


def test_a_coordinator_with_other_online_keys_is_told(registry: Registry) -> None:
    ok("trust", "key", "new", "snapshot", "-o", registry.keys / "snapshot.key")
    shutil.copy(registry.keys / "snapshot.key", registry.shanxi / "keys" / "snapshot.key")
    ok("trust", "undelegate", GUIZHOU, "--folder", registry.ceremony)
    targets = registry.sign("2.targets.json", "620100", SHANXI)
    said = refused("trust", "accept", targets, home=registry.shanxi)
    assert "The online keys here are not those that 1.root.json names for 140000" in said
    assert "signatures that" not in said


def test_a_root_whose_predecessor_is_missing_is_not_said_to_be_taken_over(registry: Registry) -> None:
    for version in (2, 3):
        ok("trust", "root", "rotate", "--folder", registry.ceremony)
        registry.sign(f"{version}.root.json", SHANXI, GUIZHOU)
        registry.sign(f"{version}.targets.json", SHANXI, GUIZHOU)
    said = refused("trust", "accept", registry.ceremony / "3.root.json", home=registry.shanxi)
    assert "2.root.json" in said
    assert emitted("trust", "status", home=registry.shanxi)["snapshot_version"] == 1
    names = ("3.root.json", "2.root.json", "3.targets.json")
    registry.accept(*(registry.ceremony / name for name in names))
    assert emitted("trust", "status", home=registry.shanxi)["root_version"] == 3


def test_what_is_not_newer_than_what_is_in_force_is_not_said_to_be_taken_over(registry: Registry) -> None:
    before = registry.accept(registry.ceremony / "1.root.json", registry.ceremony / "1.targets.json").stdout
    assert "Took over" not in before
    assert "was in force already" in before
    ok("trust", "undelegate", GUIZHOU, "--folder", registry.ceremony)
    registry.accept(registry.sign("2.targets.json", SHANXI, GUIZHOU))
    said = refused("trust", "accept", registry.ceremony / "1.targets.json", home=registry.shanxi)
    assert "delegations of version 2 are in force already" in said
    (registry.ceremony / "2.targets.json").unlink()
    ok("trust", "undelegate", SHANXI, "--folder", registry.ceremony)
    other = registry.sign("2.targets.json", SHANXI, GUIZHOU)
    assert "another document of this version" in refused("trust", "accept", other, home=registry.shanxi)


@pytest.mark.parametrize("name", ["3.root.json", "x.publication"])
def test_what_is_no_document_is_not_accepted(registry: Registry, name: str) -> None:
    for data in (b"", b"{", b"\xff\xfe", b"[" * 5_000, b"PK\x03\x04"):
        bad = registry.folder / name
        bad.write_bytes(data)
        assert "Traceback" not in refused("trust", "accept", bad, home=registry.shanxi)
    assert emitted("trust", "status", home=registry.shanxi)["snapshot_version"] == 1
