"""Report bundles: what a holder hands over, read in its one accepted form or refused, and written.

Every bit counts: no unknown or repeated fields, no alternative encodings, no empty submessages, no positions where all
sections are shown, no report salt where some are hidden. Nothing that is read here has been verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from huxin.v1 import bundle_pb2, report_pb2

from trust.disclosure import SALT_BYTES, disclose, section_leaves
from trust.envelope import Envelope
from trust.errors import MalformedInput, NotCanonical, TooLarge, UnknownContent
from trust.log.checkpoint import MAX_CHECKPOINT_BYTES
from trust.log.tree import HASH_BYTES
from trust.statements import parse_canonical, read_envelope

MAX_BUNDLE_BYTES = 1024 * 1024
"""Default limit, checked before anything is parsed: a complete Shanxi report is some tens of kilobytes."""

MAX_PROOF_HASHES = 64
"""Audit path of a log of 2**64 entries."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Sections that are shown, their salts (32 bytes each), and what proves them against the signed root.

    `positions` is empty when all are shown; else it rises strictly and `complement` holds the roots of the hidden
    subtrees (32 bytes each, `trust.disclosure.disclose`). Raises MalformedInput or NotCanonical.
    """

    sections: tuple[bytes, ...]
    salts: tuple[bytes, ...]
    positions: tuple[int, ...] = ()
    complement: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.sections:
            raise NotCanonical("a disclosure shows at least one section: leave it out when nothing is shown")
        if len(self.salts) != len(self.sections) or not {SALT_BYTES}.issuperset(map(len, self.salts)):
            raise MalformedInput("every shown section has its salt of 32 bytes: ask for the report again")
        if not {HASH_BYTES}.issuperset(map(len, self.complement)):
            raise MalformedInput("hashes of hidden sections have 32 bytes: ask for the report again")
        if bool(self.positions) != bool(self.complement):
            raise NotCanonical("positions are listed exactly when some section is hidden")
        if self.positions:
            if len(self.positions) != len(self.sections):
                raise MalformedInput("sections and positions differ in number: ask for the report again")
            if any(before >= after for before, after in pairwise(self.positions)):
                raise NotCanonical("positions rise strictly: ask for the report again")

    @property
    def complete(self) -> bool:
        """Whether all sections are claimed to be shown."""
        return not self.positions

    def leaves(self) -> list[bytes]:
        """Leaf hash of each shown section, 32 bytes each."""
        return section_leaves(self.salts, self.sections)

    def narrowed(self, positions: Sequence[int]) -> Disclosure:
        """Only the sections at these strictly rising positions of a complete disclosure.

        Raises MalformedInput when some sections are hidden already, ProofInvalid for positions outside the report.
        """
        if not self.complete:
            raise MalformedInput("only a complete report can be narrowed: start from the one that shows everything")
        complement = disclose(self.leaves(), positions)
        if not complement:
            return self
        return Disclosure(
            tuple(self.sections[at] for at in positions),
            tuple(self.salts[at] for at in positions),
            tuple(positions),
            tuple(complement),
        )


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That the statement is entry `index` of its issuer's log: audit path (32 bytes each) and signed head (note)."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def __post_init__(self) -> None:
        if not 0 <= self.index < 2**63:
            raise MalformedInput("the log index is out of range: ask for the report again")
        if len(self.hashes) > MAX_PROOF_HASHES or any(len(value) != HASH_BYTES for value in self.hashes):
            raise MalformedInput(f"an audit path has at most {MAX_PROOF_HASHES} hashes of 32 bytes")
        if not 0 < len(self.checkpoint) <= MAX_CHECKPOINT_BYTES:
            raise MalformedInput("an inclusion proof leads to a signed tree head: ask for the report again")


@dataclass(frozen=True, slots=True)
class PresentedBundle:
    """A bundle as presented, in canonical form, nothing verified.

    `subject_salt` has 32 bytes, or none where the subject is not to be matched; `report_salt` has 32 bytes, or none.
    """

    envelope_bytes: bytes
    envelope: Envelope
    subject_salt: bytes
    disclosure: Disclosure | None
    report_salt: bytes
    inclusion: Inclusion | None

    def __post_init__(self) -> None:
        _require_salts(self.subject_salt, self.report_salt, self.disclosure)


def read_bundle(data: bytes, max_bytes: int = MAX_BUNDLE_BYTES) -> PresentedBundle:
    """Read a serialised ReportBundle.

    Raises TooLarge before anything is parsed, MalformedInput, and NotCanonical for whatever our writer would not have
    written, fields that this version does not know included.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"a bundle may hold at most {max_bytes} bytes here: show fewer sections")
    try:
        message = parse_canonical(bundle_pb2.ReportBundle, data)
        envelope = read_envelope(message.envelope)
    except UnknownContent:
        # Only signed payloads may come from the future: around them, anything unknown is an alteration.
        raise NotCanonical(
            "the bundle holds fields that are not part of one: ask the holder for the original"
        ) from None
    disclosure = None
    if message.HasField("disclosure"):
        shown = message.disclosure
        disclosure = Disclosure(
            tuple(shown.sections), _cut(shown.salts), tuple(shown.positions), _cut(shown.complement)
        )
    inclusion = None
    if message.HasField("inclusion"):
        proof = message.inclusion
        inclusion = Inclusion(proof.index, tuple(proof.hashes), proof.checkpoint)
    return PresentedBundle(message.envelope, envelope, message.subject_salt, disclosure, message.report_salt, inclusion)


