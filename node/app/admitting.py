"""What stands at the gRPC door of a running node: who comes in, how much each may ask, and who is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from node.app.doors import telling_refusals
from node.app.trust_keeper import TrustKeeper
from node.clock import Clock
from node.config.sections import LimitSettings
from node.config.settings import Settings
from node.metrics import Metrics
from node.rpc.call import Gate
from node.rpc.identity import Authenticator
from node.rpc.limits import Allowance, Limiter
from node.rpc.refusals import RefusalLog


def make_gate(
    settings: Settings,
    trust: TrustKeeper,
    metrics: Metrics,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    heard: Callable[[str], None],
    observe: Callable[[str, str, float], None],
) -> Gate:
    """The guard's surroundings.

    `heard` is told the division of every peer that calls what it may, `observe` method, code and seconds of every call.
    """
    log = RefusalLog(clock.monotonic)
    peers, own = allowances(settings.limits)
    return Gate(
        own_division=settings.division,
        authenticate=Authenticator(trust.validate, trust.version, clock.now),
        observe=observe,
        clock=clock.monotonic,
        new_incident=lambda: uuid.UUID(bytes=random_bytes(16), version=4).hex[:12],
        refused=telling_refusals(log, metrics),
        limiter=Limiter(settings.division, peers, own, metrics.observe_limited),
        limited=log.tell,
        heard=heard,
    )


def allowances(limits: LimitSettings) -> tuple[Allowance, Allowance]:
    """What one peer may have, and what one workload of the own jurisdiction."""
    peers = Allowance(
        limits.peer_calls_per_second,
        limits.peer_received_bytes_per_second,
        limits.peer_sent_bytes_per_second,
        limits.peer_concurrent_calls,
        limits.peer_concurrent_streams,
        limits.burst_seconds,
    )
    own = Allowance(
        limits.own_calls_per_second,
        limits.own_received_bytes_per_second,
        limits.own_sent_bytes_per_second,
        limits.own_concurrent_calls,
        limits.own_concurrent_streams,
        limits.burst_seconds,
    )
    return peers, own
