"""Ending tasks that somebody else runs."""

from __future__ import annotations

import asyncio


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits until they have ended, however they end; whoever made them is told of a failure.

    To await a task itself, with its cancellation suppressed, would suppress the caller's own as well: a caller that is
    cancelled while it waits here would go on for ever, and with it whoever waits for the caller to end.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
