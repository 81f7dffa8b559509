"""`huxin doctor` looks at everything, one by one, and each finding says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from node.app import certifying, sealing_keys, trusting
from node.app.authority import CA_YEARS
from node.app.inspecting import inspect
from node.app.storing import open_database, prepare_database
from node.model.witnesses import SplitNotes, SplitView
from node.readiness import Check
from node.storage.witness_store import WitnessStore
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite
from trust.keys import generate, save

NAMES = ["catalogue", "keys", "certificate", "other certificates"]
NAMES += ["trust directory", "own bundle", "recognition", "database"]


async def unwell(one: TestJurisdiction, days: int = 0) -> dict[str, str]:
    """What is wrong, by check."""
    checks: list[Check] = await inspect(one.settings, THE_DAY + timedelta(days=days))
    assert [check.name for check in checks][: len(NAMES)] == NAMES
    assert all(check.sentence for check in checks)
    return {check.name: check.sentence for check in checks if not check.ok}


async def test_a_new_jurisdiction_is_well(guizhou: TestJurisdiction) -> None:
    assert await unwell(guizhou) == {}


def _replace_key(one: TestJurisdiction, name: str) -> None:
    one.layout.key(name).unlink()
    save(generate(Suite.ED25519), one.layout.key(name))


def _forget_sealing(one: TestJurisdiction) -> None:
    """The newest of two sealing keys is lost."""
    _, path, _ = sealing_keys.rotate_sealing(one.settings, THE_DAY)
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "found", "said"),
    [
        (lambda one: one.layout.key("signing").unlink(), {"keys", "own bundle"}, "signing key"),
        (lambda one: one.layout.key("log").chmod(0o644), {"keys", "own bundle"}, "log key"),
        (lambda one: _replace_key(one, "signing"), {"own bundle"}, "signing key is not one"),
        (lambda one: one.layout.certificate("node").write_text("x"), {"keys", "certificate"}, "damaged"),
        (lambda one: one.layout.certificate("ca").write_text("x"), {"certificate", "other certificates"}, "tls.ca"),
        (lambda one: one.layout.certificate("ca").unlink(), {"certificate", "other certificates"}, "cannot be reached"),
        (
            lambda one: one.layout.certificate("ca").write_bytes(one.layout.certificate("node").read_bytes()),
            {"certificate", "other certificates"},
            "",
        ),
        (
            lambda one: (one.layout.trust / "bundles" / "520000.json").unlink(),
            {"trust directory", "own bundle", "recognition"},
            "huxin init",
        ),
        (lambda one: (one.layout.trust / "bundles" / "140000.json").write_text("{}"), {"trust directory"}, "left out"),
        (lambda one: one.layout.key("sealing").unlink(), {"own bundle"}, "key rotate --sealing"),
        (lambda one: one.layout.key("sealing").chmod(0o644), {"own bundle"}, "sealing key is not loaded"),
        (_forget_sealing, {"own bundle"}, "not here"),
        (lambda one: (one.layout.home / "huxin.db").write_text("no database" * 100), {"database"}, "backup"),
    ],
)
async def test_what_is_damaged_is_found_and_the_rest_looked_at(
    guizhou: TestJurisdiction, damage: Callable[[TestJurisdiction], object], found: set[str], said: str
) -> None:
    damage(guizhou)
    sentences = await unwell(guizhou)
    assert set(sentences) == found
    assert any(said in sentence for sentence in sentences.values())


async def test_a_workload_that_is_no_node_cannot_serve(guizhou: TestJurisdiction) -> None:
    for kind in ("key", "certificate"):
        at = getattr(guizhou.layout, kind)
        at("node").write_bytes(at("gateway").read_bytes())
    assert "not a node's" in (await unwell(guizhou))["certificate"]


async def test_what_will_end_soon_is_told_in_time(guizhou: TestJurisdiction) -> None:
    days = 365 * CA_YEARS
    soon = await unwell(guizhou, days - 20)
    assert "huxin certificate renew node" in soon["certificate"]
    assert "CA certificate ends" in soon["other certificates"]
    assert "expired" in (await unwell(guizhou, days + 20))["certificate"]


async def test_revoked_certificates_and_a_list_out_of_date_are_told(guizhou: TestJurisdiction) -> None:
    gateway = str(guizhou.layout.certificate("gateway"))
    certifying.revoke(guizhou.settings, gateway, "unspecified", THE_DAY, unrecorded=False)
    told = await unwell(guizhou)
    assert set(told) == {"other certificates"}
    assert "gateway.crt: The certificate was revoked" in told["other certificates"]
    assert "sign-revocations" in (await unwell(guizhou, certifying.LIST_DAYS + 1))["own bundle"]


async def test_a_jurisdiction_without_a_catalogue_in_force(guizhou: TestJurisdiction) -> None:
    assert "add-a-jurisdiction" in (await unwell(guizhou, -10_000))["catalogue"]


async def test_a_recognition_that_has_ended_is_told(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    nodes.introduce([guizhou, shanxi])
    trusting.recognise(guizhou.settings, "140000", trusting.RecognitionChoices(months_valid=1), THE_DAY)
    assert "140000" in (await unwell(guizhou, 31))["recognition"]


async def test_peers_are_tried_at_every_endpoint(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    nodes.introduce([guizhou, shanxi])
    await prepare_database(guizhou.settings)
    assert set(await unwell(guizhou)) == {"peer 140000"}
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    advertised = f"127.0.0.1:{nodes.free_port()},127.0.0.1:{port}"
    renewed = shanxi.settings.model_copy(
        update={"rpc": shanxi.settings.rpc.model_copy(update={"advertised": tuple(advertised.split(","))})}
    )
    trusting.import_bundle(guizhou.settings, trusting.export_bundle(renewed, THE_DAY), None)
    async with server:
        checks = await inspect(guizhou.settings, THE_DAY)
    assert checks[-1] == Check("peer 140000", True, f"Something listens at 127.0.0.1:{port}.")


@pytest.mark.parametrize("endpoint", ["nowhere", "host:port", "127.0.0.1:99999999"])
async def test_an_endpoint_that_is_no_address_is_told(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction, endpoint: str
) -> None:
    nodes.introduce([guizhou, shanxi])
    renewed = shanxi.settings.model_copy(
        update={"rpc": shanxi.settings.rpc.model_copy(update={"advertised": (endpoint,)})}
    )
    trusting.import_bundle(guizhou.settings, trusting.export_bundle(renewed, THE_DAY), None)
    assert endpoint in (await unwell(guizhou))["peer 140000"]


# Logs


def split_view(origin: str, shown_by: str) -> SplitView:
    return SplitView(origin, shown_by, THE_DAY, 3, SplitNotes("one", "two", bytes(32), ()))


async def test_our_own_log_in_two_histories_is_told_whether_the_node_runs_or_not(guizhou: TestJurisdiction) -> None:
    await prepare_database(guizhou.settings)
    checks = {check.name: check for check in await inspect(guizhou.settings, THE_DAY)}
    assert "begins when" in checks["own log"].sentence
    async with open_database(guizhou.settings) as database:
        await WitnessStore(database).keep_split(split_view("huxin/520000", "140000"))
    told = await unwell(guizhou)
    assert set(told) == {"own log"}
    for said in ("huxin/520000", "shown by 140000", "huxin evidence", "huxin log close"):
        assert said in told["own log"]


async def test_a_peer_whose_log_is_halted_is_named(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    nodes.introduce([guizhou, shanxi])
    await prepare_database(guizhou.settings)
    async with open_database(guizhou.settings) as database:
        for by in ("620100", "210000"):
            await WitnessStore(database).keep_split(split_view("huxin/140000", by))
        await WitnessStore(database).keep_split(split_view("huxin/110000", "620100"))
    told = await unwell(guizhou)
    assert set(told) == {"peer logs", "peer 140000"}, "a log that nobody here follows is nobody's trouble"
    assert "140000 (the other one shown by 210000, 620100)" in told["peer logs"]
    assert "huxin evidence --export" in told["peer logs"]
