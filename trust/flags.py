"""Status flags of a statement as of a moment, from the changes that a view of its issuer's log holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from trust.vocabulary import StatusFlag


class StatusFact(Protocol):
    """One logged change of one flag."""

    @property
    def flag(self) -> str: ...
    @property
    def set(self) -> bool: ...
    @property
    def effective_at(self) -> datetime: ...


Fact = TypeVar("Fact", bound=StatusFact)


@dataclass(frozen=True, slots=True)
class LaterFlag:
    """A flag that was set or cleared after the moment whose rules apply, as far as our view knows."""

    flag: StatusFlag
    set: bool
    effective_at: datetime


def flags_in_force(statuses: Sequence[StatusFact], as_of: datetime) -> tuple[StatusFlag, ...]:
    """Flags that are set at `as_of`, in the order of StatusFlag. A revocation is never cleared.

    What this version cannot read counts at any time, and whatever it says: it may speak of the past, too.
    """
    state: dict[StatusFlag, bool] = {}
    for change in statuses:
        flag = StatusFlag(change.flag)
        if flag is StatusFlag.UNREADABLE:
            state[flag] = True
        elif change.effective_at <= as_of:
            state[flag] = change.set or (flag is StatusFlag.REVOKED and state.get(flag, False))
    return tuple(flag for flag in StatusFlag if state.get(flag)) if state else ()


def flags_changed_later(statuses: Sequence[StatusFact], as_of: datetime) -> tuple[LaterFlag, ...]:
    """Of each flag the last change that takes effect after `as_of`, in the order of StatusFlag.

    Changes that are announced and not yet in effect are among them. None of an unreadable flag, which counts already.
    """
    found: dict[StatusFlag, LaterFlag] = {}
    for change in statuses:
        flag = StatusFlag(change.flag)
        undone = flag is StatusFlag.REVOKED and not change.set
        if change.effective_at > as_of and flag is not StatusFlag.UNREADABLE and not undone:
            found[flag] = LaterFlag(flag, change.set, change.effective_at)
    return tuple(found[flag] for flag in StatusFlag if flag in found) if found else ()


def without_liftings(statuses: Sequence[Fact], believed: Sequence[bool]) -> list[Fact]:
    """The changes without those that clear a flag and are not believed: the n-th of these by the n-th of `believed`.

    One that nothing is said of is not believed. What sets a flag stays, and so does what this version cannot read: that
    counts as a flag whatever it says.
    """
    told, kept = iter(believed), []
    for change in statuses:
        stands = change.set or next(told, False)
        if stands or StatusFlag(change.flag) is StatusFlag.UNREADABLE:
            kept.append(change)
    return kept
