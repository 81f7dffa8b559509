"""What the commands about the trust registry do in one home, beside a running node or without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from node.app.coordinating import Coordinating
from node.app.publishing import Publishing
from node.app.publishing import Surroundings as Publishers
from node.app.refreshing import Refreshing, mirrors
from node.app.registering import online_of, publisher_of, registry_in, registry_record, to_publish
from node.app.registry_status import status
from node.app.registry_view import RegistryView
from node.app.storing import open_database
from node.app.trust_keeper import TrustKeeper
from node.app.trusting import freshness_limits, trusted_state
from node.app.workload_pair import PairFiles
from node.config.settings import Settings
from node.errors import BadSource, InvalidInput, NotFound
from node.model.registry import RegistryRecord
from node.registry.archive import Archive, pack
from node.registry.directory import TrustDirectory
from node.registry.documents import Document, RootDocument, read_document
from node.registry.publishing import delegated, next_publication, publication_of
from node.registry.refresh import RefreshFailed
from node.registry.release import Changes, new_documents
from node.storage.registry_store import RegistryStore
from node.wire.trust import decode_publication, encode_publication
from trust.log.succession import read_succession
from trust.registry import FactKind

Now = Callable[[], datetime]

_OTHER_ARCHIVE = "Ask for an archive that was written just now (`huxin trust archive`)."


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the coordinator took over: documents by name, publications by division, and the snapshot that holds them.

    A document that was in force already is not among them. `closed`: origins of the logs in whose place others go on
    from now on.
    """

    documents: tuple[str, ...]
    divisions: tuple[str, ...]
    snapshot_version: int
    closed: tuple[str, ...] = ()


async def join(settings: Settings, now: Now, root: bytes, digest: str, archive: bytes | None) -> RegistryRecord:
    """Makes a root document the anchor of all trust, and takes over an archive if there is one.

    Raises as `TrustRegistry.join` and `refresh_from`. What cannot be taken over leaves the anchor alone: refresh again.
    """
    async with open_database(settings) as database:
        registry = registry_in(database, now)
        record = await registry.join(root, digest)
        if archive is None:
            return record
        try:
            return await registry.refresh(Archive(archive))
        except RefreshFailed as error:
            raise error.advising(_OTHER_ARCHIVE) from error


async def refresh_from(settings: Settings, now: Now, archive: bytes) -> RegistryRecord:
    """Takes over an archive; at the coordinator, what it has lost. Raises BadSource, RefreshFailed, NotFound."""
    source, online = Archive(archive), online_of(settings)
    async with open_database(settings) as database:
        registry = registry_in(database, now)
        try:
            if online is None:
                return await registry.refresh(source)
            await registry.continue_from(source, online)
        except RefreshFailed as error:
            raise error.advising(_OTHER_ARCHIVE) from error
    return (await status(settings)).record


async def refresh_from_peers(
    settings: Settings, now: Now, told: Callable[[str, str], None]
) -> tuple[bool, RegistryRecord | None]:
    """Asks every peer in turn; `told` hears of each, "" or why it failed. Whether one was good, and what is known."""
    async with open_database(settings) as database:
        store = RegistryStore(database)
        view = await RegistryView.open(store)
        trust = _keeper(settings, view, now).present
        seconds, online = settings.registry.peer_seconds, online_of(settings)
        refreshing = Refreshing(registry_in(database, now), lambda: trust, seconds, told, online)
        good = await refreshing.once(mirrors(trust, view.coordinator))
        return good, await store.load()


async def accept(settings: Settings, now: Now, files: Sequence[tuple[str, bytes]]) -> Accepted:
    """The coordinator releases signed documents and publications that were handed over, all or none of them.

    Raises BadSource naming the file, RefreshFailed, NotFound when no registry was joined.
    """
    roots: list[bytes] = []
    targets: bytes | None = None
    documents: list[Document] = []
    publications = []
    for name, data in files:
        if name.endswith(".json"):
            document = read_document(data)
            documents.append(document)
            if isinstance(document, RootDocument):
                roots.append(data)
            elif targets is None:
                targets = data
            else:
                raise BadSource(name, "two documents of delegations were given; give the newest alone")
        else:
            publications.append(publication_of(*decode_publication(data)))
    online = online_of(settings)
    if online is None:
        raise BadSource(
            settings.registry.snapshot_key.name,
            "the coordinator's online keys are not here; run this in its home, or see registry.snapshot_key",
        )
    async with open_database(settings) as database:
        registry = registry_in(database, now)
        fresh = new_documents(documents, await registry.files())
        before = _successions(await RegistryStore(database).load())
        record = await registry.release(Changes(roots, targets, publications), online)
    divisions = tuple(publication.division for publication in publications)
    names = tuple(each.file_name for each in fresh)
    signed_off = (read_succession(content).predecessor for content in sorted(_successions(record) - before))
    return Accepted(names, divisions, record.snapshot_version, tuple(signed_off))


def _successions(record: RegistryRecord | None) -> frozenset[bytes]:
    facts = () if record is None else record.facts
    return frozenset(fact.content for fact in facts if fact.kind == FactKind.SUCCESSION.value)


async def publish(settings: Settings, now: Now) -> int | None:
    """Publishes what has changed: the version of the snapshot that holds it, None when nothing has changed.

    Raises as `Publishing.once`.
    """
    async with open_database(settings) as database:
        view = await RegistryView.open(RegistryStore(database))
        if view.record is None:
            raise NotFound("NO_REGISTRY", "This node has joined no trust registry; see `huxin trust join`.")
        trust = _keeper(settings, view, now).present
        registry = registry_in(database, now)
        if settings.division not in delegated(await registry.files()):
            raise InvalidInput(
                "",
                f"The registry as it is known here lets nobody publish as {settings.division}. The holders of the root "
                "keys sign that (`huxin trust delegate`); if they have, refresh (`huxin trust refresh`), or hand a "
                "file to the coordinator (`huxin trust publish -o FILE`).",
            )
        around = Publishers(settings, now, lambda: trust, lambda: view.coordinator)
        return await Publishing(around, registry, Coordinating(registry, online_of(settings), now)).once()


async def publication_file(settings: Settings, now: Now) -> bytes | None:
    """What `publish` would hand over, as a file; None when nothing has changed. Raises BadSource without the key."""
    signer = publisher_of(settings)
    if signer is None:
        raise BadSource(
            settings.registry.key.name, "it is not here, and signs what is published; see registry.key, or restore it"
        )
    # With what the registry holds of ours: a withdrawal stays published when its file is lost here.
    state = trusted_state(settings, await registry_record(settings))
    async with open_database(settings) as database:
        held = await registry_in(database, now).files()
    life = timedelta(days=settings.registry.publication_days)
    made = next_publication(held, settings.division, to_publish(settings, state), signer, now(), life)
    return None if made is None else encode_publication(made.division, made.metadata, made.files)


async def archive(settings: Settings, now: Now) -> bytes:
    """The registry in one file. Raises NotFound when nothing was verified yet."""
    async with open_database(settings) as database:
        files = await registry_in(database, now).files()
    if "timestamp.json" not in files:
        raise NotFound("NO_REGISTRY", "There is no verified registry here yet; see `huxin trust status`.")
    return pack(files)


def _keeper(settings: Settings, view: RegistryView, now: Now) -> TrustKeeper:
    directory = TrustDirectory(settings.trust.directory, settings.division, settings.keys.libcrypto)
    pair = PairFiles(settings.tls.certificate, settings.tls.key)
    return TrustKeeper(directory, view, pair, freshness_limits(settings), now)
