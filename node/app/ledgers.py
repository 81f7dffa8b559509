"""The own log as the use cases see it, and how entries of peers' logs are read."""

from __future__ import annotations

from collections.abc import Callable

from node.ledger.assembly import EntryDraft
from node.ledger.feed import Feed
from node.ledger.replica import EntryReader
from node.ledger.sequencer import Sequencer
from node.model.issuing import ReportRow, StatusRow
from node.model.log import EntryKind, StatusEvent, StatusFlag
from trust.bundle import Inclusion
from trust.errors import MalformedInput, TrustError
from trust.issuers import TrustedIssuer, open_status_change
from trust.statements import peek_entry


class OwnLedger:
    """Appends through the one sequencer, proves from what is committed."""

    def __init__(self, sequencer: Sequencer, feed: Feed) -> None:
        self._sequencer = sequencer
        self._feed = feed

    async def append(self, entry: bytes, digest: bytes, report_number: str, attach: Callable[[int], ReportRow]) -> int:
        """Commits an attestation with its report."""
        draft = EntryDraft(entry, digest, EntryKind.ATTESTATION, report_number)
        return await self._sequencer.append(draft, attach)

    async def append_status(
        self, entry: bytes, digest: bytes, status: StatusEvent, attach: Callable[[int], StatusRow]
    ) -> int:
        """Commits a status change with the request that made it."""
        draft = EntryDraft(entry, digest, EntryKind.STATUS_CHANGE, status=status)
        return await self._sequencer.append(draft, attach)

    async def prove(self, index: int) -> Inclusion:
        """Proof that an entry is in the newest committed head."""
        return await self._feed.prove(index)


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
