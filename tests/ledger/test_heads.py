"""Whoever waits for a head of a log hears of it at once, and never of an older one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from node.ledger.heads import HeadBoard
from node.model.log import LogHead
from tests.ledger.world import NOW, ORIGIN, minutes

HEAD = LogHead(ORIGIN, 5, b"r" * 32, "note", NOW)


def test_heads_grow_in_size_or_freshness() -> None:
    board = HeadBoard()
    assert board.newest(ORIGIN) is None
    for head, newest in (
        (replace(HEAD, fresh_at=None), replace(HEAD, fresh_at=None)),
        (HEAD, HEAD),
        (replace(HEAD, fresh_at=minutes(-1)), HEAD),
        (replace(HEAD, size=4, fresh_at=minutes(9)), HEAD),
        (replace(HEAD, size=6, fresh_at=None), replace(HEAD, size=6, fresh_at=None)),
    ):
        board.publish(head)
        assert board.newest(ORIGIN) == newest
    assert board.newest("huxin/520000") is None


async def test_everyone_who_waits_is_told() -> None:
    board = HeadBoard()
    waiting = [asyncio.create_task(board.newer_than(None, ORIGIN, 60)) for _ in range(3)]
    await asyncio.sleep(0)
    board.publish(replace(HEAD, origin="huxin/520000"))
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    board.publish(HEAD)
    assert await asyncio.gather(*waiting) == [HEAD] * 3


async def test_a_head_that_is_newer_already_is_told_at_once() -> None:
    board = HeadBoard()
    board.publish(HEAD)
    assert await board.newer_than(None, ORIGIN, 60) == HEAD


async def test_waiting_ends_with_what_is_known() -> None:
    board = HeadBoard()
    board.publish(HEAD)
    assert await board.newer_than(HEAD, ORIGIN, 0.01) == HEAD
