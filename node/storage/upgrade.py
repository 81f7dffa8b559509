"""Bringing a database to the schema of this program version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from node.errors import NotReady

_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x687578696E
""""huxin" in ASCII: replicas that start together migrate one after the other (PostgreSQL)."""


def expected_revision() -> str:
    """The schema revision that this program needs."""
    return ScriptDirectory(str(_MIGRATIONS)).get_current_head() or ""


def present_revision(connection: Connection) -> str:
    """The schema revision of the database, or "" before the first migration."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def require_current(connection: Connection) -> None:
    """Raises NotReady unless the database has exactly this program's schema. Changes nothing."""
    present = present_revision(connection)
    if present == expected_revision():
        return
    _require_known(present)
    raise NotReady(
        "SCHEMA_TOO_OLD",
        f"The database has schema {present or 'none'}, this program reads {expected_revision()}, and only looks here. "
        "Start the node with this program once (`huxin serve`), or use the program that the node runs.",
    )


def _require_known(present: str) -> None:
    known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
    if present and present not in known:
        raise NotReady(
            "SCHEMA_TOO_NEW",
            f"The database has schema {present}, this program knows up to {expected_revision()}. "
            "Start the newer huxin that migrated it, or restore the backup taken before.",
        )


def upgrade(connection: Connection) -> None:
    """Run every missing revision inside the caller's transaction: all of them or none.

    Raises NotReady when the database was migrated by a newer program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    _require_known(present_revision(connection))
    config = Config(attributes={"connection": connection})
    # ConfigParser reads "%" as the start of a reference.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
