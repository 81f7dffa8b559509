"""Clients that know nothing of huxin: they list the services and verify a report by reflection alone.

One is `buf curl` (the `buf-bin` package), a program in another language; the other is made of grpcio's reflection
client and protobuf's own message factory, without our generated modules.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.integration.provinces import OF_SHANXI, provinces
from tests.support import nodes

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
    "huxin.v1.AdminService",
    "huxin.v1.CatalogueService",
    "huxin.v1.ExchangeService",
    "huxin.v1.FederationService",
    "huxin.v1.ReportService",
    "huxin.v1.VerificationService",
}
BUF = Path(sys.executable).with_name("buf")


@dataclass
class Door:
    """Guizhou's node, and a VerifyRequest as JSON that anybody could have written by hand."""

    guizhou: nodes.TestJurisdiction
    request: dict[str, Any]
    home: Path

    async def buf(self, path: str, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and errors of `buf curl` with the certificate of Guizhou's gateway."""
        layout, port = self.guizhou.layout, self.guizhou.settings.rpc.listen.port
        process = await asyncio.create_subprocess_exec(
            BUF,
            "curl",
            "--protocol=grpc",
            f"--cacert={layout.certificate('ca')}",
            f"--cert={layout.certificate('gateway')}",
            f"--key={layout.key('gateway')}",
            "--servername=node.520000.huxin",
            *arguments,
            f"https://127.0.0.1:{port}{path}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.home,
            env={**os.environ, "BUF_CACHE_DIR": str(self.home / "cache")},
        )
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    home = tmp_path_factory.mktemp("generic")
    async with provinces(home) as pair:
        _, bundle = await pair.report(pair.shanxi)
        await nodes.caught_up(pair.guizhou, pair.shanxi, 1)
        request = {
            "bundle": base64.b64encode(bundle).decode(),
            "subject": {"idType": "ID_TYPE_USCC", "id": pair.shanxi.subject},
            "requirement": json_format.MessageToDict(OF_SHANXI),
        }
        yield Door(pair.guizhou, request, home)


async def test_buf_lists_the_services(door: Door) -> None:
    code, output, errors = await door.buf("", "--list-services")
    assert (code, errors) == (0, "")
    assert set(output.split()) == SERVICES


async def test_buf_lists_the_methods(door: Door) -> None:
    code, output, _ = await door.buf("", "--list-methods")
    assert code == 0
    assert {"huxin.v1.VerificationService/Verify", "huxin.v1.ReportService/CreateReport"} <= set(output.split())


async def test_buf_verifies_a_report(door: Door) -> None:
    request = door.home / "request.json"
    request.write_text(json.dumps(door.request), encoding="utf-8")
    code, output, errors = await door.buf("/huxin.v1.VerificationService/Verify", f"--data=@{request}")
    assert (code, errors) == (0, "")
    verdict = json.loads(output)["verdict"]
    assert verdict["decision"] == "DECISION_ACCEPT"
    assert verdict["authenticity"] == "AUTHENTICITY_GENUINE"
    assert len(verdict["steps"]) == 18
    assert {finding["kind"] for finding in verdict["findings"]} == {"FINDING_KIND_NO_RECORD_FOUND"}


async def test_buf_is_told_what_is_wrong_with_a_request(door: Door) -> None:
    code, _, errors = await door.buf("/huxin.v1.VerificationService/Verify", "--data={}")
    assert code == grpc.StatusCode.INVALID_ARGUMENT.value[0] << 3
    told = json.loads(errors)
    assert told["code"] == "invalid_argument"
    assert "bundle" in told["message"]
    assert {detail["type"] for detail in told["details"]} == {"google.rpc.ErrorInfo", "google.rpc.BadRequest"}


async def test_a_client_of_descriptors_alone_verifies_a_report(door: Door) -> None:
    services, verdict = await asyncio.to_thread(verify_by_reflection, door)
    assert set(services) == SERVICES
    assert verdict["decision"] == "DECISION_ACCEPT"


def verify_by_reflection(door: Door) -> tuple[list[str], dict[str, Any]]:
    """Synchronous, as grpcio's reflection client is."""
    layout = door.guizhou.layout
    credentials = grpc.ssl_channel_credentials(
        layout.certificate("ca").read_bytes(),
        layout.key("gateway").read_bytes(),
        layout.certificate("gateway").read_bytes(),
    )
    address = f"127.0.0.1:{door.guizhou.settings.rpc.listen.port}"
    options = [("grpc.ssl_target_name_override", "node.520000.huxin")]
    with grpc.secure_channel(address, credentials, options) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        service = pool.FindServiceByName("huxin.v1.VerificationService")
        method = service.methods_by_name["Verify"]
        call: grpc.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        request = json_format.ParseDict(door.request, GetMessageClass(method.input_type)(), descriptor_pool=pool)
        answer = json_format.MessageToDict(call(request, timeout=10), descriptor_pool=pool)
        return list(database.get_services()), answer["verdict"]
