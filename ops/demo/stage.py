"""Where the demo plays: a folder of its own, four jurisdictions, free ports, and what the chapters hand on."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from node.adapters.catalogues.registry import discover
from node.model.catalogue import Catalogue
from ops.demo.commands import Answer, Huxin, StoryBroken, echo
from ops.demo.nodes import Jurisdiction, Nodes, free_ports
from ops.demo.synthetic import Subject
from ops.demo.verdicts import Expected, Json, Line, checked, code, show

NAMES = {
    "shanxi": ("140000", "山西省", "Shanxi"),
    "guizhou": ("520000", "贵州省", "Guizhou"),
    "lanzhou": ("620100", "兰州市", "Lanzhou"),
    "liaoning": ("210000", "辽宁省", "Liaoning"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was issued: its number, the file that the subject carries, and its place in the issuer's log."""

    number: str
    file: str
    subject: Subject
    log_index: int


@dataclass(slots=True)
class Stage:
    """What every chapter needs. `told` grows by one line for each verdict."""

    console: Console
    huxin: Huxin
    nodes: Nodes
    jurisdictions: dict[str, Jurisdiction]
    today: date
    subjects: dict[str, Subject] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    told: list[tuple[Line, str]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.huxin.folder

    def named(self, division: str) -> str:
        """Code and names of a jurisdiction."""
        (found,) = [one for one in self.jurisdictions.values() if one.division == division]
        return f"{division} {found.name}"

    def catalogue(self, home: str) -> Catalogue:
        """The catalogue in force that comes with huxin."""
        return discover().on(self.jurisdictions[home].division, self.today).catalogue

    def chapter(self, number: int, title: str, text: str) -> None:
        """A heading, and what is about to happen."""
        self.console.print()
        self.console.print(Rule(Text(f"{number}  {title}", "bold"), align="left", style="blue"))
        self.console.print(text)

    def say(self, text: str) -> None:
        """A line of the story; rich markup counts."""
        self.console.print(Padding(text, (0, 0, 0, 2), expand=False))

    def show(self, what: RenderableType) -> None:
        """A table of the story."""
        self.console.print(Padding(what, (0, 0, 0, 2), expand=False))

    def echo(self, command: str, note: str = "") -> None:
        """Shows a command of one home as a user would type it."""
        echo(self.console, f"--home {command}", note)

    def echo_offline(self, command: str, note: str = "") -> None:
        """Shows a command that needs no home."""
        echo(self.console, command, note)

    def page(self, text: str) -> None:
        """What a command printed, indented."""
        self.console.print(Padding(Text.from_ansi(text.rstrip()), (0, 0, 0, 2), expand=False))

    def verify(self, home: str, words: list[str], expected: Expected, line: Line) -> Json:
        """Verifies as a user would, checks the verdict against the story, shows it and notes it for the summary."""
        self.echo(" ".join([home, "verify", *words]))
        answer = self.huxin(home, "verify", *words, "--json", expect=expected.exit_code)
        verdict = self.believe(answer, expected, line)
        show(self.console, verdict)
        return verdict

    def believe(self, answer: Answer, expected: Expected, line: Line) -> Json:
        """Checks a verdict against the story and notes it for the summary."""
        verdict = checked(answer, expected)
        self.told.append((line, code(verdict, "decision")))
        return verdict


@contextmanager
def stage(folder: Path, console: Console, today: date, *, keep: bool) -> Iterator[Stage]:
    """The stage, in an empty folder. Whatever happens, the nodes are ended; the folder goes too unless `keep`.

    Raises StoryBroken when another demo plays in the folder.
    """
    with _alone(folder):
        ports = free_ports(2 * len(NAMES))
        jurisdictions = {home: Jurisdiction(home, *names, ports.pop(), ports.pop()) for home, names in NAMES.items()}
        huxin = Huxin(folder, coloured=console.is_terminal and not console.no_color)
        nodes = Nodes(huxin)
        try:
            yield Stage(console, huxin, nodes, jurisdictions, today)
        except Exception:  # whatever it is, what the nodes said about it helps
            for home, tail in nodes.tails().items():
                console.print(Rule(f"end of {home}/node.log", align="left"))
                console.print(tail, markup=False, soft_wrap=True)
            raise
        finally:
            nodes.close()
            if not keep:
                shutil.rmtree(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder for this process and empties it. What a demo that was killed left behind is removed."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoryBroken(f"another demo runs in {folder}; end it with Ctrl-C first") from None
    else:
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield
    finally:
        os.close(handle)
