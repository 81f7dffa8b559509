"""Content of a `subject_basics`: what is written is read, and a stranger's is checked field by field."""

from __future__ import annotations

from datetime import date

import pytest
from huxin.v1 import message_pb2, subject_pb2

from node.errors import InvalidInput
from node.model.sharing import SubjectBasics
from node.model.subject import IdType, SubjectRef
from node.wire.basics import BasicsContent

CODE = "91140000MA0TE5T16Q"
SUBJECT = SubjectRef(IdType.USCC, CODE)
CONTENT = BasicsContent()


@pytest.mark.parametrize(
    "basics",
    [SubjectBasics(SUBJECT, "合成企业", date(2026, 11, 22)), SubjectBasics(SUBJECT)],
    ids=["held", "withdrawn"],
)
def test_what_is_told_is_read(basics: SubjectBasics) -> None:
    assert CONTENT.read_basics(CONTENT.basics(basics)) == basics


def test_it_holds_code_name_and_day_and_nothing_else() -> None:
    fields = {field.name for field in message_pb2.SubjectBasics.DESCRIPTOR.fields}
    assert fields == {"subject", "name", "since"}


def message(
    id_type: int = subject_pb2.ID_TYPE_USCC, code: str = CODE, name: str = "", since: str = "2026-11-22"
) -> bytes:
    claim = subject_pb2.SubjectClaim(id_type=subject_pb2.IdType.Name(id_type), id=code)
    return message_pb2.SubjectBasics(subject=claim, name=name, since=since).SerializeToString()


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff",
        b"",
        message(subject_pb2.ID_TYPE_RESIDENT_ID, "11010519491231002X"),
        message(code="9114"),
        message(since="2026-13-01"),
        message(since="20261122"),
        message(name="长" * 201),
    ],
)
def test_what_makes_no_sense_is_refused_and_names_nobody(content: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        CONTENT.read_basics(content)
    assert CODE not in str(refused.value)
    assert "1101" not in str(refused.value)


def test_a_name_is_one_line_and_goes_with_a_withdrawal() -> None:
    assert CONTENT.read_basics(message(name="甲\n\x1b[31m乙")).name == "甲[31m乙"
    assert CONTENT.read_basics(message(name="甲", since="")) == SubjectBasics(SUBJECT)
