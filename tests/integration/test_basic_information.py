"""Shanxi tells Guizhou of which of its organisations it holds records (R183): real nodes, mTLS, both databases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from huxin.v1 import (
    bundle_pb2,
    exchange_service_pb2,
    exchange_service_pb2_grpc,
    message_pb2,
    report_pb2,
    subject_pb2,
)

from node.app import trusting
from node.model.subject import SubjectKind
from tests.integration import exchanging, kills, sharing
from tests.integration.exchanging import INBOX, OUTBOX
from tests.integration.lying_post import DELIVERED, Post
from tests.integration.provinces import ACCEPT, Provinces, asking, provinces, verify
from tests.integration.test_asking import everything_in
from tests.support import nodes
from tests.support.nodes import SUBJECTS

THEIRS = SUBJECTS["520000"]
"""An organisation of Guizhou."""
ANOTHER = nodes.synthetic_code("520000", 31)
IN_BUSINESS = "92" + nodes.synthetic_code("520000", 32)[2:]
TELLING = {"HUXIN_SHARING__BASIC_INFORMATION_WITH": "520000,620100"}
KILLS_SEED = 20261122


@pytest.fixture(params=["sqlite", "postgresql"])
def own(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Shanxi tells Guizhou; each node has its database."""
    if request.param == "sqlite":
        return {"140000": TELLING}
    urls = request.getfixturevalue("postgres_urls")
    databases = {
        division: {"HUXIN_DATABASE__URL": url} for division, url in zip(("140000", "520000"), urls, strict=True)
    }
    return {**databases, "140000": {**databases["140000"], **TELLING}}


@pytest.fixture
async def running(own: dict[str, dict[str, str]], tmp_path: Path) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path, own=own) as found:
        yield found


async def test_the_home_is_told_once_and_what_is_revoked_is_withdrawn(running: Provinces) -> None:
    shanxi, guizhou = running.shanxi, running.guizhou
    await sharing.register_at(shanxi, THEIRS, "520100")
    local = shanxi.subject
    await sharing.file(shanxi, THEIRS, local, IN_BUSINESS, nodes.synthetic_code("210000", 5))
    (found,) = await sharing.known(guizhou, THEIRS)
    assert (found.holder, found.name, found.since) == ("140000", sharing.NAME, "2026-11-22")
    (told,) = await sharing.shared(shanxi)
    assert (told.receiver, told.subject.id, told.since) == ("520000", THEIRS, "2026-11-22")
    await sharing.file(shanxi, THEIRS, ANOTHER)  # delivered again, and a new one: only that is told
    await sharing.known(guizhou, THEIRS, ANOTHER)
    await exchanging.comes(shanxi, OUTBOX, 2, "delivered")
    await sharing.file(shanxi, withdrawn=[THEIRS])
    await sharing.known(guizhou, ANOTHER)
    sent = await exchanging.messages(shanxi, OUTBOX)
    assert [(each.kind, each.peer) for each in sent] == [("subject_basics", "520000")] * 3

    async def forgotten() -> bool:
        return [each.subject.id for each in await sharing.shared(shanxi)] == [ANOTHER]

    # Once the withdrawal arrived nothing is known here any more of whom was told what. The sweep that finds it
    # comes with the next delivery.
    await exchanging.comes(shanxi, OUTBOX, 3, "delivered")
    await sharing.file(shanxi)
    await nodes.eventually(forgotten, 60)
    outcomes = [each.outcome for each in await exchanging.messages(guizhou, INBOX)]
    assert outcomes == ["erased", "kept", "kept"]


async def test_nothing_of_it_is_in_a_report_or_a_verdict(running: Provinces) -> None:
    """That Shanxi holds records of Guizhou's organisation changes nothing of what Guizhou issues and decides of it."""
    shanxi, guizhou = running.shanxi, running.guizhou
    bundle = await nodes.download(guizhou, await nodes.create_report(guizhou))
    requirement = asking("520000", "FN01")
    before = await verify(guizhou, bundle, THEIRS, requirement)
    assert before.decision == ACCEPT
    await sharing.file(shanxi, THEIRS)
    await sharing.known(guizhou, THEIRS)
    assert shown_in(await nodes.download(guizhou, await nodes.create_report(guizhou))) == shown_in(bundle)
    after = await verify(guizhou, bundle, THEIRS, requirement)
    assert (after.decision, after.steps, after.findings) == (before.decision, before.steps, before.findings)


