"""The client side of a node's gRPC door: mutual TLS with what lies in the home, and refusals as sentences.

The only module of the command line that sees generated messages. The others get them by the names exported here, and
read enum fields as words by `code_of`. One channel, one CA: that of the home's own jurisdiction (`docs/protocol.md`,
Identities). Every call has a deadline.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import grpc
from cryptography import x509
from google.protobuf import json_format
from google.protobuf.message import Message as AnyMessage
from huxin.v1 import (
    admin_service_pb2,
    catalogue_service_pb2,
    exchange_service_pb2,
    joint_verdict_pb2,
    report_service_pb2,
    requirement_pb2,
    verdict_pb2,
    verification_service_pb2,
)

from node.app.founding import Layout
from node.app.workload_pair import PairFiles
from node.cli.failures import Refused
from node.cli.refusals import refusal
from node.errors import BadConfiguration, NotReady
from node.model.asking import AskOrder
from node.model.calendar import in_china
from node.model.issuing import ReportOrder
from node.model.log import StatusFlag
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.wire.fields import period_message, timestamp
from node.wire.requirement import requirement_message
from node.wire.status import STATUS_FLAG_NUMBERS
from node.wire.subject import subject_claim
from trust.certificates import ca_division
from trust.identities import node_dns_name

Verdict = verdict_pb2.Verdict
Existence = verdict_pb2.Existence
JointVerdict = joint_verdict_pb2.JointVerdict
TerritoryFindings = joint_verdict_pb2.TerritoryFindings
Finding = verdict_pb2.Finding
Gap = verdict_pb2.Gap
Step = verdict_pb2.StepResult
Freshness = verdict_pb2.Freshness
LaterFlag = verdict_pb2.LaterFlag
Report = report_service_pb2.Report
Peer = admin_service_pb2.Peer
Message = admin_service_pb2.Message
AskedReport = exchange_service_pb2.AskedReport
SubjectElsewhere = exchange_service_pb2.SubjectElsewhere
SharedSubject = exchange_service_pb2.SharedSubject
Box = admin_service_pb2.MessageBox
OUTBOX, INBOX = admin_service_pb2.MESSAGE_BOX_OUTBOX, admin_service_pb2.MESSAGE_BOX_INBOX
SplitView = admin_service_pb2.SplitView
ChangedStatus = admin_service_pb2.ChangeStatusResponse
SuccessorLog = admin_service_pb2.SuccessorLog
WireRequirement = requirement_pb2.Requirement

DEADLINE_SECONDS = 30.0
DOWNLOAD_SECONDS = 120.0
MAX_ANSWER_BYTES = 32 << 20
PAGE = 100

M = TypeVar("M", bound=AnyMessage)


@dataclass(frozen=True, slots=True)
class Names:
    """What codes are called: leaves and divisions by code, rows of the relying jurisdiction's catalogue by code."""

    leaves: dict[str, str] = field(default_factory=dict)
    divisions: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a node is reached and as whom: PEM of its CA, of our certificate and of our key."""

    address: str
    division: str
    ca: bytes
    certificate: bytes
    key: bytes


def endpoint(home: Path, address: str, certificate: str) -> Endpoint:
    """The endpoint for `certificates/<certificate>.crt` of a home. Raises BadConfiguration for a file that is missing.

    Needs no settings: a relying party's home may hold its certificate, its key and the CA's certificate alone.
    """
    layout = Layout(home)
    ca = _read(layout.certificate("ca"), "Create the jurisdiction with `huxin init`, or name its home with --home.")
    advice = "Issue it with `huxin certificate issue`, or name another one with --as."
    pair = _pair(layout.pair(certificate), advice)
    try:
        authority = x509.load_pem_x509_certificate(ca)
    except ValueError:
        raise BadConfiguration("certificates/ca.crt", "is not a PEM certificate. Restore it from a backup.") from None
    return Endpoint(address, ca_division(authority), ca, *pair)


def require_in_force(to: Endpoint, name: str, now: datetime) -> None:
    """Raises BadConfiguration when `certificates/<name>.crt` is none or has ended.

    A node only hangs up on it, which from here looks like a node that does not run.
    """
    file = f"certificates/{name}.crt"
    try:
        found = x509.load_pem_x509_certificate(to.certificate)
    except ValueError:
        raise BadConfiguration(file, "is not a PEM certificate. Restore it, or issue another one.") from None
    if found.not_valid_after_utc < now:
        raise BadConfiguration(
            file,
            f"has ended on {in_china(found.not_valid_after_utc)}. Renew it where the CA is: "
            f"huxin certificate renew {name}",
        )


@contextmanager
def connected(to: Endpoint, deadline: float = DEADLINE_SECONDS) -> Iterator[Node]:
    """A node to ask. The connection is made at the first call."""
    credentials = grpc.ssl_channel_credentials(to.ca, to.key, to.certificate)
    options = (
        ("grpc.ssl_target_name_override", node_dns_name(to.division)),
        ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
        ("grpc.enable_http_proxy", 0),  # a node is reached directly: a proxy would see who asks about whom
    )
    with grpc.secure_channel(to.address, credentials, options) as channel:
        yield Node(channel, to, deadline)


class Node:
    """One method for each call that a command makes. Each raises Refused when the node does not answer it."""

    def __init__(self, channel: grpc.Channel, to: Endpoint, deadline: float) -> None:
        self._channel = channel
        self._to = to
        self._deadline = deadline

    def verify(
        self,
        presented: bytes | str,
        subject: SubjectRef | None,
        against: Requirement | str | None,
        at: datetime | None = None,
    ) -> Verdict:
        """Verifies a bundle's bytes or a report number against a requirement, its id, or nothing; as of now or `at`."""
        request = verification_service_pb2.VerifyRequest()
        if isinstance(presented, bytes):
            request.bundle = presented
        else:
            request.report_number = presented
        if subject is not None:
            request.subject.CopyFrom(subject_claim(subject))
        if isinstance(against, Requirement):
            request.requirement.CopyFrom(requirement_message(against))
        elif against:
            request.requirement_id = against
        if at is not None:
            request.at.CopyFrom(timestamp(at))
        response = verification_service_pb2.VerifyResponse
        verdict = self._ask("VerificationService/Verify", request, response).verdict
        if at is not None and not verdict.HasField("as_of"):
            # It skipped the field that it does not know: what it decided holds for now, not for then.
            raise Refused(
                "NO_PAST_MOMENTS",
                f"The node at {self._to.address} is of a version that knows no --at. Upgrade it, or leave --at out.",
            )
        return verdict

    def present(
        self,
        bundles: Sequence[bytes],
        subject: SubjectRef | None,
        against: Requirement | str,
        territories: Sequence[str],
        at: datetime | None = None,
    ) -> JointVerdict:
        """Holds several bundles together against a requirement or its id, for these division codes; now or `at`."""
        request = verification_service_pb2.PresentRequest(bundles=bundles, territories=territories)
        if subject is not None:
            request.subject.CopyFrom(subject_claim(subject))
        if isinstance(against, Requirement):
            request.requirement.CopyFrom(requirement_message(against))
        else:
            request.requirement_id = against
        if at is not None:
            request.at.CopyFrom(timestamp(at))
        response = verification_service_pb2.PresentResponse
        return self._ask("VerificationService/Present", request, response).verdict

    def requirements(self) -> list[WireRequirement]:
        """All requirements of this jurisdiction's procedures."""
        request = verification_service_pb2.ListRequirementsRequest(page_size=PAGE)
        answer = verification_service_pb2.ListRequirementsResponse
        pages = self._pages("VerificationService/ListRequirements", request, answer)
        return [each for page in pages for each in page.requirements]

    def requirement(self, requirement_id: str) -> WireRequirement:
        """One requirement."""
        request = verification_service_pb2.GetRequirementRequest(requirement_id=requirement_id)
        answer = verification_service_pb2.GetRequirementResponse
        return self._ask("VerificationService/GetRequirement", request, answer).requirement

    def create_report(self, order: ReportOrder) -> Report:
        """Issues a report."""
        request = report_service_pb2.CreateReportRequest(
            request_id=order.request_id,
            subject=subject_claim(order.subject),
            local_codes=order.local_codes,
            scenario=order.scenario,
        )
        if order.period is not None:
            request.period.CopyFrom(period_message(order.period))
        if order.exception is not None:
            request.period_exception.relying_party = order.exception.relying_party
            request.period_exception.reason = order.exception.reason
        return self._ask("ReportService/CreateReport", request, report_service_pb2.CreateReportResponse).report

    def report(self, number: str) -> Report:
        """What is known of a report."""
        request = report_service_pb2.GetReportRequest(report_number=number)
        return self._ask("ReportService/GetReport", request, report_service_pb2.GetReportResponse).report

    def reports(self, subject: SubjectRef) -> list[Report]:
        """Reports of a subject, newest first."""
        request = report_service_pb2.ListReportsRequest(subject=subject_claim(subject), page_size=PAGE)
        pages = self._pages("ReportService/ListReports", request, report_service_pb2.ListReportsResponse)
        return [report for page in pages for report in page.reports]

    def download(self, number: str, disclosed: Sequence[str]) -> Iterator[bytes]:
        """The bundle of a report, chunk by chunk; empty `disclosed` shows everything."""
        request = report_service_pb2.DownloadReportRequest(report_number=number, disclosed_codes=disclosed)
        yield from self._chunks("ReportService/DownloadReport", request, report_service_pb2.DownloadReportResponse)

    def ask_for_report(self, order: AskOrder) -> AskedReport:
        """Asks another jurisdiction for a report."""
        ask = order.ask
        request = exchange_service_pb2.AskForReportRequest(
            request_id=order.request_id,
            receiver=order.receiver,
            subject=subject_claim(ask.subject),
            period=None if ask.period is None else period_message(ask.period),
            local_codes=ask.local_codes,
            scenario=ask.scenario,
            evidence_digest=ask.evidence_digest,
        )
        return self._ask("ExchangeService/AskForReport", request, exchange_service_pb2.AskForReportResponse).asked

    def asked_report(self, ask_id: str) -> AskedReport:
        """How a request stands."""
        request = exchange_service_pb2.GetAskedReportRequest(id=ask_id)
        return self._ask("ExchangeService/GetAskedReport", request, exchange_service_pb2.GetAskedReportResponse).asked

    def asked_reports(self) -> list[AskedReport]:
        """The requests made with this certificate, newest first."""
        request = exchange_service_pb2.ListAskedReportsRequest(page_size=PAGE)
        answer = exchange_service_pb2.ListAskedReportsResponse
        pages = self._pages("ExchangeService/ListAskedReports", request, answer)
        return [asked for page in pages for asked in page.asked]

    def download_asked(self, ask_id: str) -> Iterator[bytes]:
        """The bundle that came for a request, chunk by chunk."""
        request = exchange_service_pb2.DownloadAskedReportRequest(id=ask_id)
        answer = exchange_service_pb2.DownloadAskedReportResponse
        yield from self._chunks("ExchangeService/DownloadAskedReport", request, answer)

    def subjects_elsewhere(self, holder: str, subject: SubjectRef | None) -> Iterator[SubjectElsewhere]:
        """Own organisations of which others say that they hold records, by code; page by page as they are taken."""
        claim = None if subject is None else subject_claim(subject)
        request = exchange_service_pb2.ListSubjectsElsewhereRequest(holder=holder, subject=claim, page_size=PAGE)
        answer = exchange_service_pb2.ListSubjectsElsewhereResponse
        for page in self._pages("ExchangeService/ListSubjectsElsewhere", request, answer):
            yield from page.subjects

    def shared_subjects(self, receiver: str, subject: SubjectRef | None) -> Iterator[SharedSubject]:
        """Who was told of which of its organisations, by code; page by page as they are taken."""
        claim = None if subject is None else subject_claim(subject)
        request = exchange_service_pb2.ListSharedSubjectsRequest(receiver=receiver, subject=claim, page_size=PAGE)
        answer = exchange_service_pb2.ListSharedSubjectsResponse
        for page in self._pages("ExchangeService/ListSharedSubjects", request, answer):
            yield from page.subjects

    def messages(self, box: Box, peer: str, state: str) -> list[Message]:
        """Messages one way, newest first; of one peer or all, in one state or any."""
        request = admin_service_pb2.ListMessagesRequest(box=box, peer=peer, state=state, page_size=PAGE)
        pages = self._pages("AdminService/ListMessages", request, admin_service_pb2.ListMessagesResponse)
        return [message for page in pages for message in page.messages]

    def message(self, box: Box, message_id: str) -> Message:
        """One message."""
        request = admin_service_pb2.GetMessageRequest(box=box, id=message_id)
        return self._ask("AdminService/GetMessage", request, admin_service_pb2.GetMessageResponse).message

    def retry_message(self, box: Box, message_id: str) -> Message:
        """Tries a message again; how it stands then."""
        request = admin_service_pb2.RetryMessageRequest(box=box, id=message_id)
        return self._ask("AdminService/RetryMessage", request, admin_service_pb2.RetryMessageResponse).message

    def change_status(self, number: str, flag: StatusFlag, reason: str, *, raised: bool) -> ChangedStatus:
        """Sets or clears a flag of an own report: index of the statement in the log, and whether peers see that yet."""
        request = admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=number,
            flag=STATUS_FLAG_NUMBERS[flag],
            set=raised,
            reason_code=reason,
        )
        return self._ask("AdminService/ChangeStatus", request, admin_service_pb2.ChangeStatusResponse)

    def peers(self) -> list[Peer]:
        """Peers, by division."""
        request = admin_service_pb2.ListPeersRequest(page_size=PAGE)
        pages = self._pages("AdminService/ListPeers", request, admin_service_pb2.ListPeersResponse)
        return [peer for page in pages for peer in page.peers]

    def split_views(self) -> list[SplitView]:
        """Logs of which two histories were shown, with the evidence."""
        request = admin_service_pb2.ListSplitViewsRequest(page_size=PAGE)
        pages = self._pages("AdminService/ListSplitViews", request, admin_service_pb2.ListSplitViewsResponse)
        return [split for page in pages for split in page.splits]

    def names(self) -> Names:
        """What this node calls leaves, divisions, and the rows of its own catalogue."""
        service = catalogue_service_pb2
        taxonomy = self._ask("CatalogueService/GetTaxonomy", service.GetTaxonomyRequest(), service.GetTaxonomyResponse)
        request = service.ListCataloguesRequest(page_size=PAGE)
        pages = self._pages("CatalogueService/ListCatalogues", request, service.ListCataloguesResponse)
        catalogues = [catalogue for page in pages for catalogue in page.catalogues]
        rows: dict[str, str] = {}
        if any(catalogue.division == self._to.division for catalogue in catalogues):
            own = service.GetCatalogueRequest(division=self._to.division)
            answer = self._ask("CatalogueService/GetCatalogue", own, service.GetCatalogueResponse)
            rows = {row.local_code: row.local_name for row in answer.catalogue.rows}
        return Names(
            {concept.code: concept.name_zh for concept in taxonomy.concepts},
            {catalogue.division: catalogue.name_zh for catalogue in catalogues},
            rows,
        )

    def _pages(self, method: str, request: Any, answer: type[M]) -> Iterator[M]:
        while True:
            page: Any = self._ask(method, request, answer)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _chunks(self, method: str, request: AnyMessage, answer: Any) -> Iterator[bytes]:
        stream = self._channel.unary_stream(
            f"/huxin.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            for response in stream(request, timeout=max(self._deadline, DOWNLOAD_SECONDS)):
                yield response.chunk
        except grpc.RpcError as error:
            raise refusal(error, self._to.address) from None

    def _ask(self, method: str, request: AnyMessage, answer: type[M]) -> M:
        # Method by name: the generated stubs would say the same without types.
        call: grpc.UnaryUnaryMultiCallable[AnyMessage, M] = self._channel.unary_unary(
            f"/huxin.v1.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return call(request, timeout=self._deadline)
        except grpc.RpcError as error:
            raise refusal(error, self._to.address) from None


def code_of(message: AnyMessage, name: str) -> str:
    """The value of an enum field as its code, without the enum's prefix: `ACCEPT`; `UNKNOWN_7` for a newer one."""
    enum = message.DESCRIPTOR.fields_by_name[name].enum_type
    return enum_code(enum, getattr(message, name))


def codes_of(message: AnyMessage, name: str) -> list[str]:
    """The same for a repeated enum field."""
    enum = message.DESCRIPTOR.fields_by_name[name].enum_type
    return [enum_code(enum, number) for number in getattr(message, name)]


def enum_code(enum: Any, number: int) -> str:
    """A number of an enum as code; all our enums begin with `<ENUM>_UNSPECIFIED`."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    value = enum.values_by_number.get(number)
    return str(value.name.removeprefix(prefix)) if value is not None else f"UNKNOWN_{number}"


def as_json(message: AnyMessage) -> dict[str, Any]:
    """A message as JSON for machines: field names of the schema, every field, bytes in base64 (ProtoJSON)."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _pair(files: PairFiles, advice: str) -> tuple[bytes, bytes]:
    """Certificate and key, those that belong together also in the middle of a renewal."""
    with suppress(NotReady):  # what is wrong is told in terms of this command
        pair = files.read()
        return pair.certificate, pair.key
    return _read(files.certificate, advice), _read(files.key, advice)


def _read(path: Path, advice: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise BadConfiguration(f"{path.parent.name}/{path.name}", f"cannot be read. {advice}") from None
