"""The trust registry as this node keeps it: joined once, refreshed from anybody, released by the coordinator.

Every change goes the same way: verify what is offered on top of what is stored, read what it means, store both in one
transaction. Two replicas or commands that do so at once both verify; the first one's change counts, the other looks
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from node.errors import BadSource, InvalidInput, NotFound, NotReady
from node.model.registry import RegistryFact, RegistryRecord, RegistryStanding
from node.registry.continuing import continued, releases
from node.registry.directory import open_bundle
from node.registry.documents import read_root
from node.registry.refresh import NotServed, Refreshed, RefreshFailed, Source, refresh
from node.registry.release import Changes, Online, next_release
from node.registry.signatures import require_own_quorum
from node.registry.unreleased import unreleased
from trust.errors import TrustError
from trust.registry import Continuity, Fact, FactKind, Knowledge, Release, Standing, learn, require_taken_over

_ATTEMPTS = 5


class RegistryStore(Protocol):
    """Where the registry is kept. `commit` answers False when the generation is another by now."""

    async def load(self) -> RegistryRecord | None: ...
    async def file(self, name: str) -> bytes | None: ...
    async def files(self) -> dict[str, bytes]: ...
    async def commit(self, expected: int | None, record: RegistryRecord, files: Mapping[str, bytes]) -> bool: ...


class TrustRegistry:
    """One node's part in the trust registry."""

    def __init__(self, store: RegistryStore, continuity: Continuity, now: Callable[[], datetime]) -> None:
        self._store = store
        self._continuity = continuity
        self._now = now

    async def join(self, root: bytes, confirmed_digest: str) -> RegistryRecord:
        """Makes a root document the anchor of all trust. `confirmed_digest`: as compared by another channel.

        Raises TrustError for a document of another form or signed by too few, BadSource when it is not the one that
        was confirmed, and InvalidInput when a registry was joined before.
        """
        document = read_root(root)
        # Nothing could ever be refreshed under a root that too few have signed, and a home joins once.
        require_own_quorum(document)
        if document.digest != confirmed_digest:
            raise BadSource(
                document.file_name,
                "it is not the document whose digest was given with --digest; compare all 64 characters with a holder "
                "of a root key again, and use the file of nobody else",
            )
        record = RegistryRecord(0, document.version, 0, document.coordinator, None, {"root": document.expires}, (), ())
        if not await self._store.commit(None, record, {document.file_name: root}):
            raise InvalidInput(
                "root", "This node has joined a registry already; `huxin trust status` shows it. Nothing was changed."
            )
        return record

    async def refresh(self, source: Source) -> RegistryRecord:
        """Takes over what a source offers, if it verifies. Raises RefreshFailed, and NotFound before `join`."""
        return await self._advance(lambda _held: source, _anything)

    async def continue_from(self, source: Source, online: Online) -> RegistryRecord | None:
        """The coordinator takes over what a source has kept and it has lost, as its own next release.

        None when there is nothing newer; who is not the coordinator refreshes. Raises as `refresh`.
        """
        now = self._now()
        lost = False

        def offer(held: Mapping[str, bytes]) -> Source | None:
            nonlocal lost
            if not releases(held, online):
                lost = False
                return source
            files = continued(held, source, online, now)
            lost = files is not None
            return None if files is None else _Offered(files)

        record = await self._advance(offer, _anything)
        return record if lost else None

    async def release(self, changes: Changes, online: Online) -> RegistryRecord:
        """The coordinator's next release with these changes, verified by its own node before it is committed.

        Raises RefreshFailed or BadSource when the changes cannot be taken over; nothing was changed then.
        """
        now = self._now()
        divisions = [publication.division for publication in changes.publications]

        def require(knowledge: Knowledge, release: Release) -> None:
            # A file that is left out alone keeps nothing back: the same publication may tell of a compromised key.
            for division in divisions:
                try:
                    require_taken_over(knowledge, release, division)
                    for fact in knowledge.current(FactKind.BUNDLE, division):
                        # With its certificates of authority, as every node opens it that is to use it: one that takes
                        # it over and cannot use it would go on with the bundle before, stolen keys and all.
                        open_bundle(fact.content)
                except TrustError as error:
                    raise BadSource("publication", error.message) from error

        try:
            return await self._advance(lambda held: _Offered(next_release(held, changes, online, now)), require)
        except RefreshFailed as error:
            raise unreleased(error, changes, await self._store.files(), online) from error

    async def files(self) -> dict[str, bytes]:
        """All files of the newest verified release, by the names under which a mirror serves them."""
        return await self._store.files()

    async def file(self, name: str) -> bytes:
        """A file as a mirror serves it. Raises NotFound."""
        found = await self._store.file(name)
        if found is None:
            raise NotFound("NO_SUCH_TRUST_FILE", "The trust registry holds no file of that name here.")
        return found

    async def _advance(
        self, offer: Callable[[Mapping[str, bytes]], Source | None], require: Callable[[Knowledge, Release], None]
    ) -> RegistryRecord:
        for _ in range(_ATTEMPTS):
            record, held = await self._store.load(), await self._store.files()
            if record is None:
                raise NotFound("NO_REGISTRY", "This node has joined no trust registry; see `huxin trust join`.")
            found = await asyncio.to_thread(self._verified, record, held, offer, require)
            if found is None:
                return record
            following, files = found
            # A crash before this commit leaves the registry as it was before, after it as it is next.
            if await self._store.commit(record.generation, following, files):
                return following
        raise NotReady("REGISTRY_BUSY", "The trust registry is being changed by another command; try again.")

    def _verified(
        self,
        record: RegistryRecord,
        held: Mapping[str, bytes],
        offer: Callable[[Mapping[str, bytes]], Source | None],
        require: Callable[[Knowledge, Release], None],
    ) -> tuple[RegistryRecord, Mapping[str, bytes]] | None:
        """The next record with its files, None when nothing is new. Fetches and verifies: for a worker thread."""
        source = offer(held)
        if source is None:
            return None
        refreshed = refresh(held, source, self._now())
        if refreshed.files == held:
            return None
        try:
            knowledge = learn(knowledge_of(record), refreshed.release, self._continuity)
        except TrustError as error:
            raise RefreshFailed("REGISTRY_CLOCK", f"The registry was not refreshed: {error.message}") from error
        require(knowledge, refreshed.release)
        return _record(record.generation + 1, refreshed, knowledge), refreshed.files


