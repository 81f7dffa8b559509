"""Alembic's entry point: runs the revisions on the connection, and inside the transaction, that `migrate()` brings."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
