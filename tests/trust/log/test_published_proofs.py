"""The reference vectors of RFC 6962 proofs, the malformed ones included (`tests/vectors/README-logs.md`)."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from trust.errors import ProofInvalid
from trust.log.proofs import consistency_plan, inclusion_plan, verify_consistency, verify_inclusion
from trust.log.tree import Frontier, leaf_hash, root_of, stored_run

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc6962_proofs.json").read_text(encoding="utf-8"))
LEAVES = [b64decode(leaf) for leaf in VECTORS["leaves"]]
ROOTS = [b64decode(root) for root in VECTORS["roots"]]
STRICTER = {("additional/2", 0, 0), ("additional/3", 0, 1), ("additional/4", 1, 1)}
"""Taken as consistent by the reference, refused here: an empty tree proves nothing, and a root has 32 bytes."""


def named(vector: dict[str, Any]) -> str:
    return f"{vector['case']} {vector['desc']}"


def hashes(vector: dict[str, Any]) -> list[bytes]:
    return [b64decode(value) for value in vector["proof"]]


def test_the_vectors_are_all_there() -> None:
    assert len({named(vector) for vector in VECTORS["inclusion"]}) == len(VECTORS["inclusion"]) == 98
    assert len({named(vector) for vector in VECTORS["consistency"]}) == len(VECTORS["consistency"]) == 97
    refused = [sum(vector["wantErr"] for vector in VECTORS[kind]) for kind in ("inclusion", "consistency")]
    assert refused == [92, 89]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=named)
def test_inclusion_is_judged_as_the_reference_judges_it(vector: dict[str, Any]) -> None:
    leaf, root = b64decode(vector["leafHash"]), b64decode(vector["root"])
    if vector["wantErr"]:
        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], hashes(vector), root)
    else:
        verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], hashes(vector), root)


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=named)
def test_consistency_is_judged_as_the_reference_judges_it(vector: dict[str, Any]) -> None:
    old_root, new_root = b64decode(vector["root1"]), b64decode(vector["root2"])
    stricter = (vector["case"], vector["size1"], vector["size2"]) in STRICTER
    assert not (stricter and vector["wantErr"])
    if vector["wantErr"] or stricter:
        with pytest.raises(ProofInvalid):
            verify_consistency(vector["size1"], old_root, vector["size2"], new_root, hashes(vector))
    else:
        verify_consistency(vector["size1"], old_root, vector["size2"], new_root, hashes(vector))


def test_the_tree_has_the_published_roots() -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    assert [root_of(leaves[:size]) for size in range(1, 9)] == ROOTS
    frontier, grown = Frontier(), []
    for leaf in leaves:
        frontier, _ = frontier.append([leaf])
        grown.append(frontier.root())
    assert grown == ROOTS


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_the_published_proofs_are_those_that_we_make(kind: str) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    good = [vector for vector in VECTORS[kind] if vector["desc"] == "happy path"]
    assert len(good) == 5
    for vector in good:
        if kind == "inclusion":
            plan = inclusion_plan(vector["leafIdx"], vector["treeSize"])
        else:
            plan = consistency_plan(vector["size1"], vector["size2"])
        runs = {subtree: stored_run(subtree) for subtree in plan.subtrees}
        assert list(plan.fold({s: root_of(leaves[run.start : run.stop]) for s, run in runs.items()})) == hashes(vector)
