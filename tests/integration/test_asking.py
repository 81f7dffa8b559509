"""A window in Guizhou asks Shanxi for the report of a Shanxi subject: over real nodes, mTLS and both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from huxin.v1 import exchange_service_pb2, report_service_pb2, subject_pb2, verdict_pb2

from node.app import trusting
from node.app.storing import open_database
from node.model.witnesses import SplitNotes, SplitView
from node.storage.witness_store import WitnessStore
from tests.integration import exchanging
from tests.integration.exchanging import INBOX, OUTBOX
from tests.integration.provinces import OF_SHANXI, Provinces, provinces, verify
from tests.support import nodes
from tests.support.nodes import SUBJECTS

SUBJECT = SUBJECTS["140000"]
SECOND = timedelta(seconds=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def own(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Settings that give each node its database."""
    if request.param == "sqlite":
        return {}
    urls = request.getfixturevalue("postgres_urls")
    return {division: {"HUXIN_DATABASE__URL": url} for division, url in zip(("140000", "520000"), urls, strict=True)}


@pytest.fixture
async def running(own: dict[str, dict[str, str]], tmp_path: Path) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path, own=own) as found:
        yield found


async def test_the_report_comes_and_convinces(running: Provinces) -> None:
    guizhou, shanxi = running.guizhou, running.shanxi
    ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
    answered = await exchanging.stands(guizhou, ask_id, "answered")
    assert (answered.receiver, answered.downloadable, answered.report_number[:6]) == ("140000", True, "140000")
    bundle = await exchanging.fetched(guizhou, ask_id)
    assert bundle == await nodes.download(shanxi, answered.report_number)
    await nodes.caught_up(guizhou, shanxi, 1)
    verdict = await verify(guizhou, bundle, SUBJECT, OF_SHANXI)
    assert verdict.decision == verdict_pb2.DECISION_ACCEPT
    (sent,) = await exchanging.messages(guizhou, OUTBOX)
    (came,) = await exchanging.messages(guizhou, INBOX)
    (request,) = await exchanging.messages(shanxi, INBOX)
    assert (sent.id, sent.state, sent.kind) == (ask_id, "delivered", "report_request")
    assert (request.id, request.state, request.outcome) == (ask_id, "handled", answered.report_number)
    assert (request.evidence_digest, request.peer) == (exchanging.EVIDENCE, "520000")
    assert (came.state, came.kind, came.outcome) == ("handled", "report_delivery", answered.report_number)


async def test_the_same_request_is_asked_once(running: Provinces) -> None:
    request = exchanging.asking_for(SUBJECT)
    first = await exchanging.ask(running.guizhou, request)
    assert await exchanging.ask(running.guizhou, request) == first
    request.scenario = "financing"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await exchanging.ask(running.guizhou, request)
    assert nodes.reason_of(refused.value) == "REQUEST_ID_REUSED"
    assert len(await exchanging.messages(running.guizhou, OUTBOX)) == 1


async def test_a_refusal_comes_back_with_its_reason(running: Provinces) -> None:
    stranger = nodes.synthetic_code("140000", 77)
    ask_id = await exchanging.ask(running.guizhou, exchanging.asking_for(stranger))
    refused = await exchanging.stands(running.guizhou, ask_id, "refused")
    assert (refused.reason, refused.downloadable, refused.report_number) == ("NOT_REGISTERED_HERE", False, "")
    assert "registered" in refused.message
    with pytest.raises(grpc.aio.AioRpcError) as nothing:
        await exchanging.fetched(running.guizhou, ask_id)
    assert nodes.reason_of(nothing.value) == "NO_ASKED_REPORT"


