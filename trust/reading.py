"""A bundle as read: everything that its bytes alone decide (steps 1, 2 and 13), computed once and then remembered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from trust.bundle import MAX_BUNDLE_BYTES, PresentedBundle, read_bundle, report_document
from trust.disclosure import disclosed_root, report_digest, tree_root
from trust.errors import StepFailed, StepUndecided, UnknownContent
from trust.memo import ArithmeticMemo
from trust.outcome import StepOutcome, attempt, run, unreached
from trust.statements import ATTESTATION, read_attestation
from trust.vocabulary import Attestation

_ATTESTATION_OF_ANY_VERSION = "application/vnd.huxin.attestation.v"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a bundle's bytes say. Nothing here is verified except that its parts belong together.

    `bundle` is None when step 1 failed, `attestation` when the statement cannot be read. `envelope_digest` is SHA-256
    of the envelope's bytes: the statement's name in logs and status changes. Digests have 32 bytes; that of a bundle
    over the size limit is empty, for it was not even hashed.
    """

    bundle_digest: bytes
    size: int
    bundle: PresentedBundle | None
    attestation: Attestation | None
    envelope_digest: bytes
    form: StepOutcome
    statement: StepOutcome
    content: StepOutcome


def read(data: bytes, memo: ArithmeticMemo | None = None, max_bytes: int = MAX_BUNDLE_BYTES) -> Reading:
    """Read a serialised bundle, or recall it. Never raises for bad bytes: the three outcomes say what is wrong."""
    digest = hashlib.sha256(data).digest() if len(data) <= max_bytes else b""
    if memo is not None and digest:
        recalled: Reading | None = memo.recall(("reading", digest))
        if recalled is not None:
            return recalled
    form, bundle = attempt(1, read_bundle, data, max_bytes)
    if bundle is None:
        return Reading(digest, len(data), None, None, b"", form, unreached(2), unreached(13))
    statement, attestation = attempt(2, read_statement, bundle)
    if statement.reason == UnknownContent.default_reason:  # undecided, but what is known of it can be shown
        _, attestation = attempt(2, read_statement, bundle, unknown_ok=True)
    content = unreached(13)
    if attestation is not None:
        content = run(13, require_content, bundle, attestation)
    envelope_digest = hashlib.sha256(bundle.envelope_bytes).digest()
    return Reading(digest, len(data), bundle, attestation, envelope_digest, form, statement, content)


def remember(reading: Reading, memo: ArithmeticMemo) -> None:
    """Remember a reading. For bundles that a known key signed: strangers must not be able to fill the memo."""
    memo.remember(("reading", reading.bundle_digest), reading, 3 * reading.size + 4_096)


def read_statement(bundle: PresentedBundle, *, unknown_ok: bool = False) -> Attestation:
    """Step 2: payload type and version are known, and the statement is in canonical form.

    Raises StepFailed (WRONG_PAYLOAD_TYPE), StepUndecided (UNKNOWN_VERSION), MalformedInput, NotCanonical,
    UnknownContent.
    """
    payload_type = bundle.envelope.payload_type
    if payload_type != ATTESTATION:
        if payload_type.startswith(_ATTESTATION_OF_ANY_VERSION):
            raise StepUndecided("UNKNOWN_VERSION", "the attestation is of another version: upgrade to judge it")
        raise StepFailed("WRONG_PAYLOAD_TYPE", "what is signed is no attestation of a report: ask for the report")
    return read_attestation(bundle.envelope.payload, unknown_ok=unknown_ok)


def require_content(bundle: PresentedBundle, attestation: Attestation) -> None:
    """Step 13: what is shown is what was signed, section by section, and as a whole where the report salt is given.

    Raises StepUndecided (NOTHING_DISCLOSED), ProofInvalid and StepFailed (SECTION_COUNT_MISMATCH,
    SECTION_ROOT_MISMATCH, REPORT_DIGEST_MISMATCH).
    """
    shown = bundle.disclosure
    if shown is None:
        raise StepUndecided("NOTHING_DISCLOSED", "the bundle shows no section: ask the holder for the sections")
    if not shown.complete:
        root = disclosed_root(attestation.section_count, shown.positions, shown.leaves(), shown.complement)
    elif len(shown.sections) == attestation.section_count:
        root = tree_root(shown.leaves())
    else:
        raise StepFailed("SECTION_COUNT_MISMATCH", "sections are missing or too many: ask for the report again")
    if root != attestation.section_root:
        raise StepFailed("SECTION_ROOT_MISMATCH", "the sections are not those that were signed: do not rely on them")
    if bundle.report_salt:
        document = report_document(attestation.report_number, shown.sections)
        if report_digest(bundle.report_salt, document) != attestation.report_digest:
            raise StepFailed("REPORT_DIGEST_MISMATCH", "the report is not the one that was signed: do not rely on it")
