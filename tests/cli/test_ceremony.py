"""`huxin trust root`, `delegate`, `undelegate`, `key` as officials type them: without a home, a node, a network."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli.ceremony_view import CAUTIONS, KINDS, TOPICS
from node.cli.failures import ExitCode
from node.cli.main import cli
from node.cli.tables import in_groups
from node.registry.changes import Caution, Topic
from tests.cli.running import huxin
from trust.errors import BadKey
from trust.keys import load

HOLDERS = {"140000": "shanxi", "520000": "guizhou", "620100": "lanzhou"}


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no home, with every key."""
    monkeypatch.chdir(tmp_path)
    for name in (*HOLDERS.values(), "new"):
        done(huxin("trust", "key", "new", "root", "-o", f"{name}.key"))
    for use in ("snapshot", "timestamp", "registry"):
        done(huxin("trust", "key", "new", use))
    return tmp_path


def done(result: Any) -> str:
    assert result.exit_code == ExitCode.OK, result.output
    return str(result.stdout)


def init(*more: str) -> tuple[str, ...]:
    holders = [part for code, name in HOLDERS.items() for part in ("--holder", f"{code}={name}.pub")]
    online = ("--snapshot", "snapshot.pub", "--timestamp", "timestamp.pub")
    return ("trust", "root", "init", *holders, "--coordinator", "140000", *online, "--folder", "c", *more)


@pytest.fixture
def folder(desk: Path) -> Path:
    done(huxin(*init("--threshold", "2")))
    return desk / "c"


@pytest.mark.usefixtures("desk")
def test_a_new_root_is_followed_by_who_publishes_and_then_by_signatures() -> None:
    told = done(huxin(*init("--threshold", "2")))
    after = told[told.index("下一步 Next:") :].splitlines()
    assert "  huxin trust delegate DIVISION --key FILE.pub --folder c" in "\n".join(after)
    delegating = next(place for place, line in enumerate(after) if "trust delegate" in line)
    assert delegating < next(place for place, line in enumerate(after) if "Hand the whole folder" in line)


def as_json(*arguments: str) -> Any:
    return json.loads(done(huxin(*arguments, "--json")))


def sign(file: str, *names: str) -> None:
    for name in names:
        done(huxin("trust", "root", "sign", f"c/{file}", "--key", f"{name}.key"))


def test_every_topic_and_caution_has_words_in_both_languages() -> None:
    assert (set(TOPICS), set(CAUTIONS), set(KINDS)) == (set(Topic), set(Caution), {"root", "targets"})
    for words in (*TOPICS.values(), *CAUTIONS.values(), *KINDS.values()):
        assert re.search("[\u4e00-\u9fff]", words.zh)
        assert words.en.isascii()


# Keys


def test_a_new_key_says_where_it_lies_and_what_to_read_aloud(desk: Path) -> None:
    printed = done(huxin("trust", "key", "new", "root", "-o", "other.key"))
    key = load(desk / "other.key")
    assert in_groups(key.key_id) in printed
    assert "PRIVATE, never leaves its holder" in printed
    assert stat.S_IMODE((desk / "other.key").stat().st_mode) == 0o600
    assert in_groups(key.key_id) in done(huxin("trust", "key", "id", "other.pub"))
    (found,) = {as_json("trust", "key", "id", "other.pub")["key_id"]}
    assert found == key.key_id
    assert as_json("trust", "key", "new", "registry", "-o", "r.key")["public"] == "r.pub"


@pytest.mark.parametrize("suite", ["ed25519", "ecdsa-p256-sha256"])
def test_a_passphrase_locks_a_ceremony_key(desk: Path, suite: str) -> None:
    arguments = ("trust", "key", "new", "root", "-o", "locked.key", "--ask-passphrase", "--suite", suite)
    made = CliRunner().invoke(cli, arguments, input="synthetic\nsynthetic\n")
    assert made.exit_code == ExitCode.OK, made.output
    assert "no passphrase" not in made.output
    with pytest.raises(BadKey, match="give its passphrase"):
        load(desk / "locked.key")
    (desk / "c").mkdir()
    done(huxin(*init("--threshold", "2", "--holder", "210000=locked.pub")))
    asked = ("trust", "root", "sign", "c/1.root.json", "--key", "locked.key")
    refused = huxin(*asked)
    assert (refused.exit_code, "give its passphrase" in refused.stderr) == (ExitCode.BAD_INPUT, True)
    signed = CliRunner().invoke(cli, [*asked, "--ask-passphrase"], input="synthetic\n")
    assert signed.exit_code == ExitCode.OK, signed.output
    secret = desk / "secret"
    secret.touch(0o600)
    secret.write_text("synthetic\n")
    assert "Signed for 210000" in done(huxin(*asked, "--passphrase-file", secret))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trust", "key", "new", "root", "-o", "shanxi.key"), "exists"),
        (("trust", "key", "new", "ca"), "is not one of"),
        (("trust", "key", "id", "shanxi.key"), "PRIVATE key, which must never leave its holder"),
        (("trust", "key", "id", "nowhere.pub"), "does not exist"),
    ],
)
def test_a_slip_with_a_key_is_told(arguments: tuple[str, ...], said: str) -> None:
    result = huxin(*arguments)
    assert result.exit_code in {ExitCode.USAGE, ExitCode.BAD_INPUT}
    assert said in result.stderr


