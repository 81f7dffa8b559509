"""The registry of one node: joined once, refreshed, released; each change whole, on both databases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from node.errors import BadSource, InvalidInput, NotFound, NotReady
from node.model.registry import RegistryRecord
from node.registry.keeping import TrustRegistry, knowledge_of
from node.registry.keys import RegistrySigner
from node.registry.publishing import next_publication
from node.registry.refresh import NotServed, RefreshFailed
from node.registry.release import Changes
from node.storage.database import Database
from node.storage.registry_store import RegistryStore
from tests.support.clock import SettableClock
from tests.support.registry import (
    DAY,
    FOUNDED,
    HOUR,
    NO_CHANGES,
    PUBLICATION_LIFE,
    SECOND,
    Federation,
    Offered,
    bundle_of,
    online,
    root_document,
    sealed,
    signed,
    targets_document,
)
from tests.support.trust import key
from tests.trust.test_registry import certificate
from trust.continuity import require_continues
from trust.errors import TrustError
from trust.registry import FactKind
from trust.vocabulary import SigningKeyInfo

A, B = "140000", "520000"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(FOUNDED)


@pytest.fixture
def registry(database: Database, clock: SettableClock) -> TrustRegistry:
    return TrustRegistry(RegistryStore(database), require_continues, clock.now)


async def joined(registry: TrustRegistry, federation: Federation, clock: SettableClock) -> RegistryRecord:
    await registry.join(federation.root, root_document().digest)
    clock.set(federation.now)
    return await registry.refresh(Offered(federation.held))


async def test_joining_makes_an_anchor(registry: TrustRegistry) -> None:
    with pytest.raises(NotFound) as nothing:
        await registry.refresh(Offered({}))
    assert nothing.value.reason == "NO_REGISTRY"
    document = root_document()
    data = signed(document, "root 140000", "root 520000")
    record = await registry.join(data, document.digest)
    assert (record.generation, record.root_version, record.signed_at, record.facts) == (0, 1, None, ())
    assert await registry.files() == {"1.root.json": data}
    assert await registry.file("1.root.json") == data
    with pytest.raises(NotFound) as missing:
        await registry.file("timestamp.json")
    assert missing.value.reason == "NO_SUCH_TRUST_FILE"
    with pytest.raises(InvalidInput, match="joined a registry already"):
        await registry.join(data, document.digest)


async def test_another_document_is_not_joined(registry: TrustRegistry) -> None:
    data = signed(root_document(), "root 140000", "root 520000")
    for digest in ("", "0" * 64, root_document(version=2).digest):
        with pytest.raises(BadSource, match="compare all 64 characters"):
            await registry.join(data, digest)
    with pytest.raises(TrustError):
        await registry.join(b"no root", "0" * 64)
    assert await registry.files() == {}


@pytest.mark.parametrize("signers", [(), ("root 140000",), ("nobody", "nobody else")])
async def test_a_root_that_too_few_have_signed_is_not_joined(registry: TrustRegistry, signers: tuple[str, ...]) -> None:
    """Its digest is that of the signed one. Joined, it would refuse every refresh, and a home joins once."""
    document = root_document()
    with pytest.raises(TrustError, match="signatures"):
        await registry.join(signed(document, *signers), document.digest)
    await registry.join(signed(document, "root 140000", "root 620100"), document.digest)


async def test_a_refresh_takes_in_all_or_nothing(registry: TrustRegistry, clock: SettableClock) -> None:
    federation = Federation(A, B)
    record = await joined(registry, federation, clock)
    assert (record.generation, record.snapshot_version) == (1, federation.verified.release.snapshot_version)
    assert record.signed_at == federation.now
    assert {each.division for each in record.standings} == {A, B}
    assert await registry.files() == dict(federation.held)
    assert (await registry.refresh(Offered(federation.held))).generation == 1, "nothing new, nothing written"
    old = federation.held
    federation.release()
    clock.set(federation.now)
    following = await registry.refresh(Offered(federation.held))
    assert following.generation == 2
    with pytest.raises(RefreshFailed):
        await registry.refresh(Offered(old))
    assert await registry.files() == dict(federation.held)


async def test_what_a_record_says_is_what_was_learned(registry: TrustRegistry, clock: SettableClock) -> None:
    record = await joined(registry, Federation(A, B), clock)
    knowledge = knowledge_of(record)
    assert {(fact.division, fact.kind) for fact in knowledge.facts} == {
        (division, kind) for division in (A, B) for kind in (FactKind.BUNDLE, FactKind.KEY)
    }
    assert [each.refreshed_at for each in knowledge.standings.values()] == [record.signed_at] * 2


class Racing:
    """A source during whose answer somebody else has taken in the same."""

    def __init__(self, files: Mapping[str, bytes], other: TrustRegistry, loop: asyncio.AbstractEventLoop) -> None:
        self.files, self.other, self.loop, self.raced = files, other, loop, 0

    def fetch(self, name: str) -> Iterator[bytes]:
        if name == "timestamp.json" and not self.raced:
            self.raced += 1
            asyncio.run_coroutine_threadsafe(self.other.refresh(Offered(self.files)), self.loop).result()
        if name not in self.files:
            raise NotServed
        yield self.files[name]


async def test_two_who_refresh_at_once(registry: TrustRegistry, clock: SettableClock) -> None:
    federation = Federation(A)
    await joined(registry, federation, clock)
    federation.release()
    clock.set(federation.now)
    racing = Racing(federation.held, registry, asyncio.get_running_loop())
    record = await registry.refresh(racing)
    assert racing.raced == 1
    assert record.generation == 2
    assert await registry.files() == dict(federation.held)


class Busy:
    """A store where somebody else is always first."""

    def __init__(self, store: RegistryStore) -> None:
        self.load, self.file, self.files = store.load, store.file, store.files
        self.tried = 0

    async def commit(self, _expected: int | None, _record: RegistryRecord, _files: Mapping[str, bytes]) -> bool:
        self.tried += 1
        return False


async def test_who_is_never_first_gives_up(database: Database, registry: TrustRegistry, clock: SettableClock) -> None:
    federation = Federation(A)
    await joined(registry, federation, clock)
    federation.release()
    clock.set(federation.now)
    busy = Busy(RegistryStore(database))
    with pytest.raises(NotReady) as caught:
        await TrustRegistry(busy, require_continues, clock.now).refresh(Offered(federation.held))
    assert caught.value.reason == "REGISTRY_BUSY"
    assert 1 < busy.tried < 20


class Threads(Offered):
    """Notes on which thread it is asked."""

    def fetch(self, name: str) -> Iterator[bytes]:
        self.threads = getattr(self, "threads", set()) | {threading.get_ident()}
        return super().fetch(name)


async def test_nothing_is_fetched_or_verified_on_the_event_loop(database: Database, clock: SettableClock) -> None:
    """34 members with their certificates take long enough to stop every call."""
    federation, learned = Federation(A), []

    def continues(*_bundles: object) -> None:
        learned.append(threading.get_ident())

    registry = TrustRegistry(RegistryStore(database), continues, clock.now)
    await joined(registry, federation, clock)
    federation.publish(A, sealed(bundle_of(A, 2, federation.now)))
    clock.set(federation.now)
    source = Threads(federation.held)
    await registry.refresh(source)
    assert source.threads
    assert threading.get_ident() not in {*source.threads, *learned}
    assert learned


# The coordinator ----------------------------------------------------------------------------------------------------


async def founded(registry: TrustRegistry) -> None:
    """A registry with A and B delegated to, at its coordinator."""
    document = root_document()
    await registry.join(signed(document, "root 140000", "root 520000"), document.digest)
    targets = signed(targets_document(A, B), "root 140000", "root 520000")
    await registry.release(Changes(targets=targets), online())


async def publish(registry: TrustRegistry, division: str, bundle: bytes = b"", **extra: bytes) -> RegistryRecord:
    content = {f"{division}/bundle": bundle or sealed(bundle_of(division)), **extra}
    signer = RegistrySigner(key(f"registry {division}"))
    made = next_publication(await registry.files(), division, content, signer, FOUNDED, PUBLICATION_LIFE)
    assert made is not None
    return await registry.release(Changes(publications=(made,)), online())


async def test_a_release_is_verified_and_committed(registry: TrustRegistry, clock: SettableClock) -> None:
    await founded(registry)
    clock.advance(SECOND)
    record = await publish(registry, A)
    assert [each.division for each in record.standings] == [A]
    clock.advance(HOUR)
    renewed = await registry.release(NO_CHANGES, online())
    assert (renewed.snapshot_version, renewed.signed_at) == (record.snapshot_version, clock.now())


async def test_who_has_no_delegation_cannot_publish(registry: TrustRegistry) -> None:
    await founded(registry)
    before = await registry.files()
    with pytest.raises(BadSource, match="no delegation yet"):
        await publish(registry, "620100")
    assert await registry.files() == before


async def test_a_bundle_that_rewrites_history_is_refused_with_its_reason(
    registry: TrustRegistry, clock: SettableClock
) -> None:
    await founded(registry)
    await publish(registry, A, sealed(bundle_of(A, 2)))
    before = await registry.files()
    clock.advance(SECOND)
    with pytest.raises(BadSource, match="we hold 2"):
        await publish(registry, A, sealed(bundle_of(A, 1)))
    keys = (SigningKeyInfo(key("other").public.spki, "ed25519", FOUNDED - DAY),)
    with pytest.raises(BadSource, match="leaves out"):
        await publish(registry, A, sealed(bundle_of(A, 3, FOUNDED, keys), "other"))
    assert await registry.files() == before
    await registry.release(NO_CHANGES, online())


async def test_a_signature_of_another_key_is_refused(registry: TrustRegistry) -> None:
    await founded(registry)
    held = await registry.files()
    made = next_publication(
        held, A, {f"{A}/bundle": sealed(bundle_of(A))}, RegistrySigner(key("stolen")), FOUNDED, PUBLICATION_LIFE
    )
    assert made is not None
    with pytest.raises(BadSource, match="not signed by the registry keys"):
        await registry.release(Changes(publications=(made,)), online())
    assert await registry.files() == held


async def test_a_bundle_that_no_node_could_use_is_refused(registry: TrustRegistry) -> None:
    """Its CA is another jurisdiction's: taken over, everybody would have gone on with the bundle before it."""
    await founded(registry)
    foreign = replace(bundle_of(A), ca_certificates=bundle_of(B).ca_certificates)
    with pytest.raises(BadSource, match="another jurisdiction"):
        await publish(registry, A, sealed(foreign))
    await publish(registry, A)


