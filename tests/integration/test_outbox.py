"""Messages on their way: peers that are away, slow to be trusted, rotate their keys or never come back; and kills."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.app import messaging, sealing_keys, trusting
from node.app.storing import open_database
from node.model.subject import IdType, SubjectRef
from node.storage.report_store import ReportStore
from tests.integration import exchanging, kills
from tests.integration.exchanging import INBOX, OUTBOX
from tests.integration.lying_post import Post, request_for
from tests.integration.provinces import provinces
from tests.support import nodes
from tests.support.http import get
from tests.support.nodes import SUBJECTS, THE_DAY, TestJurisdiction

SUBJECT = SUBJECTS["140000"]
KILLS_SEED = int(os.environ.get("HUXIN_SEED", "20261122"))


async def test_a_request_waits_for_a_peer_that_is_away_and_goes_when_it_is_back(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        await shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        (waiting,) = await exchanging.comes(guizhou, OUTBOX, 1, "queued", "UNREACHABLE")
        assert waiting.attempts > 0
        assert (await exchanging.asked(guizhou, ask_id)).state == "queued"
        await shanxi.start(running.clock)
        await exchanging.stands(guizhou, ask_id, "answered")


async def test_it_is_there_after_a_restart_of_the_sender(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        await shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await guizhou.stop()
        await shanxi.start(running.clock)
        await guizhou.start(running.clock)
        await exchanging.stands(guizhou, ask_id, "answered")


async def test_a_peer_that_was_silent_for_long_is_retired_and_returns_when_it_is_heard(tmp_path: Path) -> None:
    """The pause of a retired peer is half a day at least: only contact can end it within this test."""
    own = {
        "520000": {"HUXIN_MESSAGES__RETIRE_AFTER_SECONDS": "3600", "HUXIN_MESSAGES__RETIRED_SECONDS": "86400"},
    }
    async with provinces(tmp_path, own=own) as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        await shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.comes(guizhou, OUTBOX, 1, "queued", "UNREACHABLE")
        running.clock.advance(timedelta(hours=2))
        for line in ('peer_retired{peer="140000"} 1.0', 'outbox_oldest_seconds{peer="140000"} 7200.0'):
            await metrics_of(guizhou, f"huxin_{line}")
        await shanxi.start(running.clock)
        await exchanging.stands(guizhou, ask_id, "answered")
        await metrics_of(guizhou, 'huxin_peer_retired{peer="140000"} 0.0')


@contextmanager
def swallowing(one: TestJurisdiction) -> Iterator[None]:
    """In place of a node something takes connections and never says a word: half-open, as after a cut line."""
    address = one.settings.rpc.listen
    with socket.create_server((address.host, address.port)):
        yield


@pytest.mark.parametrize("away", ["gone", "silent"])
async def test_a_dead_peer_delays_no_living_one(tmp_path: Path, away: str) -> None:
    async with provinces(tmp_path, "140000", "520000", "620100") as running:
        guizhou, lanzhou = running.guizhou, running.all["620100"]
        await lanzhou.stop()
        with swallowing(lanzhou) if away == "silent" else contextmanager(lambda: iter([None]))():
            lost = [
                await exchanging.ask(guizhou, exchanging.asking_for(lanzhou.subject, "620100", codes=()))
                for _ in range(3)
            ]
            for _ in range(3):
                ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
                await exchanging.stands(guizhou, ask_id, "answered")
            for ask_id in lost:
                assert (await exchanging.asked(guizhou, ask_id)).state == "queued"


async def test_a_peer_whose_limits_we_met_is_left_until_it_says_and_not_for_dead(tmp_path: Path) -> None:
    """Shanxi calls Guizhou all the time meanwhile: that ends no pause for which it asked."""
    own = {"140000": {"HUXIN_LIMITS__PEER_RECEIVED_BYTES_PER_SECOND": "100", "HUXIN_LIMITS__BURST_SECONDS": "3600"}}
    async with provinces(tmp_path, own=own) as running:
        guizhou, post = running.guizhou, Post(running.guizhou, running.shanxi)
        await post.bring(post.sealed(post.header(), bytes(1 << 20)))  # two hours of what is allowed
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.comes(guizhou, OUTBOX, 1, "queued", "OVER_LIMIT")
        await asyncio.sleep(3)  # our own longest pause would be over
        (waiting,) = await exchanging.comes(guizhou, OUTBOX, 1, "queued", "OVER_LIMIT")
        assert waiting.attempts == 1
        await metrics_of(guizhou, 'huxin_peer_retired{peer="140000"} 0.0')
        running.clock.advance(timedelta(hours=3))
        await exchanging.retry(guizhou, OUTBOX, bytes.fromhex(ask_id))
        await exchanging.stands(guizhou, ask_id, "answered")


async def test_a_message_whose_time_is_over_expires_and_is_erased(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        guizhou = running.guizhou
        await running.shanxi.stop()
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        running.clock.advance(timedelta(days=7))
        expired = await exchanging.stands(guizhou, ask_id, "expired")
        (line,) = await exchanging.comes(guizhou, OUTBOX, 1, "expired")
        assert (line.id, expired.downloadable) == (ask_id, False)
        await running.shanxi.start(running.clock)
        # What comes after it arrives; what has expired is never sent.
        later = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.stands(guizhou, later, "answered")
        assert [message.id for message in await exchanging.messages(running.shanxi, INBOX)] == [later]


async def test_a_parked_message_that_expires_lets_those_behind_it_go(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        post = Post(running.guizhou, running.shanxi)
        bad, behind = post.header(order=b"one", life=timedelta(days=1)), post.header(order=b"one")
        await post.bring(post.sealed(bad, b"\xff"), post.sealed(behind, request_for(SUBJECT)))
        await exchanging.comes(running.shanxi, INBOX, 1, "parked")
        page = await metrics_of(running.shanxi, 'huxin_inbox_messages{peer="520000",state="parked"} 1.0')
        assert 'huxin_messages_total{outcome="parked",peer="520000"} 1.0' in page
        running.clock.advance(timedelta(days=1))
        (handled,) = await exchanging.comes(running.shanxi, INBOX, 1, "handled")
        assert handled.id == behind.id.hex()
        await exchanging.comes(running.shanxi, INBOX, 1, "expired")


async def test_a_message_whose_key_is_gone_waits_for_it_and_holds_up_its_subject_alone(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        shanxi, post = running.shanxi, Post(running.guizhou, running.shanxi)
        # One that cannot be read keeps the next of its subject waiting, until the key that opens that one is gone.
        bad, lost = post.header(order=b"one", life=timedelta(days=1)), post.header(order=b"one")
        await post.bring(post.sealed(bad, b"\xff"), post.sealed(lost, request_for(SUBJECT)))
        await exchanging.comes(shanxi, INBOX, 1, "parked", "NOT_READABLE")
        await shanxi.stop()
        sealing_keys.rotate_sealing(shanxi.settings, THE_DAY)
        key_file, backup = shanxi.settings.keys.folder / "sealing.key", tmp_path / "backup.key"
        key_file.rename(backup)
        await shanxi.start(running.clock)
        running.clock.advance(timedelta(days=1))
        (parked,) = await exchanging.comes(shanxi, INBOX, 1, "parked", "KEY_NOT_LOADED")
        assert parked.id == lost.id.hex()
        behind, other = post.header(order=b"one"), post.header(order=b"two")
        await post.bring(*(post.sealed(each, request_for(SUBJECT)) for each in (behind, other)))
        (handled,) = await exchanging.comes(shanxi, INBOX, 1, "handled")
        assert handled.id == other.id.hex()
        assert (await exchanging.message(shanxi, INBOX, behind.id)).state == "waiting"
        page = await metrics_of(shanxi, 'huxin_inbox_messages{peer="520000",state="parked"} 1.0')
        assert 'huxin_messages_total{outcome="parked",peer="520000"}' in page
        # Tried again too early it is parked again; with the file back it goes, and what waits behind it.
        await exchanging.retry(shanxi, INBOX, lost.id)
        await exchanging.comes(shanxi, INBOX, 1, "parked", "KEY_NOT_LOADED")
        backup.rename(key_file)
        done = await exchanging.comes(shanxi, INBOX, 3, "handled")
        assert {each.id for each in done} == {each.id.hex() for each in (lost, behind, other)}


async def metrics_of(one: TestJurisdiction, line: str) -> str:
    """The metrics page, once it has a line."""
    page = ""

    async def there() -> bool:
        nonlocal page
        assert one.node is not None
        page = (await get(one.node.operations_port, "/metrics")).body.decode()
        return line in page

    await nodes.eventually(there, 20)
    return page


async def test_more_than_may_wait_of_one_peer_is_deferred_and_nothing_is_lost(tmp_path: Path) -> None:
    own = {"140000": {"HUXIN_MESSAGES__INBOX_MESSAGES": "1"}}
    async with provinces(tmp_path, own=own) as running:
        post = Post(running.guizhou, running.shanxi)
        await post.bring(post.sealed(post.header(), b"\xff"))
        await exchanging.comes(running.shanxi, INBOX, 1, "parked")
        ask_id = await exchanging.ask(running.guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.comes(running.guizhou, OUTBOX, 1, "queued", "INBOX_FULL")
        running.clock.advance(timedelta(days=6))
        later = await exchanging.ask(running.guizhou, exchanging.asking_for(SUBJECT))
        running.clock.advance(timedelta(hours=25))  # the parked one, a day older than its limit, makes room
        await exchanging.stands(running.guizhou, later, "answered")
        assert (await exchanging.asked(running.guizhou, ask_id)).state == "expired"


async def without_sealing_key(one: TestJurisdiction) -> str:
    """Its bundle as a jurisdiction founded before there were sealing keys has it."""
    return trusting.amend_own_bundle(one.settings, THE_DAY, lambda bundle: replace(bundle, sealing_keys=()))


async def test_a_peer_without_a_sealing_key_gets_its_messages_when_it_has_one(tmp_path: Path) -> None:
    shanxi, guizhou = (nodes.found(tmp_path, division) for division in ("140000", "520000"))
    await without_sealing_key(shanxi)
    nodes.introduce([shanxi, guizhou])
    nodes.recognise(shanxi, "520000")
    async with nodes.running([shanxi, guizhou]):
        await nodes.register(shanxi)
        ask_id = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.comes(guizhou, OUTBOX, 1, "queued", "NO_SEALING_KEY")
        sealing_keys.rotate_sealing(shanxi.settings, THE_DAY)
        text = (shanxi.layout.trust / "bundles" / "140000.json").read_text(encoding="utf-8")
        trusting.import_bundle(guizhou.settings, text, None)
        await exchanging.stands(guizhou, ask_id, "answered")


async def test_who_has_no_sealing_key_of_its_own_is_told_how_to_make_one(tmp_path: Path) -> None:
    shanxi, guizhou = (nodes.found(tmp_path, division) for division in ("140000", "520000"))
    await without_sealing_key(guizhou)
    nodes.introduce([shanxi, guizhou])
    async with nodes.running([shanxi, guizhou]):
        import grpc.aio  # noqa: PLC0415 - of this one test

        with pytest.raises(grpc.aio.AioRpcError, match="--sealing") as refused:
            await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        assert nodes.reason_of(refused.value) == "KEY_NOT_LOADED"


async def test_a_rotation_while_messages_are_under_way_loses_none(tmp_path: Path) -> None:
    """Guizhou seals to the key that it knows, before and after it knows the new one."""
    async with provinces(tmp_path) as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        await shanxi.stop()
        before = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        sealing_keys.rotate_sealing(shanxi.settings, THE_DAY)
        sealing_keys.rotate_sealing(guizhou.settings, THE_DAY)
        await shanxi.start(running.clock)
        await exchanging.stands(guizhou, before, "answered")
        for one, other in ((shanxi, guizhou), (guizhou, shanxi)):
            text = (one.layout.trust / "bundles" / f"{one.division}.json").read_text(encoding="utf-8")
            trusting.import_bundle(other.settings, text, None)
        after = await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT))
        await exchanging.stands(guizhou, after, "answered")
        assert await exchanging.fetched(guizhou, before) != await exchanging.fetched(guizhou, after)


async def test_kills_of_both_nodes_lose_no_request_and_answer_none_twice(tmp_path: Path) -> None:
    """SIGKILL between a commit and a send, a send and its note, a handling and its end: wherever it hits."""
    rng = random.Random(KILLS_SEED)  # noqa: S311 - no secret
    issuer, asker = await kills.pair(tmp_path)
    nodes.recognise(issuer, "520000", datetime.now(UTC))
    made: list[str] = []
    async with kills.forked(tmp_path) as keeper:
        for _ in range(6):
            pids = [await keeper.bear(one) for one in (issuer, asker)]
            await kills.serves(asker)
            for _ in range(3):
                made.append(await exchanging.ask(asker, exchanging.asking_for(SUBJECT)))
                await asyncio.sleep(rng.uniform(0, 0.03))
            await asyncio.sleep(rng.uniform(0, 0.15))
            rng.shuffle(pids)
            for pid in pids:
                await keeper.kill(pid)
                await asyncio.sleep(rng.uniform(0, 0.05))
            await asker.stop()  # the channels to a node that is gone
        pids = [await keeper.bear(one) for one in (issuer, asker)]
        await kills.serves(asker)
        answers = [await exchanging.stands(asker, ask_id, "answered", 60) for ask_id in made]
        for pid in pids:
            await keeper.kill(pid)
        await asker.stop()
    numbers = [answer.report_number for answer in answers]
    assert len(set(numbers)) == len(made) == 18
    async with open_database(issuer.settings) as database:
        subject = SubjectRef(IdType.USCC, SUBJECT)
        reports, _ = await ReportStore(database).list_for_subject(subject, 100, "")
    assert sorted(report.report_number for report in reports) == sorted(numbers)


async def test_messages_of_one_subject_arrive_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    async with provinces(tmp_path) as running:
        guizhou, shanxi = running.guizhou, running.shanxi
        await shanxi.stop()
        made = [await exchanging.ask(guizhou, exchanging.asking_for(SUBJECT)) for _ in range(8)]
        await shanxi.start(running.clock)
        for ask_id in made:
            await exchanging.stands(guizhou, ask_id, "answered")
        arrived = await exchanging.messages(shanxi, INBOX)
        assert [message.id for message in reversed(arrived)] == made
        assert len({message.order for message in arrived}) == 1


async def test_a_folder_of_keys_that_cannot_be_looked_into_for_a_while_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that is away: what expires is still ended and erased."""
    looks = 0

    def away(_keys: sealing_keys.SealingKeys) -> None:
        nonlocal looks
        looks += 1
        raise PermissionError

    async def looked_again_and_again() -> bool:
        return looks > 4  # each of the two nodes does, and would once

    async with provinces(tmp_path):
        monkeypatch.setattr(messaging, "SWEEP_SECONDS", 0.05)
        monkeypatch.setattr(sealing_keys.SealingKeys, "refresh", away)
        await nodes.eventually(looked_again_and_again, 20)
