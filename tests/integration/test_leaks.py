"""Nothing that could tell who a subject is leaves a node beside its answers: not in its log, not in an error (R191).

The node is a process of its own, started as an operator starts it, and asked all kinds of good and bad things.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc.aio
from huxin.v1 import exchange_service_pb2, report_service_pb2, subject_pb2, verification_service_pb2

from node.app.ingesting import ingest_deliveries
from node.app.jurisdictions import load_jurisdictions
from node.app.storing import prepare_database
from node.clock import SystemClock
from tests.integration import exchanging, sharing
from tests.integration.provinces import asking
from tests.support import nodes
from tests.support.http import get

PERSON = "11010519491231002X"
"""The published example of GB 11643."""
SUBJECT, UNKNOWN = nodes.SUBJECTS["140000"], nodes.synthetic_code("140000", 77)
WIDE = SUBJECT.translate({at: at + 0xFEE0 for at in range(0x21, 0x7F)})
DOCUMENT, AUTHORITY, WHAT = "示例罚〔2026〕7号", "示例市执法局", "罚款壹佰元（合成示例）"
RECORD = f"""\
id_type,subject_id,local_code,record_type,deciding_authority,document_number,decided_on,content,source_unit,effective,\
not_penalised,revoked,secret,sealed
uscc,{SUBJECT},6,administrative_penalty_ordinary,{AUTHORITY},{DOCUMENT},2026-01-05,{WHAT},省市场监管局,yes,no,no,no,no
"""


@asynccontextmanager
async def serving(one: nodes.TestJurisdiction, log: Path, extra: Mapping[str, str] = {}) -> AsyncIterator[None]:
    """`huxin serve` in a process of its own, at the most talkative level."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "node",
            "--home",
            one.layout.home,
            "serve",
            stdout=output,
            stderr=output,
            cwd=Path(__file__).parents[2],
            env={
                **os.environ,
                "HUXIN_RPC__LISTEN": str(one.settings.rpc.listen),
                "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
                "HUXIN_LOG__LEVEL": "debug",
                "HUXIN_LOG__FORMAT": "json",
                "HUXIN_DATABASE__URL": one.settings.database.url,
                **extra,
            },
        )
        try:
            await asyncio.wait_for(one.channel().channel_ready(), 20)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_no_identifier_in_logs_and_errors(tmp_path: Path) -> None:
    clock = SystemClock()
    shanxi = nodes.found(tmp_path, "140000", datetime.now(UTC))
    nodes.recognise(shanxi, "140000", datetime.now(UTC) - timedelta(seconds=1))
    await prepare_database(shanxi.settings)
    await nodes.register(shanxi)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    await nodes.deliver(shanxi, load_jurisdictions(shanxi.settings).edition_at(clock.now()).catalogue, yesterday)
    file = tmp_path / "records.csv"
    file.write_text(RECORD, encoding="utf-8")
    file.with_suffix(".delivery.toml").write_text(
        f'unit = "省市场监管局"\nlocal_codes = ["6"]\nas_of = {yesterday}\ncomplete = true\n', encoding="utf-8"
    )
    filed: list[int] = []
    await ingest_deliveries(
        shanxi.settings, clock, [file], None, lambda _rows: None, lambda _path, summary: filed.append(summary.filed)
    )
    assert filed == [1]

    log = tmp_path / "node.log"
    async with serving(shanxi, log):
        number = await nodes.create_report(shanxi)
        bundle = await nodes.download(shanxi, number)
        errors = [text for call in questions(shanxi, bundle) if (text := await said(call))]
        for channel in shanxi.channels:
            await channel.close()
    assert DOCUMENT in bundle.decode(errors="ignore"), "the report has what the log must not have"
    assert len(errors) > 8
    written = log.read_text(encoding="utf-8")
    assert '"event":"serving"' in written.replace(" ", "")
    private = [SUBJECT, SUBJECT.lower(), WIDE, UNKNOWN, PERSON, DOCUMENT, AUTHORITY, WHAT, "合成数据"]
    for text in (written, *errors):
        assert [secret for secret in private if secret in text] == []