async def test_a_compromise_gets_through_though_a_certificate_of_that_key_is_left_out(
    registry: TrustRegistry, clock: SettableClock
) -> None:
    """Refused, it would have kept everybody trusting the stolen key until each recognition was signed anew."""
    await founded(registry)
    recognition = {f"{A}/recognition/{B}": certificate()}
    await publish(registry, A, sealed(bundle_of(A)), **recognition)
    clock.advance(HOUR)
    keys = (
        SigningKeyInfo(key(A).public.spki, "ed25519", FOUNDED - DAY, compromised_at=FOUNDED),
        SigningKeyInfo(key("next").public.spki, "ed25519", FOUNDED - DAY),
    )
    stolen = sealed(bundle_of(A, 2, clock.now(), keys), "next")
    record = await publish(registry, A, stolen, **recognition)
    knowledge = knowledge_of(record)
    assert [fact.content for fact in knowledge.current(FactKind.BUNDLE, A)] == [stolen]
    assert knowledge.current(FactKind.RECOGNITION, A) == ()
    assert "left out" in knowledge.standings[A].problem


async def test_a_coordinators_clock_that_went_back(registry: TrustRegistry, clock: SettableClock) -> None:
    await founded(registry)
    clock.set(FOUNDED - HOUR)
    with pytest.raises(RefreshFailed) as caught:
        await registry.release(NO_CHANGES, online())
    assert caught.value.reason == "REGISTRY_CLOCK"
    clock.set(FOUNDED + SECOND)
    await registry.release(NO_CHANGES, online())


async def test_keys_that_are_not_the_coordinators(registry: TrustRegistry) -> None:
    await founded(registry)
    wrong = replace(online(), timestamp=RegistrySigner(key("nobody")))
    with pytest.raises(RefreshFailed) as caught:
        await registry.release(NO_CHANGES, wrong)
    assert caught.value.reason == "REGISTRY_SIGNATURES"
