"""Heads of the past: kept by who cosigned them, asked for by who was not there, proven like any other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from node.ledger.recollection import Recollection
from node.model.witnesses import ShownHead, Sighting
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from tests.ledger.test_comparison import KEYS, NAMES, OWN, PEER, World, shown
from tests.ledger.test_witness import KNOWN, LOG, NAME, view
from tests.ledger.test_witness import World as WitnessWorld
from tests.ledger.world import NOW, ORIGIN, PeerLog, minutes
from tests.support.trust import key
from trust.errors import CheckpointInvalid
from trust.log.checkpoint import cosign, open_checkpoint, own_cosigner

HONEST = PeerLog(size=30)
SECOND = timedelta(seconds=1)


# Who cosigned


@pytest.fixture
def witness(database: Database) -> WitnessWorld:
    return WitnessWorld(WitnessStore(database))


async def hold_and_show(world: WitnessWorld, size: int, at: datetime) -> None:
    world.now = at
    world.board.publish(view(LOG, size))
    assert len(await world.same.heads([ORIGIN], KNOWN)) == 1


def opened(found: list[ShownHead]) -> tuple[int, datetime]:
    (only,) = found
    cosigners = {own_cosigner(ORIGIN): key("cosigner").public, NAME: key(NAME).public}
    head = open_checkpoint(only.checkpoint, key("head").public, ORIGIN, cosigners)
    return head.size, head.cosigners[NAME]


async def test_what_was_cosigned_is_shown_as_it_left(witness: WitnessWorld) -> None:
    for size, at in ((3, 0.0), (5, 2.0), (9, 5.0)):
        await hold_and_show(witness, size, minutes(at))
    for again in (witness.same, witness.witness()):  # and after a restart
        assert await again.heads_before([ORIGIN], KNOWN, minutes(0)) == []
        assert opened(await again.heads_before([ORIGIN, ORIGIN], KNOWN, minutes(0) + SECOND)) == (3, minutes(0))
        assert opened(await again.heads_before([ORIGIN], KNOWN, minutes(5))) == (5, minutes(2))
        assert opened(await again.heads_before([ORIGIN], KNOWN, minutes(60))) == (9, minutes(5))
        assert await again.heads_before([ORIGIN], set(), minutes(60)) == []
        assert await again.heads_before(["huxin/210000"], KNOWN | {"huxin/210000"}, minutes(60)) == []


async def test_one_note_a_minute_is_kept_and_the_last_size_in_the_end(witness: WitnessWorld) -> None:
    for size, at in ((3, 0.0), (5, 0.4), (6, 0.9)):
        await hold_and_show(witness, size, minutes(at))
    assert opened(await witness.same.heads_before([ORIGIN], KNOWN, minutes(60))) == (3, minutes(0))
    await hold_and_show(witness, 6, minutes(1.5))  # the log stands still, and is asked about again
    assert opened(await witness.same.heads_before([ORIGIN], KNOWN, minutes(60))) == (6, minutes(1.5))
    await hold_and_show(witness, 6, minutes(4))
    assert opened(await witness.same.heads_before([ORIGIN], KNOWN, minutes(60))) == (6, minutes(1.5))


async def test_nothing_of_a_log_with_two_histories_is_shown(witness: WitnessWorld) -> None:
    await hold_and_show(witness, 3, minutes(0))
    witness.split()
    assert await witness.same.heads_before([ORIGIN], KNOWN, minutes(60)) == []


# Who asks


@pytest.fixture
def world(database: Database) -> World:
    return World(LogStore(database), WitnessStore(database))


async def seen(world: World, index: int, by: str = PEER) -> Sighting | None:
    key = (ORIGIN, by, index)
    return (await world.logs.first_sightings([key])).get(key)


async def test_a_head_of_the_past_says_what_the_log_held_then(world: World) -> None:
    await world.hold(HONEST, 30)
    await world.show(HONEST, 30, at=minutes(9))
    assert await world.comparison.recalled(PEER, KEYS, shown(HONEST, 7, at=minutes(1)))
    assert await seen(world, 6) == Sighting(PEER, 7, minutes(1) + SECOND), "cosignatures tell whole seconds"
    assert await seen(world, 7) == Sighting(PEER, 30, minutes(9) + SECOND)
    assert world.size(PEER) == 30, "the newest head stays that"


async def test_the_earlier_word_on_one_size_stays(world: World) -> None:
    await world.hold(HONEST, 30)
    for at in (5, 1, 3):
        assert await world.comparison.recalled(PEER, KEYS, shown(HONEST, 7, at=minutes(at)))
    assert await seen(world, 6) == Sighting(PEER, 7, minutes(1) + SECOND)


async def test_it_is_never_earlier_than_the_logs_own_word(world: World) -> None:
    """A witness that dates back under a head of today."""
    await world.hold(HONEST, 30)
    text = cosign(HONEST.note(30, minutes(9)), NAMES[PEER], key(NAMES[PEER]), minutes(1))
    assert await world.comparison.recalled(PEER, KEYS, ShownHead(ORIGIN, text))
    assert await seen(world, 29) == Sighting(PEER, 30, minutes(9) + SECOND)


async def test_a_head_beyond_our_tree_is_asked_for_again(world: World) -> None:
    assert not await world.comparison.recalled(PEER, KEYS, shown(HONEST, 7, at=minutes(1)))
    await world.hold(HONEST, 6)
    assert not await world.comparison.recalled(PEER, KEYS, shown(HONEST, 7, at=minutes(1)))
    assert await seen(world, 0) is None
    await world.hold(HONEST, 7)
    assert await world.comparison.recalled(PEER, KEYS, shown(HONEST, 7, at=minutes(1)))
    assert await seen(world, 0) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        HONEST.note(7),  # not cosigned by who shows it
        cosign(HONEST.note(7, None), NAMES[PEER], key(NAMES[PEER]), NOW),  # not by the log's own node
        cosign(HONEST.note(7), NAMES[PEER], key("another"), NOW),
        cosign(HONEST.note(7), NAMES[PEER], key(NAMES[PEER]), NOW + timedelta(days=1)),
    ],
)
async def test_what_does_not_verify_proves_nothing(world: World, text: str) -> None:
    await world.hold(HONEST, 30)
    with pytest.raises(CheckpointInvalid):
        await world.comparison.recalled(PEER, KEYS, ShownHead(ORIGIN, text))
    assert await seen(world, 0) is None


async def test_a_past_head_of_another_history_is_a_split_view(world: World) -> None:
    await world.hold(HONEST, 30)
    assert await world.comparison.recalled(PEER, KEYS, shown(PeerLog("another", 30), 7))
    assert await seen(world, 0) is None
    (split,) = world.found
    assert split.shown_by == PEER


# What is asked


class Asked:
    """What peers showed, and what is said of it."""

    def __init__(self) -> None:
        self.judged: list[str] = []
        self.known = True
        self.error: CheckpointInvalid | None = None

    async def judge(self, peer: str, shown: ShownHead) -> bool:
        self.judged.append(f"{peer} {shown.checkpoint}")
        if self.error is not None:
            raise self.error
        return self.known


async def test_each_question_is_asked_once_each_in_its_turn() -> None:
    asked = Asked()
    moments = {ORIGIN: [minutes(1), minutes(2)], f"huxin/{OWN}": [minutes(3)], f"huxin/{PEER}": [minutes(4)]}
    recollection = Recollection(PEER, lambda: moments, asked.judge)
    questions = set()
    for _ in range(3):
        question = recollection.next()
        assert question is not None
        questions.add(question)
    own_left_out = {(ORIGIN, minutes(1)), (ORIGIN, minutes(2)), (f"huxin/{OWN}", minutes(3))}
    assert questions == own_left_out, "one that is not answered keeps none of the others back"

    asked.known = False
    await recollection.answered(ORIGIN, minutes(1), ShownHead(ORIGIN, "too large yet"))
    assert {recollection.next() for _ in range(3)} == own_left_out
    asked.known = True
    await recollection.answered(ORIGIN, minutes(1), ShownHead(ORIGIN, "known"))
    await recollection.answered(ORIGIN, minutes(2), None)
    assert {recollection.next() for _ in range(3)} == {(f"huxin/{OWN}", minutes(3))}
    asked.error = CheckpointInvalid("synthetic")
    await recollection.answered(f"huxin/{OWN}", minutes(3), ShownHead(f"huxin/{OWN}", "a lie"))
    assert recollection.next() is None
    assert asked.judged == [f"{PEER} too large yet", f"{PEER} known", f"{PEER} a lie"]

    moments[ORIGIN] = [minutes(1), minutes(0.5)]  # the compromise turned out to be older
    assert recollection.next() == (ORIGIN, minutes(0.5))
