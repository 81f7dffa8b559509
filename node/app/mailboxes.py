"""Messages as operators see them, and what they can do: try again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from node.errors import InvalidInput, NotFound
from node.model.messages import InboxState, MessageLine, OutboxState
from node.storage.inbox_store import InboxStore
from node.storage.outbox_store import OutboxStore


class _Lines(Protocol):
    async def lines(self, peer: str, state: str, limit: int, before: int, /) -> list[MessageLine]: ...
    async def line(self, message_id: bytes, /) -> MessageLine | None: ...


class _Mailbox:
    def __init__(self, store: _Lines) -> None:
        self._lines = store

    async def lines(self, peer: str, state: str, limit: int, before: int) -> Sequence[MessageLine]:
        """Messages, newest first, of one peer or all, in one state or any, of those before a sequence."""
        return await self._lines.lines(peer, state, limit, before)

    async def line(self, message_id: bytes) -> MessageLine:
        """One message. Raises NotFound."""
        found = await self._lines.line(message_id)
        if found is None:
            raise NotFound("NO_SUCH_MESSAGE", "No message of this id is here; take the id from the list.")
        return found


class OutboxView(_Mailbox):
    """Messages to peers. `hurry` makes the courier of a peer try now."""

    def __init__(self, store: OutboxStore, hurry: Callable[[str], None]) -> None:
        super().__init__(store)
        self._hurry = hurry

    async def retry(self, message_id: bytes) -> MessageLine:
        """Tries the peer of a queued message now. Raises NotFound, InvalidInput when the message has ended."""
        found = await self.line(message_id)
        if found.state != OutboxState.QUEUED:
            raise _ended(found)
        self._hurry(found.peer)
        return found


class InboxView(_Mailbox):
    """Messages from peers. `arrived` makes the attendant of a peer look again."""

    def __init__(self, store: InboxStore, arrived: Callable[[str], None]) -> None:
        super().__init__(store)
        self._store = store
        self._arrived = arrived

    async def retry(self, message_id: bytes) -> MessageLine:
        """Lets a parked message be handled again. Raises NotFound, InvalidInput when the message has ended."""
        found = await self.line(message_id)
        if found.state in {InboxState.HANDLED, InboxState.EXPIRED}:
            raise _ended(found)
        await self._store.retry(message_id)
        self._arrived(found.peer)
        return await self.line(message_id)


def _ended(line: MessageLine) -> InvalidInput:
    return InvalidInput(
        "id",
        f"The message is {line.state}: its content is erased. What it was about is to be asked anew.",
        "MESSAGE_ENDED",
    )
