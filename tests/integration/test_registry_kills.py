"""SIGKILL at random moments of what changes the trust registry: never less, never more, never half.

Moments are drawn from a seed, in four ways: over all the time that an operation took when it was left alone; while it
verifies, in the folder of its refresh; over its last part, from the moment on at which everything is verified (that
folder is gone) and about to be committed; and from the moment on at which others see the change. A process that had
ended before its moment is no kill and not counted. After each kill the database opens, and holds exactly what it held
before or exactly what the whole operation comes to, as the rules say it, records and files alike; then the same
operation is repeated and completes.
"""

from __future__ import annotations

import asyncio
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from node.app import registry_commands
from node.app.registering import registry_record
from node.clock import SystemClock
from node.errors import BadSource
from tests.integration.kills import serves
from tests.integration.provinces import ACCEPT, OF_SHANXI, REJECT, verify
from tests.integration.registry_homes import (
    Held,
    Processes,
    archive_of,
    changed,
    following,
    found_pair,
    held_by,
    left_by,
    now,
    says,
)
from tests.support import nodes
from tests.support.http import get
from tests.support.nodes import TestJurisdiction
from tests.support.nursery import Nursery

KILLS = 100
KILLS_OF_NODES = 16
"""Of these, kills of serving nodes; the others are of commands."""
KILLS_ON_POSTGRESQL = 12
SEED = 20261122


@dataclass
class Operation:
    """A command that changes the registry of one home.

    `prepare` gives it something to do and answers its arguments; `complete` does the same once more, whole.
    """

    name: str
    home: TestJurisdiction
    prepare: Callable[[int], Awaitable[list[str | Path]]]
    complete: Callable[[], Awaitable[object]]
    took: float = 0.0
    ending: float = 0.0
    """Seconds: of all of it, and of its part after everything is verified."""
    outcomes: Counter[str] = field(default_factory=Counter)


def operations(shanxi: TestJurisdiction, guizhou: TestJurisdiction, folder: Path) -> list[Operation]:
    """Shanxi publishes; it takes over what Guizhou handed over as a file; Guizhou takes over Shanxi's archive."""
    archive, handed = folder / "registry.zip", folder / "520000.publication"

    async def something_new(number: int) -> list[str | Path]:
        changed(shanxi, number)
        return ["publish"]

    async def handed_over(number: int) -> list[str | Path]:
        changed(guizhou, number)
        publication = await registry_commands.publication_file(guizhou.settings, now)
        assert publication is not None
        handed.write_bytes(publication)
        return ["accept", handed]

    async def carried(_number: int) -> list[str | Path]:
        archive.write_bytes(await archive_of(shanxi))
        return ["refresh", "--from", archive]

    async def accept() -> None:
        with suppress(BadSource):  # taken over already: its version was used
            await registry_commands.accept(shanxi.settings, now, [(handed.name, handed.read_bytes())])

    return [
        Operation("publish", shanxi, something_new, lambda: registry_commands.publish(shanxi.settings, now)),
        Operation("accept", shanxi, handed_over, accept),
        Operation(
            "refresh",
            guizhou,
            carried,
            lambda: registry_commands.refresh_from(guizhou.settings, now, archive.read_bytes()),
        ),
    ]


async def kill_commands(processes: Processes, every: list[Operation], kills: int, rng: random.Random) -> None:
    """So many kills, in turn; what each one left is checked."""
    number = 0
    for one in every:
        durations, endings = [], []
        for _ in range(3):
            arguments = await one.prepare(number := number + 1)
            begun = time.monotonic()
            pid = await processes.start(one.home, *arguments)
            await processes.verified(pid)
            verified = time.monotonic()
            assert await processes.nursery.wait(pid) == 0
            durations.append(time.monotonic() - begun)
            endings.append(time.monotonic() - verified)
            await _carry(every)
        one.took, one.ending = statistics.median(durations), statistics.median(endings)
    killed = 0
    while killed < kills:
        for one in every:
            killed += await _killed(processes, one, number := number + 1, rng)


async def _carry(every: list[Operation]) -> None:
    """Guizhou knows what Shanxi has: so the next publication of it is the next one."""
    refresh = every[-1]
    await refresh.prepare(0)
    await refresh.complete()


async def _killed(processes: Processes, one: Operation, number: int, rng: random.Random) -> bool:
    """One process of an operation, killed at a random moment. Whether it was alive then."""
    arguments = await one.prepare(number)
    before = await held_by(one.home)
    pid = await processes.start(one.home, *arguments)
    way = rng.randrange(4)
    if way == 0:
        await asyncio.sleep(rng.uniform(0, one.took))
    elif way == 1:
        await processes.working(pid)
        await asyncio.sleep(rng.uniform(0, 0.005))
    elif way == 2:
        await processes.verified(pid)
        await asyncio.sleep(rng.uniform(0, one.ending))
    else:
        await processes.committed(one.home, before.record.generation, pid)
        await asyncio.sleep(rng.uniform(0, 0.002))
    status = await processes.nursery.end(pid)
    assert status in (0, -signal.SIGKILL), (one.name, number, status)
    one.outcomes["left a folder"] += len(processes.left_over())
    after = await left_by(one.home)
    if after == before:
        assert status != 0, (one.name, number)
        outcome = "before"
    else:
        assert after == await following(before, after.files), (one.name, number)
        assert before.record.generation + 1 == after.record.generation, (one.name, number)
        outcome = "after" if status else "ended"
    assert (await processes.status(one.home))["snapshot_version"] == after.record.snapshot_version
    await one.complete()
    whole = await held_by(one.home)
    assert (whole == after) == (outcome != "before"), (one.name, number)
    assert whole.record.snapshot_version > before.record.snapshot_version
    one.outcomes[outcome] += 1
    return outcome != "ended"


