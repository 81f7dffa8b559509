"""Use cases as the doors see them: counted, timed, and announced to the sequencer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from node.app.following import Following
from node.app.trusted_logs import successor_of
from node.clock import Clock
from node.errors import IssuingStopped, NotReady
from node.gathering import Gathering
from node.issuance.issue import IssueReports
from node.issuance.standing import ChangeStanding
from node.metrics import Metrics
from node.model.issuing import IssuedReport, ReportOrder
from node.model.joint import JointVerdict
from node.model.log import StatusFlag
from node.model.peers import Acknowledged, PeerState
from node.model.presentation import Presentation
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Verdict
from node.model.witnesses import SplitView, SuccessorLog
from node.registry.directory import TrustedState
from node.rpc.refusals import RefusalLog
from node.storage.grouping import GroupedLookup
from node.verification.presenting import present


class MeasuredIssuing:
    """Issuance, timed; reports on their way are announced, so that they share queries and commits."""

    def __init__(self, issuing: IssueReports, gathering: Gathering, metrics: Metrics, clock: Clock) -> None:
        self._issuing = issuing
        self._gathering = gathering
        self._metrics = metrics
        self._clock = clock
        self.get = issuing.get
        self.list = issuing.list
        self.bundle = issuing.bundle
        self.eligibility = issuing.eligibility

    async def create(self, order: ReportOrder, caller: str) -> IssuedReport:
        """See IssueReports.create."""
        began = self._clock.monotonic()
        with self._gathering.under_way():
            report = await self._issuing.create(order, caller)
        self._metrics.observe_issue(self._clock.monotonic() - began)
        return report


class Verifying(Protocol):
    """Verification of many at once, and what a number stands for."""

    async def find_statement(self, report_number: str) -> bytes: ...
    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None, at: datetime | None
    ) -> list[Verdict]: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Ticket:
    """What one caller presented, in a group: equal to itself only."""

    bundle: bytes
    subject: SubjectRef | None
    against: Requirement | None
    at: datetime | None


class MeasuredVerification:
    """Verification, with its verdicts counted by decision and first reason.

    Callers of the same moment are verified together: their look-ups are one query, and the same work done for many in
    a row costs a fraction of what it costs between the calls of a server. Their verdicts are what each would have got
    alone (`tests/verification`).
    """

    def __init__(self, verification: Verifying, gathering: Gathering, metrics: Metrics) -> None:
        self._verification = verification
        self._gathering = gathering
        self._metrics = metrics
        self._together = GroupedLookup(self._verify_together, gathering=gathering)

    async def verify(self, presentation: Presentation) -> Verdict:
        """The verdict on one report. Raises InvalidInput for requirement or moment, NotFound for an unknown number."""
        bundle = presentation.bundle
        if bundle is None:
            bundle = await self._verification.find_statement(presentation.report_number)
        with self._gathering.under_way():
            ticket = _Ticket(bundle, presentation.subject, presentation.against, presentation.at)
            answer = await self._together.get(ticket)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            raise AssertionError("every presentation of a group has an answer")
        self._count(answer)
        return answer

    async def verify_batch(
        self,
        items: Sequence[tuple[bytes, SubjectRef | None]],
        against: Requirement | None,
        at: datetime | None,
    ) -> list[Verdict]:
        """See `node.verification.verify.VerifyReports`."""
        verdicts = await self._verification.verify_batch(items, against, at)
        for verdict in verdicts:
            self._count(verdict)
        return verdicts

    async def present(
        self,
        bundles: Sequence[bytes],
        subject: SubjectRef | None,
        against: Requirement,
        territories: Sequence[str],
        at: datetime | None,
    ) -> JointVerdict:
        """See `node.verification.presenting.present`; the joint verdict is counted, not those that it rests on."""
        joint = await present(self._verification.verify_batch, bundles, subject, against, territories, at)
        self._metrics.observe_verdict(joint.decision, joint.reasons[0] if joint.reasons else None)
        return joint

    async def _verify_together(self, tickets: Sequence[_Ticket]) -> dict[_Ticket, Verdict | Exception]:
        # The requirements of procedures are the same objects for all callers; one that a caller wrote is its own.
        # A moment in the past has rules of its own.
        groups: dict[tuple[int, datetime | None], list[_Ticket]] = {}
        for ticket in tickets:
            groups.setdefault((id(ticket.against), ticket.at), []).append(ticket)
        answers: dict[_Ticket, Verdict | Exception] = {}
        for group in groups.values():
            items = [(ticket.bundle, ticket.subject) for ticket in group]
            try:
                verdicts = await self._verification.verify_batch(items, group[0].against, group[0].at)
            except Exception as error:  # noqa: BLE001 - raised again to the caller that it belongs to
                answers |= await self._apart(group, error)
            else:
                answers.update(zip(group, verdicts, strict=True))
        return answers

    async def _apart(self, group: list[_Ticket], error: Exception) -> dict[_Ticket, Verdict | Exception]:
        """One by one, so that what one caller brought fails that caller alone."""
        if len(group) == 1:
            return {group[0]: error}
        answers: dict[_Ticket, Verdict | Exception] = {}
        for ticket in group:
            answers |= await self._verify_together([ticket])
        return answers

    def _count(self, verdict: Verdict) -> None:
        reason = verdict.reasons[0] if verdict.reasons else None
        self._metrics.observe_verdict(verdict.decision, reason)


class Operation:
    """What operators can do. `acknowledged` says how far a peer has acknowledged our log, `trusted` whom we trust.

    `require_issuable` raises IssuingStopped or NotReady while peers rely on nothing that our log takes in.
    """

    def __init__(
        self,
        following: Following,
        standing: ChangeStanding,
        acknowledged: Callable[[str], Acknowledged | None],
        splits: Callable[[], Iterable[SplitView]],
        trusted: Callable[[], TrustedState],
        require_issuable: Callable[[], None],
    ) -> None:
        self._require_issuable = require_issuable
        self._following = following
        self._acknowledged = acknowledged
        self._splits = splits
        self._trusted = trusted
        self._standing = standing

    def peers(self) -> list[PeerState]:
        """Peers, how far this node follows them, and they this node."""
        return [replace(peer, acknowledged=self._acknowledged(peer.division)) for peer in self._following.peers()]

    def splits(self) -> list[SplitView]:
        """Logs with two histories, with the evidence."""
        return list(self._splits())

    def successor(self, origin: str, /) -> SuccessorLog | None:
        """The log that goes on where this one was closed, as the registry says; None for one that goes on itself."""
        return successor_of(origin, self._trusted())

    def awaits_recovery(self) -> bool:
        """Whether our log has two histories or was closed: peers see nothing of it before its successor is founded."""
        try:
            self._require_issuable()
        except (IssuingStopped, NotReady):
            return True
        return False

    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str, /
    ) -> int:
        """See ChangeStanding.change_status."""
        return await self._standing.change_status(request_id, report_number, flag, is_set, reason_code, caller)


def telling_refusals(log: RefusalLog, metrics: Metrics) -> Callable[[str, str, bytes, str], None]:
    """Every call that its certificate did not open, counted by reason and logged."""

    def told(method: str, reason: str, leaf: bytes, peer: str) -> None:
        metrics.observe_refusal(reason)
        log.tell(method, reason, leaf, peer)

    return told
