"""`huxin recognise` on real homes without a node: what is shown, asked, refused, signed and listed."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from node.adapters.catalogues import registry
from node.cli.failures import ExitCode
from node.cli.recognition_choices import read_choices
from node.errors import BadSource
from tests.cli.running import huxin


@pytest.fixture(scope="session")
def introduced(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Guizhou that holds Shanxi's bundle and does not recognise it. Do not change it."""
    folder = tmp_path_factory.mktemp("recognise")
    home, bundle = folder / "guizhou", folder / "shanxi.json"
    assert huxin("init", "520000", "--listen", "127.0.0.1:7544", home=home).exit_code == ExitCode.OK
    (shanxi,) = json.loads(huxin("trust", "list", "--json", home=founded).stdout)
    bundle.write_text((founded / "trust" / "bundles" / "140000.json").read_text(encoding="utf-8"), encoding="utf-8")
    imported = huxin("trust", "import", bundle, "--key", shanxi["signers"][0], home=home)
    assert imported.exit_code == ExitCode.OK, imported.stderr
    assert "huxin recognise grant 140000" in imported.stdout
    return home


@pytest.fixture
def guizhou(introduced: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    home = tmp_path / "guizhou"
    subprocess.run(["cp", "-r", introduced, home], check=True)
    return home


def recognise(home: Path, *arguments: str | Path) -> Result:
    return huxin("recognise", *arguments, home=home)


def granted(home: Path, *arguments: str | Path) -> Any:
    result = recognise(home, "grant", "140000", *arguments, "--yes", "--json")
    assert result.exit_code == ExitCode.OK, result.stderr
    return json.loads(result.stdout)


def listed(home: Path) -> dict[tuple[str, str], Any]:
    found = json.loads(recognise(home, "list", "--json").stdout)
    return {(each["recogniser"], each["issuer"]): each for each in found}


def checked(home: Path) -> str:
    """The line of `huxin doctor` on recognition."""
    (line,) = (line for line in huxin("doctor", home=home).stdout.splitlines() if " recognition " in line)
    return line


# grant and preview


def test_a_preview_shows_terms_and_decisions_and_signs_nothing(introduced: Path) -> None:
    result = recognise(introduced, "preview", "140000")
    assert result.exit_code == ExitCode.PROBLEMS  # decisions would flip
    for words in ("Caveats accepted", "2025-237", "520000/tender", "不予采信 REJECT", "可予采信 ACCEPT", "4 of 4"):
        assert words in result.stdout
    assert listed(introduced).keys() == {("520000", "520000")}


def test_a_preview_for_machines_says_the_same(introduced: Path) -> None:
    told = json.loads(recognise(introduced, "preview", "140000", "--scenario", "tender", "--json").stdout)
    assert told["terms"]["scenarios"] == ["tender"]
    assert len(told["terms"]["leaves"]) == 56
    procedures = {each["requirement_id"]: each for each in told["procedures"]}
    assert {each["before"] for each in procedures.values()} == {"REJECT"}
    assert (procedures["520000/tender"]["after"], procedures["520000/tender"]["flips"]) == ("ACCEPT", True)
    assert procedures["520000/listing"]["reasons_after"][0] == "SCENARIO_NOT_RECOGNISED"
    assert not procedures["520000/listing"]["flips"]


def test_what_changes_nothing_ends_with_0(guizhou: Path) -> None:
    granted(guizhou)
    again = recognise(guizhou, "preview", "140000", "--keep")
    assert again.exit_code == ExitCode.OK, again.stdout
    assert "0 of 4" in again.stdout


def test_a_narrower_grant_names_what_it_leaves_out_before_it_is_signed(guizhou: Path) -> None:
    granted(guizhou)
    result = recognise(guizhou, "preview", "140000", "--record-type", "severe_dishonesty_list", "--cells")
    assert result.exit_code == ExitCode.PROBLEMS
    for words in ("criminal_judgment", "不在互认范围 not recognised", "NOT_RECOGNISED [", "转人工核查 REFER"):
        assert words in result.stdout
    assert "NOT_RECOGNISED [" not in recognise(guizhou, "preview", "140000", "--leaf", "MK01").stdout


def test_without_anybody_to_ask_nothing_is_signed(guizhou: Path) -> None:
    for arguments in (("grant", "140000"), ("grant", "140000", "--json"), ("withdraw", "520000")):
        result = recognise(guizhou, *arguments)
        assert result.exit_code == ExitCode.USAGE
        assert "nothing was signed" in result.stderr
        assert "--yes" in result.stderr
    assert {place: each["state"] for place, each in listed(guizhou).items()} == {("520000", "520000"): "IN_FORCE"}


@pytest.mark.parametrize(
    ("answer", "code", "said"), [(b"n\n", 1, "Nothing was signed"), (b"y\n", 0, "is recognised until")]
)
def test_on_a_terminal_it_asks(guizhou: Path, answer: bytes, code: int, said: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "node", "--home", str(guizhou), "recognise", "grant", "140000"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'proto'}", "COLUMNS": "200"}
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, env=environment, cwd=guizhou) as asking:
        os.write(ours, answer)
        printed = asking.communicate(timeout=60)[0].decode()
    os.close(ours)
    os.close(theirs)
    assert (asking.returncode, said in printed) == (code, True), printed
    assert printed.index("520000/tender") < printed.index(said)
    assert (("520000", "140000") in listed(guizhou)) is (code == 0)


