"""Evidence of two histories that a peer took over from another one: whose word on where they part it is (R184)."""

from __future__ import annotations

from node.model.witnesses import ShownHead
from tests.ledger.test_comparison import HONEST, KEYS, OTHER, PEER, THIRD, Forked, World, evidence_of_another, world
from tests.ledger.world import ORIGIN

__all__ = ["world"]


async def test_who_was_shown_our_history_and_hands_evidence_on_does_not_say_where_the_other_one_parts(
    world: World,
) -> None:
    """We hold the fork, as PEER does; who holds the other one made this of PEER's head, and PEER took it over."""
    fork = Forked("fork", 12, 5)
    await world.hold(fork, 12)
    await world.show(fork, 8, PEER)
    notes = evidence_of_another(shown_by=PEER)
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", notes))
    assert world.standings.witnessing(ORIGIN).agreed == 0


async def test_whoever_may_hold_the_other_history_is_heeded_whoever_hands_the_evidence_on(world: World) -> None:
    """We hold the fork, as PEER and OTHER do. THIRD, which holds the other one, made this; PEER is first to tell."""
    fork = Forked("fork", 12, 5)
    await world.hold(fork, 12)
    await world.show(fork, 8, PEER)
    await world.show(fork, 8, OTHER)
    await world.show(HONEST, 4, THIRD)
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", evidence_of_another()))
    assert world.standings.witnessing(ORIGIN).agreed == 4


async def test_evidence_that_comes_again_counts_where_it_says_less(world: World) -> None:
    """THIRD, which made it, never agreed with us. That PEER, which did, was first to tell hides nothing."""
    fork = Forked("fork", 12, 5)
    await world.hold(fork, 12)
    await world.show(fork, 8, PEER)
    await world.show(fork, 8, OTHER)
    notes = evidence_of_another()
    await world.comparison.shown(PEER, KEYS, ShownHead(ORIGIN, "", notes))
    await world.comparison.shown(THIRD, KEYS, ShownHead(ORIGIN, "", notes))
    assert world.standings.witnessing(ORIGIN).agreed == 0
