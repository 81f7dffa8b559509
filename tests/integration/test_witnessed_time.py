"""Reports that are older than the compromise of the key that signed them, told apart from forged ones.

Real nodes: Shanxi issues, Guizhou and Lanzhou follow it and each other. The thief holds Shanxi's signing key and gets
what it signed into Shanxi's log, dated back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from huxin.v1 import verdict_pb2

from node.app import trusting
from node.app.keyring import load_keyring
from node.app.storing import open_database
from node.storage.log_store import LogStore
from node.storage.witness_store import WitnessStore
from tests.integration import dishonest
from tests.integration.provinces import ACCEPT, OF_SHANXI, REFER, REJECT, Provinces, asking, provinces, verify
from tests.integration.test_split_views import huxin
from tests.support import nodes
from tests.support.nodes import TestJurisdiction
from trust import statements
from trust.algorithms import Suite
from trust.bundle import encode_bundle, read_bundle
from trust.envelope import seal, to_json
from trust.keys import generate
from trust.statements import encode_envelope
from trust.vocabulary import SigningKeyInfo, StatusChange, StatusFlag

MINUTE = timedelta(minutes=1)
SETTINGS = {"HUXIN_FEDERATION__GOSSIP_SECONDS": "0.2", "HUXIN_FEDERATION__COSIGN_SECONDS": "1"}
SECONDS = 30.0
ORIGIN, LANZHOU = "huxin/140000", "620100"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.app.trust_keeper.POLL_SECONDS", 0.05)
    monkeypatch.setattr("node.app.running.POLL_SECONDS", 0.05)


@asynccontextmanager
async def pair(home: Path) -> AsyncIterator[Provinces]:
    async with provinces(home, extra=SETTINGS) as running:
        yield running


async def known_report(world: Provinces) -> bytes:
    """A new report of Shanxi whose entry Guizhou holds."""
    _, bundle = await world.report(world.shanxi)
    await held(world, bundle)
    return bundle


async def held(world: Provinces, bundle: bytes) -> None:
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    await nodes.caught_up(world.guizhou, world.shanxi, inclusion.index + 1)


async def forged(world: Provinces, genuine: bytes, issued_at: datetime) -> bytes:
    """What a thief of the signing key makes of a genuine report, dated back, and gets into Shanxi's log."""
    stolen = load_keyring(world.shanxi.settings).signing.first
    entry = read_bundle(dishonest.resigned(genuine, stolen, issued_at=issued_at)).envelope_bytes
    inclusion = await dishonest.log_anything(world.shanxi, entry)
    whole = read_bundle(genuine)
    bundle = encode_bundle(entry, whole.subject_salt, whole.disclosure, whole.report_salt, inclusion)
    await held(world, bundle)
    return bundle


def compromise(world: Provinces, since: datetime, at: TestJurisdiction | None = None) -> None:
    """A relying jurisdiction is handed a bundle in which Shanxi's first key was lost, signed by a new, compared key."""
    relying, fresh, now = at or world.guizhou, generate(Suite.ED25519), world.clock.now()
    known = trusting.trusted_state(relying.settings).jurisdictions["140000"].bundle
    first, *others = known.signing_keys
    lost = replace(first, compromised_at=since)
    keys = (lost, *others, SigningKeyInfo(fresh.spki, fresh.suite, now))
    bundle = replace(known, version=known.version + 1, issued_at=now, signing_keys=keys)
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), [fresh])
    trusting.import_bundle(relying.settings, to_json(sealed), fresh.key_id)


async def ask(world: Provinces, bundle: bytes, at: datetime | None = None) -> verdict_pb2.Verdict:
    return await verify(world.guizhou, bundle, world.shanxi.subject, OF_SHANXI, at)


