"""Every state and reason of a message has words in both languages."""

from __future__ import annotations

import pytest

from node.cli.message_wording import ASKED, REASONS, REFUSALS, STATES, reason_words, state_words
from node.model.asking import AskedState
from node.model.messages import InboxState, MessageReason, OutboxState
from node.rpc import reasons as rpc_reasons


def test_nothing_is_without_words() -> None:
    assert set(ASKED) == {state.value for state in AskedState}
    assert set(STATES) == {state.value for state in (*OutboxState, *InboxState)}
    assert set(REASONS) == {reason.value for reason in MessageReason}
    assert set(REFUSALS) <= rpc_reasons.REASONS
    for words in (*ASKED.values(), *STATES.values(), *REASONS.values(), *REFUSALS.values()):
        assert any("一" <= letter <= "鿿" for letter in words.zh)
        assert words.en.isascii()


@pytest.mark.parametrize(
    ("code", "told"), [("OF_2031", "OF_2031"), ("UNREACHABLE", "huxin peers"), ("ASKED_TOO_OFTEN", "今日")]
)
def test_what_a_later_version_says_is_told_as_it_is(code: str, told: str) -> None:
    assert told in reason_words(code)
    assert state_words("of_2031") == "of_2031"
