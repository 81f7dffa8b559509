"""A node whose keys live in a token: it issues from there, says what is wrong with the token, and heals by itself."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

from node.app import founding, observing, running
from node.app.jurisdictions import load_jurisdictions
from node.app.storing import prepare_database
from node.config.settings import Settings
from tests.integration import provinces
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.http import get
from tests.support.nodes import THE_DAY, TestJurisdiction, eventually
from tests.support.softhsm import PIN, SoftToken, token
from trust.algorithms import Suite

__all__ = ["token"]

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(observing, "HEALTH_SECONDS", 0.05)


async def shanxi_of(home: Path, token: SoftToken, suite: Suite = Suite.ED25519) -> TestJurisdiction:
    """Founded with all its keys in the token, and filled as the provinces of other tests."""
    port = nodes.free_port()
    said = founding.Founding(
        "140000", "山西省", "Shanxi", (f"127.0.0.1:{port}",), (), suite, 3650, 3650, token=token.uri()
    )
    layout = founding.Layout(home / "140000")
    founding.found(layout, said, THE_DAY, os.urandom, None)
    places = "".join(f"{name} = {json.dumps(place)}\n" for name, place in said.key_places().items())
    layout.settings.write_text(f'division = "140000"\n[keys]\n{places}', encoding="utf-8")
    environment = {
        "HUXIN_RPC__LISTEN": f"127.0.0.1:{port}",
        "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0",
        "HUXIN_RPC__GRACE_SECONDS": "0.2",
    }
    one = TestJurisdiction("140000", layout, Settings.load(layout.settings, environment))
    nodes.recognise(one, "140000")
    await prepare_database(one.settings)
    await nodes.register(one)
    await nodes.deliver(one, load_jurisdictions(one.settings).edition_at(THE_DAY).catalogue, provinces.DELIVERED)
    return one


@asynccontextmanager
async def serving(one: TestJurisdiction) -> AsyncIterator[None]:
    try:
        await one.start(SettableClock(THE_DAY))
        yield
    finally:
        await one.stop()


async def keys_check(one: TestJurisdiction) -> tuple[bool, str]:
    """What /readyz says of the keys."""
    assert one.node is not None
    answer = await get(one.node.operations_port, "/readyz")
    (check,) = (check for check in json.loads(answer.body)["checks"] if check["name"] == "keys")
    return check["ok"], check["sentence"]


async def health(one: TestJurisdiction) -> int:
    check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = one.channel().unary_unary("/grpc.health.v1.Health/Check")
    status: int = health_pb2.HealthCheckResponse.FromString(await check(b"")).status
    return status


async def refused_with(one: TestJurisdiction) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await nodes.create_report(one)
    assert PIN not in str(caught.value.details())
    return caught.value.code(), nodes.reason_of(caught.value)


UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "KEY_NOT_LOADED")


async def decided(one: TestJurisdiction, bundle: bytes) -> int:
    verdict = await provinces.verify(one, bundle, one.subject, provinces.asking("140000", "MK01"))
    return verdict.decision


async def ready_with(one: TestJurisdiction, *words: str) -> None:
    """Waits until the check names all these words; without words, until it holds."""

    async def holds() -> bool:
        ok, sentence = await keys_check(one)
        return (not ok and all(word in sentence for word in words)) if words else ok

    await eventually(holds)


@pytest.mark.parametrize("suite", [Suite.ED25519, Suite.ECDSA_P256_SHA256])
async def test_reports_signed_in_a_token_are_accepted(tmp_path: Path, token: SoftToken, suite: Suite) -> None:
    shanxi = await shanxi_of(tmp_path, token, suite)
    assert not {"signing.key", "log.key", "cosigner.key"} & {
        path.name for path in (shanxi.layout.home / "keys").iterdir()
    }
    async with serving(shanxi):
        number = await nodes.create_report(shanxi)
        assert await decided(shanxi, await nodes.download(shanxi, number)) == provinces.ACCEPT
        await ready_with(shanxi)
        assert await health(shanxi) == SERVING


async def test_a_token_that_goes_while_the_node_runs_is_named_and_healed(tmp_path: Path, token: SoftToken) -> None:
    shanxi = await shanxi_of(tmp_path, token)
    async with serving(shanxi):
        bundle = await nodes.download(shanxi, await nodes.create_report(shanxi))
        token.unplug()
        assert await refused_with(shanxi) == UNAVAILABLE
        await ready_with(shanxi, "signing", "log", "cosigner", "gone")
        assert await eventually_health(shanxi, NOT_SERVING)
        assert await decided(shanxi, bundle) == provinces.ACCEPT  # verification goes on
        token.plug_in()
        await ready_with(shanxi)
        assert await eventually_health(shanxi, SERVING)
        assert (
            await decided(shanxi, await nodes.download(shanxi, await nodes.create_report(shanxi))) == provinces.ACCEPT
        )


async def eventually_health(one: TestJurisdiction, status: int) -> bool:
    async def holds() -> bool:
        return await health(one) == status

    await eventually(holds)
    return True


@pytest.mark.parametrize("wrong", ["0000", None])
async def test_a_locked_token_starts_an_unready_node(tmp_path: Path, token: SoftToken, wrong: str | None) -> None:
    shanxi = await shanxi_of(tmp_path, token)
    async with serving(shanxi):
        bundle = await nodes.download(shanxi, await nodes.create_report(shanxi))
    token.end_logins()
    if wrong is None:
        token.pin_file.unlink()
    else:
        token.write_pin(wrong)
    async with serving(shanxi):
        await ready_with(shanxi, "signing", "locked", "PIN")
        assert await eventually_health(shanxi, NOT_SERVING)
        assert await refused_with(shanxi) == UNAVAILABLE
        assert await decided(shanxi, bundle) == provinces.ACCEPT
        token.pin_file.touch(0o600)
        token.write_pin(PIN)
        await ready_with(shanxi)
        await nodes.create_report(shanxi)


async def test_an_absent_token_starts_an_unready_node(tmp_path: Path, token: SoftToken) -> None:
    shanxi = await shanxi_of(tmp_path, token)
    token.unplug()
    token.end_logins()
    async with serving(shanxi):
        await ready_with(shanxi, "signing", "absent")
        assert await refused_with(shanxi) == UNAVAILABLE
        token.plug_in()
        await ready_with(shanxi)
        await nodes.create_report(shanxi)
