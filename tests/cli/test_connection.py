"""The client side against a real gRPC server with mutual TLS: answers, refusals, silence.

The server answers with prepared messages; the real node is met in the integration tests.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from huxin.v1 import (
    admin_service_pb2,
    catalogue_service_pb2,
    exchange_service_pb2,
    joint_verdict_pb2,
    report_service_pb2,
    subject_pb2,
    verdict_pb2,
    verification_service_pb2,
)

from node.app.founding import Layout
from node.cli.connection import DEADLINE_SECONDS, connected, endpoint, require_in_force
from node.cli.failures import ExitCode, Refused
from node.cli.refusals import NOT_TRUSTED, TOO_SLOW
from node.errors import BadConfiguration
from tests.cli.running import huxin
from tests.cli.verdicts import ACCEPTED, REFERRED, REJECTED, message

SUBJECT = "91140000MA0TE5T16Q"
NUMBER = "14000020261122000G40R40M30E209Q"
REQUESTS: dict[str, tuple[type[Message], bool]] = {
    "VerificationService/Verify": (verification_service_pb2.VerifyRequest, False),
    "VerificationService/Present": (verification_service_pb2.PresentRequest, False),
    "VerificationService/ListRequirements": (verification_service_pb2.ListRequirementsRequest, False),
    "VerificationService/GetRequirement": (verification_service_pb2.GetRequirementRequest, False),
    "ReportService/CreateReport": (report_service_pb2.CreateReportRequest, False),
    "ReportService/GetReport": (report_service_pb2.GetReportRequest, False),
    "ReportService/ListReports": (report_service_pb2.ListReportsRequest, False),
    "ReportService/DownloadReport": (report_service_pb2.DownloadReportRequest, True),
    "AdminService/ListPeers": (admin_service_pb2.ListPeersRequest, False),
    "AdminService/ListMessages": (admin_service_pb2.ListMessagesRequest, False),
    "AdminService/ListSplitViews": (admin_service_pb2.ListSplitViewsRequest, False),
    "AdminService/ChangeStatus": (admin_service_pb2.ChangeStatusRequest, False),
    "ExchangeService/ListAskedReports": (exchange_service_pb2.ListAskedReportsRequest, False),
    "ExchangeService/ListSubjectsElsewhere": (exchange_service_pb2.ListSubjectsElsewhereRequest, False),
    "ExchangeService/ListSharedSubjects": (exchange_service_pb2.ListSharedSubjectsRequest, False),
    "CatalogueService/GetTaxonomy": (catalogue_service_pb2.GetTaxonomyRequest, False),
    "CatalogueService/ListCatalogues": (catalogue_service_pb2.ListCataloguesRequest, False),
    "CatalogueService/GetCatalogue": (catalogue_service_pb2.GetCatalogueRequest, False),
}

Answer = Callable[[Any, grpc.ServicerContext], Any]


@dataclass
class Desk:
    """A server: `answers` by method, `asked` what arrived, `callers` the SPIFFE ids that asked."""

    home: Path
    address: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)

    def handler(self, method: str) -> grpc.RpcMethodHandler[Any, Any]:
        kind, streaming = REQUESTS[method]

        def behave(request: Any, context: grpc.ServicerContext) -> Any:
            self.asked.append(request)
            identities = context.peer_identities() or ()
            self.callers.append(next((each.decode() for each in identities), ""))
            return self.answers[method](request, context)

        make = grpc.unary_stream_rpc_method_handler if streaming else grpc.unary_unary_rpc_method_handler
        return make(behave, kind.FromString, lambda response: response.SerializeToString())

    def ask(self, *arguments: str | Path) -> Any:
        return huxin(*arguments, home=self.home, environ={"HUXIN_NODE": self.address})


@pytest.fixture
def desk(founded: Path) -> Iterator[Desk]:
    layout = Layout(founded)
    found = Desk(founded)
    credentials = grpc.ssl_server_credentials(
        [(layout.key("node").read_bytes(), layout.certificate("node").read_bytes())],
        layout.certificate("ca").read_bytes(),
        require_client_auth=True,
    )
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        for service in {method.partition("/")[0] for method in REQUESTS}:
            methods = {name.partition("/")[2]: found.handler(name) for name in REQUESTS if name.startswith(service)}
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"huxin.v1.{service}", methods),))
        found.address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
        server.start()
        yield found
        server.stop(None).wait()


def refuse(code: grpc.StatusCode, text: str, *details: Message) -> Answer:
    """An answer that refuses as `rpc/status.py` does."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        packed = []
        for detail in details:
            holder = AnyMessage()
            holder.Pack(detail)
            packed.append(holder)
        status = status_pb2.Status(code=code.value[0], message=text, details=packed)
        context.abort_with_status(rpc_status.to_status(status))

    return answer


