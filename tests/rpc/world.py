"""A node's gRPC door with real certificates, and use cases that hold their few values in memory.

All data is synthetic.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2, status_pb2

from node.errors import Conflict, NotAuthenticated, NotEligible, NotFound
from node.model.calendar import Period
from node.model.catalogue import (
    Catalogue,
    Caveat,
    CollectedType,
    Concept,
    Crosswalk,
    DateBasis,
    Relation,
    Row,
    Scheme,
    Taxonomy,
)
from node.model.freshness import Basis
from node.model.issuing import Eligibility, IssuedReport, ReportOrder
from node.model.joint import JointVerdict, PresentedVerdict, TerritoryFindings
from node.model.presentation import Presentation
from node.model.records import ENFORCEMENT, PENALTY_ORDINARY
from node.model.requirement import RequiredItem, Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Authenticity, Decision, InputDigests, Standing, Step, StepStatus, Verdict
from node.rpc.admin_service import admin_service
from node.rpc.call import Gate
from node.rpc.caller import Caller
from node.rpc.catalogue_service import CatalogueShelf, catalogue_service
from node.rpc.exchange_service import exchange_service
from node.rpc.federation_service import federation_service
from node.rpc.identity import Authenticator, Credential
from node.rpc.limits import Allowance, Limiter
from node.rpc.refusals import RefusalLog
from node.rpc.report_service import report_service
from node.rpc.server import RpcServer, ServerOptions, TlsMaterial
from node.rpc.verification_service import verification_service
from tests.rpc.federation import GUIZHOU, SHANXI, Acknowledgements, Feed, Heads, Operation, Registry
from tests.rpc.mail import Asking, Mail, Mailbox, Sharing
from trust.algorithms import Suite
from trust.certificates import Authorities, create_ca, issue_workload, validate_path
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity
from trust.keys import PrivateKey, generate

USCC = "91140000MA0FAKE00X"
REQUEST_ID = "0d3c9a52-7a86-4f0e-9c25-6b0f6f5f6d4e"
NUMBER = "14000020261122000G40R40M30E209Q"

# Handshakes read the computer's own clock, so certificates are valid now; the node's clock is the test's.
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
END = START + timedelta(days=2)

_serials = itertools.count(1)


@cache
def ca_key(_division: str) -> PrivateKey:
    return generate(Suite.ECDSA_P256_SHA256)


@cache
def ca(division: str) -> x509.Certificate:
    return create_ca(division, f"{division} test CA", ca_key(division), next(_serials), START, END)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return pem(self.certificate)


@cache
def workload(division: str, role: Role, detail: str = "") -> Holder:
    key = generate(Suite.ECDSA_P256_SHA256)
    identity = WorkloadIdentity(division, role, detail)
    return Holder(key, issue_workload(ca(division), ca_key(division), identity, key.public, next(_serials), START, END))


def foreign_claim(division: str, role: Role, issuer: str) -> Holder:
    """A certificate in `division`'s name that the CA of `issuer` signed: `issue_workload` refuses to make one."""
    key = generate(Suite.ECDSA_P256_SHA256)
    genuine = issue_workload(
        ca(division),
        ca_key(division),
        WorkloadIdentity(division, role),
        key.public,
        next(_serials),
        START,
        END,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(genuine.subject)
        .issuer_name(ca(issuer).subject)
        .public_key(genuine.public_key())
        .serial_number(next(_serials))
        .not_valid_before(START)
        .not_valid_after(END)
    )
    for extension in genuine.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
        ca(issuer).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )
    builder = builder.add_extension(authority, critical=False)
    signer = serialization.load_pem_private_key(ca_key(issuer).pem(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    return Holder(key, builder.sign(signer, hashes.SHA256()))


PARTIES: dict[str, Holder] = {
    "own-gateway": workload(SHANXI, Role.GATEWAY),
    "own-operator": workload(SHANXI, Role.OPERATOR),
    "own-relying-party": workload(SHANXI, Role.RELYING_PARTY, USCC),
    "own-source": workload(SHANXI, Role.SOURCE, "tax-bureau"),
    "own-node": workload(SHANXI, Role.NODE),
    "peer-node": workload(GUIZHOU, Role.NODE),
    "peer-gateway": workload(GUIZHOU, Role.GATEWAY),
    "peer-operator": workload(GUIZHOU, Role.OPERATOR),
    "peer-relying-party": workload(GUIZHOU, Role.RELYING_PARTY, USCC),
    "peer-source": workload(GUIZHOU, Role.SOURCE, "tax-bureau"),
}


@dataclass
class Trust:
    """The trusted state: whose CAs count, in which version."""

    divisions: tuple[str, ...] = (SHANXI, GUIZHOU)
    version: int = 1

    def trust(self, *divisions: str) -> None:
        self.divisions, self.version = divisions, self.version + 1

    def validate(self, leaf: bytes, at: datetime) -> Credential:
        try:
            found = validate_path(
                leaf, {division: Authorities((ca(division),), frozenset()) for division in self.divisions}, at
            )
        except CertificateRejected as error:
            raise NotAuthenticated(error.reason, error.message) from None
        who = found.identity
        return Credential(Caller(who.division, who.role.value, who.detail), found.not_before, found.not_after)

    def material(self) -> TlsMaterial:
        node = workload(SHANXI, Role.NODE)
        roots = b"".join(pem(ca(division)) for division in self.divisions)
        return TlsMaterial(self.version, node.key.pem(), node.pem, roots)


class Issuing:
    """Reports in a dictionary."""

    def __init__(self) -> None:
        self.reports: dict[str, IssuedReport] = {}
        self.orders: dict[tuple[str, str], ReportOrder] = {}
        self.failure: Exception | None = None
        self.entered = asyncio.Event()
        self.release: asyncio.Event | None = None
        self.cancelled = False

    async def create(self, order: ReportOrder, caller: str) -> IssuedReport:
        if self.failure is not None:
            raise self.failure
        self.entered.set()
        if self.release is not None:
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        known = self.orders.setdefault((caller, order.request_id), order)
        if known != order:
            raise Conflict("REQUEST_ID_REUSED", "This request id was used for another order; take a fresh one.")
        report = issued(NUMBER, order)
        self.reports[report.report_number] = report
        return report

    async def get(self, report_number: str) -> IssuedReport:
        try:
            return self.reports[report_number]
        except KeyError:
            raise NotFound("NO_SUCH_REPORT", "No report of this number was issued here.") from None

    async def list(self, subject: SubjectRef, limit: int, after: str) -> tuple[list[IssuedReport], str]:
        numbers = sorted(number for number, report in self.reports.items() if report.subject == subject)
        rest = [number for number in numbers if number > after]
        page = [self.reports[number] for number in rest[:limit]]
        return page, page[-1].report_number if len(rest) > limit else ""

    async def bundle(self, report_number: str, disclosed_codes: tuple[str, ...]) -> bytes:
        await self.get(report_number)
        return b"".join(code.encode() * 50_000 for code in disclosed_codes) or b"bundle" * 30_000

    async def eligibility(self, subject: SubjectRef) -> Eligibility:
        if subject.id == USCC:
            return Eligibility(eligible=True)
        raise NotEligible("NOT_REGISTERED_HERE", "The subject is registered elsewhere; ask there.")


def issued(number: str, order: ReportOrder) -> IssuedReport:
    period = order.period or Period(date(2021, 11, 22), date(2026, 11, 22))
    return IssuedReport(number, order.subject, START, period, 81, 0, order.scenario, bytes(32), 4)


REQUIREMENTS = tuple(
    Requirement(
        f"{SHANXI}/synthetic-{number:02d}",
        "合成示例",
        "synthetic example",
        SHANXI,
        "tender",
        (RequiredItem((PENALTY_ORDINARY,), leaf="MK01"),),
        months=36,
        illustrative=True,
    )
    for number in range(25)
)


class Procedures:
    """Twenty-five requirements."""

    def list_requirements(self) -> Sequence[Requirement]:
        return REQUIREMENTS

    def get_requirement(self, requirement_id: str) -> Requirement:
        for each in REQUIREMENTS:
            if each.requirement_id == requirement_id:
                return each
        raise NotFound("NO_SUCH_REQUIREMENT", "This jurisdiction has no such requirement; list them.")


@dataclass
class Verification:
    """Says what it was asked, as a verdict would."""

    presented: list[Presentation] = field(default_factory=list)

    async def verify(self, presentation: Presentation) -> Verdict:
        self.presented.append(presentation)
        return verdict_on(presentation.bundle or b"", presentation.against, presentation.at)

    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None, at: datetime | None
    ) -> Sequence[Verdict]:
        self.presented += [Presentation(bundle, "", subject, against, at) for bundle, subject in items]
        return [verdict_on(bundle, against, at) for bundle, _ in items]

    async def present(
        self,
        bundles: Sequence[bytes],
        subject: SubjectRef | None,
        against: Requirement,
        territories: Sequence[str],
        at: datetime | None,
    ) -> JointVerdict:
        self.presented += [Presentation(bundle, "", subject, against, at) for bundle in bundles]
        verdicts = [PresentedVerdict(0, territories[0], verdict_on(bundles[0], against, at))]
        found = [TerritoryFindings(territory, (), ()) for territory in territories]
        return JointVerdict(Decision.REFER, ("SYNTHETIC",), tuple(found), tuple(verdicts), against.title_zh)


def verdict_on(bundle: bytes, against: Requirement | None, at: datetime | None) -> Verdict:
    return Verdict(
        Authenticity.UNDECIDED,
        Standing.UNKNOWN,
        None,
        (),
        (Step(1, StepStatus.PASS), Step(2, StepStatus.UNDECIDED, "SYNTHETIC")),
        (),
        None,
        (),
        None,
        0,
        Basis(at or START, START, None, None),
        InputDigests(bundle=bundle[:32]),
        against.title_zh if against is not None else "",
    )


def shelf() -> CatalogueShelf:
    concepts = [
        Concept("MK", "市场", "markets", "", ""),
        Concept("MK01", "市场监管", "market supervision", "MK", "synthetic"),
        Concept("MK02", "药品", "medicines", "MK", "synthetic"),
    ]
    lines = {"6": (("MK01", Relation.NARROW),), "7": (("MK02", Relation.RELATED),)}
    by_leaf = {"MK01": (("6", Relation.NARROW),), "MK02": (("7", Relation.RELATED),)}
    return CatalogueShelf(
        Taxonomy("1", {each.code: each for each in concepts}, b"t" * 32),
        (catalogue("620100", rows_known=False), catalogue(SHANXI, rows_known=True)),
        (Crosswalk(SHANXI, lines, b"w" * 32, by_leaf),),
    )


def catalogue(division: str, *, rows_known: bool) -> Catalogue:
    scheme = Scheme(
        f"{division}/synthetic",
        "synthetic",
        "1",
        date(2025, 1, 1),
        None,
        (),
        60,
        True,
        DateBasis.DECISION,
        frozenset({"enterprise"}),
        None,
        ("tender",),
    )
    collected = (
        CollectedType(PENALTY_ORDINARY, date(2022, 8, 1), frozenset({Caveat.SINCE_ASSUMED, Caveat.CLOSE_MATCH})),
        CollectedType(ENFORCEMENT, date(2022, 8, 1)),
    )
    rows = {code: Row(code, f"合成行{code}", collected, ("unit",)) for code in ("7", "6", "10")} if rows_known else {}
    return Catalogue(
        division, division, "合成", "synthetic", "1", date(2025, 1, 1), None, rows_known, 43, rows, scheme, b"c" * 32
    )


AMPLE = Allowance(1e6, 1e9, 1e9, 10_000, 10_000, 1.0)


@dataclass
class Door:
    """A running door and everything behind it."""

    trust: Trust = field(default_factory=Trust)
    issuing: Issuing = field(default_factory=Issuing)
    verification: Verification = field(default_factory=Verification)
    feed: Feed = field(default_factory=Feed)
    registry: Registry = field(default_factory=Registry)
    heads: Heads = field(default_factory=Heads)
    operation: Operation = field(default_factory=Operation)
    acknowledgements: Acknowledgements = field(default_factory=Acknowledgements)
    peers: Allowance = AMPLE
    own: Allowance = AMPLE
    limited: list[tuple[str, str]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    mail: Mail = field(default_factory=Mail)
    asking: Asking = field(default_factory=Asking)
    sharing: Sharing = field(default_factory=Sharing)
    outbox: Mailbox = field(default_factory=lambda: Mailbox("queued"))
    inbox: Mailbox = field(default_factory=lambda: Mailbox("parked"))
    observed: list[tuple[str, str, float]] = field(default_factory=list)
    counted: asyncio.Event = field(default_factory=asyncio.Event)
    now: datetime = START + timedelta(hours=1)
    recheck_seconds: float = 60.0
    max_message_bytes: int = 4 * 1024 * 1024
    port: int = 0
    server: RpcServer = field(init=False)

    def __post_init__(self) -> None:
        authenticator = Authenticator(self.trust.validate, lambda: self.trust.version, lambda: self.now)
        incidents = itertools.count(1)
        log = RefusalLog(asyncio.get_running_loop().time)
        gate = Gate(
            SHANXI,
            authenticator,
            self.observe,
            asyncio.get_running_loop().time,
            lambda: f"incident-{next(incidents)}",
            log.tell,
            Limiter(SHANXI, self.peers, self.own, lambda who, limit: self.limited.append((who, limit))),
            log.tell,
            self.heard.append,
            self.recheck_seconds,
        )
        self.server = RpcServer(
            ServerOptions(address=f"127.0.0.1:{self.port}", max_message_bytes=self.max_message_bytes),
            self.trust.material,
            gate,
            [
                report_service(self.issuing),
                verification_service(self.verification, Procedures(), max_batch_bytes=self.max_message_bytes),
                catalogue_service(shelf),
                federation_service(self.feed, self.registry, self.acknowledgements, self.mail, self.heads),
                exchange_service(self.asking, self.sharing),
                admin_service(self.operation, self.outbox, self.inbox),
            ],
        )

    def observe(self, method: str, code: str, seconds: float) -> None:
        self.observed.append((method, code, seconds))
        self.counted.set()

    def channel(self, holder: Holder) -> grpc.aio.Channel:
        credentials = grpc.ssl_channel_credentials(pem(ca(SHANXI)), holder.key.pem(), holder.pem)
        options = (
            ("grpc.ssl_target_name_override", f"node.{SHANXI}.huxin"),
            ("grpc.use_local_subchannel_pool", 1),  # a connection of its own, a handshake of its own
            ("grpc.max_receive_message_length", -1),
        )
        return grpc.aio.secure_channel(f"127.0.0.1:{self.port}", credentials, options=options)


@asynccontextmanager
async def opened(door: Door) -> AsyncIterator[Door]:
    door.port = await door.server.start()
    await door.server.set_ready(ready=True)
    try:
        yield door
    finally:
        await door.server.stop(0)


def as_sent(data: bytes) -> bytes:
    """Tests speak bytes: what crosses the wire is what they wrote."""
    return data


def unary(channel: grpc.aio.Channel, method: str) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary(method, request_serializer=as_sent, response_deserializer=as_sent)


def streaming(channel: grpc.aio.Channel, method: str) -> grpc.aio.UnaryStreamMultiCallable[bytes, bytes]:
    return channel.unary_stream(method, request_serializer=as_sent, response_deserializer=as_sent)


def talking(channel: grpc.aio.Channel, method: str) -> grpc.aio.StreamStreamMultiCallable[bytes, bytes]:
    return channel.stream_stream(method, request_serializer=as_sent, response_deserializer=as_sent)


def rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The `google.rpc.Status` that came with a refusal."""
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    status = status_pb2.Status.FromString(details)
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    return status


def details_of(error: grpc.aio.AioRpcError) -> Iterator[object]:
    """Its details, unpacked."""
    kinds = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    for packed in rich_status(error).details:
        kind = next(each for each in kinds if packed.Is(each.DESCRIPTOR))
        message = kind()
        packed.Unpack(message)
        yield message


def reason_of(error: grpc.aio.AioRpcError) -> str:
    info = next(detail for detail in details_of(error) if isinstance(detail, error_details_pb2.ErrorInfo))
    assert info.domain == "huxin"
    return str(info.reason)
