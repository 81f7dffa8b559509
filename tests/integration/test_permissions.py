"""Every method of a running node with every workload certificate there is: what no cell names is closed (R179).

The matrix is generated from the permission table and the descriptors of what is served. `tests/rpc/test_permissions.py`
holds the table itself against a second copy.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from huxin.v1 import (
    admin_service_pb2,
    catalogue_service_pb2,
    exchange_service_pb2,
    federation_service_pb2,
    report_service_pb2,
    verification_service_pb2,
)

from node.app.authority import issue, own_authority
from node.rpc.permissions import PERMISSIONS, Party
from tests.integration import dishonest
from tests.integration.provinces import Provinces, provinces
from tests.support import nodes
from tests.support.calls import code_of
from trust.identities import Role, WorkloadIdentity

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVED: tuple[ModuleType, ...] = (
    admin_service_pb2,
    catalogue_service_pb2,
    exchange_service_pb2,
    federation_service_pb2,
    report_service_pb2,
    verification_service_pb2,
    health_pb2,
    reflection_pb2,
)
METHODS = [
    f"/{service.full_name}/{method.name}"
    for module in SERVED
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
UNKNOWN = [
    "/huxin.v1.ReportService/DeleteReport",
    "/huxin.v1.ReportService/createReport",
    "/huxin.v2.ReportService/CreateReport",
    "/huxin.v1.ReportService",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.channelz.v1.Channelz/GetServers",
    "/x/y",
]
DENIED = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}

WORKLOADS = {
    role: WorkloadIdentity("000000", role, detail)
    for role, detail in [
        (Role.NODE, ""),
        (Role.GATEWAY, ""),
        (Role.OPERATOR, ""),
        (Role.SOURCE, "sheng-ju"),
        (Role.RELYING_PARTY, "91140000MA0TE5T16Q"),
    ]
}
CALLERS = [(division, role) for division in ("140000", "520000") for role in WORKLOADS]


def party_of(division: str, role: Role) -> Party:
    """Said a second time: of another jurisdiction only the node is anybody."""
    if division == "140000":
        return Party(f"own-{role.value}")
    return Party.PEER_NODE if role is Role.NODE else Party.NOBODY


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    # Every certificate of a peer asks every method here, more at once than one peer may.
    ample = {"HUXIN_LIMITS__PEER_CONCURRENT_CALLS": "1000"}
    async with provinces(tmp_path_factory.mktemp("permissions"), extra=ample) as found:
        for division in ("140000", "520000"):
            for role in (Role.SOURCE, Role.RELYING_PARTY):
                identity = WorkloadIdentity(division, role, WORKLOADS[role].detail)
                one = found.all[division]
                authority = own_authority(one.settings).issuing(nodes.THE_DAY)
                issue(authority, identity, one.layout.pair(role.value), nodes.THE_DAY, 9_000, os.urandom)
        yield found


def certified(pair: Provinces, division: str, role: Role) -> grpc.aio.Channel:
    """A channel to Shanxi's node with a workload certificate of that jurisdiction."""
    layout, shanxi = pair.all[division].layout, pair.shanxi
    key, certificate = layout.key(role.value).read_bytes(), layout.certificate(role.value).read_bytes()
    return dishonest.channel_with(shanxi, key, certificate)


@pytest.mark.parametrize(("division", "role"), CALLERS)
async def test_every_method_with_this_certificate(pair: Provinces, division: str, role: Role) -> None:
    party = party_of(division, role)
    async with certified(pair, division, role) as channel:
        codes = {method: await code_of(channel, method) for method in (*METHODS, *UNKNOWN)}
    named = {method for method, parties in PERMISSIONS.items() if party in parties}
    for method in METHODS:
        assert (codes[method] not in DENIED) == (method in named), (method, codes[method])
    # Own workloads are told that there is no such method: their libraries try versions of a service. Others are not.
    own = division == "140000"
    expected = grpc.StatusCode.UNIMPLEMENTED if own else grpc.StatusCode.PERMISSION_DENIED
    assert {codes[method] for method in UNKNOWN} == {expected}


async def test_the_matrix_has_every_method_and_every_party() -> None:
    assert set(PERMISSIONS) <= set(METHODS)
    assert set(METHODS) - set(PERMISSIONS) == {"/grpc.health.v1.Health/List"}
    assert {party_of(division, role) for division, role in CALLERS} == set(Party)


async def test_without_a_certificate_nothing_opens(pair: Provinces) -> None:
    ca = pair.shanxi.layout.certificate("ca").read_bytes()
    port = pair.shanxi.settings.rpc.listen.port
    options = [("grpc.ssl_target_name_override", "node.140000.huxin")]
    credentials = grpc.ssl_channel_credentials(ca)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        assert {await code_of(channel, method) for method in METHODS} == {grpc.StatusCode.UNAVAILABLE}


async def test_without_encryption_nothing_opens(pair: Provinces) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{pair.shanxi.settings.rpc.listen.port}") as channel:
        assert {await code_of(channel, method) for method in METHODS} == {grpc.StatusCode.UNAVAILABLE}


async def test_a_certificate_opens_nothing_once_it_has_expired(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with provinces(tmp_path_factory.mktemp("expiry")) as pair:
        channel = certified(pair, "140000", Role.GATEWAY)
        assert [code for code in await codes_of(channel) if code in DENIED] == []
        pair.clock.set(nodes.THE_DAY.replace(year=2099))
        assert set(await codes_of(channel)) == {grpc.StatusCode.UNAUTHENTICATED}
        await channel.close()


async def codes_of(channel: grpc.aio.Channel) -> list[grpc.StatusCode]:
    return [await code_of(channel, method) for method in methods_of(Party.OWN_GATEWAY)]


def methods_of(party: Party) -> Iterator[str]:
    return (method for method, parties in PERMISSIONS.items() if party in parties)
