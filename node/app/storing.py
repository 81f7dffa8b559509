"""A database made ready before anything serves from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from node.config.settings import Settings
from node.errors import NotReady
from node.storage.database import Database
from node.storage.errors import StorageFault, StorageUnavailable


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The node's database, brought to this program's schema, beside a running node or without one.

    Raises BadConfiguration for the URL, NotReady when it cannot be reached or is newer than this program.
    """
    with usable_database():
        database = await Database.open(settings.database.connection_url(), connections=2)
        try:
            await database.migrate()
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def open_to_read(settings: Settings) -> AsyncIterator[Database]:
    """The node's database as it is, for looking only: nothing is brought to this program's schema.

    Raises BadConfiguration for the URL, NotReady when it cannot be reached, is damaged, or has another schema.
    """
    try:
        with usable_database():
            database = await Database.open(settings.database.connection_url(), connections=2)
            try:
                await database.require_schema()
                yield database
            finally:
                await database.close()
    except StorageFault as error:
        raise NotReady(
            "DATABASE_DAMAGED", "The database is damaged or belongs to another program; restore it from a backup."
        ) from error


@contextmanager
def usable_database() -> Iterator[None]:
    """Says to an operator what a caller is told otherwise. Raises NotReady with the driver's code."""
    try:
        yield
    except StorageUnavailable as error:
        raise NotReady(
            error.reason,
            f"The database cannot be reached or takes no writes ({error.code}). Check that it runs and has space, and "
            "database.url (host, port, user, name) and database.password_file; then run this again.",
        ) from error


async def prepare_database(settings: Settings) -> None:
    """Creates or migrates the database."""
    async with open_database(settings):
        pass
