"""Ending tasks: whoever ends one can be ended as well."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from node.tasks import begun, ended


async def slow_to_end(begun: asyncio.Event, ending: asyncio.Event, may_end: asyncio.Event) -> None:
    begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        ending.set()
        await may_end.wait()


async def test_it_waits_until_the_task_has_ended() -> None:
    begun, ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(slow_to_end(begun, ending, may_end))
    await begun.wait()
    waiting = asyncio.create_task(ended(task))
    await ending.wait()
    assert not waiting.done()
    may_end.set()
    await waiting
    assert task.cancelled()


async def test_whoever_is_cancelled_while_it_waits_does_not_go_on() -> None:
    """A node that is stopped while its trusted state changes: the task that ends followers is ended itself."""
    begun, ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(slow_to_end(begun, ending, may_end))
    await begun.wait()

    async def keeper() -> None:
        await ended(task)
        await asyncio.Event().wait()  # its next turn

    keeping = asyncio.create_task(keeper())
    await ending.wait()
    keeping.cancel()
    may_end.set()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await keeping


async def test_how_it_ends_is_not_the_affair_of_who_ends_it() -> None:
    async def broken() -> None:
        raise OSError

    task = asyncio.create_task(broken())
    await asyncio.sleep(0)
    await ended(task)
    assert isinstance(task.exception(), OSError)


async def test_a_task_that_fails_is_told_of_though_nobody_awaits_it() -> None:
    async def broken() -> None:
        raise OSError

    async def whole() -> None:
        return

    with capture_logs() as logs:
        tasks = [begun(broken(), "one that breaks"), begun(whole(), "one that does not")]
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
    assert [(each["event"], each["task"]) for each in logs] == [("task_ended", "one that breaks")]
