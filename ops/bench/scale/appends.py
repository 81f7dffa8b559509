"""Commits of a long log beside those of a short one, in turn, so that what else the disk does meets both."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from node.ledger.assembly import assemble, load_frontier
from node.ledger.sequencer import LogKeys
from node.storage.database import Database
from node.storage.log_store import LogStore
from ops.bench.scale.logs import SyntheticEntries, new_keys, signed_head
from trust.log.tree import Frontier

Figures = dict[str, float]

COMMITS = {16: 200, 64: 100, 256: 50}
"""Entries of a group -> commits per repetition: each repetition goes through some checkpoints of the database."""
REPETITIONS = 5
_WARMING = 20


@dataclass(slots=True)
class OpenLog:
    """A log that is being extended."""

    database: Database
    store: LogStore
    keys: LogKeys
    entries: SyntheticEntries
    frontier: Frontier

    async def commit(self, group: int) -> float:
        """Seconds that one durable commit of so many entries took, with tree and signed head, checkpoints included."""
        size = self.frontier.size
        drafts = self.entries.drafts(size, size + group)
        began = time.perf_counter()
        batch = assemble(self.frontier, drafts)
        await self.store.append(size, signed_head(self.keys, batch.frontier), batch.entries, batch.subtrees)
        self.frontier = batch.frontier
        return time.perf_counter() - began


async def open_log(file: Path) -> OpenLog:
    """The log of a file, ready to be extended."""
    keys = new_keys()
    database = await Database.open(f"sqlite:///{file}")
    store = LogStore(database)
    head = await store.head(keys.origin)
    frontier = await load_frontier(store, keys.origin, 0 if head is None else head.size)
    return OpenLog(database, store, keys, SyntheticEntries(), frontier)


async def measure_appends(short: Path, long: Path) -> Figures:
    """Seconds per commit, and long against short. The short log is taken anew for each repetition; the long one grows.

    The ratios are of means, so that checkpoints count.
    """
    figures: Figures = {}
    extended = await open_log(long)
    for group, commits in COMMITS.items():
        means: dict[str, list[float]] = {"short": [], "long": []}
        medians: dict[str, list[float]] = {"short": [], "long": []}
        for _ in range(REPETITIONS):
            copy = short.with_suffix(".copy.db")
            shutil.copyfile(short, copy)
            beside = await open_log(copy)
            for name, log in (("short", beside), ("long", extended)):
                for _ in range(_WARMING):
                    await log.commit(16)
                seconds = [await log.commit(group) for _ in range(commits)]
                means[name].append(mean(seconds))
                medians[name].append(median(seconds))
            await beside.database.close()
            for leftover in copy.parent.glob(copy.name + "*"):
                leftover.unlink()
        for name, of_each in means.items():
            figures[f"append_{group}_{name}_seconds"] = median(of_each)
            figures[f"append_{group}_{name}_median_seconds"] = median(medians[name])
        figures[f"append_{group}_long_vs_short"] = median(
            one / other for one, other in zip(means["long"], means["short"], strict=True)
        )
    await extended.database.close()
    return figures
