"""Tasks that go on beside whoever began them: whose failure is told, and how they are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

_log = structlog.get_logger(__name__)


def begun(work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
    """Runs it as a task of that name. Should it fail, an error is logged: nobody may await it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report_end)
    return task


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits until they have ended, however they end.

    To await a task itself, with its cancellation suppressed, would suppress the caller's own as well: a caller that is
    cancelled while it waits here would go on for ever, and with it whoever waits for the caller to end.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("task_ended", task=task.get_name(), exc_info=task.exception())
