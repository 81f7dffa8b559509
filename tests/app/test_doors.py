"""Callers of the same moment are verified together, and none of them answers for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from node.app.doors import MeasuredVerification
from node.errors import InvalidInput
from node.gathering import Gathering
from node.metrics import Metrics
from node.model.freshness import Basis
from node.model.presentation import Presentation
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Authenticity, InputDigests, Standing, Verdict
from tests.support.metrics import VOCABULARY


class Verification:
    """Answers each bundle with a verdict that names it; `b"poison"` is more than it can bear."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def find_statement(self, report_number: str) -> bytes:
        return report_number.encode()

    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None, at: datetime | None
    ) -> list[Verdict]:
        await asyncio.sleep(0)
        if against is not None:
            raise InvalidInput("requirement.period", "Name one.")
        if any(bundle == b"poison" for bundle, _ in items):
            raise RuntimeError("unforeseen")
        self.batches.append(len(items))
        return [verdict(bundle, at) for bundle, _ in items]


NOW = datetime(2026, 11, 22, tzinfo=UTC)


def verdict(of: bytes, at: datetime | None) -> Verdict:
    return Verdict(
        Authenticity.UNDECIDED,
        Standing.UNKNOWN,
        None,
        (),
        (),
        (),
        None,
        (),
        None,
        0,
        Basis(at or NOW, NOW, None, None),
        InputDigests(bundle=of),
    )


@pytest.fixture
def verification() -> Verification:
    return Verification()


@pytest.fixture
def door(verification: Verification) -> MeasuredVerification:
    return MeasuredVerification(verification, Gathering(), Metrics(CollectorRegistry(), VOCABULARY))


def presented(bundle: bytes, against: Requirement | None = None, at: datetime | None = None) -> Presentation:
    return Presentation(bundle, "", None, against, at)


REQUIREMENT = Requirement("520000/x", "示例", "example", "520000", "tender", ())


async def test_callers_of_one_moment_share_a_batch(door: MeasuredVerification, verification: Verification) -> None:
    names = [bytes([number]) for number in range(20)]
    found = await asyncio.gather(*(door.verify(presented(name)) for name in names))
    assert [one.inputs.bundle for one in found] == names, "each gets its own verdict"
    assert len(verification.batches) < 5


async def test_callers_about_different_moments_get_the_rules_of_their_own(
    door: MeasuredVerification, verification: Verification
) -> None:
    moments = [None, NOW - timedelta(days=1), NOW - timedelta(days=2), NOW - timedelta(days=1)] * 5
    found = await asyncio.gather(*(door.verify(presented(b"one", None, at)) for at in moments))
    assert [one.basis.as_of for one in found] == [at or NOW for at in moments]
    assert len(verification.batches) < len(moments), "those about the same moment still share"


async def test_what_one_caller_brings_fails_that_caller_alone(door: MeasuredVerification) -> None:
    calls = [presented(b"one"), presented(b"poison"), presented(b"two"), presented(b"three", REQUIREMENT)]
    found = await asyncio.gather(*map(door.verify, calls), return_exceptions=True)
    assert [one.inputs.bundle for one in found if isinstance(one, Verdict)] == [b"one", b"two"]
    assert isinstance(found[1], RuntimeError)
    assert isinstance(found[3], InvalidInput)


async def test_numbers_alone_join_the_group_as_their_statements(
    door: MeasuredVerification, verification: Verification
) -> None:
    numbers = [Presentation(None, f"number {at}", None, None) for at in range(10)]
    found = await asyncio.gather(*(door.verify(one) for one in (*numbers, presented(b"bundle"))))
    assert [one.inputs.bundle for one in found] == [*(f"number {at}".encode() for at in range(10)), b"bundle"]
    assert len(verification.batches) < 5
