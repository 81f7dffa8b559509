"""Verification steps 3 to 12 of `docs/protocol.md`: each a pure function that raises when its check does not pass.

StepUndecided (and UnknownContent) leave a step UNDECIDED, any other TrustError fails it; returning means PASS. Steps
1, 2 and 13 depend on the bundle's bytes alone and stand in `trust.reading`. Time is an argument everywhere, by one of
two names: `as_of` is the moment whose rules apply (10, 11), `known_at` that up to when we use what we know (8, 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from trust.algorithms import PublicKey
from trust.bundle import Inclusion, PresentedBundle
from trust.disclosure import commitment
from trust.envelope import Envelope, Signature, pae
from trust.errors import (
    CheckpointInvalid,
    HeadInconsistent,
    ProofInvalid,
    SignatureInvalid,
    StepFailed,
    StepUndecided,
)
from trust.issuers import Conditions, TrustedIssuer
from trust.log.checkpoint import SignedHead, open_checkpoint, peek_checkpoint
from trust.log.proofs import verify_inclusion
from trust.log.tree import leaf_hash
from trust.memo import SMALL_ENTRY_BYTES, ArithmeticMemo
from trust.reading import Reading
from trust.recovery import NOTHING_OPEN, EntryFacts, LeftOpen, LogViewFacts, require_nothing_doubted
from trust.sightings import Existence
from trust.vocabulary import Attestation, StatusFlag
from trust.witnesses import NOTHING_WITNESSED, Witnessing, require_one_history, require_quorum, witnesses_of


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a bundle brings for step 6: its digest, the entry (envelope bytes), and the proof, if any."""

    bundle_digest: bytes
    entry: bytes
    inclusion: Inclusion | None


# Arithmetic, remembered


def signature_holds(
    envelope: Envelope, digest: bytes, signature: Signature, key: PublicKey, memo: ArithmeticMemo
) -> bool:
    """Whether a signature verifies under its key: checked, or recalled by (SHA-256 of the envelope, key id)."""
    memo_key = ("signature", digest, key.key_id)
    holds: bool | None = memo.recall(memo_key)
    if holds is None:
        try:
            key.verify(signature.sig, pae(envelope.payload_type, envelope.payload))
            holds = True
        except SignatureInvalid:
            holds = False
        memo.remember(memo_key, holds)
    return holds


def head_of(inclusion: Inclusion, trusted: TrustedIssuer, memo: ArithmeticMemo) -> SignedHead | CheckpointInvalid:
    """The bundle's tree head with every line verified under known keys, or why not: checked, or recalled.

    It may be one of a log that was closed since.
    """
    memo_key = ("head", inclusion.checkpoint, trusted.log_keys_digest)
    found: SignedHead | CheckpointInvalid | None = memo.recall(memo_key)
    if found is None:
        try:
            known = trusted.of_log(peek_checkpoint(inclusion.checkpoint)[0]) if trusted.closed else trusted
            found = open_checkpoint(inclusion.checkpoint, known.head_key, known.origin, known.cosigners)
        except CheckpointInvalid as error:
            # Without its traceback, which would keep the caller's frames alive.
            found = CheckpointInvalid(error.message, error.reason)
        memo.remember(memo_key, found, SMALL_ENTRY_BYTES + 4 * len(inclusion.checkpoint))
    return found


def inclusion_holds(proof: LogProof, inclusion: Inclusion, head: SignedHead, memo: ArithmeticMemo) -> bool:
    """Whether the audit path leads to the head that the same bundle brings: checked, or recalled by bundle digest."""
    memo_key = ("inclusion", proof.bundle_digest)
    holds: bool | None = memo.recall(memo_key)
    if holds is None:
        try:
            verify_inclusion(leaf_hash(proof.entry), inclusion.index, head.size, inclusion.hashes, head.root)
            holds = True
        except ProofInvalid:
            holds = False
        memo.remember(memo_key, holds)
    return holds


def pending_arithmetic(
    reading: Reading, trusted: TrustedIssuer, memo: ArithmeticMemo
) -> tuple[Callable[[], object], ...]:
    """Signature checks that verifying this bundle needs and the memo does not know.

    Each may be called on any thread (they release the GIL), never raises, and leaves its outcome in the memo.
    """
    if reading.bundle is None:
        return ()
    envelope, digest, inclusion = reading.bundle.envelope, reading.envelope_digest, reading.bundle.inclusion
    work: list[Callable[[], object]] = []
    for signature in envelope.signatures:
        known = trusted.keys.get(signature.key_id)
        if known is not None and memo.recall(("signature", digest, signature.key_id)) is None:
            work.append(partial(signature_holds, envelope, digest, signature, known.key, memo))
    if inclusion is not None and memo.recall(("head", inclusion.checkpoint, trusted.log_keys_digest)) is None:
        work.append(partial(head_of, inclusion, trusted, memo))
    return tuple(work)


