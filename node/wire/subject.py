"""Subjects: `SubjectClaim` <-> `SubjectRef`. Identifiers never appear in an error."""

from __future__ import annotations

from huxin.v1 import subject_pb2 as pb

from node.errors import InvalidInput
from node.model.identifiers import normalise, parse_subject_id
from node.model.subject import IdType, SubjectKind, SubjectRef
from node.wire.fields import choice, text, within

ID_TYPES: dict[pb.IdType, IdType] = {pb.ID_TYPE_USCC: IdType.USCC, pb.ID_TYPE_RESIDENT_ID: IdType.RESIDENT_ID}
_ID_NUMBERS = {value: number for number, value in ID_TYPES.items()}

SUBJECT_KINDS: dict[pb.SubjectKind, SubjectKind] = {
    pb.SUBJECT_KIND_ENTERPRISE: SubjectKind.ENTERPRISE,
    pb.SUBJECT_KIND_INDIVIDUAL_BUSINESS: SubjectKind.INDIVIDUAL_BUSINESS,
    pb.SUBJECT_KIND_FARMERS_COOPERATIVE: SubjectKind.FARMERS_COOPERATIVE,
    pb.SUBJECT_KIND_BRANCH: SubjectKind.BRANCH,
    pb.SUBJECT_KIND_SOCIAL_ORGANISATION: SubjectKind.SOCIAL_ORGANISATION,
    pb.SUBJECT_KIND_PUBLIC_INSTITUTION: SubjectKind.PUBLIC_INSTITUTION,
    pb.SUBJECT_KIND_NATURAL_PERSON: SubjectKind.NATURAL_PERSON,
}
SUBJECT_KIND_NUMBERS = {value: number for number, value in SUBJECT_KINDS.items()}


def claimed_subject(claim: pb.SubjectClaim, path: str = "subject") -> SubjectRef:
    """The subject a caller names, normalised (full-width and lower-case forms). Raises InvalidInput."""
    id_type = choice(ID_TYPES, claim.id_type, within(path, "id_type"))
    try:
        ref, _ = parse_subject_id(id_type, claim.id)
    except InvalidInput as error:
        raise InvalidInput(within(path, "id"), error.message, error.reason) from None
    return ref


def presented_subject(claim: pb.SubjectClaim, path: str) -> SubjectRef:
    """The subject claimed for one item of a batch. Raises InvalidInput for an unknown register only.

    A code of impossible form is kept: it matches no report, which is that item's verdict and no fault of the others.
    """
    return SubjectRef(choice(ID_TYPES, claim.id_type, within(path, "id_type")), normalise(claim.id))


def stated_subject(claim: pb.SubjectClaim, path: str = "subject") -> SubjectRef:
    """The subject that a signed document states, exactly as written there. Raises InvalidInput."""
    return SubjectRef(
        choice(ID_TYPES, claim.id_type, within(path, "id_type")), text(claim.id, within(path, "id"), limit=64)
    )


def subject_claim(ref: SubjectRef) -> pb.SubjectClaim:
    """A subject as a message."""
    return pb.SubjectClaim(id_type=_ID_NUMBERS[ref.id_type], id=ref.id)
