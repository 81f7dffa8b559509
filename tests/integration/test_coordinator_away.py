"""The coordinator of the trust registry stays away for a week, and comes back; or comes back with an old database.

Three real nodes that know each other by the registry alone: Lanzhou coordinates, Shanxi and Guizhou issue and rely. The
time is the test's, and the limits are the defaults. What the nodes' own metrics read makes the shipped alerts fire.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from huxin.v1 import verdict_pb2
from prometheus_client.parser import text_string_to_metric_families

from node.app import trust_keeper, trusting
from node.app.jurisdictions import load_jurisdictions
from node.app.registering import registry_record
from node.app.registry_commands import refresh_from_peers
from node.app.storing import prepare_database
from node.model.registry import RegistryRecord
from tests.integration.provinces import ACCEPT, DELIVERED, REFER, asking, verify
from tests.ops.test_rules import FOLDER as RULES
from tests.support import nodes
from tests.support.clock import SettableClock
from tests.support.federation import federate
from tests.support.http import get
from tests.support.nodes import THE_DAY, TestJurisdiction
from tests.support.promtool import promtool

FRESH, GRACE, STALE, EXPIRED = (
    verdict_pb2.FRESHNESS_CONDITION_FRESH,
    verdict_pb2.FRESHNESS_CONDITION_GRACE,
    verdict_pb2.FRESHNESS_CONDITION_STALE,
    verdict_pb2.FRESHNESS_CONDITION_EXPIRED,
)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
FAST = {
    "HUXIN_REGISTRY__REFRESH_SECONDS": "0.1",
    "HUXIN_REGISTRY__RELEASE_SECONDS": "0.2",
    "HUXIN_FEDERATION__COSIGN_SECONDS": "1",
}
LEAVES = {"140000": "MK01", "520000": "FN01", "620100": "MK01"}
"""Penalties of which each one's complete reports cover whole."""
Samples = Mapping[tuple[tuple[str, str], ...], float]


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)


@dataclass
class Week:
    """The running federation, its clock, and one report of each who issues."""

    lanzhou: TestJurisdiction
    shanxi: TestJurisdiction
    guizhou: TestJurisdiction
    clock: SettableClock
    reports: dict[str, bytes] = field(default_factory=dict)

    @property
    def peers(self) -> tuple[TestJurisdiction, TestJurisdiction]:
        return self.shanxi, self.guizhou

    async def verdict(self, relying: TestJurisdiction, issuer: TestJurisdiction) -> verdict_pb2.Verdict:
        """On a report, through the door, by a view of the issuer's log that is of this moment."""
        asked = asking(relying.division, LEAVES[issuer.division])
        found: list[verdict_pb2.Verdict] = []

        async def of_now() -> bool:
            found[:] = [await verify(relying, self.reports[issuer.division], issuer.subject, asked)]
            return found[0].log_view_freshness.age_seconds == 0 and found[0].HasField("log_view_freshness")

        await nodes.eventually(of_now, 30)
        return found[0]

    async def stands(self, condition: int, decision: int, *reasons: str) -> None:
        """Each of the two decides so on the other's report."""
        for relying, issuer in (self.peers, self.peers[::-1]):
            verdict = await self.verdict(relying, issuer)
            told = (verdict.trust_state.condition, verdict.decision, list(verdict.reasons))
            assert told == (condition, decision, list(reasons)), relying.division

    async def recovered(self) -> None:
        """All that the peers know is of this moment, again."""

        async def current() -> bool:
            ages = [await samples(one, "huxin_trust_state_age_seconds") for one in self.peers]
            return all(len(each) == 3 and set(each.values()) == {0.0} for each in ages)

        await nodes.eventually(current, 30)


@asynccontextmanager
async def week(home: Path) -> AsyncIterator[Week]:
    """Founded, joined, recognising each other and themselves, and running; everything known is of this moment."""
    clock = SettableClock(THE_DAY)
    members = [nodes.found(home, division, extra=FAST) for division in ("620100", "140000", "520000")]
    await federate(members)
    for one in members:
        record = await registry_record(one.settings)
        for other in members:
            choices = trusting.RecognitionChoices(caveats=trusting.DEFAULT_CAVEATS)
            trusting.recognise(one.settings, other.division, choices, THE_DAY, record)
        await prepare_database(one.settings)
        await nodes.register(one)
        await nodes.deliver(one, load_jurisdictions(one.settings).edition_at(THE_DAY).catalogue, DELIVERED)
    clock.advance(timedelta(minutes=1))
    async with nodes.running(members, clock):
        found = Week(members[0], members[1], members[2], clock)
        for one in members:
            number = await nodes.create_report(one)
            found.reports[one.division] = await nodes.download(one, number)
        await nodes.caught_up(found.guizhou, found.lanzhou, 1)
        await nodes.caught_up(found.guizhou, found.shanxi, 1)
        await nodes.caught_up(found.shanxi, found.guizhou, 1)
        await found.recovered()
        yield found