# What is shown


def test_a_founding_says_what_was_made_what_to_compare_and_who_is_next(folder: Path) -> None:
    printed = done(huxin("trust", "root", "show", str(folder / "1.root.json")))
    for name in HOLDERS.values():
        assert in_groups(load(folder.parent / f"{name}.key").key_id) in printed
    told = as_json("trust", "root", "show", "c/1.root.json")[0]
    assert in_groups(told["digest"]) in printed
    assert "520000 贵州省 Guizhou" in printed
    assert "还需 2 more needed of 140000" in printed
    assert "huxin trust root sign 1.root.json --key THEIR.key --digest DIGEST" in printed
    assert (told["complete"], told["wanted"], told["changes"]) == (False, list(HOLDERS), None)
    assert told["quorums"] == [
        {"root": "1.root.json", "threshold": 2, "signed": [], "unsigned": list(HOLDERS), "missing": 2}
    ]


def test_a_rotation_shows_every_change(folder: Path) -> None:
    sign("1.root.json", "shanxi", "guizhou")
    done(huxin("trust", "delegate", "140000", "--key", "registry.pub", "--folder", "c"))
    sign("1.targets.json", "shanxi", "lanzhou")
    rotate = ("trust", "root", "rotate", "--add", "210000=new.pub", "--remove", "620100", "--threshold", "3")
    for use in ("snapshot", "timestamp"):
        done(huxin("trust", "key", "new", use, "-o", f"{use}-2.key"))
    online = ("--snapshot", "snapshot-2.pub", "--timestamp", "timestamp-2.pub")
    printed = done(huxin(*rotate, "--coordinator", "520000", *online, "--folder", "c"))
    new, gone = (load(folder.parent / f"{name}.key").key_id for name in ("new", "lanzhou"))
    assert f"root key of 210000 辽宁省 Liaoning: 无 none → {in_groups(new)}" in printed
    assert f"root key of 620100 兰州市 Lanzhou: {in_groups(gone)} → 取消 removed" in printed
    assert "signatures needed: 2 → 3" in printed
    assert "coordinator: 140000 山西省 Shanxi → 520000 贵州省 Guizhou" in printed
    assert "Every key is needed" in printed
    assert "1.root.json 持有地区 holders: 已签 signed 0 of 2" in printed
    assert "2.root.json 持有地区 holders: 已签 signed 0 of 3" in printed
    root, targets = (as_json("trust", "root", "show", f"c/2.{kind}.json")[0] for kind in ("root", "targets"))
    changed = {(each["topic"], each["name"]): (each["before"], each["after"]) for each in root["changes"]}
    assert changed[("holder", "210000")] == (None, new)
    assert changed[("holder", "620100")] == (gone, None)
    assert root["cautions"] == ["every_key_is_needed"]
    assert targets["coordinator"] == "520000"
    before = as_json("trust", "root", "show", "c/1.root.json")[0]
    assert root["previous_digest"] == before["digest"]


def test_delegations_come_and_go(folder: Path) -> None:
    done(huxin("trust", "delegate", "520000", "--key", "registry.pub", "--folder", "c"))
    sign("1.targets.json", "shanxi", "guizhou")
    told = as_json("trust", "undelegate", "520000", "--folder", "c")[0]
    assert (told["version"], [each["after"] for each in told["changes"] if each["topic"] == "delegation"]) == (
        2,
        [None],
    )
    printed = done(huxin("trust", "root", "show", str(folder / "1.targets.json")))
    key = load(folder.parent / "registry.key").key_id
    assert f"publishes as 520000 贵州省 Guizhou: any 1 of: {in_groups(key)}" in printed


def test_a_single_key_is_for_demonstrations_and_says_so(desk: Path) -> None:
    refused = huxin(*init("--threshold", "1"))
    assert refused.exit_code == ExitCode.USAGE
    assert "--allow-single" in refused.stderr
    assert not (desk / "c").exists()
    printed = done(huxin(*init("--threshold", "1", "--allow-single")))
    assert "whoever steals one key owns the registry" in printed


# Signing


