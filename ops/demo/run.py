"""`make demo`: four jurisdictions on this machine found a registry, recognise, verify, reject, in about a minute."""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from node.model.calendar import day_in_china
from ops.demo import beginning, changing, deciding, recognising, refusing, registering
from ops.demo.commands import PROGRAM, StoryBroken
from ops.demo.stage import Stage, stage
from ops.demo.verdicts import summary

FOLDER = Path(__file__).parents[2] / ".demo"
WIDTH = 100

CHAPTERS = (
    beginning.found,
    registering.register,
    beginning.deliver,
    deciding.issue,
    recognising.grant,
    deciding.decide_in_guizhou,
    deciding.decide_in_liaoning,
    refusing.reject,
    changing.change,
    recognising.withdraw,
    refusing.go_on_alone,
)


def main() -> int:
    """Plays the demo. Returns 0 when everything happened as told, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make demo")
    parser.add_argument("--keep", action="store_true", help="leave the nodes running until Ctrl-C, and the folder")
    keep = parser.parse_args().keep
    # Chinese on a terminal that cannot show it is no reason to stop.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    console = Console(highlight=False, width=min(WIDTH, console.width) if console.is_terminal else WIDTH)
    signal.signal(signal.SIGTERM, _ended)
    started = time.monotonic()
    try:
        with stage(FOLDER, console, day_in_china(datetime.now(UTC)), keep=keep) as playing:
            play(playing)
            console.print(f"\n{len(playing.told)} verdicts, each as told, in {time.monotonic() - started:.0f} seconds.")
            if keep:
                invite(playing)
    except StoryBroken as broken:
        console.print(f"\nThe demo did not go as told: {broken}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nEnded.")
        return 130
    return 0


def play(playing: Stage) -> None:
    """All chapters, then the summary."""
    playing.console.print(
        "[bold]互信 huxin[/]: what does another jurisdiction's special credit report (专项信用报告) prove here?\n"
        "Four nodes on this machine with the published catalogues; subjects and records are synthetic (合成)."
    )
    for chapter in CHAPTERS:
        chapter(playing)
    playing.console.print()
    summary(playing.console, playing.told)


def invite(playing: Stage) -> None:
    """Starts Shanxi's node again, says what can be tried, and waits for Ctrl-C."""
    shanxi = playing.jurisdictions["shanxi"]
    playing.nodes.start(shanxi)
    playing.nodes.wait_until_ready(shanxi)
    tender = playing.reports["tender"]
    playing.console.print("\n[bold]The four nodes go on serving until Ctrl-C.[/] In another terminal:\n", style="green")
    for command in (
        f"cd {playing.folder} && export PATH={PROGRAM.parent}:$PATH",
        "huxin --home guizhou recognise grant 140000 --keep",
        f"huxin --home guizhou verify {tender.file} --subject {tender.subject.code} --require 520000/tender --steps",
        "huxin --home guizhou requirement show 520000/listing",
        f"huxin --home guizhou verify {tender.file} --subject {tender.subject.code} --require 520000/listing",
        "huxin --home guizhou peers",
        "huxin --home liaoning trust explain 140000",
        "huxin --home guizhou recognise list",
        "huxin --home shanxi catalogue show 140000",
        f"curl -s http://127.0.0.1:{shanxi.operations_port}/metrics | grep huxin_",
    ):
        playing.console.print(command, style="cyan", soft_wrap=True, markup=False)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    playing.console.print(f"\nEnded. The homes stay in {playing.folder} until the next demo.")


def _ended(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the demo like Ctrl-C, so that no node is left behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