async def kill_nodes(
    processes: Processes, homes: tuple[TestJurisdiction, TestJurisdiction], kills: int, rng: random.Random
) -> Counter[str]:
    """So many kills of two serving nodes that release, publish and refresh without a pause: of one, then of the other.

    By division, how many lives had changed the registry before they ended.
    """
    busy: Counter[str] = Counter()
    living = {one.division: await processes.serve(one) for one in homes}
    for number in range(kills):
        one = homes[number * 2 // kills]
        await asyncio.gather(*map(serves, homes))
        before = await held_by(one)
        changed(one, 1_000 + number)

        async def at_work(one: TestJurisdiction = one, before: Held = before) -> bool:
            return (await held_by(one)).record.generation > before.record.generation

        if number % 2:
            await nodes.eventually(at_work, 20)
        await asyncio.sleep(rng.uniform(0, 0.2))
        await processes.nursery.kill(living[one.division])
        after = await left_by(one)
        assert (await processes.status(one))["snapshot_version"] == after.record.snapshot_version
        _require_no_less(before, after, number)
        if after.record.generation > before.record.generation:
            busy[one.division] += 1
            # In one step what took the node several: the newest is the same, whole and verified.
            newest = (await following(before, after.files)).record
            assert _newest(newest.facts) == _newest(after.record.facts), number
            assert (newest.standings, newest.ends) == (after.record.standings, after.record.ends), number
        living[one.division] = await processes.serve(one)
    for one in homes:
        await serves(one)

        async def told(one: TestJurisdiction = one) -> bool:
            return all([says(await held_by(each), one) for each in homes])

        await nodes.eventually(told, 20)
    for pid in living.values():
        await processes.nursery.kill(pid)
    return busy


def _newest(facts: object) -> object:
    assert isinstance(facts, tuple)
    return [(each.division, each.kind, each.name, each.digest) for each in facts if each.known_until is None]


def _require_no_less(before: Held, after: Held, number: int) -> None:
    """What was known is known, and ends at most; nothing went back."""
    known = {(each.division, each.kind, each.name, each.digest, each.known_from) for each in after.record.facts}
    missing = [
        each
        for each in before.record.facts
        if (each.division, each.kind, each.name, each.digest, each.known_from) not in known
    ]
    assert not missing, number
    for name in ("generation", "root_version", "snapshot_version", "signed_at"):
        assert getattr(before.record, name) <= getattr(after.record, name), (name, number)


async def serve_at_last(shanxi: TestJurisdiction, guizhou: TestJurisdiction) -> None:
    """Both start, are ready, and decide as they must."""
    async with nodes.running([shanxi, guizhou], SystemClock()):
        number = await nodes.create_report(shanxi)
        bundle = await nodes.download(shanxi, number)
        await nodes.caught_up(guizhou, shanxi, 1)
        for one in (shanxi, guizhou):
            assert one.node is not None
            assert (await get(one.node.operations_port, "/readyz")).status == 200
        verdict = await verify(guizhou, bundle, shanxi.subject, OF_SHANXI)
        assert (verdict.decision, list(verdict.reasons)) == (ACCEPT, [])
        altered = bundle.replace(number.encode(), number[::-1].encode())
        assert altered != bundle
        with suppress(grpc.aio.AioRpcError):  # refused as unreadable, or judged: accepted never
            assert (await verify(guizhou, altered, shanxi.subject, OF_SHANXI)).decision == REJECT
        record = await registry_record(guizhou.settings)
        assert record is not None
        assert [each.problem for each in record.standings] == ["", ""]


async def test_a_hundred_kills_of_everything_that_changes_the_registry(tmp_path: Path) -> None:
    await kill_and_check(tmp_path, ("", ""), KILLS, KILLS_OF_NODES)


async def test_kills_of_everything_that_changes_the_registry_on_postgresql(
    tmp_path: Path, postgres_urls: list[str]
) -> None:
    shanxi, guizhou = postgres_urls
    await kill_and_check(tmp_path, (shanxi, guizhou), KILLS_ON_POSTGRESQL, 0)


async def kill_and_check(folder: Path, databases: tuple[str, str], kills: int, of_nodes: int) -> None:
    """So many kills, `of_nodes` of them of serving nodes, and a start of both nodes after the last one."""
    (folder / "tmp").mkdir()
    rng = random.Random(SEED)  # noqa: S311 - no secret
    shanxi, guizhou = await found_pair(folder, databases)
    nursery = await Nursery.open()
    try:
        processes = Processes(nursery, folder)
        await processes.status(shanxi)
        every = operations(shanxi, guizhou, folder)
        await kill_commands(processes, every, kills - of_nodes, rng)
        busy = await kill_nodes(processes, (shanxi, guizhou), of_nodes, rng) if of_nodes else Counter()
        # A folder that a killed refresh left is gone after the next one.
        arguments = await every[0].prepare(0)
        assert await nursery.wait(await processes.start(shanxi, *arguments)) == 0
        assert processes.left_over() == []
    finally:
        await nursery.close()
    await serve_at_last(shanxi, guizhou)
    outcomes = {one.name: dict(one.outcomes) for one in every}
    print(f"seed {SEED}: {outcomes}; of {of_nodes} kills of nodes, busy: {dict(busy)}")  # noqa: T201
    reached: Counter[str] = sum((one.outcomes for one in every), Counter())
    assert reached["before"] + reached["after"] + of_nodes >= kills
    # The kills hit what they were meant to hit.
    assert reached["before"]
    assert reached["after"]
    if of_nodes:  # there are enough of them to hit everything
        assert all(one.outcomes["before"] and one.outcomes["after"] for one in every)
        assert reached["left a folder"]
        assert set(busy) == {"140000", "520000"}
