"""A certificate that its CA takes back opens nothing any more, on connections that stand as well (R179)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from huxin.v1 import federation_service_pb2, federation_service_pb2_grpc, report_service_pb2, report_service_pb2_grpc

from node.app import certifying, renewing, trust_keeper, trusting
from node.errors import HuxinError
from tests.integration import dishonest
from tests.integration.provinces import Provinces, provinces
from tests.support import nodes
from tests.support.http import get
from trust.algorithms import Suite
from trust.certificates import create_ca, issue_workload
from trust.errors import CertificateRejected
from trust.identities import Role, WorkloadIdentity
from trust.keys import generate

SECONDS = 5.0
"""Far below the minute that R179 allows; the node looks every 2 s, here more often."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(renewing, "LOOK_SECONDS", 0.05)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path) as found:
        await nodes.caught_up(found.shanxi, found.guizhou, 0)
        yield found


def revoke(one: nodes.TestJurisdiction, name: str) -> None:
    certifying.revoke(
        one.settings, str(one.layout.certificate(name)), "key-compromise", nodes.THE_DAY, unrecorded=False
    )


def own_bundle(one: nodes.TestJurisdiction) -> str:
    return (one.layout.trust / "bundles" / f"{one.division}.json").read_text(encoding="utf-8")


async def drained(stream: grpc.aio.UnaryStreamCall[Any, Any]) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


async def ended(stream: grpc.aio.UnaryStreamCall[Any, Any]) -> tuple[grpc.StatusCode, str]:
    """Waits for the end of a stream that has begun: code and reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(drained(stream), SECONDS)
    return caught.value.code(), nodes.reason_of(caught.value)


REVOKED = (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED")


async def test_an_own_gateways_calls_and_streams_end(pair: Provinces) -> None:
    channel = pair.shanxi.channel()
    reports = report_service_pb2_grpc.ReportServiceStub(channel)
    asking = report_service_pb2.ListReportsRequest(subject=nodes.claim(pair.shanxi.subject))
    watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/grpc.health.v1.Health/Watch")
    stream = watch(b"")
    await stream.read()
    await reports.ListReports(asking)
    revoke(pair.shanxi, "gateway")
    assert await ended(stream) == REVOKED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reports.ListReports(asking)  # the same connection
    assert (caught.value.code(), nodes.reason_of(caught.value)) == REVOKED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await report_service_pb2_grpc.ReportServiceStub(pair.shanxi.channel()).ListReports(asking)  # a new one
    assert (caught.value.code(), nodes.reason_of(caught.value)) == REVOKED


async def test_a_peers_node_is_shut_out_by_its_own_bundle_and_let_in_again_with_another_certificate(
    pair: Provinces,
) -> None:
    """Guizhou's node key was stolen: Guizhou revokes and hands over its bundle. The thief is out, Guizhou is not."""
    stolen = pair.guizhou.layout.pair("node").read()
    async with dishonest.channel_with(pair.shanxi, stolen.key, stolen.certificate) as thief:
        follow = federation_service_pb2_grpc.FederationServiceStub(thief).Follow
        stream = follow(federation_service_pb2.FollowRequest(origin="huxin/140000"))
        await stream.read()
        revoke(pair.guizhou, "node")
        trusting.import_bundle(pair.shanxi.settings, own_bundle(pair.guizhou), None)
        assert await ended(stream) == REVOKED
        again = follow(federation_service_pb2.FollowRequest(origin="huxin/140000"))
        assert await ended(again) == REVOKED
    await pair.report(pair.shanxi)
    await nodes.caught_up(pair.guizhou, pair.shanxi, 1)
    # It has made itself another one: its CA key is at hand.
    assert pair.guizhou.layout.pair("node").read().certificate != stolen.certificate


async def test_a_revocation_cannot_be_taken_back(pair: Provinces) -> None:
    revoke(pair.guizhou, "gateway")
    trusting.import_bundle(pair.shanxi.settings, own_bundle(pair.guizhou), None)
    held = own_bundle(pair.guizhou)
    with pytest.raises(CertificateRejected) as caught:
        trusting.amend_own_bundle(
            pair.guizhou.settings,
            nodes.THE_DAY,
            lambda own: replace(own, revocation_lists=()),
        )
    assert caught.value.reason == "REVOCATION_FORGOTTEN"
    assert own_bundle(pair.guizhou) == held


async def test_a_certificate_of_a_sibling_ca_opens_nothing(pair: Provinces) -> None:
    """A second CA with Shanxi's name and trust domain, which Shanxi's bundle does not list."""
    genuine = x509.load_pem_x509_certificate(pair.shanxi.layout.certificate("ca").read_bytes())
    key = generate(Suite.ECDSA_P256_SHA256)
    validity = genuine.not_valid_before_utc, genuine.not_valid_after_utc
    sibling = create_ca("140000", "Shanxi huxin CA", key, 1, *validity)
    assert sibling.subject == genuine.subject
    leaf_key = generate(Suite.ECDSA_P256_SHA256)
    leaf = issue_workload(
        sibling, key, WorkloadIdentity("140000", Role.GATEWAY), leaf_key.public, genuine.serial_number, *validity
    )
    pem = leaf.public_bytes(serialization.Encoding.PEM)
    asking = report_service_pb2.ListReportsRequest(subject=nodes.claim(pair.shanxi.subject))
    async with dishonest.channel_with(pair.shanxi, leaf_key.pem(), pem) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await report_service_pb2_grpc.ReportServiceStub(channel).ListReports(asking, timeout=5)
    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}
    assert pair.shanxi.node is not None


async def test_refused_calls_are_counted_with_their_reason(pair: Provinces) -> None:
    """Also those whose certificate is good and does not open the method."""
    pair_of_guizhou = pair.guizhou.layout.pair("node").read()
    async with dishonest.channel_with(pair.shanxi, pair_of_guizhou.key, pair_of_guizhou.certificate) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await report_service_pb2_grpc.ReportServiceStub(channel).ListReports(
                report_service_pb2.ListReportsRequest(), timeout=5
            )
    assert pair.shanxi.node is not None
    page = (await get(pair.shanxi.node.operations_port, "/metrics")).body.decode()
    assert 'huxin_refusals_total{reason="NOT_PERMITTED"} 1.0' in page


async def test_who_is_revoked_twice_or_unknown_is_told(pair: Provinces) -> None:
    revoke(pair.shanxi, "gateway")
    with pytest.raises(HuxinError, match="already"):
        revoke(pair.shanxi, "gateway")
    with pytest.raises(HuxinError, match="No certificate with this serial"):
        certifying.revoke(pair.shanxi.settings, "ab12", "unspecified", nodes.THE_DAY, unrecorded=False)
    certifying.revoke(pair.shanxi.settings, "AB:12", "unspecified", nodes.THE_DAY, unrecorded=True)
    assert {serial for _, serial in certifying.revoked_here(pair.shanxi.settings)} >= {0xAB12}
