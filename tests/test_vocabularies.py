"""The node and the trust kernel may not know each other's words, so each has its own: they must stay the same."""

from __future__ import annotations

from enum import StrEnum

import pytest

from node.model import log, subject
from node.model import verdict as verdicts
from trust import outcome, vocabulary


@pytest.mark.parametrize(
    ("ours", "kernels"),
    [
        (log.StatusFlag, vocabulary.StatusFlag),
        (subject.SubjectKind, vocabulary.SubjectKind),
        (verdicts.StepStatus, outcome.StepStatus),
    ],
    ids=lambda words: words.__module__,
)
def test_what_the_kernel_can_say_the_node_can_repeat(ours: type[StrEnum], kernels: type[StrEnum]) -> None:
    """Values cross by `Ours(theirs.value)`: one that only one side knew would break a verdict."""
    assert {word.name: word.value for word in ours} == {word.name: word.value for word in kernels}
