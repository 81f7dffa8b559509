"""Checks that several services make of their requests."""

from __future__ import annotations

import uuid

from node.errors import InvalidInput
from node.model.identifiers import parse_report_number


def request_id(value: str, path: str = "request_id") -> str:
    """A UUID in its usual form (RFC 9562), lower case: it makes a repeated create answer alike (AIP-155)."""
    try:
        parsed = uuid.UUID(value)
    except ValueError:
        parsed = uuid.UUID(int=0)
    if parsed.int == 0 or str(parsed) != value.lower():
        raise InvalidInput(
            path, "A request id is a fresh UUID such as 0d3c9a52-7a86-4f0e-9c25-6b0f6f5f6d4e; repeat it only to retry."
        )
    return str(parsed)


def report_number(value: str, path: str = "report_number") -> str:
    """A report number in its one written form."""
    return parse_report_number(value, path).text
