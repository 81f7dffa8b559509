"""What a dishonest mirror, thief or coordinator offers in place of the registry: each lie with why it is refused.

The keys are the real ones of the test's federation, as far as the liar has them: Lanzhou its own, a holder of a root
key that one, a dishonest coordinator the online keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, Snapshot

from node.app import trusting
from node.app.registering import publisher_of
from node.registry.documents import Delegation
from node.registry.keys import RegistrySigner
from node.registry.metadata import described, read_metadata, served_name, target_of
from node.registry.publishing import Publication
from node.registry.release import Changes
from tests.integration.federated import COORDINATOR, ISSUER, LIAR, Answer, Files, World
from tests.support.federation import key_at, root_of, targets_of
from tests.support.registry import public, signed
from tests.support.trust import key

NO_CHANGES = Changes()


def newest(files: Files, role: str) -> str:
    """Name of the newest file of a role."""
    return max((name for name in files if name.endswith(f".{role}.json")), key=lambda name: int(name.split(".")[0]))


def resigned(data: bytes, change: Callable[[Any], None], signer: Signer) -> bytes:
    """Metadata with something changed, signed by one key."""
    metadata: Metadata[Any] = Metadata.from_bytes(data)
    change(metadata.signed)
    metadata.signatures.clear()
    metadata.sign(signer)
    return metadata.to_bytes()


def stamped(world: World, files: Files, change: Callable[[Any], None]) -> Files:
    """One more timestamp with something changed, by the coordinator's key."""

    def renewed(found: Any) -> None:
        found.version += 1
        change(found)

    return {**files, "timestamp.json": resigned(files["timestamp.json"], renewed, world.online.timestamp)}


def relisted(world: World, change: Callable[[Any], None], extra: Files | None = None) -> Files:
    """One more snapshot with something changed, by the coordinator's keys, as fresh as an honest one."""
    return relisted_over(world, world.release(NO_CHANGES), change, extra)


def relisted_over(world: World, files: Files, change: Callable[[Any], None], extra: Files | None = None) -> Files:
    """The same after a release."""
    version = int(newest(files, "snapshot").split(".")[0]) + 1

    def renewed(found: Any) -> None:
        found.version = version
        change(found)

    fresh = resigned(files[newest(files, "snapshot")], renewed, world.online.snapshot)

    def pointing(found: Any) -> None:
        found.snapshot_meta = described(fresh, version)

    return stamped(world, {**files, **(extra or {}), f"{version}.snapshot.json": fresh}, pointing)


def next_of_shanxi(world: World) -> Files:
    """An honest release with news of Shanxi."""
    trusting.export_bundle(world.shanxi.settings, world.clock.now())
    return world.release(Changes(publications=(world.publication(world.shanxi),)))


# By a mirror alone ---------------------------------------------------------------------------------------------------


def rollback(world: World) -> Files:
    return world.before


def snapshot_of_before(world: World) -> Files:
    files = next_of_shanxi(world)
    return {**files, newest(files, "snapshot"): world.held[newest(world.held, "snapshot")]}


def publication_of_before(world: World) -> Files:
    files = next_of_shanxi(world)
    return {**files, newest(files, ISSUER): world.held[newest(world.held, ISSUER)]}


def bundle_altered(world: World) -> Files:
    files = next_of_shanxi(world)
    (name,) = [name for name in files.keys() - world.held.keys() if name.endswith(".bundle")]
    return {**files, name: files[name][:-1] + bytes([files[name][-1] ^ 1])}


def garbage(world: World) -> Files:
    return {**world.release(NO_CHANGES), "timestamp.json": b"\x00\xff no metadata " * 20}


def signed_by_lanzhou(world: World) -> Files:
    """Everything right but the signature."""
    signer = publisher_of(world.members[LIAR].settings)
    assert signer is not None
    files = world.release(NO_CHANGES)
    return {**files, "timestamp.json": resigned(files["timestamp.json"], lambda _found: None, signer)}


def newest_withheld(world: World) -> Files:
    files = next_of_shanxi(world)
    return {name: content for name, content in files.items() if name != newest(files, ISSUER)}