# Steps


def issuer_is_known(attestation: Attestation, trusted: TrustedIssuer | None, unchecked: bool) -> None:
    """Step 3. Raises StepFailed: ISSUER_UNKNOWN, ISSUER_MISMATCH; StepUndecided: ISSUER_UNCHECKED."""
    if trusted is None and unchecked:
        raise StepUndecided(
            "ISSUER_UNCHECKED",
            "what this node holds of its issuer cannot be checked here: see `huxin doctor`",
        )
    if trusted is None:
        raise StepFailed("ISSUER_UNKNOWN", "its issuer is not known here: import the issuer's bundle first")
    if trusted.division != attestation.issuer:
        raise StepFailed("ISSUER_MISMATCH", "the trusted state is that of another issuer: look up the one it names")


def keys_were_valid(
    envelope: Envelope, issued_at: datetime, trusted: TrustedIssuer, existed: Existence | None = None
) -> bool:
    """Step 4: every key that signed is the issuer's and was valid when it claims to have signed.

    `existed` proves by when the statement stood in the issuer's log, by our own view. True when the step passed by
    that alone: a key that signed was compromised later. Raises StepFailed (KEY_UNKNOWN, KEY_NOT_YET_VALID, KEY_RETIRED,
    KEY_COMPROMISED), StepUndecided (KEY_COMPROMISED_SINCE, UNKNOWN_SUITE). One key that fails outweighs another
    that is undecided.
    """
    undecided: StepUndecided | None = None
    existed_by = None if existed is None else existed.by_issuer_clock
    for signature in envelope.signatures:
        key = trusted.keys.get(signature.key_id)
        try:
            if key is None:
                raise _not_ours(signature, trusted)
            key.require_valid(issued_at, existed_by)
        except StepUndecided as error:
            undecided = error
    if undecided is not None:
        raise undecided
    lost = trusted.compromised
    return bool(lost) and any(signature.key_id in lost for signature in envelope.signatures)


def signatures_hold(
    envelope: Envelope, digest: bytes, trusted: TrustedIssuer, terms: Conditions | None, memo: ArithmeticMemo
) -> None:
    """Step 5: every signature verifies under a key of the issuer, and the suites that we require have signed.

    `digest` is SHA-256 of the envelope's bytes. Raises SignatureInvalid, StepFailed (KEY_UNKNOWN, SUITE_MISSING),
    StepUndecided (UNKNOWN_SUITE).
    """
    suites = set()
    undecided: StepUndecided | None = None
    for signature in envelope.signatures:
        known = trusted.keys.get(signature.key_id)
        if known is None:
            error = _not_ours(signature, trusted)
            if not isinstance(error, StepUndecided):
                raise error
            undecided = error
        elif signature_holds(envelope, digest, signature, known.key, memo):
            suites.add(known.key.suite.value)
        else:
            raise SignatureInvalid("a signature does not fit the statement: it was altered, or is not the issuer's")
    if undecided is not None:
        raise undecided
    if terms is not None:
        suites_suffice(suites, terms)


def suites_suffice(suites: AbstractSet[str], terms: Conditions) -> None:
    """Of step 5: each of `all_of` signed, and one of `any_of` where it names any. Raises StepFailed: SUITE_MISSING."""
    if not terms.all_of <= suites or (terms.any_of and not terms.any_of & suites):
        raise StepFailed("SUITE_MISSING", "a signature suite that we require did not sign: ask for a new report")


