"""What peers show of a log, held against our own tree: agreement, what is beyond us, and two histories (R184)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from node.ledger.comparison import Comparison, ComparisonLimits
from node.ledger.heads import HeadBoard
from node.ledger.replica import Replica, ReplicaKeys
from node.ledger.standings import Standings
from node.model.log import LogHead
from node.model.witnesses import HeadState, ShownHead, SplitNotes, SplitView
from node.storage.database import Database
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from tests.ledger.test_replica import SKEW, read_entry
from tests.ledger.world import NOW, ORIGIN, PeerLog, entry, minutes
from tests.support.trust import key
from trust.errors import CheckpointInvalid, ProofInvalid, TrustError
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.forks import ForkProof, open_fork
from trust.log.proofs import consistency_plan
from trust.log.tree import leaf_hash, root_of

OWN, PEER, OTHER, THIRD, ISSUER = "520000", "620100", "210000", "430000", "140000"
NAMES = {division: f"huxin/{division}/node" for division in (OWN, PEER, OTHER, THIRD)}
COSIGNERS = {own_cosigner(ORIGIN): key("cosigner").public, **{name: key(name).public for name in NAMES.values()}}
KEYS = ReplicaKeys(ORIGIN, key("head").public, COSIGNERS)


@dataclass
class Forked(PeerLog):
    """The same log up to `common` entries, and another from there on."""

    common: int = 0

    @property
    def entries(self) -> list[bytes]:
        names = [self.name if index >= self.common else "peer" for index in range(self.size)]
        return [entry(f"{name} {index}") for index, name in enumerate(names)]


@dataclass
class World:
    """Our view of a log, and everything that judges what is shown of it."""

    logs: LogStore
    kept: WitnessStore
    now: datetime = NOW + timedelta(minutes=10)
    own: str = OWN
    standings: Standings = field(default_factory=lambda: Standings(OWN))
    found: list[SplitView] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = ComparisonLimits(lambda: self.now, SKEW, self.own)
        self.comparison = Comparison(self.logs, self.kept, self.standings, limits, self.found.append)

    async def hold(self, log: PeerLog, stop: int, size: int | None = None, at: datetime = NOW) -> LogHead:
        """Our view grows to so many entries of a log whose head is of `size`."""
        replica = Replica(self.logs, KEYS, HeadBoard(), lambda: self.now, read_entry, SKEW)
        known = await replica.open()
        return await replica.accept(log.batch(0 if known is None else known.size, stop, size, at))

    async def show(self, log: PeerLog, size: int, by: str = PEER, at: datetime = NOW) -> None:
        await self.comparison.shown(by, KEYS, shown(log, size, by, at))

    def size(self, by: str, state: HeadState = HeadState.AGREED) -> int | None:
        head = self.standings.head(ORIGIN, by, state)
        return None if head is None else head.size


def shown(log: PeerLog, size: int, by: str = PEER, at: datetime = NOW) -> ShownHead:
    text = log.note(size, at)
    return ShownHead(ORIGIN, text if by == ISSUER else cosign(text, NAMES[by], key(NAMES[by]), at))


@pytest.fixture
def world(database: Database) -> World:
    return World(LogStore(database), WitnessStore(database))


HONEST = PeerLog(size=300)
"""More than a stored level (256 leaves) holds."""


@pytest.mark.parametrize("sizes", [(1,), (5, 255, 256, 257, 299, 300), (300, 7)])
async def test_heads_of_our_own_history_agree(world: World, sizes: Sequence[int]) -> None:
    await world.hold(HONEST, 300)
    for size in sizes:
        await world.show(HONEST, size)
    assert world.size(PEER) == max(sizes)
    assert world.standings.witnessing(ORIGIN).sizes == {NAMES[PEER]: max(sizes)}
    assert world.found == []
    again = Standings(OWN)
    await again.load(world.kept)
    assert again.witnessing(ORIGIN) == world.standings.witnessing(ORIGIN), "a restart forgets nothing"


async def test_a_larger_head_waits_until_our_tree_has_grown_so_far(world: World) -> None:
    await world.hold(HONEST, 5)
    await world.show(HONEST, 9, at=minutes(1))
    assert (world.size(PEER), world.size(PEER, HeadState.AHEAD)) == (None, 9)
    await world.hold(HONEST, 9)
    await world.comparison.settle(KEYS)
    assert (world.size(PEER), world.size(PEER, HeadState.AHEAD)) == (9, None)
    assert [head.state for head in await world.kept.peer_heads()] == [HeadState.AGREED]


async def test_a_larger_head_of_another_history_is_caught_when_we_get_there(world: World) -> None:
    await world.hold(HONEST, 5)
    await world.show(HONEST, 4)
    await world.show(Forked("fork", 9, 5), 9)
    assert world.found == []
    await world.hold(HONEST, 10)
    await world.comparison.settle(KEYS)
    (split,) = await world.kept.splits()
    assert (split.shown_by, split.agreed_size) == (PEER, 4)
    assert proven(split) == (9, 10)


def proven(split: SplitView) -> tuple[int, int]:
    """The evidence as anybody checks it."""
    notes = split.notes
    proof = ForkProof(notes.first, notes.second, notes.root, notes.consistency)
    fork = open_fork(proof, key("head").public, ORIGIN, COSIGNERS)
    return fork.first.size, fork.second.size


@pytest.mark.parametrize("size", [6, 255, 256, 300])
async def test_two_histories_are_kept_with_their_proof(world: World, size: int) -> None:
    await world.hold(HONEST, 300)
    await world.show(HONEST, 3)
    await world.show(Forked("fork", 300, 5), size)
    (split,) = world.found
    assert await world.kept.splits() == [split]
    assert (split.agreed_size, split.found_at) == (3, world.now)
    assert proven(split) == (size, 300)
    assert world.standings.witnessing(ORIGIN).agreed == 3


async def test_a_peer_that_never_agreed_leaves_nothing_agreed(world: World) -> None:
    await world.hold(HONEST, 10)
    await world.show(HONEST, 10, OTHER)
    await world.show(Forked("fork", 10, 5), 10)
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_the_log_itself_vouches_for_no_beginning(world: World) -> None:
    """Its own node stands for both histories: how far they agree, it alone says."""
    await world.hold(HONEST, 10)
    await world.show(HONEST, 9, ISSUER)
    await world.show(Forked("fork", 10, 5), 10, ISSUER)
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_the_first_evidence_of_each_peer_stays(world: World) -> None:
    await world.hold(HONEST, 10)
    for size in (8, 9, 10):
        await world.show(Forked("fork", 10, 5), size)
    await world.show(Forked("fork", 10, 5), 10, OTHER)
    assert [(split.shown_by, proven(split)) for split in await world.kept.splits()] == [
        (OTHER, (10, 10)),
        (PEER, (8, 10)),
    ]


async def test_evidence_of_a_peer_is_taken_over_once_it_verifies(world: World) -> None:
    """We hold less than what would show it ourselves."""
    notes = evidence_of_another()
    await world.hold(HONEST, 4)
    await world.show(HONEST, 4)
    await world.show(HONEST, 2, OTHER)
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", notes))
    (split,) = world.found
    assert (split.shown_by, split.agreed_size) == (PEER, 2), "OTHER cosigned one of the two heads, and agreed up to 2"
    assert proven(split) == (9, 10)


@pytest.mark.parametrize("size", [8, 10])
async def test_who_holds_what_we_hold_does_not_say_where_another_history_parts(world: World, size: int) -> None:
    """PEER was shown the fork, from 5 on, by somebody whom we do not know: how far PEER agrees with us is no hint."""
    await world.hold(HONEST, 10)
    await world.show(HONEST, size)
    keys = replace(KEYS, cosigners={name: held for name, held in COSIGNERS.items() if name != NAMES[OTHER]})
    await world.comparison.shown(PEER, keys, ShownHead(ORIGIN, "", evidence_of_another()))
    assert world.standings.witnessing(ORIGIN).agreed == 0


@pytest.mark.parametrize("size", [3, 7, 8])
async def test_while_we_hold_too_little_to_tell_which_is_ours_somebody_must_stand_for_each(
    world: World, size: int
) -> None:
    """We hold 8 entries, the fork parts at 5, and shows at 9: of who was shown it we know nobody."""
    await world.hold(HONEST, 8)
    await world.show(HONEST, size)
    keys = replace(KEYS, cosigners={name: held for name, held in COSIGNERS.items() if name != NAMES[OTHER]})
    await world.comparison.shown(PEER, keys, ShownHead(ORIGIN, "", evidence_of_another()))
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_who_stands_for_our_history_does_not_say_where_the_other_one_parts(world: World) -> None:
    """We hold the fork, as OTHER does; the log's own node shows both. How far OTHER agrees with us is no hint."""
    fork = Forked("fork", 12, 5)
    await world.hold(fork, 12)
    await world.show(fork, 8, OTHER)
    await world.show(HONEST, 4, PEER)
    await world.comparison.shown(ISSUER, KEYS, ShownHead(ORIGIN, "", evidence_of_another()))
    assert world.standings.witnessing(ORIGIN).agreed == 4, "what every witness that we know holds as we do"


