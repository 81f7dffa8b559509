"""How far off our clock is, told from a peer's cosignatures: late messages and a clock that is set do not deceive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from node.model.offsets import ClockSample, clock_offset

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def sample(peer_shows: timedelta, ago: float = 0.0, *, live: bool = True) -> ClockSample:
    """Arrived so many seconds ago (monotonic 1000 is now), cosigned when the peer's clock was so far from ours."""
    return ClockSample(NOW - timedelta(seconds=ago) + peer_shows, 1000.0 - ago, live)


def offset_of(*samples: ClockSample, now: datetime = NOW, monotonic: float = 1000.0) -> timedelta | None:
    return clock_offset(samples, now, monotonic, QUARTER)


def test_nothing_heard_says_nothing() -> None:
    assert offset_of() is None


def test_both_directions() -> None:
    assert offset_of(sample(-90 * SECOND)) == 90 * SECOND
    assert offset_of(sample(90 * SECOND)) == -90 * SECOND


def test_a_slow_message_is_outvoted_by_a_fast_one() -> None:
    assert offset_of(sample(-40 * SECOND, 60), sample(-SECOND, 30), sample(-70 * SECOND)) == SECOND


def test_what_was_heard_long_ago_does_not_count() -> None:
    assert offset_of(sample(90 * SECOND, 900)) == -90 * SECOND
    assert offset_of(sample(90 * SECOND, 900.5)) is None
    assert offset_of(sample(90 * SECOND, 901), sample(-SECOND, 1)) == SECOND


def test_an_old_head_says_nothing_unless_it_comes_from_the_future() -> None:
    assert offset_of(sample(-90 * SECOND, live=False)) is None
    assert offset_of(sample(90 * SECOND, live=False)) == -90 * SECOND


def test_a_clock_that_is_set_is_known_at_once() -> None:
    """Right before, an hour wrong after; and wrong before, right after: without waiting for the next head."""
    heard = sample(timedelta(0), 30)
    assert offset_of(heard, now=NOW + timedelta(hours=1)) == timedelta(hours=1)
    assert offset_of(heard, now=NOW - timedelta(hours=1)) == timedelta(hours=-1)
    ahead = sample(-timedelta(hours=1), 30)
    assert offset_of(ahead, now=NOW - timedelta(hours=1)) == timedelta(0)
    from_the_future = sample(timedelta(hours=1), 30, live=False)
    assert offset_of(from_the_future, now=NOW + timedelta(hours=1) + SECOND) is None


@given(
    st.timedeltas(-timedelta(days=900), timedelta(days=900)),
    st.lists(st.tuples(st.floats(0, 900), st.floats(0, 20)), min_size=1, max_size=5),
)
def test_the_true_offset_is_found_but_for_the_shortest_delay(
    true: timedelta, messages: list[tuple[float, float]]
) -> None:
    """`messages`: how long ago each arrived, and how long it was on the way, in seconds."""
    heard = [sample(-true - timedelta(seconds=delay), ago) for ago, delay in messages]
    found = offset_of(*heard)
    shortest = timedelta(seconds=min(delay for _, delay in messages))
    assert found is not None
    assert abs(found - true - shortest) < timedelta(milliseconds=1)
