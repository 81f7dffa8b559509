"""Remembers arithmetic, and nothing else: outcomes of parsing, hashing and signature checks.

Whether a key is valid, a status is set, a view is fresh or a subject matches is judged anew each time (`trust.steps`).
Forgetting an entry costs time, never safety.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

DEFAULT_MEMO_BYTES = 64 * 1024 * 1024

SMALL_ENTRY_BYTES = 512
"""What a remembered signature check is counted as, its key included."""


class ArithmeticMemo:
    """A bounded memory, least recently used first to go, of about `max_bytes` bytes. Safe for threads.

    Keys begin with the kind of arithmetic and name all its inputs. None cannot be remembered.
    """

    __slots__ = ("_entries", "_lock", "_max_bytes", "_used")

    def __init__(self, max_bytes: int = DEFAULT_MEMO_BYTES) -> None:
        self._max_bytes = max_bytes
        self._used = 0
        self._entries: dict[tuple[Any, ...], tuple[Any, int]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def used_bytes(self) -> int:
        """About how many bytes the remembered entries take."""
        return self._used

    def recall(self, key: tuple[Any, ...]) -> Any | None:
        """The remembered outcome, or None."""
        with self._lock:
            found = self._entries.pop(key, None)
            if found is None:
                return None
            self._entries[key] = found  # a dict keeps insertion order: the last is the most recently used
            return found[0]

    def remember(self, key: tuple[Any, ...], outcome: object, size: int = SMALL_ENTRY_BYTES) -> None:
        """Remember an outcome of about `size` bytes. One larger than the whole memo is let go at once."""
        with self._lock:
            replaced = self._entries.pop(key, None)
            self._used += size - (replaced[1] if replaced else 0)
            self._entries[key] = (outcome, size)
            while self._used > self._max_bytes:
                self._used -= self._entries.pop(next(iter(self._entries)))[1]