async def test_who_shows_it_agrees_with_us_beyond_where_they_differ(world: World) -> None:
    """We hold the fork, and so does PEER, which was told of the other one by somebody whom we do not know."""
    fork = Forked("fork", 12, 5)
    await world.hold(fork, 12)
    await world.show(fork, 8, OTHER)
    await world.show(fork, 8, THIRD)
    await world.show(fork, 12, PEER)
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", evidence_of_another()))
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_our_own_evidence_handed_back_says_nothing_new(world: World) -> None:
    """We found it by a head that the log's own node alone showed; PEER takes it over from us, and shows it to us."""
    await world.hold(HONEST, 10)
    await world.show(HONEST, 4, PEER)
    await world.show(Forked("fork", 9, 5), 9, ISSUER)
    (split,) = world.found
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", split.notes))
    assert world.standings.witnessing(ORIGIN).agreed == 4
    assert await world.kept.splits() == [split]


async def test_who_shows_two_histories_vouches_for_neither(world: World) -> None:
    await world.hold(HONEST, 10)
    await world.show(HONEST, 10)
    await world.show(Forked("fork", 8, 5), 8)
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_histories_that_differ_at_a_size_agree_below_it_at_most(world: World) -> None:
    await world.hold(HONEST, 10)
    await world.show(HONEST, 10)
    await world.show(Forked("fork", 8, 5), 8, ISSUER)
    agreed = world.standings.witnessing(ORIGIN).agreed
    assert agreed is not None
    assert agreed < 8


