"""Ending a task that somebody else runs."""

from __future__ import annotations

import asyncio


async def ended(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended, however it ends; whoever made it is told of its failure.

    To await the task itself, with its cancellation suppressed, would suppress the caller's own as well: a caller that
    is cancelled while it waits here would go on for ever, and with it whoever waits for the caller to end.
    """
    task.cancel()
    await asyncio.wait({task})
