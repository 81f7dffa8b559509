"""`huxin recognise` against a running node: what it says will be decided is what the node then decides.

Shanxi issues, Guizhou recognises and decides by its own procedures; both are real and on the system's clock, as is the
command line. All subjects are synthetic.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from huxin.v1 import verdict_pb2, verification_service_pb2

from node.adapters.catalogues.registry import discover
from node.app import trust_keeper
from node.app.jurisdictions import load_jurisdictions
from node.app.storing import prepare_database
from node.clock import SystemClock
from node.model.calendar import day_in_china
from node.model.catalogue import Caveat
from tests.cli.running import huxin
from tests.support import nodes

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED = 20261122
CHOICES = 12
PROCEDURES = ("funding", "licensing", "listing", "tender")


@dataclass
class World:
    """The running pair, and a complete report without records for each of Guizhou's procedures."""

    shanxi: nodes.TestJurisdiction
    guizhou: nodes.TestJurisdiction
    reports: dict[str, bytes]

    async def recognise(self, command: str, *arguments: str) -> Any:
        """`huxin recognise COMMAND 140000 ... --json` in Guizhou's home. A preview ends with 1 when something flips."""
        words = ("recognise", command, "140000", *arguments, "--json")
        result = await asyncio.to_thread(huxin, *words, home=self.guizhou.layout.home)
        # The runner takes all of this process's standard output, the running nodes' log lines among it.
        printed = result.stdout or "{}"
        answer, _ = json.JSONDecoder().raw_decode(printed[printed.index("{") :])
        flips = command == "preview" and any(each["flips"] for each in answer["procedures"])
        assert result.exit_code == (1 if flips else 0), result.output
        return answer

    async def verdict(self, procedure: str) -> verdict_pb2.Verdict:
        response = await self.guizhou.verification().Verify(
            verification_service_pb2.VerifyRequest(
                bundle=self.reports[procedure],
                subject=nodes.claim(self.shanxi.subject),
                requirement_id=f"520000/{procedure}",
            )
        )
        verdict: verdict_pb2.Verdict = response.verdict
        return verdict

    async def decided(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Decision and reasons by procedure. Of a rejection the first reason: what follows is what it left unread."""
        found = {}
        for procedure in PROCEDURES:
            verdict = await self.verdict(procedure)
            decision = verdict_pb2.Decision.Name(verdict.decision).removeprefix("DECISION_")
            found[f"520000/{procedure}"] = told(decision, verdict.reasons)
        return found

    async def taken_up(self, digest: str) -> None:
        """Waits until the running node decides by a certificate."""

        async def holds() -> bool:
            return (await self.verdict("tender")).inputs.trust_certificate.hex() == digest

        await nodes.eventually(holds)


def told(decision: str, reasons: Any) -> tuple[str, tuple[str, ...]]:
    return decision, tuple(reasons)[:1] if decision == "REJECT" else tuple(reasons)


def foretold(proposal: Any, when: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {each["requirement_id"]: told(each[when], each[f"reasons_{when}"]) for each in proposal["procedures"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    home, clock = tmp_path_factory.mktemp("recognising"), SystemClock()
    begun = clock.now() - timedelta(minutes=1)
    shanxi, guizhou = (nodes.found(home, division, begun) for division in ("140000", "520000"))
    nodes.introduce([shanxi, guizhou])
    for one in (shanxi, guizhou):
        await prepare_database(one.settings)
    await nodes.register(shanxi)
    catalogue = load_jurisdictions(shanxi.settings).edition_at(clock.now()).catalogue
    await nodes.deliver(shanxi, catalogue, day_in_china(clock.now()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust_keeper, "POLL_SECONDS", 0.02)
        async with nodes.running([shanxi, guizhou], clock):
            reports = {}
            for procedure in PROCEDURES:
                number = await nodes.create_report(shanxi, scenario=procedure)
                reports[procedure] = await nodes.download(shanxi, number)
            await nodes.caught_up(guizhou, shanxi, len(reports))
            yield World(shanxi, guizhou, reports)


async def test_a_recognition_is_granted_used_narrowed_and_withdrawn(world: World) -> None:
    before = await world.decided()
    assert set(before.values()) == {("REJECT", ("ISSUER_NOT_RECOGNISED",))}
    shown = await world.recognise("preview")
    assert foretold(shown, "before") == before

    granted = await world.recognise("grant", "--yes")
    assert foretold(granted, "after") == foretold(shown, "after")
    await world.taken_up(granted["digest"])
    decided = await world.decided()
    assert decided == foretold(granted, "after")
    assert decided["520000/tender"] == ("ACCEPT", ())

    narrower = await world.recognise("grant", "--keep", "--leaf", "MK01", "--yes")
    assert [flip["requirement_id"] for flip in narrower["procedures"] if flip["flips"]]
    await world.taken_up(narrower["digest"])
    verdict = await world.verdict("tender")
    assert (verdict.decision, list(verdict.reasons)) == (verdict_pb2.DECISION_REFER, ["NOT_RECOGNISED"])
    assert {gap.reason for finding in verdict.findings for gap in finding.gaps} == {"NOT_RECOGNISED"}
    assert await world.decided() == foretold(narrower, "after")

    withdrawn = await world.recognise("withdraw", "--reason", "合成示例", "--yes")
    await world.taken_up(withdrawn["digest"])
    assert foretold(withdrawn, "before") == foretold(narrower, "after")
    assert await world.decided() == foretold(withdrawn, "after")
    assert set(foretold(withdrawn, "after").values()) == {("REJECT", ("RECOGNITION_WITHDRAWN",))}


async def test_what_a_preview_foretells_is_what_the_node_decides(world: World) -> None:
    """For scopes, caveats, suites and ages chosen at random, one certificate after the other."""
    chance = random.Random(SEED)  # noqa: S311 - to try choices, not to keep secrets
    seen = set()
    for _ in range(CHOICES):
        arguments = choices(chance)
        before = await world.decided()
        shown = await world.recognise("preview", *arguments)
        assert foretold(shown, "before") == before, arguments
        granted = await world.recognise("grant", *arguments, "--yes")
        await world.taken_up(granted["digest"])
        after = await world.decided()
        assert foretold(shown, "after") == after, arguments
        changed = {procedure for procedure in after if after[procedure][0] != before[procedure][0]}
        assert changed <= {each["requirement_id"] for each in shown["procedures"] if each["flips"]}
        seen |= {decision for decision, _ in after.values()}
    assert seen == {"ACCEPT", "REFER", "REJECT"}  # else the choices would not have tried enough


def choices(chance: random.Random) -> list[str]:
    """Options of a certificate that leaves out little enough for something to be accepted now and then."""
    taxonomy = discover().taxonomy.leaves
    options = {
        "--leaf": [leaf for leaf in taxonomy if chance.random() > chance.choice((0, 0, 0.05, 0.5))],
        "--scenario": chance.sample(PROCEDURES, chance.randint(2, 4)),
        "--accept-caveat": chance.sample([caveat.value for caveat in Caveat], chance.randint(1, 4)),
    }
    if chance.random() < 0.3:
        options["--record-type"] = ["administrative_penalty_ordinary", "severe_dishonesty_list"]
    if chance.random() < 0.3:
        options |= chance.choice(({"--require-suite": ["ed25519"]}, {"--suite": ["ecdsa-p256-sha256"]}))
    if chance.random() < 0.15:
        options["--max-trust-age"] = ["1s"]
    return [word for option, values in options.items() for value in values for word in (option, value)]