def evidence_of_another(shown_by: str = OTHER) -> SplitNotes:
    """What the node of PEER, or of whoever holds the honest log, keeps once another one has shown it a fork."""
    leaves = [leaf_hash(data) for data in HONEST.entries[:10]]
    plan = consistency_plan(9, 10)
    hashes = plan.fold({s: root_of(leaves[s.index << s.level : (s.index + 1) << s.level]) for s in plan.subtrees})
    return SplitNotes(shown(Forked("fork", 9, 5), 9, shown_by).checkpoint, HONEST.note(10), HONEST.root(9), hashes)


async def test_false_evidence_changes_nothing(world: World) -> None:
    notes = evidence_of_another()
    await world.hold(HONEST, 4)
    for lie in (
        replace(notes, first=HONEST.note(9)),
        replace(notes, root=bytes(32)),
        replace(notes, root=b""),
        replace(notes, consistency=()),
        replace(notes, second=sign_head(ORIGIN, 10, HONEST.root(10), key("another"))),
        replace(notes, first=""),
    ):
        with pytest.raises(TrustError):
            await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", lie))
    assert await world.kept.splits() == []
    assert world.standings.witnessing(ORIGIN).agreed is None


LIES = {
    "signed by nobody": lambda: ShownHead(ORIGIN, "no note"),
    "signed by another key": lambda: ShownHead(ORIGIN, sign_head(ORIGIN, 5, HONEST.root(5), key("another"))),
    "not cosigned by who shows it": lambda: ShownHead(ORIGIN, HONEST.note(5)),
    "not cosigned by its own node": lambda: ShownHead(
        ORIGIN, cosign(HONEST.note(5, None), NAMES[PEER], key(NAMES[PEER]), NOW)
    ),
    "cosigned by who shows it with another key": lambda: ShownHead(
        ORIGIN, cosign(HONEST.note(5), NAMES[PEER], key("another"), NOW)
    ),
    "cosigned in the future": lambda: shown(HONEST, 5, at=minutes(12)),
    "of another log": lambda: ShownHead(ORIGIN, shown(HONEST, 5).checkpoint.replace(ORIGIN, "huxin/520000")),
    "beyond the size of a note": lambda: ShownHead(ORIGIN, shown(HONEST, 5).checkpoint + "x" * 20_000),
}


