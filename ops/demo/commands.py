"""Runs `huxin` as a user would: a process for each command, in the demo's folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

PROGRAM = Path(sys.executable).with_name("huxin")
COLUMNS = 96
"""Width of a page that a command prints; the demo indents it."""

T = TypeVar("T")


class StoryBroken(Exception):
    """Something did not happen as the demo tells it. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    stdout: str
    stderr: str = ""

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Huxin:
    """The `huxin` command in one folder. Its environment is the demo's without any setting of a node."""

    folder: Path
    coloured: bool

    def environment(self) -> dict[str, str]:
        """For every process of the demo."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUXIN_")}
        colours = {"FORCE_COLOR": "1"} if self.coloured else {"NO_COLOR": "1"}
        return {**kept, **colours, "COLUMNS": str(COLUMNS), "PYTHONUTF8": "1"}

    def __call__(self, *words: str | Path, expect: int = 0) -> Answer:
        """Runs `huxin --home HOME ...` and waits. Raises StoryBroken when it ends with another exit code."""
        return self.offline("--home", *words, expect=expect)

    def offline(self, *words: str | Path, expect: int = 0) -> Answer:
        """Runs `huxin ...`, which needs no home, and waits. Raises StoryBroken when it ends with another exit code."""
        ended = subprocess.run(
            [PROGRAM, *words],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        if ended.returncode != expect:
            raise StoryBroken(
                f"`{' '.join(('huxin', *map(str, words)))}` ended with {ended.returncode}, not {expect}:\n"
                f"{ended.stdout}{ended.stderr}".rstrip()
            )
        return Answer(ended.returncode, ended.stdout, ended.stderr)


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """Does independent things at the same time, as many as there are processors; their results in order.

    When one fails, those that have not begun are left undone.
    """
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        begun = [pool.submit(work) for work in works]
        try:
            return [done.result() for done in begun]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def echo(console: Console, command: str, note: str = "") -> None:
    """Shows a command as typed, with long numbers and keys shortened, and a remark: behind it or, if long, below."""
    line = Text.assemble(("$ ", "bold"), (f"huxin {shortened(command)}", "cyan"))
    remark = Text(f"  # {note}" if note else "", "dim")
    if line.cell_len + remark.cell_len <= console.width:
        console.print(line + remark)
    else:
        console.print(line, remark, sep="\n")


def shortened(command: str) -> str:
    """Key ids, report numbers and subject codes cut to what tells them apart; a node's address left out."""
    command = re.sub(r" --node \S+", " …", command)
    command = re.sub(r"\b([0-9A-Za-z]{8})[0-9A-Za-z]{20,}\b", r"\1…", command)
    return re.sub(r"\b([0-9A-Z]{4})[0-9A-Z]{10}([0-9A-Z]{4})\b", r"\1…\2", command)