async def test_a_node_whose_own_log_has_two_histories_says_so_and_answers_what_comes_next(running: Provinces) -> None:
    """The subject is told at once, and no message behind this one waits for the recovery."""
    guizhou, shanxi = running.guizhou, running.shanxi
    answered = await exchanging.stands(
        guizhou, await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT)), "answered"
    )
    split = SplitView("huxin/140000", "620100", running.clock.now(), 1, SplitNotes("one", "two", bytes(32), ()))
    async with open_database(shanxi.settings) as database:
        await WitnessStore(database).keep_split(split)
        assert shanxi.node is not None
        await shanxi.node.standings.load(WitnessStore(database))  # as each round of gossip does
    ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
    refused = await exchanging.stands(guizhou, ask_id, "refused")
    assert (refused.reason, refused.report_number) == ("OWN_LOG_SPLIT", "")
    assert "two histories" in refused.message
    assert await nodes.download(shanxi, answered.report_number), "what was issued before is handed out"


@pytest.mark.parametrize(
    ("whom", "answered"),
    [
        ("", False),
        ("recognised", False),  # Shanxi recognises nobody here: withdrawn below
        ("140000,620100", False),
        ("trusted", True),
        ("recognised,520000", True),
    ],
)
async def test_whom_a_jurisdiction_answers_is_its_own_decision(tmp_path: Path, whom: str, answered: bool) -> None:
    own = {"140000": {"HUXIN_SHARING__REPORT_REQUESTS_OF": whom}}
    async with provinces(tmp_path, own=own) as running:
        trusting.withdraw(running.shanxi.settings, "520000", running.clock.now() + SECOND)
        running.clock.advance(SECOND)
        await running.shanxi.stop()  # so that the withdrawal is read in any case
        await running.shanxi.start(running.clock)
        ask_id = await exchanging.ask(running.guizhou, exchanging.asking_for(SUBJECT))
        found = await exchanging.stands(running.guizhou, ask_id, "answered" if answered else "refused")
        assert found.reason == ("" if answered else "ASKER_NOT_ANSWERED")
        if not answered:
            assert "apply here itself" in found.message
            issued = await running.shanxi.reports().ListReports(
                report_service_pb2.ListReportsRequest(subject=nodes.claim(SUBJECT))
            )
            assert list(issued.reports) == []


async def test_a_recognition_is_enough_while_it_lasts(running: Provinces) -> None:
    """The default."""
    shanxi, now = running.shanxi, running.clock.now()
    held = trusting.trusted_state(shanxi.settings).recognition("520000", now)
    assert held is not None
    ends = replace(held.certificate, issued_at=now + SECOND, valid_until=now + 60 * SECOND)
    trusting.sign_certificate(shanxi.settings, ends)
    await shanxi.stop()  # so that it is read in any case
    running.clock.advance(SECOND)
    await shanxi.start(running.clock)
    ask_id = await exchanging.ask(running.guizhou, exchanging.asking_for(SUBJECT))
    await exchanging.stands(running.guizhou, ask_id, "answered")
    running.clock.advance(59 * SECOND)
    later = await exchanging.ask(running.guizhou, exchanging.asking_for(SUBJECT))
    assert (await exchanging.stands(running.guizhou, later, "refused")).reason == "ASKER_NOT_ANSWERED"