def info(reason: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="huxin")


def names(desk: Desk) -> None:
    """The node names a leaf, two jurisdictions and an own row."""
    service = catalogue_service_pb2
    taxonomy, listed, own = (
        service.GetTaxonomyResponse(),
        service.ListCataloguesResponse(),
        service.GetCatalogueResponse(),
    )
    taxonomy.concepts.add(code="EC07", name_zh="税收领域")
    listed.catalogues.add(division="140000", name_zh="山西省")
    own.catalogue.rows.add(local_code="16", local_name="税务")
    desk.answers["CatalogueService/GetTaxonomy"] = lambda *_: taxonomy
    desk.answers["CatalogueService/ListCatalogues"] = lambda *_: listed
    desk.answers["CatalogueService/GetCatalogue"] = lambda *_: own


# verify


def test_verify_sends_bundle_subject_and_requirement_and_shows_names(desk: Desk, tmp_path: Path) -> None:
    bundle = tmp_path / "report.huxin"
    bundle.write_bytes(b"synthetic bundle")
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(ACCEPTED)
    )
    names(desk)
    result = desk.ask("verify", bundle, "--subject", f" {SUBJECT.lower()} ", "--require", "140000/tender")
    assert result.exit_code == ExitCode.OK, result.stderr
    request = desk.asked[0]
    assert request.bundle == b"synthetic bundle"
    assert request.subject == subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=SUBJECT)
    assert request.requirement_id == "140000/tender"
    assert "税务（第16项） → EC07 税收领域" in result.stdout
    assert "山西省 140000" in result.stdout
    assert desk.callers[0] == "spiffe://140000.huxin/gateway"


@pytest.mark.parametrize(
    ("verdict", "code"), [(ACCEPTED, ExitCode.OK), (REFERRED, ExitCode.REFER), (REJECTED, ExitCode.REJECT)]
)
def test_verify_as_json_is_the_verdict_with_the_schemas_names(desk: Desk, verdict: Any, code: ExitCode) -> None:
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(verdict)
    )
    result = desk.ask("verify", NUMBER, "--json")
    assert result.exit_code == code
    answer = json.loads(result.stdout)
    assert answer["decision"] == f"DECISION_{verdict.decision}"
    assert answer["trust_state_age_seconds"] == "600"
    assert len(answer["steps"]) == 18
    assert desk.asked[0].WhichOneof("presentation") == "report_number"
    assert len(desk.asked) == 1, "machines need no names"


def test_verify_asks_as_of_a_past_day_and_says_so(desk: Desk) -> None:
    day_ends = datetime(2026, 5, 1, 15, 59, 59, 999_999, UTC)  # in China
    then = replace(ACCEPTED, basis=replace(ACCEPTED.basis, as_of=day_ends))
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(then)
    )
    names(desk)
    result = desk.ask("verify", NUMBER, "--at", "2026-05-01")
    assert result.exit_code == ExitCode.OK, result.stderr
    assert desk.asked[0].at.ToDatetime(UTC) == day_ends
    assert "按 2026-05-01 的规则，依据截至 2026-11-22 17:00 (UTC+8) 的信息" in result.stdout
    answer = json.loads(desk.ask("verify", NUMBER, "--at", "2026-05-01", "--json").stdout)
    assert (answer["as_of"], answer["known_at"]) == ("2026-05-01T15:59:59.999999Z", "2026-11-22T09:00:00Z")


