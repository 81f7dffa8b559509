"""Basic information of organisations: inside messages, and at the door of the own platform."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from huxin.v1 import exchange_service_pb2 as pb
from huxin.v1 import message_pb2

from node.errors import InvalidInput
from node.model.sharing import MAX_NAME, SharedBasics, SubjectBasics, SubjectElsewhere
from node.model.subject import IdType, SubjectRef
from node.wire.fields import day_text, optional_day, optional_text, timestamp
from node.wire.subject import claimed_subject, subject_claim


class BasicsContent:
    """Content of a `subject_basics`. Implements the Content of `node.federation.basics_sharing` and `basics_taking`.

    What a peer sealed is its word and nothing more: every field is checked as if a stranger had sent it.
    """

    def basics(self, basics: SubjectBasics) -> bytes:
        """What is told."""
        return message_pb2.SubjectBasics(
            subject=subject_claim(basics.subject), since=day_text(basics.since), name=basics.name
        ).SerializeToString()

    def read_basics(self, content: bytes) -> SubjectBasics:
        """What was told; of the name what can be printed. Raises InvalidInput, for a natural person as well."""
        message = message_pb2.SubjectBasics()
        try:
            message.ParseFromString(content)
        except DecodeError:
            raise InvalidInput(
                "", "The content is no message of its kind; ask which version the sender runs."
            ) from None
        subject = claimed_subject(message.subject)
        if subject.id_type is not IdType.USCC:
            raise InvalidInput("subject.id_type", "Nothing is told of natural persons; send organisations only.")
        since = optional_day(message.since, "since")
        name = "".join(each for each in optional_text(message.name, "name", limit=MAX_NAME) if each.isprintable())
        return SubjectBasics(subject, name if since else "", since)


def listed_subject(request: pb.ListSubjectsElsewhereRequest | pb.ListSharedSubjectsRequest) -> SubjectRef | None:
    """The one subject that a list is asked for, or None. Raises InvalidInput."""
    return claimed_subject(request.subject) if request.HasField("subject") else None


def elsewhere_message(found: SubjectElsewhere) -> pb.SubjectElsewhere:
    """What a peer said, for the own platform."""
    return pb.SubjectElsewhere(
        holder=found.holder,
        subject=subject_claim(found.basics.subject),
        name=found.basics.name,
        since=day_text(found.basics.since),
        received_at=timestamp(found.received_at),
    )


def shared_message(told: SharedBasics) -> pb.SharedSubject:
    """What a peer was told, for the own platform."""
    return pb.SharedSubject(
        receiver=told.receiver,
        subject=subject_claim(told.basics.subject),
        name=told.basics.name,
        since=day_text(told.basics.since),
        told_at=timestamp(told.queued_at),
        state=told.state,
    )
