"""Chapters 5 and 10: a recognition is granted, and withdrawn; both say beforehand what they change."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable

from ops.demo.commands import StoryBroken
from ops.demo.stage import Stage
from ops.demo.verdicts import Expected, Line

NOT_YET = Expected("REJECT", reasons=frozenset({"ISSUER_NOT_RECOGNISED"}))
WITHDRAWN = Expected("REJECT", reasons=frozenset({"RECOGNITION_WITHDRAWN"}))
NOTICED_SECONDS = 30.0
ASK_AGAIN_SECONDS = 0.5
STATES = {"IN_FORCE": "互认 in force", "WITHDRAWN": "已撤回 withdrawn"}
DECISIONS = "办理结论 Decisions"
"""Heading of the part of the page that says which decisions flip."""


def grant(stage: Stage) -> None:
    """Chapter 5."""
    stage.chapter(
        5,
        "Guizhou recognises Shanxi's reports 授予互认",
        "To know a jurisdiction is not to recognise its reports. What a recognition changes is shown before it is "
        "signed: every procedure is tried on the best report that Shanxi could issue today.",
    )
    _ask(stage, NOT_YET, "not recognised yet")
    words = ["recognise", "grant", "140000", "--yes"]
    stage.echo(f"guizhou {shlex.join(words)}", "without --yes it asks; the terms are left out here")
    page = stage.huxin("guizhou", *words).stdout
    if DECISIONS not in page:
        raise StoryBroken("recognise grant did not show which decisions change")
    stage.page(page[page.index(DECISIONS) :])
    stage.echo("liaoning recognise grant 140000 --yes", "Liaoning does the same; nobody recognises Lanzhou")
    stage.huxin("liaoning", *words)
    _everybody_knows(stage, {("520000", "140000", "IN_FORCE"), ("210000", "140000", "IN_FORCE")})


def withdraw(stage: Stage) -> None:
    """Chapter 10."""
    stage.chapter(
        10,
        "Guizhou withdraws its recognition 撤回互认",
        "It was granted in chapter 5 and used since. A withdrawal is a signed statement as well: nothing is deleted, "
        "and what was decided before stays explicable.",
    )
    words = ["recognise", "withdraw", "140000", "--reason", "annual review failed", "--yes"]
    stage.echo(f"guizhou {shlex.join(words)}")
    stage.page(stage.huxin("guizhou", *words).stdout)
    _everybody_knows(stage, {("520000", "140000", "WITHDRAWN")})
    _ask(stage, WITHDRAWN, "recognition withdrawn")


def _ask(stage: Stage, expected: Expected, because: str) -> None:
    """Guizhou verifies Shanxi's report on a company without records."""
    tender = stage.reports["tender"]
    words = [tender.file, "--subject", tender.subject.code, "--require", "520000/tender"]
    stage.verify("guizhou", words, expected, Line("Guizhou, tender", "Shanxi's", because))


def wait_until(holds: Callable[[], bool], otherwise: str) -> float:
    """Asks until it holds. Seconds that it took. Raises StoryBroken when it takes too long."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > NOTICED_SECONDS:
            raise StoryBroken(f"{otherwise} after {NOTICED_SECONDS:.0f} seconds")
        time.sleep(ASK_AGAIN_SECONDS)  # what is awaited happens in the nodes' processes, which need the machine
    return time.monotonic() - began


def _everybody_knows(stage: Stage, stated: set[tuple[str, str, str]]) -> None:
    """Waits until Lanzhou, which took no part, reads in the registry who stands how to whom.

    The nodes that publish it use it themselves by then.
    """

    def known() -> bool:
        found = stage.huxin("lanzhou", "recognise", "list", "--json").json
        return stated <= {(each["recogniser"], each["issuer"], each["state"]) for each in found}

    seconds = wait_until(known, f"Lanzhou does not know of {sorted(stated)}")
    stage.echo("lanzhou recognise list", f"known by the registry within {seconds:.0f} s; nobody sent a file")
    for recogniser, issuer, state in sorted(stated, reverse=True):
        stage.say(f"{stage.named(recogniser)} -> {stage.named(issuer)}: {STATES[state]}")
    stage.say("")