async def samples(one: TestJurisdiction, name: str) -> Samples:
    """A metric's samples by their labels."""
    assert one.node is not None
    text = (await get(one.node.operations_port, "/metrics")).body.decode()
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def ready(one: TestJurisdiction) -> bool:
    assert one.node is not None
    answer = await get(one.node.operations_port, "/readyz")
    return answer.status == 200 and json.loads(answer.body)["ready"] is True


async def record_of(one: TestJurisdiction) -> RegistryRecord:
    record = await registry_record(one.settings)
    assert record is not None
    return record


READ = ("huxin_trust_state_age_seconds", "huxin_expiry_timestamp_seconds", "huxin_ready")


@dataclass
class Alarms:
    """Which alerts fire when a node's metrics read, for hours, what they read at some moments."""

    folder: Path
    tests: list[dict[str, Any]] = field(default_factory=list)

    async def expect(self, one: TestJurisdiction, now: datetime, *alerts: str) -> None:
        """These and no other."""
        hours = 3
        series = []
        for name in READ:
            for labels, value in (await samples(one, name)).items():
                shown = ", ".join(f'{key}="{text}"' for key, text in labels)
                # promtool begins at the year 1970, and asks at the end of these hours.
                at = value - now.timestamp() + hours * 3_600 if name == READ[1] else value
                written = f'{name}{{job="huxin", instance="{one.division}", {shown}}}'
                series.append({"series": written, "values": f"{at}x{hours * 60}"})
        fires = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]
        expression = 'group by (alertname) (ALERTS{alertstate="firing", alertname!="HuxinNoTargets"})'
        self.tests.append(
            {
                "name": f"{one.division} at {now}",
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [{"expr": expression, "eval_time": f"{hours}h", "exp_samples": fires}],
            }
        )

    def check(self) -> None:
        """Asks promtool. Fails with what it says."""
        document = {
            "rule_files": [str((RULES / "huxin.rules.yml").resolve())],
            "evaluation_interval": "1m",
            "tests": self.tests,
        }
        (self.folder / "week.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
        done = promtool("test", "rules", "week.yml", folder=self.folder)
        assert done.returncode == 0, done.stdout + done.stderr


def at_age(seconds: float) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """The policy: condition, decision and its reasons, and the alerts, of trust of that age without a coordinator."""
    known = ("HuxinTrustStateNotFresh",)
    if seconds < 86_400:
        return FRESH, ACCEPT, (), ()
    if seconds < 4 * 86_400:
        return GRACE, ACCEPT, (), known if seconds > 86_400 else ()
    if seconds < 5 * 86_400:
        return GRACE, ACCEPT, (), (*known, *(("HuxinMetadataEndsInADay",) if seconds > 4 * 86_400 else ()))
    ended = ("HuxinMetadataEnded",) if seconds > 5 * 86_400 else ()  # it waits for two minutes
    return EXPIRED, REFER, ("TRUST_STATE_EXPIRED",), (*known, *ended)


async def test_a_week_without_the_coordinator(tmp_path: Path) -> None:
    alarms = Alarms(tmp_path)
    async with week(tmp_path / "homes") as found:
        began = found.clock.now()
        await found.lanzhou.stop()
        known: dict[str, RegistryRecord] = {}
        limits = [DAY - SECOND, 5 * DAY - SECOND, 7 * DAY]
        for age in sorted([*(step * 12 * HOUR for step in range(1, 14)), *limits]):
            found.clock.set(began + age)
            await _stands_at(found, age, alarms)
            known = known or {one.division: await record_of(one) for one in found.peers}
            if age in (3 * DAY, 6 * DAY):
                # What was verified before is at hand after a restart, and as old as it was.
                await found.guizhou.stop()
                await found.guizhou.start(found.clock)
                await nodes.caught_up(found.guizhou, found.shanxi, 1)
                await _stands_at(found, age, alarms)
        # Nothing of what they know has changed meanwhile.
        assert {one.division: await record_of(one) for one in found.peers} == known

        await found.lanzhou.start(found.clock)
        await found.recovered()
        await found.stands(FRESH, ACCEPT)
        await alarms.expect(found.guizhou, found.clock.now())
        assert all([await ready(one) for one in (*found.peers, found.lanzhou)])
    alarms.check()


async def _stands_at(found: Week, age: timedelta, alarms: Alarms) -> None:
    """Verdicts, readings and readiness at an age of everything that the coordinator signed."""
    seconds = age.total_seconds()
    condition, decision, reasons, alerts = at_age(seconds)
    await found.stands(condition, decision, *reasons)
    for one in found.peers:
        ages = await samples(one, "huxin_trust_state_age_seconds")
        # Own trusted state does not age: who issues goes on, and believes itself.
        assert {issuer: value for ((_, issuer),), value in ages.items()} == {
            division: 0.0 if division == one.division else seconds for division in ("140000", "520000", "620100")
        }
        own = await found.verdict(one, one)
        assert (own.decision, own.trust_state.condition, own.trust_state.HasField("expires_at")) == (
            ACCEPT,
            FRESH,
            False,
        )
        await nodes.eventually(partial(ready, one))
        ends = await samples(one, "huxin_expiry_timestamp_seconds")
        assert ends[("kind", "metadata"), ("name", "timestamp")] == (found.clock.now() - age + 5 * DAY).timestamp()
    # The reports of who is away itself: what was withdrawn of them since nobody could have told.
    asked = asking(found.guizhou.division, LEAVES[found.lanzhou.division], 12)
    asked.items[0].record_types[:] = ["administrative_penalty_ordinary"]
    verdict = await verify(found.guizhou, found.reports[found.lanzhou.division], found.lanzhou.subject, asked)
    stale = age > DAY
    assert (verdict.log_view_freshness.condition == STALE) == stale
    assert verdict.decision == (REFER if stale else ACCEPT), verdict.reasons
    assert ("LOG_VIEW_STALE" in verdict.reasons) == stale
    await alarms.expect(found.guizhou, found.clock.now(), *alerts)


# A coordinator that went back itself


@asynccontextmanager
async def restored(home: Path) -> AsyncIterator[Week]:
    """Lanzhou stands still with a copy of its database that is older than what it has released since."""
    async with week(home) as found:
        database = found.lanzhou.layout.home / "huxin.db"
        await found.lanzhou.stop()
        _back_up(database, home / "copy.db")
        await found.lanzhou.start(found.clock)
        found.clock.advance(HOUR)
        trusting.amend_own_bundle(
            found.shanxi.settings,
            found.clock.now(),
            lambda bundle: replace(bundle, contacts=("值班电话 000",)),
        )
        await nodes.eventually(lambda: _knows(found.guizhou), 30)
        await nodes.eventually(lambda: _knows(found.lanzhou), 30)
        await found.recovered()
        await found.lanzhou.stop()
        for suffix in ("", "-wal", "-shm"):
            database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
        _back_up(home / "copy.db", database)
        assert not await _knows(found.lanzhou)
        found.clock.advance(HOUR)
        yield found


def _back_up(database: Path, to: Path) -> None:
    """A whole copy, as operators make one."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def said(record: RegistryRecord) -> set[tuple[str, str, str, bytes]]:
    """What holds by a record; when it was learned is another matter for who had lost it."""
    return {(fact.division, fact.kind, fact.name, fact.digest) for fact in record.facts if fact.known_until is None}


async def _knows(one: TestJurisdiction) -> bool:
    """Whether it knows the second bundle of Shanxi."""
    state = trusting.trusted_state(one.settings, await registry_record(one.settings))
    return state.jurisdictions["140000"].bundle.version == 2


async def test_a_coordinator_with_an_old_database_goes_on_from_what_its_peers_have(tmp_path: Path) -> None:
    async with restored(tmp_path) as found:
        before = await record_of(found.guizhou)
        await found.lanzhou.start(found.clock)
        await found.recovered()
        after = await record_of(found.lanzhou)
        assert await _knows(found.lanzhou)
        assert after.snapshot_version >= before.snapshot_version
        assert said(after) == said(before)
        await found.stands(FRESH, ACCEPT)
        # And it goes on by itself.
        found.clock.advance(DAY)
        await found.recovered()
        assert (await record_of(found.guizhou)).facts == before.facts


async def test_releases_on_an_old_database_are_refused_until_a_peer_is_heard(tmp_path: Path) -> None:
    async with restored(tmp_path) as found:
        for one in found.peers:
            await one.stop()
        before = await record_of(found.guizhou)
        await found.lanzhou.start(found.clock)

        async def released() -> bool:
            return (await record_of(found.lanzhou)).signed_at == found.clock.now()

        await nodes.eventually(released, 30)
        assert not await _knows(found.lanzhou)
        told: dict[str, str] = {}
        # Before its node starts: after that the coordinator may have heard it before it asks.
        good, _ = await refresh_from_peers(found.guizhou.settings, found.clock.now, told.__setitem__)
        assert (good, told["620100"]) == (False, "REGISTRY_ROLLBACK")
        for one in found.peers:
            await one.start(found.clock)
        await found.recovered()
        assert await _knows(found.lanzhou)
        after = await record_of(found.guizhou)
        assert after.facts == before.facts
        await found.stands(FRESH, ACCEPT)