async def test_what_every_other_witness_holds_goes_on_when_the_log_itself_shows_two_histories(world: World) -> None:
    await world.hold(HONEST, 10)
    await world.show(HONEST, 8, PEER)
    await world.show(HONEST, 6, OTHER)
    await world.show(Forked("fork", 10, 5), 10, ISSUER)
    assert world.standings.witnessing(ORIGIN).agreed == 6


@pytest.mark.parametrize("lie", LIES)
async def test_a_head_that_does_not_verify_says_nothing_of_the_log(world: World, lie: str) -> None:
    await world.hold(HONEST, 5)
    with pytest.raises((CheckpointInvalid, ProofInvalid)):
        await world.comparison.shown(PEER, KEYS, LIES[lie]())
    assert (await world.kept.peer_heads(), await world.kept.splits()) == ([], [])


async def test_while_we_catch_up_there_is_no_second_note_and_then_there_is(world: World) -> None:
    fork = Forked("fork", 6, 3)
    await world.hold(HONEST, 7, 10)
    await world.show(fork, 6)
    assert world.found == []
    assert world.size(PEER, HeadState.AHEAD) == 6
    await world.hold(HONEST, 10)
    await world.comparison.settle(KEYS)
    assert proven(world.found[0]) == (6, 10)


async def test_our_own_log_is_behind_what_our_key_signed(database: Database) -> None:
    world = World(LogStore(database), WitnessStore(database), own=ISSUER, standings=Standings(ISSUER))
    await world.hold(HONEST, 5)
    await world.show(HONEST, 5)
    assert world.found == []
    await world.show(HONEST, 6)
    (split,) = await world.kept.splits()
    assert (split.origin, split.notes.root, split.agreed_size) == (ORIGIN, b"", 5)


# Freshness: how long a larger head is known


async def test_our_view_is_no_fresher_than_the_first_larger_head(world: World) -> None:
    """The issuer cosigns the old head anew for us, while others hold more."""
    await world.hold(HONEST, 5)
    await world.show(HONEST, 6, at=minutes(3))
    await world.show(HONEST, 8, at=minutes(5))
    await world.show(HONEST, 7, OTHER, at=minutes(4))
    view = await world.hold(HONEST, 5, at=minutes(9))
    assert view.fresh_at == minutes(9)
    assert world.standings.limited(view).fresh_at == minutes(3)
    assert world.standings.known_size(ORIGIN) == 8
    again = Standings(OWN)
    await again.load(world.kept)
    assert again.limited(view).fresh_at == minutes(3)

    view = await world.hold(HONEST, 7, at=minutes(9))
    assert world.standings.limited(view).fresh_at == minutes(3), "of eight entries the eighth is still missing"
    view = await world.hold(HONEST, 8, at=minutes(9))
    assert world.standings.limited(view).fresh_at == minutes(9)


async def test_live_lag_costs_no_freshness(world: World) -> None:
    view = await world.hold(HONEST, 5, at=minutes(2))
    await world.show(HONEST, 6, at=minutes(2.01))
    assert world.standings.limited(view) == view


async def test_agreement_is_written_seldom_while_the_log_stands_still(world: World) -> None:
    await world.hold(HONEST, 5)
    kept: list[datetime] = []
    for second in range(0, 150, 10):
        await world.show(HONEST, 5, at=NOW + timedelta(seconds=second))
        (head,) = await world.kept.peer_heads()
        kept.append(head.cosigned_at)
    assert sorted(set(kept)) == [NOW, minutes(1), minutes(2)]
