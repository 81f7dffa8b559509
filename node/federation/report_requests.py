"""Reports of other jurisdictions on behalf of their subject (R181): asking for one, and answering who asks.

A window that took the evidence of identity and consent asks; the request names its digest, and the evidence stays at
the window. The issuing node issues by its ordinary rules and answers with the report or with the reason why there is
none. What comes back lies sealed here and is opened for the caller that asked, and for nobody else; it is verified as
every report is, by whoever relies on it. Nothing that is said in the open names the subject (R183, R191).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from node.errors import Conflict, InvalidInput, IssuingStopped, NotEligible, NotFound, NotReady, TooLarge
from node.federation.answering import AnswerPolicy
from node.federation.inbox import NotToBeHandled
from node.federation.messages import Vault, Writer
from node.model.asking import AskedReport, AskOrder, NewAsk, ReportAnswer, ReportAsk
from node.model.issuing import IssuedReport, ReportOrder
from node.model.messages import Draft, Handled, MessageHeader, MessageKind, MessageReason, StoredAnswer
from node.model.subject import IdType
from trust.errors import MalformedInput

_ASK_PURPOSE = b"what was asked"
_BUNDLE_CONTEXT = b"huxin/asked-report/v1 "

_ORDINARY = (NotEligible, InvalidInput, IssuingStopped, Conflict, NotFound, TooLarge)
"""Refusals that travel back as they are: every one of them is a sentence for the subject.

Also that nothing is issued for days: the subject is told, and the messages behind this one go on.
"""


class Contents(Protocol):
    """The wire forms of what these messages hold. Readers raise InvalidInput."""

    def request(self, ask: ReportAsk) -> bytes: ...
    def read_request(self, content: bytes) -> ReportAsk: ...
    def answer(self, answer: ReportAnswer) -> bytes: ...
    def read_answer(self, content: bytes) -> ReportAnswer: ...


class Asked(Protocol):
    """Requests at rest (`node.storage.asked_store`): `add` makes a request and its message durable together."""

    async def add(self, ask: NewAsk, draft: Draft) -> bool: ...
    async def find(self, caller: str, request_id: str, now: datetime) -> tuple[bytes, AskedReport] | None: ...
    async def get(self, ask_id: bytes, caller: str, now: datetime) -> AskedReport | None: ...
    async def receiver(self, ask_id: bytes) -> str | None: ...
    async def bundle(self, ask_id: bytes, caller: str) -> bytes | None: ...
    async def list(self, caller: str, now: datetime, limit: int, after: str) -> tuple[list[AskedReport], str]: ...


class Issuing(Protocol):
    """The ordinary issuance of this jurisdiction. The same order of the same caller gives the same report."""

    async def create(self, order: ReportOrder, caller: str) -> IssuedReport: ...
    async def bundle(self, report_number: str, disclosed_codes: tuple[str, ...]) -> bytes: ...


class AskForReports:
    """The asking side. `known` says whether a division is a jurisdiction that this node trusts, other than itself."""

    def __init__(
        self,
        store: Asked,
        writer: Writer,
        vault: Vault,
        contents: Contents,
        known: Callable[[str], bool],
        now: Callable[[], datetime],
        queued: Callable[[str], None],
    ) -> None:
        self._store = store
        self._writer = writer
        self._vault = vault
        self._contents = contents
        self._known = known
        self._now = now
        self._queued = queued

    async def ask(self, order: AskOrder, caller: str) -> AskedReport:
        """Makes a request durable, or returns the one that the same request id of this caller made (AIP-155).

        Raises InvalidInput for the receiver, NotEligible for a natural person, Conflict for a request id that came
        before with other content, NotReady without a sealing key of our own.
        """
        if order.ask.subject.id_type is IdType.RESIDENT_ID:
            raise NotEligible(
                "NATURAL_PERSON_NEEDS_CONSENT",
                "Reports for natural persons need a recorded consent (R056), which nodes cannot exchange yet; the "
                "person asks the issuing authority's own window.",
            )
        content = self._vault.pseudonym(_ASK_PURPOSE, _meaning(order))
        earlier = await self._earlier(order, caller, content)
        if earlier is not None:
            return earlier
        if not self._known(order.receiver):
            raise InvalidInput(
                "receiver", "No other jurisdiction of this division code is known here; see `huxin trust list`."
            )
        draft = self._writer.write(
            MessageKind.REPORT_REQUEST, order.receiver, order.ask.subject, self._contents.request(order.ask)
        )
        header = draft.header
        ask = NewAsk(header.id, caller, order.request_id, content, order.receiver, header.created_at, header.expires_at)
        if await self._store.add(ask, draft):
            self._queued(order.receiver)
        found = await self._earlier(order, caller, content)
        if found is None:
            raise AssertionError("what was added is there")
        return found

    async def get(self, ask_id: bytes, caller: str) -> AskedReport:
        """A request of this caller. Raises NotFound, for another's as well."""
        found = await self._store.get(ask_id, caller, self._now())
        if found is None:
            raise NotFound("NO_SUCH_ASK", "You asked for no report under this id; see `huxin request list`.")
        return found

    async def list(self, caller: str, limit: int, after: str) -> tuple[list[AskedReport], str]:
        """Requests of this caller, newest first, and the token of the next page ("" on the last)."""
        return await self._store.list(caller, self._now(), limit, after)

    async def bundle(self, ask_id: bytes, caller: str) -> bytes:
        """The bundle that came for a request of this caller. Raises NotFound while, or when, there is none."""
        asked = await self.get(ask_id, caller)
        stored = await self._store.bundle(ask_id, caller)
        if stored is None:
            raise NotFound(
                "NO_ASKED_REPORT",
                "The report was erased, its time here is over; ask again."
                if asked.report_number
                else f"No report is here: the request is {asked.state.value}. `huxin request show ID` says why.",
            )
        try:
            return self._vault.kept(stored, _BUNDLE_CONTEXT + ask_id)
        except MalformedInput:
            raise NotReady(
                "DATABASE_DAMAGED", "What is stored of this report is damaged; the operator restores a backup."
            ) from None

    async def answered(self, header: MessageHeader, content: bytes) -> Handled:
        """Handles a `report_delivery`. Only who was asked can answer."""
        answer = self._contents.read_answer(content)
        if await self._store.receiver(answer.request_id) != header.sender:
            raise NotToBeHandled(MessageReason.NOT_ASKED_FOR)
        if not answer.report_number:
            refusal = StoredAnswer(answer.request_id, header.sender, reason=answer.reason, message=answer.message)
            return Handled(answer=refusal, outcome=answer.reason)
        if answer.report_number[:6] != header.sender:
            raise NotToBeHandled(MessageReason.NOT_READABLE)
        sealed = self._vault.keep(answer.bundle, _BUNDLE_CONTEXT + answer.request_id)
        stored = StoredAnswer(answer.request_id, header.sender, answer.report_number, sealed)
        return Handled(answer=stored, outcome=answer.report_number)

    async def _earlier(self, order: AskOrder, caller: str, content: bytes) -> AskedReport | None:
        found = await self._store.find(caller, order.request_id, self._now())
        if found is None:
            return None
        if found[0] != content:
            raise Conflict(
                "REQUEST_ID_REUSED", "This request_id was used before with other content; choose a new UUID."
            )
        return found[1]


