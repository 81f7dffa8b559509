"""Flags as of a moment, and what has changed since."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from node.model.log import StatusEvent, StatusFlag
from tests.support.trust import ISSUED, salt
from trust import flags, vocabulary

HOUR = timedelta(hours=1)


def event(flag: StatusFlag, hours: int, on: bool = True) -> StatusEvent:
    return StatusEvent(salt("digest"), flag, on, ISSUED + hours * HOUR)


def test_of_each_flag_the_last_change_is_told() -> None:
    changes = [
        event(StatusFlag.REVOKED, 9),
        event(StatusFlag.REVOKED, 10, on=False),
        event(StatusFlag.UNDER_OBJECTION, 3),
        event(StatusFlag.UNDER_OBJECTION, 5, on=False),
        event(StatusFlag.CORRECTED, 2),
        event(StatusFlag.UNREADABLE, 5),
    ]
    assert flags.flags_changed_later(changes, ISSUED + 2 * HOUR) == (
        flags.LaterFlag(vocabulary.StatusFlag.UNDER_OBJECTION, False, ISSUED + 5 * HOUR),
        flags.LaterFlag(vocabulary.StatusFlag.REVOKED, True, ISSUED + 9 * HOUR),
    )
    assert flags.flags_changed_later(changes, ISSUED + 9 * HOUR) == ()


def test_an_unreadable_flag_is_never_cleared() -> None:
    """Two flags of a later version look the same here: that one of them is cleared says nothing of the other."""
    changes = [event(StatusFlag.UNREADABLE, 1), event(StatusFlag.UNREADABLE, 2, on=False)]
    assert flags.flags_in_force(changes, ISSUED + 9 * HOUR) == (vocabulary.StatusFlag.UNREADABLE,)


changes_in_any_order = st.lists(
    st.builds(event, st.sampled_from(list(StatusFlag)), st.integers(0, 20), st.booleans()), max_size=12
)


@given(changes_in_any_order, st.integers(0, 20))
def test_whatever_is_in_force_today_was_in_force_then_or_is_named(changes: list[StatusEvent], hours: int) -> None:
    then = ISSUED + hours * HOUR
    in_force = set(flags.flags_in_force(changes, then))
    later = {each.flag for each in flags.flags_changed_later(changes, then)}
    assert set(flags.flags_in_force(changes, ISSUED + 20 * HOUR)) <= in_force | later