async def test_who_is_told_of_whom_is_in_no_log_metric_error_or_list_of_messages(tmp_path: Path) -> None:
    now, theirs = datetime.now(UTC), nodes.SUBJECTS["520000"]
    shanxi, guizhou = (nodes.found(tmp_path, division, now) for division in ("140000", "520000"))
    nodes.introduce([shanxi, guizhou])
    for one in (shanxi, guizhou):
        await prepare_database(one.settings)
    await sharing.register_at(shanxi, theirs, "520100")
    logs = [tmp_path / f"{one.division}.log" for one in (shanxi, guizhou)]
    written: list[str] = []
    telling = {"HUXIN_SHARING__BASIC_INFORMATION_WITH": "520000"}
    async with serving(shanxi, logs[0], telling), serving(guizhou, logs[1]):
        await sharing.file(shanxi, theirs)
        await sharing.known(guizhou, theirs)
        await sharing.file(shanxi, withdrawn=[theirs])
        await sharing.known(guizhou)
        for one, log in ((shanxi, logs[0]), (guizhou, logs[1])):
            for box in (exchanging.OUTBOX, exchanging.INBOX):
                written += [str(each) for each in await exchanging.messages(one, box)]
            events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            (port,) = (event["operations_port"] for event in events if event["event"] == "serving")
            written.append((await get(port, "/metrics")).body.decode())
            stub = exchanging.exchange(one)
            for wrong in (theirs[:-1], theirs[:-1] + "?", PERSON):
                written.append(await said(stub.ListSubjectsElsewhere(listing(subject=nodes.claim(wrong)))))
                written.append(await said(stub.ListSubjectsElsewhere(listing(holder=wrong))))
                written.append(await said(stub.ListSubjectsElsewhere(listing(page_token=wrong))))
            for channel in one.channels:
                await channel.close()
    written += [log.read_text(encoding="utf-8") for log in logs]
    assert "basic_information_queued" in written[-2], "it was told while the log was watched"
    assert sum("subject_basics" in each for each in written) >= 4
    private = [theirs, theirs[:-1], theirs.lower(), PERSON, sharing.NAME, sharing.DOCUMENT, sharing.WHAT]
    for text in written:
        assert [secret for secret in private if secret in text] == []


def listing(**fields: Any) -> exchange_service_pb2.ListSubjectsElsewhereRequest:
    return exchange_service_pb2.ListSubjectsElsewhereRequest(**fields)


def questions(shanxi: nodes.TestJurisdiction, bundle: bytes) -> Sequence[Awaitable[object]]:
    """Good and bad, each with an identifier in it."""
    reports, verification = shanxi.reports(), shanxi.verification()
    claims = [nodes.claim(code) for code in (SUBJECT, SUBJECT.lower(), WIDE, UNKNOWN, SUBJECT[:-1], SUBJECT[:-1] + "?")]
    claims += [
        subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_RESIDENT_ID, id=PERSON),
        subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_RESIDENT_ID, id=SUBJECT),
        subject_pb2.SubjectClaim(id=SUBJECT),
    ]
    asked = asking("140000", "MK01")
    asked.title_zh = f"{SUBJECT} {PERSON}"
    return [
        *(
            reports.CreateReport(
                report_service_pb2.CreateReportRequest(
                    request_id=str(uuid.uuid4()), subject=claim, scenario="tender", local_codes=["6"]
                )
            )
            for claim in claims
        ),
        *(reports.CheckEligibility(report_service_pb2.CheckEligibilityRequest(subject=claim)) for claim in claims),
        *(reports.ListReports(report_service_pb2.ListReportsRequest(subject=claim)) for claim in claims),
        *(
            verification.Verify(verification_service_pb2.VerifyRequest(bundle=data, subject=claim, requirement=asked))
            for claim in claims
            for data in (bundle, bundle[:-1], SUBJECT.encode())
        ),
        reports.CreateReport(
            report_service_pb2.CreateReportRequest(
                request_id=SUBJECT, subject=nodes.claim(SUBJECT), scenario=SUBJECT, local_codes=[SUBJECT]
            )
        ),
        reports.GetReport(report_service_pb2.GetReportRequest(report_number=SUBJECT)),
        reports.ListReports(report_service_pb2.ListReportsRequest(subject=nodes.claim(SUBJECT), page_token=SUBJECT)),
        verification.Verify(verification_service_pb2.VerifyRequest(report_number=PERSON)),
        verification.GetRequirement(verification_service_pb2.GetRequirementRequest(requirement_id=PERSON)),
        said_by_unknown_method(shanxi),
    ]


async def said_by_unknown_method(shanxi: nodes.TestJurisdiction) -> None:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = shanxi.channel().unary_unary(f"/{SUBJECT}/{PERSON}")
    await call(PERSON.encode())


async def said(call: Awaitable[object]) -> str:
    """Everything that an error tells its caller; empty for an answer."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        details = nodes.details_of(error)
        return f"{error.details()} {error.debug_error_string()} {error.trailing_metadata()} {details}"
    return ""