def shown_in(bundle: bytes) -> list[bytes]:
    """All that a report says, but for its number."""
    sections = list(bundle_pb2.ReportBundle.FromString(bundle).disclosure.sections)
    summary = report_pb2.SummarySection.FromString(sections[0])
    assert summary.report_number
    summary.report_number = ""
    return [summary.SerializeToString(), *sections[1:]]


async def test_only_who_is_named_is_told_and_who_is_taken_out_is_told_no_more(tmp_path: Path) -> None:
    own = {"140000": {"HUXIN_SHARING__BASIC_INFORMATION_WITH": "620100"}}
    async with provinces(tmp_path, "140000", "520000", "620100", own=own) as running:
        shanxi, guizhou, lanzhou = running.shanxi, running.guizhou, running.all["620100"]
        # The last code in order belongs to whom is named: when it is told, the others were looked at.
        await sharing.file(shanxi, THEIRS, lanzhou.subject)
        await sharing.known(lanzhou, lanzhou.subject)
        assert {each.receiver for each in await sharing.shared(shanxi)} == {"620100"}
        await set_to(running, "520000")
        await sharing.known(guizhou, THEIRS)
        await sharing.known(lanzhou)
        await set_to(running, "")
        await sharing.known(guizhou)


async def test_who_is_trusted_only_later_is_told_then(tmp_path: Path) -> None:
    shanxi = nodes.found(tmp_path, "140000", extra=TELLING)
    guizhou = nodes.found(tmp_path, "520000")
    texts = [(one.layout.trust / "bundles" / f"{one.division}.json").read_text("utf-8") for one in (shanxi, guizhou)]
    trusting.import_bundle(guizhou.settings, texts[0], trusting.trusted_state(shanxi.settings).own.signers[0])
    async with nodes.running([shanxi, guizhou]):
        await sharing.register_at(guizhou, THEIRS, "520100")
        await sharing.file(shanxi, THEIRS)
        assert await sharing.shared(shanxi) == []
        trusting.import_bundle(shanxi.settings, texts[1], trusting.trusted_state(guizhou.settings).own.signers[0])
        await sharing.known(guizhou, THEIRS)


async def set_to(running: Provinces, divisions: str) -> None:
    """Shanxi is started again with another list."""
    shanxi = running.shanxi
    await shanxi.stop()
    told = shanxi.settings.sharing.model_copy(
        update={"basic_information_with": tuple(each for each in (divisions,) if each)}
    )
    shanxi.settings = shanxi.settings.model_copy(update={"sharing": told})
    await shanxi.start(running.clock)


async def test_a_peer_that_is_away_is_told_when_it_is_back_and_what_expired_is_told_again(tmp_path: Path) -> None:
    async with provinces(tmp_path, own={"140000": TELLING}) as running:
        shanxi, guizhou = running.shanxi, running.guizhou
        await guizhou.stop()
        await sharing.file(shanxi, THEIRS, ANOTHER)
        await exchanging.comes(shanxi, OUTBOX, 2, "queued")
        stored = everything_in(shanxi, "outbox")
        assert THEIRS not in stored
        await sharing.file(shanxi, withdrawn=[ANOTHER])
        await exchanging.comes(shanxi, OUTBOX, 3, "queued")
        running.clock.advance(timedelta(days=8))
        await exchanging.comes(shanxi, OUTBOX, 3, "expired")
        await sharing.file(shanxi)  # a delivery: the sweep looks again
        # Of the one whose records are gone the withdrawal goes out in any case: what expired may have arrived.
        await exchanging.comes(shanxi, OUTBOX, 2, "queued")
        await guizhou.start(running.clock)
        await sharing.known(guizhou, THEIRS)
        await exchanging.comes(guizhou, INBOX, 2, "handled")


