"""What a receiving node makes of messages that a peer's operator wrote as it liked, over real mTLS."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import federation_service_pb2_grpc, message_pb2

from node.model.messages import MAX_SEALED_BYTES
from tests.integration import exchanging
from tests.integration.exchanging import INBOX, OUTBOX
from tests.integration.lying_post import DEFERRED, DELIVERED, REFUSED, Post, request_for
from tests.integration.provinces import Provinces, provinces
from tests.support import nodes
from tests.support.nodes import SUBJECTS, THE_DAY

SUBJECT = SUBJECTS["140000"]
DAY = timedelta(days=1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    async with provinces(tmp_path_factory.mktemp("post")) as found:
        yield found


@pytest.fixture
def post(running: Provinces) -> Post:
    return Post(running.guizhou, running.shanxi)


async def message_at(one: nodes.TestJurisdiction, message_id: bytes) -> exchanging.Line:
    return await exchanging.message(one, INBOX, message_id)


async def ends(one: nodes.TestJurisdiction, message_id: bytes, state: str) -> exchanging.Line:
    """Waits until a message is in a state."""

    async def reached() -> bool:
        return (await message_at(one, message_id)).state == state

    await nodes.eventually(reached, 20)
    return await message_at(one, message_id)


async def test_an_honest_message_is_handled(running: Provinces, post: Post) -> None:
    header = post.header()
    assert await post.bring(post.sealed(header, request_for(SUBJECT))) == [(DELIVERED, "")]
    handled = await ends(running.shanxi, header.id, "handled")
    assert handled.outcome.startswith("140000")


async def test_the_same_message_again_is_answered_the_same_and_does_nothing(running: Provinces, post: Post) -> None:
    header = post.header()
    message = post.sealed(header, request_for(SUBJECT))
    assert await post.bring(message, message) == [(DELIVERED, "")] * 2
    first = await ends(running.shanxi, header.id, "handled")
    again = post.sealed(header, request_for(SUBJECT))  # sealed anew, as a sender does that heard no answer
    assert await post.bring(again) == [(DELIVERED, "")]
    assert await message_at(running.shanxi, header.id) == first
    numbers = [m.outcome for m in await exchanging.messages(running.shanxi, INBOX) if m.id == header.id.hex()]
    assert numbers == [first.outcome]


async def test_an_id_that_means_something_else_is_refused(post: Post) -> None:
    header = post.header()
    await post.bring(post.sealed(header, request_for(SUBJECT)))
    other = replace(header, ordering_key=os.urandom(32))
    assert await post.bring(post.sealed(other, request_for(SUBJECT))) == [(REFUSED, "ID_REUSED")]


@pytest.mark.parametrize(
    ("change", "outcome", "reason"),
    [
        ({"sender": "620100"}, REFUSED, "WRONG_SENDER"),
        ({"sender": "140000"}, REFUSED, "WRONG_SENDER"),
        ({"receiver": "620100"}, REFUSED, "WRONG_RECEIVER"),
        ({"kind": "marching_order"}, REFUSED, "UNKNOWN_KIND"),
        ({"created_at": THE_DAY - 8 * DAY, "expires_at": THE_DAY}, REFUSED, "EXPIRED"),
        ({"expires_at": THE_DAY + 32 * DAY}, REFUSED, "LIFE_TOO_LONG"),
        ({"expires_at": THE_DAY - DAY}, REFUSED, "LIFE_TOO_LONG"),
        ({"created_at": THE_DAY + 30 * DAY, "expires_at": THE_DAY + 40 * DAY}, REFUSED, "LIFE_TOO_LONG"),
        ({"id": b"short"}, REFUSED, "MALFORMED"),
        ({"ordering_key": b""}, REFUSED, "MALFORMED"),
        ({"kind": "Report Request"}, REFUSED, "MALFORMED"),
        ({"receiver": "shanxi"}, REFUSED, "MALFORMED"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
async def test_a_header_that_is_not_in_order_is_refused_and_its_neighbour_is_taken(
    running: Provinces, post: Post, change: dict[str, object], outcome: int, reason: str
) -> None:
    honest = post.header()
    bad = replace(post.header(), **change)  # type: ignore[arg-type]
    answers = await post.bring(post.sealed(bad, b""), post.sealed(honest, request_for(SUBJECT)))
    assert answers == [(outcome, reason), (DELIVERED, "")]
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await message_at(running.shanxi, bad.id if len(bad.id) == 16 else os.urandom(16))
    assert nodes.reason_of(unknown.value) == "NO_SUCH_MESSAGE"


async def test_a_message_without_times_is_malformed(post: Post) -> None:
    message = post.sealed(post.header(), b"")
    message.header.ClearField("expires_at")
    assert await post.bring(message, pb.SealedMessage()) == [(REFUSED, "MALFORMED")] * 2


async def test_a_message_over_the_limit_is_refused(post: Post) -> None:
    huge = post.sealed(post.header(), bytes(MAX_SEALED_BYTES))
    assert await post.bring(huge) == [(REFUSED, "TOO_LARGE")]


@pytest.mark.parametrize(
    ("count", "size", "code"),
    [
        (0, 0, grpc.StatusCode.INVALID_ARGUMENT),
        (17, 10, grpc.StatusCode.INVALID_ARGUMENT),
        (5, 1 << 20, grpc.StatusCode.RESOURCE_EXHAUSTED),
    ],
)
async def test_a_call_over_the_limits_is_refused_whole(
    post: Post, count: int, size: int, code: grpc.StatusCode
) -> None:
    messages = [post.sealed(post.header(), bytes(size)) for _ in range(count)]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await post.bring(*messages)
    assert refused.value.code() is code


async def test_what_is_sealed_to_a_key_that_is_not_here_is_deferred(post: Post) -> None:
    message = post.sealed(post.header(), request_for(SUBJECT))
    message.sealing_key_id = os.urandom(32)
    assert await post.bring(message) == [(DEFERRED, "KEY_UNKNOWN")]


async def test_only_a_peers_node_delivers(running: Provinces, post: Post) -> None:
    request = pb.DeliverRequest(messages=[post.sealed(post.header(), request_for(SUBJECT))])
    for channel in (running.shanxi.channel("gateway"), running.shanxi.channel("operator")):
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Deliver(request)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("part", ["encapsulation", "ciphertext", "tag", "cut", "empty"])
async def test_altered_sealed_bytes_are_parked_and_others_pass(running: Provinces, post: Post, part: str) -> None:
    header, honest = post.header(), post.header()
    message = post.sealed(header, request_for(SUBJECT))
    sealed = bytearray(message.sealed)
    if part in {"encapsulation", "ciphertext", "tag"}:
        sealed[{"encapsulation": 3, "ciphertext": 40, "tag": -1}[part]] ^= 1
    message.sealed = bytes(sealed[:-1]) if part == "cut" else b"" if part == "empty" else bytes(sealed)
    await post.bring(message, post.sealed(honest, request_for(SUBJECT)))
    assert (await ends(running.shanxi, header.id, "parked")).reason == "NOT_OPENED"
    await ends(running.shanxi, honest.id, "handled")


@pytest.mark.parametrize(
    "change",
    [
        {"id": os.urandom(16)},
        {"ordering_key": os.urandom(32)},
        {"expires_at": THE_DAY + 6 * DAY},
        {"created_at": THE_DAY + DAY},
        {"kind": "report_delivery"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_every_part_of_the_header_is_bound(running: Provinces, post: Post, change: dict[str, object]) -> None:
    written = post.header()
    shown = replace(written, **change)  # type: ignore[arg-type]
    await post.bring(post.sealed(shown, request_for(SUBJECT), bound_to=written))
    assert (await ends(running.shanxi, shown.id, "parked")).reason == "NOT_OPENED"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xff", request_for(SUBJECT, scenario="No Code"), request_for("not a code")],
    ids=["empty", "no message", "no scenario", "no subject"],
)
async def test_what_opens_and_makes_no_sense_is_parked(running: Provinces, post: Post, content: bytes) -> None:
    header = post.header()
    await post.bring(post.sealed(header, content))
    assert (await ends(running.shanxi, header.id, "parked")).reason == "NOT_READABLE"


async def test_an_answer_that_nobody_asked_for_is_parked(running: Provinces, post: Post) -> None:
    answer = message_pb2.ReportDelivery(request_id=os.urandom(16))
    answer.refusal.reason, answer.refusal.message = "NOT_ELIGIBLE", "No."
    header = post.header(kind="report_delivery")
    await post.bring(post.sealed(header, answer.SerializeToString()))
    assert (await ends(running.shanxi, header.id, "parked")).reason == "NOT_ASKED_FOR"


async def test_a_second_answer_changes_nothing(running: Provinces) -> None:
    """Shanxi has refused, and sends a report of its operator's making afterwards."""
    liar = Post(running.shanxi, running.guizhou)
    ask_id = await exchanging.ask(running.guizhou, exchanging.asking_for(nodes.synthetic_code("140000", 5)))
    await exchanging.stands(running.guizhou, ask_id, "refused")
    late = message_pb2.ReportDelivery(request_id=bytes.fromhex(ask_id))
    late.report.report_number, late.report.bundle = "14000020261122000G40R40M30E209Q", b"forged"
    header = liar.header(kind="report_delivery")
    await liar.bring(liar.sealed(header, late.SerializeToString()))
    await ends(running.guizhou, header.id, "handled")
    asked = await exchanging.asked(running.guizhou, ask_id)
    assert (asked.state, asked.report_number, asked.downloadable) == ("refused", "", False)