class _Offered:
    """Files at hand, as a source."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def fetch(self, name: str) -> Iterator[bytes]:
        if name not in self._files:
            raise NotServed
        yield self._files[name]


def knowledge_of(record: RegistryRecord) -> Knowledge:
    """What a record says, as the rules know it."""
    return Knowledge(
        record.signed_at,
        tuple(
            Fact(
                fact.division,
                FactKind(fact.kind),
                fact.name,
                fact.content,
                fact.digest,
                fact.valid_from,
                fact.valid_until,
                fact.known_from,
                fact.known_until,
            )
            for fact in record.facts
        ),
        {
            each.division: Standing(each.division, each.refreshed_at, each.expires_at, each.problem)
            for each in record.standings
        },
    )


def _record(generation: int, refreshed: Refreshed, knowledge: Knowledge) -> RegistryRecord:
    return RegistryRecord(
        generation=generation,
        root_version=refreshed.root_version,
        snapshot_version=refreshed.release.snapshot_version,
        coordinator=refreshed.coordinator,
        signed_at=knowledge.signed_at,
        ends=refreshed.ends,
        facts=tuple(
            RegistryFact(
                fact.division,
                fact.kind.value,
                fact.name,
                fact.content,
                fact.digest,
                fact.valid_from,
                fact.valid_until,
                fact.known_from,
                fact.known_until,
            )
            for fact in knowledge.facts
        ),
        standings=tuple(
            RegistryStanding(each.division, each.refreshed_at, each.expires_at, each.problem)
            for each in knowledge.standings.values()
        ),
    )


def _anything(_knowledge: Knowledge, _release: Release) -> None:
    """A refresh takes over whatever verifies; what breaks a rule stays out by itself, and is told."""