def test_todays_answer_of_an_older_node_is_not_taken_for_that_of_then(desk: Desk) -> None:
    older = message(ACCEPTED)
    for name in ("as_of", "known_at", "trust_state", "log_view_freshness"):
        older.ClearField(name)
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(verdict=older)
    names(desk)
    result = desk.ask("verify", NUMBER, "--at", "2026-05-01")
    assert result.exit_code == ExitCode.REFUSED
    assert "Upgrade it" in result.stderr
    today = desk.ask("verify", NUMBER)
    assert today.exit_code == ExitCode.OK
    assert "2026-11-22 17:00 (UTC+8)" in today.stdout


def test_a_moment_that_nobody_can_mean_is_not_even_asked_about(desk: Desk) -> None:
    result = desk.ask("verify", NUMBER, "--at", "1 May")
    assert (result.exit_code, desk.asked) == (ExitCode.USAGE, [])
    assert "--at: Write a day such as 2026-05-01" in result.stderr


def test_json_may_stand_before_the_command(desk: Desk) -> None:
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(ACCEPTED)
    )
    assert json.loads(desk.ask("--json", "verify", NUMBER).stdout)["authenticity"] == "AUTHENTICITY_GENUINE"


def test_verify_shows_codes_when_the_node_will_not_name_them(desk: Desk) -> None:
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(ACCEPTED)
    )
    desk.answers["CatalogueService/GetTaxonomy"] = refuse(
        grpc.StatusCode.PERMISSION_DENIED, "No.", info("NOT_PERMITTED")
    )
    result = desk.ask("verify", NUMBER)
    assert result.exit_code == ExitCode.OK
    assert "第16项 → EC07" in result.stdout


def test_a_relying_party_needs_no_settings(desk: Desk, tmp_path: Path) -> None:
    """Its home holds its own certificate and key, and the CA's certificate, alone."""
    away, own = Layout(tmp_path / "bidding-centre"), Layout(desk.home)
    for folder in ("certificates", "keys"):
        (away.home / folder).mkdir(parents=True)
    shutil.copy(own.certificate("ca"), away.certificate("ca"))
    shutil.copy(own.certificate("gateway"), away.certificate("mine"))
    shutil.copy(own.key("gateway"), away.key("mine"))
    desk.answers["VerificationService/Verify"] = lambda *_: verification_service_pb2.VerifyResponse(
        verdict=message(ACCEPTED)
    )
    result = huxin("verify", NUMBER, "--json", "--as", "mine", "--node", desk.address, home=away.home)
    assert result.exit_code == ExitCode.OK, result.stderr


# report


def test_create_sends_what_was_asked(desk: Desk) -> None:
    issued = report_service_pb2.Report(report_number=NUMBER, scenario="tender", record_count=2)
    desk.answers["ReportService/CreateReport"] = lambda *_: report_service_pb2.CreateReportResponse(report=issued)
    result = desk.ask(
        "report", "create", SUBJECT, "--scenario", "tender", "--from", "2023-01-01", "--to", "2024-01-01",
        "--row", "6", "--row", "16", "--asked-by", "某交易所", "--asked-for", "五年以上", "--request-id", "one",
    )  # fmt: skip
    assert result.exit_code == ExitCode.OK, result.stderr
    assert NUMBER in result.stdout
    request = desk.asked[0]
    assert (request.period.start, request.period.end) == ("2023-01-01", "2024-01-01")
    assert list(request.local_codes) == ["6", "16"]
    assert (request.scenario, request.request_id) == ("tender", "one")
    assert request.period_exception.relying_party == "某交易所"


