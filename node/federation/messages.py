"""Writing messages: a header that tells nothing of the subject, and a content that lies sealed from the beginning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from node.errors import TooLarge
from node.federation.follower import Backoff
from node.model.messages import (
    MAX_SEALED_BYTES,
    OUTBOX_PURPOSE,
    Draft,
    MessageHeader,
    MessageKind,
    message_id,
)
from node.model.subject import SubjectRef
from trust.sealing import OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Timing:
    """Aware civil time, seconds that never run backwards, and a number in [0, 1) that spreads pauses."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses, in seconds. `idle`: how often an empty queue is looked at, for what another process put there.

    A peer of which nothing was heard for `retire_after` is asked every `retired` only.
    """

    backoff: Backoff
    idle: float
    retire_after: float
    retired: float


class Vault(Protocol):
    """The own sealing keys. Each raises NotReady when the key is not here.

    `open` and `kept` raise MalformedInput for what does not open; `context` and `info` are what it is bound to.
    """

    def holds(self, key_id: str) -> bool: ...
    def open(self, key_id: str, sealed: bytes, info: bytes) -> bytes: ...
    def keep(self, content: bytes, context: bytes) -> bytes: ...
    def kept(self, stored: bytes, context: bytes) -> bytes: ...
    def pseudonym(self, purpose: bytes, name: bytes) -> bytes: ...


class Writer:
    """Writes messages of the node of `own`, each with `life` to live. Time and randomness are passed in."""

    def __init__(
        self, own: str, vault: Vault, now: Callable[[], datetime], random: Callable[[int], bytes], life: timedelta
    ) -> None:
        self._own = own
        self._vault = vault
        self._now = now
        self._random = random
        self._life = life

    def write(self, kind: MessageKind, receiver: str, subject: SubjectRef, content: bytes) -> Draft:
        """A message about a subject, to be queued. Raises TooLarge, and NotReady without a sealing key of our own."""
        if len(content) + OVERHEAD_BYTES > MAX_SEALED_BYTES:
            raise TooLarge("TOO_LARGE", f"A message has at most {MAX_SEALED_BYTES} bytes; ask for fewer rows.")
        now = self._now()
        header = MessageHeader(
            id=message_id(now, self._random),
            sender=self._own,
            receiver=receiver,
            kind=kind.value,
            ordering_key=self.ordering_key(receiver, subject),
            created_at=now,
            expires_at=now + self._life,
        )
        return Draft(header, self._vault.keep(content, header.bound(OUTBOX_PURPOSE)))

    def ordering_key(self, receiver: str, subject: SubjectRef) -> bytes:
        """32 bytes, the same for all messages to a receiver about a subject; two receivers cannot compare theirs."""
        return self._vault.pseudonym(
            b"order to " + receiver.encode(), f"{subject.id_type.value}\x1f{subject.id}".encode()
        )
