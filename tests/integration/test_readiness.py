"""Ready means able to be trusted: through /readyz, gRPC health and metrics of real nodes, and back again by itself."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2
from prometheus_client.parser import text_string_to_metric_families

from node.app import observing, trust_keeper, trusting
from node.app.storing import prepare_database
from node.rpc.permissions import PERMISSIONS
from tests.integration.provinces import ACCEPT, OF_SHANXI, REFER, TRUST_STATE_SECONDS, provinces, verify
from tests.support import nodes
from tests.support.clock import RunningClock
from tests.support.http import get
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite
from trust.keys import generate
from trust.vocabulary import JurisdictionBundle

SERVICES = ("", *sorted({method.split("/")[1] for method in PERMISSIONS if method.startswith("/huxin.")}))
SKEW = timedelta(minutes=10)
PATIENCE = 30.0
"""Seconds until a condition must hold: heads come each second, on a machine that may be busy."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "HEALTH_SECONDS", 0.05)
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)


async def failing(one: TestJurisdiction) -> dict[str, str]:
    """What /readyz says is wrong, by check."""
    assert one.node is not None
    answer = await get(one.node.operations_port, "/readyz")
    body = json.loads(answer.body)
    found = {check["name"]: check["sentence"] for check in body["checks"] if not check["ok"]}
    assert (answer.status, body["ready"], set(body["failing"])) == (503 if found else 200, not found, set(found))
    return found


async def samples(one: TestJurisdiction, name: str) -> dict[tuple[str, ...], float]:
    """A metric's samples by the values of their labels."""
    assert one.node is not None
    text = (await get(one.node.operations_port, "/metrics")).body.decode()
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def healths(one: TestJurisdiction) -> set[int]:
    """What gRPC health says for the server and each service."""
    check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = one.channel().unary_unary("/grpc.health.v1.Health/Check")
    requests = [health_pb2.HealthCheckRequest(service=name).SerializeToString() for name in SERVICES]
    return {health_pb2.HealthCheckResponse.FromString(await check(request)).status for request in requests}


async def told_everywhere(one: TestJurisdiction, *names: str) -> dict[str, str]:
    """Waits until exactly these checks fail, at all three doors; the sentences."""

    async def told() -> bool:
        return set(await failing(one)) == set(names)

    await nodes.eventually(told, PATIENCE)
    expected = health_pb2.HealthCheckResponse.NOT_SERVING if names else health_pb2.HealthCheckResponse.SERVING

    async def health_follows() -> bool:
        return await healths(one) == {expected}

    await nodes.eventually(health_follows, PATIENCE)
    metric = await samples(one, "huxin_ready")
    assert {name for (name,), ok in metric.items() if not ok} == set(names)
    return await failing(one)


async def alone(home: Path, exits: AsyncExitStack) -> tuple[TestJurisdiction, RunningClock]:
    """One running jurisdiction that knows nobody else and cosigns each second."""
    one = nodes.found(home, "520000", extra={"HUXIN_FEDERATION__COSIGN_SECONDS": "1"})
    clock = RunningClock(THE_DAY + timedelta(hours=1))
    await exits.enter_async_context(nodes.running([one], clock))
    await told_everywhere(one)
    return one, clock


# The clock


