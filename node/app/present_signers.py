"""With which keys a running node signs at a moment: those of our own bundle as it is then, that others know already."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from node.app.keyring import Keyring
from node.app.registry_view import RegistryView
from node.app.trust_keeper import TrustInUse, TrustKeeper
from node.errors import HuxinError, NotReady
from node.model.registry import RegistryRecord
from node.registry.published import as_members_know
from trust.errors import BadKey, TrustError
from trust.issuers import TrustedIssuer
from trust.keys import Signer
from trust.signing import present_signers, valid_keys

_log = structlog.get_logger(__name__)


class PresentSigners:
    """The signers of each kind of statement. Both methods raise NotReady when nothing is to be signed now."""

    def __init__(self, keyring: Keyring, trust: TrustKeeper, registry: RegistryView) -> None:
        self._keyring = keyring
        self._trust = trust
        self._registry = registry
        self._counted: tuple[TrustedIssuer, RegistryRecord | None, TrustedIssuer] | None = None

    async def of_reports(self, at: datetime) -> Sequence[Signer]:
        """For what is worthless for good when the key turns out to be lost, or not to count yet.

        A compromise that is in the trust directory counts here at once; what was signed a moment before that is lost,
        as everything is since the moment that was published. A new key signs when the members of our trust registry
        count it; until then the key before does, if it still may.
        """
        try:
            trust = await self._current()
        except NotReady:
            raise
        except (HuxinError, TrustError, OSError) as error:
            raise NotReady(
                "NO_OWN_BUNDLE", "Our own bundle cannot be read at this moment; see `huxin doctor`, then ask again."
            ) from error
        own = trust.state.own.trusted
        signers = self._keyring.signing.present(own, at)
        known = self._known(own)
        counting = {key.key.key_id for key in valid_keys(known, at)}
        if counting.issuperset(signer.key_id for signer in signers):
            return signers
        with suppress(BadKey):
            before = present_signers(known, self._keyring.signing.held(), at)
            # Somebody may demand a suite of which a key of ours counted once; one that is all new, nobody can.
            demanded = {key.key.suite for key in known.keys.values()} & {signer.suite for signer in signers}
            if demanded.issubset(signer.suite for signer in before):
                return before
        raise NotReady(
            "KEY_NOT_PUBLISHED",
            "The members of the trust registry do not count the key yet with which a report would be signed now, so it "
            "would be rejected there for good. This node publishes the key by itself as soon as the coordinator "
            "answers (`huxin trust status`): ask again then.",
        )

    async def of_statuses(self, at: datetime) -> Sequence[Signer]:
        """For a change of a report's standing, which nothing holds up: a warning is worth more late than never.

        What sets a flag counts wherever our log is followed, whichever key signed it. What clears one is not believed
        if its key is not known there: the flag stays, no report is relied on for that, and it can be cleared again.
        """
        try:
            trust = await self._current()
        except (HuxinError, TrustError, OSError) as error:
            _log.error("own_bundle_unreadable", reason=getattr(error, "reason", "UNREADABLE"))
            trust = self._trust.present
        return self._keyring.signing.present(trust.state.own.trusted, at)

    async def _current(self) -> TrustInUse:
        before = self._trust.present.state.own.digest
        trust = await self._trust.up_to_date()
        if trust.state.own.digest != before:
            # Where a key was lost, the one in its place came with the same command.
            await asyncio.to_thread(self._keyring.refresh)
        return trust

    def _known(self, own: TrustedIssuer) -> TrustedIssuer:
        """Found again only when our bundle or the registry has changed: a report is issued in milliseconds."""
        record, found = self._registry.record, self._counted
        if found is None or found[0] is not own or found[1] is not record:
            found = self._counted = (own, record, as_members_know(own, record))
        return found[2]
