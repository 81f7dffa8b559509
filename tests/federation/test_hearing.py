"""Which heads of a peer tell the time, and which only tell of its log."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from node.federation.hearing import Hearing
from tests.ledger.world import NOW, minutes
from tests.support.clock import SettableClock


class Conversation:
    """A peer's heads as a follower reports them; a minute passes before each."""

    def __init__(self) -> None:
        self.clock = SettableClock(NOW)
        self.hearing = Hearing(self.clock.now, self.clock.monotonic)

    def hear(self, cosigned_at: datetime | None, *, caught_up: bool = True) -> None:
        self.clock.advance(timedelta(minutes=1))
        self.hearing.heard(cosigned_at, self.hearing.arrival(), caught_up=caught_up)

    @property
    def told(self) -> list[tuple[datetime, bool]]:
        return [(sample.cosigned_at, sample.live) for sample in self.hearing.samples]


@pytest.fixture
def conversation() -> Conversation:
    conversation = Conversation()
    conversation.hearing.connected()
    return conversation


def test_the_first_head_may_be_old_the_next_is_news(conversation: Conversation) -> None:
    conversation.hear(minutes(0))
    assert conversation.told == []
    conversation.hear(minutes(2))
    assert conversation.told == [(minutes(2), True)]
    assert conversation.hearing.samples[0].arrived == conversation.clock.monotonic()


def test_while_catching_up_heads_are_as_old_as_the_batch(conversation: Conversation) -> None:
    conversation.hear(minutes(0), caught_up=False)
    conversation.hear(minutes(1), caught_up=False)
    conversation.hear(minutes(2))
    assert conversation.told == []
    conversation.hear(minutes(4))
    assert conversation.told == [(minutes(4), True)]


def test_a_head_that_is_repeated_or_older_is_no_news(conversation: Conversation) -> None:
    for cosigned_at in (minutes(1), minutes(1), minutes(0), None):
        conversation.hear(cosigned_at)
    assert conversation.told == []


def test_after_a_new_connection_it_begins_anew(conversation: Conversation) -> None:
    conversation.hear(minutes(0))
    conversation.hearing.connected()
    conversation.hear(minutes(1))
    assert conversation.told == []


def test_a_head_from_the_future_counts_whenever_it_comes(conversation: Conversation) -> None:
    conversation.hear(minutes(10), caught_up=False)
    assert conversation.told == [(minutes(10), False)]


def test_a_head_after_one_that_was_refused_is_no_news(conversation: Conversation) -> None:
    conversation.hear(minutes(0))
    conversation.hear(None, caught_up=False)
    conversation.hear(minutes(1))
    assert conversation.told == []


def test_only_the_newest_are_kept(conversation: Conversation) -> None:
    for number in range(100):
        conversation.hear(minutes(number))
    assert [at for at, _ in conversation.told] == [minutes(number) for number in range(95, 100)]
