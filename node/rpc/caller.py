"""Who calls, as the door knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """A workload whose certificate was validated against its own jurisdiction's CA.

    `division` is its trust domain, `role` one of `node`, `gateway`, `operator`, `source`, `relying-party`, and `detail`
    the unit of a source or the unified social credit code of a relying party, else empty.
    """

    division: str
    role: str
    detail: str = ""

    @property
    def name(self) -> str:
        """One name per caller: the scope of its request ids (AIP-155)."""
        return f"{self.division}/{self.role}/{self.detail}" if self.detail else f"{self.division}/{self.role}"
