"""Chapter 8: a recognition ends, and says beforehand what that changes."""

from __future__ import annotations

import contextlib
import shlex
import time

from rich.padding import Padding
from rich.text import Text

from ops.demo.commands import StoryBroken
from ops.demo.stage import Stage
from ops.demo.verdicts import Expected, Line

WITHDRAWN = Expected("REJECT", reasons=frozenset({"RECOGNITION_WITHDRAWN"}))
NOTICED_SECONDS = 30.0


def withdraw(stage: Stage) -> None:
    """Chapter 8."""
    tender = stage.reports["tender"]
    stage.chapter(
        8,
        "Guizhou withdraws its recognition 撤回互认",
        "It was granted in chapter 1 and used since. What a certificate or a withdrawal changes is shown before it is "
        "signed: every procedure is tried on the best report that Shanxi could issue today.",
    )
    words = ["recognise", "withdraw", "140000", "--reason", "node out of reach", "--yes"]
    stage.echo(f"guizhou {shlex.join(words)}", "without --yes it asks")
    page = stage.huxin("guizhou", *words).stdout
    stage.console.print(Padding(Text.from_ansi(page.rstrip()), (0, 0, 0, 2), expand=False))
    asked = [tender.file, "--subject", tender.subject.code, "--require", "520000/tender"]
    _wait_until_rejected(stage, asked)
    stage.verify("guizhou", asked, WITHDRAWN, Line("Guizhou, tender", "Shanxi's", "recognition withdrawn"))


def _wait_until_rejected(stage: Stage, asked: list[str]) -> None:
    """A running node notices within seconds. Raises StoryBroken when it does not."""
    deadline = time.monotonic() + NOTICED_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(StoryBroken):  # accepted still
            stage.huxin("guizhou", "verify", *asked, "--json", expect=WITHDRAWN.exit_code)
            return
    raise StoryBroken(f"guizhou did not notice the withdrawal within {NOTICED_SECONDS:.0f} seconds")