async def test_those_of_the_subject_wait_behind_a_parked_one_until_it_is_tried_again(
    running: Provinces, post: Post
) -> None:
    bad, behind, other = post.header(order=b"one"), post.header(order=b"one"), post.header(order=b"two")
    broken = post.sealed(bad, b"\xff\xff")
    await post.bring(broken, post.sealed(behind, request_for(SUBJECT)), post.sealed(other, request_for(SUBJECT)))
    await ends(running.shanxi, bad.id, "parked")
    await ends(running.shanxi, other.id, "handled")
    assert (await message_at(running.shanxi, behind.id)).state == "waiting"
    tried = await exchanging.retry(running.shanxi, INBOX, bad.id)
    assert tried.state in {"waiting", "parked"}
    again = await ends(running.shanxi, bad.id, "parked")
    assert again.attempts == 1
    assert (await message_at(running.shanxi, behind.id)).state == "waiting"


async def test_operators_are_told_why_there_is_nothing_to_try_again(running: Provinces, post: Post) -> None:
    header = post.header()
    await post.bring(post.sealed(header, request_for(SUBJECT)))
    await ends(running.shanxi, header.id, "handled")
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await exchanging.retry(running.shanxi, INBOX, header.id)
    assert nodes.reason_of(ended.value) == "MESSAGE_ENDED"
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await exchanging.retry(running.shanxi, OUTBOX, os.urandom(16))
    assert nodes.reason_of(unknown.value) == "NO_SUCH_MESSAGE"
