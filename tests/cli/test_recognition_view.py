"""The table of who recognises whom: side by side while it fits, line by line when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from node.app.relations import Relation, RelationState
from node.cli.recognition_view import WIDEST_MATRIX, print_relations, scope_counts
from tests.recognition.test_terms import CERTIFICATE


def shown(relations: list[Relation]) -> list[str]:
    console = Console(width=300, no_color=True)
    with console.capture() as capture:
        print_relations(console, relations, lambda division: f"name of {division}")
    return capture.get().splitlines()


def relation(recogniser: str, issuer: str, state: RelationState = RelationState.IN_FORCE) -> Relation:
    return Relation(state, replace(CERTIFICATE, recogniser=recogniser, issuer=issuer), "")


def test_a_few_issuers_stand_side_by_side() -> None:
    lines = shown([relation("520000", "140000"), relation("620100", "520000", RelationState.WITHDRAWN)])
    (head,) = (line for line in lines if "Recogniser" in line)
    assert head.index("name of 140000") < head.index("name of 520000")
    (guizhou,) = (line for line in lines if "name of 520000" in line and line is not head)
    assert "互认 in force until 2027-11-17" in guizhou
    assert guizhou.rstrip("│ ").endswith("-")  # nothing was ever signed for itself
    (lanzhou,) = (line for line in lines if "name of 620100" in line)
    assert "已撤回 withdrawn 2026-11-22" in lanzhou


def test_many_issuers_stand_one_below_the_other() -> None:
    issuers = [f"{number}0000" for number in range(11, 12 + WIDEST_MATRIX)]
    lines = shown([relation("520000", issuer) for issuer in issuers])
    (head,) = (line for line in lines if "Recogniser" in line)
    assert "Issuer" in head
    rows = [line for line in lines if "name of 520000" in line]
    assert len(rows) == len(issuers)
    assert all("2 leaves, 1 type, 1 scenario" in row for row in rows)


@pytest.mark.parametrize(
    ("state", "words"), [(RelationState.ENDED, "ended 2027-11-17"), (RelationState.NOT_YET, "not yet, from 2026-11-22")]
)
def test_a_state_names_its_day(state: RelationState, words: str) -> None:
    assert any(words in line for line in shown([relation("520000", "140000", state)]))


def test_a_review_that_is_outdated_is_marked() -> None:
    found = replace(relation("520000", "140000"), outdated="another version is in force")
    assert any("review outdated" in line for line in shown([found]))


def test_one_of_a_kind_is_not_many() -> None:
    assert scope_counts(CERTIFICATE) == "2 leaves, 1 type, 1 scenario"
