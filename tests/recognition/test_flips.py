"""What is foreseen on the best report is what is decided on a real one (the heart of `huxin recognise`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from node.model.catalogue import Caveat, Edition
from node.model.policy import RecognitionPolicy
from node.model.requirement import Requirement
from node.model.verdict import Decision, Step, StepStatus
from node.recognition.flips import Outcome, Terms, VerdictFlip, catalogue_flips, foreseen, prospects
from tests.recognition.cases import (
    ALL_TYPES,
    COMMON_CAVEATS,
    DAY,
    GUIZHOU,
    ISSUED,
    LANZHOU,
    LIAONING,
    NOW,
    SHANXI,
    Report,
    edition,
    leaves,
    policy_for,
    registry,
    requirement,
    rows,
)

TENDER = requirement(GUIZHOU, *leaves("MK01", "EC07"))
LEAVES = registry().taxonomy.leaves
CLEAR = ()


def foresee(
    policy: RecognitionPolicy | None,
    asked: Requirement = TENDER,
    issuer: str = SHANXI,
    failing: tuple[Step, ...] = CLEAR,
) -> Outcome:
    theirs: Edition | None = edition(issuer) if issuer in registry().divisions else None
    own = edition(asked.jurisdiction)
    return foreseen(asked, registry().taxonomy, own, issuer, theirs, Terms(policy, failing), NOW)


@st.composite
def policies(draw: st.DrawFn, issuer: str, recogniser: str) -> RecognitionPolicy:
    """Trust certificates that leave out a little or a lot, or are not in force."""
    whole = policy_for(issuer, recogniser)
    some = st.sampled_from([set[str](), {"MK01"}, {"EC07"}, {"FN01", "NR02"}, set(LEAVES[:40])])
    window = draw(st.sampled_from([(-30, 30), (-30, 30), (-30, 30), (-30, -1), (1, 30)]))
    return replace(
        whole,
        leaves=frozenset(set(LEAVES) - draw(some)),
        record_types=frozenset(draw(st.lists(st.sampled_from(ALL_TYPES), min_size=3, unique=True))),
        scenarios=frozenset(draw(st.sampled_from([("tender", "other"), ("tender",), ("tender",), ("listing",)]))),
        reviewed_catalogues=draw(st.sampled_from([whole.reviewed_catalogues] * 4 + [frozenset()])),
        accepted_caveats=frozenset(draw(st.lists(st.sampled_from(list(Caveat)), min_size=2, unique=True))),
        valid_from=NOW + timedelta(days=window[0]),
        valid_until=NOW + timedelta(days=window[1]),
        withdrawn=draw(st.sampled_from([False] * 5 + [True])),
    )


@st.composite
def asked_of(draw: st.DrawFn, jurisdiction: str) -> Requirement:
    codes = draw(st.lists(st.sampled_from(sorted(edition(jurisdiction).catalogue.rows)), min_size=1, max_size=3))
    kinds = draw(st.lists(st.sampled_from(ALL_TYPES), min_size=1, max_size=2, unique=True))
    return requirement(jurisdiction, *rows(*codes, types=kinds), months=draw(st.sampled_from([12, 36, 60])))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_foreseen_is_what_is_decided(data: st.DataObject) -> None:
    """By the judge itself, on a signed report that is complete and delivered up to its day of issue."""
    issuer, recogniser = (data.draw(st.sampled_from([SHANXI, GUIZHOU, LANZHOU])) for _ in range(2))
    policy, asked = data.draw(policies(issuer, recogniser)), data.draw(asked_of(recogniser))
    report = Report(issuer, delivered=DAY, issued_at=NOW)
    judgement = report.judge(asked, policy, NOW, report.examine(NOW))
    outcome = foresee(policy, asked, issuer)
    event(judgement.decision.value if judgement.decision else "")
    assert (outcome.decision, outcome.reasons) == (judgement.decision, judgement.reasons)


def test_a_jurisdiction_that_was_never_recognised_is_rejected() -> None:
    undecided = Step(8, StepStatus.UNDECIDED, "NO_CONDITIONS")
    outcome = foresee(None, failing=(undecided,))
    assert (outcome.decision, outcome.reasons[0], outcome.findings) == (Decision.REJECT, "ISSUER_NOT_RECOGNISED", {})


def test_a_step_that_no_report_can_pass_decides() -> None:
    policy = policy_for(SHANXI, GUIZHOU)
    assert foresee(policy).decision is Decision.ACCEPT
    missing = Step(5, StepStatus.FAIL, "SUITE_MISSING")
    stale = Step(8, StepStatus.UNDECIDED, "TRUST_STATE_STALE")
    assert foresee(policy, failing=(missing, stale)).reasons[0] == "SUITE_MISSING"
    assert foresee(policy, failing=(missing,)).decision is Decision.REJECT
    outcome = foresee(policy, failing=(stale,))
    assert (outcome.decision, outcome.reasons) == (Decision.REFER, ("TRUST_STATE_STALE",))


@pytest.mark.parametrize(
    ("issuer", "reasons"), [(LIAONING, {"CATALOGUE_UNKNOWN"}), ("140800", {"SCHEME_UNKNOWN", "CATALOGUE_UNKNOWN"})]
)
def test_a_catalogue_that_is_not_known_here_is_referred(issuer: str, reasons: set[str]) -> None:
    policy = replace(policy_for(SHANXI, GUIZHOU), issuer=issuer)
    if issuer == LIAONING:
        policy = policy_for(LIAONING, GUIZHOU)
    outcome = foresee(policy, issuer=issuer)
    assert (outcome.decision, set(outcome.reasons)) == (Decision.REFER, reasons)


def test_a_scenario_that_the_issuer_does_not_name_is_asked_under_one_that_is_recognised() -> None:
    """A report says what it was issued for, and the certificate must cover that as well."""
    audit = replace(TENDER, scenario="audit")
    assert "audit" not in edition(SHANXI).catalogue.scheme.scenarios
    wide = replace(policy_for(SHANXI, GUIZHOU), scenarios=frozenset({"audit", "bonds"}))
    assert foresee(wide, audit).decision is Decision.ACCEPT
    narrow = replace(wide, scenarios=frozenset({"audit"}))
    assert foresee(narrow, audit).reasons[0] == "SCENARIO_NOT_RECOGNISED"


def prospect_of(before: RecognitionPolicy | None, after: RecognitionPolicy | None) -> VerdictFlip | None:
    terms = Terms(before, CLEAR), Terms(after, CLEAR)
    (found,) = prospects([TENDER], registry().taxonomy, edition(GUIZHOU), SHANXI, edition(SHANXI), terms, ISSUED)
    return found.flip


def test_only_what_comes_out_otherwise_is_a_flip() -> None:
    whole = policy_for(SHANXI, GUIZHOU)
    assert prospect_of(whole, replace(whole, valid_until=whole.valid_until + timedelta(days=1))) is None
    gone = prospect_of(whole, None)
    assert gone is not None
    assert (gone.before, gone.after, gone.cells) == (Decision.ACCEPT, Decision.REJECT, ())
    narrowed = prospect_of(whole, replace(whole, leaves=whole.leaves - {"MK01"}))
    assert narrowed is not None
    assert (narrowed.before, narrowed.after, narrowed.reasons_after) == (
        Decision.ACCEPT,
        Decision.REFER,
        ("NOT_RECOGNISED",),
    )
    assert {cell.target for cell in narrowed.cells} == {"MK01"}
    assert {cell.before for cell in narrowed.cells} == {"NO_RECORD_FOUND"}


def test_cells_alone_are_a_flip_too() -> None:
    """REFER before and after, for other reasons: a clerk would ask the subject for something else."""
    less = replace(policy_for(SHANXI, GUIZHOU), leaves=frozenset(LEAVES) - {"MK01"})
    flip = prospect_of(less, replace(less, leaves=less.leaves - {"EC07"}))
    assert flip is not None
    assert (flip.before, flip.after) == (Decision.REFER, Decision.REFER)
    assert {cell.target for cell in flip.cells} == {"EC07"}


def test_a_version_that_drops_a_row_flips_who_asks_for_it() -> None:
    old = edition(SHANXI)
    lines = {code: ties for code, ties in old.crosswalk.lines.items() if code != "13"}
    by_leaf = {leaf: tuple(tie for tie in ties if tie[0] != "13") for leaf, ties in old.crosswalk.by_leaf.items()}
    new = replace(old, crosswalk=replace(old.crosswalk, lines=lines, by_leaf=by_leaf))
    taxes = requirement(GUIZHOU, *leaves("EC07"))
    others = [edition(GUIZHOU)]
    flips = catalogue_flips(old, new, [taxes], others, registry().taxonomy, date(2026, 11, 22), COMMON_CAVEATS)
    assert [(flip.issuer, flip.before, flip.after) for flip in flips] == [(SHANXI, Decision.ACCEPT, Decision.REFER)]
    assert flips[0].reasons_after == ("NOT_IN_CATALOGUE",)
