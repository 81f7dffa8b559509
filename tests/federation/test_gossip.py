"""Asking one peer for heads: in rounds, within limits, and whatever the peer does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from node.errors import NotReady
from node.federation.follower import Backoff
from node.federation.gossip import ORIGINS_AT_ONCE, Gossip, Recall, Rounds
from node.federation.unavailable import PeerUnavailable
from node.model.peers import PeerTrouble
from node.model.witnesses import ShownHead
from trust.errors import CheckpointInvalid

ENDPOINTS = ("first:1", "second:2")
FAST = Rounds(0.001, Backoff(0.001, 0.002), lambda: 0.5)


@dataclass
class Peer:
    """Answers what it is told to. `judged` are the heads that came to be compared."""

    answer: Callable[[Sequence[str]], Sequence[ShownHead]] = lambda asked: [ShownHead(each, "note") for each in asked]
    judgement: Callable[[ShownHead], None] = lambda _shown: None
    origins: list[str] = field(default_factory=lambda: ["huxin/140000"])
    connected: list[str] = field(default_factory=list)
    closed: int = 0
    asked: list[list[str]] = field(default_factory=list)
    judged: list[ShownHead] = field(default_factory=list)
    past: Callable[[Sequence[str]], Sequence[ShownHead]] = lambda _asked: []
    asked_past: list[tuple[str, datetime]] = field(default_factory=list)
    recall: Recall | None = None

    def connect(self, endpoint: str) -> Peer:
        self.connected.append(endpoint)
        return self

    async def heads(
        self, origins: Sequence[str], seconds: float, before: datetime | None = None
    ) -> Sequence[ShownHead]:
        assert 0 < seconds < 60
        if before is not None:
            self.asked_past.append((origins[0], before))
            return self.past(origins)
        self.asked.append(list(origins))
        return self.answer(origins)

    async def close(self) -> None:
        self.closed += 1

    async def judge(self, shown: ShownHead) -> None:
        self.judged.append(shown)
        self.judgement(shown)


@asynccontextmanager
async def asking(peer: Peer) -> AsyncIterator[None]:
    gossip = Gossip("140000", ENDPOINTS, peer.connect, lambda: tuple(peer.origins), peer.judge, FAST, peer.recall)
    task = asyncio.create_task(gossip.run())
    try:
        yield
        assert not task.done(), "whatever happens, it goes on"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what another task does
            await asyncio.sleep(0.001)


def raising(error: Exception) -> Callable[[object], Sequence[ShownHead]]:
    def answer(_asked: object) -> Sequence[ShownHead]:
        raise error

    return answer


async def test_one_connection_serves_many_rounds() -> None:
    peer = Peer()
    async with asking(peer):
        await until(lambda: len(peer.judged) >= 3)
    assert peer.connected == ["first:1"]
    assert peer.closed == 1, "the connection ends with the task"
    assert set(peer.judged) == {ShownHead("huxin/140000", "note")}


async def test_many_logs_are_asked_about_in_parts() -> None:
    peer = Peer(origins=[f"huxin/{number}" for number in range(ORIGINS_AT_ONCE + 6)])
    async with asking(peer):
        await until(lambda: len(peer.asked) >= 2)
    assert [len(part) for part in peer.asked[:2]] == [ORIGINS_AT_ONCE, 6]
    assert peer.asked[0] + peer.asked[1] == peer.origins


async def test_a_peer_that_is_away_is_asked_at_its_other_endpoint() -> None:
    peer = Peer(raising(PeerUnavailable("Nobody answers.")))
    async with asking(peer):
        await until(lambda: len(peer.connected) >= 3)
        assert peer.connected[:3] == ["first:1", "second:2", "first:1"]
        peer.answer = lambda _asked: []
        await until(lambda: peer.asked[-1] is not peer.asked[0])
    assert peer.closed == len(peer.connected)


async def test_a_peer_whose_limits_we_met_is_asked_when_it_says() -> None:
    busy = PeerUnavailable("Come back.", PeerTrouble.LIMITS_US, retry_seconds=0.3, answered=True)
    peer, loop = Peer(raising(busy)), asyncio.get_running_loop()
    async with asking(peer):
        await until(lambda: len(peer.asked) == 1)
        refused_at = loop.time()
        peer.answer = lambda _asked: []
        await until(lambda: len(peer.asked) == 2)
        assert loop.time() - refused_at >= 0.25, "our own rounds take milliseconds"
        await until(lambda: len(peer.asked) >= 5)
        assert loop.time() - refused_at < 1.2, "what it asked for once is waited once"


@pytest.mark.parametrize(
    "trouble", [CheckpointInvalid("not signed"), NotReady("DATABASE", "locked"), RuntimeError("unforeseen")]
)
async def test_what_goes_wrong_with_one_head_ends_nothing(trouble: Exception) -> None:
    def judgement(shown: ShownHead) -> None:
        if shown.origin == "huxin/1":
            raise trouble

    peer = Peer(judgement=judgement, origins=["huxin/1", "huxin/2"])
    async with asking(peer):
        await until(lambda: sum(shown.origin == "huxin/1" for shown in peer.judged) >= 2)
        peer.origins = ["huxin/2"]
        await until(lambda: any(shown.origin == "huxin/2" for shown in peer.judged))


async def test_a_lie_about_one_log_hides_no_other() -> None:
    def judgement(shown: ShownHead) -> None:
        if shown.origin == "huxin/1":
            raise CheckpointInvalid("not signed")

    peer = Peer(judgement=judgement, origins=["huxin/1", "huxin/2"])
    async with asking(peer):
        await until(lambda: any(shown.origin == "huxin/2" for shown in peer.judged))
    assert peer.connected == ["first:1"], "and costs no connection"


async def test_heads_of_logs_that_were_not_asked_about_are_left_unread() -> None:
    peer = Peer(lambda _asked: [ShownHead("huxin/999999", "note")])
    async with asking(peer):
        await until(lambda: len(peer.asked) >= 2)
    assert peer.judged == []


def test_rounds_are_spread_and_silence_makes_them_longer() -> None:
    spread = [Rounds(10, Backoff(1, 300), iter([at]).__next__).pause(0) for at in (0.0, 0.5, 0.999)]
    assert [round(pause, 2) for pause in spread] == [5, 10, 14.99]
    away = Rounds(10, Backoff(1, 300), lambda: 0.5)
    assert [away.pause(failures) for failures in (1, 2, 20)] == [10, 10, 225]


@dataclass
class Questions:
    """Asks about the past as long as there are questions."""

    pending: list[tuple[str, datetime]]
    answers: list[tuple[str, datetime, ShownHead | None]] = field(default_factory=list)

    def next(self) -> tuple[str, datetime] | None:
        return self.pending[0] if self.pending else None

    async def answered(self, origin: str, before: datetime, shown: ShownHead | None) -> None:
        self.pending.remove((origin, before))
        self.answers.append((origin, before, shown))


THEN = datetime(2026, 11, 22, tzinfo=UTC)
"""What is asked about."""
PAST = [("huxin/1", THEN), ("huxin/2", THEN)]


async def test_one_question_about_the_past_is_asked_in_each_round() -> None:
    questions = Questions(list(PAST))
    note = ShownHead("huxin/1", "a note of then")
    peer = Peer(recall=questions, past=lambda asked: [note] if asked == ["huxin/1"] else [])
    async with asking(peer):
        await until(lambda: len(peer.asked) >= 4)
    assert questions.answers == [("huxin/1", THEN, note), ("huxin/2", THEN, None)]
    assert peer.asked_past == PAST, "and nothing when all is answered"
    assert set(peer.judged) == {ShownHead("huxin/140000", "note")}, "a head of the past is no head of now"


async def test_an_answer_about_another_log_is_none() -> None:
    questions = Questions(PAST[:1])
    peer = Peer(recall=questions, past=lambda _asked: [ShownHead("huxin/2", "a note")])
    async with asking(peer):
        await until(lambda: len(peer.connected) >= 2)
    assert questions.answers == []
