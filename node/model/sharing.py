"""Basic information of organisations of elsewhere: what one jurisdiction tells another of its subjects (R183, R191).

It says who holds records of whom, and since when. It proves nothing, and no report or verdict is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.model.territory import contains

RECOGNISED = "recognised"
"""In place of division codes: whoever holds a trust certificate of ours that is in force."""

TRUSTED = "trusted"
"""In place of division codes: every jurisdiction whose bundle this node trusts."""

MAX_NAME = 200
"""Characters of a name."""

_INDIVIDUAL_BUSINESS = "92"
"""First characters of a unified social credit code (GB 32100): registered as an individual in business."""

_PERSONS = frozenset({SubjectKind.INDIVIDUAL_BUSINESS, SubjectKind.NATURAL_PERSON})


@dataclass(frozen=True, slots=True)
class SubjectBasics:
    """All that is ever told of a subject. `since` None withdraws what was told before; `name` empty: not known.

    `since` is the day in China from which on the sender has held records of it.
    """

    subject: SubjectRef
    name: str = field(default="", repr=False)
    since: date | None = None


@dataclass(frozen=True, slots=True)
class SharedBasics:
    """What a jurisdiction was told last of a subject, by which message, and what became of that.

    `state` is that of the outbox, empty when it was forgotten there; `withdrawn`: it was told that nothing is held.
    """

    receiver: str
    basics: SubjectBasics
    message_id: bytes
    queued_at: datetime
    state: str = ""

    @property
    def withdrawn(self) -> bool:
        return self.basics.since is None


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known here of one subject. `since` None: no record of it is held."""

    subject: SubjectRef
    since: date | None
    registration: Registration | None
    shared: tuple[SharedBasics, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectElsewhere:
    """One of our subjects of which `holder` says that it holds records since `since`."""

    holder: str
    basics: SubjectBasics
    received_at: datetime


def may_be_shared(subject: SubjectRef, registration: Registration | None) -> bool:
    """Whether it is an organisation.

    An individual in business is a person (Civil Code, article 54), often with a person's name on the door: nothing is
    told of it, as of every natural person.
    """
    if subject.id_type is not IdType.USCC or subject.id.startswith(_INDIVIDUAL_BUSINESS):
        return False
    return registration is None or registration.kind not in _PERSONS


def division_of(subject: SubjectRef, registration: Registration | None) -> str:
    """Where an organisation belongs: by the register (R022), or, where that is silent, by its code.

    Characters 3 to 8 of a unified social credit code are the division that registered it (GB 32100); a code survives
    a move, so this is the second best answer, and decides no more than who is told.
    """
    return subject.id[2:8] if registration is None else registration.division


def home_of(division: str, own: str, others: Iterable[str]) -> str | None:
    """The nearest of other jurisdictions that contains a division; None when it lies in our own, or in nobody's."""
    if contains(own, division):
        return None
    # Of those that contain it, the one further down leaves fewer digits open.
    around = [other for other in others if contains(other, division)]
    return min(around, key=lambda other: (_open_digits(other), other)) if around else None


def _open_digits(division: str) -> int:
    return len(division) - len(division.rstrip("0"))