def test_suites_can_be_required_each_or_one_of_them(guizhou: Path) -> None:
    told = granted(guizhou, "--require-suite", "ed25519")
    assert (told["terms"]["required_suites"], told["terms"]["suites"]) == (["ed25519"], [])
    assert told["procedures"][-1]["after"] == "ACCEPT"
    lost = granted(guizhou, "--suite", "ecdsa-p256-sha256")
    assert {each["after"] for each in lost["procedures"]} == {"REJECT"}
    assert {each["reasons_after"][0] for each in lost["procedures"]} == {"SUITE_MISSING"}
    assert "every report will be REJECT" in lost["doubts"][0]
    for option, suite in (("--suite", "rot13"), ("--require-suite", "ecdsa-p256-sha256")):
        unknown = recognise(guizhou, "preview", "140000", option, suite)
        assert unknown.exit_code == ExitCode.USAGE
        assert suite in unknown.stderr
        assert "ed25519" in unknown.stderr  # what could be named instead


def test_what_stands_can_be_kept_while_one_term_changes(guizhou: Path) -> None:
    granted(guizhou, "--scenario", "tender", "--leaf", "MK01", "--accept-caveat", "none", "--max-view-age", "12h")
    told = granted(guizhou, "--keep", "--leaf", "MK01", "--leaf", "EC07")
    terms = told["terms"]
    assert (terms["scenarios"], terms["leaves"], terms["accepted_caveats"]) == (["tender"], ["MK01", "EC07"], [])
    assert terms["max_log_view_age"] == ["12 hours"]
    assert [each["term"] for each in told["changes"] if each["term"] != "valid_until"] == ["leaves"]
    first = recognise(guizhou, "preview", "990000", "--keep")
    assert first.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("990000",), ExitCode.USAGE, "huxin trust import"),
        (("990000",), ExitCode.USAGE, "Error: DIVISION: "),
        (("140000", "--leaf", "XX99"), ExitCode.USAGE, "known: EC01"),
        (("140000", "--leaf", "XX99"), ExitCode.USAGE, "Error: --leaf: "),
        (("140000", "--require-suite", "rsa"), ExitCode.USAGE, "Error: --require-suite: "),
        (("140000", "--leaf", "NR06"), ExitCode.USAGE, "Error: --leaf, --record-type: "),
        (("140000", "--scenario", "nothing"), ExitCode.USAGE, "known: audit"),
        (("140000", "--record-type", "gossip"), ExitCode.USAGE, "known: administrative"),
        (("140000", "--max-view-age", "12"), ExitCode.USAGE, "12h"),
        (("140000", "--months-valid", "0"), ExitCode.USAGE, "1<=x<=120"),
        (("140000", "--leaf", "NR06"), ExitCode.USAGE, "collects nothing of these"),
        (("140000", "--leaf", "MK01", "--leaf", "MK01"), ExitCode.BAD_INPUT, "scope.leaves names each item once"),
        (("140000", "--keep"), ExitCode.USAGE, "Nothing was signed for 140000 before"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_advice(
    introduced: Path, arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    result = recognise(introduced, "grant", *arguments, "--yes")
    assert (result.exit_code, said in result.stderr) == (code, True), result.output
    assert "Traceback" not in result.stderr


def test_a_jurisdiction_whose_catalogue_is_not_here_can_be_recognised_and_a_doubt_says_what_for(
    guizhou: Path, tmp_path: Path
) -> None:
    yuncheng = tmp_path / "yuncheng"
    assert (
        huxin("init", "140800", "--name-zh", "运城市", "--name-en", "Yuncheng", home=yuncheng).exit_code == ExitCode.OK
    )
    (own,) = json.loads(huxin("trust", "list", "--json", home=yuncheng).stdout)
    bundle = yuncheng / "trust" / "bundles" / "140800.json"
    assert huxin("trust", "import", bundle, "--key", own["signers"][0], home=guizhou).exit_code == ExitCode.OK
    result = recognise(guizhou, "grant", "140800", "--yes")
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "every cell will be CATALOGUE_UNKNOWN" in result.stdout
    assert "对方目录未知" in result.stdout
    assert listed(guizhou)["520000", "140800"]["outdated"] == ""


def test_ages_that_nothing_meets_are_told(guizhou: Path) -> None:
    text = recognise(guizhou, "preview", "140000", "--max-trust-age", "1s").stdout
    assert "every report will be REFER" in text
    assert "信任状态过旧" in text


def test_a_quorum_of_witnesses_is_chosen_and_kept(guizhou: Path) -> None:
    assert granted(guizhou)["terms"]["witness_quorum"] == ["0"]
    assert granted(guizhou, "--witness-quorum", "2")["terms"]["witness_quorum"] == ["2"]
    assert granted(guizhou, "--keep", "--months-valid", "3")["terms"]["witness_quorum"] == ["2"]
    assert granted(guizhou, "--keep", "--witness-quorum", "0")["terms"]["witness_quorum"] == ["0"]
    assert recognise(guizhou, "grant", "140000", "--witness-quorum", "1001").exit_code == ExitCode.USAGE


# the certificate file


def test_a_certificate_file_says_the_same_as_the_options(guizhou: Path, tmp_path: Path) -> None:
    path = tmp_path / "choices.toml"
    path.write_text(
        'scenarios = ["tender"]\naccepted_caveats = []\nmonths_valid = 6\nmax_log_view_age = "12h"\n', encoding="utf-8"
    )
    terms = granted(guizhou, "--certificate-file", path)["terms"]
    assert (terms["scenarios"], terms["accepted_caveats"], terms["max_log_view_age"]) == (["tender"], [], ["12 hours"])
    both = recognise(guizhou, "grant", "140000", "--certificate-file", path, "--months-valid", "3")
    assert both.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("scenario = ['tender']", "column scenario"),
        ("scenarios = 'tender'", "column scenarios"),
        ("scenarios = [1]", "column scenarios"),
        ("leaves = []", "column leaves.*huxin recognise withdraw"),
        ("suites = []", "column suites"),
        ("accepted_caveats = ['ALL']", "column accepted_caveats"),
        ("months_valid = 0", "column months_valid"),
        ("months_valid = true", "column months_valid"),
        ("witness_quorum = -1", "column witness_quorum"),
        ("witness_quorum = 1001", "column witness_quorum"),
        ("max_log_view_age = '12'", "column max_log_view_age"),
        ("scenarios = [", "not TOML"),
    ],
)
def test_a_mistake_in_a_certificate_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "choices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadSource, match=named):
        read_choices(path)


