"""The sweep: what it checked is not computed again, what fails is told, what is not worth the memory is left alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import structlog

from node.verification.sweep import SignatureSweep, SweptAs
from tests.recognition.cases import SHANXI, Report
from tests.support.trust import key
from tests.verification.world import Issued, known
from trust.envelope import Envelope, Signature, seal
from trust.memo import ArithmeticMemo
from trust.reading import read
from trust.statements import ATTESTATION, encode_envelope, read_envelope
from trust.steps import pending_arithmetic, signature_holds

ISSUER = known(SHANXI).trusted
BUNDLE, GENUINE = Issued.of(Report(SHANXI, local_codes=("6",))).bundle()
MANY = 10_000


class Views:
    """One log, and what was read of it."""

    def __init__(self, *entries: bytes) -> None:
        self.held = list(entries)
        self.read: list[int] = []

    async def entries(self, origin: str, start: int, limit: int) -> Sequence[bytes]:
        assert origin == ISSUER.origin
        found = self.held[start : start + limit]
        self.read += range(start, start + len(found))
        return found


class World:
    """A sweep over one log, its memory, and what it told."""

    def __init__(self, *entries: bytes) -> None:
        self.views = Views(*entries)
        self.memo = ArithmeticMemo()
        self.counted: Counter[SweptAs] = Counter()
        self.sweep = SignatureSweep(self.views, self.memo, ThreadPoolExecutor(2), self._told)

    def _told(self, division: str, outcome: SweptAs, statements: int) -> None:
        assert division == SHANXI
        self.counted[outcome] += statements

    async def to_the_end(self, most: int = MANY) -> None:
        while await self.sweep.advance(ISSUER, len(self.views.held), most):
            pass


def signed(number: int) -> bytes:
    return encode_envelope(seal(ATTESTATION, b"synthetic %d" % number, [key("signing")]))


def forged(entry: bytes) -> bytes:
    envelope = read_envelope(entry)
    wrong = Signature(envelope.signatures[0].key_id, bytes(64))
    return encode_envelope(Envelope(envelope.payload_type, envelope.payload, (wrong,)))


async def test_what_was_swept_is_not_computed_again() -> None:
    world = World(GENUINE)
    reading = read(BUNDLE)
    assert len(pending_arithmetic(reading, ISSUER, world.memo)) == 1
    await world.to_the_end()
    assert pending_arithmetic(reading, ISSUER, world.memo) == ()
    assert world.counted[SweptAs.HOLDS] == 1


async def test_a_signature_that_fails_is_told_once_by_its_place_and_remembered_as_failing() -> None:
    bad = forged(GENUINE)
    world = World(signed(0), bad, forged(signed(1)), signed(2))
    with structlog.testing.capture_logs() as logged:
        await world.to_the_end()
    assert +world.counted == {SweptAs.HOLDS: 2, SweptAs.FAILS: 2}
    assert logged == [{"event": "signature_fails", "log_level": "warning", "issuer": SHANXI, "entry": 1}]
    envelope = read_envelope(bad)
    key_id = envelope.signatures[0].key_id
    assert world.memo.recall(("signature", sha256(bad).digest(), key_id)) is False
    trusted = ISSUER.keys[key_id].key
    assert not signature_holds(envelope, sha256(bad).digest(), envelope.signatures[0], trusted, world.memo)


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (encode_envelope(seal(ATTESTATION, b"synthetic", [key("stranger")])), SweptAs.KEY_UNKNOWN),
        (encode_envelope(seal(ATTESTATION, b"synthetic", [key("stranger"), key("signing")])), SweptAs.KEY_UNKNOWN),
        (b"\xff no envelope", SweptAs.UNREADABLE),
        (b"", SweptAs.UNREADABLE),
    ],
)
async def test_what_cannot_be_checked_is_told_apart(entry: bytes, outcome: SweptAs) -> None:
    world = World(entry)
    await world.to_the_end()
    assert +world.counted == {outcome: 1}


async def test_every_statement_is_checked_once_and_in_bounded_pieces() -> None:
    world = World(*(signed(number) for number in range(100)))
    assert await world.sweep.advance(ISSUER, 100, MANY)
    assert len(world.views.read) <= 16 * (os.cpu_count() or 1)
    await world.to_the_end()
    world.views.held += [signed(number) for number in range(100, 103)]
    await world.to_the_end()
    assert world.views.read == list(range(103))
    assert world.counted[SweptAs.HOLDS] == 103


async def test_of_a_long_log_the_newest_are_looked_at() -> None:
    world = World(*(signed(number) for number in range(40)))
    await world.to_the_end(most=5)
    assert world.views.read == list(range(35, 40))


async def test_it_counts_from_zero_before_it_has_read_anything() -> None:
    world = World()
    assert not await world.sweep.advance(ISSUER, 0, MANY)
    assert world.counted == dict.fromkeys(SweptAs, 0)
