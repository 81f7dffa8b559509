"""The life of a signing key, seen by another province: rotation loses nothing, retirement is no compromise.

Shanxi signs, Guizhou decides, both real and with one clock. Keys change as `huxin key` changes them, beside the running
nodes. All subjects are synthetic.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from huxin.v1 import verdict_pb2

from node.app import key_life, running, trust_keeper, trusting
from node.errors import BadSource
from tests.integration import dishonest
from tests.integration.provinces import ACCEPT, OF_SHANXI, REFER, REJECT, ROWS, Provinces, provinces, verify
from tests.support import nodes
from tests.support.softhsm import SoftToken, token
from trust.algorithms import Suite
from trust.bundle import encode_bundle, read_bundle
from trust.keys import load

__all__ = ["token"]

MINUTE = timedelta(minutes=1)
WAIT = 10 * MINUTE
"""`keys.rotation_seconds` here: how long a new key is published before it signs, and the old one may sign then."""
SETTINGS = {"HUXIN_KEYS__ROTATION_SECONDS": str(WAIT.total_seconds()), "HUXIN_FEDERATION__COSIGN_SECONDS": "1"}


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)


def signers_of(bundle: bytes) -> set[str]:
    return {signature.key_id for signature in read_bundle(bundle).envelope.signatures}


async def seen(pair: Provinces, bundle: bytes) -> None:
    """Waits until Guizhou holds the report's entry."""
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    await nodes.caught_up(pair.guizhou, pair.shanxi, inclusion.index + 1)


async def ask(pair: Provinces, bundle: bytes) -> verdict_pb2.Verdict:
    return await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)


async def issued(pair: Provinces) -> bytes:
    """A new report of Shanxi whose entry Guizhou holds."""
    _, bundle = await pair.report(pair.shanxi, ROWS["140000"])
    await seen(pair, bundle)
    return bundle


async def signed_by(pair: Provinces, *key_ids: str) -> bytes:
    """Issues until exactly these keys sign: the running node notices within seconds."""
    async with asyncio.timeout(20):
        while True:
            bundle = await issued(pair)
            if signers_of(bundle) == set(key_ids):
                return bundle


async def hand_over(pair: Provinces, any_report: bytes, key: str | None = None) -> None:
    """Guizhou imports Shanxi's bundle as it is now, and its node decides by it."""
    text = trusting.export_bundle(pair.shanxi.settings, pair.clock.now())
    digest = trusting.import_bundle(pair.guizhou.settings, text, key).digest

    async def in_use() -> bool:
        return (await ask(pair, any_report)).inputs.trusted_state == digest

    await nodes.eventually(in_use)


def first_key(pair: Provinces) -> str:
    return trusting.trusted_state(pair.shanxi.settings).own.signers[0]


class Load:
    """Issuances and verifications without a pause: what went wrong, and how often what went well."""

    def __init__(self, pair: Provinces) -> None:
        self.pair = pair
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()
        self.bundles: list[bytes] = []
        self.signers: Counter[frozenset[str]] = Counter()

    async def issuing(self) -> None:
        """A new report each time, verified as soon as Guizhou holds it."""
        while True:
            bundle = await issued(self.pair)
            self.bundles.append(bundle)
            self.signers[frozenset(signers_of(bundle))] += 1
            await self._ask(bundle, "issued")

    async def verifying(self) -> None:
        """The first reports and the newest, again and again."""
        turn = 0
        while True:
            turn += 1
            await self._ask(self.bundles[0 if turn % 2 else -1], "verified")

    async def _ask(self, bundle: bytes, what: str) -> None:
        verdict = await ask(self.pair, bundle)
        self.done[what] += 1
        if verdict.decision != ACCEPT:
            self.wrong.append(f"{what}: {list(verdict.reasons)}")

    async def more(self) -> None:
        """Waits for enough of both under the circumstances of now."""
        before = Counter(self.done)
        await nodes.until(
            lambda: self.done["issued"] >= before["issued"] + 4 and self.done["verified"] >= before["verified"] + 10, 30
        )


@asynccontextmanager
async def load_on(pair: Provinces) -> AsyncIterator[Load]:
    load_of = Load(pair)
    load_of.bundles.append(await issued(pair))
    async with asyncio.TaskGroup() as group:  # an error of any of them fails the test
        tasks = [group.create_task(work()) for work in (load_of.issuing, load_of.issuing, load_of.verifying)]
        yield load_of
        for task in tasks:
            task.cancel()


async def rotated_under_load(pair: Provinces, load_of: Load, change: Callable[[], key_life.Change]) -> str:
    """One whole rotation: published, handed over, in use, the one before retired. Returns the new key's id."""
    made = change()
    await load_of.more()
    await hand_over(pair, load_of.bundles[0])
    await load_of.more()
    for step in (WAIT - MINUTE, MINUTE, MINUTE, WAIT - 2 * MINUTE, MINUTE, MINUTE):
        pair.clock.advance(step)  # over the beginning of the new key, and over the end of the old one
        await load_of.more()
    await signed_by(pair, made.key_id)
    await load_of.more()
    return made.key_id


async def test_signing_keys_rotate_under_load_and_nothing_fails(tmp_path: Path) -> None:
    async with provinces(tmp_path, extra=SETTINGS) as pair, load_on(pair) as load_of:
        keys = [first_key(pair)]

        def rotate() -> key_life.Change:
            return key_life.rotate(pair.shanxi.settings, None, None, None, pair.clock.now())

        for _ in range(2):  # the second bundle continues from the first rotation's, not from what was confirmed once
            keys.append(await rotated_under_load(pair, load_of, rotate))  # noqa: PERF401 - one after the other
        assert load_of.wrong == []
        assert set(load_of.signers) == {frozenset({key}) for key in keys}
        assert min(load_of.signers.values()) >= 8
        assert (await ask(pair, load_of.bundles[0])).decision == ACCEPT


