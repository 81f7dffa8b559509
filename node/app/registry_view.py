"""The trust registry as the database holds it, followed from memory: whichever replica or command changed it."""

from __future__ import annotations

from typing import Protocol, Self

from node.model.registry import RegistryRecord


class Records(Protocol):
    """Where the registry is kept. Both answer None when none was joined."""

    async def generation(self) -> int | None: ...
    async def load(self) -> RegistryRecord | None: ...


class RegistryView:
    """The newest record that was seen. Open it with `RegistryView.open`."""

    def __init__(self, store: Records, record: RegistryRecord | None) -> None:
        self._store = store
        self.record = record

    @classmethod
    async def open(cls, store: Records) -> Self:
        """The record as it stands."""
        return cls(store, await store.load())

    @property
    def coordinator(self) -> str:
        """Division code of the jurisdiction that releases the registry; "" before one was joined."""
        return "" if self.record is None else self.record.coordinator

    async def poll(self) -> bool:
        """Looks again. Whether there is another record than before."""
        generation = None if self.record is None else self.record.generation
        if await self._store.generation() == generation:
            return False
        self.record = await self._store.load()
        return True