async def test_a_clock_that_is_wrong_is_found_in_both_directions_and_one_wrong_peer_harms_nobody(
    tmp_path: Path,
) -> None:
    divisions = ("520000", "140000", "620100", "210000")
    everyone = {
        division: nodes.found(tmp_path, division, extra={"HUXIN_FEDERATION__COSIGN_SECONDS": "1"})
        for division in divisions
    }
    clocks = {division: RunningClock(THE_DAY + timedelta(hours=1)) for division in divisions}
    nodes.introduce(everyone.values())
    guizhou, clock = everyone["520000"], clocks["520000"]
    others = [one for division, one in everyone.items() if division != "520000"]
    async with AsyncExitStack() as exits:
        for division, one in everyone.items():
            await prepare_database(one.settings)
            exits.push_async_callback(one.stop)
            await one.start(clocks[division])

        async def heard(one: TestJurisdiction) -> bool:
            found = await samples(one, "huxin_clock_offset_seconds")
            return len(found) == 3 and all(abs(offset) < 5 for offset in found.values())

        for one in everyone.values():
            await nodes.eventually(lambda one=one: heard(one), PATIENCE)  # type: ignore[misc]
            await told_everywhere(one)

        clock.error = -SKEW
        said = await told_everywhere(guizhou, "clock")
        assert "seconds behind that of most of the 3 peers" in said["clock"]
        step = await samples(guizhou, "huxin_clock_step_seconds")
        assert step[()] == pytest.approx(-SKEW.total_seconds(), abs=1)
        # Now every head of the others comes from the future and is refused: that is evidence as well.
        await nodes.eventually(lambda: refused(guizhou, 3), PATIENCE)
        assert set(await failing(guizhou)) == {"clock"}
        await ready_all(others)
        clock.error = timedelta(0)
        await told_everywhere(guizhou)

        clock.error = SKEW
        said = await told_everywhere(guizhou, "clock")
        assert "seconds ahead of that of most of the 3 peers" in said["clock"]
        await nodes.eventually(lambda: off_by(others[0], "520000", -SKEW.total_seconds()), PATIENCE)
        await ready_all(others)
        clock.error = timedelta(0)

        async def own_heads_say_so() -> bool:
            return "if it is right now and was ahead before, this passes at" in (await failing(guizhou)).get(
                "clock", ""
            )

        await nodes.eventually(own_heads_say_so, PATIENCE)


async def refused(one: TestJurisdiction, peers: int) -> bool:
    return list((await samples(one, "huxin_peer_connected")).values()) == [0.0] * peers


async def off_by(one: TestJurisdiction, peer: str, seconds: float) -> bool:
    found = (await samples(one, "huxin_clock_offset_seconds")).get((peer,))
    return found is not None and abs(found - seconds) < 5


async def ready_all(jurisdictions: Sequence[TestJurisdiction]) -> None:
    for one in jurisdictions:
        assert await failing(one) == {}


# What the own bundle publishes


def other_log_key(bundle: JurisdictionBundle) -> JurisdictionBundle:
    return replace(bundle, log=replace(bundle.log, head_spki=generate(Suite.ED25519).public.spki))


def other_cosigner(bundle: JurisdictionBundle) -> JurisdictionBundle:
    return replace(bundle, log=replace(bundle.log, cosigner_spki=generate(Suite.ED25519).public.spki))


@pytest.mark.parametrize(("amend", "named"), [(other_log_key, "log key"), (other_cosigner, "cosigner key")])
async def test_a_log_key_that_nobody_can_know_makes_the_node_unready_until_it_fits(
    tmp_path: Path, amend: Callable[[JurisdictionBundle], JurisdictionBundle], named: str
) -> None:
    async with AsyncExitStack() as exits:
        one, clock = await alone(tmp_path, exits)
        before = trusting.trusted_state(one.settings).own.bundle
        trusting.amend_own_bundle(one.settings, clock.now(), amend)
        said = await told_everywhere(one, "log_key")
        assert f"The {named} that this node signs heads with is not the one" in said["log_key"]
        trusting.amend_own_bundle(one.settings, clock.now(), lambda own: replace(own, log=before.log))
        await told_everywhere(one)


async def test_without_any_key_that_counts_there_is_no_trust_anchor(tmp_path: Path) -> None:
    async with AsyncExitStack() as exits:
        one, clock = await alone(tmp_path, exits)
        ending = clock.now() + timedelta(seconds=0.5)

        def retired(own: JurisdictionBundle) -> JurisdictionBundle:
            return replace(own, signing_keys=tuple(replace(info, retired_at=ending) for info in own.signing_keys))

        trusting.amend_own_bundle(one.settings, clock.now(), retired)
        said = await told_everywhere(one, "keys", "trust_anchors")
        assert "huxin trust import" in said["trust_anchors"]
        ends = await samples(one, "huxin_expiry_timestamp_seconds")
        (name,) = [name for kind, name in ends if kind == "signing_key"]
        assert trusting.trusted_state(one.settings).own.signers[0].startswith(name)
        assert ends["signing_key", name] == pytest.approx(ending.timestamp())


# The database


