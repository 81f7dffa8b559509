"""Recovery from a log with two histories: a successor that k of n sign off (R184), by real nodes and a real registry.

Shanxi's log is split as in `test_split_views`: Guizhou was shown one history, Lanzhou the other. Shanxi's own database
holds Lanzhou's. The registry's root keys are held by three, two of whom must sign.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from node.app import ceremonies, succeeding
from node.app.auditing import audit_logs
from node.app.inspecting import inspect
from node.app.log_changes import discarded_page
from node.app.registering import registry_record
from node.config import Address
from node.config.settings import Settings
from node.errors import BadSource, HuxinError, NotReady
from node.registry.refresh import RefreshFailed
from tests.integration.provinces import ACCEPT, REFER, REJECT
from tests.integration.recovering import (
    DISCARDED,
    ENTRIES,
    HEAD,
    NEXT,
    NOTE,
    download_again,
    federation,
    follows,
    forged,
    made_key,
    reason_at,
    recovered,
    rows,
    split,
    succession,
    unready,
    witnesses,
)
from tests.integration.test_split_views import (
    ORIGIN,
    SECONDS,
    SHANXI,
    agreeing,
    copied,
    evidence,
    failing,
    halted,
    peer,
    put_back,
    require_nothing_issued,
    revoke,
    splits,
    verdict_of,
)
from tests.support import nodes
from tests.support.federation import SIGNERS
from tests.support.http import get
from tests.support.nodes import TestJurisdiction
from tests.support.trust import key
from trust.log.succession import read_succession


async def test_both_sides_of_a_split_recover_by_a_successor(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        world, guizhou, lanzhou = all_.world, all_.guizhou, all_.lanzhou
        common, one, other = await split(all_, tmp_path)
        before = await splits(guizhou)
        world.clock.advance(timedelta(seconds=7))  # the note of the last head is later than anything followers hold
        await all_.signed_off(await all_.closed(1), *SIGNERS)
        made = await all_.founded()
        assert (made.origin, made.closed_size, made.size) == (NEXT, 1, 2)

        for follower in (guizhou, lanzhou):
            await nodes.until(follows(follower, 2), SECONDS)
            verdict = await verdict_of(follower, world, common)
            assert verdict.decision == ACCEPT, "from before"
            assert verdict.log_view.origin == NEXT, "its freshness comes from the successor"
            verdict = await verdict_of(follower, world, other)
            assert verdict.decision == ACCEPT, f"logged again: {verdict.reasons}"
            verdict = await verdict_of(follower, world, one)
            assert verdict.decision != ACCEPT, "in the history that was given up alone"
            await nodes.eventually(recovered(follower), SECONDS)
            assert rows(follower, HEAD) == [(1, 1)]
            assert rows(follower, ENTRIES) == [(0,)]
            assert rows(follower, DISCARDED) == [(1,)]
        kept = await splits(guizhou)
        evidence_kept = [each.evidence for each in kept]
        assert all(each.evidence in evidence_kept for each in before), "the evidence stays"
        assert {(each.successor.origin, each.successor.closed_size) for each in kept} == {(NEXT, 1)}
        assert guizhou.node is not None
        page = (await get(guizhou.node.operations_port, "/metrics")).body.decode()
        assert f'huxin_log_split_views{{issuer="{SHANXI}"}} 0.0' in page
        assert "own_history" not in await failing(all_.shanxi)

        number, fresh = await world.report(all_.shanxi)
        await nodes.until(follows(guizhou, 3), SECONDS)
        await nodes.until(follows(lanzhou, 3), SECONDS)
        for follower in (guizhou, lanzhou):
            assert (await verdict_of(follower, world, fresh)).decision == ACCEPT
        assert number[:6] == SHANXI
        for one_of in (guizhou, lanzhou, all_.shanxi):
            differing = [each async for each in audit_logs(one_of.settings, None, lambda _progress: None)]
            assert differing == [], "every log is what its entries make it"


async def test_what_was_said_since_of_old_reports_counts(tmp_path: Path) -> None:
    """A revocation in the successor; one in the history that was given up, which the issuer may have lost."""
    async with federation(tmp_path) as all_:
        world, shanxi, guizhou, lanzhou = all_.world, all_.shanxi, all_.guizhou, all_.lanzhou
        number, common = await world.report(shanxi)
        await agreeing(world, 1)
        await lanzhou.stop()
        await shanxi.stop()
        copy = copied(shanxi, tmp_path / "copy.db")
        await shanxi.start(world.clock)
        await revoke(shanxi, number)
        await nodes.caught_up(guizhou, shanxi, 2)
        assert (await verdict_of(guizhou, world, common)).decision == REJECT
        await shanxi.stop()
        await guizhou.stop()  # else it tells Shanxi at once, which then issues nothing more
        put_back(shanxi, copy)
        await shanxi.start(world.clock)
        await lanzhou.start(world.clock)
        other_number, other = await world.report(shanxi)
        await nodes.caught_up(lanzhou, shanxi, 2)
        await guizhou.start(world.clock)
        await nodes.eventually(halted(guizhou, lanzhou), SECONDS)
        await shanxi.stop()
        await all_.signed_off(await all_.closed(1), *SIGNERS)
        await all_.founded()
        await nodes.until(follows(guizhou, 2), SECONDS)
        await nodes.until(follows(lanzhou, 2), SECONDS)

        verdict = await verdict_of(guizhou, world, common)
        assert (verdict.decision, verdict.steps[9].reason) == (REFER, "STATUS_UNPROVEN"), "it was seen to be revoked"
        lost = await discarded_page(guizhou.settings, SHANXI, 0, 20)
        assert [(lost.origin, each.entry.index, each.stands_in) for each in lost.entries] == [(ORIGIN, 1, None)]
        told = lost.changes[1]
        assert (told.status.flag, told.status.is_set, told.report_number) == ("revoked", True, number)
        again = await discarded_page(lanzhou.settings, SHANXI, 0, 20)
        assert [(each.entry.report_number, each.stands_in) for each in again.entries] == [(other_number, (NEXT, 1))]
        assert (await verdict_of(lanzhou, world, common)).decision == ACCEPT, "nobody said so here"
        assert (await verdict_of(guizhou, world, other)).decision == ACCEPT

        await revoke(shanxi, number)
        await revoke(shanxi, other_number)
        for follower in (guizhou, lanzhou):
            await nodes.until(follows(follower, 4), SECONDS)
            for bundle in (common, other):
                verdict = await verdict_of(follower, world, bundle)
                assert (verdict.decision, verdict.steps[9].reason) == (REJECT, "REVOKED")
        await shanxi.stop()
        for follower in (guizhou, lanzhou):
            await follower.stop()
            await follower.start(world.clock)
            verdict = await verdict_of(follower, world, common)
            assert verdict.steps[9].reason == "REVOKED", "from its first moment on"


async def test_who_holds_the_other_history_follows_the_honest_one_up(tmp_path: Path) -> None:
    """The last honest head lies beyond the point of parting: what Guizhou holds there is given up for what counts."""
    async with federation(tmp_path) as all_:
        world, shanxi, guizhou, lanzhou = all_.world, all_.shanxi, all_.guizhou, all_.lanzhou
        common, one, other = await split(all_, tmp_path)
        await all_.signed_off(await all_.closed(2), *SIGNERS)
        made = await all_.founded()
        assert (made.closed_size, made.size) == (2, 1), "nothing is left to be logged again"

        for follower in (guizhou, lanzhou):
            await nodes.until(follows(follower, 1), SECONDS)
            for bundle in (common, other):
                assert (await verdict_of(follower, world, bundle)).decision == ACCEPT
            verdict = await verdict_of(follower, world, one)
            assert (verdict.decision, verdict.steps[5].reason) == (REFER, "NOT_YET_IN_VIEW")
            assert rows(follower, HEAD) == [(2, 2)]
        assert rows(guizhou, DISCARDED) == [(1,)]
        assert rows(lanzhou, DISCARDED) == []
        again = await download_again(shanxi)
        assert len(again) == 2
        for bundle in again:
            assert (await verdict_of(guizhou, world, bundle)).decision == ACCEPT, "proven anew by the closed log"

        world.clock.advance(timedelta(minutes=5))
        for follower in (guizhou, lanzhou):
            await nodes.eventually(reason_at(follower, world, one, 5, "NOT_IN_SUCCESSOR"), SECONDS)
            assert (await verdict_of(follower, world, one)).decision == REJECT


async def test_until_it_is_founded_nothing_is_decided_and_nothing_issued(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        world, shanxi, guizhou = all_.world, all_.shanxi, all_.guizhou
        common, _, other = await split(all_, tmp_path)
        await shanxi.start(world.clock)
        await nodes.eventually(evidence(shanxi), SECONDS)
        await require_nothing_issued(shanxi)
        await all_.signed_off(await all_.closed(1), *SIGNERS)
        await nodes.eventually(reason_at(guizhou, world, common, 8, "NO_LOG_VIEW"), SECONDS)
        assert (await verdict_of(guizhou, world, common)).decision == REFER
        assert (await verdict_of(guizhou, world, other)).decision == REFER

        _, (number,) = rows(shanxi, "SELECT report_number FROM reports ORDER BY log_index")
        await revoke(shanxi, str(number))  # its node still runs by the log that is being closed
        await all_.told_shanxi()
        await nodes.eventually(refusing(shanxi, "LOG_CLOSED"), SECONDS)
        assert "huxin log found" in (await unready(shanxi))["log_key"]
        made = await succeeding.found(shanxi.settings, world.clock.now())
        assert made.size == 3, "what was stated meanwhile is logged again as well"
        with pytest.raises(HuxinError) as caught:
            await succeeding.found(shanxi.settings, world.clock.now())
        assert "founded already" in caught.value.message
        told = {check.name: check for check in await inspect(beside(shanxi), world.clock.now())}["own log"]
        assert (told.ok, "until it is started again" in told.sentence) == (False, True), told.sentence
        with pytest.raises(Exception, match="restart"):
            await world.report(shanxi)
        with pytest.raises(Exception, match="restart"):
            await revoke(shanxi, str(number))
        await shanxi.stop()
        await shanxi.start(world.clock)
        told = {check.name: check for check in await inspect(beside(shanxi), world.clock.now())}["own log"]
        assert told.ok, told.sentence
        await nodes.until(follows(guizhou, 3), SECONDS)
        assert (await verdict_of(guizhou, world, common)).decision == ACCEPT
        verdict = await verdict_of(guizhou, world, other)
        assert (verdict.decision, verdict.steps[9].reason) == (REJECT, "REVOKED")
        _, late = await world.report(shanxi)
        await nodes.until(follows(guizhou, 4), SECONDS)
        assert (await verdict_of(guizhou, world, late)).decision == ACCEPT, "the successor is issued into as ever"


def beside(one: TestJurisdiction) -> Settings:
    """Its settings as a command beside its running node has them: with the address of the pages for operators."""
    assert one.node is not None
    listen = Address("127.0.0.1", one.node.operations_port)
    operations = one.settings.operations.model_copy(update={"listen": listen})
    return one.settings.model_copy(update={"operations": operations})


def refusing(one: TestJurisdiction, reason: str) -> Callable[[], Awaitable[bool]]:
    """Whether a node refuses to issue for this reason."""

    async def refused() -> bool:
        try:
            await nodes.create_report(one)
        except grpc.aio.AioRpcError as error:
            return nodes.reason_of(error) == reason
        raise AssertionError("a report was issued")

    return refused


async def test_a_node_does_not_begin_its_successor_by_itself(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        world, shanxi = all_.world, all_.shanxi
        await world.report(shanxi)
        await shanxi.stop()
        with pytest.raises(HuxinError) as caught:
            await succeeding.found(shanxi.settings, world.clock.now())
        assert "names no successor" in caught.value.message
        await all_.signed_off(await all_.closed(1), *SIGNERS)
        await all_.told_shanxi()
        await shanxi.start(world.clock)
        with pytest.raises(Exception, match="huxin log found"):
            await world.report(shanxi)
        told = {check.name: check for check in await inspect(shanxi.settings, world.clock.now())}["own log"]
        assert not told.ok
        assert "huxin log found" in told.sentence
        assert rows(shanxi, "SELECT origin FROM log_heads WHERE origin LIKE 'huxin/140000/%'") == []
        assert "huxin log found" in (await unready(shanxi))["log_key"]
        await succeeding.found(shanxi.settings, world.clock.now())
        await world.report(shanxi)
        await nodes.eventually(ready(shanxi), SECONDS)
        told = {check.name: check for check in await inspect(shanxi.settings, world.clock.now())}["own log"]
        assert (told.ok, f"{NEXT} has " in told.sentence) == (True, True)


def ready(one: TestJurisdiction) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return not await unready(one)

    return found


async def test_fewer_than_k_close_nothing(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_:
        world, guizhou, lanzhou = all_.world, all_.guizhou, all_.lanzhou
        common, one, other = await split(all_, tmp_path)
        with pytest.raises(RefreshFailed) as caught:
            await all_.signed_off(await all_.closed(1), SIGNERS[0])
        assert caught.value.reason == "REGISTRY_SIGNATURES"
        for follower, bundle in ((guizhou, one), (lanzhou, other)):
            record = await registry_record(follower.settings)
            assert record is not None
            assert [fact for fact in record.facts if fact.kind == "succession"] == []
            assert (await peer(follower)).state == "halted"
            assert (await verdict_of(follower, world, bundle)).steps[5].reason == "LOG_SPLIT"
            assert (await verdict_of(follower, world, common)).decision == ACCEPT


async def test_a_head_that_our_database_does_not_hold_is_not_gone_on_from(tmp_path: Path) -> None:
    """The holders sign off Guizhou's history, which Shanxi has lost: it cannot be founded, and nothing is accepted."""
    async with federation(tmp_path) as all_:
        world, shanxi, guizhou, lanzhou = all_.world, all_.shanxi, all_.guizhou, all_.lanzhou
        common, one, other = await split(all_, tmp_path)
        with pytest.raises(HuxinError) as caught:
            await all_.closed(3)
        assert "has 2 entries" in caught.value.message
        honest = read_succession((await all_.closed(2)).read_bytes())
        lost = rows(guizhou, NOTE)[0][0]
        assert isinstance(lost, str)
        file = all_.folder / "lost.json"
        file.write_bytes(succession(honest, lost).entry)
        await all_.signed_off(file, *SIGNERS)
        await all_.told_shanxi()
        with pytest.raises(BadSource) as refused:
            await succeeding.found(shanxi.settings, world.clock.now())
        assert "does not hold the history" in refused.value.message
        await nodes.eventually(reason_at(guizhou, world, one, 8, "NO_LOG_VIEW"), SECONDS)
        await nodes.eventually(reason_at(lanzhou, world, other, 8, "NO_LOG_VIEW"), SECONDS)
        for follower in (guizhou, lanzhou):
            for bundle in (common, one, other):
                assert (await verdict_of(follower, world, bundle)).decision != ACCEPT