# withdraw, list, show


def test_a_withdrawal_says_what_it_ends_and_why(guizhou: Path) -> None:
    granted(guizhou)
    result = recognise(guizhou, "withdraw", "140000", "--reason", "签名密钥失密（合成）", "--yes")
    assert result.exit_code == ExitCode.OK, result.stderr
    for words in ("359 more days", "互认已撤回", "4 of 4", "no longer recognised"):
        assert words in result.stdout
    assert listed(guizhou)["520000", "140000"]["state"] == "WITHDRAWN"
    assert listed(guizhou)["520000", "140000"]["withdrawal_reason"] == "签名密钥失密（合成）"
    assert "已撤回 withdrawn" in recognise(guizhou, "list").stdout
    shown = recognise(guizhou, "show", "140000").stdout
    assert "WITHDRAWN" in shown
    assert "签名密钥失密（合成）" in shown
    again = recognise(guizhou, "withdraw", "140000", "--yes")
    assert again.exit_code == ExitCode.BAD_INPUT
    assert "huxin recognise list" in again.stderr
    given = json.loads(recognise(guizhou, "preview", "140000", "--keep", "--json").stdout)
    assert {each["before"] for each in given["procedures"]} == {"REJECT"}
    assert {each["reasons_before"][0] for each in given["procedures"]} == {"RECOGNITION_WITHDRAWN"}


