"""Whom this jurisdiction may issue a report for: decided by the register, never by the digits of a code (R022)."""

from __future__ import annotations

from node.errors import NotEligible
from node.model.catalogue import Scheme
from node.model.issuing import Eligibility
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.model.territory import contains

_NATURAL_PERSON = Eligibility(
    eligible=False,
    reason="NATURAL_PERSON_NEEDS_CONSENT",
    advice="Reports for natural persons need a recorded consent (R056), which this node cannot take yet; "
    "ask the issuing authority's window.",
)
_NOT_REGISTERED = Eligibility(
    eligible=False,
    reason="NOT_REGISTERED_HERE",
    advice="No subject with this code is registered in this jurisdiction; apply where its place of registration is.",
)


def assess_eligibility(
    subject: SubjectRef, registration: Registration | None, scheme: Scheme, territory: str
) -> Eligibility:
    """Whether a report can be issued here for `subject`, given what the register says (None: nothing)."""
    kind = None if registration is None else registration.kind
    if subject.id_type is IdType.RESIDENT_ID or kind is SubjectKind.NATURAL_PERSON:
        return _NATURAL_PERSON
    if registration is None or not contains(territory, registration.division):
        return _NOT_REGISTERED
    if registration.excluded:
        return Eligibility(
            eligible=False,
            reason="EXCLUDED_FROM_SCHEME",
            advice="This subject may not use the scheme at present (R174); ask the credit lead department why.",
        )
    if registration.kind.value not in scheme.subject_kinds:
        return Eligibility(
            eligible=False,
            reason="KIND_NOT_IN_SCHEME",
            advice=f"The scheme {scheme.scheme} does not name subjects of the kind {registration.kind.value}.",
        )
    return Eligibility(eligible=True)


def require_eligible(
    subject: SubjectRef, registration: Registration | None, scheme: Scheme, territory: str
) -> Registration:
    """The registration of an eligible subject. Raises NotEligible with the reason and what to do."""
    answer = assess_eligibility(subject, registration, scheme, territory)
    if registration is None or not answer.eligible:
        raise NotEligible(answer.reason, answer.advice)
    return registration
