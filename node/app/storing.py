"""A database made ready before anything serves from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from node.config.settings import Settings
from node.storage.database import Database


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The node's database, brought to this program's schema, beside a running node or without one.

    Raises BadConfiguration for the URL, NotReady when it cannot be reached or is newer than this program.
    """
    database = await Database.open(settings.database.connection_url(), connections=2)
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


async def prepare_database(settings: Settings) -> None:
    """Creates or migrates the database."""
    async with open_database(settings):
        pass
