"""The trust registry of one home: its place in the database, its keys, and what this jurisdiction publishes in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from node.adapters.catalogues.registry import version_files
from node.app.held_key import load_passphrase
from node.app.storing import open_database
from node.config.settings import Settings
from node.errors import NotReady
from node.model.registry import RegistryRecord
from node.registry.directory import TrustedState
from node.registry.keeping import TrustRegistry
from node.registry.keys import RegistrySigner, signer_from_file
from node.registry.release import Online
from node.storage.database import Database
from node.storage.errors import StorageFault
from node.storage.registry_store import RegistryStore
from trust.continuity import require_continues
from trust.registry import FactKind, path_of
from trust.revocation import require_revocations_continue
from trust.vocabulary import JurisdictionBundle


def registry_in(database: Database, now: Callable[[], datetime]) -> TrustRegistry:
    """The registry as it stands in a database."""
    return TrustRegistry(RegistryStore(database), _continues, now)


async def registry_record(settings: Settings) -> RegistryRecord | None:
    """The registry as this home has verified it last, None when it joined none.

    Raises NotReady where the database cannot tell: whoever went on without it would trust otherwise than the node.
    """
    try:
        async with open_database(settings) as database:
            return await RegistryStore(database).load()
    except StorageFault as error:
        raise NotReady(
            "DATABASE_DAMAGED", "The database is damaged or belongs to another program; restore it from a backup."
        ) from error


def online_of(settings: Settings) -> Online | None:
    """The coordinator's signers, or None where their files are not. Raises BadKey for a file that cannot be used."""
    registry = settings.registry
    if not registry.snapshot_key.exists() or not registry.timestamp_key.exists():
        return None
    return Online(
        _signer(settings, registry.snapshot_key),
        _signer(settings, registry.timestamp_key),
        timedelta(days=registry.snapshot_days),
        timedelta(days=registry.timestamp_days),
    )


def publisher_of(settings: Settings) -> RegistrySigner | None:
    """The signer of what this jurisdiction publishes, or None without its file. Raises BadKey."""
    path = settings.registry.key
    return _signer(settings, path) if path.exists() else None


def to_publish(settings: Settings, state: TrustedState) -> Mapping[str, bytes]:
    """What this jurisdiction says of itself now, by path: bundle, catalogue with crosswalk and scheme, recognitions."""
    division = settings.division
    content = {path_of(division, FactKind.BUNDLE): state.own.envelope}
    for version, files in version_files(division, settings.catalogues.folders).items():
        for kind, data in zip((FactKind.CATALOGUE, FactKind.CROSSWALK, FactKind.SCHEME), files, strict=True):
            content[path_of(division, kind, version)] = data
    for issuer, held in state.certificates.items():
        if held[-1].envelope:  # else it ended with a certificate that cannot be read any more: there is nothing to show
            content[path_of(division, FactKind.RECOGNITION, issuer)] = held[-1].envelope
    return content


def _continues(earlier: JurisdictionBundle, later: JurisdictionBundle) -> None:
    require_continues(earlier, later)
    require_revocations_continue(earlier, later)


def _signer(settings: Settings, path: Path) -> RegistrySigner:
    return signer_from_file(path, load_passphrase(settings))
