"""Ceremonies on a folder of files: what is written when, what is never written over, and what a cut leaves behind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.app.ceremonies import (
    Examined,
    FoundingChoices,
    RotationChoices,
    delegate,
    examine,
    found,
    merge_files,
    rotate,
    sign_file,
    undelegate,
)
from node.app.ceremony_files import CeremonyFolder, new_key, public_path, read, read_public_key, write_over
from node.errors import BadSource, HuxinError, InvalidInput
from node.registry.changes import Topic
from node.registry.documents import MAX_TARGETS_BYTES, RootDocument
from trust.algorithms import Suite
from trust.errors import BadKey
from trust.keys import PrivateKey, load

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
LATER = NOW + timedelta(days=200)
SHANXI, GUIZHOU, LANZHOU = "140000", "520000", "620100"
NOTHING = RotationChoices({}, {}, (), None, None, None, None, 365, allow_single=False)


class Officials:
    """Three holders with their keys in one place, and the folder that they hand to each other."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder = place, place / "ceremony"
        for name in (SHANXI, GUIZHOU, LANZHOU, "snapshot", "timestamp", f"{SHANXI}-registry", f"{GUIZHOU}-registry"):
            new_key(place / f"{name}.key", Suite.ED25519, None)

    def pub(self, name: str) -> Path:
        return self.place / f"{name}.pub"

    def key(self, name: str) -> PrivateKey:
        return load(self.place / f"{name}.key")

    def found(self, threshold: int = 2) -> list[Examined]:
        holders = {division: self.pub(division) for division in (SHANXI, GUIZHOU, LANZHOU)}
        snapshot, timestamp = self.pub("snapshot"), self.pub("timestamp")
        choices = FoundingChoices(holders, threshold, SHANXI, snapshot, timestamp, 365, allow_single=False)
        return found(self.folder, choices, NOW)

    def sign(self, name: str, *holders: str) -> Examined:
        for holder in holders:
            signed, _ = sign_file(self.folder / name, self.key(holder), None, NOW)
        return signed

    def founded(self) -> Officials:
        self.found()
        delegate(self.folder, SHANXI, [self.pub(f"{SHANXI}-registry")], 1, 365, NOW)
        for name in ("1.root.json", "1.targets.json"):
            assert self.sign(name, SHANXI, GUIZHOU).state.complete
        return self

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture
def officials(tmp_path: Path) -> Officials:
    return Officials(tmp_path)


# Keys


def test_a_key_and_its_public_half_lie_beside_each_other(officials: Officials) -> None:
    assert public_path(Path("a/root.key")) == Path("a/root.pub")
    assert public_path(Path("a/root")) == Path("a/root.pub")
    assert read_public_key(officials.pub(SHANXI)) == officials.key(SHANXI).public
    with pytest.raises(InvalidInput, match="exists"):
        new_key(officials.place / f"{SHANXI}.key", Suite.ED25519, None)
    officials.pub(SHANXI).unlink()
    with pytest.raises(BadKey, match="never overwritten"):
        new_key(officials.place / f"{SHANXI}.key", Suite.ED25519, None)
    assert not officials.pub(SHANXI).exists()


# Founding


def test_a_registry_begins_with_a_root_and_empty_targets(officials: Officials) -> None:
    root, targets = officials.found()
    assert sorted(officials.files()) == ["1.root.json", "1.targets.json"]
    assert root.state.wanted == (SHANXI, GUIZHOU, LANZHOU) == targets.state.wanted
    assert (root.description.changes, root.previous_digest) == (None, "")
    assert root.document.expires == NOW + timedelta(days=365) == targets.document.expires
    with pytest.raises(BadSource, match="holds a registry already"):
        officials.found()


def test_a_founding_that_cannot_be_writes_nothing(officials: Officials) -> None:
    with pytest.raises(InvalidInput, match="--allow-single"):
        officials.found(threshold=1)
    officials.pub(LANZHOU).write_bytes(officials.pub(SHANXI).read_bytes())
    with pytest.raises(BadKey, match="two places"):
        officials.found()
    officials.pub(LANZHOU).write_text("damaged")
    with pytest.raises(BadSource, match=r"620100\.pub"):
        officials.found()
    assert not officials.folder.exists()


# Delegations


def test_targets_nobody_signed_are_changed_and_signed_ones_are_followed(officials: Officials) -> None:
    officials.found()
    first = delegate(officials.folder, SHANXI, [officials.pub(f"{SHANXI}-registry")], 1, 365, NOW)
    second = delegate(officials.folder, GUIZHOU, [officials.pub(f"{GUIZHOU}-registry")], 1, 365, NOW)
    assert (first.document.version, second.document.version) == (1, 1)
    officials.sign("1.targets.json", SHANXI)
    before = officials.files()
    for change in (
        lambda: undelegate(officials.folder, GUIZHOU, 365, NOW),
        lambda: rotate(officials.folder, NOTHING, NOW),
    ):
        with pytest.raises(BadSource, match="signed"):
            change()
    assert officials.files() == before
    officials.sign("1.targets.json", LANZHOU)
    third = undelegate(officials.folder, GUIZHOU, 365, LATER)
    assert (third.document.version, third.document.expires) == (2, LATER + timedelta(days=365))
    assert third.description.changes is not None
    assert {(each.fact.topic, each.fact.name) for each in third.description.changes} == {
        (Topic.VERSION, ""),
        (Topic.EXPIRES, ""),
        (Topic.DELEGATION, GUIZHOU),
    }
    assert third.previous_digest == read(officials.folder / "1.targets.json").digest
    assert officials.files()["1.root.json"] == before["1.root.json"]


