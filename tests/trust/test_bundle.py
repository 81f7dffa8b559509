from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from huxin.v1 import bundle_pb2

from tests.support.encoding import other_encodings
from tests.support.trust import World, complete, salt, sections_of
from trust.bundle import (
    Disclosure,
    Inclusion,
    PresentedBundle,
    encode_bundle,
    read_bundle,
    report_document,
    with_inclusion,
)
from trust.disclosure import disclosed_root, tree_root
from trust.errors import MalformedInput, NotCanonical, ProofInvalid, TooLarge

SECTIONS = sections_of(5)
WHOLE = complete(SECTIONS)
PART = WHOLE.narrowed([0, 3])
ENVELOPE = World.build(SECTIONS).envelope


def written(bundle: PresentedBundle) -> bytes:
    return encode_bundle(
        bundle.envelope_bytes, bundle.subject_salt, bundle.disclosure, bundle.report_salt, bundle.inclusion
    )


@pytest.mark.parametrize("shown", [WHOLE, PART, None])
@pytest.mark.parametrize("proof", [True, False])
def test_a_bundle_is_read_as_it_was_written(shown: Disclosure | None, proof: bool) -> None:
    inclusion = Inclusion(7, (salt("a"), salt("b")), "synthetic note") if proof else None
    report_salt = salt("report") if shown is WHOLE else b""
    data = encode_bundle(ENVELOPE, salt("subject"), shown, report_salt, inclusion)
    bundle = read_bundle(data)
    assert (bundle.envelope_bytes, bundle.subject_salt) == (ENVELOPE, salt("subject"))
    assert (bundle.disclosure, bundle.report_salt, bundle.inclusion) == (shown, report_salt, inclusion)
    assert written(bundle) == data


def test_no_other_encoding_is_read() -> None:
    data = World.build(shown=PART).bundle
    for name, other in other_encodings(data):
        if name.startswith("dropped"):  # a lesser bundle in canonical form, or none
            continue
        with pytest.raises(MalformedInput):
            read_bundle(other)


def test_the_limit_holds_before_anything_is_parsed() -> None:
    with pytest.raises(TooLarge):
        read_bundle(b"\xff" * 101, max_bytes=100)
    with pytest.raises(MalformedInput) as caught:
        read_bundle(b"\xff" * 100, max_bytes=100)
    assert not isinstance(caught.value, TooLarge)


def altered(change: Callable[[bundle_pb2.ReportBundle], object], shown: Disclosure = WHOLE) -> bytes:
    message = bundle_pb2.ReportBundle.FromString(World.build(SECTIONS, shown=shown).bundle)
    change(message)
    return message.SerializeToString(deterministic=True)


def all_listed(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.positions.extend(range(5))
    message.report_salt = b""


def complement_of_nothing(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.complement = salt("x")


def empty_disclosure(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.Clear()
    message.disclosure.SetInParent()


def empty_inclusion(message: bundle_pb2.ReportBundle) -> None:
    message.inclusion.Clear()
    message.inclusion.SetInParent()


def salt_of_hidden_report(message: bundle_pb2.ReportBundle) -> None:
    message.report_salt = salt("report")


def falling(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.positions[:] = [3, 0]


def same_twice(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.positions[:] = [0, 0]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (all_listed, WHOLE),
        (complement_of_nothing, WHOLE),
        (empty_disclosure, WHOLE),
        (salt_of_hidden_report, PART),
        (falling, PART),
        (same_twice, PART),
    ],
)
def test_a_second_way_to_say_the_same_is_refused(
    change: Callable[[bundle_pb2.ReportBundle], None], shown: Disclosure
) -> None:
    with pytest.raises(NotCanonical):
        read_bundle(altered(change, shown))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: setattr(m, "envelope", b""),
        lambda m: setattr(m, "subject_salt", b"short"),
        lambda m: setattr(m, "report_salt", b"x" * 33),
        lambda m: setattr(m.disclosure, "salts", m.disclosure.salts[:-1]),
        lambda m: setattr(m.disclosure, "salts", m.disclosure.salts[:-32]),
        lambda m: m.inclusion.hashes.append(b"short"),
        lambda m: m.inclusion.hashes.extend([b"x" * 32] * 65),
        lambda m: setattr(m.inclusion, "checkpoint", ""),
        lambda m: setattr(m.inclusion, "checkpoint", "x" * 16_385),
        lambda m: setattr(m.inclusion, "index", 2**63),
        empty_inclusion,
    ],
)
def test_columns_of_the_wrong_shape_are_refused(change: Callable[[bundle_pb2.ReportBundle], object]) -> None:
    read_bundle(altered(lambda _: None))
    with pytest.raises(MalformedInput):
        read_bundle(altered(change))


def ragged_salts(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.salts = b"x" * 33


def ragged_complement(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.complement = b"x" * 33


def one_position_more(message: bundle_pb2.ReportBundle) -> None:
    message.disclosure.positions.append(4)


@pytest.mark.parametrize("change", [ragged_salts, ragged_complement, one_position_more])
def test_ragged_columns_of_a_part_are_refused(change: Callable[[bundle_pb2.ReportBundle], None]) -> None:
    with pytest.raises(MalformedInput):
        read_bundle(altered(change, PART))


def test_nobody_writes_what_nobody_reads() -> None:
    with pytest.raises(NotCanonical):
        encode_bundle(ENVELOPE, salt("subject"), PART, salt("report"))
    with pytest.raises(MalformedInput):
        encode_bundle(ENVELOPE, b"short", WHOLE)


def test_a_part_is_proven_against_the_same_root() -> None:
    root = tree_root(WHOLE.leaves())
    assert PART.sections == (SECTIONS[0], SECTIONS[3])
    assert disclosed_root(5, PART.positions, PART.leaves(), PART.complement) == root
    assert WHOLE.narrowed(range(5)) is WHOLE, "all sections have one form: positions are not listed"
    with pytest.raises(MalformedInput):
        PART.narrowed([0])
    with pytest.raises(ProofInvalid):
        WHOLE.narrowed([5])


def test_a_proof_can_be_added_later() -> None:
    world = World.build(SECTIONS)
    bare = World.build(SECTIONS, proof=False)
    inclusion = replace(world.log, entries=(b"a", b"b", bare.envelope, b"d", b"e")).inclusion(2)
    assert read_bundle(with_inclusion(bare.bundle, inclusion)).inclusion == inclusion


def test_the_report_document_binds_number_and_order() -> None:
    documents = {
        report_document("1", (b"a", b"b")),
        report_document("1", (b"b", b"a")),
        report_document("1", (b"ab",)),
        report_document("2", (b"a", b"b")),
    }
    assert len(documents) == 4
