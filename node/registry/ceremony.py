"""What the holders of the root keys decide, as the next document to sign. Nothing here signs, reads a file or a clock.

Every function gives a document without signatures, one version above the one it follows; `node.registry.signatures`
collects them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from node.errors import InvalidInput
from node.registry.documents import Delegation, RootDocument, TargetsDocument
from trust.algorithms import PublicKey
from trust.errors import BadKey, MalformedInput
from trust.log.succession import Succession, in_log_order

DEFAULT_DAYS = 365
"""Life of root and targets: the holders meet once a year."""
MAX_DAYS = 3650


@dataclass(frozen=True, slots=True)
class RootChanges:
    """What a new root changes. Mappings are by division code; None leaves a value as it is."""

    add: Mapping[str, PublicKey] = field(default_factory=dict)
    replace: Mapping[str, PublicKey] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    threshold: int | None = None
    coordinator: str | None = None
    snapshot: PublicKey | None = None
    timestamp: PublicKey | None = None


def found_root(
    holders: Mapping[str, PublicKey],
    threshold: int,
    coordinator: str,
    online: tuple[PublicKey, PublicKey],
    expires: datetime,
    *,
    allow_single: bool = False,
) -> RootDocument:
    """Version 1 of the root. `online`: the coordinator's keys for snapshot and timestamp.

    Raises InvalidInput for a threshold that is none, TrustError for what no root can say. A threshold of 1 puts the
    registry into the hand of whoever steals one key: it is for demonstrations, and must be allowed by name.
    """
    snapshot, timestamp = online
    _require_threshold(threshold, len(holders), allow_single)
    return RootDocument(
        version=1,
        expires=expires,
        holders=dict(holders),
        threshold=threshold,
        coordinator=coordinator,
        snapshot=snapshot,
        timestamp=timestamp,
    )


def next_root(
    current: RootDocument, changes: RootChanges, expires: datetime, *, allow_single: bool = False
) -> RootDocument:
    """The root after `current`. Raises InvalidInput naming the option that cannot be, TrustError as `found_root`."""
    holders = dict(current.holders)
    for division in changes.remove:
        if division not in holders:
            raise InvalidInput("--remove", f"{division} holds no root key: {_names(holders)} do.")
        del holders[division]
    for division, key in changes.replace.items():
        if division not in holders:
            raise InvalidInput("--replace", f"{division} holds no root key to replace; give its first one with --add.")
        if holders[division].key_id == key.key_id:
            raise InvalidInput("--replace", f"{division} holds this very key already; give the new one.")
        holders[division] = key
    for division, key in changes.add.items():
        if division in holders:
            raise InvalidInput("--add", f"{division} holds a root key already; use --replace for a new one.")
        holders[division] = key
    snapshot, timestamp = changes.snapshot or current.snapshot, changes.timestamp or current.timestamp
    coordinator = changes.coordinator or current.coordinator
    if coordinator != current.coordinator and (snapshot == current.snapshot or timestamp == current.timestamp):
        raise InvalidInput(
            "--coordinator",
            "The new coordinator cannot sign with the old one's keys, and the old one must not go on; give its own "
            "with --snapshot and --timestamp.",
        )
    threshold = current.threshold if changes.threshold is None else changes.threshold
    _require_threshold(threshold, len(holders), allow_single)
    return replace(
        current,
        version=current.version + 1,
        expires=expires,
        signatures={},
        holders=holders,
        threshold=threshold,
        coordinator=coordinator,
        snapshot=snapshot,
        timestamp=timestamp,
    )


def found_targets(expires: datetime) -> TargetsDocument:
    """Version 1 of targets: nobody publishes yet."""
    return TargetsDocument(version=1, expires=expires, delegations={})


def next_targets(current: TargetsDocument, expires: datetime) -> TargetsDocument:
    """The same delegations, one version higher, to be signed by the holders of the root that is in force then."""
    return replace(current, version=current.version + 1, expires=expires, signatures={})


def delegate(
    current: TargetsDocument, root: RootDocument, division: str, keys: tuple[PublicKey, ...], threshold: int = 1
) -> TargetsDocument:
    """`current` with a jurisdiction's registry keys, in place of the ones it had. Version and expiry stay.

    Raises InvalidInput when these keys are already the ones, TrustError for what no targets can say: another
    jurisdiction's key, a key of the root, a threshold that cannot be reached.
    """
    delegation = Delegation({key.key_id: key for key in keys}, threshold)
    if current.delegations.get(division) == delegation:
        raise InvalidInput("DIVISION", f"{division} is delegated with these very keys already; nothing is to be done.")
    found = replace(current, signatures={}, delegations={**current.delegations, division: delegation})
    require_apart(root, found)
    return found


def undelegate(current: TargetsDocument, division: str) -> TargetsDocument:
    """`current` without a jurisdiction: what it publishes counts no more. Raises InvalidInput for one it never had."""
    if division not in current.delegations:
        raise InvalidInput("DIVISION", f"{division} is not delegated; {_names(current.delegations)} are.")
    left = {code: each for code, each in current.delegations.items() if code != division}
    return replace(current, signatures={}, delegations=left)


def succeed(current: TargetsDocument, succession: Succession) -> TargetsDocument:
    """`current` with a log succeeded by another. Version and expiry stay.

    Raises InvalidInput for a log of somebody who is not delegated, and for one that is not the newest of its
    jurisdiction: what was signed off once stays.
    """
    if succession.division not in current.delegations:
        raise InvalidInput("FILE", f"{succession.division} is not delegated; {_names(current.delegations)} are.")
    if succession in current.successions:
        raise InvalidInput("FILE", f"{succession.origin} succeeds {succession.predecessor} already; nothing to do.")
    try:
        successions = in_log_order((*current.successions, succession))
    except MalformedInput:
        raise InvalidInput(
            "FILE",
            f"{succession.predecessor} is not the newest log of {succession.division}, or was succeeded before; look "
            "with `huxin trust root show`. What was signed off once is never changed.",
        ) from None
    return replace(current, signatures={}, successions=successions)


def require_apart(root: RootDocument, targets: TargetsDocument) -> None:
    """Raises BadKey when a key of the root is also a registry key: those lie at nodes, the root's in safes."""
    publishing = {key_id for each in targets.delegations.values() for key_id in each.keys}
    if any(key.key_id in publishing for key in (*root.holders.values(), root.snapshot, root.timestamp)):
        raise BadKey(
            f"a key of {root.file_name} also publishes by {targets.file_name}: a registry key lies at a node and a "
            "root key in a safe, so make a key of its own for each"
        )


def expiry(now: datetime, days: int) -> datetime:
    """The end of a document's life, in whole seconds. Raises InvalidInput for less than a day or ten years and more."""
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput("--days", f"Root and targets live 1 to {MAX_DAYS} days; {DEFAULT_DAYS} is usual.")
    return now.replace(microsecond=0) + timedelta(days=days)


def _require_threshold(threshold: int, holders: int, allow_single: bool) -> None:
    if not 1 <= threshold <= holders:
        raise InvalidInput("--threshold", f"With {holders} holders it lies between 2 and {holders}.")
    if threshold == 1 and not allow_single:
        raise InvalidInput(
            "--threshold",
            "One signature would do, so one stolen key would be the whole registry. Have at least 2; for a "
            "demonstration alone, add --allow-single.",
        )


def _names(divisions: Mapping[str, object]) -> str:
    return ", ".join(sorted(divisions)) or "none"
