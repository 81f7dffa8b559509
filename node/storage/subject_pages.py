"""Lists of subjects by identifier and peer: where a page begins."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Row, Select, Table, tuple_

from node.errors import InvalidInput
from node.model.subject import IdType, SubjectRef


def page_query(
    query: Select[Any], table: Table, peer: Column[str], division: str, subject: SubjectRef | None, after: str
) -> Select[Any]:
    """`query` of one peer or all, of one subject or all, in the order of identifier and peer, from a token on.

    Raises InvalidInput for a token that is none.
    """
    if division:
        query = query.where(peer == division)
    if subject is not None:
        query = query.where(table.c.id_type == subject.id_type.value, table.c.id == subject.id)
    if after:
        parts = after.split(" ")
        if len(parts) != 3:
            raise InvalidInput("page_token", "Pass the next_page_token of the page before, unchanged.")
        query = query.where(tuple_(table.c.id_type, table.c.id, peer) > tuple(parts))
    return query.order_by(table.c.id_type, table.c.id, peer)


def place(row: Row[Any], peer: str) -> str:
    """The token of the page that begins after a row."""
    return f"{row.id_type} {row.id} {peer}"


def subject_of(row: Row[Any]) -> SubjectRef:
    """The subject of a row."""
    return SubjectRef(IdType(row.id_type), row.id)
