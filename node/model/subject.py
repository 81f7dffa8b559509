"""Subjects of reports: whom a report speaks about (R015-R025)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class IdType(StrEnum):
    """Which register an identifier belongs to."""

    USCC = "uscc"
    RESIDENT_ID = "resident_id"


class SubjectKind(StrEnum):
    """What kind of subject. A branch is a subject of its own (R021)."""

    ENTERPRISE = "enterprise"
    INDIVIDUAL_BUSINESS = "individual_business"
    FARMERS_COOPERATIVE = "farmers_cooperative"
    BRANCH = "branch"
    SOCIAL_ORGANISATION = "social_organisation"
    PUBLIC_INSTITUTION = "public_institution"
    NATURAL_PERSON = "natural_person"


@dataclass(frozen=True, slots=True, order=True)
class SubjectRef:
    """A normalised identifier. Decides nothing about its subject's home: codes survive a move of the registered place.

    (Who is told of a subject that no register here knows goes by its code: `node.model.sharing`.)
    """

    id_type: IdType
    id: str

    def __repr__(self) -> str:
        """Masked, so that no identifier reaches a log by way of a repr."""
        return f"SubjectRef({self.id_type.value}, {self.id[:2]}…)"


@dataclass(frozen=True, slots=True)
class Registration:
    """What the register says: decides eligibility by registered place, not by the code's digits (R022)."""

    ref: SubjectRef
    name: str
    kind: SubjectKind
    division: str
    registered_on: date | None = None
    excluded: str = ""
    """Reason code when the subject may no longer use the scheme (R174), else empty."""