def test_a_digest_may_be_dictated_and_any_other_is_refused(folder: Path) -> None:
    before = (folder / "1.root.json").read_bytes()
    digest = as_json("trust", "root", "show", "c/1.root.json")[0]["digest"]
    arguments = ("trust", "root", "sign", "c/1.root.json", "--key", "shanxi.key", "--digest")
    other = huxin(*arguments, "0" * 64)
    assert (other.exit_code, "do not sign it" in other.stderr) == (ExitCode.USAGE, True)
    assert digest not in other.stderr  # or it would be pasted back, comparing nothing
    slip = huxin(*arguments, digest[:-1])
    assert (slip.exit_code, "A digest has 64 characters" in slip.stderr) == (ExitCode.USAGE, True)
    assert (folder / "1.root.json").read_bytes() == before
    assert "compare it now" not in done(huxin(*arguments, in_groups(digest).upper()))
    unseen = done(huxin("trust", "root", "sign", "c/1.root.json", "--key", "guizhou.key"))
    assert "The digest was not given: compare it now" in unseen
    assert "Hand the folder to the coordinator, 140000 山西省 Shanxi" in unseen


@pytest.mark.parametrize(
    ("key", "said"), [("registry", "this key has no say in 1.root.json"), ("new", "this key has no say")]
)
def test_who_has_no_say_is_told(folder: Path, key: str, said: str) -> None:
    result = huxin("trust", "root", "sign", str(folder / "1.root.json"), "--key", f"{key}.key")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert said in result.stderr


def test_copies_are_merged(folder: Path) -> None:
    copy = folder.parent / "copy.json"
    copy.write_bytes((folder / "1.root.json").read_bytes())
    sign("1.root.json", "shanxi")
    (folder / "1.root.json").rename(folder / "shanxi.json")
    copy.rename(folder / "1.root.json")
    sign("1.root.json", "lanzhou")
    merged = done(huxin("trust", "root", "merge", "c/shanxi.json", "c/1.root.json", "-o", "c/1.root.json"))
    assert "signed 2 of 2 (140000 山西省 Shanxi, 620100 兰州市 Lanzhou); 已够 enough" in merged


# Slips and damage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("root", "init", "--holder", "shanxi.pub"), "write a division code of six digits, =, and the public key file"),
        (("root", "init", "--holder", "14=shanxi.pub"), "write a division code"),
        (("root", "rotate"), "N.root.json"),
        (("undelegate", "140000"), "N.root.json"),
        (("delegate", "140000", "--key", "registry.pub"), "N.root.json"),
        (("root", "show", "shanxi.pub"), "not JSON"),
        (("root", "sign", "shanxi.pub", "--key", "shanxi.key"), "not JSON"),
        (("root", "merge", "-o", "x.json"), "FILES"),
    ],
)
def test_a_slip_is_told_without_a_traceback(desk: Path, arguments: tuple[str, ...], said: str) -> None:
    before = sorted(desk.iterdir())
    result = huxin("trust", *arguments)
    assert result.exit_code in {ExitCode.USAGE, ExitCode.BAD_INPUT}
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert sorted(desk.iterdir()) == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--holder", "140000=new.pub"), "named twice"),
        (("--holder", "210000=shanxi.pub"), "two places"),
        (("--holder", "210000=snapshot.pub"), "two places"),
        (("--holder", "210000=new.key"), "PRIVATE"),
        (("--holder", "210000=nowhere.pub"), "not in"),
        (("--days", "0"), "1 to 3650"),
        (("--coordinator", "Shanxi"), "six digits"),
    ],
)
def test_a_founding_that_cannot_be_is_refused(desk: Path, more: tuple[str, ...], said: str) -> None:
    result = huxin(*init("--threshold", "2"), *more)
    assert result.exit_code in {ExitCode.USAGE, ExitCode.BAD_INPUT}
    assert said in result.stderr
    assert not (desk / "c").exists()


def test_a_swapped_delegation_is_not_signed(folder: Path) -> None:
    """The folder was altered on its way: Guizhou is to get Shanxi's name."""
    done(huxin("trust", "delegate", "520000", "--key", "registry.pub", "--folder", "c"))
    path = folder / "1.targets.json"
    path.write_text(path.read_text(encoding="utf-8").replace("520000/", "140000/"), encoding="utf-8")
    for command in (("show",), ("sign", "--key", "shanxi.key")):
        result = huxin("trust", "root", *command, str(path))
        assert result.exit_code == ExitCode.BAD_INPUT
        assert "paths that are not its own" in result.stderr


def test_a_document_changed_after_signing_is_refused(folder: Path) -> None:
    sign("1.root.json", "shanxi")
    path = folder / "1.root.json"
    changed = path.read_text(encoding="utf-8").replace(
        '"x-huxin-coordinator": "140000"', '"x-huxin-coordinator": "520000"'
    )
    path.write_text(changed, encoding="utf-8")
    result = huxin("trust", "root", "show", str(path))
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "a signature that does not fit its content" in result.stderr