async def test_kills_between_commit_and_sending_lose_nothing_and_tell_nothing_twice(tmp_path: Path) -> None:
    """SIGKILL of either node wherever it hits: before the sweep, between its commit and the sending, before the end."""
    rng = random.Random(KILLS_SEED)  # noqa: S311 - no secret
    shanxi, guizhou = await kills.pair(tmp_path)
    codes = [nodes.synthetic_code("520000", number) for number in range(100, 112)]
    async with kills.forked(tmp_path, TELLING) as keeper:
        for start in range(0, len(codes), 3):
            pids = [await keeper.bear(one) for one in (shanxi, guizhou)]
            await kills.serves(shanxi)
            await sharing.file(shanxi, *codes[start : start + 3])
            await asyncio.sleep(rng.uniform(0, 2.5))  # the sweep looks each 2 s
            rng.shuffle(pids)
            for pid in pids:
                await keeper.kill(pid)
        pids = [await keeper.bear(one) for one in (shanxi, guizhou)]
        await kills.serves(guizhou)
        await kills.serves(shanxi)
        await sharing.known(guizhou, *codes)
        sent = await exchanging.messages(shanxi, OUTBOX)
        for pid in pids:
            await keeper.kill(pid)
        for one in (shanxi, guizhou):
            await one.stop()
    assert [each.kind for each in sent] == ["subject_basics"] * len(codes)


async def test_what_a_peer_makes_up_is_not_kept(tmp_path: Path) -> None:
    """Of natural persons, of individuals in business, of organisations that are not ours; names that are no names."""
    async with provinces(tmp_path) as running:
        shanxi, guizhou = running.shanxi, running.guizhou
        await sharing.register_at(guizhou, ANOTHER, "520100", kind=SubjectKind.INDIVIDUAL_BUSINESS)
        post = Post(shanxi, guizhou)
        contents = {
            "kept": told(THEIRS, "名称\x1b[2J"),
            "not_kept": told(shanxi.subject),
            "not_kept ": told(ANOTHER),
            "not_kept  ": told(IN_BUSINESS),
            "NOT_READABLE": message_pb2.SubjectBasics(
                subject=subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_RESIDENT_ID, id="11010519491231002X"),
                since="2026-11-22",
            ).SerializeToString(),
            "NOT_READABLE ": told(THEIRS, "长" * 201),
            "NOT_READABLE  ": told(THEIRS, since="yesterday"),
        }
        for expected, content in contents.items():
            header = post.header("subject_basics")
            assert await post.bring(post.sealed(header, content)) == [(DELIVERED, "")]

            async def ended() -> bool:
                line = await exchanging.message(guizhou, INBOX, header.id)  # noqa: B023 - awaited before the next
                return line.state in {"handled", "parked"}

            await nodes.eventually(ended, 20)
            line = await exchanging.message(guizhou, INBOX, header.id)
            assert (line.outcome or line.reason) == expected.strip()
        (found,) = await sharing.elsewhere(guizhou)
        assert (found.subject.id, found.name) == (THEIRS, "名称[2J")
        await sharing.register_at(guizhou, THEIRS, "210000")  # it moved away: its newest word erases the one before
        await post.bring(post.sealed(post.header("subject_basics"), told(THEIRS)))
        await sharing.known(guizhou)


def told(code: str, name: str = "", since: str = "2026-11-22") -> bytes:
    claim = subject_pb2.SubjectClaim(id_type=subject_pb2.ID_TYPE_USCC, id=code)
    return message_pb2.SubjectBasics(subject=claim, name=name, since=since).SerializeToString()


async def test_the_platform_alone_sees_it_in_pages(tmp_path: Path) -> None:
    async with provinces(tmp_path, own={"140000": TELLING}) as running:
        shanxi, guizhou = running.shanxi, running.guizhou
        codes = sorted(nodes.synthetic_code("520000", number) for number in range(5))
        await sharing.file(shanxi, *codes)
        await sharing.known(guizhou, *codes)
        stub, found, token = exchanging.exchange(guizhou), [], ""
        while True:
            request = exchange_service_pb2.ListSubjectsElsewhereRequest(page_size=2, page_token=token)
            page = await stub.ListSubjectsElsewhere(request)
            found.append([each.subject.id for each in page.subjects])
            token = page.next_page_token
            if not token:
                break
        assert found == [codes[:2], codes[2:4], codes[4:]]
        of_one = exchange_service_pb2.ListSubjectsElsewhereRequest(subject=nodes.claim(codes[3]), holder="140000")
        assert [each.subject.id for each in (await stub.ListSubjectsElsewhere(of_one)).subjects] == [codes[3]]
        of_none = exchange_service_pb2.ListSubjectsElsewhereRequest(holder="620100")
        assert list((await stub.ListSubjectsElsewhere(of_none)).subjects) == []
        closed = exchange_service_pb2_grpc.ExchangeServiceStub(guizhou.channel("operator"))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await closed.ListSubjectsElsewhere(exchange_service_pb2.ListSubjectsElsewhereRequest())
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