async def test_more_requests_than_are_answered_in_a_day_are_refused_until_tomorrow(
    own: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    own = {**own, "140000": {**own.get("140000", {}), "HUXIN_SHARING__REPORT_REQUESTS_PER_DAY": "2"}}
    async with provinces(tmp_path, own=own) as running:
        guizhou = running.guizhou

        async def asked(state: str, subject: str = SUBJECT) -> str:
            ask_id = await exchanging.ask(guizhou, exchanging.asking_for(subject))
            return str((await exchanging.stands(guizhou, ask_id, state)).reason)

        await asked("answered")
        # Whoever tries codes is counted for the wrong ones as well.
        assert await asked("refused", nodes.synthetic_code("140000", 77)) == "NOT_REGISTERED_HERE"
        assert await asked("refused") == "ASKED_TOO_OFTEN"
        await running.shanxi.stop()  # the count is no matter of one life of the node
        await running.shanxi.start(running.clock)
        assert await asked("refused") == "ASKED_TOO_OFTEN"
        running.clock.advance(timedelta(hours=13, minutes=59))
        assert await asked("refused") == "ASKED_TOO_OFTEN"
        running.clock.advance(timedelta(minutes=1))  # midnight in China
        await asked("answered")


async def test_a_natural_person_is_refused_before_anything_is_sent(running: Provinces) -> None:
    request = exchanging.asking_for("11010519491231002X")
    request.subject.id_type = subject_pb2.ID_TYPE_RESIDENT_ID
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await exchanging.ask(running.guizhou, request)
    assert nodes.reason_of(refused.value) == "NATURAL_PERSON_NEEDS_CONSENT"
    assert await exchanging.messages(running.guizhou, OUTBOX) == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("receiver", "330000", "INVALID_FIELD"),
        ("receiver", "520000", "INVALID_FIELD"),
        ("evidence_digest", b"short", "INVALID_FIELD"),
        ("request_id", "not a uuid", "INVALID_FIELD"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_at_the_window(
    tmp_path: Path, field: str, value: object, reason: str
) -> None:
    async with provinces(tmp_path) as running:
        request = exchanging.asking_for(SUBJECT)
        setattr(request, field, value)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await exchanging.ask(running.guizhou, request)
        assert nodes.reason_of(refused.value) == reason
        assert nodes.details_of(refused.value)["BadRequest"].field_violations[0].field == field  # type: ignore[attr-defined]


async def test_nobody_else_sees_a_request_or_opens_what_came(running: Provinces) -> None:
    guizhou = running.guizhou
    ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
    await exchanging.stands(guizhou, ask_id, "answered")
    for one, workload in ((guizhou, "operator"), (running.shanxi, "gateway")):
        from huxin.v1 import exchange_service_pb2_grpc  # noqa: PLC0415 - of this one test

        stub = exchange_service_pb2_grpc.ExchangeServiceStub(one.channel(workload))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetAskedReport(exchange_service_pb2.GetAskedReportRequest(id=ask_id))
        assert refused.value.code() in {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND}
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.DownloadAskedReport(exchange_service_pb2.DownloadAskedReportRequest(id=ask_id)).read()


async def test_what_lies_in_the_databases_names_no_subject_and_no_report_content(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        guizhou = running.guizhou
        # The receiver is away, so that the request stays in the outbox.
        await running.shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        assert SUBJECT not in everything_in(guizhou, "outbox", "asked_reports")
        await running.shanxi.start(running.clock)
        await exchanging.stands(guizhou, ask_id, "answered")
        bundle = await exchanging.fetched(guizhou, ask_id)
        assert SUBJECT.encode() in bundle
        stored = everything_in(guizhou, "outbox", "inbox", "asked_reports")
        assert SUBJECT not in stored
        assert "合成数据" not in stored
        for one in (guizhou, running.shanxi):
            await exchanging.comes(one, OUTBOX, 1, "delivered")
            assert contents_of(one) == {None}


def everything_in(one: nodes.TestJurisdiction, *tables: str) -> str:
    """Every column of these tables, bytes read as text: what a thief of the file would search through."""
    database = sqlite3.connect(f"file:{one.layout.home / 'huxin.db'}?mode=ro", uri=True)
    try:
        rows = [row for table in tables for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608
    finally:
        database.close()
    assert rows
    return " ".join(
        each.decode("utf-8", errors="replace") if isinstance(each, bytes) else str(each) for row in rows for each in row
    )


def contents_of(one: nodes.TestJurisdiction) -> set[bytes | None]:
    """What messages that have ended still hold of their content."""
    database = sqlite3.connect(f"file:{one.layout.home / 'huxin.db'}?mode=ro", uri=True)
    try:
        ended = "ended_at IS NOT NULL"
        query = f"SELECT content FROM outbox WHERE {ended} UNION ALL SELECT sealed FROM inbox WHERE {ended}"  # noqa: S608
        return {row[0] for row in database.execute(query)}
    finally:
        database.close()
