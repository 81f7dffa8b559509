"""A peer that does not give what it was asked for."""

from __future__ import annotations

from node.model.peers import PeerTrouble


class PeerUnavailable(Exception):
    """The peer cannot be reached, refused us, or broke off. The message is a sentence without addresses.

    `retry_seconds`: how long it asks us to wait, 0.0 when it does not. `answered`: its own node says so, and is alive.
    """

    def __init__(
        self,
        message: str,
        trouble: PeerTrouble = PeerTrouble.AWAY,
        *,
        retry_seconds: float = 0.0,
        answered: bool = False,
    ) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.retry_seconds = retry_seconds
        self.answered = answered

    @property
    def refused(self) -> bool:
        """Whether it does not accept us: then waiting alone does not help."""
        return self.trouble is PeerTrouble.REFUSED
