"""Pages of lists (AIP-158): sizes and opaque tokens.

A token holds where the next page begins and a digest of the question it belongs to, so that a token presented with
another question is refused instead of answering something odd. It is no secret and grants nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from node.errors import InvalidInput

DEFAULT_SIZE = 20
MAX_SIZE = 100
_DIGEST_BYTES = 9
_MAX_TOKEN = 1_024

T = TypeVar("T")


def page_size(requested: int) -> int:
    """The size to answer with: 0 means 20, more than 100 means 100 (AIP-158: larger requests are brought down)."""
    return min(requested, MAX_SIZE) or DEFAULT_SIZE


def read_token(token: str, question: str) -> str:
    """Where the page begins: what `write_token` was given for the same question, empty for the first page.

    Raises InvalidInput for a token that is not from this list or from this question.
    """
    if not token:
        return ""
    try:
        data = (
            base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True) if len(token) <= _MAX_TOKEN else b""
        )
        after = data[_DIGEST_BYTES:].decode()
    except (binascii.Error, UnicodeError):
        raise _bad_token() from None
    if not after or data[:_DIGEST_BYTES] != _digest(question):
        raise _bad_token()
    return after


def write_token(after: str, question: str) -> str:
    """A token for the page that begins after `after`; the empty token when there is none."""
    return base64.urlsafe_b64encode(_digest(question) + after.encode()).decode() if after else ""


def page_of(
    items: Sequence[T], key: Callable[[T], str], size: int, token: str, question: str
) -> tuple[Sequence[T], str]:
    """One page of a list at hand, by rising key, and the token of the next."""
    after = read_token(token, question)
    rest = sorted((item for item in items if key(item) > after), key=key)
    page = rest[: page_size(size)]
    return page, write_token(key(page[-1]), question) if len(rest) > len(page) else ""


def _digest(question: str) -> bytes:
    return hashlib.sha256(question.encode()).digest()[:_DIGEST_BYTES]


def _bad_token() -> InvalidInput:
    return InvalidInput(
        "page_token",
        "This token does not belong to this list; repeat the request without it, or with the same fields as before.",
        "INVALID_PAGE_TOKEN",
    )