async def test_a_further_suite_and_a_move_into_a_token_under_load(tmp_path: Path, token: SoftToken) -> None:
    """From a file into the hardware, without a restart; and with a second suite beside the first from then on."""
    async with provinces(tmp_path, extra=SETTINGS) as pair, load_on(pair) as load_of:
        settings, now = pair.shanxi.settings, pair.clock.now
        first = first_key(pair)
        second = await rotated_under_load(
            pair, load_of, lambda: key_life.rotate(settings, None, None, token.uri(), now())
        )
        third = key_life.add(settings, Suite.ECDSA_P256_SHA256, None, None, now()).key_id
        await hand_over(pair, load_of.bundles[0])
        pair.clock.advance(WAIT)
        both = await signed_by(pair, second, third)
        assert (await ask(pair, both)).decision == ACCEPT
        await load_of.more()
        assert load_of.wrong == []
        assert set(load_of.signers) == {frozenset({first}), frozenset({second}), frozenset({second, third})}


async def test_a_retired_key_leaves_what_it_signed_and_signs_no_more(tmp_path: Path) -> None:
    async with provinces(tmp_path, extra=SETTINGS) as pair:
        settings, old = pair.shanxi.settings, first_key(pair)
        before = await issued(pair)
        new = key_life.rotate(settings, None, timedelta(0), None, pair.clock.now()).key_id
        await hand_over(pair, before)
        await signed_by(pair, new)
        ended = key_life.retire(settings, old, pair.clock.now()).retired[0].retired_at
        assert ended is not None
        await hand_over(pair, before)
        pair.clock.set(ended)
        assert (await ask(pair, before)).decision == ACCEPT
        assert (await ask(pair, await issued(pair))).decision == ACCEPT
        # Whoever found the old key's file goes on signing with it, and even gets it into the log.
        private = load(pair.shanxi.layout.key("signing"))
        for issued_at, expected in ((ended, (REJECT, "KEY_RETIRED")), (ended - MINUTE / 60, (ACCEPT, ""))):
            late = await logged(pair, dishonest.resigned(before, private, issued_at=issued_at, template_version="1"))
            verdict = await ask(pair, late)
            assert (verdict.decision, verdict.steps[3].reason) == expected


async def logged(pair: Provinces, bundle: bytes) -> bytes:
    """The bundle with its statement in Shanxi's log, put there with the log's real keys."""
    whole = read_bundle(bundle)
    inclusion = await dishonest.log_anything(pair.shanxi, whole.envelope_bytes)
    proven = encode_bundle(whole.envelope_bytes, whole.subject_salt, whole.disclosure, whole.report_salt, inclusion)
    await seen(pair, proven)
    return proven


async def test_a_compromise_is_told_apart_from_a_retirement(tmp_path: Path) -> None:
    """What Guizhou held before it: ACCEPT. A copy dated back: REFER. Since: REJECT. The new key: ACCEPT."""
    async with provinces(tmp_path, extra=SETTINGS) as pair:
        settings, lost = pair.shanxi.settings, first_key(pair)
        before = await issued(pair)
        pair.clock.advance(5 * MINUTE)
        since = pair.clock.now()
        after = await issued(pair)
        stolen = load(pair.shanxi.layout.key("signing"))
        dated_back = await logged(pair, dishonest.resigned(before, stolen, issued_at=since - MINUTE))
        for bundle in (before, after, dated_back):
            assert (await ask(pair, bundle)).decision == ACCEPT, "until it is told the thief is Shanxi"
        pair.clock.advance(MINUTE)
        change = key_life.compromise(settings, lost, since, pair.clock.now())
        assert change.unknown_to_peers
        assert change.recognitions == ("140000", "520000")
        # No key that Guizhou knows speaks for Shanxi any more: its administrator compares the new id by telephone.
        with pytest.raises(BadSource, match="not confirmed"):
            await hand_over(pair, before)
        await hand_over(pair, before, change.key_id)
        for bundle, expected in (
            (before, (ACCEPT, "")),
            (dated_back, (REFER, "KEY_COMPROMISED_SINCE")),
            (after, (REJECT, "KEY_COMPROMISED")),
            (await signed_by(pair, change.key_id), (ACCEPT, "")),
        ):
            verdict = await ask(pair, bundle)
            assert (verdict.decision, verdict.steps[3].reason) == expected


async def test_with_a_second_suite_a_compromise_needs_no_telephone(tmp_path: Path) -> None:
    async with provinces(tmp_path, extra=SETTINGS) as pair:
        settings, lost = pair.shanxi.settings, first_key(pair)
        other = key_life.add(settings, Suite.ECDSA_P256_SHA256, timedelta(0), None, pair.clock.now()).key_id
        await hand_over(pair, await issued(pair))
        both = await signed_by(pair, lost, other)
        pair.clock.advance(MINUTE)
        change = key_life.compromise(settings, lost, pair.clock.now(), pair.clock.now())
        assert not change.unknown_to_peers
        await hand_over(pair, both)
        new = await signed_by(pair, change.key_id, other)
        assert (await ask(pair, new)).decision == ACCEPT
        verdict = await ask(pair, both)  # one signature of two that proves nothing is one too few
        assert (verdict.decision, verdict.steps[3].reason) == (REFER, "KEY_COMPROMISED_SINCE")
