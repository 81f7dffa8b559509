"""From `huxin key compromised` on: no report is signed with the lost key, and none with a key that nobody counts yet.

Both would be rejected everywhere for good. Shanxi signs, Guizhou decides, both real and with one clock; all subjects
are synthetic.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import admin_service_pb2, report_service_pb2, statement_pb2

from node.app import key_life, running, trust_keeper
from node.app.registering import registry_record
from node.registry.release import Changes
from tests.integration import federated
from tests.integration.federated import ISSUER, MINUTE, RELYING, Template, World, first_key, learned
from tests.integration.provinces import ACCEPT, REJECT, ROWS, provinces
from tests.support import nodes
from trust.algorithms import Suite
from trust.bundle import read_bundle

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER = 3_600.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return await federated.prepare(tmp_path_factory.mktemp("federated") / "homes")


async def published(world: World) -> None:
    """What Shanxi says of itself is in the registry, and Guizhou and Shanxi hold that."""
    world.clock.advance(MINUTE)
    files = world.release(Changes(publications=(world.publication(world.shanxi),)))
    await world.give(files)
    await learned(world.shanxi, world.clock, files)


def signers_of(bundle: bytes) -> set[str]:
    return {signature.key_id for signature in read_bundle(bundle).envelope.signatures}


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
async def test_a_running_node_signs_nothing_with_a_key_that_was_declared_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    """However seldom it looks at its files by itself: here never. What it cannot read any more stops it, too."""
    for module in (trust_keeper, running):
        monkeypatch.setattr(module, "POLL_SECONDS", NEVER)
    async with provinces(tmp_path, "140000") as pair:
        lost = first_key(pair.shanxi)
        _, before = await pair.report(pair.shanxi, ROWS["140000"])
        assert signers_of(before) == {lost}
        pair.clock.advance(MINUTE)
        now = pair.clock.now()
        new = key_life.compromise(pair.shanxi.settings, lost, now - MINUTE, now).key_id
        if damaged:
            (pair.shanxi.layout.trust / "bundles" / "140000.json").write_text("{}", encoding="utf-8")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await nodes.create_report(pair.shanxi, codes=ROWS["140000"])
            assert nodes.reason_of(caught.value) == "NO_OWN_BUNDLE"
            return
        _, after = await pair.report(pair.shanxi, ROWS["140000"])
        assert signers_of(after) == {new}


async def _refused(world: World, request: report_service_pb2.CreateReportRequest) -> str:
    """Why Shanxi issues nothing now and when to ask again, "" when it does."""
    try:
        await world.shanxi.reports().CreateReport(request)
    except grpc.aio.AioRpcError as error:
        again = error.code() is grpc.StatusCode.UNAVAILABLE and "RetryInfo" in nodes.details_of(error)
        return f"{nodes.reason_of(error)}{'' if again else ', and nobody is told to ask again'}"
    return ""


def _request(world: World) -> report_service_pb2.CreateReportRequest:
    return report_service_pb2.CreateReportRequest(
        request_id=str(uuid.uuid4()),
        subject=nodes.claim(world.shanxi.subject),
        scenario="tender",
        local_codes=ROWS[ISSUER],
    )


async def test_no_report_is_signed_before_the_members_count_its_key(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The coordinator is away at first. Reports wait, a revocation does not; and what was answered stays answered."""
    for module in (trust_keeper, running):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    async with federated.world_of(template, tmp_path / "homes", (ISSUER, RELYING)) as world:
        shanxi, clock = world.shanxi, world.clock
        first = _request(world)
        report = (await shanxi.reports().CreateReport(first)).report
        bundle = await nodes.download(shanxi, report.report_number)
        clock.advance(MINUTE)
        lost = first_key(shanxi)
        change = key_life.compromise(shanxi.settings, lost, clock.now() - timedelta(seconds=1), clock.now())
        later = _request(world)
        assert await _refused(world, later) == "KEY_NOT_PUBLISHED"
        assert (await shanxi.reports().CreateReport(first)).report.report_number == report.report_number
        revocation = admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=report.report_number,
            flag=statement_pb2.STATUS_FLAG_REVOKED,
            set=True,
            reason_code="issued_in_error",
        )
        await shanxi.admin().ChangeStatus(revocation)

        async def revoked() -> bool:
            verdict = await world.ask(bundle)
            return (verdict.decision, list(verdict.reasons)) == (REJECT, ["REVOKED"])

        await nodes.eventually(revoked)
        await published(world)
        record = await registry_record(shanxi.settings)
        assert record is not None
        assert change.key_id in {fact.name for fact in record.facts if fact.known_until is None}

        async def issues() -> bool:
            return await _refused(world, later) == ""

        await nodes.eventually(issues)
        fresh = await nodes.download(shanxi, (await shanxi.reports().CreateReport(later)).report.report_number)
        assert signers_of(fresh) == {change.key_id}

        async def accepted() -> bool:
            return (await world.ask(fresh)).decision == ACCEPT

        await nodes.eventually(accepted)


async def test_a_rotation_without_notice_goes_on_with_the_key_that_members_count(
    template: Template, tmp_path: Path
) -> None:
    """It loses no call: the key before may sign until its end, and does while the new one is unknown to members."""
    async with federated.world_of(template, tmp_path / "homes", (ISSUER, RELYING)) as world:
        shanxi, old = world.shanxi, first_key(world.shanxi)
        made = key_life.rotate(shanxi.settings, None, timedelta(0), None, world.clock.now())
        number = await nodes.create_report(shanxi, codes=ROWS[ISSUER])
        bundle = await nodes.download(shanxi, number)
        assert signers_of(bundle) == {old}
        world.clock.advance(2 * MINUTE)  # now only the new one may
        assert made.retired[0].retired_at is not None
        assert world.clock.now() >= made.retired[0].retired_at
        assert await _refused(world, _request(world)) == "KEY_NOT_PUBLISHED"


async def test_a_suite_begins_when_members_count_its_key_and_is_never_left_out_again(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever demands the second suite would reject for good what the first one alone signed."""
    for module in (trust_keeper, running):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    async with federated.world_of(template, tmp_path / "homes", (ISSUER, RELYING)) as world:
        shanxi, first = world.shanxi, first_key(world.shanxi)
        second = key_life.add(shanxi.settings, Suite.ECDSA_P256_SHA256, timedelta(0), None, world.clock.now()).key_id

        async def signers() -> set[str]:
            number = await nodes.create_report(shanxi, codes=ROWS[ISSUER])
            return signers_of(await nodes.download(shanxi, number))

        assert await signers() == {first}
        await published(world)

        async def both() -> bool:
            return await signers() == {first, second}

        await nodes.eventually(both)
        now = world.clock.now()
        key_life.compromise(shanxi.settings, second, now, now)
        assert await _refused(world, _request(world)) == "KEY_NOT_PUBLISHED"
