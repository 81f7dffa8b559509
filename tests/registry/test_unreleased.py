"""What a coordinator is told of a release that does not hold: never that another peer be tried."""

from __future__ import annotations

import pytest

from node.registry.refresh import REFRESH_REASONS, RefreshFailed
from node.registry.release import Changes
from node.registry.unreleased import unreleased
from tests.support.registry import Federation, online, root_document, signed, targets_document

A, B = "140000", "520000"


@pytest.fixture(scope="module")
def federation() -> Federation:
    return Federation(A, B)


def told(federation: Federation, changes: Changes, reason: str = "REGISTRY_SIGNATURES") -> str:
    error = unreleased(RefreshFailed.elsewhere(reason, "something is wrong"), changes, federation.held, online())
    assert error.reason == reason
    return error.message


@pytest.mark.parametrize("reason", sorted(REFRESH_REASONS))
def test_whatever_is_wrong_the_advice_is_a_coordinators(federation: Federation, reason: str) -> None:
    said = told(federation, Changes(), reason)
    assert said.startswith("Nothing was released: something is wrong. ")
    assert "another peer" not in said
    assert "huxin trust" in said or "take it anew" in said


def test_what_says_itself_what_to_do_is_left_as_it_is(federation: Federation) -> None:
    error = RefreshFailed("REGISTRY_CLOCK", "Set the clock.")
    assert unreleased(error, Changes(), federation.held, online()) is error


def test_both_quorums_of_a_root_are_told_of(federation: Federation) -> None:
    """Of the holders before and of those after, who are others."""
    few = signed(root_document(2, d620100="another key"), "root 140000")
    said = told(federation, Changes(roots=[few]))
    assert "2.root.json has 1 of the 2 signatures that 1.root.json asks for (140000)" in said
    assert "2.root.json has 1 of the 2 signatures that 2.root.json asks for (140000)" in said


def test_a_document_that_nobody_signed_says_so(federation: Federation) -> None:
    said = told(federation, Changes(targets=targets_document(A, version=2).to_bytes()))
    assert "2.targets.json has 0 of the 2 signatures that 1.root.json asks for (nobody); 2 more of " in said


def test_what_cannot_be_read_gets_the_general_advice(federation: Federation) -> None:
    assert "huxin trust root show" in told(federation, Changes(roots=[b"{}"]))


def test_of_several_roots_each_is_held_against_the_one_before(federation: Federation) -> None:
    enough = signed(root_document(2), "root 140000", "root 520000")
    few = signed(root_document(3), "root 620100")
    said = told(federation, Changes(roots=[few, enough]))
    assert "3.root.json has 1 of the 2 signatures that 2.root.json asks for (620100)" in said
    assert "2.root.json has" not in said
