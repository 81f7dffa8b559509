"""One log, measured by a process of its own: from start to ready, proofs, memory. Prints its figures as JSON.

Rates are given twice: by the clock, and by the processor time that the whole process used, which is the rate of one
core whatever else the machine does meanwhile. Entries that are proven lie anywhere in the log.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import uvloop

from node.gathering import Gathering
from node.ledger.assembly import load_frontier
from node.ledger.feed import Feed
from node.ledger.heads import HeadBoard
from node.ledger.sequencer import LogKeys, Sequencer
from node.ledger.subtrees import SubtreeReader
from node.storage.database import Database
from node.storage.log_store import LogStore
from ops.bench.scale.logs import new_keys, random_indexes
from ops.bench.scale.process import one_check_seconds, resident_bytes
from ops.bench.world import CLIENT_CORE
from trust.log import proofs
from trust.log.tree import leaf_hash

Figures = dict[str, float]
Prove = Callable[[int], Awaitable[object]]

REPETITIONS = 5
CALLS = {
    "inclusion": {1: 1_000, 64: 20_000},
    "consistency": {1: 1_000, 64: 5_000},
    "storage_only": {1: 1_000, 64: 5_000},
}
"""Callers -> proofs per repetition. Five times 20,000 meet most tiles above the leaves of ten million entries."""
COLD_CALLS = 1_000
CHECKED = 200
_READ_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls per second by the clock, and per second of the process's own processor time."""

    clock: float
    processor: float


async def measure(file: Path) -> Figures:
    """Everything about the log in this file. It must not be open anywhere else."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    keys = new_keys()
    figures: Figures = {"memory_before_bytes": resident_bytes()}
    _forget(file)
    figures["ready_cold_seconds"] = await _seconds_to_ready(file, keys)
    figures["ready_warm_seconds"] = await _seconds_to_ready(file, keys)
    database = await Database.open(f"sqlite:///{file}")
    store = LogStore(database)
    head = await store.head(keys.origin)
    if head is None:
        raise LookupError(f"{file} holds no log of {keys.origin}: make it again")
    size = head.size
    _forget(file)
    await _checked(Feed(store, keys.origin, HeadBoard()), store, keys.origin, size, head.root)
    cold = await _rate(Feed(store, keys.origin, HeadBoard()).prove, random_indexes(size, COLD_CALLS, 1), 64)
    figures["inclusion_disk_cold_rate_64"] = cold.clock
    _read_through(file)
    reader = SubtreeReader(store, keys.origin)

    async def consistency(old: int) -> object:
        plan = proofs.consistency_plan(old + 1, size)
        return plan.fold(await reader.roots(plan.subtrees))

    async def from_storage(index: int) -> object:
        plan = proofs.inclusion_plan(index, size)
        # Remembers nothing: every tile of the path is read.
        return plan.fold(await SubtreeReader(store, keys.origin, 0, 0).roots(plan.subtrees))

    feed = Feed(store, keys.origin, HeadBoard())

    async def inclusion(index: int) -> object:
        return await feed.prove(index)

    for name, prove in {"inclusion": inclusion, "consistency": consistency, "storage_only": from_storage}.items():
        for callers, count in CALLS[name].items():
            rates = [
                await _rate(prove, random_indexes(size, count, turn * 100 + callers), callers)
                for turn in range(REPETITIONS)
            ]
            figures[f"{name}_first_rate_{callers}"] = rates[0].clock
            figures[f"{name}_rate_{callers}"] = median(rate.clock for rate in rates)
            figures[f"{name}_per_core_second_{callers}"] = median(rate.processor for rate in rates)
    await database.close()
    figures["ed25519_verify_processor_seconds"] = one_check_seconds()
    figures["memory_after_bytes"] = resident_bytes()
    return figures


async def _seconds_to_ready(file: Path, keys: LogKeys) -> float:
    """What a node does with its log before it serves: open, migrate, tell the newest head, load the frontier."""
    began = time.perf_counter()
    database = await Database.open(f"sqlite:///{file}")
    await database.migrate()
    store = LogStore(database)
    await Sequencer(store, keys, HeadBoard(), lambda: datetime.now(UTC), Gathering()).recall()
    head = await store.head(keys.origin)
    frontier = await load_frontier(store, keys.origin, 0 if head is None else head.size)
    seconds = time.perf_counter() - began
    if head is None or frontier.root() != head.root:
        raise AssertionError("the loaded frontier is not the tree of the head")
    await database.close()
    return seconds


async def _checked(feed: Feed, store: LogStore, origin: str, size: int, root: bytes) -> None:
    """Proofs of this log hold for the entries that are stored."""
    for index in (0, size - 1, *random_indexes(size, CHECKED, 0)):
        (entry,) = await store.entries(origin, index, 1)
        proof = await feed.prove(index)
        proofs.verify_inclusion(leaf_hash(entry), index, size, proof.hashes, root)


async def _rate(prove: Prove, indexes: list[int], callers: int) -> Rate:
    waiting = iter(indexes)

    async def caller() -> None:
        for index in waiting:
            await prove(index)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return Rate(len(indexes) / (time.perf_counter() - began), len(indexes) / (time.process_time() - used))


def _forget(file: Path) -> None:
    """The system forgets what it has in memory of this file."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_through(file: Path) -> None:
    """The system has as much of this file in memory as it can."""
    with file.open("rb", buffering=0) as opened:
        while opened.read(_READ_BYTES):
            pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    gc.set_threshold(50_000, 20, 100)  # as a node that serves (`node/app/running.py`)
    print(json.dumps(uvloop.run(measure(parser.parse_args().file))))
