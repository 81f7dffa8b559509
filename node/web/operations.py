"""/healthz, /readyz and /metrics: for operators and their tools, on an address that callers cannot reach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from node.metrics import Metrics
from node.readiness import Check, is_ready

READINESS_DEADLINE_SECONDS = 5.0
"""Shorter than Prometheus' scrape timeout (10 s): a database that hangs shows as not ready, not as no metrics."""

_FRESH = {"cache-control": "no-store"}

Readiness = Callable[[], Awaitable[tuple[Check, ...]]]


async def answered_in_time(
    readiness: Readiness, deadline_seconds: float = READINESS_DEADLINE_SECONDS
) -> tuple[Check, ...]:
    """The checks, with one more: `answer`, whether they finished before the deadline. If not, it is the only one."""
    try:
        async with asyncio.timeout(deadline_seconds):
            results = await readiness()
    except TimeoutError:
        return (_unanswered(deadline_seconds),)
    return (*results, Check("answer", True, "The checks finished in time."))


def operations_app(
    metrics: Metrics, readiness: Readiness, *, deadline_seconds: float = READINESS_DEADLINE_SECONDS
) -> Starlette:
    """The three pages. `readiness` gathers the facts and judges them anew at each /readyz and each scrape."""

    async def judged() -> tuple[Check, ...]:
        results = await answered_in_time(readiness, deadline_seconds)
        metrics.set_ready({check.name: check.ok for check in results})
        return results

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_FRESH)

    async def readyz(_request: Request) -> Response:
        results = await judged()
        ready = is_ready(results)
        body = {
            "ready": ready,
            "failing": [check.name for check in results if not check.ok],
            "checks": [{"name": c.name, "ok": c.ok, "sentence": c.sentence} for c in results],
        }
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(body, status_code=status, headers=_FRESH)

    async def scrape(request: Request) -> Response:
        await judged()
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={**_FRESH, "content-type": content_type})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)])


def _unanswered(seconds: float) -> Check:
    return Check(
        "answer",
        False,
        f"The checks did not finish within {seconds:g} seconds. Look at the database first, then the disk.",
    )
