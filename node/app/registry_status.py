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
from node.registry.documents import TargetsDocument, read_root, read_targets
from node.registry.keeping import knowledge_of
from node.storage.registry_store import RegistryStore
from trust.log.succession import Succession
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


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """The registry as verified last, with what its delegations say: their version, and which logs were succeeded.

    `delegations_version` is 0 before the first refresh. `successions`: of each jurisdiction from its first log on.
    """

    record: RegistryRecord
    delegations_version: int
    successions: tuple[Succession, ...]


async def status(settings: Settings) -> RegistryStatus:
    """The registry as verified last. Raises NotFound when none was joined."""
    async with open_database(settings) as database:
        store = RegistryStore(database)
        record, files = await store.load(), await store.files()
    if record is None:
        raise NotFound(
            "NO_REGISTRY",
            "This home has joined no trust registry: it trusts what was imported by hand. See `huxin trust join`.",
        )
    targets = _delegations(files)
    if targets is None:
        return RegistryStatus(record, 0, ())
    return RegistryStatus(record, targets.version, targets.successions)


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
    targets = _delegations(files)
    delegation = None if targets is None else targets.delegations.get(division)
    return () if delegation is None else tuple(sorted(delegation.keys))


def _delegations(files: Mapping[str, bytes]) -> TargetsDocument | None:
    """The delegations in force, None before the first refresh."""
    name = next((name for name in files if name.endswith(".targets.json")), None)
    return None if name is None else read_targets(files[name])
