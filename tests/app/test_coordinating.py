"""The coordinator's door: what is handed over is taken over or refused in words; nothing is signed that is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tuf.api.metadata import Targets, Timestamp

from node.app.coordinating import Coordinating
from node.errors import InvalidInput, NotFound, NotPermitted
from node.registry.keeping import TrustRegistry
from node.registry.keys import RegistrySigner
from node.registry.metadata import SIGNED_AT_FIELD, read_metadata, signed_bytes
from node.registry.publishing import Publication, next_publication
from node.registry.refresh import LIMITS
from node.registry.release import Changes
from node.storage.database import Database
from node.storage.registry_store import RegistryStore
from tests.support.clock import SettableClock
from tests.support.nodes import eventually, until
from tests.support.registry import (
    DAY,
    FOUNDED,
    HOUR,
    PUBLICATION_LIFE,
    bundle_of,
    online,
    root_document,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key
from trust.continuity import require_continues

A, B = "140000", "520000"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(FOUNDED)


@pytest.fixture
async def registry(tmp_path: Path, clock: SettableClock) -> AsyncIterator[TrustRegistry]:
    """Joined, A and B delegated to."""
    database = await Database.open(f"sqlite:///{tmp_path}/node.db")
    await database.migrate()
    found = TrustRegistry(RegistryStore(database), require_continues, clock.now)
    document = root_document()
    await found.join(signed(document, "root 140000", "root 520000"), document.digest)
    targets = signed(targets_document(A, B), "root 140000", "root 520000")
    await found.release(Changes(targets=targets), online())
    yield found
    await database.close()


async def made(registry: TrustRegistry, division: str = B, bundle: bytes = b"", signer: str = "") -> Publication:
    content = {f"{division}/bundle": bundle or sealed(bundle_of(division))}
    by = RegistrySigner(key(signer or f"registry {division}"))
    found = next_publication(await registry.files(), division, content, by, FOUNDED, PUBLICATION_LIFE)
    assert found is not None
    return found


async def test_a_publication_is_in_the_snapshot_that_is_answered(registry: TrustRegistry) -> None:
    door = Coordinating(registry, online(), lambda: FOUNDED)
    publication = await made(registry)
    version = await door.publish(B, publication.metadata, publication.files)
    assert f"{version}.snapshot.json" in await registry.files()
    assert await door.file(f"1.{B}.json") == publication.metadata
    with pytest.raises(NotFound):
        await door.file("nothing.json")


async def test_a_mirror_releases_nothing(registry: TrustRegistry) -> None:
    door = Coordinating(registry, None, lambda: FOUNDED)
    publication = await made(registry)
    with pytest.raises(NotPermitted) as caught:
        await door.publish(B, publication.metadata, publication.files)
    assert caught.value.reason == "NOT_COORDINATOR"
    await asyncio.wait_for(door.keep(3600), 5)


async def test_whatever_is_handed_over_is_refused_in_words(registry: TrustRegistry, clock: SettableClock) -> None:
    """A peer can hand over anything: it learns why it is refused, and none of it is our own trouble."""
    door = Coordinating(registry, online(), lambda: FOUNDED)
    good = await made(registry)
    listed = read_metadata(good.metadata, Targets)
    listed.version = 10**400
    far = signed_bytes(listed, RegistrySigner(key(f"registry {B}")))
    listed.version, listed.targets[f"{A}/bundle"] = 1, listed.targets[f"{B}/bundle"]
    foreign = signed_bytes(listed, RegistrySigner(key(f"registry {B}")))
    stranger = await made(registry, signer="stranger")
    handed: list[tuple[str, bytes, dict[str, bytes]]] = [
        (B, b"", {}),
        (B, b"[" * 50_000, {}),
        (B, b'{"signed": {}}', {}),
        (B, b"{" * (LIMITS.targets_max_length + 1), {}),
        (B, far, dict(good.files)),
        (B, foreign, dict(good.files)),
        (B, stranger.metadata, dict(stranger.files)),
        (B, good.metadata, {}),
        (B, good.metadata, {f"{B}/bundle": b"other bytes"}),
        (B, good.metadata, {**good.files, f"{B}/more": b"not listed"}),
        (B, good.metadata, {f"{B}/bundle": sealed(bundle_of(A))}),
        (A, good.metadata, dict(good.files)),
        ("620100", good.metadata, dict(good.files)),
        ("../../", good.metadata, dict(good.files)),
    ]
    before = await registry.files()
    for division, metadata, files in handed:
        with pytest.raises(InvalidInput) as caught:
            await door.publish(division, metadata, files)
        assert (caught.value.field, caught.value.reason) == ("publication", "PUBLICATION_REFUSED")
    assert await registry.files() == before
    clock.advance(HOUR)
    await door.publish(B, good.metadata, good.files)
    with pytest.raises(InvalidInput, match="publish again"):
        await door.publish(B, good.metadata, good.files)


async def test_two_at_once_are_taken_one_after_the_other(registry: TrustRegistry) -> None:
    door = Coordinating(registry, online(), lambda: FOUNDED)
    one, other = await made(registry, A), await made(registry, B)
    versions = await asyncio.gather(
        door.publish(A, one.metadata, one.files), door.publish(B, other.metadata, other.files)
    )
    assert sorted(versions) == [2, 3]


async def test_the_timestamp_is_signed_again_and_again(registry: TrustRegistry, clock: SettableClock) -> None:
    """Also after a failure: a clock that went back, and was put right."""
    door = Coordinating(registry, online(), lambda: FOUNDED)

    async def signed_at() -> str:
        found = read_metadata(await registry.file("timestamp.json"), Timestamp)
        return str(found.unrecognized_fields[SIGNED_AT_FIELD])

    async def signed_on(day: int) -> bool:
        return await signed_at() == f"{FOUNDED + day * DAY:%Y-%m-%dT%H:%M:%SZ}"

    with capture_logs() as logs:
        task = asyncio.create_task(door.keep(0.01))
        try:
            for day in (1, 2):
                clock.set(FOUNDED + day * DAY)
                await eventually(partial(signed_on, day))
            clock.set(FOUNDED)
            await until(lambda: any(each["event"] == "registry_not_released" for each in logs))
            assert logs[-1]["reason"] == "REGISTRY_CLOCK"
            assert await signed_on(2)
            clock.set(FOUNDED + 3 * DAY)
            await eventually(partial(signed_on, 3))
            assert not task.done()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
