"""Whom this jurisdiction may issue for: by the register, never by the digits of a code (R015-R025, R174)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.errors import NotEligible
from node.issuance.eligibility import assess_eligibility, require_eligible
from node.model.catalogue import Scheme
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from tests.issuance.world import ENTERPRISE, SUBJECT, edition
from tests.support.nodes import synthetic_code

SCHEME = edition().catalogue.scheme
NARROW = replace(SCHEME, subject_kinds=frozenset({"enterprise"}))
PERSON = SubjectRef(IdType.RESIDENT_ID, "11010519491231002X")
"""The example value of GB 11643: no real person is meant."""


@pytest.mark.parametrize(
    ("subject", "registration", "scheme", "reason"),
    [
        (SUBJECT, ENTERPRISE, SCHEME, ""),
        (SUBJECT, replace(ENTERPRISE, division="140000"), SCHEME, ""),
        (SUBJECT, None, SCHEME, "NOT_REGISTERED_HERE"),
        (SUBJECT, replace(ENTERPRISE, division="520000"), SCHEME, "NOT_REGISTERED_HERE"),
        (SUBJECT, replace(ENTERPRISE, division="150105"), SCHEME, "NOT_REGISTERED_HERE"),
        (SUBJECT, replace(ENTERPRISE, excluded="false_commitment"), SCHEME, "EXCLUDED_FROM_SCHEME"),
        (SUBJECT, replace(ENTERPRISE, kind=SubjectKind.BRANCH), SCHEME, ""),
        (SUBJECT, replace(ENTERPRISE, kind=SubjectKind.BRANCH), NARROW, "KIND_NOT_IN_SCHEME"),
        (SUBJECT, replace(ENTERPRISE, kind=SubjectKind.NATURAL_PERSON), SCHEME, "NATURAL_PERSON_NEEDS_CONSENT"),
        (PERSON, None, SCHEME, "NATURAL_PERSON_NEEDS_CONSENT"),
        (PERSON, replace(ENTERPRISE, ref=PERSON), SCHEME, "NATURAL_PERSON_NEEDS_CONSENT"),
    ],
)
def test_the_register_decides(
    subject: SubjectRef, registration: Registration | None, scheme: Scheme, reason: str
) -> None:
    answer = assess_eligibility(subject, registration, scheme, "140000")
    assert (answer.eligible, answer.reason) == (not reason, reason)
    assert bool(answer.advice) is bool(reason)
    assert subject.id not in answer.advice
    if not reason:
        assert require_eligible(subject, registration, scheme, "140000") == registration
        return
    with pytest.raises(NotEligible) as caught:
        require_eligible(subject, registration, scheme, "140000")
    assert caught.value.reason == reason


def test_a_code_of_another_province_stays_eligible_where_it_is_registered() -> None:
    """Codes survive a move of the registered place (R022)."""
    moved = SubjectRef(IdType.USCC, synthetic_code("520000", 7))
    assert assess_eligibility(moved, replace(ENTERPRISE, ref=moved), SCHEME, "140000").eligible
    assert not assess_eligibility(SUBJECT, replace(ENTERPRISE, division="520102"), SCHEME, "140000").eligible


def test_a_city_issues_for_what_lies_below_it() -> None:
    assert assess_eligibility(SUBJECT, replace(ENTERPRISE, division="620102"), SCHEME, "620100").eligible
    assert not assess_eligibility(SUBJECT, replace(ENTERPRISE, division="620200"), SCHEME, "620100").eligible