# By holders of root keys, too few of them ----------------------------------------------------------------------------


def root_by_one_holder(world: World) -> Files:
    root = root_of(world.members[COORDINATOR], world.clock.now(), version=2)
    return {**world.release(NO_CHANGES), "2.root.json": signed(root, "root 1")}


def root_by_one_holder_and_its_friends(world: World) -> Files:
    """Enough for the root that it makes, too few for the one before."""
    friends = {"110000": public("root 1"), "120000": public("a friend"), "130000": public("another friend")}
    root = replace(root_of(world.members[COORDINATOR], world.clock.now(), version=2), holders=friends)
    return {**world.release(NO_CHANGES), "2.root.json": signed(root, "root 1", "a friend", "another friend")}


def old_root_as_the_next(world: World) -> Files:
    return {**world.release(NO_CHANGES), "2.root.json": world.held["1.root.json"]}


def shanxis_name_given_to_lanzhou(world: World) -> Files:
    """Delegations by which Lanzhou's key publishes as Shanxi, signed by one holder, listed by the coordinator."""
    honest = targets_of(list(world.members.values()), world.clock.now(), version=2)
    ours = key_at(world.members[LIAR].settings.registry.key)
    delegations = {**honest.delegations, ISSUER: Delegation({ours.key_id: ours}, 1)}
    del delegations[LIAR]
    return world.release(Changes(targets=signed(replace(honest, delegations=delegations), "root 1")))


# By the coordinator itself, or the thief of its online keys ----------------------------------------------------------


def expired(world: World) -> Files:
    return world.release(NO_CHANGES, timestamp_life=-timedelta(seconds=1))


def from_the_future(world: World) -> Files:
    return world.release(NO_CHANGES, world.clock.now() + timedelta(days=30))


def shanxi_left_out(world: World) -> Files:
    def without(found: Any) -> None:
        del found.meta[f"{ISSUER}.json"]

    return relisted(world, without)


def shanxi_of_before_in_a_new_snapshot(world: World) -> Files:
    name = newest(world.before, ISSUER)

    def listing(found: Any) -> None:
        found.meta[f"{ISSUER}.json"] = described(world.before[name], int(name.split(".")[0]))

    return relisted(world, listing, {name: world.before[name]})


def snapshot_of_before_in_a_new_timestamp(world: World) -> Files:
    name = newest(world.before, "snapshot")

    def back(found: Any) -> None:
        found.snapshot_meta = described(world.before[name], read_metadata(world.before[name], Snapshot).version)

    return stamped(world, {**world.held, **world.before, "timestamp.json": world.held["timestamp.json"]}, back)


def twin_of_the_snapshot(world: World) -> Files:
    """Two coordinators, or one with two stories: another snapshot under the number that Guizhou knows."""
    name = newest(world.held, "snapshot")

    def other(found: Any) -> None:
        found.expires += timedelta(seconds=1)

    twin = resigned(world.held[name], other, world.online.snapshot)

    def pointing(found: Any) -> None:
        found.snapshot_meta = described(twin, int(name.split(".")[0]))

    return stamped(world, {**world.held, name: twin}, pointing)


def foreign_publication(world: World) -> Publication:
    """Lanzhou's publication lists a bundle under Shanxi's name."""
    signer = publisher_of(world.members[LIAR].settings)
    assert signer is not None
    path, bundle = f"{ISSUER}/bundle", b"a bundle that Lanzhou made up"
    name = newest(world.held, LIAR)
    version = int(name.split(".")[0]) + 1

    def more(found: Any) -> None:
        found.version = version
        found.targets[path] = target_of(path, bundle)

    return Publication(LIAR, version, resigned(world.held[name], more, signer), {path: bundle})


def signed_by_nobody(metadata: bytes) -> bytes:
    """The same metadata under a key that is delegated nothing."""
    return resigned(metadata, lambda _found: None, RegistrySigner(key("nobody")))