def encode_bundle(
    envelope: bytes,
    subject_salt: bytes,
    disclosure: Disclosure | None,
    report_salt: bytes = b"",
    inclusion: Inclusion | None = None,
) -> bytes:
    """Serialise a bundle around a signed attestation's envelope bytes. The same values give the same bytes.

    Raises MalformedInput or NotCanonical for salts that are not 32 bytes long or a report salt where some sections are
    hidden: such a bundle would be refused by every verifier.
    """
    _require_salts(subject_salt, report_salt, disclosure)
    message = bundle_pb2.ReportBundle(envelope=envelope, subject_salt=subject_salt, report_salt=report_salt)
    if disclosure is not None:
        message.disclosure.sections.extend(disclosure.sections)
        message.disclosure.salts = b"".join(disclosure.salts)
        message.disclosure.positions.extend(disclosure.positions)
        message.disclosure.complement = b"".join(disclosure.complement)
    if inclusion is not None:
        message.inclusion.index = inclusion.index
        message.inclusion.hashes.extend(inclusion.hashes)
        message.inclusion.checkpoint = inclusion.checkpoint
    return message.SerializeToString(deterministic=True)


def with_inclusion(data: bytes, inclusion: Inclusion) -> bytes:
    """The same bundle with this proof of inclusion in place of any other. Raises as `read_bundle` does."""
    bundle = read_bundle(data, len(data))
    return encode_bundle(bundle.envelope_bytes, bundle.subject_salt, bundle.disclosure, bundle.report_salt, inclusion)


def report_document(report_number: str, sections: Sequence[bytes]) -> bytes:
    """The whole report as one serialised ReportDocument: what the salted report digest is taken over."""
    document = report_pb2.ReportDocument(report_number=report_number, sections=sections)
    return document.SerializeToString(deterministic=True)


def _require_salts(subject_salt: bytes, report_salt: bytes, disclosure: Disclosure | None) -> None:
    if len(subject_salt) not in (0, SALT_BYTES) or len(report_salt) not in (0, SALT_BYTES):
        raise MalformedInput("a salt has 32 bytes: ask for the report again")
    if report_salt and (disclosure is None or not disclosure.complete):
        raise NotCanonical("the report's salt goes with complete reports only: leave it out")


def _cut(column: bytes) -> tuple[bytes, ...]:
    """A column of 32-byte values. A ragged end stays ragged and is refused by length."""
    return tuple(column[at : at + 32] for at in range(0, len(column), 32))
