"""A running node renews its own certificate and takes it up; what it cannot renew, it warns of."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from huxin.v1 import admin_service_pb2
from structlog.testing import capture_logs

from node.app import certifying, renewing, trust_keeper
from node.app.authority import CA_YEARS, NODE_DAYS, own_authority
from node.app.registry_view import RegistryView
from node.app.renewing import Renewal
from node.app.trust_keeper import TrustKeeper
from node.registry.directory import TrustDirectory
from node.verification.trusting import FreshnessLimits
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.revocation import bundle_lists

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(renewing, "LOOK_SECONDS", 0.01)


@asynccontextmanager
async def watching(one: TestJurisdiction, clock: SettableClock) -> AsyncIterator[TrustKeeper]:
    """A keeper and its renewal, as in a running node."""
    limits = FreshnessLimits(30 * DAY, DAY)
    directory = TrustDirectory(one.settings.trust.directory, one.division)
    view = RegistryView(nodes.NoRegistry(), None)
    trust = TrustKeeper(directory, view, one.layout.pair("node"), limits, clock.now)

    async def nobody(_: object) -> None:
        """Nobody else is told here."""

    renewal = Renewal(one.settings, trust, clock.now, os.urandom)
    tasks = [asyncio.create_task(trust.keep(nobody)), asyncio.create_task(renewal.keep())]
    try:
        yield trust
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def short_lived(one: TestJurisdiction) -> x509.Certificate:
    return certifying.renew(one.settings, "node", THE_DAY, NODE_DAYS, os.urandom)


async def looked(seconds: float = 0.2) -> None:
    """Time for several looks: what must not happen has no event to wait for."""
    await asyncio.sleep(seconds)


def events(logs: Sequence[Mapping[str, object]], name: str) -> int:
    return sum(line["event"] == name for line in logs)


async def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left(guizhou: TestJurisdiction) -> None:
    clock, leaf = SettableClock(THE_DAY), short_lived(guizhou)
    async with watching(guizhou, clock) as trust:
        clock.set(leaf.not_valid_after_utc - 10 * DAY - timedelta(minutes=1))
        await looked()
        assert trust.present.pair.leaf == leaf
        clock.set(leaf.not_valid_after_utc - 10 * DAY)
        await nodes.until(lambda: trust.present.pair.leaf != leaf)
        fresh = trust.present.pair.leaf
        assert fresh.not_valid_after_utc - fresh.not_valid_before_utc == NODE_DAYS * DAY
        assert trust.tls_material().certificate_chain == trust.present.pair.certificate
        assert trust.tls_material().version == trust.version() == 2
        await looked()
        assert trust.present.pair.leaf == fresh


async def test_where_the_ca_is_elsewhere_the_node_warns_once_a_day(guizhou: TestJurisdiction, tmp_path: Path) -> None:
    clock, leaf = SettableClock(THE_DAY), short_lived(guizhou)
    own_authority(guizhou.settings).key.rename(tmp_path / "medium.key")  # type: ignore[union-attr]
    with capture_logs() as logs:
        async with watching(guizhou, clock) as trust:
            await looked()
            assert logs == []
            clock.set(leaf.not_valid_after_utc - 9 * DAY)
            await nodes.until(lambda: events(logs, "certificate_due") == 1)
            await looked()
            assert events(logs, "certificate_due") == 1
            clock.advance(DAY)
            await nodes.until(lambda: events(logs, "certificate_due") == 2)
            # The operator renews it where the CA is, and hands over both files.
            with_medium = guizhou.settings.keys.model_copy(update={"ca": tmp_path / "medium.key"})
            settings = guizhou.settings.model_copy(update={"keys": with_medium})
            certifying.renew(settings, "node", clock.now(), None, os.urandom)
            await nodes.until(lambda: trust.present.pair.leaf != leaf)


async def test_a_ca_that_ends_and_a_list_out_of_date_are_told(guizhou: TestJurisdiction) -> None:
    certifying.revoke(guizhou.settings, "ab12", "unspecified", THE_DAY, unrecorded=True)
    clock = SettableClock(THE_DAY)
    with capture_logs() as logs:
        async with watching(guizhou, clock) as trust:
            (held,) = bundle_lists(trust.present.state.own.bundle)
            await looked()
            assert logs == []
            clock.set(held.next_update + timedelta(seconds=1))
            await nodes.until(lambda: events(logs, "revocation_list_ended") == 1)
            clock.set(THE_DAY + CA_YEARS * 365 * DAY - 300 * DAY)
            await nodes.until(lambda: events(logs, "ca_ends_soon") == 1)


async def test_trouble_is_told_and_tried_again(guizhou: TestJurisdiction) -> None:
    clock, leaf = SettableClock(THE_DAY), short_lived(guizhou)
    key = own_authority(guizhou.settings).key
    assert key is not None
    whole = key.read_bytes()
    key.write_bytes(b"damaged")
    with capture_logs() as logs:
        async with watching(guizhou, clock) as trust:
            clock.set(leaf.not_valid_after_utc - DAY)
            await nodes.until(lambda: events(logs, "certificate_not_renewed") == 1)
            key.write_bytes(whole)
            await nodes.until(lambda: trust.present.pair.leaf != leaf)
            assert events(logs, "certificate_not_renewed") == 1


async def test_a_pair_that_nobody_would_accept_is_not_taken_up(guizhou: TestJurisdiction) -> None:
    files, gateway = guizhou.layout.pair("node"), guizhou.layout.pair("gateway")
    async with watching(guizhou, SettableClock(THE_DAY)) as trust:
        with capture_logs() as logs:
            files.certificate.write_bytes(gateway.certificate.read_bytes())
            await nodes.until(lambda: events(logs, "certificate_not_reloaded") > 0)
            files.key.write_bytes(gateway.key.read_bytes())
            await looked()
        assert trust.version() == 1
        assert {line["reason"] for line in logs} == {"KEY_NOT_LOADED", "NOT_A_NODE"}
        nodes.recognise(guizhou, "520000", THE_DAY)  # and keeps no other change away
        await nodes.until(lambda: trust.version() == 2)


async def test_a_running_node_serves_and_calls_with_the_renewed_pair_without_a_dropped_call(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    """An old connection goes on, a new one meets the new certificate, the follower connects with it by itself."""
    nodes.introduce([guizhou, shanxi])
    async with nodes.running([guizhou, shanxi]):
        await nodes.caught_up(guizhou, shanxi, 0)
        old = guizhou.admin()
        await old.ListPeers(admin_service_pb2.ListPeersRequest())
        port = guizhou.settings.rpc.listen.port
        before = await presented(guizhou, port)
        certifying.renew(guizhou.settings, "node", THE_DAY, 20 * 365, os.urandom)

        async def serves_the_new_one() -> bool:
            return await presented(guizhou, port) == guizhou.layout.pair("node").read().leaf

        await nodes.eventually(serves_the_new_one)
        assert await presented(guizhou, port) != before
        for stub in (old, guizhou.admin()):
            await stub.ListPeers(admin_service_pb2.ListPeersRequest())

        async def follows() -> bool:
            answer = await old.ListPeers(admin_service_pb2.ListPeersRequest())
            return [peer.state for peer in answer.peers] == ["connected"]

        await nodes.eventually(follows)


async def presented(one: TestJurisdiction, port: int) -> x509.Certificate:
    """The certificate that a server shows in a handshake."""

    context = ssl.create_default_context(cafile=str(one.layout.certificate("ca")))
    pair = one.layout.pair("operator")
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=f"node.{one.division}.huxin"
    )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    return x509.load_der_x509_certificate(der)
