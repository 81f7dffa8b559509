"""From an order to a committed report over real stores: once per request id, whatever happens in between (AIP-155)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, timedelta
from hashlib import sha256
from typing import NoReturn

import pytest

from node.errors import Conflict, InvalidInput, IssuingStopped, NotEligible, NotFound, NotReady
from node.model.calendar import Period, start_of_day
from node.model.identifiers import parse_report_number
from node.model.issuing import IssuedReport, PeriodExceptionNote, ReportOrder
from node.model.log import StatusFlag
from node.model.records import SEVERE_LIST, RepairState
from node.model.report import Section
from node.model.subject import IdType, SubjectRef
from node.model.witnesses import SplitNotes, SplitView
from node.wire.report import decode_section, decode_summary
from tests.issuance.world import ENTERPRISE, NOW, ORIGIN, PENALTY, RECORD, SUBJECT, TODAY, Issuing, order, with_scheme
from tests.support.nodes import synthetic_code
from tests.support.trust import key
from trust.bundle import read_bundle
from trust.issuers import TrustedIssuer
from trust.memo import ArithmeticMemo
from trust.verify import Examination, verify
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo

WITHOUT_CERTIFICATE = {7, 8, 9}
"""Steps that a trust certificate of the verifier decides."""
ME = "spiffe://140000.huxin/gateway"


def trusted() -> TrustedIssuer:
    bundle = JurisdictionBundle(
        division="140000",
        name_zh="山西",
        name_en="Shanxi",
        version=1,
        issued_at=NOW - timedelta(days=1),
        ca_certificates=(b"synthetic",),
        signing_keys=(SigningKeyInfo(key("signing").spki, "ed25519", NOW - timedelta(days=1)),),
        log=LogKeys(ORIGIN, key("head").spki, key("cosigner").spki),
    )
    return TrustedIssuer.of(bundle, bundle.issued_at)


async def examined(issuing: Issuing, report: IssuedReport, codes: tuple[str, ...] = ()) -> Examination:
    """What a verifier that follows this log finds, with no trust certificate of its own."""
    bundle = await issuing.issue.bundle(report.report_number, codes)
    return verify(
        bundle,
        claim=("uscc", report.subject.id),
        trusted=trusted(),
        terms=None,
        view=await issuing.log.head(ORIGIN),
        entry=await issuing.log.find_by_report_number(ORIGIN, report.report_number),
        as_of=NOW,
        known_at=NOW,
        memo=ArithmeticMemo(),
    )


async def sections_of(issuing: Issuing, report: IssuedReport) -> list[Section]:
    disclosure = read_bundle(await issuing.issue.bundle(report.report_number, ())).disclosure
    assert disclosure is not None
    return [decode_section(section) for section in disclosure.sections[1:]]


# What is issued


async def test_a_report_is_committed_and_verifies(issuing: Issuing) -> None:
    report = await issuing.issue.create(order(), ME)
    assert parse_report_number(report.report_number, "number").division == "140000"
    assert (report.log_index, report.issued_at, report.scenario) == (0, NOW, "tender")
    assert report.period == Period(date(2021, 11, 22), TODAY)
    assert await issuing.issue.get(report.report_number) == report
    for codes in ((), ("6",), ("6", "33")):
        examination = await examined(issuing, report, codes)
        outcomes = {o.number: (o.status.value, o.reason) for o in examination.outcomes}
        assert {number for number, (status, _) in outcomes.items() if status != "PASS"} == WITHOUT_CERTIFICATE
        assert examination.examined is not None
        assert examination.examined.complete is (not codes)


async def test_the_summary_says_whom_and_what(issuing: Issuing) -> None:
    await issuing.deliver("省市场监管局", ["6"], date(2026, 11, 20), PENALTY)
    report = await issuing.issue.create(order(codes=["6"]), ME)
    examination = await examined(issuing, report)
    assert examination.examined is not None
    summary = decode_summary(examination.examined.sections[0])
    assert (summary.report_number, summary.subject, summary.subject_name) == (
        report.report_number,
        SUBJECT,
        ENTERPRISE.name,
    )
    assert (summary.period, summary.record_count) == (report.period, report.record_count)
    assert report.record_count == 1
    assert not summary.selection.complete
    assert report.section_count == 1 + len(issuing.edition.catalogue.rows["6"].types)


async def test_records_and_deliveries_are_read_for_each_report(issuing: Issuing) -> None:
    """What is remembered for all subjects is forgotten when a unit delivers again."""
    units = issuing.edition.catalogue.rows["6"].units
    before = await sections_of(issuing, await issuing.issue.create(order(codes=["6"]), ME))
    assert {section.coverage.until for section in before} == {None}
    for unit in units:
        await issuing.deliver(unit, ["6"], date(2026, 11, 20), PENALTY if unit == units[0] else ())
    after = await sections_of(issuing, await issuing.issue.create(order(codes=["6"]), ME))
    assert {section.coverage.until for section in after} == {date(2026, 11, 20)}
    assert [section.records for section in after if section.records] == [(RECORD,)]


async def test_every_row_that_names_a_list_shows_its_entry_once_in_the_count(issuing: Issuing) -> None:
    entry = replace(RECORD, list_name="城市轨道交通规划建设领域黑名单")
    await issuing.deliver("省发展改革委", ["1", "10"], TODAY, [("1", SEVERE_LIST, entry), ("10", SEVERE_LIST, entry)])
    report = await issuing.issue.create(order(codes=["10", "1"]), ME)
    shown = [section.local_code for section in await sections_of(issuing, report) if section.records]
    assert (shown, report.record_count) == (["1", "10"], 1)


async def test_hidden_repaired_records_are_in_no_number(issuing: Issuing) -> None:
    repaired = replace(RECORD, repair_state=RepairState.REPAIRED, repaired_on=date(2026, 1, 1))
    await issuing.deliver("省市场监管局", ["6"], TODAY, [("6", PENALTY[0][1], repaired)])
    assert (await issuing.issue.create(order(codes=["6"]), ME)).record_count == 1
    with_scheme(issuing, show_repaired=False)
    report = await issuing.issue.create(order(codes=["6"]), ME)
    assert report.record_count == 0
    assert not any(section.records for section in await sections_of(issuing, report))


async def test_the_day_is_that_of_china(issuing: Issuing) -> None:
    midnight = start_of_day(date(2026, 11, 23)).astimezone(UTC)
    issuing.clock.set(midnight - timedelta(seconds=1))
    assert (await issuing.issue.create(order(), ME)).period.end == date(2026, 11, 22)
    issuing.clock.set(midnight)
    report = await issuing.issue.create(order(), ME)
    assert report.period.end == date(2026, 11, 23)
    assert report.report_number[6:14] == "20261123"


# What is refused


@pytest.mark.parametrize(
    ("wrong", "error", "named"),
    [
        (order(scenario="holiday"), InvalidInput, "scenario"),
        (order(codes=["6", "999"]), InvalidInput, "local_codes[1]"),
        (order(period=Period(TODAY, date(2026, 11, 23))), InvalidInput, "period.end"),
        (order(subject=SubjectRef(IdType.USCC, synthetic_code("140000", 2))), NotEligible, "NOT_REGISTERED_HERE"),
        (
            order(subject=SubjectRef(IdType.RESIDENT_ID, "11010519491231002X")),
            NotEligible,
            "NATURAL_PERSON_NEEDS_CONSENT",
        ),
    ],
)
async def test_a_refused_order_leaves_nothing(
    issuing: Issuing, wrong: ReportOrder, error: type[InvalidInput | NotEligible], named: str
) -> None:
    with pytest.raises(error) as caught:
        await issuing.issue.create(wrong, ME)
    assert named in (getattr(caught.value, "field", ""), caught.value.reason)
    assert await issuing.log.head(ORIGIN) is None


async def test_without_a_catalogue_in_force_nothing_is_issued(issuing: Issuing) -> None:
    def none(_at: object) -> NoReturn:
        raise NotReady("NO_CATALOGUE", "Synthetic: none in force.")

    issuing.issue._sources = replace(issuing.issue._sources, edition_at=none)
    with pytest.raises(NotReady):
        await issuing.issue.create(order(), ME)


async def test_eligibility_is_answered_without_issuing(issuing: Issuing) -> None:
    assert (await issuing.issue.eligibility(SUBJECT)).eligible
    await issuing.register(replace(ENTERPRISE, excluded="false_commitment"))
    answer = await issuing.issue.eligibility(SUBJECT)
    assert (answer.eligible, answer.reason) == (False, "EXCLUDED_FROM_SCHEME")


# Request ids


async def test_the_same_request_brings_the_same_report(issuing: Issuing) -> None:
    first = await issuing.issue.create(order("same"), ME)
    issuing.clock.advance(timedelta(days=3))
    assert await issuing.issue.create(order("same"), ME) == first
    head = await issuing.log.head(ORIGIN)
    assert head is not None
    assert head.size == 1


async def test_the_same_request_many_times_at_once_brings_one_report(issuing: Issuing) -> None:
    reports = await asyncio.gather(*(issuing.issue.create(order("same"), ME) for _ in range(12)))
    assert len(set(reports)) == 1
    head = await issuing.log.head(ORIGIN)
    assert head is not None
    assert head.size == 1


@pytest.mark.parametrize(
    "other",
    [
        order("same", codes=["7"]),
        order("same", scenario="listing"),
        order("same", period=Period(date(2025, 1, 1), TODAY)),
        order("same", exception=PeriodExceptionNote("91110000MA0TE00000", "synthetic")),
        order("same", subject=SubjectRef(IdType.USCC, synthetic_code("140000", 2))),
    ],
    ids=["rows", "scenario", "period", "exception", "subject"],
)
async def test_the_same_request_id_never_means_something_else(issuing: Issuing, other: ReportOrder) -> None:
    await issuing.register(replace(ENTERPRISE, ref=SubjectRef(IdType.USCC, synthetic_code("140000", 2))))
    await issuing.issue.create(order("same"), ME)
    with pytest.raises(Conflict, match="other content"):
        await issuing.issue.create(other, ME)


async def test_request_ids_belong_to_their_caller(issuing: Issuing) -> None:
    mine = await issuing.issue.create(order("same"), ME)
    yours = await issuing.issue.create(order("same"), "spiffe://140000.huxin/source/unit")
    assert mine.report_number != yours.report_number
    assert (mine.log_index, yours.log_index) == (0, 1)


async def test_the_first_answer_stands_when_the_rules_change(issuing: Issuing) -> None:
    """A client that did not hear the answer gets it, although a new order would be refused now."""
    first = await issuing.issue.create(order("same", codes=["6"]), ME)
    await issuing.register(replace(ENTERPRISE, excluded="false_commitment"))
    assert await issuing.issue.create(order("same", codes=["6"]), ME) == first
    with pytest.raises(NotEligible):
        await issuing.issue.create(order("new"), ME)
    await issuing.register(ENTERPRISE)
    with_scheme(issuing, scenarios=("listing",))
    assert await issuing.issue.create(order("same", codes=["6"]), ME) == first
    with pytest.raises(Conflict):
        await issuing.issue.create(order("same", codes=["7"]), ME)


@pytest.mark.parametrize("root", [bytes(32), b""], ids=["two histories", "behind what our key signed"])
async def test_a_log_of_two_histories_takes_warnings_and_no_reports(issuing: Issuing, root: bytes) -> None:
    earlier = order()
    report = await issuing.issue.create(earlier, ME)
    issuing.standings.tell_split(SplitView(ORIGIN, "520000", NOW, 1, SplitNotes("", "", root, ())))

    with pytest.raises(IssuingStopped) as caught:
        await issuing.issue.create(order(), ME)
    assert caught.value.reason == "OWN_LOG_SPLIT"
    for what_to_do in ("huxin evidence", "huxin log close", "ops/README.md"):
        assert what_to_do in caught.value.message
    head = await issuing.log.head(ORIGIN)
    assert head is not None
    assert head.size == 1, "nothing was attested"
    assert await issuing.issue.create(earlier, ME) == report, "what was answered before stands"

    index = await issuing.standing.change_status("a", report.report_number, StatusFlag.REVOKED, True, "synthetic", ME)
    assert index == 1


async def test_the_split_of_another_log_stops_nothing(issuing: Issuing) -> None:
    issuing.standings.tell_split(SplitView("huxin/520000", "620100", NOW, 1, SplitNotes("", "", bytes(32), ())))
    await issuing.issue.create(order(), ME)


async def test_a_request_id_of_a_status_change_is_taken(issuing: Issuing) -> None:
    report = await issuing.issue.create(order(), ME)
    await issuing.standing.change_status("same", report.report_number, StatusFlag.CORRECTED, True, "synthetic", ME)
    with pytest.raises(Conflict):
        await issuing.issue.create(order("same"), ME)


# Looking up


async def test_reports_of_a_subject_newest_first(issuing: Issuing) -> None:
    issued = []
    for _ in range(5):
        issued.append((await issuing.issue.create(order(codes=["6"]), ME)).report_number)
        issuing.clock.advance(timedelta(minutes=1))
    page, token = await issuing.issue.list(SUBJECT, 3, "")
    rest, end = await issuing.issue.list(SUBJECT, 3, token)
    assert [report.report_number for report in [*page, *rest]] == issued[::-1]
    assert end == ""
    assert await issuing.issue.list(SubjectRef(IdType.USCC, synthetic_code("140000", 2)), 3, "") == ([], "")


async def test_what_was_not_issued_here_is_not_found(issuing: Issuing) -> None:
    for look in (issuing.issue.get("1" * 31), issuing.issue.bundle("1" * 31, ())):
        with pytest.raises(NotFound, match="issued no report"):
            await look


async def test_a_bundle_is_proven_against_the_newest_head(issuing: Issuing) -> None:
    first = await issuing.issue.create(order(codes=["6"]), ME)
    for _ in range(4):
        await issuing.issue.create(order(codes=["6"]), ME)
    bundle = read_bundle(await issuing.issue.bundle(first.report_number, ()))
    assert sha256(bundle.envelope_bytes).digest() == first.attestation_digest
    assert bundle.inclusion is not None
    assert bundle.inclusion.index == 0
    assert "\n5\n" in bundle.inclusion.checkpoint
