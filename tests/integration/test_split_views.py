"""An issuer that tells different stories to different peers, and what the peers do who compare (R184).

Real nodes: Shanxi issues, Guizhou and Lanzhou follow it and each other. Shanxi's second history is made as a dishonest
or unlucky operator makes it: its node goes on from an older copy of its database.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from math import ceil
from pathlib import Path

import grpc
import pytest
from huxin.v1 import admin_service_pb2, verdict_pb2

from node.app import trusting
from node.model.log import LogHead
from tests.integration.provinces import (
    ACCEPT,
    LOG_VIEW_SECONDS,
    OF_SHANXI,
    REFER,
    Provinces,
    asking,
    provinces,
    verify,
)
from tests.support import nodes
from tests.support.http import get
from tests.support.nodes import TestJurisdiction
from trust.log.forks import ForkProof, open_fork

SHANXI, GUIZHOU, LANZHOU = "140000", "520000", "620100"
ORIGIN = f"huxin/{SHANXI}"
SETTINGS = {"HUXIN_FEDERATION__GOSSIP_SECONDS": "0.2", "HUXIN_FEDERATION__COSIGN_SECONDS": "1"}
SECONDS = 30.0
"""How long to wait for what takes a second on a machine that is not busy."""


@asynccontextmanager
async def three(home: Path) -> AsyncIterator[Provinces]:
    async with provinces(home, SHANXI, GUIZHOU, LANZHOU, extra=SETTINGS) as running:
        yield running


async def peer(one: TestJurisdiction, division: str = SHANXI) -> admin_service_pb2.Peer:
    answer = await one.admin().ListPeers(admin_service_pb2.ListPeersRequest())
    found: admin_service_pb2.Peer = next(each for each in answer.peers if each.division == division)
    return found


async def splits(one: TestJurisdiction) -> list[admin_service_pb2.SplitView]:
    answer = await one.admin().ListSplitViews(admin_service_pb2.ListSplitViewsRequest())
    return list(answer.splits)


def witnessed(one: TestJurisdiction, by: str, size: int) -> Callable[[], Awaitable[bool]]:
    """Whether `one` knows that the node of `by` cosigned so much of Shanxi's log."""

    async def reached() -> bool:
        assert one.node is not None
        return one.node.standings.witnessing(ORIGIN).sizes.get(f"huxin/{by}/node", 0) >= size

    return reached


async def agreeing(world: Provinces, size: int) -> None:
    """Both followers hold so much of the log and know it of each other."""
    guizhou, lanzhou = world.guizhou, world.all[LANZHOU]
    await nodes.caught_up(guizhou, world.shanxi, size)
    await nodes.caught_up(lanzhou, world.shanxi, size)
    await nodes.eventually(witnessed(guizhou, LANZHOU, size), SECONDS)
    await nodes.eventually(witnessed(lanzhou, GUIZHOU, size), SECONDS)


async def verdict_of(one: TestJurisdiction, world: Provinces, bundle: bytes) -> verdict_pb2.Verdict:
    requirement = OF_SHANXI if one.division == GUIZHOU else asking(one.division, "MK01")
    return await verify(one, bundle, world.shanxi.subject, requirement)


def database(one: TestJurisdiction) -> Path:
    return one.layout.home / "huxin.db"


def copied(one: TestJurisdiction, to: Path) -> Path:
    """A whole copy of the database, with what still stands in its write-ahead log."""
    with closing(sqlite3.connect(database(one))) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def put_back(one: TestJurisdiction, copy: Path) -> None:
    """An older copy of the database takes the place of the present one. The node stands still."""
    for file in database(one).parent.glob("huxin.db*"):
        file.unlink()
    shutil.copy(copy, database(one))


