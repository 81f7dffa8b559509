"""A filled report becomes evidence, whole or with some rows only (R191): checked with the kernel's own reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from itertools import combinations

import pytest

from node.errors import InvalidInput, NotFound
from node.issuance.attesting import ReportDraft, attest
from node.issuance.presenting import present
from node.issuance.sections import choose_rows, section_template
from node.model.calendar import Period
from node.model.identifiers import make_report_number
from node.model.issuing import PeriodExceptionNote
from node.model.subject import SubjectKind
from node.wire.report import decode_section, encode_section
from tests.issuance.world import ENTERPRISE, NOW, SUBJECT, TODAY, edition
from tests.support.trust import key
from trust import statements
from trust.bundle import Inclusion, PresentedBundle, encode_bundle, read_bundle, report_document
from trust.disclosure import commitment, disclosed_root, report_digest
from trust.envelope import check_signatures
from trust.vocabulary import Attestation

CATALOGUE = edition().catalogue
PERIOD = Period(date(2021, 11, 22), TODAY)
NUMBER = make_report_number("140000", TODAY, b"synthetic.")
PROOF = Inclusion(3, (b"h" * 32,), "synthetic checkpoint\n")


class Drawn:
    """Random bytes that are known: each draw counts on."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def __call__(self, count: int) -> bytes:
        drawn = b"".join(sha256(f"{len(self.blocks)} {at}".encode()).digest() for at in range(0, count, 32))[:count]
        self.blocks.append(drawn)
        return drawn


def draft(*codes: str) -> ReportDraft:
    template = section_template(CATALOGUE, choose_rows(CATALOGUE, codes), {}, encode_section)
    sections = [b"synthetic summary", *template.encoded]
    return ReportDraft(NUMBER, ENTERPRISE, NOW, PERIOD, None, "tender", sections, CATALOGUE, edition().crosswalk.digest)


def attested(of: ReportDraft) -> tuple[PresentedBundle, Attestation]:
    """The stored bundle and its statement, signatures checked."""
    report = attest(of, [key("signing")], Drawn())
    bundle = read_bundle(report.bundle)
    assert bundle.envelope_bytes == report.envelope
    assert sha256(report.envelope).digest() == report.digest
    check_signatures(bundle.envelope, {key("signing").key_id: key("signing").public})
    return bundle, statements.read_attestation(bundle.envelope.payload)


def test_the_statement_says_what_was_issued() -> None:
    bundle, said = attested(draft("6", "1"))
    assert (said.report_number, said.issuer, said.territory) == (NUMBER, "140000", "140000")
    assert (said.issued_at, said.data_cutoff, said.valid_until) == (NOW, NOW, None)
    assert (said.period.start, said.period.end, said.period_exception) == (PERIOD.start, PERIOD.end, None)
    assert (said.scenario, said.subject_kind.value) == ("tender", ENTERPRISE.kind.value)
    scheme = CATALOGUE.scheme
    assert (said.scheme, said.template_version) == (scheme.scheme, scheme.template_version)
    assert said.legal_basis == scheme.legal_basis
    assert (said.catalogue_digest, said.crosswalk_digest) == (CATALOGUE.digest, edition().crosswalk.digest)
    assert said.subject_commitment == commitment(bundle.subject_salt, "uscc", SUBJECT.id)
    assert bundle.inclusion is None


def test_the_statement_holds_nothing_of_the_subject() -> None:
    report = attest(draft("6"), [key("signing")], Drawn())
    assert SUBJECT.id.encode() not in report.envelope
    assert ENTERPRISE.name.encode() not in report.envelope


def test_sections_and_report_are_bound_to_the_statement() -> None:
    order = draft("6", "1")
    bundle, said = attested(order)
    assert bundle.disclosure is not None
    assert list(bundle.disclosure.sections) == list(order.sections)
    leaves = bundle.disclosure.leaves()
    assert said.section_count == len(order.sections)
    assert said.section_root == disclosed_root(said.section_count, range(said.section_count), leaves, ())
    assert said.report_digest == report_digest(bundle.report_salt, report_document(NUMBER, order.sections))


def test_every_salt_is_fresh() -> None:
    random = Drawn()
    bundles = [read_bundle(attest(draft("6"), [key("signing")], random).bundle) for _ in range(2)]
    salts = []
    for bundle in bundles:
        assert bundle.disclosure is not None
        salts += [*bundle.disclosure.salts, bundle.subject_salt, bundle.report_salt]
    assert all(len(salt) == 32 for salt in salts)
    assert len(set(salts)) == len(salts)


def test_validity_exception_and_kind_are_stated() -> None:
    scheme = replace(CATALOGUE.scheme, validity_days=30)
    order = replace(
        draft("6"),
        catalogue=replace(CATALOGUE, scheme=scheme),
        exception=PeriodExceptionNote("91110000MA0TE00000", "synthetic reason"),
        registration=replace(ENTERPRISE, kind=SubjectKind.BRANCH),
    )
    _, said = attested(order)
    assert said.valid_until == NOW + timedelta(days=30)
    assert said.period_exception is not None
    assert (said.period_exception.relying_party, said.period_exception.reason) == (
        "91110000MA0TE00000",
        "synthetic reason",
    )
    assert said.subject_kind.value == "branch"


# Handing over


@pytest.fixture(scope="module")
def stored() -> bytes:
    """A report of three rows, as the store keeps it."""
    return attest(draft("1", "6", "26"), [key("signing")], Drawn()).bundle


def test_everything_is_handed_over_with_its_proof(stored: bytes) -> None:
    whole = read_bundle(present(stored, PROOF, (), decode_section))
    assert whole.inclusion == PROOF
    assert replace(whole, inclusion=None) == read_bundle(stored)


@pytest.mark.parametrize("codes", [c for n in (1, 2, 3) for c in combinations(("1", "6", "26"), n)])
def test_some_rows_are_handed_over_and_the_rest_stays_countable(stored: bytes, codes: tuple[str, ...]) -> None:
    part = read_bundle(present(stored, PROOF, codes, decode_section))
    said = statements.read_attestation(part.envelope.payload)
    shown = part.disclosure
    assert shown is not None
    assert shown.sections[0] == b"synthetic summary"
    assert {decode_section(section).local_code for section in shown.sections[1:]} == set(codes)
    positions = shown.positions or range(said.section_count)
    assert disclosed_root(said.section_count, positions, shown.leaves(), shown.complement) == said.section_root
    if len(codes) < 3:
        # Whoever had this salt could try what the hidden sections say.
        assert part.report_salt == b""
        hidden = set(read_bundle(stored).disclosure.salts) - set(shown.salts)  # type: ignore[union-attr]  # it is whole
        assert hidden
        assert not any(salt in present(stored, PROOF, codes, decode_section) for salt in hidden)


def test_the_order_in_which_rows_are_named_does_not_matter(stored: bytes) -> None:
    assert present(stored, PROOF, ("26", "1", "26"), decode_section) == present(
        stored, PROOF, ("1", "26"), decode_section
    )


def test_a_row_that_the_report_does_not_have_is_named_by_its_place(stored: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        present(stored, PROOF, ("6", "7"), decode_section)
    assert caught.value.field == "disclosed_codes[1]"


def test_a_report_whose_sections_are_gone_shows_none(stored: bytes) -> None:
    bare = encode_bundle(read_bundle(stored).envelope_bytes, b"", None)
    with pytest.raises(NotFound):
        present(bare, PROOF, ("6",), decode_section)
    assert read_bundle(present(bare, PROOF, (), decode_section)).disclosure is None
