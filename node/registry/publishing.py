"""What a jurisdiction publishes about itself in the trust registry: its delegated TUF metadata with its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Snapshot, Targets

from node.errors import BadSource
from node.registry.metadata import newest, read_metadata, served_name, signed_bytes, target_of, version_in
from node.registry.refresh import LIMITS
from trust.registry import path_of, read_path


@dataclass(frozen=True, slots=True)
class Publication:
    """One jurisdiction's signed metadata, version counted from 1, and the files it lists that may be new, by path."""

    division: str
    version: int
    metadata: bytes
    files: Mapping[str, bytes]


def publication_of(division: str, metadata: bytes, files: Mapping[str, bytes]) -> Publication:
    """A publication that was handed over. Nothing of it is verified but that it can be read. Raises BadSource."""
    if not re.fullmatch("[0-9]{6}", division):
        raise BadSource("publication", "it names no division code of six digits; ask for the original")
    if len(metadata) > LIMITS.targets_max_length:
        raise BadSource("publication", f"its metadata has more than {LIMITS.targets_max_length} bytes; publish less")
    return Publication(division, read_metadata(metadata, Targets).version, metadata, files)


def next_publication(
    held: Mapping[str, bytes],
    division: str,
    content: Mapping[str, bytes],
    signer: Signer,
    now: datetime,
    life: timedelta,
) -> Publication | None:
    """What to publish so that the registry says `content` (by path) of us; None when it says so already.

    It also is published anew, with the same content, when half of its life has passed. Raises MalformedInput for a path
    that is not the jurisdiction's.
    """
    for path in content:
        owner, kind, name = read_path(path)
        path_of(owner, kind, name)
    earlier = newest(held, division, Targets)
    targets = {path: target_of(path, data) for path, data in sorted(content.items())}
    says_so = earlier is not None and earlier.targets == targets and earlier.expires - now > life / 2
    if says_so and _verifies(held, division):
        return None
    # Also counted while nobody could publish as us: the registry forgets files, and never a version.
    snapshot = newest(held, "snapshot", Snapshot)
    before = None if snapshot is None else snapshot.meta.get(f"{division}.json")
    version = 1 + max(0 if each is None else each.version for each in (earlier, before))
    listed = Targets(version=version, expires=now.replace(microsecond=0) + life, targets=targets)
    bundle = f"{division}/bundle"
    # The bundle always goes along: from it the coordinator learns which keys are new.
    fresh = {
        path: data for path, data in content.items() if path == bundle or served_name(path, targets[path]) not in held
    }
    return Publication(division, version, signed_bytes(listed, signer), fresh)


def _verifies(held: Mapping[str, bytes], division: str) -> bool:
    """Whether our newest metadata is signed as the delegation to us demands now: the key may have been replaced."""
    targets = newest(held, "targets", Targets)
    name = max((each for each in held if each.endswith(f".{division}.json")), key=version_in)
    metadata: Metadata[Any] = Metadata.from_bytes(held[name])
    try:
        targets.verify_delegate(division, metadata.signed_bytes, metadata.signatures)
    except (UnsignedMetadataError, ValueError):  # ValueError: nothing is delegated to us
        return False
    return True


def delegated(held: Mapping[str, bytes]) -> frozenset[str]:
    """Division codes of the jurisdictions to which the verified registry delegates a name of their own."""
    targets = newest(held, "targets", Targets)
    roles = None if targets is None or targets.delegations is None else targets.delegations.roles
    return frozenset(roles or ())
