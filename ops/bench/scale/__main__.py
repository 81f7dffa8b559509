"""`make bench-scale`: logs of ten thousand, a million and ten million entries, beside each other.

Makes the logs (kept for the next run when a folder is named), measures each in a process of its own, then commits to
the longest beside the shortest, then lets a second node catch up with a whole log. What the figures say and what was
measured stands in `docs/performance.md`; absolute figures of one run are comparable with nothing but each other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ops.bench.scale.appends import COMMITS, measure_appends
from ops.bench.scale.catch_up import measure_catch_up
from ops.bench.scale.logs import SyntheticEntries, make_log, new_keys

RESULT = Path("build/bench-scale.json")
SHORT, MIDDLE, LONG = 10_000, 1_000_000, 10_000_000
CATCH_UP = 1_000_000

Figures = dict[str, float]

_Goal = tuple[str, float]


def goals(shortest: int, longest: int) -> dict[str, _Goal]:
    """Figure -> relation and value, from the acceptance of ten-million-entry logs."""
    return {
        **{f"append_{group}_long_vs_short": ("<=", 1.2) for group in COMMITS},
        "inclusion_rate_64": (">=", 5_000),
        "inclusion_per_core_second_64": (">=", 5_000),
        "consistency_per_core_second_64": (">=", 5_000),
        "proof_cost_long_vs_short": ("<=", math.log2(longest) / math.log2(shortest)),
        "ready_cold_seconds": ("<=", 5),
        "catch_up_vs_ed25519_verify_1core": (">=", 3.0),
        "catch_up_memory_grown_bytes": ("<=", 256 << 20),
    }


def main() -> None:
    """Measures, prints, and writes build/bench-scale.json."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--size", type=int, default=LONG, help=f"entries of the longest log (default {LONG:,})")
    parser.add_argument(
        "--catch-up", type=int, default=CATCH_UP, help=f"entries that a late node takes in (default {CATCH_UP:,})"
    )
    parser.add_argument("--folder", type=Path, help="where the logs are made, and kept (default: made and removed)")
    given = parser.parse_args()
    sizes = sorted({min(SHORT, given.size), min(MIDDLE, given.size), given.size})
    console = Console()
    with ExitStack() as exits:
        folder = given.folder or Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="huxin-scale-")))
        folder.mkdir(parents=True, exist_ok=True)
        figures = _measure(console, folder, sizes, min(given.catch_up, given.size))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    console.print(_goal_table(figures, goals(sizes[0], sizes[-1])))
    console.print(_size_table(figures, sizes))
    console.print(_figure_table(figures))
    console.print(f"All figures: {RESULT}")


def _measure(console: Console, folder: Path, sizes: list[int], catch_up: int) -> Figures:
    figures: Figures = {"entry_bytes": float(SyntheticEntries().bytes_each)}
    files = {size: folder / f"{size}.db" for size in sizes}
    for size, file in files.items():
        if not file.exists():
            with _progress(console, f"making {size:,} entries", size) as advance:
                asyncio.run(_make(file, size, advance))
        console.print(f"[dim]proofs of {size:,} entries[/dim]")
        figures |= {f"{name}_at_{size}": value for name, value in _proofs(file).items()}
        figures[f"file_bytes_at_{size}"] = float(file.stat().st_size)
    shortest, longest = sizes[0], sizes[-1]
    for name in ("inclusion_rate_64", "inclusion_per_core_second_64", "consistency_per_core_second_64"):
        figures[name] = figures[f"{name}_at_{longest}"]
    figures["ready_cold_seconds"] = figures[f"ready_cold_seconds_at_{longest}"]
    # Without memory of tiles: what a proof costs when the log is too long for them, which a short one never is. And one
    # at a time: of a short log 64 callers read the same tiles, in one query, so that most of them pay nothing.
    for name, cost in {
        "proof_cost_long_vs_short": "storage_only_per_core_second_1",
        "proof_cost_long_vs_short_64": "storage_only_per_core_second_64",
    }.items():
        figures[name] = figures[f"{cost}_at_{shortest}"] / figures[f"{cost}_at_{longest}"]
    console.print(f"[dim]commits to {longest:,} entries and to {shortest:,}, in turn[/dim]")
    figures |= uvloop.run(measure_appends(files[shortest], files[longest]))
    with (
        tempfile.TemporaryDirectory(prefix="huxin-catch-up-", dir=folder) as home,
        _progress(console, f"making {catch_up:,} entries, then catching up", 2 * catch_up) as advance,
    ):
        figures |= uvloop.run(measure_catch_up(Path(home), catch_up, advance))
    figures["catch_up_memory_grown_bytes"] = (
        figures["catch_up_memory_most_bytes"] - figures["catch_up_memory_before_bytes"]
    )
    return figures


async def _make(file: Path, size: int, advance: Callable[[int], object]) -> None:
    # Made under another name: what a stopped run leaves is no log.
    unfinished = file.with_suffix(".unfinished")
    for leftover in unfinished.parent.glob(unfinished.name + "*"):
        leftover.unlink()
    await make_log(unfinished, size, new_keys(), advance)
    unfinished.rename(file)


def _proofs(file: Path) -> Figures:
    command = [sys.executable, "-m", "ops.bench.scale.proofs", str(file)]
    found: Figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


@contextmanager
def _progress(console: Console, text: str, total: int) -> Iterator[Callable[[int], object]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.advance(task, done)


def _goal_table(figures: Figures, wanted: dict[str, _Goal]) -> Table:
    table = Table(title="Against the goals", title_justify="left")
    for heading in ("work", "found", "goal", ""):
        table.add_column(heading, justify="left" if heading in {"work", ""} else "right")
    for name, (relation, goal) in wanted.items():
        value = figures[name]
        met = value >= goal if relation == ">=" else value <= goal
        table.add_row(
            name, f"{value:,.4g}", f"{relation} {goal:,.4g}", "[green]met[/green]" if met else "[red]missed[/red]"
        )
    return table


def _size_table(figures: Figures, sizes: list[int]) -> Table:
    table = Table(title="By length of the log", title_justify="left")
    table.add_column("figure")
    for size in sizes:
        table.add_column(f"{size:,}", justify="right")
    names = sorted({name.rsplit("_at_", 1)[0] for name in figures if "_at_" in name})
    for name in names:
        table.add_row(name, *(f"{figures[f'{name}_at_{size}']:,.5g}" for size in sizes))
    return table


def _figure_table(figures: Figures) -> Table:
    table = Table(title="Behind them", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in sorted(name for name in figures if "_at_" not in name):
        table.add_row(name, f"{figures[name]:,.6g}")
    return table


if __name__ == "__main__":
    main()
