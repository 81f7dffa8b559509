"""No forged bundle is accepted, asked through the door of a real node: flipped bits, re-encodings, swapped parts.

Each batch begins with the genuine bundle, which must be accepted: else nothing is shown.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from huxin.v1 import requirement_pb2

from tests.integration.provinces import (
    ACCEPT,
    OF_GUIZHOU,
    OF_SHANXI,
    REJECT,
    ROWS,
    Provinces,
    provinces,
    verdicts,
)
from tests.support import nodes
from tests.support.encoding import chunks, content, delimited, inside, joined, other_encodings, read_varint, varint
from trust.algorithms import P256_ORDER
from trust.bundle import Disclosure, PresentedBundle, encode_bundle, read_bundle
from trust.envelope import Signature
from trust.statements import encode_envelope

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENVELOPE, SUBJECT_SALT, DISCLOSURE, REPORT_SALT, INCLUSION = (number << 3 | 2 for number in range(1, 6))
PAYLOAD, ISSUED_AT, PERIOD = (1 << 3 | 2, 8 << 3 | 2, 11 << 3 | 2)
SECTION, POSITIONS = (1 << 3 | 2, 3 << 3 | 2)
HASHES, CHECKPOINT = (2 << 3 | 2, 3 << 3 | 2)
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@dataclass
class Genuine:
    """A bundle that the relying party accepts for a subject under a requirement."""

    bundle: bytes
    relying: nodes.TestJurisdiction
    subject: str
    requirement: requirement_pb2.Requirement

    async def accepted(self, forgeries: Iterable[tuple[str, bytes]]) -> set[str]:
        """Names of the forgeries that are accepted."""
        named = list(forgeries)
        bundles = [self.bundle, *(bundle for _, bundle in named)]
        answers = await verdicts(self.relying, bundles, nodes.claim(self.subject), self.requirement)
        assert answers[0].decision == ACCEPT, answers[0]
        return {name for (name, _), answer in zip(named, answers[1:], strict=True) if answer.decision == ACCEPT}


@dataclass
class World:
    """The pair, and genuine bundles by name."""

    pair: Provinces
    genuine: dict[str, Genuine]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with provinces(tmp_path_factory.mktemp("forgeries")) as pair:
        shanxi, guizhou = pair.shanxi, pair.guizhou
        small, small_of_two, whole, other = [
            await pair.report(shanxi, codes) for codes in (ROWS["140000"], ["6", "7"], [], ROWS["140000"])
        ]
        p256 = await pair.report(guizhou, ROWS["520000"])
        part = await nodes.download(shanxi, small_of_two[0], ROWS["140000"])
        small_bundle = await nodes.download(shanxi, small[0])
        await nodes.caught_up(guizhou, shanxi, 4)
        await nodes.caught_up(shanxi, guizhou, 1)

        def of_shanxi(bundle: bytes) -> Genuine:
            return Genuine(bundle, guizhou, shanxi.subject, OF_SHANXI)

        yield World(
            pair,
            {
                "complete": of_shanxi(small_bundle),
                "part": of_shanxi(part),
                "forty rows": of_shanxi(whole[1]),
                "other": of_shanxi(other[1]),
                "p256": Genuine(p256[1], shanxi, guizhou.subject, OF_GUIZHOU),
            },
        )


def flips(bundle: bytes, places: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    for at in places:
        for bit in range(8):
            flipped = bytearray(bundle)
            flipped[at] ^= 1 << bit
            yield f"byte {at}, bit {bit}", bytes(flipped)


@pytest.mark.parametrize("name", ["complete", "part", "p256"])
async def test_no_flipped_bit_is_accepted(world: World, name: str) -> None:
    genuine = world.genuine[name]
    assert not await genuine.accepted(flips(genuine.bundle, range(len(genuine.bundle))))


async def test_no_flipped_bit_of_forty_rows_is_accepted(world: World) -> None:
    """Every bit of what gives the bundle its structure, and of every 64th byte of the rest."""
    genuine = world.genuine["forty rows"]
    places = sorted({*structure(genuine.bundle, 0, DEPTH), *range(0, len(genuine.bundle), 64)})
    assert len(places) > 400
    assert not await genuine.accepted(flips(genuine.bundle, places))


Depth = dict[int, "Depth"]
DEPTH: Depth = {ENVELOPE: {PAYLOAD: {ISSUED_AT: {}, PERIOD: {}}}, DISCLOSURE: {}, INCLUSION: {}}
"""Messages inside the bundle whose fields are looked into."""


def structure(data: bytes, start: int, depth: Depth) -> Iterator[int]:
    """Places of tags, lengths and varints of a message that begins at `start`."""
    at = 0
    while at < len(data):
        tag, after_tag = read_varint(data, at)
        number, after = read_varint(data, after_tag)
        yield from range(start + at, start + after)
        end = after + (number if tag & 7 == 2 else 0)
        if tag in depth:
            yield from structure(data[after:end], start + after, depth[tag])
        at = end


def found(data: bytes, *path: int) -> bytes:
    """The content of the field at this path of tags."""
    for tag in path:
        data = next(content(rest) for other, rest in chunks(data) if other == tag)
    return data


def with_field(data: bytes, path: tuple[int, ...], other: bytes) -> bytes:
    """The message with the field at this path of tags replaced, all lengths set right."""
    if not path:
        return other
    return inside(data, path[0], lambda inner: with_field(inner, path[1:], other))


PATHS = [
    (),
    (ENVELOPE,),
    (ENVELOPE, PAYLOAD),
    (ENVELOPE, PAYLOAD, ISSUED_AT),
    (ENVELOPE, PAYLOAD, PERIOD),
    (DISCLOSURE,),
    (INCLUSION,),
]


@pytest.mark.parametrize("name", ["complete", "part", "p256"])
async def test_no_re_encoding_is_accepted(world: World, name: str) -> None:
    """At every level: reordered, repeated and unknown fields, long varints and tags, trailing and missing bytes."""
    genuine = world.genuine[name]
    lesser = set(lesser_bundles(genuine.bundle))
    forgeries = {
        f"{path} {kind}": bundle
        for path in PATHS
        for kind, other in other_encodings(found(genuine.bundle, *path))
        if (bundle := with_field(genuine.bundle, path, other)) != genuine.bundle
    }
    assert len(forgeries) > 200
    honest = {name for name, bundle in forgeries.items() if bundle in lesser}
    assert await genuine.accepted(forgeries.items()) == honest
    assert len(honest) <= 2


def lesser_bundles(bundle: bytes) -> Iterator[bytes]:
    """What a holder may leave out: the proof that our replica makes needless, the salt of the whole report.

    No re-encoding but a genuine bundle of its own, and the same in what it shows.
    """
    whole = read_bundle(bundle)
    for report_salt in {whole.report_salt, b""}:
        for inclusion in (whole.inclusion, None):
            yield encode_bundle(whole.envelope_bytes, whole.subject_salt, whole.disclosure, report_salt, inclusion)


async def test_no_other_packing_of_positions_is_accepted(world: World) -> None:
    genuine = world.genuine["part"]
    fields = chunks(found(genuine.bundle, DISCLOSURE))
    place = [tag for tag, _ in fields].index(POSITIONS)
    packed = content(fields[place][1])
    numbers = list(packed)
    assert max(numbers) < 0x80, "one byte each"

    def instead(*parts: tuple[int, bytes]) -> bytes:
        return with_field(genuine.bundle, (DISCLOSURE,), joined([*fields[:place], *parts, *fields[place + 1 :]]))

    unpacked = [(POSITIONS & ~7, varint(number)) for number in numbers]
    forgeries = {
        "unpacked": instead(*unpacked),
        "split": instead((POSITIONS, delimited(packed[:1])), (POSITIONS, delimited(packed[1:]))),
        "half unpacked": instead(unpacked[0], (POSITIONS, delimited(packed[1:]))),
        "an empty part": instead((POSITIONS, delimited(b"")), fields[place]),
        "long numbers": instead((POSITIONS, delimited(b"".join(varint(number, 3) for number in numbers)))),
    }
    assert not await genuine.accepted(forgeries.items())


async def test_no_other_form_of_a_signature_is_accepted(world: World) -> None:
    """ECDSA has two valid s for each signature, a lenient DER reader and a lenient Ed25519 verifier have more."""
    p256, ed25519 = world.genuine["p256"], world.genuine["complete"]
    r, s = decode_dss_signature(signature_of(p256).sig)
    der = encode_dss_signature(r, s)
    forgeries = {
        "the other s": encode_dss_signature(r, P256_ORDER - s),
        "s and the order": encode_dss_signature(r, s + P256_ORDER),
        "DER with a trailing zero": der + b"\0",
        "DER with a long length": b"\x30\x81" + der[1:],
        "r and s raw": r.to_bytes(32, "big") + s.to_bytes(32, "big"),
    }
    assert await p256.accepted([("the form it has", signed(p256, der))])
    assert not await p256.accepted((name, signed(p256, sig)) for name, sig in forgeries.items())
    raw = signature_of(ed25519).sig
    twin = int.from_bytes(raw[32:], "little") + ED25519_ORDER
    forgeries = {"s and the order": raw[:32] + twin.to_bytes(32, "little"), "trailing zero": raw + b"\0"}
    assert not await ed25519.accepted((name, signed(ed25519, sig)) for name, sig in forgeries.items())


def signature_of(genuine: Genuine) -> Signature:
    signature, *others = read_bundle(genuine.bundle).envelope.signatures
    assert not others
    return signature


def signed(genuine: Genuine, sig: bytes) -> bytes:
    """The bundle with other signature bytes, and without a proof, which would fail for its own reason."""
    whole = read_bundle(genuine.bundle)
    envelope = replace(whole.envelope, signatures=(Signature(signature_of(genuine).key_id, sig),))
    return encode_bundle(encode_envelope(envelope), whole.subject_salt, whole.disclosure, whole.report_salt)


async def test_no_other_form_of_the_checkpoint_is_accepted(world: World) -> None:
    genuine = world.genuine["complete"]
    note = found(genuine.bundle, INCLUSION, CHECKPOINT).decode()
    forgeries = {
        name: with_field(genuine.bundle, (INCLUSION, CHECKPOINT), other.encode()) for name, other in other_notes(note)
    }
    assert len(forgeries) > 20
    assert not await genuine.accepted(forgeries.items())


def other_notes(note: str) -> Iterator[tuple[str, str]]:
    """What a lenient reader takes for the same signed note (C2SP signed-note, RFC 4648)."""
    body, _, signatures = note.partition("\n\n")
    head, own = signatures.splitlines()
    origin, size, root = body.splitlines()
    yield "lines in another order", f"{body}\n\n{own}\n{head}\n"
    yield "head twice", f"{body}\n\n{head}\n{head}\n{own}\n"
    yield "cosignature twice", f"{body}\n\n{head}\n{own}\n{own}\n"
    yield "no cosignature", f"{body}\n\n{head}\n"
    yield "no signature of the head", f"{body}\n\n{own}\n"
    yield "an unknown cosigner", f"{body}\n\n{head}\n{own}\n— zz {own.rsplit(' ', 1)[1]}\n"
    yield "no line end", note[:-1]
    yield "line ends of another system", note.replace("\n", "\r\n")
    yield "one more line end", note + "\n"
    yield "a blank before", "\n" + note
    yield "another dash", note.replace("—", "-")
    yield "two blanks", note.replace("— ", "—  ")
    yield "blank at a line's end", note.replace(own, own + " ")
    yield "size with a zero", note.replace(f"\n{size}\n", f"\n0{size}\n", 1)
    yield "size with a sign", note.replace(f"\n{size}\n", f"\n+{size}\n", 1)
    yield "an extension line", note.replace("\n\n", "\nextension\n\n", 1)
    yield "no-break space", note.replace("— ", "—\u00a0")
    yield "zero-width space", note.replace(origin, origin + "\u200b", 1)
    blobs = {"root": root, "head": head.rsplit(" ", 1)[1], "own": own.rsplit(" ", 1)[1]}
    for name, text in blobs.items():
        for form, other in other_base64(text):
            yield f"{name}: {form}", note.replace(text, other)
    for name in ("head", "own"):
        raw = b64decode(blobs[name])
        yield f"{name}: another hint", note.replace(blobs[name], b64encode(bytes(4) + raw[4:]).decode())


def other_base64(text: str) -> Iterator[tuple[str, str]]:
    """Other spellings of the same bytes (RFC 4648 section 3)."""
    stripped = text.rstrip("=")
    if stripped != text:
        yield "no padding", stripped
        yield "padding twice", text + "="
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        last = alphabet[alphabet.index(stripped[-1]) ^ 1]
        yield "unused bits", stripped[:-1] + last + text[len(stripped) :]
    if (safe := text.translate(str.maketrans("+/", "-_"))) != text:
        yield "the other alphabet", safe
    yield "a blank inside", text[:8] + " " + text[8:]
    yield "a line end inside", text[:8] + "\n" + text[8:]
    yield "a sign outside the alphabet", text[:8] + "!" + text[8:]


async def test_no_bundle_put_together_from_genuine_parts_is_accepted(world: World) -> None:
    genuine, other = world.genuine["complete"], world.genuine["other"]
    whole, others = read_bundle(genuine.bundle), read_bundle(other.bundle)
    shown, shown_there = whole.disclosure, others.disclosure
    assert shown is not None
    assert shown_there is not None
    assert shown.sections[1:] == shown_there.sections[1:], "the same in words, under other salts"
    swapped = [*shown.sections]
    swapped[1], swapped[2] = swapped[2], swapped[1]
    salts = [*shown.salts]
    salts[1], salts[2] = salts[2], salts[1]
    last = len(shown.sections) - 1
    narrowed = shown.narrowed([0, *range(2, last + 1)])
    forgeries = {
        "sections swapped": with_parts(whole, disclosure=replace(shown, sections=tuple(swapped))),
        "salts swapped": with_parts(whole, disclosure=replace(shown, salts=tuple(salts))),
        "sections and salts swapped": with_parts(whole, disclosure=Disclosure(tuple(swapped), tuple(salts))),
        "the last section left out": with_parts(whole, disclosure=Disclosure(shown.sections[:-1], shown.salts[:-1])),
        "a section left out": with_parts(
            whole,
            disclosure=Disclosure((*shown.sections[:1], *shown.sections[2:]), (*shown.salts[:1], *shown.salts[2:])),
        ),
        "a section twice": with_parts(
            whole, disclosure=Disclosure((*shown.sections, shown.sections[-1]), (*shown.salts, shown.salts[-1]))
        ),
        "the summary alone": with_parts(whole, disclosure=Disclosure(shown.sections[:1], shown.salts[:1])),
        "a part that says it is all": with_parts(whole, disclosure=Disclosure(narrowed.sections, narrowed.salts)),
        "sections of another report": with_parts(whole, disclosure=shown_there),
        "salts of another report": with_parts(whole, disclosure=replace(shown, salts=shown_there.salts)),
        "subject salt of another report": with_parts(whole, subject_salt=others.subject_salt),
        "report salt of another report": with_parts(whole, report_salt=others.report_salt),
        "report salt for subject salt": with_parts(whole, subject_salt=whole.report_salt),
        "proof of another report": with_parts(whole, inclusion=others.inclusion),
        "statement of another report": with_parts(whole, envelope_bytes=others.envelope_bytes),
        "statement and proof of another report": with_parts(
            whole, envelope_bytes=others.envelope_bytes, inclusion=others.inclusion
        ),
        "no sections": with_parts(whole, disclosure=None, report_salt=b""),
        "no subject salt": with_parts(whole, subject_salt=b""),
    }
    assert not await genuine.accepted(forgeries.items())


def with_parts(whole: PresentedBundle, **parts: object) -> bytes:
    """The bundle with other parts, written as our writer does."""
    other = replace(whole, **parts)  # type: ignore[arg-type]  # names of fields, each with its type, above
    return encode_bundle(other.envelope_bytes, other.subject_salt, other.disclosure, other.report_salt, other.inclusion)


@pytest.mark.parametrize("hidden", [1, 2, 3])
async def test_no_part_with_hidden_required_sections_is_accepted(world: World, hidden: int) -> None:
    """Withholding a section is honest, and a gap. Telling other positions than those that were shown is neither."""
    genuine = world.genuine["complete"]
    whole = read_bundle(genuine.bundle)
    shown = whole.disclosure
    assert shown is not None
    assert len(shown.sections) == 4, "summary and three record types of row 6"
    kept = [position for position in range(4) if position != hidden]
    narrowed = shown.narrowed(kept)
    forgeries = {"honest": with_parts(whole, disclosure=narrowed, report_salt=b"")}
    for moved in ([0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]):
        lying = replace(narrowed, positions=tuple(moved))
        forgeries[f"at {moved}"] = with_parts(whole, disclosure=lying, report_salt=b"")
    accepted = await genuine.accepted(forgeries.items())
    # Section 3 is the severe lists, which the requirement does not ask for.
    assert accepted == ({"honest", f"at {kept}"} if hidden == 3 else set())


async def test_garbage_is_answered_with_a_verdict(world: World) -> None:
    genuine = world.genuine["complete"]
    garbage = [b"", b"\0", b"\xff" * 64, genuine.bundle[:100], genuine.bundle[1:], genuine.bundle * 2, b"{}" * 500]
    answers = await verdicts(genuine.relying, garbage, nodes.claim(genuine.subject), genuine.requirement)
    assert {answer.decision for answer in answers} == {REJECT}
    assert {answer.steps[0].reason for answer in answers} <= {"MALFORMED", "NOT_CANONICAL"}
