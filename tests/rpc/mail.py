"""What stands behind the doors for messages in `tests/rpc/world.py`: values in memory. All data is synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from node.errors import NotFound
from node.model.asking import AskedReport, AskedState, AskOrder
from node.model.messages import Delivery, DeliveryOutcome, MessageLine, MessageReason, SealedMessage
from node.model.sharing import SharedBasics, SubjectBasics, SubjectElsewhere
from node.model.subject import IdType, SubjectRef

WRITTEN = datetime(2026, 11, 22, 2, tzinfo=UTC)
ASK_ID = bytes(range(16))


@dataclass
class Mail:
    """Takes what can be read, from whoever brings it."""

    taken: list[tuple[str, SealedMessage | None]] = field(default_factory=list)
    failure: Exception | None = None

    async def deliver(self, sender: str, messages: Sequence[SealedMessage | None]) -> Sequence[Delivery]:
        if self.failure is not None:
            raise self.failure
        self.taken += [(sender, message) for message in messages]
        return [
            Delivery(DeliveryOutcome.DELIVERED)
            if message
            else Delivery(DeliveryOutcome.REFUSED, MessageReason.MALFORMED)
            for message in messages
        ]


@dataclass
class Asking:
    """One request of the own gateway's, and what was asked."""

    orders: list[tuple[AskOrder, str]] = field(default_factory=list)
    bundle_bytes: bytes = b"bundle" * 30_000

    async def ask(self, order: AskOrder, caller: str) -> AskedReport:
        self.orders.append((order, caller))
        return asked()

    async def get(self, ask_id: bytes, caller: str) -> AskedReport:
        if (ask_id, caller) != (ASK_ID, "140000/gateway"):
            raise NotFound("NO_SUCH_ASK", "You asked for no report under this id.")
        return asked()

    async def list(self, caller: str, limit: int, after: str) -> tuple[list[AskedReport], str]:
        assert caller == "140000/gateway"
        return ([asked()] * limit, "next") if not after else ([asked()], "")

    async def bundle(self, ask_id: bytes, caller: str) -> bytes:
        await self.get(ask_id, caller)
        return self.bundle_bytes


def asked() -> AskedReport:
    return AskedReport(ASK_ID, "520000", AskedState.ASKED, WRITTEN, WRITTEN + timedelta(days=7))


@dataclass
class Sharing:
    """Three organisations, elsewhere and shared; and what was asked of them."""

    asked: list[tuple[str, SubjectRef | None]] = field(default_factory=list)

    async def elsewhere(
        self, holder: str, subject: SubjectRef | None, limit: int, after: str
    ) -> tuple[list[SubjectElsewhere], str]:
        self.asked.append((holder, subject))
        page, after = _page(limit, after)
        return [SubjectElsewhere("520000", each, WRITTEN) for each in page], after

    async def shared(
        self, receiver: str, subject: SubjectRef | None, limit: int, after: str
    ) -> tuple[list[SharedBasics], str]:
        self.asked.append((receiver, subject))
        page, after = _page(limit, after)
        return [SharedBasics("520000", each, ASK_ID, WRITTEN, "queued") for each in page], after


def _page(limit: int, after: str) -> tuple[list[SubjectBasics], str]:
    codes = [f"9114000000000000{number:02}" for number in range(3)]
    rest = [code for code in codes if code > after]
    page = [SubjectBasics(SubjectRef(IdType.USCC, code), "合成", WRITTEN.date()) for code in rest[:limit]]
    return page, rest[limit - 1] if len(rest) > limit else ""


@dataclass
class Mailbox:
    """Thirty messages of one state."""

    state: str
    retried: list[bytes] = field(default_factory=list)

    async def lines(self, peer: str, state: str, limit: int, before: int) -> Sequence[MessageLine]:
        everything = [self._line(number) for number in range(30, 0, -1)]
        return [
            line
            for line in everything
            if line.sequence < before and peer in {"", line.peer} and state in {"", line.state}
        ][:limit]

    async def line(self, message_id: bytes) -> MessageLine:
        number = int.from_bytes(message_id)
        if not 1 <= number <= 30:
            raise NotFound("NO_SUCH_MESSAGE", "No message of this id is here.")
        return self._line(number)

    async def retry(self, message_id: bytes) -> MessageLine:
        self.retried.append(message_id)
        return await self.line(message_id)

    def _line(self, number: int) -> MessageLine:
        return MessageLine(
            sequence=number,
            id=number.to_bytes(16),
            peer="520000" if number % 2 else "620100",
            kind="report_request",
            state=self.state,
            reason="UNREACHABLE",
            created_at=WRITTEN,
            expires_at=WRITTEN + timedelta(days=7),
            ended_at=None,
            attempts=number,
            ordering_key=bytes([number]) * 32,
        )
