"""A node that slept through twenty changes of the root keys wakes up and verifies, without the coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from node.app import trust_keeper
from node.app.registering import registry_in, registry_record
from node.app.storing import open_database
from node.registry.ceremony import RootChanges, next_root, next_targets
from node.registry.documents import RootDocument, TargetsDocument, read_root, read_targets
from node.registry.release import Changes
from node.registry.signatures import require_complete
from tests.integration import federated, registry_lies
from tests.integration.federated import COORDINATOR, DAY, ISSUER, World
from tests.integration.provinces import ACCEPT, REFER
from tests.support import nodes
from tests.support.registry import signed
from tests.support.trust import key

ROTATIONS = 20
HOLDERS = ("110000", "120000", "130000")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)


def rotations(root: RootDocument) -> Iterator[tuple[RootDocument, bytes, tuple[str, ...]]]:
    """Each next root with its file and the names of the keys that its holders have then: one is new each time."""
    names = {division: f"root {number}" for number, division in enumerate(HOLDERS, 1)}
    for turn in range(ROTATIONS):
        division = HOLDERS[turn % len(HOLDERS)]
        before = {**names}
        names[division] = f"root {division} {turn}"
        changes = RootChanges(replace={division: key(names[division]).public})
        following = next_root(root, changes, root.expires + DAY)
        # Two of the holders before, who are holders still, and the new one: enough of both.
        signers = [name for each, name in before.items() if each != division] + [names[division]]
        file = signed(following, *signers)
        require_complete(read_root(file), root)
        root = following
        yield root, file, tuple(names.values())


async def test_a_node_that_slept_through_twenty_root_rotations(tmp_path: Path) -> None:
    template = await federated.prepare(tmp_path / "template")
    async with federated.world_of(template, tmp_path / "homes", ()) as world, AsyncExitStack() as exits:
        first = read_root(world.held["1.root.json"])
        roots = list(rotations(first))
        last, _, names = roots[-1]
        assert last.version == ROTATIONS + 1
        assert not {each.key_id for each in last.holders.values()} & {each.key_id for each in first.holders.values()}
        await _released(world, [file for _, file, _ in roots], read_targets(world.held["1.targets.json"]), names)
        news = await world.files_of(world.members[COORDINATOR])
        await federated.learned(world.shanxi, world.clock, news)

        await exits.enter_async_context(nodes.running([world.guizhou], world.clock))
        assert (await world.ask()).decision == REFER, "what it knows is nine days old"
        await exits.enter_async_context(nodes.running([world.shanxi], world.clock))
        await nodes.eventually(lambda: _accepts(world))
        assert (await world.refreshes(COORDINATOR)).keys() <= {"REGISTRY_UNREACHABLE"}
        assert (await world.refreshes(ISSUER))["OK"] > 0
        record = await registry_record(world.guizhou.settings)
        assert record is not None
        assert record.root_version == ROTATIONS + 1
        held = await world.files()
        assert {name for name in held if name.endswith(".root.json")} >= {f"{ROTATIONS + 1}.root.json"}
        assert registry_lies.newest(held, "targets") == "2.targets.json"


async def _released(world: World, roots: list[bytes], targets: TargetsDocument, names: tuple[str, ...]) -> None:
    """Nine days later the coordinator releases all of it; the last holders have signed the delegations anew."""
    world.clock.advance(9 * DAY)
    anew = signed(next_targets(targets, targets.expires), *names[:2])
    async with open_database(world.members[COORDINATOR].settings) as database:
        registry = registry_in(database, world.clock.now)
        await registry.release(Changes(roots=roots, targets=anew), world.online)


async def _accepts(world: World) -> bool:
    return (await world.ask()).decision == ACCEPT
