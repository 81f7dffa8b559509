"""Whom a node asks for the registry, in which order, and at how many addresses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from node.app import trusting
from node.app.refreshing import MAX_ENDPOINTS, mirrors
from node.app.registry_view import RegistryView
from node.app.trust_keeper import TrustInUse, TrustKeeper
from node.registry.directory import TrustDirectory
from node.verification.trusting import FreshnessLimits
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.nodes import THE_DAY, NoRegistry, TestJurisdiction

OWN, COORDINATOR = "520000", "620100"


def trust_of(one: TestJurisdiction) -> TrustInUse:
    directory = TrustDirectory(one.settings.trust.directory, one.division)
    view, pair = RegistryView(NoRegistry(), None), one.layout.pair("node")
    limits = FreshnessLimits(timedelta(days=7), timedelta(days=1))
    return TrustKeeper(directory, view, pair, limits, SettableClock(THE_DAY).now).present


@pytest.fixture
def members(tmp_path: Path) -> dict[str, TestJurisdiction]:
    found = {division: nodes.found(tmp_path, division) for division in nodes.NAMES}
    nodes.introduce(found.values())
    return found


def test_the_coordinator_is_asked_first_and_the_others_take_turns(members: dict[str, TestJurisdiction]) -> None:
    trust = trust_of(members[OWN])
    orders = [[mirror.division for mirror in mirrors(trust, COORDINATOR, turn)] for turn in range(3)]
    assert orders == [[COORDINATOR, "140000", "210000"], [COORDINATOR, "210000", "140000"], orders[0]]


@pytest.mark.parametrize("coordinator", ["", OWN, "990000"])
def test_where_the_coordinator_is_nobody_to_ask_all_others_take_turns(
    members: dict[str, TestJurisdiction], coordinator: str
) -> None:
    trust = trust_of(members[OWN])
    first = {mirrors(trust, coordinator, turn)[0].division for turn in range(3)}
    assert first == {"140000", "210000", "620100"}


def test_nobody_to_ask(guizhou: TestJurisdiction) -> None:
    assert mirrors(trust_of(guizhou), "", 3) == []


def test_a_peer_with_thousands_of_addresses_keeps_nobody_from_the_others(members: dict[str, TestJurisdiction]) -> None:
    """None of them answers; each would cost us the time of one file."""
    endpoints = tuple(f"192.0.2.1:{port}" for port in range(1, 3_000))
    text = trusting.amend_own_bundle(
        members[COORDINATOR].settings, THE_DAY, lambda own: replace(own, endpoints=endpoints)
    )
    trusting.import_bundle(members[OWN].settings, text, None)
    asked = mirrors(trust_of(members[OWN]), COORDINATOR)
    assert [mirror.endpoint for mirror in asked[:MAX_ENDPOINTS]] == list(endpoints[:MAX_ENDPOINTS])
    assert [mirror.division for mirror in asked[MAX_ENDPOINTS:]] == ["140000", "210000"]