# Rotation


def test_a_rotation_makes_the_next_root_and_targets(officials: Officials) -> None:
    officials.founded()
    new_key(officials.place / "new.key", Suite.ED25519, None)
    changes = replace(NOTHING, replace={GUIZHOU: officials.pub("new")})
    root, targets = rotate(officials.folder, changes, LATER)
    assert (root.path.name, targets.path.name) == ("2.root.json", "2.targets.json")
    assert [each.root for each in root.state.quorums] == ["1.root.json", "2.root.json"]
    assert [each.root for each in targets.state.quorums] == ["2.root.json"]
    officials.sign("2.root.json", LANZHOU, GUIZHOU)
    assert not examine(officials.folder / "2.root.json", NOW).state.complete
    officials.sign("2.root.json", "new")
    assert examine(officials.folder / "2.root.json", NOW).state.complete
    with pytest.raises(BadSource, match="no say"):
        officials.sign("2.targets.json", GUIZHOU)
    assert officials.sign("2.targets.json", LANZHOU, "new").state.complete


def test_a_root_is_not_followed_before_it_is_signed(officials: Officials) -> None:
    officials.found()
    officials.sign("1.root.json", SHANXI)
    with pytest.raises(BadSource, match="1 of the 2 signatures"):
        rotate(officials.folder, NOTHING, NOW)
    officials.sign("1.root.json", LANZHOU)
    rotate(officials.folder, NOTHING, NOW)
    with pytest.raises(BadSource, match=r"2\.root\.json.*delete it to begin again"):
        rotate(officials.folder, NOTHING, NOW)
    assert sorted(officials.files()) == ["1.root.json", "1.targets.json", "2.root.json"]  # targets were a draft yet


def test_a_rotation_that_was_cut_off_is_begun_again(officials: Officials) -> None:
    officials.founded()
    rotate(officials.folder, NOTHING, NOW)
    (officials.folder / "2.root.json").unlink()  # the targets are written first
    root, targets = rotate(officials.folder, NOTHING, LATER)
    assert (root.document.version, targets.document.version) == (2, 2)
    assert targets.document.expires == LATER + timedelta(days=365)


def test_a_key_of_a_node_does_not_become_a_root_key(officials: Officials) -> None:
    officials.founded()
    before = officials.files()
    with pytest.raises(BadKey, match="in a safe"):
        rotate(officials.folder, replace(NOTHING, add={"210000": officials.pub(f"{SHANXI}-registry")}), NOW)
    assert officials.files() == before


def test_a_forged_forerunner_is_found(officials: Officials) -> None:
    """Whoever hands over a folder may have changed the old root, so that the next one seems to change nothing."""
    officials.founded()
    rotate(officials.folder, NOTHING, NOW)
    path = officials.folder / "1.root.json"
    root = read(path)
    assert isinstance(root, RootDocument)
    write_over(path, replace(root, coordinator=GUIZHOU))
    with pytest.raises(BadSource, match=r"1\.root\.json: it carries a signature that does not fit"):
        officials.sign("2.root.json", SHANXI)


def test_forged_targets_before_are_found(officials: Officials) -> None:
    """A delegation slipped into the version before would look as if nothing changed."""
    officials.founded()
    undelegate(officials.folder, SHANXI, 365, NOW)
    path = officials.folder / "1.targets.json"
    targets = CeremonyFolder(officials.folder).targets(1)
    for signatures in (targets.signatures, {}):
        write_over(path, replace(targets, delegations={}, signatures=signatures))
        with pytest.raises(BadSource, match=r"1\.targets\.json: it does not carry enough signatures"):
            officials.sign("2.targets.json", SHANXI)
    write_over(path, targets)
    officials.sign("2.targets.json", SHANXI)


def test_targets_signed_under_an_earlier_root_are_a_forerunner(officials: Officials) -> None:
    officials.founded()
    for name in ("new", "newer"):
        new_key(officials.place / f"{name}.key", Suite.ED25519, None)
    changes = replace(NOTHING, replace={SHANXI: officials.pub("new"), GUIZHOU: officials.pub("newer")})
    _, targets = rotate(officials.folder, changes, NOW)
    assert targets.previous_digest == CeremonyFolder(officials.folder).targets(1).digest


