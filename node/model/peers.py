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


@dataclass(frozen=True, slots=True)
class PeerState:
    """A peer and the replica of its log. `fresh_at` is the newest cosignature seen, None before the first.

    `last_error` is a sentence for operators, empty when none; `head_size` and `replicated` count entries.
    `clock_samples` are the newest of its clock, oldest first. `known_size` is the largest head of its log that others
    showed, `withheld` how many entries of that it has not even announced to us. `witnesses` are names, in ascending
    order; `split_at` is where two histories of its log part, as far as is known, None while there is one.
    """

    division: str
    name_zh: str
    endpoint: str
    state: PeerCondition
    replicated: int
    head_size: int
    fresh_at: datetime | None
    last_error: str = ""
    clock_samples: tuple[ClockSample, ...] = ()
    known_size: int = 0
    withheld: int = 0
    witnesses: tuple[str, ...] = ()
    split_at: int | None = None
