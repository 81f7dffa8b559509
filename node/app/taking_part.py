"""A running node's part in the trust registry: it refreshes, publishes, and releases where the online keys are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime

from node.app.coordinating import Coordinating
from node.app.publishing import Publishing, Surroundings
from node.app.refreshing import Refreshing, mirrors
from node.app.registering import online_of, registry_in
from node.app.registry_view import RegistryView
from node.app.trust_keeper import TrustKeeper
from node.config.settings import Settings
from node.storage.database import Database

Run = Callable[[Coroutine[object, object, None], str], None]
"""Runs a task for as long as the node runs, under a name."""


def take_part(
    settings: Settings,
    database: Database,
    trust: TrustKeeper,
    view: RegistryView,
    now: Callable[[], datetime],
    told: Callable[[str, str], None],
    run: Run,
) -> Coordinating:
    """Begins all of it, and gives what the door serves. `told` hears of each refresh: the peer, and why it failed."""
    registry, online = registry_in(database, now), online_of(settings)
    refreshing = Refreshing(registry, lambda: trust.present, settings.registry.peer_seconds, told, online)
    coordinating = Coordinating(
        registry, online, now, lambda: refreshing.once(mirrors(trust.present, view.coordinator))
    )
    around = Surroundings(settings, now, lambda: trust.present, lambda: view.coordinator)
    every = settings.registry.refresh_seconds
    run(refreshing.keep(every, lambda: view.coordinator), "refreshing the registry")
    run(coordinating.keep(settings.registry.release_seconds), "releasing the registry")
    run(Publishing(around, registry, coordinating).keep(every), "publishing")
    return coordinating
