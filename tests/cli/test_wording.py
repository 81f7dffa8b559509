"""Every code that a verdict can hold has words in both languages, and none of them says that a subject is clear."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli.reasons import REASONS
from node.cli.wording import (
    AUTHENTICITY,
    CAVEATS,
    DECISIONS,
    FINDINGS,
    FLAGS,
    GAPS,
    LOG_PARTS,
    REMEDIES,
    STANDING,
    STEP_STATUS,
    STEPS,
    SUBJECT_KINDS,
    TYPES,
    Words,
    words_for,
)
from node.model.catalogue import Caveat
from node.model.log import StatusFlag
from node.model.log_audit import Part
from node.model.records import RECORD_TYPES
from node.model.subject import SubjectKind
from node.model.verdict import Authenticity, Decision, FindingKind, GapReason, Remedy, Standing, StepStatus

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[A-Z]{2,}(?:_[A-Z]+)+|REVOKED|EXPIRED|MALFORMED")
VERIFYING = (
    "steps",
    "reading",
    "verify",
    "outcome",
    "issuers",
    "bundle",
    "disclosure",
    "statements",
    "arithmetic",
    "memo",
)
NOT_REASONS = {
    *("NOT_REQUIRED", "STEP_FAILED", "STEP_UNDECIDED", "TRUST_ERROR", "CERTIFICATE_REJECTED", "NO_SUCH_REPORT"),
    *("KEY_UNAVAILABLE", "HISTORY_BROKEN"),
}
"""A status, class defaults that their raisers replace, and codes of errors instead of steps."""


def sources() -> Iterator[Path]:
    for name in VERIFYING:
        path = ROOT / "trust" / f"{name}.py"
        if path.exists():
            yield path
    yield ROOT / "trust" / "errors.py"
    for room in ("recognition", "verification"):
        yield from sorted((ROOT / "node" / room).glob("*.py"))


def codes_in(path: Path) -> set[str]:
    """String constants that look like reason codes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and CODE.fullmatch(value)}


def test_every_reason_of_a_step_has_words() -> None:
    found = {code for path in sources() for code in codes_in(path)}
    assert {"KEY_UNKNOWN", "SCHEME_PERIOD", "RECORDS_FOUND", "PROOF_INVALID"} <= found, "the search must find codes"
    assert found - NOT_REASONS - set(REASONS) == set()


def test_every_status_flag_has_a_reason_with_words() -> None:
    flags = {f"STATUS_{flag.name}" for flag in StatusFlag if flag is not StatusFlag.REVOKED}
    assert flags <= set(REASONS)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (GAPS, {reason.value for reason in GapReason}),
        (CAVEATS, {caveat.value for caveat in Caveat}),
        (REMEDIES, {remedy.value for remedy in Remedy}),
        (FINDINGS, {kind.value for kind in FindingKind}),
        (DECISIONS, {decision.value for decision in Decision} | {"UNSPECIFIED"}),
        (AUTHENTICITY, {answer.value for answer in Authenticity}),
        (STANDING, {standing.value for standing in Standing if standing is not Standing.UNKNOWN} | {"UNSPECIFIED"}),
        (STEP_STATUS, {status.value for status in StepStatus}),
        (FLAGS, {flag.name for flag in StatusFlag}),
        (SUBJECT_KINDS, {kind.name for kind in SubjectKind}),
        (TYPES, set(RECORD_TYPES)),
        (STEPS, set(range(1, 19))),
        (LOG_PARTS, {part.value for part in Part}),
    ],
)
def test_tables_are_complete_and_hold_nothing_else(table: dict[object, object], codes: set[object]) -> None:
    assert set(table) == codes


def all_words() -> Iterator[Words]:
    for explained in (*GAPS.values(), *CAVEATS.values(), *DECISIONS.values()):
        yield explained.label
        yield explained.sentence
    for table in (
        REASONS,
        REMEDIES,
        FINDINGS,
        AUTHENTICITY,
        STANDING,
        STEP_STATUS,
        FLAGS,
        SUBJECT_KINDS,
        TYPES,
        LOG_PARTS,
    ):
        yield from table.values()
    yield from STEPS.values()


def test_both_languages_are_there() -> None:
    for words in all_words():
        assert re.search(r"[\u4e00-\u9fff]", words.zh), words
        assert words.en.isascii(), words
        assert words.en, words


def test_nothing_says_that_a_subject_is_clear() -> None:
    """`docs/recognition.md`: "no record found in what was covered" is all that can be said."""
    for words in all_words():
        assert not re.search(r"无违法|无不良|清白|合规无", words.zh), words
        assert not re.search(r"\b(clear|clean|spotless)\b", words.en, re.IGNORECASE), words


def test_a_code_of_a_newer_version_speaks_for_itself() -> None:
    assert words_for(REASONS, "SOMETHING_NEW").both == "SOMETHING_NEW"


def test_what_is_not_known_of_a_log_with_two_histories_is_not_said() -> None:
    words = REASONS["LOG_SPLIT"]
    assert "not proven to be in both" in words.en
    assert "未被证实两个版本都有" in words.zh