async def told(world: Provinces, bundle: bytes, decision: int, reason: str) -> verdict_pb2.Verdict:
    """Waits until Guizhou knows of the compromise and answers so."""
    found: list[verdict_pb2.Verdict] = []

    async def answered() -> bool:
        verdict = await ask(world, bundle)
        found.append(verdict)
        return (verdict.decision, verdict.steps[3].reason) == (decision, reason)

    await nodes.eventually(answered, SECONDS)
    return found[-1]


async def test_an_old_report_stands_and_a_forged_one_of_the_same_date_does_not(tmp_path: Path) -> None:
    async with pair(tmp_path) as world:
        genuine = await known_report(world)
        issued_at = world.clock.now()
        world.clock.advance(10 * MINUTE)
        compromised_at = world.clock.now()
        world.clock.advance(MINUTE)
        lie = await forged(world, genuine, issued_at + timedelta(seconds=1))
        late = await known_report(world)
        assert [(await ask(world, each)).decision for each in (genuine, lie, late)] == [ACCEPT, ACCEPT, ACCEPT], (
            "until the compromise is told the thief is Shanxi"
        )
        compromise(world, compromised_at)

        verdict = await told(world, lie, REFER, "KEY_COMPROMISED_SINCE")
        assert not verdict.HasField("existed")
        assert (await ask(world, late)).steps[3].reason == "KEY_COMPROMISED"
        assert (await ask(world, late)).decision == REJECT
        for at in (None, issued_at + MINUTE):
            verdict = await ask(world, genuine, at)
            assert verdict.decision == ACCEPT
            assert (verdict.existed.own, list(verdict.existed.witnesses)) == (True, [])
            assert verdict.existed.seen_at.ToDatetime(UTC) == issued_at
            assert (await ask(world, lie, at)).decision == REFER

        await world.guizhou.stop()
        await world.shanxi.stop()
        await world.guizhou.start(world.clock)
        assert (await ask(world, genuine)).decision == ACCEPT, "a restart forgets nothing, and Shanxi is not needed"
        assert (await ask(world, lie)).decision == REFER

        # It turns out that the key had been lost before: whatever was believed is judged again.
        world.clock.advance(MINUTE)
        compromise(world, issued_at + MINUTE)
        await told(world, genuine, REFER, "KEY_COMPROMISED_SINCE")


async def test_a_flag_that_a_thief_cleared_is_set_again(tmp_path: Path) -> None:
    """Until the compromise is told the thief is Shanxi. What Shanxi cleared itself, in time, stays cleared."""
    async with pair(tmp_path) as world:
        early, late = await known_report(world), await known_report(world)
        for bundle in (early, late):
            await objection(world, bundle, True, world.clock.now())
        world.clock.advance(2 * MINUTE)
        await objection(world, early, False, world.clock.now())
        assert [(await ask(world, each)).decision for each in (early, late)] == [ACCEPT, REFER]
        world.clock.advance(10 * MINUTE)
        compromised_at = world.clock.now()
        world.clock.advance(MINUTE)
        await objection(world, late, False, compromised_at - 5 * MINUTE)
        assert [(await ask(world, each)).decision for each in (early, late)] == [ACCEPT, ACCEPT]

        compromise(world, compromised_at)
        await nodes.eventually(lambda: referred(world, late), SECONDS)
        verdict = await ask(world, late)
        assert verdict.steps[9].reason == "STATUS_UNDER_OBJECTION"
        assert verdict.existed.own, "the report itself is older"
        assert (await ask(world, early)).decision == ACCEPT


async def objection(world: Provinces, bundle: bytes, on: bool, at: datetime) -> None:
    """Signed with Shanxi's first key, and in its log as Guizhou holds it."""
    about = sha256(read_bundle(bundle).envelope_bytes).digest()
    said = StatusChange("140000", about, StatusFlag.UNDER_OBJECTION, on, at, at, "SYNTHETIC")
    signer = load_keyring(world.shanxi.settings).signing.first
    sealed = seal(statements.STATUS_CHANGE, statements.encode_status_change(said), [signer])
    inclusion = await dishonest.log_anything(world.shanxi, encode_envelope(sealed))
    await nodes.caught_up(world.guizhou, world.shanxi, inclusion.index + 1)