def statement_is_logged(
    proof: LogProof,
    due: datetime,
    trusted: TrustedIssuer,
    view: LogViewFacts | None,
    entry: EntryFacts | None,
    memo: ArithmeticMemo,
    witnessing: Witnessing = NOTHING_WITNESSED,
    left_open: LeftOpen = NOTHING_OPEN,
) -> None:
    """Step 6: the statement is in the log, by our own view or by the bundle's proof where our view ends before.

    In a log with two histories only what stands before they part is: which of the two is the issuer's, nobody can tell.
    Once such a log is succeeded, our own view alone counts of it: a proof of the bundle's may be of either history.

    `due` is `issued_at` plus the merge delay: a head cosigned later holds it. Whatever proof the bundle brings must
    hold even where our view knows already: every bit counts. Raises CheckpointInvalid, ProofInvalid, HeadInconsistent,
    StepFailed (NOT_COSIGNED, LOG_ENTRY_DIFFERS, NOT_IN_LOG, or NOT_IN_SUCCESSOR where the bundle proves that a log
    which was closed since held it) and StepUndecided (NOT_YET_IN_VIEW, LOG_SPLIT).
    """
    inclusion = proof.inclusion
    given_up = False
    if inclusion is not None and _require_proof(proof, inclusion, trusted, view, memo).origin != trusted.origin:
        inclusion, given_up = None, True
    if view is not None and entry is not None and entry.index < view.size:
        if entry.entry != proof.entry or (inclusion is not None and inclusion.index != entry.index):
            raise _another_entry()
        require_one_history(entry.index, witnessing)
        return
    if view is not None and inclusion is not None and inclusion.index < view.size:
        raise _another_entry()
    if view is not None and view.fresh_at is not None and view.fresh_at > due and not left_open.unsettled:
        if given_up:  # a log of its issuer's did hold it, once
            raise StepFailed(
                "NOT_IN_SUCCESSOR",
                "its issuer's log was closed and goes on without this report: ask the issuer for a new one",
            )
        raise StepFailed("NOT_IN_LOG", "the issuer's log should hold it by now and does not: do not rely on it")
    if inclusion is None:
        raise StepUndecided("NOT_YET_IN_VIEW", "our view of the issuer's log ends before it: try again in a minute")
    require_one_history(inclusion.index, witnessing)


def _require_proof(
    proof: LogProof, inclusion: Inclusion, trusted: TrustedIssuer, view: LogViewFacts | None, memo: ArithmeticMemo
) -> SignedHead:
    head = head_of(inclusion, trusted, memo)
    if isinstance(head, CheckpointInvalid):
        raise CheckpointInvalid(head.message, head.reason)
    if head.cosigned_at is None:
        raise StepFailed("NOT_COSIGNED", "its tree head is not cosigned by the issuer: fetch the proof again")
    if not inclusion_holds(proof, inclusion, head, memo):
        raise ProofInvalid("the audit path does not lead to the signed tree head: fetch the proof again")
    if view is not None and (head.origin, head.size) == (view.origin, view.size) and head.root != view.root:
        raise HeadInconsistent("the issuer signed two different logs: keep this bundle as evidence, tell the issuer")
    return head


def witnesses_in(
    proof: LogProof,
    trusted: TrustedIssuer,
    entry: EntryFacts | None,
    witnessing: Witnessing,
    quorum: int,
    memo: ArithmeticMemo,
) -> int:
    """How many witnesses are known to have cosigned a head that holds the statement: at least `quorum`, or all.

    Our own view is asked first; what stands under the bundle's head is added only where our view knows fewer than
    `quorum`, for looking at it costs more than all else that is done for a bundle seen before.
    """
    index = None if entry is None else entry.index
    known = witnesses_of(index, (), trusted, witnessing)
    inclusion = proof.inclusion
    if len(known) >= quorum or inclusion is None:
        return len(known)
    head = head_of(inclusion, trusted, memo)
    if not isinstance(head, SignedHead) or not inclusion_holds(proof, inclusion, head, memo):
        return len(known)
    if head.origin != trusted.origin:  # it holds the statement in a log that does not count
        return len(known)
    return len(witnesses_of(index, head.cosigners, trusted, witnessing))


def quorum_has_cosigned(witnesses: int, terms: Conditions | None) -> None:
    """Step 7: our quorum of witnesses cosigned a head that holds the statement; neither the issuer nor we are one.

    Raises StepUndecided: NO_CONDITIONS, WITNESS_QUORUM_UNMET.
    """
    if terms is None:
        raise _no_conditions()
    require_quorum(witnesses, terms.witness_quorum)


def trust_is_fresh(trusted: TrustedIssuer, terms: Conditions | None, known_at: datetime, skew: timedelta) -> None:
    """Step 8: never laxer for a moment in the past.

    Raises StepUndecided: TRUST_STATE_EXPIRED, NO_CONDITIONS, TRUST_STATE_IN_FUTURE, TRUST_STATE_STALE.
    """
    if trusted.expires_at is not None and known_at >= trusted.expires_at:
        raise StepUndecided("TRUST_STATE_EXPIRED", "what the registry says of its issuer has expired: refresh it")
    if terms is None:
        raise _no_conditions()
    if trusted.refreshed_at > known_at + skew:
        raise StepUndecided("TRUST_STATE_IN_FUTURE", "the trusted state is dated later than now: check the clock")
    if known_at - trusted.refreshed_at > terms.max_trust_state_age:
        raise StepUndecided("TRUST_STATE_STALE", "the trusted state is too old: refresh it")


