"""Use cases as the doors see them: counted, timed, and announced to the sequencer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.app.following import Following
from node.clock import Clock
from node.errors import NotAuthenticated
from node.gathering import Gathering
from node.issuance.issue import IssueReports
from node.issuance.standing import ChangeStanding
from node.metrics import Metrics
from node.model.issuing import IssuedReport, ReportOrder
from node.model.log import StatusFlag
from node.model.peers import PeerState
from node.model.presentation import Presentation
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Verdict
from node.rpc.caller import Caller
from node.verification.verify import VerifyReports


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


class MeasuredVerification:
    """Verification, announced so that look-ups are shared, with its verdicts counted by decision and first reason."""

    def __init__(self, verification: VerifyReports, gathering: Gathering, metrics: Metrics) -> None:
        self._verification = verification
        self._gathering = gathering
        self._metrics = metrics

    async def verify(self, presentation: Presentation) -> Verdict:
        """See VerifyReports.verify."""
        with self._gathering.under_way():
            verdict = await self._verification.verify(presentation)
        self._count(verdict)
        return verdict

    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None
    ) -> list[Verdict]:
        """See VerifyReports.verify_batch."""
        verdicts = await self._verification.verify_batch(items, against)
        for verdict in verdicts:
            self._count(verdict)
        return verdicts

    def _count(self, verdict: Verdict) -> None:
        reason = verdict.reasons[0] if verdict.reasons else None
        self._metrics.observe_verdict(verdict.decision, reason)


class Operation:
    """What operators can do."""

    def __init__(self, following: Following, standing: ChangeStanding) -> None:
        self._following = following
        self._standing = standing

    def peers(self) -> list[PeerState]:
        """Peers and how far this node follows them."""
        return self._following.peers()

    async def change_status(
        self, request_id: str, report_number: str, flag: StatusFlag, is_set: bool, reason_code: str, caller: str, /
    ) -> int:
        """See ChangeStanding.change_status."""
        return await self._standing.change_status(request_id, report_number, flag, is_set, reason_code, caller)


def observing_refusals(authenticate: Callable[[bytes], Caller], metrics: Metrics) -> Callable[[bytes], Caller]:
    """The authenticator, with refused certificates counted by reason."""

    def observed(leaf: bytes) -> Caller:
        try:
            return authenticate(leaf)
        except NotAuthenticated as error:
            metrics.observe_refusal(error.reason)
            raise

    return observed
