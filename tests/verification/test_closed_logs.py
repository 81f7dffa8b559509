"""What is found of a statement across its issuer's logs: which entry counts, and what was said of it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from node.model.log import EntryView, StatusEvent, StatusFlag
from node.verification.logs import Found, Logs, StatementKey
from tests.support.trust import ISSUED, NOW, NUMBER, ORIGIN, World, key
from tests.trust.test_recovery import succession
from tests.verification.world import Closed
from trust.flags import flags_in_force
from trust.issuers import TrustedIssuer
from trust.log.checkpoint import cosign, own_cosigner, sign_head
from trust.log.succession import Succession
from trust.log.tree import EMPTY_ROOT
from trust.memo import ArithmeticMemo
from trust.reading import read

SECOND, THIRD = f"{ORIGIN}/2", f"{ORIGIN}/3"
WORLD = World.build()
READING = read(WORLD.bundle, ArithmeticMemo(1 << 20))
DIGEST = READING.envelope_digest
REVOKED = StatusEvent(DIGEST, StatusFlag.REVOKED, True, ISSUED)
OBJECTED = StatusEvent(DIGEST, StatusFlag.UNDER_OBJECTION, True, ISSUED)
LIFTED = replace(OBJECTED, set=False)


def trusted() -> TrustedIssuer:
    """The first log was closed after three entries, the second after two."""
    assert WORLD.trusted is not None
    first = succession(WORLD, 3)
    text = cosign(sign_head(SECOND, 2, bytes(32), key("next head")), own_cosigner(SECOND), key("next cosigner"), NOW)
    keys = key("third head").spki, key("third cosigner").spki
    second = Succession(SECOND, text, THIRD, *keys, first.decided_at)
    return WORLD.trusted.succeeded(first).succeeded(second)


@dataclass
class Views:
    """Entries by origin."""

    held: dict[str, EntryView] = field(default_factory=dict)

    def hold(self, origin: str, index: int) -> None:
        self.held[origin] = EntryView(origin, index, WORLD.envelope, ())

    async def find_by_digests(self, keys: Sequence[StatementKey]) -> Mapping[StatementKey, EntryView]:
        return {key: self.held[key[0]] for key in keys if key[0] in self.held and key[1] == DIGEST}

    async def find_by_report_number(self, origin: str, report_number: str) -> EntryView | None:
        return self.held.get(origin) if report_number == NUMBER else None


@dataclass
class Desk:
    views: Views = field(default_factory=Views)
    closed: Closed = field(default_factory=lambda: Closed({ORIGIN: 3, SECOND: 2}))

    async def find(self) -> Found:
        (found,) = await Logs(self.views, self.closed).find([(READING, trusted())], NOW)
        return found


async def test_the_newest_log_that_holds_it_counts() -> None:
    desk = Desk()
    assert (await desk.find()).entry is None
    for origin, index in ((ORIGIN, 2), (SECOND, 1), (THIRD, 9)):
        desk.views.hold(origin, index)
        entry = (await desk.find()).entry
        assert entry is not None
        assert (entry.origin, entry.index) == (origin, index)
        by_number = await Logs(desk.views, desk.closed).by_number(trusted(), NUMBER)
        assert by_number is not None
        assert by_number.origin == origin


async def test_beyond_the_last_honest_head_nothing_is_found() -> None:
    desk = Desk()
    desk.views.hold(ORIGIN, 3)
    assert (await desk.find()).entry is None
    assert await Logs(desk.views, desk.closed).by_number(trusted(), NUMBER) is None
    desk.views.hold(SECOND, 1)
    assert (await desk.find()).entry is not None


async def test_what_is_not_settled_is_not_looked_at() -> None:
    desk = Desk(closed=Closed({ORIGIN: 2, SECOND: 2}))  # settled at another size than counts
    desk.views.hold(ORIGIN, 1)
    found = await desk.find()
    assert found.entry is None
    assert found.left_open.unsettled == {ORIGIN}
    assert desk.closed.asked_as_settled == {SECOND}, "nor does anything of it settle a doubt"
    assert await Logs(desk.views, desk.closed).by_number(trusted(), NUMBER) is None


async def test_what_any_later_log_says_counts_in_the_order_of_logs() -> None:
    desk = Desk()
    desk.views.hold(ORIGIN, 0)
    desk.closed.said = {(ORIGIN, DIGEST): (OBJECTED,), (SECOND, DIGEST): (LIFTED,), (THIRD, DIGEST): (REVOKED,)}
    entry = (await desk.find()).entry
    assert entry is not None
    assert entry.statuses == (OBJECTED, LIFTED, REVOKED)


async def test_a_flag_that_was_discarded_is_doubted_until_a_later_log_says_something_of_it() -> None:
    desk = Desk()
    desk.views.hold(ORIGIN, 0)
    desk.closed.discarded = {(ORIGIN, DIGEST): frozenset({StatusFlag.UNDER_OBJECTION})}
    assert (await desk.find()).left_open.doubted
    desk.closed.said = {(ORIGIN, DIGEST): (LIFTED,)}
    assert (await desk.find()).left_open.doubted, "what the same log said before is older"
    desk.closed.said = {(THIRD, DIGEST): (REVOKED,)}
    assert (await desk.find()).left_open.doubted, "that is another flag"
    desk.closed.said = {(SECOND, DIGEST): (LIFTED,)}
    assert not (await desk.find()).left_open.doubted
    desk.closed.discarded = {(SECOND, DIGEST): frozenset({StatusFlag.UNDER_OBJECTION})}
    assert (await desk.find()).left_open.doubted, "the second log's own word was given up with it"


async def test_what_a_lost_key_may_have_cleared_settles_no_doubt() -> None:
    """Its clearing is not believed (`proving_age`), so it says nothing of a flag that was discarded either."""
    desk = Desk()
    desk.views.hold(ORIGIN, 0)
    desk.closed.discarded = {(ORIGIN, DIGEST): frozenset({StatusFlag.UNDER_OBJECTION})}
    desk.closed.said = {(THIRD, DIGEST): (LIFTED,)}
    issuer = trusted()
    lost = {key_id: replace(known, compromised_at=NOW) for key_id, known in issuer.keys.items()}
    (found,) = await Logs(desk.views, desk.closed).find([(READING, replace(issuer, keys=lost))], NOW)
    assert found.left_open.doubted


async def test_what_takes_effect_later_settles_no_doubt_of_before() -> None:
    desk = Desk()
    desk.views.hold(ORIGIN, 0)
    desk.closed.discarded = {(ORIGIN, DIGEST): frozenset({StatusFlag.REVOKED})}
    desk.closed.said = {(THIRD, DIGEST): (replace(REVOKED, effective_at=NOW),)}
    for as_of, doubted in ((NOW - timedelta(seconds=1), True), (NOW, False)):
        (found,) = await Logs(desk.views, desk.closed).find([(READING, trusted())], as_of)
        assert found.left_open.doubted is doubted


async def test_of_a_log_that_ends_before_its_first_entry_no_clearing_counts() -> None:
    """There is nothing to cut it back to, so what it says still stands in our database."""
    assert WORLD.trusted is not None
    first = succession(WORLD, 3)
    note = cosign(sign_head(SECOND, 0, EMPTY_ROOT, key("next head")), own_cosigner(SECOND), key("next cosigner"), NOW)
    keys = key("third head").spki, key("third cosigner").spki
    issuer = WORLD.trusted.succeeded(first).succeeded(Succession(SECOND, note, THIRD, *keys, first.decided_at))
    desk = Desk(closed=Closed({ORIGIN: 3, SECOND: 0}))
    desk.views.hold(ORIGIN, 0)
    desk.closed.said = {(ORIGIN, DIGEST): (OBJECTED,), (SECOND, DIGEST): (LIFTED,)}
    (found,) = await Logs(desk.views, desk.closed).find([(READING, issuer)], NOW)
    assert found.entry is not None
    assert flags_in_force(found.entry.statuses, NOW), "set in a log that counts, cleared in one of which nothing does"


async def test_what_was_read_before_a_log_was_settled_does_not_count() -> None:
    """Another history is given up, and the honest one followed up, while we look."""
    desk = Desk(closed=Closed({SECOND: 2}))

    class Settling(Views):
        async def find_by_digests(self, keys: Sequence[StatementKey]) -> Mapping[StatementKey, EntryView]:
            found = await super().find_by_digests(keys)
            desk.closed.sizes = {ORIGIN: 3, SECOND: 2}
            return found

    views = Settling()
    views.hold(ORIGIN, 1)
    (found,) = await Logs(views, desk.closed).find([(READING, trusted())], NOW)
    assert found.entry is None
    assert found.left_open.unsettled == {ORIGIN}


async def test_an_issuer_with_one_log_costs_one_look_up() -> None:
    desk = Desk()
    desk.views.hold(ORIGIN, 2)
    logs = Logs(desk.views, desk.closed)
    unknown, one = await logs.find([(READING, None), (READING, WORLD.trusted)], NOW)
    assert unknown == Found(None)
    assert one.entry == desk.views.held[ORIGIN]
    assert one.left_open.unsettled == frozenset()
