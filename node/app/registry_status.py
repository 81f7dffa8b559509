"""The trust registry as an operator sees it: how current it is, when what ends, and why a jurisdiction is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from node.app.registering import registry_record
from node.app.storing import open_database
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import InvalidInput, NotFound
from node.model.registry import RegistryRecord, RegistryStanding
from node.registry.directory import TrustedJurisdiction
from node.registry.documents import read_root, read_targets
from node.registry.keeping import knowledge_of
from node.storage.registry_store import RegistryStore
from trust.registry import FactKind, first_seen_of


@dataclass(frozen=True, slots=True)
class SigningKeyFacts:
    """One signing key: from when on it counts here, and why not earlier."""

    key_id: str
    suite: str
    valid_from: datetime
    first_seen: datetime | None
    counts_from: datetime
    retired_at: datetime | None
    compromised_at: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a jurisdiction's statements are believed, link by link.

    `holders` and `threshold` of the root that delegates to it; `registry_keys` that sign its publications; all None
    or empty for one that is known by hand alone.
    """

    division: str
    by_registry: bool
    root_version: int
    holders: Mapping[str, str]
    threshold: int
    registry_keys: tuple[str, ...]
    standing: RegistryStanding | None
    held: TrustedJurisdiction
    keys: tuple[SigningKeyFacts, ...]


async def status(settings: Settings) -> RegistryRecord:
    """The registry as verified last. Raises NotFound when none was joined."""
    record = await registry_record(settings)
    if record is None:
        raise NotFound(
            "NO_REGISTRY",
            "This home has joined no trust registry: it trusts what was imported by hand. See `huxin trust join`.",
        )
    return record


async def explain(settings: Settings, division: str) -> Explanation:
    """Why a jurisdiction is trusted. Raises InvalidInput when it is not known here."""
    state = trusted_state(settings, await registry_record(settings))
    held = state.jurisdictions.get(division)
    if held is None:
        raise InvalidInput("DIVISION", f"{division} is not known here; see `huxin trust list`.")
    async with open_database(settings) as database:
        store = RegistryStore(database)
        record, files = await store.load(), await store.files()
    standing, first_seen = None, {}
    holders: Mapping[str, str] = {}
    threshold = 0
    registry_keys: tuple[str, ...] = ()
    published: set[bytes] = set()
    if record is not None:
        knowledge = knowledge_of(record)
        standing = next((each for each in record.standings if each.division == division), None)
        first_seen = dict(first_seen_of(knowledge, division))
        root = read_root(files[f"{record.root_version}.root.json"])
        holders, threshold = {code: key.key_id for code, key in root.holders.items()}, root.threshold
        registry_keys = _registry_keys(files, division)
        published = {fact.digest for fact in knowledge.current(FactKind.BUNDLE, division)}
    by_registry = held.digest in published
    return Explanation(
        division,
        by_registry,
        0 if record is None else record.root_version,
        holders,
        threshold,
        registry_keys,
        standing,
        held,
        tuple(
            SigningKeyFacts(
                key_id,
                known.key.suite.value,
                next(info.valid_from for info in held.bundle.signing_keys if info.spki == known.key.spki),
                first_seen.get(key_id),
                known.valid_from,
                known.retired_at,
                known.compromised_at,
            )
            for key_id, known in held.trusted.keys.items()
        ),
    )


def _registry_keys(files: Mapping[str, bytes], division: str) -> tuple[str, ...]:
    names = [name for name in files if name.endswith(".targets.json")]
    if not names:
        return ()
    delegation = read_targets(files[names[0]]).delegations.get(division)
    return () if delegation is None else tuple(sorted(delegation.keys))