def test_create_draws_a_new_request_id_each_time_and_leaves_the_period_to_the_node(desk: Desk) -> None:
    desk.answers["ReportService/CreateReport"] = lambda *_: report_service_pb2.CreateReportResponse()
    for _ in range(2):
        assert desk.ask("report", "create", SUBJECT, "--scenario", "tender", "--json").exit_code == ExitCode.OK
    first, second = desk.asked
    assert first.request_id != second.request_id
    assert not first.HasField("period")
    assert not first.HasField("period_exception")


def test_list_follows_every_page(desk: Desk) -> None:
    def answer(request: Any, _context: grpc.ServicerContext) -> Any:
        page = int(request.page_token or 0)
        response = report_service_pb2.ListReportsResponse(next_page_token=str(page + 1) if page < 2 else "")
        response.reports.add(report_number=f"number {page}")
        return response

    desk.answers["ReportService/ListReports"] = answer
    result = desk.ask("report", "list", SUBJECT, "--json")
    assert [each["report_number"] for each in json.loads(result.stdout)] == ["number 0", "number 1", "number 2"]


def test_show_prints_the_digest_in_hex_and_json_in_base64(desk: Desk) -> None:
    found = report_service_pb2.Report(report_number=NUMBER, attestation_digest=bytes(range(32)))
    desk.answers["ReportService/GetReport"] = lambda *_: report_service_pb2.GetReportResponse(report=found)
    assert bytes(range(32)).hex() in desk.ask("report", "show", NUMBER).stdout
    answer = json.loads(desk.ask("report", "show", NUMBER, "--json").stdout)
    assert base64.b64decode(answer["attestation_digest"]) == bytes(range(32))


def test_download_joins_the_chunks_into_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.answers["ReportService/DownloadReport"] = lambda *_: iter(
        [report_service_pb2.DownloadReportResponse(chunk=part) for part in (b"one ", b"two")]
    )
    target = tmp_path / "out.huxin"
    result = desk.ask("report", "download", NUMBER, "-o", target, "--row", "16")
    assert result.exit_code == ExitCode.OK, result.stderr
    assert target.read_bytes() == b"one two"
    assert list(desk.asked[0].disclosed_codes) == ["16"]