def test_a_reason_is_one_line_of_text(guizhou: Path) -> None:
    granted(guizhou)
    result = recognise(guizhou, "withdraw", "140000", "--reason", "one\ntwo", "--yes")
    assert result.exit_code == ExitCode.BAD_INPUT
    assert "withdrawal_reason" in result.stderr
    assert listed(guizhou)["520000", "140000"]["state"] == "IN_FORCE"


def test_all_terms_and_their_history_are_shown(guizhou: Path) -> None:
    granted(guizhou, "--legal-basis", "晋黔互认协议（合成）")
    granted(guizhou, "--keep", "--scenario", "tender")
    shown = recognise(guizhou, "show", "140000").stdout
    for words in ("晋黔互认协议（合成）", "2025-237 ", "severe_dishonesty_list", "LW04", "30 days", "IN_FORCE"):
        assert words in shown
    history = recognise(guizhou, "show", "140000", "--history").stdout
    assert "− audit awards" in history
    told = json.loads(recognise(guizhou, "show", "140000", "--history", "--json").stdout)
    assert [each["terms"]["scenarios"] == ["tender"] for each in told] == [False, True]
    assert told[0]["digest"] != told[1]["digest"]
    never = recognise(guizhou, "show", "620100")
    assert never.exit_code == ExitCode.USAGE
    assert "huxin recognise list" in never.stderr


def test_trust_lists_and_shows_recognition_as_well(guizhou: Path) -> None:
    granted(guizhou, "--accept-caveat", "none")
    shown = huxin("trust", "show", "140000", home=guizhou).stdout
    assert "Caveats accepted" in shown
    assert "2025-237 " in shown
    assert "56 leaves, 5 types, 22 scenarios" in huxin("trust", "list", home=guizhou).stdout


# a catalogue that changes


