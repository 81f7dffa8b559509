"""Verification across a succession (`trust.log.succession`): which of an issuer's logs holds a statement, and how far.

A log that was closed counts up to its last honest head, and only where our own tree leads to that very head; whatever
else we hold of it proves nothing. The newest log is the one that goes on: fresh is what it is known to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from trust.errors import StepUndecided
from trust.flags import StatusFact
from trust.issuers import TrustedIssuer
from trust.witnesses import Witnessing

_NONE: frozenset[str] = frozenset()


class LogViewFacts(Protocol):
    """Our verified view of an issuer's log: its newest head and when that was known to be the newest."""

    @property
    def origin(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def root(self) -> bytes: ...
    @property
    def fresh_at(self) -> datetime | None:
        """Time of the issuer's own cosignature of the head; None while it has none."""
        ...


class EntryFacts(Protocol):
    """What our view holds under SHA-256 of the envelope: log, place, bytes, and status changes in their order.

    The status changes are those of all logs of the issuer, the log before its successor first.
    """

    @property
    def origin(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def entry(self) -> bytes: ...
    @property
    def statuses(self) -> Sequence[StatusFact]: ...


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What a succession leaves open here.

    `unsettled`: origins of closed logs of which our own tree does not lead to the last honest head, or not yet.
    `doubted`: a flag of the statement was set in what was discarded of a closed log, and the successor says nothing of
    it: perhaps its issuer has lost it.
    """

    unsettled: frozenset[str] = _NONE
    doubted: bool = False


NOTHING_OPEN = LeftOpen()


@dataclass(frozen=True, slots=True)
class ClosedView:
    """Our view of a closed log, as large as it counts and as fresh as that of the log that goes on."""

    origin: str
    size: int
    root: bytes
    fresh_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standpoint:
    """From where a statement is looked at: the issuer as its log knows it, our view of that log, the entry."""

    trusted: TrustedIssuer
    view: LogViewFacts | None
    entry: EntryFacts | None
    witnessing: Witnessing


def standpoint(
    trusted: TrustedIssuer,
    view: LogViewFacts | None,
    entry: EntryFacts | None,
    witnessing: Witnessing,
    left_open: LeftOpen,
) -> Standpoint:
    """The log that counts for a statement: the one that holds it, else the newest.

    `view` is that of the newest log, `witnessing` is of the entry's log. An entry of a closed log counts below its last
    honest head alone, once our tree leads there; then the log has one history up to it, whatever was shown besides.
    """
    if view is not None and view.origin != trusted.origin:
        return Standpoint(trusted, None, None, witnessing)  # the view of another log says nothing here
    if entry is None or entry.origin == trusted.origin:
        return Standpoint(trusted, view, entry, witnessing)
    for closed in trusted.closed:
        if closed.origin == entry.origin and entry.index < closed.size and entry.origin not in left_open.unsettled:
            fresh_at = None if view is None else view.fresh_at
            held = ClosedView(closed.origin, closed.size, closed.root, fresh_at)
            return Standpoint(trusted.as_of_log(closed), held, entry, replace(witnessing, agreed=None))
    return Standpoint(trusted, view, None, witnessing)


def require_nothing_doubted(left_open: LeftOpen) -> None:
    """Of step 10: no flag was set in what was discarded without being stated anew. Raises StepUndecided."""
    if left_open.doubted:
        raise StepUndecided(
            "STATUS_UNPROVEN",
            "its standing had changed in a history of the log that was given up: ask the issuer to set or clear that "
            "flag again",
        )