async def test_a_head_that_the_log_never_signed_is_refused(tmp_path: Path) -> None:
    """Even k of n cannot make it one: nothing of the issuer is decided any more, for nobody knows what counts."""
    async with federation(tmp_path) as all_:
        world, guizhou, lanzhou = all_.world, all_.guizhou, all_.lanzhou
        reports = await split(all_, tmp_path)
        honest = read_succession((await all_.closed(1)).read_bytes())
        file = all_.folder / "forged.json"
        file.write_bytes(succession(honest, forged(honest, key("a thief"))).entry)
        await all_.signed_off(file, *SIGNERS)
        for follower in (guizhou, lanzhou):
            for bundle in reports:
                await nodes.eventually(reason_at(follower, world, bundle, 2, "ISSUER_UNCHECKED"), SECONDS)
                assert (await verdict_of(follower, world, bundle)).decision == REFER
            assert rows(follower, DISCARDED) == []


async def test_a_second_succession_with_new_keys(tmp_path: Path) -> None:
    """The successor is succeeded as well, now by a log with other keys; what the first two logs hold still counts."""
    async with federation(tmp_path) as all_:
        world, shanxi, guizhou, lanzhou = all_.world, all_.shanxi, all_.guizhou, all_.lanzhou
        common, one, other = await split(all_, tmp_path)
        await all_.signed_off(await all_.closed(1), *SIGNERS)
        await all_.founded()
        _, second = await world.report(shanxi)
        for follower in (guizhou, lanzhou):
            await nodes.until(follows(follower, 3), SECONDS)
        await shanxi.stop()
        with pytest.raises(HuxinError) as caught:
            ceremonies.succeed(all_.folder, all_.folder / "huxin-140000-2.json", 365, world.clock.now())
        assert "already" in caught.value.message

        folder = shanxi.layout.home / "keys"
        publics = [made_key(folder / f"{name}-3.key") for name in ("log", "cosigner")]
        file = await all_.closed(3, *publics)
        await all_.signed_off(file, *SIGNERS)
        await all_.told_shanxi()
        for unfinished in (succeeding.found(shanxi.settings, world.clock.now()), shanxi.start(world.clock)):
            with pytest.raises(NotReady) as refused:  # with the keys of the log before
                await unfinished
            for said in (f"{ORIGIN}/3", "huxin log close", "keys.log", "huxin log found"):
                assert said in refused.value.message
        await shanxi.stop()
        for name in ("log", "cosigner"):
            (folder / f"{name}-3.key").replace(folder / f"{name}.key")
        made = await all_.founded()
        assert (made.predecessor, made.origin, made.size) == (NEXT, f"{ORIGIN}/3", 1)
        _, third = await world.report(shanxi)
        for follower in (guizhou, lanzhou):
            await nodes.until(follows(follower, 2, f"{ORIGIN}/3"), SECONDS)
            for bundle in (common, other, second, third, *await download_again(shanxi)):
                assert (await verdict_of(follower, world, bundle)).decision == ACCEPT
            assert (await verdict_of(follower, world, one)).decision != ACCEPT
            await nodes.eventually(witnesses(follower, f"{ORIGIN}/3", 2), SECONDS)
