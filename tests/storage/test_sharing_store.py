"""Who was told of which organisation, and what others told of ours: on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from node.errors import InvalidInput
from node.model.messages import Draft, Handled, MessageHeader, OutboxState, SealedMessage, Telling
from node.model.sharing import Holding, SharedBasics, SubjectBasics, SubjectElsewhere
from node.model.subject import IdType, Registration, SubjectKind, SubjectRef
from node.storage.database import Database
from node.storage.elsewhere_store import ElsewhereStore
from node.storage.errors import StorageFault
from node.storage.inbox_store import InboxStore
from node.storage.outbox_store import OutboxStore
from node.storage.record_store import RecordStore
from node.storage.registration_store import RegistrationStore
from node.storage.sharing_store import SharingStore
from tests.storage.samples import NOW, sample_delivery, sample_row

DAY = timedelta(days=1)
SINCE = date(2026, 11, 22)


def ref(number: int) -> SubjectRef:
    return SubjectRef(IdType.USCC, f"91520000SYNTHETI{number:02}")


def telling(number: int, message: int, seen: int | None = None, since: date | None = SINCE) -> Telling:
    header = MessageHeader(bytes([message]) * 16, "140000", "520000", "subject_basics", bytes(32), NOW, NOW + 7 * DAY)
    told = SharedBasics("520000", SubjectBasics(ref(number), "合成" if since else "", since), header.id, NOW)
    return Telling(told, None if seen is None else bytes([seen]) * 16, Draft(header, b"sealed"))


async def held(store: SharingStore) -> list[Holding]:
    found, after = await store.holdings("", 10, "140000")
    assert after == ""
    return found


@pytest.fixture
def store(database: Database) -> SharingStore:
    return SharingStore(database)


async def test_what_is_held_is_told_apart_from_what_was_told(database: Database, store: SharingStore) -> None:
    person = SubjectRef(IdType.RESIDENT_ID, "11010519491231002X")
    records = RecordStore(database)
    await records.apply_delivery(sample_delivery(), [sample_row(subject=each) for each in (ref(1), ref(2), person)])
    registration = Registration(ref(2), "合成", SubjectKind.ENTERPRISE, "520100")
    await RegistrationStore(database).upsert([registration])
    await store.record([telling(3, 3), telling(2, 2)])
    local = SubjectRef(IdType.USCC, "91140000SYNTHETI00")
    moved = SubjectRef(IdType.USCC, "91520000SYNTHETI04")
    registered_here = Registration(moved, "合成", SubjectKind.ENTERPRISE, "140105")
    await RegistrationStore(database).upsert([registered_here])
    await records.apply_delivery(sample_delivery(b"own"), [sample_row(subject=each) for each in (local, moved)])
    found, after = await store.holdings("", 10, "140000")
    assert after == ""
    (two,), (three,) = found[1].shared, found[2].shared
    assert found == [
        Holding(ref(1), SINCE, None),
        Holding(ref(2), SINCE, registration, (two,)),
        Holding(ref(3), None, None, (three,)),
    ]
    assert (two.basics, two.state, two.queued_at) == (SubjectBasics(ref(2), "合成", SINCE), "queued", NOW)
    pieces = [await store.holdings(after, 2, "140000") for after in ("", ref(1).id, ref(3).id, moved.id)]
    assert [([each.subject for each in page], after) for page, after in pieces] == [
        ([ref(1)], ref(1).id),  # and one that is local
        ([ref(2), ref(3)], ref(3).id),
        ([], ""),
        ([], ""),
    ]
    everywhere, _ = await store.holdings("", 10, "620000")
    assert [each.subject for each in everywhere] == [local, ref(1), ref(2), ref(3), moved]


async def test_the_day_is_that_of_the_first_delivery_in_china(database: Database, store: SharingStore) -> None:
    records = RecordStore(database)
    late = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # the next day there
    for at, code in ((late, "1"), (late + DAY, "2")):
        delivery = sample_delivery(code.encode())
        await records.apply_delivery(
            type(delivery)(delivery.header, at, delivery.digest), [sample_row(local_code=code, subject=ref(1))]
        )
    ((found,), _) = await store.holdings("", 10, "140000")
    assert found.since == date(2026, 11, 23)


async def test_what_is_told_and_its_message_are_one_and_the_first_of_two_counts(
    database: Database, store: SharingStore
) -> None:
    assert not await store.anything_told()
    assert await store.record([telling(1, 1), telling(2, 2)]) == ["520000", "520000"]
    assert await store.record([telling(1, 3)]) == [], "another replica had told it"
    assert await store.record([telling(1, 4, seen=1, since=None)]) == ["520000"]
    assert await store.record([telling(1, 5, seen=1, since=None)]) == [], "another replica had withdrawn it"
    assert await store.queued() == {"520000": 3}
    outbox = OutboxStore(database, "140000")
    assert [each for each in range(1, 6) if await outbox.line(bytes([each]) * 16)] == [1, 2, 4]
    # A draft that cannot be queued takes what it would have told with it.
    with pytest.raises(StorageFault):
        await store.record([telling(7, 7), telling(8, 1)])
    assert [each.subject for each in await held(store)] == [ref(1), ref(2)]


async def test_a_withdrawal_that_arrived_is_forgotten_unless_something_was_told_since(
    database: Database, store: SharingStore
) -> None:
    await store.record([telling(1, 1, since=None), telling(2, 2, since=None)])
    await OutboxStore(database, "140000").end(bytes([1]) * 16, OutboxState.DELIVERED, None, NOW)
    ended = [told for each in await held(store) for told in each.shared]
    assert [told.state for told in ended] == ["delivered", "queued"]
    await store.record([telling(2, 3, seen=2)])
    await store.record([], ended)
    assert [each.subject for each in await held(store)] == [ref(2)]
    page, after = await store.list("", None, 10, "")
    assert ([(each.basics.subject, each.state) for each in page], after) == ([(ref(2), "queued")], "")


async def test_what_peers_say_is_kept_with_the_end_of_their_message_and_erased_by_it(database: Database) -> None:
    inbox, elsewhere = InboxStore(database, "520000", 10), ElsewhereStore(database)
    held, gone = SubjectBasics(ref(1), "合成", SINCE), SubjectBasics(ref(1))

    async def handled(number: int, sender: str, basics: SubjectBasics) -> None:
        header = MessageHeader(bytes([number]) * 16, sender, "520000", "subject_basics", bytes(32), NOW, NOW + DAY)
        await inbox.take(sender, [SealedMessage(header, bytes(32), b"sealed")])
        assert await inbox.finish(header, Handled(basics=basics, outcome="kept"), NOW)
        again = Handled(basics=SubjectBasics(ref(9), "合成", SINCE))
        assert not await inbox.finish(header, again, NOW), "a message ends once"

    await handled(1, "140000", held)
    await handled(2, "620100", held)
    await handled(3, "140000", SubjectBasics(ref(1), "新名", SINCE))
    page, _ = await elsewhere.list("", None, 10, "")
    assert page == [
        SubjectElsewhere("140000", SubjectBasics(ref(1), "新名", SINCE), NOW),
        SubjectElsewhere("620100", held, NOW),
    ]
    await handled(4, "140000", gone)
    await handled(5, "140000", gone)
    page, _ = await elsewhere.list("", None, 10, "")
    assert [each.holder for each in page] == ["620100"], "one peer erases nothing of another's"


async def test_lists_come_in_pages_of_one_peer_or_one_organisation(database: Database, store: SharingStore) -> None:
    elsewhere = ElsewhereStore(database)
    inbox = InboxStore(database, "520000", 100)
    for number in range(10):
        header = MessageHeader(bytes([number]) * 16, f"{14 + number % 2}0000", "520000", "k", bytes(32), NOW, NOW + DAY)
        await inbox.take(header.sender, [SealedMessage(header, bytes(32), b"")])
        await inbox.finish(header, Handled(basics=SubjectBasics(ref(number // 2), "", SINCE)), NOW)
    found: list[tuple[str, str]] = []
    after, pages = "", 0
    while True:
        page, after = await elsewhere.list("", None, 3, after)
        found += [(each.basics.subject.id, each.holder) for each in page]
        pages += 1
        if not after:
            break
    assert pages == 4
    assert found == [(ref(number).id, holder) for number in range(5) for holder in ("140000", "150000")]
    page, _ = await elsewhere.list("150000", ref(2), 10, "")
    assert [(each.basics.subject, each.holder) for each in page] == [(ref(2), "150000")]
    assert (await elsewhere.count("140000", 3), await elsewhere.count("140000", 9)) == (3, 5)
    for wrong in (elsewhere.list, store.list):
        with pytest.raises(InvalidInput):
            await wrong("", None, 3, "never given")


async def test_requests_of_a_day_are_counted_by_peer_and_kind(database: Database) -> None:
    inbox = InboxStore(database, "520000", 100)
    for number, (sender, kind, at) in enumerate(
        [
            ("140000", "report_request", NOW),
            ("140000", "report_request", NOW - timedelta(microseconds=1)),
            ("140000", "report_delivery", NOW),
            ("620100", "report_request", NOW),
        ]
    ):
        header = MessageHeader(bytes([number]) * 16, sender, "520000", kind, bytes(32), NOW, NOW + DAY)
        await inbox.take(sender, [SealedMessage(header, bytes(32), b"")])
        await inbox.finish(header, Handled(), at)
    header = MessageHeader(bytes([9]) * 16, "140000", "520000", "report_request", bytes(32), NOW, NOW + DAY)
    await inbox.take("140000", [SealedMessage(header, bytes(32), b"")])  # waits: not counted
    assert await inbox.handled_since("140000", "report_request", NOW) == 1
