from __future__ import annotations

import asyncio
import json
import signal
import socket

import pytest
from starlette.applications import Starlette

from node.errors import BadConfiguration
from node.readiness import Check
from node.web.operations import operations_app
from node.web.server import serving
from tests.support.http import Answer, get
from tests.support.metrics import exercised

LOOPBACK = "127.0.0.1"
GOOD = (Check("keys", True, "All keys are loaded."), Check("clock", True, "The clock agrees."))
BAD = (GOOD[0], Check("clock", False, "The clock shows a time before this build was made. Set the clock."))


def app(*results: tuple[Check, ...]) -> Starlette:
    """Pages of a node whose checks give these results one after the other, the last one for ever."""
    waiting = list(results)

    async def readiness() -> tuple[Check, ...]:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return operations_app(exercised(), readiness)


async def asked(application: Starlette, path: str, accept: str = "*/*") -> Answer:
    async with serving(application, LOOPBACK, 0, key="operations.listen") as port:
        return await get(port, path, accept=accept)


async def test_healthz_says_that_the_process_lives_even_when_it_is_not_ready() -> None:
    answer = await asked(app(BAD), "/healthz")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "alive"})


async def test_readyz_is_200_when_all_checks_hold() -> None:
    answer = await asked(app(GOOD), "/readyz")
    body = json.loads(answer.body)
    assert (answer.status, body["ready"], body["failing"]) == (200, True, [])
    assert answer.headers["cache-control"] == "no-store"


async def test_readyz_is_503_and_names_what_fails_and_what_to_do() -> None:
    answer = await asked(app(BAD), "/readyz")
    body = json.loads(answer.body)
    assert (answer.status, body["ready"], body["failing"]) == (503, False, ["clock"])
    assert {"name": "clock", "ok": False, "sentence": BAD[1].sentence} in body["checks"]


async def test_readyz_judges_anew_each_time() -> None:
    async with serving(app(BAD, GOOD), LOOPBACK, 0, key="operations.listen") as port:
        assert (await get(port, "/readyz")).status == 503
        assert (await get(port, "/readyz")).status == 200


async def test_a_scrape_runs_the_checks() -> None:
    answer = await asked(app(BAD), "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert b'huxin_ready{check="clock"} 0.0' in answer.body
    assert b'huxin_ready{check="keys"} 1.0' in answer.body
    assert b'huxin_replica_age_seconds{peer="520000"} 3.0' in answer.body


async def test_a_scrape_speaks_open_metrics_where_asked() -> None:
    answer = await asked(app(GOOD), "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")


async def test_checks_that_hang_are_not_ready_and_do_not_stop_a_scrape() -> None:
    async def hanging() -> tuple[Check, ...]:
        await asyncio.Event().wait()
        return GOOD

    application = operations_app(exercised(), hanging, deadline_seconds=0.05)
    async with serving(application, LOOPBACK, 0, key="operations.listen") as port:
        ready, scrape = await get(port, "/readyz"), await get(port, "/metrics")
    assert (ready.status, json.loads(ready.body)["failing"]) == (503, ["answer"])
    assert b'huxin_ready{check="answer"} 0.0' in scrape.body


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
async def test_a_fault_of_ours_shows_no_exception_text(path: str) -> None:
    async def faulty() -> tuple[Check, ...]:
        raise RuntimeError("text-of-the-exception")

    answer = await asked(operations_app(exercised(), faulty), path)
    assert answer.status == 500
    assert b"text-of-the-exception" not in answer.body


async def test_nothing_else_is_served() -> None:
    assert (await asked(app(GOOD), "/admin")).status == 404


async def test_signals_stay_with_the_node() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    async with serving(app(GOOD), LOOPBACK, 0, key="operations.listen") as port:
        await get(port, "/healthz")
        during = {number: signal.getsignal(number) for number in before}
    assert during == before


async def test_the_port_is_free_again_after_stopping() -> None:
    async with serving(app(GOOD), LOOPBACK, 0, key="operations.listen") as port:
        await get(port, "/healthz")
    async with serving(app(GOOD), LOOPBACK, port, key="operations.listen") as again:
        assert again == port
        assert (await get(port, "/healthz")).status == 200


async def test_a_taken_port_is_a_setting_to_change() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadConfiguration, match=f"operations.listen: cannot listen on 127.0.0.1 port {port}"):
            async with serving(app(GOOD), LOOPBACK, port, key="operations.listen"):
                pass


async def test_a_host_that_is_not_ours_is_a_setting_to_change() -> None:
    with pytest.raises(BadConfiguration, match=r"operations\.listen"):
        async with serving(app(GOOD), "192.0.2.1", 0, key="operations.listen"):
            pass


async def test_ipv6_is_served_as_well() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address (::1)")
    async with serving(app(GOOD), "::1", 0, key="operations.listen") as port:
        assert (await get(port, "/healthz", host="::1")).status == 200