def view_is_fresh(terms: Conditions | None, view: LogViewFacts | None, known_at: datetime, skew: timedelta) -> None:
    """Step 9, by our own view alone; never laxer for a moment in the past.

    Raises StepUndecided: NO_CONDITIONS, NO_LOG_VIEW, LOG_VIEW_IN_FUTURE, LOG_VIEW_STALE.
    """
    if view is None or view.fresh_at is None:
        raise _no_view()
    if terms is None:
        raise _no_conditions()
    if view.fresh_at > known_at + skew:
        raise StepUndecided("LOG_VIEW_IN_FUTURE", "the issuer's log is dated later than now: check both clocks")
    if known_at - view.fresh_at > terms.max_log_view_age:
        raise StepUndecided("LOG_VIEW_STALE", "our view of the issuer's log is too old: wait for the next update")


def status_is_clear(
    view: LogViewFacts | None,
    entry: EntryFacts | None,
    flags: Sequence[StatusFlag],
    logged: bool,
    left_open: LeftOpen = NOTHING_OPEN,
) -> None:
    """Step 10, by our own view alone. `logged` says whether step 6 passed.

    A statement that is proven to stand after the end of our view has no status in it; step 9 limits how old that
    view may be, as it does for any status. Raises StepFailed (REVOKED, STATUS_<FLAG>), StepUndecided
    (STATUS_UNPROVEN, NO_LOG_VIEW, NOT_YET_IN_VIEW).
    """
    if StatusFlag.REVOKED in flags:
        raise StepFailed("REVOKED", "its issuer has withdrawn it: ask the holder for a new report")
    if flags:
        raise StepFailed(f"STATUS_{flags[0].name}", "its standing has changed: ask the issuer what holds now")
    require_nothing_doubted(left_open)
    if view is None:
        raise _no_view()
    if entry is None and not logged:
        raise StepUndecided("NOT_YET_IN_VIEW", "our view of the issuer's log does not hold it: try again in a minute")


def was_valid(attestation: Attestation, as_of: datetime, known_at: datetime, skew: timedelta) -> None:
    """Step 11. Clocks may differ by `skew` about the present; a moment in the past is what it is.

    Raises StepFailed: ISSUED_IN_FUTURE, EXPIRED.
    """
    latest = known_at + skew if as_of >= known_at else as_of
    if attestation.issued_at > latest:
        raise StepFailed("ISSUED_IN_FUTURE", "it is dated later than the moment asked about: check both times")
    if attestation.valid_until is not None and as_of >= attestation.valid_until:
        raise StepFailed("EXPIRED", "its validity has ended: ask the holder for a new report")


def subject_matches(bundle: PresentedBundle, attestation: Attestation, claim: tuple[str, str] | None) -> None:
    """Step 12: it is about whom the presenter says, (id type, normalised id).

    Raises StepFailed (SUBJECT_MISMATCH), StepUndecided (NO_SUBJECT_CLAIMED, NO_SUBJECT_SALT).
    """
    if claim is None:
        raise StepUndecided("NO_SUBJECT_CLAIMED", "nobody said whom it is about: name the subject")
    if not bundle.subject_salt:
        raise StepUndecided("NO_SUBJECT_SALT", "the bundle cannot be matched to a subject: ask the holder for the file")
    if commitment(bundle.subject_salt, *claim) != attestation.subject_commitment:
        raise StepFailed("SUBJECT_MISMATCH", "it is about somebody else: check the identifier and the document")


def _not_ours(signature: Signature, trusted: TrustedIssuer) -> StepFailed | StepUndecided:
    if signature.key_id in trusted.unsupported:
        return StepUndecided(
            "UNKNOWN_SUITE", "signed with a suite that this node cannot check: upgrade it, or install what that needs"
        )
    return StepFailed("KEY_UNKNOWN", "signed with a key that its issuer has not published: do not rely on it")


def _another_entry() -> StepFailed:
    return StepFailed("LOG_ENTRY_DIFFERS", "the issuer's log holds another statement there: do not rely on it")


def _no_conditions() -> StepUndecided:
    return StepUndecided("NO_CONDITIONS", "we have no trust certificate for its issuer, so no limits of age: issue one")


def _no_view() -> StepUndecided:
    return StepUndecided("NO_LOG_VIEW", "we have no view of the issuer's log: follow the issuer first")
