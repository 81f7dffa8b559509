"""Flags of own reports: stated in the log, once per request, and a revocation for good (R155, R165)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from node.errors import Conflict, InvalidInput, NotFound
from node.model.log import StatusFlag
from tests.issuance.world import NOW, ORIGIN, SUBJECT, Issuing, order
from tests.support.databases import statements_of
from tests.support.trust import key
from trust import statements
from trust.envelope import check_signatures

ME = "spiffe://140000.huxin/operator"


async def change(
    issuing: Issuing, number: str, flag: StatusFlag = StatusFlag.CORRECTED, is_set: bool = True, request: str = "one"
) -> int:
    return await issuing.standing.change_status(request, number, flag, is_set, "synthetic_reason", ME)


async def test_a_change_is_a_signed_statement_in_the_log(issuing: Issuing) -> None:
    report = await issuing.issue.create(order(), ME)
    issuing.clock.advance(timedelta(minutes=5))
    index = await change(issuing, report.report_number)
    assert index == 1
    (entry,) = await issuing.log.entries(ORIGIN, index, 1)
    envelope = statements.read_envelope(entry)
    check_signatures(envelope, {key("signing").key_id: key("signing").public})
    said = statements.read_status_change(envelope.payload)
    assert (said.issuer, said.attestation_digest) == ("140000", report.attestation_digest)
    assert (said.flag.value, said.set, said.reason_code) == ("corrected", True, "synthetic_reason")
    assert said.effective_at == said.issued_at == NOW + timedelta(minutes=5)


async def test_whoever_looks_the_report_up_sees_its_changes_in_order(issuing: Issuing) -> None:
    report = await issuing.issue.create(order(), ME)
    await change(issuing, report.report_number, StatusFlag.UNDER_OBJECTION, request="1")
    await change(issuing, report.report_number, StatusFlag.UNDER_OBJECTION, False, request="2")
    await change(issuing, report.report_number, StatusFlag.REVOKED, request="3")
    view = await issuing.log.find_by_report_number(ORIGIN, report.report_number)
    assert view is not None
    assert [(event.flag, event.set) for event in view.statuses] == [
        (StatusFlag.UNDER_OBJECTION, True),
        (StatusFlag.UNDER_OBJECTION, False),
        (StatusFlag.REVOKED, True),
    ]


async def test_lists_say_which_reports_are_revoked_or_flagged(issuing: Issuing) -> None:
    revoked, flagged, untouched = [(await issuing.issue.create(order(), ME)).report_number for _ in range(3)]
    await change(issuing, revoked, StatusFlag.UNDER_OBJECTION, request="1")
    await change(issuing, revoked, StatusFlag.UNDER_OBJECTION, False, request="2")
    await change(issuing, revoked, StatusFlag.REVOKED, request="3")
    await change(issuing, flagged, StatusFlag.CORRECTED, request="4")
    with statements_of(issuing.database) as queries:
        listed, _ = await issuing.issue.list(SUBJECT, 10, "")
    assert len(queries) == 2, "one for the reports, one for the flags of all"
    expected = {revoked: (StatusFlag.REVOKED,), flagged: (StatusFlag.CORRECTED,), untouched: ()}
    assert {report.report_number: report.flags for report in listed} == expected
    for number, flags in expected.items():
        assert (await issuing.issue.get(number)).flags == flags


async def test_the_same_request_makes_one_change(issuing: Issuing) -> None:
    number = (await issuing.issue.create(order(), ME)).report_number
    indexes = await asyncio.gather(*(change(issuing, number) for _ in range(6)))
    assert set(indexes) == {1} == {await change(issuing, number)}
    head = await issuing.log.head(ORIGIN)
    assert head is not None
    assert head.size == 2


@pytest.mark.parametrize(
    ("flag", "is_set"), [(StatusFlag.CORRECTED, False), (StatusFlag.SUPERSEDED, True), (StatusFlag.REVOKED, True)]
)
async def test_the_same_request_id_never_means_something_else(issuing: Issuing, flag: StatusFlag, is_set: bool) -> None:
    number = (await issuing.issue.create(order(), ME)).report_number
    await change(issuing, number)
    with pytest.raises(Conflict):
        await change(issuing, number, flag, is_set)


async def test_a_request_id_of_a_report_is_taken(issuing: Issuing) -> None:
    number = (await issuing.issue.create(order("one"), ME)).report_number
    with pytest.raises(Conflict):
        await change(issuing, number)


async def test_a_revocation_is_never_cleared(issuing: Issuing) -> None:
    number = (await issuing.issue.create(order(), ME)).report_number
    with pytest.raises(InvalidInput, match="never cleared"):
        await change(issuing, number, StatusFlag.REVOKED, False)


async def test_a_report_of_another_node_has_no_standing_here(issuing: Issuing) -> None:
    with pytest.raises(NotFound):
        await change(issuing, "1" * 31)
    assert await issuing.log.head(ORIGIN) is None