def test_a_download_that_breaks_off_leaves_no_file(desk: Desk, tmp_path: Path) -> None:
    def answer(_request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield report_service_pb2.DownloadReportResponse(chunk=b"one ")
        refuse(grpc.StatusCode.UNAVAILABLE, "This node is shutting down.", info("SHUTTING_DOWN"))(None, context)

    desk.answers["ReportService/DownloadReport"] = answer
    target = tmp_path / "out.huxin"
    result = desk.ask("report", "download", NUMBER, "-o", target)
    assert result.exit_code == ExitCode.REFUSED
    assert "SHUTTING_DOWN" in result.stderr
    assert not target.exists()


def test_status_goes_to_the_node_with_the_operators_certificate(desk: Desk) -> None:
    desk.answers["AdminService/ChangeStatus"] = lambda *_: admin_service_pb2.ChangeStatusResponse(log_index=7)
    result = desk.ask("report", "status", NUMBER, "under_objection", "--set", "--reason", "objection_filed")
    assert "7" in result.stdout
    assert desk.callers == ["spiffe://140000.huxin/operator"]
    assert (desk.asked[0].set, desk.asked[0].reason_code) == (True, "objection_filed")
    assert "two histories" not in result.stdout


# requirement, peers


def test_requirements_are_listed_and_shown_with_names(desk: Desk) -> None:
    listed = verification_service_pb2.ListRequirementsResponse()
    found = listed.requirements.add(
        requirement_id="140000/tender", title_zh="示例", title_en="Example", months=36, illustrative=True
    )
    item = found.items.add(local_code="16")
    item.record_types.append("severe_dishonesty_list")
    desk.answers["VerificationService/ListRequirements"] = lambda *_: listed
    desk.answers["VerificationService/GetRequirement"] = lambda *_: verification_service_pb2.GetRequirementResponse(
        requirement=found
    )
    names(desk)
    assert "示例 illustrative" in desk.ask("requirement", "list").stdout
    shown = desk.ask("requirement", "show", "140000/tender").stdout
    assert "16 税务" in shown
    assert "严重失信主体名单" in shown
    assert "no authority has published" in shown
    assert "时效 Trust state age" not in shown
    found.max_trust_age_hours, found.max_log_view_age_minutes = 24, 10
    shown = desk.ask("requirement", "show", "140000/tender").stdout
    assert re.search(r"信任状态时效 Trust state age +24 小时 hours", shown)
    assert re.search(r"日志视图时效 Log view age +10 分钟 minutes", shown)


# refusals


def test_a_refusal_names_reason_field_and_retry(desk: Desk) -> None:
    violations = error_details_pb2.BadRequest()
    violations.field_violations.add(field="period.end", description="too late", reason="INVALID_FIELD")
    desk.answers["ReportService/CreateReport"] = refuse(
        grpc.StatusCode.INVALID_ARGUMENT,
        "A report cannot speak for days to come",
        info("INVALID_FIELD"),
        violations,
        error_details_pb2.RetryInfo(retry_delay=Duration(seconds=5)),
    )
    result = desk.ask("report", "create", SUBJECT, "--scenario", "tender")
    assert result.exit_code == ExitCode.REFUSED
    expected = "--to: A report cannot speak for days to come. Try again in 5 seconds. (INVALID_FIELD)"
    assert expected in result.stderr
    assert result.stdout == ""
    assert SUBJECT not in result.stderr


def test_a_refusal_without_details_names_the_code_alone(desk: Desk) -> None:
    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.DATA_LOSS, "an exception text of the server")

    desk.answers["ReportService/GetReport"] = answer
    result = desk.ask("report", "show", NUMBER)
    assert result.exit_code == ExitCode.REFUSED
    assert "DATA_LOSS" in result.stderr
    assert "exception text" not in result.stderr