class AnswerRequests:
    """The issuing side, for whom `policy` lets it answer."""

    def __init__(self, policy: AnswerPolicy, issuing: Issuing, writer: Writer, contents: Contents) -> None:
        self._policy = policy
        self._issuing = issuing
        self._writer = writer
        self._contents = contents

    async def answer(self, header: MessageHeader, content: bytes) -> Handled:
        """Handles a `report_request`: issues by the ordinary rules, and queues the report or the reason why not.

        The message's id is the request id of the issue, so that a message handled again brings the same report. The
        report is committed before the answer is queued: a crash in between issues nothing twice.
        """
        ask = self._contents.read_request(content)
        order = ReportOrder(
            request_id=str(uuid.UUID(bytes=header.id)),
            subject=ask.subject,
            period=ask.period,
            exception=None,
            local_codes=ask.local_codes,
            scenario=ask.scenario,
        )
        try:
            await self._policy.require(header.sender)
            report = await self._issuing.create(order, f"{header.sender}/node/{header.kind}")
            bundle = await self._issuing.bundle(report.report_number, ())
            answer = ReportAnswer(header.id, report.report_number, bundle)
            reply = self._reply(header, ask, answer)
        except _ORDINARY as error:
            answer = ReportAnswer(header.id, reason=error.reason, message=error.message)
            reply = self._reply(header, ask, answer)
        return Handled((reply,), outcome=answer.report_number or answer.reason, evidence_digest=ask.evidence_digest)

    def _reply(self, header: MessageHeader, ask: ReportAsk, answer: ReportAnswer) -> Draft:
        kind = MessageKind.REPORT_DELIVERY
        return self._writer.write(kind, header.sender, ask.subject, self._contents.answer(answer))


def _meaning(order: AskOrder) -> bytes:
    """SHA-256 of what is asked of whom."""
    ask = order.ask
    parts = (
        order.receiver,
        ask.subject.id_type.value,
        ask.subject.id,
        ask.period.start.isoformat() if ask.period else "",
        ask.period.end.isoformat() if ask.period else "",
        *ask.local_codes,
        ask.scenario,
        ask.evidence_digest.hex(),
    )
    return sha256("\x1f".join(parts).encode()).digest()
