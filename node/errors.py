"""Errors that a use case raises. `rpc/status.py` alone turns them into gRPC status.

HuxinError
├── InvalidInput          a field is wrong; names it and says what to do          INVALID_ARGUMENT
├── NotFound              the named thing does not exist here                     NOT_FOUND
├── NotEligible           this jurisdiction cannot issue for this subject         FAILED_PRECONDITION
├── IssuingStopped        nothing new may be attested until an operator has acted           FAILED_PRECONDITION
├── Conflict              a request_id was used before with other content         ALREADY_EXISTS
├── TooLarge              over a stated limit                                     RESOURCE_EXHAUSTED
├── OverLimit             too much of one caller, or too soon                     RESOURCE_EXHAUSTED, with RetryInfo
├── NotPermitted          the caller's certificate does not open this             PERMISSION_DENIED
├── NotAuthenticated      the caller's certificate is missing or not accepted     UNAUTHENTICATED
├── NotReady              the node cannot be trusted at the moment                UNAVAILABLE, with RetryInfo
├── BadSource             a data file or delivery is unusable; names file, row, column
└── BadConfiguration      a setting is wrong; names the key
"""

from __future__ import annotations


class HuxinError(Exception):
    """Base. `reason` is a stable code in UPPER_SNAKE_CASE; the message says what happened and what to do next.

    Messages reach callers: they MUST NOT hold identifiers of subjects, keys, paths of the server or exception texts.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class InvalidInput(HuxinError):
    """A field of a request is wrong."""

    def __init__(self, field: str, message: str, reason: str = "INVALID_FIELD") -> None:
        super().__init__(reason, message)
        self.field = field


class NotFound(HuxinError):
    """The named thing does not exist on this node."""


class NotEligible(HuxinError):
    """No report can be issued here for that subject (R022)."""


class IssuingStopped(HuxinError):
    """Nothing new may be attested here until an operator has acted; asking again sooner does not help."""


class Conflict(HuxinError):
    """The same request_id came with other content (AIP-155)."""


class TooLarge(HuxinError):
    """Over a stated limit."""


class OverLimit(HuxinError):
    """One caller asks too much, or too soon. `retry_seconds`: after how long it may come back; more than 0."""

    def __init__(self, reason: str, message: str, retry_seconds: float) -> None:
        super().__init__(reason, message)
        self.retry_seconds = retry_seconds


class NotPermitted(HuxinError):
    """The caller's certificate does not open this method."""


class NotAuthenticated(HuxinError):
    """The caller's certificate is missing or not accepted."""


class NotReady(HuxinError):
    """The node cannot be trusted at the moment; a later retry can help."""


class BadSource(HuxinError):
    """A data file or delivery is unusable. Names file, row and column where they are known."""

    def __init__(self, file: str, message: str, *, row: int | None = None, column: str = "") -> None:
        place = file + (f", row {row}" if row is not None else "") + (f", column {column}" if column else "")
        super().__init__("BAD_SOURCE", f"{place}: {message}")
        self.file, self.row, self.column = file, row, column


class BadConfiguration(HuxinError):
    """A setting is wrong."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__("BAD_CONFIGURATION", f"{key}: {message}")
        self.key = key