def test_an_unreachable_node_says_how_to_start_it(founded: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = huxin("verify", NUMBER, "--node", address, home=founded)
    assert result.exit_code == ExitCode.REFUSED
    assert f"No node answers at {address}" in result.stderr
    assert "serve" in result.stderr


def test_a_node_of_another_jurisdiction_is_not_trusted(desk: Desk, tmp_path: Path) -> None:
    stranger = tmp_path / "guizhou"
    assert huxin("init", "520000", home=stranger).exit_code == ExitCode.OK
    with (
        connected(endpoint(stranger, desk.address, "gateway")) as node,
        pytest.raises(Refused, match="do not trust each other") as refused,
    ):
        node.peers()
    assert refused.value.reason == NOT_TRUSTED
    assert desk.asked == []


def test_a_silent_node_does_not_hold_a_clerk_up(desk: Desk) -> None:
    end = threading.Event()
    desk.answers["AdminService/ListPeers"] = lambda *_: end.wait(30) and admin_service_pb2.ListPeersResponse()
    with (
        connected(endpoint(desk.home, desk.address, "operator"), deadline=0.2) as node,
        pytest.raises(Refused) as refused,
    ):
        node.peers()
    end.set()
    assert refused.value.reason == TOO_SLOW
    assert DEADLINE_SECONDS <= 60


# what lies in the home


def test_a_missing_certificate_is_named_with_what_to_do(founded: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"certificates/nobody.crt: cannot be read.*certificate issue"):
        endpoint(founded, "127.0.0.1:1", "nobody")
    result = huxin("peers", "--as", "nobody", "--node", "127.0.0.1:1", home=founded)
    assert result.exit_code == ExitCode.USAGE


def test_a_damaged_ca_certificate_is_named(home: Path) -> None:
    Layout(home).certificate("ca").write_text("nothing", encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"ca.crt: is not a PEM certificate"):
        endpoint(home, "127.0.0.1:1", "gateway")


def test_a_certificate_that_has_ended_is_named_before_anything_is_asked(home: Path) -> None:
    issued = huxin("certificate", "issue", "gateway", "--out-name", "short", "--days", "1", home=home)
    assert issued.exit_code == ExitCode.OK, issued.stderr
    ours = endpoint(home, "127.0.0.1:1", "short")
    ends = x509.load_pem_x509_certificate(ours.certificate).not_valid_after_utc
    require_in_force(ours, "short", ends)
    with pytest.raises(BadConfiguration, match=r"certificates/short.crt: has ended on .*certificate renew short"):
        require_in_force(ours, "short", ends + timedelta(seconds=1))
    Layout(home).certificate("short").write_text("nothing", encoding="utf-8")
    result = huxin("peers", "--as", "short", "--node", "127.0.0.1:1", home=home)
    assert result.exit_code == ExitCode.USAGE
    assert "certificates/short.crt: is not a PEM certificate" in result.stderr


@pytest.mark.parametrize(
    ("decision", "exit_code"),
    [
        (verdict_pb2.DECISION_ACCEPT, ExitCode.OK),
        (verdict_pb2.DECISION_REFER, ExitCode.REFER),
        (verdict_pb2.DECISION_REJECT, ExitCode.REJECT),
        (verdict_pb2.DECISION_UNSPECIFIED, ExitCode.REFER),
        (99, ExitCode.REFER),
    ],
)
def test_reports_together_exit_as_their_decision(
    desk: Desk, tmp_path: Path, decision: verdict_pb2.Decision, exit_code: ExitCode
) -> None:
    joint = joint_verdict_pb2.JointVerdict(decision=decision, reasons=["OUTSIDE_TERRITORY"])
    joint.verdicts.add(report=0, territory="140000", verdict=message(ACCEPTED))
    joint.verdicts.add(report=1, verdict=message(REFERRED))
    joint.territories.add(territory="140000", reports=[0], findings=message(REFERRED).findings)
    joint.territories.add(territory="520000")
    names(desk)
    desk.answers["VerificationService/Present"] = lambda *_: verification_service_pb2.PresentResponse(verdict=joint)
    files = [tmp_path / "first.huxin", tmp_path / "second.huxin"]
    for file in files:
        file.write_bytes(file.name.encode())
    asking: list[str | Path] = [*files, "--subject", SUBJECT, "--require", "520000/tender"]
    done = desk.ask("present", *asking, "--territory", "140000", "--territory", "520000")
    assert done.exit_code == exit_code, done.output
    request = desk.asked[0]
    assert (list(request.bundles), list(request.territories)) == (
        [b"first.huxin", b"second.huxin"],
        ["140000", "520000"],
    )
    assert (request.subject.id, request.requirement_id) == (SUBJECT, "520000/tender")
    assert "没有可计入的报告" in done.output
    assert "first.huxin" in done.output
    assert "都不对应" in done.output
    told = json.loads(desk.ask("--json", "present", *asking).stdout)
    assert len(told["verdicts"]) == 2


def test_a_territory_that_is_missing_is_asked_for_by_its_option(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "first.huxin").write_bytes(b"x")
    violations = error_details_pb2.BadRequest()
    violations.field_violations.add(field="territories", description="none", reason="INVALID_FIELD")
    desk.answers["VerificationService/Present"] = refuse(
        grpc.StatusCode.INVALID_ARGUMENT, "Name the divisions.", info("INVALID_FIELD"), violations
    )
    told = desk.ask("present", tmp_path / "first.huxin", "--require", "520000/tender")
    assert (told.exit_code, "The node refused: --territory: Name the divisions." in told.stderr) == (3, True)


def test_reports_together_need_one_requirement(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "first.huxin").write_bytes(b"x")
    done = desk.ask("present", tmp_path / "first.huxin", "--subject", SUBJECT)
    assert done.exit_code == ExitCode.USAGE
    assert "--require" in done.output
