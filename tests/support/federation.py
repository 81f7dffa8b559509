"""Running jurisdictions that share a trust registry: founded by a ceremony in small, each joined by its digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from node.app import trusting
from node.app.registering import online_of, publisher_of, registry_in, to_publish
from node.app.storing import open_database
from node.registry.documents import Delegation, RootDocument, TargetsDocument
from node.registry.publishing import next_publication
from node.registry.release import Changes
from tests.support.nodes import THE_DAY, TestJurisdiction
from tests.support.registry import DAY, Offered, public, signed
from trust import keys
from trust.algorithms import PublicKey, Suite

SIGNERS = ("root 1", "root 2")


def key_at(path: Path) -> PublicKey:
    """The public half of a key file, made when it is not there."""
    if not path.exists():
        keys.save(keys.generate(Suite.ED25519), path)
    return keys.load(path).public


def root_of(coordinator: TestJurisdiction, now: datetime = THE_DAY, version: int = 1) -> RootDocument:
    """A root that two of three must sign; the holders are synthetic and take no part otherwise."""
    registry = coordinator.settings.registry
    return RootDocument(
        version=version,
        expires=now + 365 * DAY,
        holders={"110000": public("root 1"), "120000": public("root 2"), "130000": public("root 3")},
        threshold=2,
        coordinator=coordinator.division,
        snapshot=key_at(registry.snapshot_key),
        timestamp=key_at(registry.timestamp_key),
    )


def targets_of(members: Sequence[TestJurisdiction], now: datetime = THE_DAY, version: int = 1) -> TargetsDocument:
    """Delegations to these jurisdictions' registry keys."""
    found = {one.division: key_at(one.settings.registry.key) for one in members}
    return TargetsDocument(
        version=version,
        expires=now + 365 * DAY,
        delegations={division: Delegation({each.key_id: each}, 1) for division, each in found.items()},
    )


async def federate(members: Sequence[TestJurisdiction], now: datetime = THE_DAY) -> bytes:
    """Founds a registry at the first of them; all publish and join it. The root document. Nobody runs meanwhile."""
    coordinator = members[0]
    root, targets = root_of(coordinator, now), targets_of(members, now)
    root_file, targets_file = signed(root, *SIGNERS), signed(targets, *SIGNERS)
    online = online_of(coordinator.settings)
    assert online is not None
    async with open_database(coordinator.settings) as database:
        registry = registry_in(database, lambda: now)
        await registry.join(root_file, root.digest)
        await registry.release(Changes(targets=targets_file), online)
        for one in members:
            state = trusting.trusted_state(one.settings)
            signer = publisher_of(one.settings)
            assert signer is not None
            content = to_publish(one.settings, state)
            made = next_publication(await registry.files(), one.division, content, signer, now, timedelta(days=90))
            assert made is not None
            await registry.release(Changes(publications=(made,)), online)
        archive = await registry.files()
    for one in members[1:]:
        async with open_database(one.settings) as database:
            registry = registry_in(database, lambda: now)
            await registry.join(root_file, root.digest)
            await registry.refresh(Offered(archive))
    return root_file
