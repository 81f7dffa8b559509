"""`make bench`: speed as ratios against limits measured in the same run, with medians of several repetitions.

The server under measure runs on core 0, the client on core 1, over the same mutual TLS as in service; the bare echo
answers the same request bytes over the same transport, and one raw Ed25519 check is timed on one core. What is said of
goals comes from `docs/performance.md`; figures of one run are comparable with each other and with nothing else.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from ops.bench.measures import Figures, measure_all

RESULT = Path("build/bench.json")

GOALS: dict[str, tuple[str, float]] = {
    "verify_replicated_vs_echo_64": (">=", 0.70),
    "verify_unseen_vs_echo_64": (">=", 0.50),
    "batch_known_item_vs_ed25519_verify": ("<=", 0.7),
    "batch_unseen_item_vs_ed25519_verify": ("<=", 1.6),
    "create_report_vs_echo_64": (">=", 0.25),
    "create_report_p99_seconds_64": ("<=", 0.150),
    "replicate_vs_ed25519_verify_1core": (">=", 3.0),
}


def main() -> None:
    """Measures, prints, and writes build/bench.json."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="huxin-bench-") as folder:
        figures = uvloop.run(measure_all(Path(folder), lambda text: console.print(f"[dim]{text}[/dim]")))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    console.print(_goals(figures))
    console.print(_figures(figures))
    console.print(f"All figures: {RESULT}")


def _goals(figures: Figures) -> Table:
    table = Table(title="Ratios against limits measured in this run", title_justify="left")
    for heading in ("work", "ratio", "goal", ""):
        table.add_column(heading, justify="left" if heading in {"work", ""} else "right")
    for name, (relation, goal) in GOALS.items():
        value = figures[name]
        met = value >= goal if relation == ">=" else value <= goal
        table.add_row(
            name, f"{value:.3f}", f"{relation} {goal:g}", "[green]met[/green]" if met else "[red]missed[/red]"
        )
    return table


def _figures(figures: Figures) -> Table:
    table = Table(title="Behind them", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in sorted(set(figures) - set(GOALS)):
        table.add_row(name, f"{figures[name]:,.6g}")
    return table


if __name__ == "__main__":
    main()
