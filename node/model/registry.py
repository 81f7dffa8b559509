"""What a node holds of the trust registry, as its database keeps it: verified files, and the facts read from them.

`trust.registry` says what the facts mean; this is their form at rest. All instants are UTC; intervals are half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RegistryFact:
    """A published file, or a key of a published bundle: when it holds, and when we knew it to hold.

    Fields as in `trust.registry.Fact`; `kind` is the value of a `FactKind`.
    """

    division: str
    kind: str
    name: str
    content: bytes
    digest: bytes
    valid_from: datetime
    valid_until: datetime | None
    known_from: datetime
    known_until: datetime | None


@dataclass(frozen=True, slots=True)
class RegistryStanding:
    """How current the knowledge of one jurisdiction is; `problem` says what of its publication was not taken over."""

    division: str
    refreshed_at: datetime
    expires_at: datetime
    problem: str


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """The registry as last verified. `generation` grows by one with each change; 0 is the anchor alone.

    `signed_at`: when the coordinator signed it, None before the first refresh. `ends`: by role, when its metadata ends.
    """

    generation: int
    root_version: int
    snapshot_version: int
    coordinator: str
    signed_at: datetime | None
    ends: Mapping[str, datetime]
    facts: tuple[RegistryFact, ...]
    standings: tuple[RegistryStanding, ...]