async def referred(world: Provinces, bundle: bytes) -> bool:
    return (await ask(world, bundle)).decision == REFER


# A node that was not there


async def test_a_node_that_joins_later_has_the_word_of_others_as_far_as_it_counts_on_them(tmp_path: Path) -> None:
    """Lanzhou knows of the log only what it was shown after the compromise. Guizhou kept what it cosigned before."""
    async with provinces(tmp_path, "140000", "520000", LANZHOU, extra=SETTINGS) as world:
        lanzhou = world.all[LANZHOU]
        await lanzhou.stop()
        genuine = await known_report(world)
        issued_at = world.clock.now()
        await nodes.eventually(lambda: noted(world, 1), SECONDS)
        world.clock.advance(10 * MINUTE)
        compromised_at = world.clock.now()
        world.clock.advance(MINUTE)
        lie = await forged(world, genuine, issued_at + timedelta(seconds=1))
        await nodes.eventually(lambda: noted(world, 2), SECONDS)

        await lanzhou.start(world.clock)
        await nodes.caught_up(lanzhou, world.shanxi, 2)
        assert [(await asked(world, each)).decision for each in (genuine, lie)] == [ACCEPT, ACCEPT]
        compromise(world, compromised_at, lanzhou)
        await nodes.eventually(lambda: doubted(world, genuine), SECONDS)
        assert await doubted(world, lie)
        await nodes.eventually(lambda: recalled(lanzhou), SECONDS)
        verdict = await asked(world, genuine)
        assert (verdict.decision, verdict.steps[3].reason) == (REFER, "KEY_COMPROMISED_SINCE"), (
            "Lanzhou's certificate counts on no witness: nobody's word is enough"
        )

        world.clock.advance(MINUTE)
        choices = trusting.RecognitionChoices(witness_quorum=1)
        trusting.recognise(lanzhou.settings, "140000", choices, world.clock.now())
        await world.guizhou.stop()
        await lanzhou.stop()
        await lanzhou.start(world.clock)
        await nodes.eventually(lambda: accepted(world, genuine), SECONDS)
        verdict = await asked(world, genuine)
        assert (verdict.existed.own, list(verdict.existed.witnesses)) == (False, ["huxin/520000/node"])
        assert verdict.existed.seen_at.ToDatetime(UTC) == issued_at + timedelta(seconds=1)
        verdict = await asked(world, lie)
        assert (verdict.decision, verdict.steps[3].reason) == (REFER, "KEY_COMPROMISED_SINCE")

        path = tmp_path / "report.huxin"
        path.write_bytes(genuine)
        shown = await huxin(lanzhou, "verify", path, "--subject", world.shanxi.subject, code=10)
        assert "existed before that, by witness of huxin/520000/node" in shown


async def asked(world: Provinces, bundle: bytes) -> verdict_pb2.Verdict:
    return await verify(world.all[LANZHOU], bundle, world.shanxi.subject, asking(LANZHOU, "MK01"))


async def doubted(world: Provinces, bundle: bytes) -> bool:
    return (await asked(world, bundle)).steps[3].reason == "KEY_COMPROMISED_SINCE"


async def accepted(world: Provinces, bundle: bytes) -> bool:
    return (await asked(world, bundle)).decision == ACCEPT


async def noted(world: Provinces, size: int) -> bool:
    """Whether Guizhou has kept a head of Shanxi's log of that size as it cosigned it."""
    async with open_database(world.guizhou.settings) as database:
        last = await WitnessStore(database).last_sighting(ORIGIN)
    return last is not None and last.size >= size


async def recalled(one: TestJurisdiction) -> bool:
    """Whether Guizhou has told what it saw of Shanxi's log before the report was forged."""
    key = (ORIGIN, "520000", 0)
    async with open_database(one.settings) as database:
        found = (await LogStore(database).first_sightings([key])).get(key)
    return found is not None and found.size == 1