async def forked(world: Provinces, home: Path) -> tuple[bytes, bytes, bytes]:
    """Three reports: one that both followers hold, one that Guizhou alone was shown, one that Lanzhou alone was shown.

    Afterwards all but Guizhou run.
    """
    shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
    _, common = await world.report(shanxi)
    await agreeing(world, 1)
    await lanzhou.stop()
    await shanxi.stop()
    copy = copied(shanxi, home / "copy.db")
    await shanxi.start(world.clock)
    _, one = await world.report(shanxi)
    await nodes.caught_up(guizhou, shanxi, 2)
    await shanxi.stop()
    await guizhou.stop()
    put_back(shanxi, copy)
    await shanxi.start(world.clock)
    await lanzhou.start(world.clock)
    _, other = await world.report(shanxi)
    await nodes.caught_up(lanzhou, shanxi, 2)
    return common, one, other


def evidence(*of: TestJurisdiction) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return all([bool(await splits(one)) for one in of])

    return found


def halted(*of: TestJurisdiction) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return all([(await peer(one)).state == "halted" for one in of])

    return found


def require_proof(one: TestJurisdiction, split: admin_service_pb2.SplitView) -> tuple[int, int]:
    """The sizes of the two heads, verified by the log's key alone, as anybody could."""
    found = split.evidence
    known = trusting.trusted_state(one.settings).jurisdictions[SHANXI].trusted
    fork = open_fork(
        ForkProof(found.first, found.second, found.root, tuple(found.consistency)),
        known.head_key,
        ORIGIN,
        known.cosigners,
    )
    return fork.first.size, fork.second.size


async def test_a_forked_history_is_caught_by_comparison(tmp_path: Path) -> None:
    async with three(tmp_path) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        common, one, other = await forked(world, tmp_path)
        await shanxi.stop()
        assert (await verdict_of(lanzhou, world, other)).decision == ACCEPT, "alone, nobody can notice"
        await guizhou.start(world.clock)
        await nodes.eventually(evidence(guizhou, lanzhou), SECONDS)
        await nodes.eventually(halted(guizhou, lanzhou), SECONDS)

        for witness, shown_by in ((guizhou, LANZHOU), (lanzhou, GUIZHOU)):
            (split,) = await splits(witness)
            assert (split.origin, split.shown_by, split.agreed_size) == (ORIGIN, shown_by, 1)
            assert require_proof(witness, split) == (2, 2)
            told = await peer(witness)
            assert "two histories" in told.last_error
            assert (told.split_at, told.replicated) == (1, 2)
        for witness, shown in ((guizhou, one), (lanzhou, other)):
            assert (await verdict_of(witness, world, common)).decision == ACCEPT, "before they part both say the same"
            verdict = await verdict_of(witness, world, shown)
            assert (verdict.decision, verdict.steps[5].reason) == (REFER, "LOG_SPLIT")
            assert verdict.authenticity == verdict_pb2.AUTHENTICITY_UNDECIDED


async def test_a_halted_log_stays_halted_and_its_evidence_stays(tmp_path: Path) -> None:
    async with three(tmp_path) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        common, one, _ = await forked(world, tmp_path)
        await shanxi.stop()
        await guizhou.start(world.clock)
        await nodes.eventually(evidence(guizhou, lanzhou), SECONDS)
        before = await splits(guizhou)
        await lanzhou.stop()
        await guizhou.stop()

        await guizhou.start(world.clock)
        assert await splits(guizhou) == before
        assert (await verdict_of(guizhou, world, one)).steps[5].reason == "LOG_SPLIT", "from its first moment on"
        assert (await verdict_of(guizhou, world, common)).decision == ACCEPT
        await shanxi.start(world.clock)
        await nodes.eventually(halted(guizhou), SECONDS)
        assert (await peer(guizhou)).replicated == 2, "the log's own node is there again, and is not followed"
        assert (await verdict_of(guizhou, world, common)).decision == ACCEPT, "Lanzhou holds it as well"
        page = (await get(_port(guizhou), "/metrics")).body.decode()
        assert re.search(r'huxin_log_split_views{issuer="140000"} [12]\.0', page)
        assert 'huxin_log_split_views{issuer="620100"} 0.0' in page

        folder = tmp_path / "evidence"
        listed = await huxin(guizhou, "evidence", "--export", folder)
        assert ORIGIN in listed
        assert LANZHOU in listed
        name = f"huxin-{SHANXI}-{LANZHOU}"
        assert (folder / f"{name}.first.note").read_text(encoding="utf-8") == before[0].evidence.first
        assert (folder / f"{name}.second.note").read_text(encoding="utf-8") == before[0].evidence.second
        found = json.loads(await huxin(guizhou, "evidence", "--json"))
        assert {split["agreed_size"] for split in found} == {"1"}