def foreign_path(world: World) -> Files:
    """The coordinator takes that over."""
    made = foreign_publication(world)
    ((path, bundle),) = made.files.items()

    def listing(found: Any) -> None:
        found.meta[f"{LIAR}.json"] = described(made.metadata, made.version)

    served = served_name(path, target_of(path, bundle))
    return relisted(world, listing, {f"{made.version}.{LIAR}.json": made.metadata, served: bundle})


def nonsense_of_lanzhou(world: World) -> Files:
    """The coordinator lists under Lanzhou's name what Lanzhou never signed."""

    def listing(found: Any) -> None:
        found.meta[f"{LIAR}.json"] = described(b"nonsense", 1_000)

    return relisted(world, listing, {f"1000.{LIAR}.json": b"nonsense"})


def versions_used_up(world: World) -> Files:
    def last(found: Any) -> None:
        found.version = 2**31

    return stamped(world, world.held, last)


# By sending ----------------------------------------------------------------------------------------------------------


async def endless(part: int) -> AsyncIterator[bytes]:
    while True:
        yield bytes(part)


async def silent() -> AsyncIterator[bytes]:
    yield bytes(65_536)
    await asyncio.Event().wait()


async def dripping() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)  # the attack itself


def sending(world: World, parts: Callable[[], AsyncIterator[bytes]], only: str) -> Answer:
    """Honest but for the files whose name ends so."""
    world.mirror.serve(next_of_shanxi(world))
    honest = world.mirror.answer
    return lambda name: parts() if name.endswith(only) else honest(name)


Lie = Callable[[World], Files]
LIES: dict[str, tuple[Lie, str]] = {
    "rollback": (rollback, "REGISTRY_ROLLBACK"),
    "mix-and-match: snapshot": (snapshot_of_before, "REGISTRY_MISMATCH"),
    "mix-and-match: publication": (publication_of_before, "REGISTRY_MISMATCH"),
    "altered bundle": (bundle_altered, "REGISTRY_MISMATCH"),
    "garbage": (garbage, "REGISTRY_MALFORMED"),
    "signed by the mirror": (signed_by_lanzhou, "REGISTRY_SIGNATURES"),
    "withheld": (newest_withheld, "REGISTRY_UNREACHABLE"),
    "root by one holder": (root_by_one_holder, "REGISTRY_SIGNATURES"),
    "root by one holder and its friends": (root_by_one_holder_and_its_friends, "REGISTRY_SIGNATURES"),
    "old root as the next": (old_root_as_the_next, "REGISTRY_ROLLBACK"),
    "wrong delegation": (shanxis_name_given_to_lanzhou, "REGISTRY_SIGNATURES"),
    "expired": (expired, "REGISTRY_EXPIRED"),
    "from the future": (from_the_future, "REGISTRY_CLOCK"),
    "jurisdiction left out": (shanxi_left_out, "REGISTRY_MALFORMED"),
    "older publication in a newer snapshot": (shanxi_of_before_in_a_new_snapshot, "REGISTRY_ROLLBACK"),
    "older snapshot in a newer timestamp": (snapshot_of_before_in_a_new_timestamp, "REGISTRY_ROLLBACK"),
    "two coordinators": (twin_of_the_snapshot, "REGISTRY_MISMATCH"),
    "versions used up": (versions_used_up, "REGISTRY_MALFORMED"),
}
SENDING: dict[str, tuple[Callable[[], AsyncIterator[bytes]], str, str]] = {
    "endless root": (lambda: endless(65_536), ".root.json", "REGISTRY_TOO_LARGE"),
    "endless timestamp": (lambda: endless(65_536), "timestamp.json", "REGISTRY_TOO_LARGE"),
    "endless bundle": (lambda: endless(65_536), ".bundle", "REGISTRY_TOO_LARGE"),
    "one part beyond all limits": (lambda: endless(16 << 20), "timestamp.json", "REGISTRY_UNREACHABLE"),
    "endless nothing": (lambda: endless(0), ".root.json", "REGISTRY_UNREACHABLE"),
    "dripping": (dripping, ".root.json", "REGISTRY_UNREACHABLE"),
    "silent": (silent, ".root.json", "REGISTRY_UNREACHABLE"),
}
