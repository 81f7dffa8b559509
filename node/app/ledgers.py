"""The own log as the use cases see it, and how entries of peers' logs are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from node.errors import IssuingStopped, NotReady
from node.ledger.assembly import EntryDraft
from node.ledger.feed import Feed
from node.ledger.replica import EntryReader
from node.ledger.sequencer import Sequencer
from node.ledger.settlement import Settlement
from node.model.issuing import ReportRow, StatusRow
from node.model.log import EntryKind, StatusEvent, StatusFlag
from node.storage.closed_logs import ClosedLogStore, StatusKey
from node.storage.log_store import LogStore
from trust.bundle import Inclusion
from trust.errors import MalformedInput, TrustError
from trust.issuers import ClosedLog, TrustedIssuer, open_status_change
from trust.statements import peek_entry


async def _nobody_to_ask() -> None:
    """For a log that nobody else can hold."""


class OwnLedger:
    """Appends through the one sequencer, proves from what is committed."""

    def __init__(
        self,
        sequencer: Sequencer,
        feed: Feed,
        logs: LogStore,
        closed: Sequence[ClosedLog] = (),
        require_issuable: Callable[[], None] = lambda: None,
        peers_asked: Callable[[], Awaitable[object]] = _nobody_to_ask,
    ) -> None:
        """`closed`: the own logs before the one that the sequencer extends, from the first on.

        `require_issuable` raises IssuingStopped or NotReady while nothing may be attested in it (`require_whole`).
        `peers_asked` returns once peers were asked what they hold of it, within seconds (`Gossiping.ask_of_own_log`).
        """
        self._peers_asked = peers_asked
        self._sequencer = sequencer
        self._feed = feed
        self._logs = logs
        self._closed = closed
        self._require_issuable = require_issuable

    async def append(self, entry: bytes, digest: bytes, report_number: str, attach: Callable[[int], ReportRow]) -> int:
        """Commits an attestation with its report. Raises as `require_issuable` does, and as the sequencer.

        The first ones after a start wait until the peers were asked: were our database an older copy, an entry that it
        takes in now would make a second history of what the newest database still heals.
        """
        await self._peers_asked()
        self._require_issuable()
        draft = EntryDraft(entry, digest, EntryKind.ATTESTATION, report_number)
        return await self._sequencer.append(draft, attach)

    async def append_status(
        self, entry: bytes, digest: bytes, status: StatusEvent, attach: Callable[[int], StatusRow]
    ) -> int:
        """Commits a status change with the request that made it.

        Also in a log of two histories: a warning is never held up. A successor logs it again (`huxin log found`).
        """
        draft = EntryDraft(entry, digest, EntryKind.STATUS_CHANGE, status=status)
        return await self._sequencer.append(draft, attach)

    async def prove(self, index: int, digest: bytes, report_number: str) -> Inclusion:
        """Proof that an attestation is in the newest committed head, or in the last that counts of an earlier log.

        `index` is that under which it was logged first: where that was closed before, it was logged again. Raises
        NotReady (LOG_NOT_FOUNDED) until then.
        """
        if not self._closed:
            return await self._feed.prove(index)
        origins = [self._sequencer.keys.origin, *(log.origin for log in reversed(self._closed))]
        found = await self._logs.find_by_digests([(origin, digest, report_number) for origin in origins])
        sizes = {log.origin: log.size for log in self._closed}
        for origin in origins:
            entry = found.get((origin, digest, report_number))
            if entry is not None and entry.index < sizes.get(origin, entry.index + 1):
                return await self._feed.prove(entry.index, origin)
        raise NotReady(
            "LOG_NOT_FOUNDED",
            "The report stands in a log that was closed, and its successor is not founded yet; found it with "
            "`huxin log found`.",
        )


@dataclass(frozen=True, slots=True)
class SettledLogs:
    """What is held of logs that were closed, for verification."""

    settlement: Settlement
    store: ClosedLogStore

    def settled(self, log: ClosedLog) -> bool:
        """Whether our tree leads to the last head that counts."""
        return self.settlement.settled(log)

    async def statuses(self, keys: Sequence[StatusKey]) -> Mapping[StatusKey, Sequence[StatusEvent]]:
        """What each log says of each statement."""
        return await self.store.statuses(keys)

    async def discarded_flags(
        self, keys: Sequence[StatusKey], settled: Collection[str]
    ) -> Mapping[StatusKey, frozenset[StatusFlag]]:
        """What was set in what does not count, and does not stand again in a log of `settled`."""
        return await self.store.discarded_flags(keys, settled)


def require_whole(origin: str, *, split: bool, newest: str) -> None:
    """Nothing is attested in a log on which nobody relies: two histories of it are known, or another one goes on.

    `origin` is that of the log which this process extends, `newest` that of the own log as the trust registry names it
    now. Raises IssuingStopped (OWN_LOG_SPLIT), or NotReady (LOG_CLOSED) once another log goes on in its place: replicas
    of this node that were started again may issue already, so another of them can be asked.
    """
    if newest != origin:
        # Also where this node knows of no second history: what it logged now would be REFER everywhere.
        raise NotReady(
            "LOG_CLOSED",
            "This node's log is closed, and the trust registry names the log that goes on in its place: the operator "
            "begins that with `huxin log found`, unless that is done, and then has to restart the node.",
        )
    if split:
        raise IssuingStopped(
            "OWN_LOG_SPLIT",
            "This node issues no reports for now: its log has two histories, so nobody could rely on them. Its "
            "operator looks at `huxin evidence` and recovers as ops/README.md says (HuxinSplitView: `huxin log "
            "close`, then `huxin log found`); ask again after that.",
        )


def entry_reader(issuer: TrustedIssuer) -> EntryReader:
    """Reads entries of that issuer's log. The head authenticates all of them.

    Signatures of attestations are checked at first use, for there are many; those of status changes at once, for they
    are few and can lift a flag. A change that sets one counts even where its signature cannot be judged: it stands in
    the issuer's log, and its key may be one that the issuer published after the bundle we hold.
    """

    def read(entry: bytes, digest: bytes) -> EntryDraft:
        peeked = peek_entry(entry)
        if peeked.status is None:
            return EntryDraft(entry, digest, EntryKind.ATTESTATION, peeked.report_number)
        change = peeked.status
        try:
            open_status_change(entry, issuer)
        except TrustError as error:
            if not change.set:
                raise MalformedInput(error.message, error.reason) from error
        event = StatusEvent(change.attestation_digest, StatusFlag(change.flag.value), change.set, change.effective_at)
        return EntryDraft(entry, digest, EntryKind.STATUS_CHANGE, status=event)

    return read
