"""Nobody speaks for another jurisdiction: not in a statement, not in a log, not in a certificate (R179, R184)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import federation_service_pb2, federation_service_pb2_grpc

from node.rpc.permissions import PERMISSIONS
from tests.integration import dishonest
from tests.integration.provinces import ACCEPT, OF_SHANXI, REFER, REJECT, Provinces, provinces, verify
from tests.support import nodes
from tests.support.calls import code_of
from trust import statements
from trust.algorithms import Suite
from trust.bundle import encode_bundle, read_bundle, with_inclusion
from trust.envelope import seal
from trust.keys import generate, load
from trust.statements import encode_envelope
from trust.vocabulary import StatusChange, StatusFlag

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    """Guizhou relies, Shanxi issues, Lanzhou is dishonest."""
    async with provinces(tmp_path_factory.mktemp("impostors"), "140000", "520000", "620100") as found:
        yield found


async def genuine(three: Provinces) -> bytes:
    """A report of Shanxi that Guizhou accepts."""
    _, bundle = await three.report(three.shanxi)
    size = read_index(bundle) + 1
    await nodes.caught_up(three.guizhou, three.shanxi, size)
    assert (await verify(three.guizhou, bundle, three.shanxi.subject, OF_SHANXI)).decision == ACCEPT
    return bundle


def read_index(bundle: bytes) -> int:
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    return inclusion.index


async def logged_by_lanzhou(three: Provinces, entry: bytes) -> None:
    lanzhou = three.all["620100"]
    proof = await dishonest.log_anything(lanzhou, entry)
    await nodes.caught_up(three.guizhou, lanzhou, proof.index + 1)


async def test_a_statement_signed_by_lanzhou_that_claims_shanxi_is_rejected(three: Provinces) -> None:
    lanzhou = three.all["620100"]
    forged = dishonest.resigned(await genuine(three), load(lanzhou.layout.key("signing")))
    await logged_by_lanzhou(three, read_bundle(forged).envelope_bytes)
    proof = await dishonest.log_anything(lanzhou, read_bundle(forged).envelope_bytes)
    for bundle in (forged, with_inclusion(forged, proof)):
        verdict = await verify(three.guizhou, bundle, three.shanxi.subject, OF_SHANXI)
        assert verdict.decision == REJECT, verdict
        assert (verdict.steps[3].reason, verdict.steps[4].reason) == ("KEY_UNKNOWN", "KEY_UNKNOWN")
        assert not verdict.HasField("report")


async def test_a_genuine_statement_signed_once_more_by_lanzhou_is_rejected(three: Provinces) -> None:
    bundle = read_bundle(await genuine(three))
    signer = load(three.all["620100"].layout.key("signing"))
    again = seal(bundle.envelope.payload_type, bundle.envelope.payload, [signer])
    both = sorted((*bundle.envelope.signatures, *again.signatures), key=lambda signature: signature.key_id)
    envelope = encode_envelope(replace(again, signatures=tuple(both)))
    forged = encode_bundle(envelope, bundle.subject_salt, bundle.disclosure, bundle.report_salt)
    assert (await verify(three.guizhou, forged, three.shanxi.subject, OF_SHANXI)).decision == REJECT


async def test_a_statement_of_shanxi_that_only_lanzhou_logged_is_not_accepted(three: Provinces) -> None:
    """Signed by Shanxi's own key, so its operator could have, but never put where everybody sees it."""
    lanzhou = three.all["620100"]
    hidden = dishonest.resigned(
        await genuine(three), load(three.shanxi.layout.key("signing")), legal_basis=("synthetic",)
    )
    proof = await dishonest.log_anything(lanzhou, read_bundle(hidden).envelope_bytes)
    await nodes.caught_up(three.guizhou, lanzhou, proof.index + 1)
    alone = await verify(three.guizhou, hidden, three.shanxi.subject, OF_SHANXI)
    assert (alone.decision, alone.steps[5].reason) == (REFER, "NOT_YET_IN_VIEW")
    with_proof = await verify(three.guizhou, with_inclusion(hidden, proof), three.shanxi.subject, OF_SHANXI)
    assert (with_proof.decision, with_proof.steps[5].reason) == (REJECT, "CHECKPOINT_INVALID")


async def test_an_issuer_that_nobody_introduced_is_rejected(three: Provinces) -> None:
    bundle = await genuine(three)
    number = "990000" + dishonest.attestation_in(read_bundle(bundle)).report_number[6:]
    forged = dishonest.resigned(bundle, generate(Suite.ED25519), issuer="990000", report_number=number)
    verdict = await verify(three.guizhou, forged, three.shanxi.subject, OF_SHANXI)
    assert (verdict.decision, verdict.steps[2].reason) == (REJECT, "ISSUER_UNKNOWN")


