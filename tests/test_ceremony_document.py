"""The script of `docs/ceremony.md` as the officials follow it: every command, in order, each at its own office."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from node.app.ceremony_files import CeremonyFolder, new_key
from node.registry.documents import RootDocument
from node.registry.signatures import missing
from tests.cli.running import huxin
from trust.algorithms import Suite

DOCUMENT = Path(__file__).parents[1] / "docs" / "ceremony.md"
OFFICES = {"Shanxi": "140000", "Guizhou": "520000", "Lanzhou": "620100", "Liaoning": "210000"}
BLOCK = re.compile(r"^\*\*(\w+)\*\*\n\n```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
STICK = "/media/usb"


class Offices:
    """Four offices with a shell each, and the stick that is carried between them."""

    def __init__(self, place: Path) -> None:
        self.place, self.stick = place, place / "stick"
        self.stick.mkdir()
        self.digests: dict[str, str] = {}
        for office in OFFICES:
            (place / office / "huxin-home" / "keys").mkdir(parents=True)
            # What `huxin init` leaves there (tests/app/test_founding.py).
            new_key(place / office / "huxin-home" / "keys" / "registry.key", Suite.ED25519, None)

    def types(self, office: str, line: str) -> str:
        """What a command prints. Digests that an earlier `show` printed stand where the document has the word."""
        for word, digest in self.digests.items():
            line = line.replace(f'"{word}"', f'"{digest}"')
        assert "DIGEST_" not in line, f"nobody has seen the digest yet: {line}"
        words = shlex.split(line.replace(STICK, str(self.stick)))
        with contextlib.chdir(self.place / office):
            if words[0] != "huxin":
                subprocess.run(words, check=True)
                return ""
            done = huxin(*words[1:])
        assert done.exit_code == 0, f"{office}: {line}\n{done.output}"
        if found := re.search(r"root show \S*/(\d+)\.(root|targets)\.json", line):
            seen = re.search(r"Digest, to compare by telephone:\n +((?:[0-9a-f]{8} ?){8})\n", done.stdout)
            assert seen is not None
            self.compare(f"DIGEST_{found[2].upper()}_{found[1]}", seen[1])
        return done.stdout

    def compare(self, word: str, digest: str) -> None:
        """The telephone call: every office reads the same."""
        assert self.digests.setdefault(word, digest) == digest


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Offices, list[tuple[str, str, str]]]:
    """The offices after the whole script, and (office, command, what it printed)."""
    offices = Offices(tmp_path_factory.mktemp("ceremony"))
    typed = [
        (office, line)
        for office, block in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return offices, [(office, line, offices.types(office, line)) for office, line in typed]


def test_the_script_is_there_for_every_office(told: tuple[Offices, list[tuple[str, str, str]]]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("```sh")  # no block is left out of this test
    assert {office for office, _, _ in told[1]} == set(OFFICES)


def test_every_document_of_the_script_ends_with_enough_signatures(
    told: tuple[Offices, list[tuple[str, str, str]]],
) -> None:
    folder = CeremonyFolder(told[0].stick / "ceremony")
    assert folder.versions("root") == [1, 2, 3]
    assert folder.versions("targets") == [1, 2, 3, 4]
    assert folder.root_in_order(3).threshold == 2
    in_force = {1: 1, 2: 2, 3: 2, 4: 3}
    for targets, root in in_force.items():
        assert missing(folder.targets(targets), folder.root(root)).complete


def test_each_ceremony_did_what_its_heading_says(told: tuple[Offices, list[tuple[str, str, str]]]) -> None:
    folder = CeremonyFolder(told[0].stick / "ceremony")
    founded, replaced, recovered = (folder.root(version) for version in (1, 2, 3))
    assert set(founded.holders) == {"140000", "520000", "620100"}
    assert changed(founded, replaced) == {"520000"}
    assert changed(replaced, recovered) == {"620100"}
    first, second, third, fourth = (folder.targets(version) for version in (1, 2, 3, 4))
    assert set(first.delegations) == {"140000", "520000", "620100"} == set(second.delegations)
    assert set(third.delegations) == {*first.delegations, "210000"} == set(fourth.delegations)
    stolen = replaced.holders["620100"].key_id
    assert all(stolen not in document.signatures for document in (recovered, fourth))


def changed(before: RootDocument, after: RootDocument) -> set[str]:
    return {division for division, key in after.holders.items() if before.holders[division] != key}


def test_no_private_key_came_near_the_stick(told: tuple[Offices, list[tuple[str, str, str]]]) -> None:
    files = [path for path in told[0].stick.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if b"PRIVATE" in path.read_bytes() or path.suffix == ".key"] == []


def test_every_signature_was_given_for_a_digest_that_was_compared(
    told: tuple[Offices, list[tuple[str, str, str]]],
) -> None:
    signing = [(office, line) for office, line, _ in told[1] if "root sign" in line]
    assert len(signing) > 10
    assert [line for _, line in signing if "--digest" not in line] == []
    seen = set(re.findall(r"DIGEST_\w+", DOCUMENT.read_text(encoding="utf-8")))
    assert seen == set(told[0].digests)


def test_the_script_says_when_it_is_enough(told: tuple[Offices, list[tuple[str, str, str]]]) -> None:
    last = {line.split("/")[-1].split()[0]: text for _, line, text in told[1] if "root sign" in line}
    assert all("Hand the folder to the coordinator, 140000" in text for name, text in last.items() if name[0] != "3")
    (merged,) = [text for _, line, text in told[1] if "root merge" in line]
    assert "Hand the folder to the coordinator, 140000" in merged


def test_what_it_says_of_refusals_is_what_is_said() -> None:
    """The table of the last part quotes sentences of the program."""
    rooms = (Path(__file__).parents[1] / "node" / room for room in ("registry", "app", "cli"))
    code = "".join(path.read_text(encoding="utf-8") for room in rooms for path in room.glob("*.py"))
    sentences = re.sub(r'"\s+f?"', "", code)
    table = DOCUMENT.read_text(encoding="utf-8").split("## When a command refuses")[1]
    quoted = re.findall(r"^\| ([a-z][^|]*) \|", table, re.MULTILINE)
    assert len(quoted) == 8
    wanted = {"it is not in the folder": "it is not in ", "it says": ""}
    assert [quote for quote in quoted if wanted.get(quote, quote) not in sentences] == []