async def test_our_own_log_in_two_histories_makes_us_unready(tmp_path: Path) -> None:
    async with three(tmp_path) as world:
        shanxi, guizhou = world.shanxi, world.guizhou
        await forked(world, tmp_path)
        number = await nodes.create_report(shanxi)
        assert "own_history" not in await failing(shanxi)
        await guizhou.start(world.clock)
        await nodes.eventually(evidence(shanxi), SECONDS)
        assert "own_history" in await failing(shanxi)
        await require_nothing_issued(shanxi)
        await shanxi.stop()
        await shanxi.start(world.clock)
        assert "own_history" in await failing(shanxi), "a restart mends nothing"
        await require_nothing_issued(shanxi)
        before = own_head(shanxi).size
        changed = await revoke(shanxi, number)
        assert own_head(shanxi).size == before + 1, "a warning is never held up"
        assert changed.awaits_recovery, "and whoever gives it is told that no peer sees it"


async def require_nothing_issued(one: TestJurisdiction) -> None:
    """Its node refuses to issue, says what to do, and adds nothing to its log."""
    before = own_head(one)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await nodes.create_report(one)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert nodes.reason_of(caught.value) == "OWN_LOG_SPLIT"
    assert "huxin log found" in str(caught.value.details())
    assert (own_head(one).size, own_head(one).root) == (before.size, before.root)


def own_head(one: TestJurisdiction) -> LogHead:
    """The newest head of its own log."""
    assert one.node is not None
    head = one.node.board.newest(ORIGIN)
    assert head is not None
    return head


async def revoke(one: TestJurisdiction, number: str) -> admin_service_pb2.ChangeStatusResponse:
    """By its operator."""
    answer: admin_service_pb2.ChangeStatusResponse = await one.admin().ChangeStatus(
        admin_service_pb2.ChangeStatusRequest(
            request_id=str(uuid.uuid4()),
            report_number=number,
            flag="STATUS_FLAG_REVOKED",
            set=True,
            reason_code="synthetic_reason",
        )
    )
    return answer


async def test_a_log_restored_from_an_older_copy_is_told_by_its_peers(tmp_path: Path) -> None:
    async with three(tmp_path) as world:
        shanxi, guizhou = world.shanxi, world.guizhou
        await world.report(shanxi)
        await shanxi.stop()
        copy = copied(shanxi, tmp_path / "copy.db")
        await shanxi.start(world.clock)
        await world.report(shanxi)
        await nodes.caught_up(guizhou, shanxi, 2)
        assert "own_history" not in await failing(shanxi)
        await shanxi.stop()
        put_back(shanxi, copy)
        await shanxi.start(world.clock)
        await nodes.eventually(evidence(shanxi), SECONDS)
        (split, *_) = await splits(shanxi)
        assert (split.origin, split.evidence.root) == (ORIGIN, b"")
        assert "own_history" in await failing(shanxi)
        await require_nothing_issued(shanxi)


async def test_an_entry_withheld_from_one_ends_in_refer(tmp_path: Path) -> None:
    """Shanxi's node shows Lanzhou the older head, freshly cosigned, for as long as it likes."""
    async with three(tmp_path) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        _, common = await world.report(shanxi)
        await agreeing(world, 1)
        await lanzhou.stop()
        await shanxi.stop()
        copy = copied(shanxi, tmp_path / "copy.db")
        await shanxi.start(world.clock)
        await world.report(shanxi)
        await nodes.caught_up(guizhou, shanxi, 2)
        await shanxi.stop()
        put_back(shanxi, copy)
        await shanxi.start(world.clock)
        await lanzhou.start(world.clock)
        await nodes.eventually(withheld(lanzhou, 1), SECONDS)
        assert (await verdict_of(lanzhou, world, common)).decision == ACCEPT

        world.clock.advance(timedelta(seconds=2 * LOG_VIEW_SECONDS))
        await nodes.until(lambda: _cosigned_lately(lanzhou, world), SECONDS)
        verdict = await verdict_of(lanzhou, world, common)
        assert (verdict.decision, verdict.steps[8].reason) == (REFER, "LOG_VIEW_STALE")
        assert verdict.log_view.age_seconds >= 2 * LOG_VIEW_SECONDS
        told = await peer(lanzhou)
        assert (told.state, told.replicated, told.known_size) == ("connected", 1, 2)
        assert "does not show us" in told.last_error