@pytest.mark.parametrize("flag", [StatusFlag.REVOKED, StatusFlag.UNDER_OBJECTION])
@pytest.mark.parametrize("claimed", ["140000", "620100"])
async def test_lanzhou_cannot_change_the_standing_of_a_report_of_shanxi(
    three: Provinces, flag: StatusFlag, claimed: str
) -> None:
    bundle = await genuine(three)
    change = StatusChange(
        issuer=claimed,
        attestation_digest=sha256(read_bundle(bundle).envelope_bytes).digest(),
        flag=flag,
        set=True,
        effective_at=nodes.THE_DAY,
        issued_at=nodes.THE_DAY,
        reason_code="error_found",
    )
    signer = load(three.all["620100"].layout.key("signing"))
    sealed = seal(statements.STATUS_CHANGE, statements.encode_status_change(change), [signer])
    await logged_by_lanzhou(three, encode_envelope(sealed))
    verdict = await verify(three.guizhou, bundle, three.shanxi.subject, OF_SHANXI)
    assert (verdict.decision, list(verdict.flags)) == (ACCEPT, [])


ROLES = ("node", "gateway", "operator", "source/shi-ju", "relying-party/91140000MA0TE5T16Q")


@pytest.mark.parametrize("role", ROLES)
async def test_lanzhous_ca_vouches_for_no_workload_of_another(three: Provinces, role: str) -> None:
    """Towards Shanxi: as one of Shanxi's own workloads, and as Guizhou's. Every method is closed."""
    for victim in ("140000", "520000"):
        names = [f"node.{victim}.huxin"] if role == "node" else []
        key, certificate = dishonest.certified(three.all["620100"], f"spiffe://{victim}.huxin/{role}", *names)
        async with dishonest.channel_with(three.shanxi, key, certificate) as channel:
            for method in PERMISSIONS:
                assert await code_of(channel, method) in REFUSED, (victim, method)


async def test_the_same_certificate_from_the_right_ca_opens_what_it_should(three: Provinces) -> None:
    """Else the test above would show nothing."""
    key, certificate = dishonest.certified(three.guizhou, "spiffe://520000.huxin/node", "node.520000.huxin")
    async with dishonest.channel_with(three.shanxi, key, certificate) as channel:
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        answer = await stub.GetCheckpoint(federation_service_pb2.GetCheckpointRequest(origin="huxin/140000"))
        assert answer.checkpoint.startswith("huxin/140000\n")


REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE}
"""At the first call, or already at the handshake."""


@pytest.mark.parametrize(("ca_of", "calls"), [("620100", 0), ("140000", 1)])
async def test_only_shanxis_ca_makes_a_server_for_shanxi(tmp_path: Path, ca_of: str, calls: int) -> None:
    """Another machine stands at Shanxi's address, with a certificate for Shanxi's name. Guizhou's follower calls.

    With a certificate from Lanzhou's CA the handshake fails each time; with one from Shanxi's it would not.
    """
    async with provinces(tmp_path, "140000", "520000", "620100") as found:
        shanxi, guizhou = found.shanxi, found.guizhou
        await nodes.caught_up(guizhou, shanxi, 0)
        await shanxi.stop()
        key, certificate = dishonest.certified(found.all[ca_of], "spiffe://140000.huxin/node", "node.140000.huxin")
        roots = b"".join(one.layout.certificate("ca").read_bytes() for one in found.all.values())
        credentials = grpc.ssl_server_credentials([(key, certificate)], roots, require_client_auth=True)
        async with standing_at(shanxi.settings.rpc.listen.port, credentials) as (arrivals, served):
            await nodes.until(lambda: bool(served) if calls else len(arrivals) >= 8)
        assert bool(served) == bool(calls)
        assert set(served) <= {"/huxin.v1.FederationService/Follow"}


@asynccontextmanager
async def standing_at(port: int, credentials: grpc.ServerCredentials) -> AsyncIterator[tuple[list[int], list[str]]]:
    """A gRPC server behind a relay on that port. Yields its connections, and calls that got through."""
    arrivals: list[int] = []
    served: list[str] = []
    relays: set[asyncio.Task[None]] = set()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Listening(served),))
    behind = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals.append(1)
        task = asyncio.current_task()
        assert task is not None
        relays.add(task)
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        except ConnectionError:  # the server has just stopped
            writer.close()
            return
        await asyncio.gather(pour(reader, inner_writer), pour(inner_reader, writer))

    front = await asyncio.start_server(relay, "127.0.0.1", port)
    try:
        yield arrivals, served
    finally:
        front.close()
        await server.stop(None)
        await asyncio.gather(*relays)


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


class Listening(grpc.GenericRpcHandler):
    """Notes every call that reaches it."""

    def __init__(self, served: list[str]) -> None:
        self._served = served

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
        self._served.append(handler_call_details.method)
