"""Of whom a peer's word is kept: the register before the code, and no more made-up codes than a disk can bear."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from node.federation.basics_taking import MOST_UNREGISTERED, TakeBasics
from node.model.messages import MessageHeader
from node.model.sharing import SubjectBasics
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.wire.basics import BasicsContent
from tests.support.nodes import synthetic_code

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
SINCE = date(2026, 11, 20)
OURS = SubjectRef(IdType.USCC, synthetic_code("520100", 1))
THEIRS = SubjectRef(IdType.USCC, synthetic_code("140100", 1))
HEADER = MessageHeader(bytes(16), "140000", "520000", "subject_basics", bytes(32), NOW, NOW + timedelta(days=7))


class Kept:
    """So many words of Shanxi."""

    def __init__(self, words: int) -> None:
        self.words = words

    async def count(self, holder: str, most: int) -> int:
        assert holder == "140000"
        return min(self.words, most)


async def outcome(subject: SubjectRef, division: str = "", words: int = 0, since: date | None = SINCE) -> str:
    """What becomes of a word of it. `division`: where our register has it, empty when nowhere."""

    async def registered(ref: SubjectRef) -> Registration | None:
        return Registration(ref, "合成", SubjectKind.ENTERPRISE, division) if division else None

    take = TakeBasics("520000", registered, Kept(words), BasicsContent())
    told = SubjectBasics(subject, "合成" if since else "", since)
    handled = await take.taken(HEADER, BasicsContent().basics(told))
    # What is not kept erases what was kept before.
    assert handled.basics == (told if handled.outcome == "kept" else SubjectBasics(subject))
    assert (handled.replies, handled.answer, handled.evidence_digest) == ((), None, b"")
    return handled.outcome


@pytest.mark.parametrize(
    ("subject", "division", "words", "expected"),
    [
        (OURS, "", 0, "kept"),
        (OURS, "520102", 0, "kept"),
        (OURS, "140105", 0, "not_kept"),  # it moved away
        (THEIRS, "", 0, "not_kept"),
        (THEIRS, "520102", 0, "kept"),  # it moved here
        (OURS, "", MOST_UNREGISTERED - 1, "kept"),
        (OURS, "", MOST_UNREGISTERED, "not_kept"),
        (OURS, "520102", MOST_UNREGISTERED, "kept"),  # our register bounds these
    ],
)
async def test_what_is_kept(subject: SubjectRef, division: str, words: int, expected: str) -> None:
    assert await outcome(subject, division, words) == expected


async def test_a_withdrawal_needs_no_leave() -> None:
    assert await outcome(OURS, words=MOST_UNREGISTERED, since=None) == "erased"
    assert await outcome(THEIRS, since=None) == "erased"
