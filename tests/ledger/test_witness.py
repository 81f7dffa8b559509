"""What this node cosigns of its peers' logs, and what it never does (C2SP tlog-witness; R184)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from node.ledger.heads import HeadBoard
from node.ledger.standings import Standings
from node.ledger.witness import Witness, WitnessKey
from node.model.log import LogHead
from node.model.witnesses import SplitNotes, SplitView
from node.storage.database import Database
from node.storage.witness_store import WitnessStore
from tests.ledger.world import NOW, ORIGIN, PeerLog, minutes
from tests.support.trust import key
from trust.log.checkpoint import open_checkpoint, own_cosigner, sign_head
from trust.log.tree import leaf_hash, root_of

OWN = "520000"
NAME = f"huxin/{OWN}/node"
KNOWN = {ORIGIN, f"huxin/{OWN}"}
LOG = PeerLog(size=20)


@dataclass
class World:
    """A node that follows one log."""

    kept: WitnessStore
    board: HeadBoard = field(default_factory=HeadBoard)
    standings: Standings = field(default_factory=lambda: Standings(OWN))
    now: datetime = field(default_factory=lambda: minutes(7))

    def __post_init__(self) -> None:
        self.same = self.witness()

    def split(self) -> None:
        """The log turns out to have two histories."""
        notes = SplitNotes("first", "second", b"r" * 32, ())
        self.standings.tell_split(SplitView(ORIGIN, "210000", NOW, 0, notes))

    def witness(self, board: HeadBoard | None = None) -> Witness:
        """As after a restart."""
        signer = WitnessKey(f"huxin/{OWN}", NAME, key(NAME))
        return Witness(self.kept, signer, board or self.board, self.standings, lambda: self.now)

    def hold(self, size: int, noted: int | None = None) -> None:
        self.board.publish(view(LOG, size, noted))


def view(log: PeerLog, size: int, noted: int | None = None) -> LogHead:
    """A view of so many entries; `noted`: the size of the signed head that it was proven by."""
    return LogHead(ORIGIN, size, log.root(size), log.note(noted or size), NOW)


@pytest.fixture
def world(database: Database) -> World:
    return World(WitnessStore(database))


def opened(text: str) -> tuple[int, bool]:
    """Size of a head, and whether this node cosigned it at its present time."""
    cosigners = {own_cosigner(ORIGIN): key("cosigner").public, NAME: key(NAME).public}
    head = open_checkpoint(text, key("head").public, ORIGIN, cosigners)
    assert head.cosigned_at == NOW
    return head.size, head.cosigners.get(NAME) == minutes(7)


async def test_our_view_is_cosigned_with_the_time(world: World) -> None:
    witness = world.witness()
    for size in (5, 5, 9):
        world.hold(size)
        (shown,) = await witness.heads([ORIGIN, ORIGIN], KNOWN)
        assert (shown.origin, shown.split) == (ORIGIN, None)
        assert opened(shown.checkpoint) == (size, True)


async def test_nothing_is_said_of_logs_that_we_do_not_follow_or_do_not_hold(world: World) -> None:
    assert await world.witness().heads(["huxin/210000", ORIGIN], KNOWN) == []
    world.hold(5)
    assert await world.witness().heads([ORIGIN], set()) == []


async def test_a_head_that_we_still_catch_up_with_is_not_cosigned(world: World) -> None:
    world.hold(5, noted=9)
    assert await world.witness().heads([ORIGIN], KNOWN) == []


async def test_never_a_smaller_head_and_never_another_one_not_even_after_a_restart(world: World) -> None:
    world.hold(9)
    assert len(await world.witness().heads([ORIGIN], KNOWN)) == 1
    for other in (view(LOG, 8), view(PeerLog("fork", 20), 9)):
        board = HeadBoard()
        board.publish(other)
        assert await world.witness(board).heads([ORIGIN], KNOWN) == []
    larger = HeadBoard()
    larger.publish(view(LOG, 10))
    (shown,) = await world.witness(larger).heads([ORIGIN], KNOWN)
    assert opened(shown.checkpoint) == (10, True)


async def test_the_own_log_is_shown_as_it_is(world: World) -> None:
    own = f"huxin/{OWN}"
    root = root_of([leaf_hash(b"own")])
    text = sign_head(own, 1, root, key("head"))
    world.board.publish(LogHead(own, 1, root, text, NOW))
    (shown,) = await world.witness().heads([own], KNOWN)
    assert shown.checkpoint == text


async def test_of_a_split_log_the_evidence_is_shown_and_nothing_is_cosigned(world: World) -> None:
    notes = SplitNotes(LOG.note(3), LOG.note(4), bytes(32), ())
    world.hold(5)
    world.standings.tell_split(SplitView(ORIGIN, "620100", NOW, 0, notes))
    (shown,) = await world.witness().heads([ORIGIN], KNOWN)
    assert (shown.checkpoint, shown.split) == ("", notes)
