"""Who is told of which organisation, and of whom nobody is (R183, R191)."""

from __future__ import annotations

import pytest

from node.model.sharing import SubjectBasics, division_of, home_of, may_be_shared
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef

CODE = SubjectRef(IdType.USCC, "91620102MA0TE5T16A")
KNOWN = ("140000", "140100", "620000", "620100")


def registered(division: str = "140105", kind: SubjectKind = SubjectKind.ENTERPRISE) -> Registration:
    return Registration(CODE, "合成", kind, division)


@pytest.mark.parametrize(
    ("division", "own", "home"),
    [
        ("620102", "140000", "620100"),  # a prefecture-level jurisdiction is nearer than its province
        ("620500", "140000", "620000"),
        ("620100", "140000", "620100"),
        ("140105", "520000", "140100"),
        ("620102", "620000", None),  # of the province, so not of elsewhere
        ("620102", "620100", None),
        ("620500", "620100", "620000"),
        ("140000", "140000", None),
        ("330106", "140000", None),  # nobody known is there
        ("100000", "140000", None),  # registered by the state's own authority
        ("990000", "140000", None),
    ],
)
def test_the_home_is_the_nearest_jurisdiction_around(division: str, own: str, home: str | None) -> None:
    assert home_of(division, own, [each for each in KNOWN if each != own]) == home
    assert home_of(division, own, [each for each in reversed(KNOWN) if each != own]) == home


def test_the_register_counts_before_the_code() -> None:
    assert division_of(CODE, None) == "620102"
    assert division_of(CODE, registered()) == "140105"


@pytest.mark.parametrize(
    ("subject", "registration", "shared"),
    [
        (CODE, None, True),
        (CODE, registered(), True),
        (CODE, registered(kind=SubjectKind.BRANCH), True),
        (CODE, registered(kind=SubjectKind.INDIVIDUAL_BUSINESS), False),
        (CODE, registered(kind=SubjectKind.NATURAL_PERSON), False),
        (SubjectRef(IdType.USCC, "92620102MA0TE5T16A"), None, False),
        (SubjectRef(IdType.RESIDENT_ID, "11010519491231002X"), None, False),
    ],
)
def test_nothing_is_told_of_persons(subject: SubjectRef, registration: Registration | None, shared: bool) -> None:
    assert may_be_shared(subject, registration) is shared


def test_a_repr_names_nobody() -> None:
    assert "合成" not in repr(SubjectBasics(CODE, "合成"))
    assert CODE.id not in repr(SubjectBasics(CODE, "合成"))
