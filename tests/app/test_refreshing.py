"""Asking peers for the registry: whose trouble it is when that fails."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from node.app.registry_commands import refresh_from_peers
from node.app.storing import prepare_database
from tests.support.federation import federate
from tests.support.nodes import THE_DAY, TestJurisdiction


async def test_our_own_disk_is_not_told_as_an_attack_of_the_peer(
    shanxi: TestJurisdiction, guizhou: TestJurisdiction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (shanxi, guizhou):
        await prepare_database(one.settings)
    await federate([shanxi, guizhou])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    told: list[tuple[str, str]] = []
    good, record = await refresh_from_peers(
        guizhou.settings, lambda: THE_DAY, lambda peer, reason: told.append((peer, reason))
    )
    assert not good
    assert record is not None
    assert told == [("140000", "REGISTRY_FAILED_HERE")]
