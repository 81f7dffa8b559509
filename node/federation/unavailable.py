"""A peer that does not give what it was asked for."""

from __future__ import annotations


class PeerUnavailable(Exception):
    """The peer cannot be reached, refused us, or broke off. The message is a sentence without addresses.

    `refused`: it does not accept our certificate. `retry_seconds`: how long it asks us to wait, 0.0 when it does not.
    """

    def __init__(self, message: str, *, refused: bool = False, retry_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.refused = refused
        self.retry_seconds = retry_seconds
