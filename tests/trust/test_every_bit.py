"""Every bit of a bundle counts: nothing but the bundle itself, byte for byte, is ever Verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.support.encoding import chunks, content, inside, joined, other_encodings
from tests.support.trust import ISSUED, Log, World, complete, conditions, key, sections_of
from trust.algorithms import P256_ORDER, Suite
from trust.bundle import encode_bundle, read_bundle
from trust.memo import ArithmeticMemo
from trust.statements import encode_envelope

SECTIONS = sections_of(5)
P256 = Suite.ECDSA_P256_SHA256
ENVELOPE, DISCLOSURE, INCLUSION = (1 << 3 | 2, 3 << 3 | 2, 5 << 3 | 2)  # tags in ReportBundle
PAYLOAD, SIGNATURE = (1 << 3 | 2, 3 << 3 | 2)  # tags in Envelope
ISSUED_AT, PERIOD = (8 << 3 | 2, 11 << 3 | 2)  # tags in Attestation


def ahead_of_view(world: World) -> World:
    """Verified by the proof that the bundle brings: our own view ends before the statement."""
    view = Log(world.log.entries[:2], ISSUED + timedelta(seconds=30)).view()
    return replace(world, view=view, entry=None)


def the_whole() -> World:
    return World.build(SECTIONS)


def a_part() -> World:
    return World.build(SECTIONS, shown=complete(SECTIONS).narrowed([0, 3]))


def by_its_own_proof() -> World:
    return ahead_of_view(World.build(SECTIONS))


def in_two_suites() -> World:
    return World.build(SECTIONS[:1], (key("signing"), key("p256", P256)))


def in_sm2() -> World:
    signer = key("sm2", Suite.SM2_SM3)
    return replace(World.build(SECTIONS[:1], (signer,)), terms=conditions(frozenset({"sm2-sm3"})))


def without_proof() -> World:
    return World.build(SECTIONS, proof=False)


WORLDS = [the_whole, a_part, by_its_own_proof, in_two_suites, in_sm2, without_proof]
each_world = pytest.mark.parametrize("build", WORLDS, ids=lambda build: build.__name__)


def remembering(world: World) -> World:
    """With a memo, as in production: signature checks seen once are not repeated."""
    world = replace(world, memo=ArithmeticMemo())
    assert world.verify().verified is not None, "the bundle itself must pass, or nothing is shown"
    return world


@each_world
def test_no_flipped_bit_is_verified(build: Callable[[], World]) -> None:
    world = remembering(build())
    for at in range(len(world.bundle)):
        flipped = bytearray(world.bundle)
        for bit in range(8):
            flipped[at] ^= 1 << bit
            assert world.verify(bytes(flipped)).verified is None, f"byte {at}, bit {bit}"
            flipped[at] ^= 1 << bit


@each_world
def test_no_re_encoding_is_verified(build: Callable[[], World]) -> None:
    """At every level of the message: reordered, long varints, unknown, repeated, dropped and trailing bytes."""
    world = remembering(build())

    lesser = {world.bundle, *lesser_bundles(world)}
    paths: list[tuple[int, ...]] = [(), (ENVELOPE,), (ENVELOPE, PAYLOAD)]
    for path in paths:
        for name, other in other_encodings(found(world.bundle, path)):
            changed = wrapped(world.bundle, path, other)
            if changed not in lesser:
                assert world.verify(changed).verified is None, f"{path} {name}"


def lesser_bundles(world: World) -> list[bytes]:
    """What a holder may leave out of a bundle that our view of the log proves anyway: genuine bundles of their own."""
    bundle = read_bundle(world.bundle)
    kept = (bundle.envelope_bytes, bundle.subject_salt, bundle.disclosure)
    if world.entry is None:
        return [encode_bundle(*kept, b"", bundle.inclusion)]
    return [
        encode_bundle(*kept, report_salt, inclusion)
        for report_salt in {bundle.report_salt, b""}
        for inclusion in (bundle.inclusion, None)
    ]


def wrapped(data: bytes, path: tuple[int, ...], inner: bytes) -> bytes:
    """The message with the field at this path of tags replaced."""
    if not path:
        return inner
    return inside(data, path[0], lambda outer: wrapped(outer, path[1:], inner))


def found(data: bytes, path: tuple[int, ...]) -> bytes:
    """The content of the one field at this path of tags."""
    for tag in path:
        data = next(content(rest) for other, rest in chunks(data) if other == tag)
    return data


DEEPER = [(DISCLOSURE,), (INCLUSION,), (ENVELOPE, PAYLOAD, ISSUED_AT), (ENVELOPE, PAYLOAD, PERIOD)]


@pytest.mark.parametrize("path", DEEPER)
def test_no_re_encoding_deeper_down_is_verified(path: tuple[int, ...]) -> None:
    world = remembering(the_whole())
    for name, other in other_encodings(found(world.bundle, path)):
        changed = wrapped(world.bundle, path, other)
        if changed != world.bundle:
            assert world.verify(changed).verified is None, name


def test_the_other_s_of_an_ecdsa_signature_is_not_verified() -> None:
    world = World.build(SECTIONS, (key("p256", P256),))
    world = remembering(replace(world, terms=conditions(frozenset({"ecdsa-p256-sha256"}))))
    envelope = read_bundle(world.bundle).envelope
    r, s = decode_dss_signature(envelope.signatures[0].sig)
    high = replace(envelope.signatures[0], sig=encode_dss_signature(r, P256_ORDER - s))
    changed = wrapped(world.bundle, (ENVELOPE,), encode_envelope(replace(envelope, signatures=(high,))))
    examination = world.verify(changed)
    assert examination.outcomes[4].reason == "SIGNATURE_INVALID"
    assert examination.verified is None


def test_signatures_cannot_be_swapped_or_dropped() -> None:
    world = remembering(in_two_suites())
    envelope = read_bundle(world.bundle).envelope
    one = encode_envelope(replace(envelope, signatures=envelope.signatures[:1]))
    assert world.verify(wrapped(world.bundle, (ENVELOPE,), one)).verified is None
    fields = chunks(encode_envelope(envelope))
    assert [tag for tag, _ in fields[-2:]] == [SIGNATURE, SIGNATURE]
    other = joined([*fields[:-2], fields[-1], fields[-2]])
    assert world.verify(wrapped(world.bundle, (ENVELOPE,), other)).outcomes[0].reason == "NOT_CANONICAL"


MUTATED = replace(the_whole(), memo=ArithmeticMemo())


@given(st.data())
def test_no_splice_is_verified(data: st.DataObject) -> None:
    bundle = MUTATED.bundle
    places = st.integers(0, len(bundle))
    start, stop = sorted((data.draw(places), data.draw(places)))
    patch = data.draw(st.binary(max_size=40) | st.tuples(places, places).map(lambda p: bundle[min(p) : max(p)]))
    changed = bundle[:start] + patch + bundle[stop:]
    examination = MUTATED.verify(changed)
    assert (examination.verified is not None) == (changed == bundle or changed in lesser_bundles(MUTATED))


@given(st.binary(max_size=400))
def test_noise_never_raises(noise: bytes) -> None:
    examination = MUTATED.verify(noise)
    assert examination.verified is None
    assert len(examination.outcomes) == 13