async def test_a_quorum_of_witnesses_unmet_and_met(tmp_path: Path) -> None:
    async with three(tmp_path) as world:
        shanxi, guizhou, lanzhou = world.shanxi, world.guizhou, world.all[LANZHOU]
        await lanzhou.stop()
        world.clock.advance(timedelta(minutes=1))
        choices = trusting.RecognitionChoices(witness_quorum=1)
        trusting.recognise(guizhou.settings, SHANXI, choices, world.clock.now())
        await guizhou.stop()
        await guizhou.start(world.clock)
        _, first = await world.report(shanxi)
        await nodes.caught_up(guizhou, shanxi, 1)
        verdict = await verdict_of(guizhou, world, first)
        assert (verdict.decision, verdict.steps[6].reason) == (REFER, "WITNESS_QUORUM_UNMET")
        assert (verdict.witnesses, verdict.witness_quorum) == (0, 1)
        assert verdict.retry_seconds == ceil(guizhou.settings.federation.gossip_seconds)
        path = tmp_path / "report.huxin"
        path.write_bytes(first)
        shown = await huxin(guizhou, "verify", path, "--subject", shanxi.subject, code=10)
        assert f"ask again in about {verdict.retry_seconds} second" in shown

        await lanzhou.start(world.clock)
        await nodes.eventually(witnessed(guizhou, LANZHOU, 1), SECONDS)
        verdict = await verdict_of(guizhou, world, first)
        assert (verdict.decision, verdict.witnesses, verdict.witness_quorum) == (ACCEPT, 1, 1)
        assert verdict.retry_seconds == 0
        assert (await peer(guizhou)).witnesses == ["huxin/620100/node"]

        await lanzhou.stop()
        _, second = await world.report(shanxi)
        await nodes.caught_up(guizhou, shanxi, 2)
        assert (await verdict_of(guizhou, world, second)).steps[6].reason == "WITNESS_QUORUM_UNMET"
        assert (await verdict_of(guizhou, world, first)).decision == ACCEPT, "what was witnessed stays so"

        shown = await huxin(guizhou, "verify", path, "--subject", shanxi.subject, code=10)
        assert "others that cosigned the log with it: 1; we demand 1: met" in shown


def withheld(one: TestJurisdiction, entries: int) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        told = await peer(one)
        return told.withheld == entries and told.state == "connected"

    return found


def _cosigned_lately(one: TestJurisdiction, world: Provinces) -> bool:
    """Whether the issuer has cosigned the head that it shows us within the last minute, as our follower has it."""
    assert one.node is not None
    head = one.node.board.newest(ORIGIN)
    assert head is not None
    assert head.fresh_at is not None
    return world.clock.now() - head.fresh_at < timedelta(minutes=1)


async def huxin(one: TestJurisdiction, command: str, *arguments: str | Path, code: int = 0) -> str:
    """What a command prints that asks this running node. Wide, so that no word is wrapped."""
    address = f"127.0.0.1:{one.settings.rpc.listen.port}"
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "node", "--home", one.layout.home, command, "--node", address, *arguments),
        env={**os.environ, "COLUMNS": "400"},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await run.communicate()
    assert run.returncode == code, printed.decode()
    return printed.decode()


async def failing(one: TestJurisdiction) -> set[str]:
    """Readiness checks that do not hold."""
    page = (await get(_port(one), "/metrics")).body.decode()
    lines = [line for line in page.splitlines() if line.startswith('huxin_ready{check="') and line.endswith(" 0.0")]
    return {line.partition('"')[2].partition('"')[0] for line in lines}


def _port(one: TestJurisdiction) -> int:
    assert one.node is not None
    return one.node.operations_port
