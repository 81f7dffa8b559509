"""Kinds of values on the command line that several commands take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from trust.errors import TrustError
from trust.token_uri import TokenUri, read_token_uri


class TokenParam(click.ParamType[TokenUri]):
    """A PKCS #11 URI (RFC 7512) that names a token."""

    name = "uri"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TokenUri:
        if isinstance(value, TokenUri):
            return value
        try:
            return read_token_uri(str(value))
        except TrustError as error:
            self.fail(error.message, param, ctx)


class Instant(click.ParamType[datetime]):
    """A moment such as 2026-11-20T08:00:00+08:00; with its offset, for a day begins elsewhere at another moment."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        found = _moment(str(value))
        if found is None:
            self.fail("write day, time and offset, such as 2026-11-20T08:00:00+08:00", param, ctx)
        return found


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return None if found.utcoffset() is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
