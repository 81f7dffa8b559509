"""Peers of this node, as its operators see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from node.model.offsets import ClockSample


class PeerCondition(StrEnum):
    """How things stand with a peer."""

    CONNECTED = "connected"
    WAITING = "waiting"
    REFUSED = "refused"
    HALTED = "halted"


class PeerTrouble(StrEnum):
    """Why a peer was left or held back, apart from what of its log was refused (the reasons of `trust.errors`)."""

    AWAY = "PEER_AWAY"
    REFUSED = "PEER_REFUSES_US"
    LIMITS_US = "PEER_LIMITS_US"
    """It is there and answers no more for now: one of its limits for us was met."""
    TAKES_LESS = "PEER_TAKES_LESS"
    """It is there; what we sent is larger than it takes in one call. Waiting does not help."""
    ENDED = "PEER_ENDED_STREAM"
    SILENT = "PEER_SILENT"
    DRIPS = "PEER_DRIPS"
    TOO_MUCH = "PEER_SENDS_TOO_MUCH"
    """A message, or a batch, larger than may be asked for."""
    FLOODS = "PEER_FLOODS"
    """More small messages than are worth a commit: borne, read slowly."""
    LOGS_TOO_MUCH = "PEER_LOGS_TOO_MUCH"
    """More entries than `federation.entries_per_hour`: borne, read slowly."""
    NO_MESSAGE = "PEER_SENDS_NO_MESSAGE"
    ANOTHER_LOG = "PEER_DOES_NOT_GO_ON"
    """It does not know our view of its log as a beginning of it."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a peer says it holds of our log: entries, and how many it lacks.

    `p50_seconds` and `p99_seconds` are quantiles of the time from commit to acknowledgement over the newest `measured`
    commits, None when none is measured.
    """

    size: int
    lag: int
    measured: int = 0
    p50_seconds: float | None = None
    p99_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PeerState:
    """A peer and the replica of its log. `fresh_at` is the newest cosignature seen, None before the first.

    `last_error` is a sentence for operators, `last_reason` its code, both empty when none; the error that a peer was
    left for stands until the peer has told all that it announced. `head_size` and `replicated` count entries.
    `clock_samples` are the newest of its clock, oldest first; `acknowledged` is None before its first word.
    `known_size` is the largest head of its log that others showed, `withheld` how many entries of that it has not even
    announced to us. `witnesses` are names, in ascending order; `split_at` is where two histories of its log part, as
    far as is known, None while there is one.
    """

    division: str
    name_zh: str
    endpoint: str
    state: PeerCondition
    replicated: int
    head_size: int
    fresh_at: datetime | None
    last_error: str = ""
    last_reason: str = ""
    clock_samples: tuple[ClockSample, ...] = ()
    acknowledged: Acknowledged | None = None
    known_size: int = 0
    withheld: int = 0
    witnesses: tuple[str, ...] = ()
    split_at: int | None = None
