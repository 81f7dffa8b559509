"""What nodes tell each other of the heads of logs, and what this node keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SplitNotes:
    """Two signed heads of one log that cannot both be honest, smaller first (`trust.log.forks.ForkProof`).

    `root`, 32 bytes, and `consistency`, 32 bytes each, prove it. Of our own log alone `root` may be empty: then the
    second head is signed by our key and larger than our whole log.
    """

    first: str
    second: str
    root: bytes
    consistency: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ShownHead:
    """What a node answers of one log: its newest head as a note, "" while it has none to show, and a split view if any.

    Nothing of what a peer shows is verified yet.
    """

    origin: str
    checkpoint: str
    split: SplitNotes | None = None


class HeadState(StrEnum):
    """How a head that a peer showed stands to our own tree."""

    AGREED = "agreed"
    """Our tree holds it."""
    AHEAD = "ahead"
    """It is larger than our tree: to be compared when our tree has grown so far."""


@dataclass(frozen=True, slots=True)
class PeerHead:
    """The newest head of a log, by state, that a peer showed and cosigned. Both signatures were verified.

    `peer`: its division. `cosigned_at`: the moment of the peer's cosignature. `since`: the first moment at which the
    log's own node is known to have cosigned a head larger than what it showed us; for AGREED that of this head.
    """

    origin: str
    peer: str
    state: HeadState
    size: int
    root: bytes
    cosigned_at: datetime
    since: datetime
    checkpoint: str

    @property
    def seen_at(self) -> datetime:
        """By when the peer saw the head: cosignatures tell whole seconds, and none is older than the head itself."""
        return max(self.cosigned_at, self.since) + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CosignedNote:
    """A note as this node cosigned it as a witness, and when exactly."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SplitView:
    """Evidence that a log has two histories. `shown_by`: division of the peer that showed us the other one.

    Both are known to be the same up to `agreed_size` entries: what the peers that stand for the other history cosigned
    together with us before.
    """

    origin: str
    shown_by: str
    found_at: datetime
    agreed_size: int
    notes: SplitNotes


@dataclass(frozen=True, slots=True)
class SuccessorLog:
    """The log `origin` goes on where another was closed, of which the first `closed_size` entries count."""

    origin: str
    closed_size: int
    decided_at: datetime


OURSELVES = ""
"""Names this node itself as the witness of a sighting, as `trust.sightings.OURSELVES` does."""

SIGHTING_EVERY = timedelta(minutes=1)
"""Our own sightings of one log, and notes kept, are at least this far apart: an entry may seem younger, never older."""

OTHERS_EVERY = timedelta(hours=1)
"""Those of each other witness: there may be many, and they keep what they cosigned for when it is asked for."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """That `witness` (a division, or OURSELVES) knew a log to hold `size` entries at the moment `at`.

    Our own tree holds these entries. Whoever says it, the moment is never earlier than what the log's own node says.
    """

    witness: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Lifting:
    """A logged change that clears a flag of an attestation: its index and the envelope's bytes."""

    index: int
    entry: bytes
