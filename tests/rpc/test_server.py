"""The server itself: whose handshake passes, what it says of itself, how it starts and stops."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from huxin.v1 import report_service_pb2, subject_pb2

from node.errors import BadConfiguration
from node.rpc.server import TlsMaterial
from tests.rpc.federation import GUIZHOU, SHANXI
from tests.rpc.world import (
    PARTIES,
    REQUEST_ID,
    USCC,
    Door,
    Holder,
    ca,
    foreign_claim,
    opened,
    pem,
    reason_of,
    talking,
    unary,
    workload,
)
from trust.identities import Role

CHECK = "/grpc.health.v1.Health/Check"
CHECKPOINT = "/huxin.v1.FederationService/GetCheckpoint"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with opened(Door()) as door:
        yield door


async def code_of(door: Door, holder: Holder, method: str = CHECK) -> grpc.StatusCode:
    async with door.channel(holder) as channel:
        try:
            await unary(channel, method)(b"", timeout=10)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def health_of(door: Door, service: str) -> int:
    async with door.channel(PARTIES["own-gateway"]) as channel:
        answer = await unary(channel, CHECK)(health_pb2.HealthCheckRequest(service=service).SerializeToString())
    return health_pb2.HealthCheckResponse.FromString(answer).status


async def test_a_node_certificate_from_a_siblings_ca_fails_the_handshake(door: Door) -> None:
    # B's name, A's CA: the CA is constrained to its own domain's DNS names (RFC 5280 section 4.2.1.10).
    forged = foreign_claim(GUIZHOU, Role.NODE, issuer=SHANXI)
    assert await code_of(door, forged, CHECKPOINT) is grpc.StatusCode.UNAVAILABLE
    assert not door.observed


async def test_a_certificate_in_our_name_from_a_siblings_ca_fails_at_its_first_call(door: Door) -> None:
    # Without a DNS name the handshake passes, for both CAs are in the pool. The call's own check must refuse it.
    forged = foreign_claim(SHANXI, Role.OPERATOR, issuer=GUIZHOU)
    async with door.channel(forged) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, "/huxin.v1.AdminService/ListPeers")(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "CERTIFICATE_REJECTED"


async def test_without_a_client_certificate_there_is_no_handshake(door: Door) -> None:
    credentials = grpc.ssl_channel_credentials(pem(ca(SHANXI)))
    options = (("grpc.ssl_target_name_override", f"node.{SHANXI}.huxin"),)
    async with grpc.aio.secure_channel(f"127.0.0.1:{door.port}", credentials, options=options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CHECK)(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not door.observed


async def test_plain_text_is_not_served(door: Door) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, CHECK)(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_new_peer_can_connect_at_the_next_handshake(door: Door) -> None:
    newcomer = workload("620100", Role.NODE)
    checkpoint = "/huxin.v1.FederationService/GetCheckpoint"
    assert await code_of(door, newcomer, checkpoint) is grpc.StatusCode.UNAVAILABLE
    door.trust.trust(SHANXI, GUIZHOU, "620100")
    # Permitted now: what is refused is the empty request.
    assert await code_of(door, newcomer, checkpoint) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_removed_peer_is_refused_on_its_open_connection_and_at_the_next_handshake(door: Door) -> None:
    peer = PARTIES["peer-node"]
    async with door.channel(peer) as channel:
        call = unary(channel, CHECKPOINT)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        door.trust.trust(SHANXI)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await code_of(door, peer, CHECKPOINT) is grpc.StatusCode.UNAVAILABLE


def answer_of(data: object) -> reflection_pb2.ServerReflectionResponse:
    assert isinstance(data, bytes)
    return reflection_pb2.ServerReflectionResponse.FromString(data)


async def test_reflection_lists_every_service_and_gives_its_files(door: Door) -> None:
    async with door.channel(PARTIES["own-relying-party"]) as channel:
        talk = talking(channel, REFLECT)()
        await talk.write(reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString())
        listed = answer_of(await talk.read())
        wanted = reflection_pb2.ServerReflectionRequest(file_containing_symbol="huxin.v1.VerificationService")
        await talk.write(wanted.SerializeToString())
        files = answer_of(await talk.read())
        await talk.done_writing()
    assert {service.name for service in listed.list_services_response.service} == {
        "huxin.v1.ReportService",
        "huxin.v1.VerificationService",
        "huxin.v1.CatalogueService",
        "huxin.v1.ExchangeService",
        "huxin.v1.FederationService",
        "huxin.v1.AdminService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    names = [
        descriptor_pb2.FileDescriptorProto.FromString(data).name
        for data in files.file_descriptor_response.file_descriptor_proto
    ]
    assert "huxin/v1/verification_service.proto" in names


async def test_health_speaks_for_the_server_and_for_each_service(door: Door) -> None:
    names = ("", "huxin.v1.VerificationService", "huxin.v1.FederationService")
    for name in names:
        assert await health_of(door, name) == health_pb2.HealthCheckResponse.SERVING
    await door.server.set_ready(ready=False)
    for name in names:
        assert await health_of(door, name) == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_of_a_server_that_nobody_called_ready() -> None:
    door = Door()
    door.port = await door.server.start()
    assert await health_of(door, "") == health_pb2.HealthCheckResponse.NOT_SERVING
    await door.server.stop(0)


async def test_a_taken_port_is_refused_instead_of_shared(door: Door) -> None:
    second = Door(port=door.port)
    with pytest.raises(BadConfiguration, match=f"rpc.listen: cannot listen on .*{door.port}.* a port that is free"):
        await second.server.start()


async def test_stopping_lets_calls_finish(door: Door) -> None:
    door.issuing.release = asyncio.Event()
    async with door.channel(PARTIES["own-gateway"]) as channel:
        request = report_service_pb2.CreateReportRequest(
            request_id=REQUEST_ID,
            subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=USCC),
            scenario="tender",
        )
        call = unary(channel, "/huxin.v1.ReportService/CreateReport")(request.SerializeToString())
        await door.issuing.entered.wait()
        stopping = asyncio.create_task(door.server.stop(30))
        door.issuing.release.set()
        assert await call
        await asyncio.wait_for(stopping, 10)


def test_the_private_key_is_in_no_repr() -> None:
    key = workload(SHANXI, Role.NODE).key
    material = TlsMaterial(1, key.pem(), b"chain", b"roots")
    assert key.pem().decode() not in repr(material)
    assert "PRIVATE" not in repr(material)