@pytest.fixture
def next_shanxi(tmp_path: Path) -> Path:
    """A synthetic successor of Shanxi's catalogue, in force since September, in a folder of one's own."""
    old = registry.BUILT_IN / "140000_shanxi" / "2025-237"
    new = tmp_path / "more" / "140000_shanxi" / "2025-11"
    new.parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", old, new], check=True)
    path = new / "jurisdiction.toml"
    text = path.read_text(encoding="utf-8")
    for before, after in (
        ('version = "2025-237"', 'version = "2025-11"'),
        ("valid_from = 2025-09-01 # start", "valid_from = 2025-11-01 # start"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    return tmp_path / "more"


def test_a_new_catalogue_of_an_issuer_asks_for_a_new_signature(guizhou: Path, next_shanxi: Path) -> None:
    granted(guizhou, "--leaf", "MK01", "--leaf", "EC07")
    assert "Recognised here: 2 issuers." in checked(guizhou)
    settings = guizhou / "huxin.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(f'{before}\n[catalogues]\nfolders = ["{next_shanxi}"]\n', encoding="utf-8")

    told = listed(guizhou)["520000", "140000"]
    assert told["outdated"] == "catalogue 2025-11 is in force, 2025-237 was reviewed"
    assert "huxin recognise grant 140000 --keep" in recognise(guizhou, "list").stdout
    assert "WRONG" in checked(guizhou)
    assert "huxin recognise grant 140000 --keep" in checked(guizhou)

    given = granted(guizhou, "--keep")
    assert given["terms"]["leaves"] == ["MK01", "EC07"]
    reviewed = next(each for each in given["changes"] if each["term"] == "reviewed_catalogues")
    assert (reviewed["removed"][0][:9], reviewed["added"][0][:8]) == ("2025-237 ", "2025-11 ")
    assert {each["reasons_before"][0] for each in given["procedures"]} == {"CATALOGUE_NOT_REVIEWED"}
    assert "Recognised here: 2 issuers." in checked(guizhou)


def test_the_own_catalogue_asks_for_it_too(home: Path, next_shanxi: Path) -> None:
    settings = home / "huxin.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[catalogues]\nfolders = ["{next_shanxi}"]\n', encoding="utf-8")
    assert "huxin recognise grant 140000 --keep" in checked(home)
    signed = recognise(home, "grant", "140000", "--keep", "--yes")
    assert signed.exit_code == ExitCode.OK, signed.stderr
    assert "Recognised here: 1 issuer." in checked(home)


def test_after_a_compromise_the_terms_signed_before_are_kept(guizhou: Path) -> None:
    """They need not be typed again; whose key signed them is told wherever they are shown."""
    granted(guizhou, "--scenario", "tender", "--leaf", "MK01")
    (lost,) = (
        each
        for each in json.loads(huxin("key", "list", "--json", home=guizhou).stdout)
        if each["in_use"] and each["role"] == "signing"
    )
    done = huxin("key", "compromised", lost["key_id"], "--since", "2026-01-01T08:00:00+08:00", "--yes", home=guizhou)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert listed(guizhou)["520000", "140000"]["state"] == "LAPSED"
    for command in (("list",), ("show", "140000")):
        said = recognise(guizhou, *command).stdout
        assert "huxin recognise grant 140000 --keep" in said
        assert "in other hands" in said
    assert "key lost" in recognise(guizhou, "show", "140000", "--history").stdout
    shown = json.loads(recognise(guizhou, "show", "140000", "--json").stdout)
    assert (shown["state"], shown["terms"]["leaves"]) == ("LAPSED", ["MK01"])
    assert "huxin recognise grant DIVISION --keep" in checked(guizhou)
    assert "Read each term" in checked(guizhou)
    previewed = recognise(guizhou, "preview", "140000", "--keep")
    assert "in other hands" in previewed.stdout
    assert re.search(r"read each.*Leaves\W+MK01", previewed.stdout, re.DOTALL)
    unread = recognise(guizhou, "grant", "140000", "--keep", "--yes")
    assert (unread.exit_code, "once each is read" in unread.stderr) == (ExitCode.USAGE, True)
    assert listed(guizhou)["520000", "140000"]["state"] == "LAPSED"
    kept = json.loads(recognise(guizhou, "preview", "140000", "--keep", "--json").stdout)
    assert (kept["terms"]["scenarios"], kept["terms"]["leaves"]) == (["tender"], ["MK01"])
    given = granted(guizhou, "--scenario", "tender", "--leaf", "MK01")
    assert ["in other hands" in doubt for doubt in given["doubts"]][:1] == [True]
    assert listed(guizhou)["520000", "140000"]["state"] == "IN_FORCE"
    assert "in other hands" not in recognise(guizhou, "show", "140000").stdout
