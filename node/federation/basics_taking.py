"""What another jurisdiction tells of our organisations (R183): kept apart from everything that proves anything.

It is the sender's word. No report and no verdict is made of it; it is shown to the platform's own people, and erased
when the sender withdraws it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from node.model.messages import Handled, MessageHeader
from node.model.sharing import SubjectBasics, division_of, may_be_shared
from node.model.subject import Registration, SubjectRef
from node.model.territory import contains

_log = structlog.get_logger(__name__)

MOST_UNREGISTERED = 100_000
"""From so many words of one peer on, those of organisations that our register does not know are not kept: codes can be
made up without end, and our register bounds the others."""

KEPT, ERASED, NOT_KEPT = "kept", "erased", "not_kept"

Registered = Callable[[SubjectRef], Awaitable[Registration | None]]


class Kept(Protocol):
    """What is kept (`node.storage.elsewhere_store`)."""

    async def count(self, holder: str, most: int) -> int: ...


class Content(Protocol):
    """The wire form. Raises InvalidInput, for a natural person as well."""

    def read_basics(self, content: bytes) -> SubjectBasics: ...


class TakeBasics:
    """Takes them in for the node of `own`. `registered` looks into our register."""

    def __init__(self, own: str, registered: Registered, kept: Kept, content: Content) -> None:
        self._own = own
        self._registered = registered
        self._kept = kept
        self._content = content

    async def taken(self, header: MessageHeader, content: bytes) -> Handled:
        """Handles a `subject_basics`. Of whom we have no need to know nothing is kept, nor what was kept before.

        Those are: individuals in business, and organisations of elsewhere, by our register or else by their code.
        """
        basics = self._content.read_basics(content)
        if basics.since is None:
            return Handled(basics=basics, outcome=ERASED)
        registration = await self._registered(basics.subject)
        ours = contains(self._own, division_of(basics.subject, registration))
        if not ours or not may_be_shared(basics.subject, registration):
            return _not_kept(basics)
        if registration is None and await self._kept.count(header.sender, MOST_UNREGISTERED) >= MOST_UNREGISTERED:
            _log.warning("basics_too_many", peer=header.sender, most=MOST_UNREGISTERED)
            return _not_kept(basics)
        return Handled(basics=basics, outcome=KEPT)


def _not_kept(basics: SubjectBasics) -> Handled:
    return Handled(basics=SubjectBasics(basics.subject), outcome=NOT_KEPT)