def test_the_chain_is_judged_as_far_back_as_it_is_there(officials: Officials) -> None:
    officials.founded()
    for version in (2, 3):
        rotate(officials.folder, NOTHING, NOW)
        officials.sign(f"{version}.root.json", SHANXI, GUIZHOU)
        officials.sign(f"{version}.targets.json", SHANXI, GUIZHOU)
    here = CeremonyFolder(officials.folder)
    assert here.root_in_order(3).version == 3
    (officials.folder / "1.root.json").unlink()
    assert here.root_in_order(3).version == 3
    second = here.root(2)
    write_over(officials.folder / "2.root.json", replace(second, signatures={}))
    with pytest.raises(BadSource, match="0 of the 2"):
        here.root_in_order(3)


# Signing


def test_signing_twice_leaves_the_file_as_it_is(officials: Officials) -> None:
    officials.found()
    officials.sign("1.root.json", SHANXI)
    path = officials.folder / "1.root.json"
    before, moment = path.read_bytes(), path.stat().st_mtime_ns
    signed, holder = sign_file(path, officials.key(SHANXI), None, LATER)
    assert (holder, signed.state.quorums[0].signed) == (SHANXI, (SHANXI,))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, moment)


def test_only_what_was_compared_is_signed(officials: Officials) -> None:
    root, targets = officials.found()
    before = officials.files()
    with pytest.raises(InvalidInput, match="do not sign it") as caught:
        sign_file(root.path, officials.key(SHANXI), targets.document.digest, NOW)
    assert caught.value.field == "--digest"
    assert officials.files() == before
    sign_file(root.path, officials.key(SHANXI), root.document.digest, NOW)


def test_what_cannot_be_shown_is_not_signed_and_not_written(officials: Officials) -> None:
    officials.founded()
    undelegate(officials.folder, SHANXI, 365, NOW)
    (officials.folder / "1.targets.json").unlink()
    before = officials.files()
    for change in (
        lambda: officials.sign("2.targets.json", SHANXI),
        lambda: delegate(officials.folder, GUIZHOU, [officials.pub(f"{GUIZHOU}-registry")], 1, 365, NOW),
        lambda: rotate(officials.folder, NOTHING, NOW),
    ):
        with pytest.raises(BadSource, match=r"1\.targets\.json: it is not in"):
            change()
    assert officials.files() == before


@pytest.mark.parametrize("failing", ["replace", "open"])
def test_a_signing_that_is_cut_off_leaves_the_old_file(
    officials: Officials, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    officials.found()
    before = officials.files()

    def power_cut(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    signer = officials.key(SHANXI)
    with monkeypatch.context() as patched:
        if failing == "replace":
            patched.setattr(Path, "replace", power_cut)
        else:
            patched.setattr("os.fsync", power_cut)
        with pytest.raises(OSError, match="No space"):
            sign_file(officials.folder / "1.root.json", signer, None, NOW)
    left = officials.files()
    assert {name: left[name] for name in before} == before
    assert officials.sign("1.root.json", SHANXI).state.quorums[0].signed == (SHANXI,)


# Merging


def test_copies_signed_elsewhere_come_together(officials: Officials) -> None:
    officials.found()
    for holder in (GUIZHOU, LANZHOU):
        elsewhere = officials.place / f"at-{holder}"
        shutil.copytree(officials.folder, elsewhere)
        sign_file(elsewhere / "1.root.json", officials.key(holder), None, NOW)
    copies = [officials.place / f"at-{holder}" / "1.root.json" for holder in (GUIZHOU, LANZHOU)]
    merged = merge_files(copies, officials.folder / "1.root.json", NOW)
    assert merged.state.complete
    assert merge_files([merged.path], merged.path, NOW).state.complete


def test_what_does_not_belong_together_is_not_merged(officials: Officials) -> None:
    root, targets = officials.found()
    before = officials.files()
    with pytest.raises(BadSource, match="do not say the same"):
        merge_files([root.path, targets.path], root.path, NOW)
    with pytest.raises(BadSource, match="another document stands there"):
        merge_files([root.path], targets.path, NOW)
    assert officials.files() == before


# Files


def test_a_file_bears_its_own_name(officials: Officials) -> None:
    officials.founded()
    shutil.copy(officials.folder / "1.root.json", officials.folder / "7.root.json")
    with pytest.raises(BadSource, match=r"7\.root\.json: it holds 1\.root\.json"):
        rotate(officials.folder, NOTHING, NOW)


def test_a_file_over_the_limit_is_not_read_whole(officials: Officials) -> None:
    path = officials.place / "1.targets.json"
    with path.open("wb") as file:
        file.truncate(MAX_TARGETS_BYTES * 100)
    with pytest.raises(BadSource, match="larger than"):
        read(path)
    officials.pub(SHANXI).write_bytes(b"-" * 100_000)
    with pytest.raises(BadSource, match="which no public key is"):
        read_public_key(officials.pub(SHANXI))


@pytest.mark.parametrize("what", ["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_named(officials: Officials, what: str) -> None:
    path = officials.place / "1.root.json"
    if what == "a folder":
        path.mkdir()
    with pytest.raises(BadSource, match=r"1\.root\.json: it"):
        read(path)


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        for change in (
            lambda folder=folder: rotate(folder, NOTHING, NOW),
            lambda folder=folder: undelegate(folder, SHANXI, 365, NOW),
        ):
            with pytest.raises(HuxinError, match=r"N\.root\.json"):
                change()