async def _sql(one: TestJurisdiction, statement: str) -> None:
    """In a thread: the node may hold the write lock, and needs this loop to let it go."""

    def run() -> None:
        with closing(sqlite3.connect(one.layout.home / "huxin.db", timeout=60)) as connection, connection:
            connection.execute(statement)

    await asyncio.to_thread(run)


@pytest.mark.parametrize(
    ("damage", "mend", "names"),
    [
        ("ALTER TABLE counters RENAME TO gone", "ALTER TABLE gone RENAME TO counters", {"database"}),
        ("ALTER TABLE log_heads RENAME TO gone", "ALTER TABLE gone RENAME TO log_heads", {"log_key"}),
        (
            "UPDATE alembic_version SET version_num = 'x' || version_num",
            "UPDATE alembic_version SET version_num = substr(version_num, 2)",
            {"schema"},
        ),
    ],
    ids=["no writes", "no cosigning", "another schema"],
)
async def test_a_database_that_fails_is_told_apart_by_what_fails(
    tmp_path: Path, damage: str, mend: str, names: set[str]
) -> None:
    async with AsyncExitStack() as exits:
        one, _ = await alone(tmp_path, exits)
        await _sql(one, damage)
        await told_everywhere(one, *names)
        await _sql(one, mend)
        await told_everywhere(one)


async def test_health_does_not_go_on_vouching_when_nobody_can_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as exits:
        one, _ = await alone(tmp_path, exits)

        def broken(_facts: object) -> None:
            raise RuntimeError

        async def health_is(status: int) -> bool:
            return await healths(one) == {status}

        with monkeypatch.context() as patched:
            patched.setattr(observing, "checks", broken)
            await nodes.eventually(lambda: health_is(health_pb2.HealthCheckResponse.NOT_SERVING))
        await nodes.eventually(lambda: health_is(health_pb2.HealthCheckResponse.SERVING))


# Trust that grows old


async def test_old_trust_serves_and_refers_and_shows_in_the_metrics(tmp_path: Path) -> None:
    """Expired trust does not make a node unready: it would take away what it still can say."""
    async with provinces(tmp_path) as pair:
        _, bundle = await pair.report(pair.shanxi)
        pair.clock.advance(timedelta(seconds=TRUST_STATE_SECONDS + 1))
        for one in (pair.shanxi, pair.guizhou):
            await one.stop()
            await one.start(pair.clock)
        await nodes.caught_up(pair.guizhou, pair.shanxi, 1)
        await told_everywhere(pair.guizhou)
        assert (await samples(pair.guizhou, "huxin_trust_state_age_seconds"))["140000",] == TRUST_STATE_SECONDS + 1

        async def referred_for_that_alone() -> bool:
            verdict = await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)
            assert verdict.decision == REFER
            return list(verdict.reasons) == ["TRUST_STATE_STALE"]

        await nodes.eventually(referred_for_that_alone)


async def test_what_was_verified_survives_a_restart_without_any_peer(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        _, bundle = await pair.report(pair.shanxi)
        await nodes.caught_up(pair.guizhou, pair.shanxi, 1)

        async def verdict() -> bytes:
            found = await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)
            assert found.decision == ACCEPT
            text: bytes = found.SerializeToString(deterministic=True)
            return text

        before = await verdict()
        await pair.shanxi.stop()
        await pair.guizhou.stop()
        await pair.guizhou.start(pair.clock)
        assert await verdict() == before
        await told_everywhere(pair.guizhou)


async def test_everything_that_ends_is_a_metric(tmp_path: Path) -> None:
    async with provinces(tmp_path) as pair:
        found = await samples(pair.guizhou, "huxin_expiry_timestamp_seconds")
        assert set(found) == {
            ("certificate", "node"),
            ("certificate", "ca/140000"),
            ("certificate", "ca/520000"),
            ("trust_certificate", "140000"),
            ("trust_certificate", "520000"),
        }
        year = (THE_DAY + timedelta(days=360)).timestamp()
        assert found["trust_certificate", "140000"] == year
        trusting.withdraw(pair.guizhou.settings, "140000", THE_DAY + timedelta(seconds=1))
        pair.clock.advance(timedelta(seconds=1))

        async def gone() -> bool:
            return ("trust_certificate", "140000") not in await samples(pair.guizhou, "huxin_expiry_timestamp_seconds")

        await nodes.eventually(gone)
