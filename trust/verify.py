"""Verification steps 1 to 13 (`docs/protocol.md`) over (bundle, trusted state, log view, two times): the runner.

 1 form    2 statement    3 issuer    4 keys    5 signatures    6 log    7 quorum    8 trusted state    9 log view
10 status  11 validity   12 subject  13 content
The caller still owes 14 to 18: the issuing scheme's rules, our trust certificate's scope, gaps, findings, decision.

A check that fails raises; the runner collects and goes on where it can, so that the caller sees everything at once.
Only the runner makes a `Verified`, and only when all thirteen passed: ACCEPT is built from nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, final

from trust import steps
from trust.bundle import PresentedBundle
from trust.flags import LaterFlag, flags_changed_later, flags_in_force
from trust.issuers import Conditions, TrustedIssuer
from trust.memo import ArithmeticMemo
from trust.outcome import StepOutcome, StepStatus, attempt, not_required, run, unreached
from trust.reading import Reading, read, remember
from trust.recovery import NOTHING_OPEN, EntryFacts, LeftOpen, LogViewFacts, standpoint
from trust.sightings import Existence, SightingFacts, existence
from trust.steps import LogProof
from trust.vocabulary import Attestation, StatusFlag
from trust.witnesses import NOTHING_WITNESSED, Witnessing

MERGE_DELAY = timedelta(seconds=60)
"""How long after `issued_at` a statement may be missing from a head: nodes cosign their log each minute."""

CLOCK_SKEW = timedelta(seconds=60)
"""How far ahead of ours another clock may be before its time counts as being in the future."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far clocks and sequencers may be apart."""

    merge_delay: timedelta = MERGE_DELAY
    skew: timedelta = CLOCK_SKEW


DEFAULT_TOLERANCES = Tolerances()

_CONTENT_STEPS = (1, 2, 3, 5, 13)
_RUNNER = object()


@dataclass(frozen=True, slots=True)
class Examined:
    """A report whose signatures and digests hold, whatever else is undecided or has failed.

    `sections` are the proven serialised sections, the n-th at the n-th of `positions` in the report's tree of
    `attestation.section_count`.
    """

    attestation: Attestation
    envelope_digest: bytes
    bundle_digest: bytes
    sections: tuple[bytes, ...]
    positions: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether every section is shown."""
        return len(self.positions) == self.attestation.section_count


@final
class Verified:
    """Proof that steps 1 to 13 passed for a report at an instant. Only `verify` makes one; it cannot be copied."""

    __slots__ = ("_at", "_examined")

    def __init__(self, runner: object, examined: Examined, at: datetime) -> None:
        if runner is not _RUNNER:
            raise TypeError("only trust.verify.verify makes a Verified: verify the bundle")
        self._examined = examined
        self._at = at

    @property
    def examined(self) -> Examined:
        """What was verified."""
        return self._examined

    @property
    def at(self) -> datetime:
        """The instant as of which it was verified: that whose rules apply."""
        return self._at

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Verified is not copied or stored: verify the bundle again")


@dataclass(frozen=True, slots=True)
class Examination:
    """Thirteen outcomes in order, and what may be relied on.

    `examined` is None unless signatures and digests hold; `verified` is None unless everything passed. `flags` are
    those that our view of the log shows in force as of the moment asked about, `later_flags` what it shows to have
    changed since.
    """

    outcomes: tuple[StepOutcome, ...]
    reading: Reading
    examined: Examined | None
    verified: Verified | None
    flags: tuple[StatusFlag, ...]
    later_flags: tuple[LaterFlag, ...]
    witnesses: int = 0
    """How many witnesses our own view knows to have cosigned a head that holds the statement; where those are fewer
    than our quorum, those under the bundle's own head as well."""
    existed: Existence | None = None
    """What step 4 rests on where a key that signed was compromised later: proof that the statement is older."""
    doubted: bool = False
    """Whether step 10 names a flag in force and would be STATUS_UNPROVEN (`LeftOpen.doubted`) without it."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What others say of the statement: how many witnesses hold it, and by when it existed, where step 4 asks that."""

    witnesses: int
    existed: Existence | None


_UNTOLD = _Told(0, None)


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything but the bundle that the steps look at."""

    claim: tuple[str, str] | None
    trusted: TrustedIssuer | None
    terms: Conditions | None
    view: LogViewFacts | None
    entry: EntryFacts | None
    flags: tuple[StatusFlag, ...]
    as_of: datetime
    known_at: datetime
    tolerances: Tolerances
    memo: ArithmeticMemo
    unchecked: bool
    witnessing: Witnessing
    sightings: Sequence[SightingFacts]
    left_open: LeftOpen


def verify(  # noqa: PLR0913 - everything that a verification is a pure function of, by keyword
    bundle: bytes | Reading,
    *,
    claim: tuple[str, str] | None,
    trusted: TrustedIssuer | None,
    terms: Conditions | None,
    view: LogViewFacts | None,
    entry: EntryFacts | None,
    as_of: datetime,
    known_at: datetime,
    memo: ArithmeticMemo | None = None,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    unchecked: bool = False,
    witnessing: Witnessing = NOTHING_WITNESSED,
    sightings: Sequence[SightingFacts] = (),
    left_open: LeftOpen = NOTHING_OPEN,
) -> Examination:
    """Run steps 1 to 13 over a serialised bundle, or over one that `trust.reading.read` has read.

    `claim` is (id type, normalised id) as the presenter says; `trusted` and `terms` are what we hold of the issuer and
    what our trust certificate demands of it; `view` is our view of its log, `entry` what that view holds under SHA-256
    of the envelope. `as_of` is the moment whose rules apply, `known_at` that up to when we use what we know: aware
    UTC, the same for a question about now. Whatever is None leaves steps failed or undecided, never passed. `memo`
    remembers arithmetic alone. `unchecked` says that `trusted` is None because what we hold of the issuer cannot be
    checked here. `witnessing` is what others told of the log that holds the entry, else of the issuer's newest one;
    `sightings` by whom and when that log was seen to hold it: read where a key that signed was compromised. Where the
    log was succeeded, `view` is of the newest one, `entry` of any, and `left_open` says what does not count yet. Raises
    nothing for bad input: the outcomes tell. Raises ValueError for an `as_of` after `known_at`: a fault of the caller.
    """
    if as_of > known_at:
        raise ValueError("nobody knows the rules of a moment to come: as_of is at most known_at")
    memo = ArithmeticMemo() if memo is None else memo
    reading = bundle if isinstance(bundle, Reading) else read(bundle, memo)
    if trusted is not None:
        where = standpoint(trusted, view, entry, witnessing, left_open)
        trusted, view, entry, witnessing = where.trusted, where.view, where.entry, where.witnessing
    statuses = entry.statuses if entry is not None else ()
    flags = flags_in_force(statuses, as_of) if statuses else ()
    case = _Case(
        claim,
        trusted,
        terms,
        view,
        entry,
        flags,
        as_of,
        known_at,
        tolerances,
        memo,
        unchecked,
        witnessing,
        sightings,
        left_open,
    )
    return _examined_as(reading, case)


def _examined_as(reading: Reading, case: _Case) -> Examination:
    """All steps, and what they come to."""
    if reading.bundle is None or reading.attestation is None:
        middle, told = [unreached(number) for number in range(3, 13)], _UNTOLD
    else:
        middle, told = _run_middle(reading, reading.bundle, reading.attestation, case)
    outcomes = (reading.form, reading.statement, *middle, reading.content)
    examined = _examined(reading, outcomes)
    if examined is not None:
        remember(reading, case.memo)
    verified = None
    if examined is not None and all(map(_stands, outcomes)):
        verified = Verified(_RUNNER, examined, case.as_of)
    statuses = case.entry.statuses if case.entry is not None else ()
    later = flags_changed_later(statuses, case.as_of) if statuses else ()
    doubted = case.left_open.doubted and outcomes[9].status is StepStatus.FAIL
    return Examination(outcomes, reading, examined, verified, case.flags, later, told.witnesses, told.existed, doubted)


def _run_middle(
    reading: Reading, bundle: PresentedBundle, attestation: Attestation, case: _Case
) -> tuple[list[StepOutcome], _Told]:
    """Outcomes of steps 3 to 12, and what others say."""
    issuer = run(3, steps.issuer_is_known, attestation, case.trusted, case.unchecked)
    if case.trusted is None or issuer.status is not StepStatus.PASS:
        ours, told = [unreached(number) for number in range(4, 10)], _UNTOLD
    else:
        ours, told = _run_issuer_steps(reading, bundle, attestation, case.trusted, case)
    logged = len(ours) > 2 and ours[2].status is StepStatus.PASS
    outcomes = [
        issuer,
        *ours,
        run(10, steps.status_is_clear, case.view, case.entry, case.flags, logged, case.left_open),
        run(11, steps.was_valid, attestation, case.as_of, case.known_at, case.tolerances.skew),
        run(12, steps.subject_matches, bundle, attestation, case.claim),
    ]
    return outcomes, told


def _run_issuer_steps(
    reading: Reading, bundle: PresentedBundle, attestation: Attestation, trusted: TrustedIssuer, case: _Case
) -> tuple[list[StepOutcome], _Told]:
    """Outcomes of steps 4 to 9, which need the trusted state of the issuer, and what others say."""
    terms, view, memo, known_at = case.terms, case.view, case.memo, case.known_at
    merge_delay, skew = case.tolerances.merge_delay, case.tolerances.skew
    proof = LogProof(reading.bundle_digest, bundle.envelope_bytes, bundle.inclusion)
    due, witnessing = attestation.issued_at + merge_delay, case.witnessing
    logged = run(6, steps.statement_is_logged, proof, due, trusted, view, case.entry, memo, witnessing, case.left_open)
    # What is not in the log was cosigned by nobody, whatever head the bundle brings.
    held = logged.status is StepStatus.PASS
    demanded = 0 if terms is None else terms.witness_quorum
    witnesses = steps.witnesses_in(proof, trusted, case.entry, witnessing, demanded, memo) if held else 0
    if terms is not None and not demanded:
        quorum = not_required(7)
    else:
        quorum = run(7, steps.quorum_has_cosigned, witnesses, terms)
    existed, entry = None, case.entry
    # Only what our own view holds: a head without the entries behind it is what a thief could have made.
    if held and case.sightings and view is not None and entry is not None and entry.index < view.size:
        existed = existence(entry.index, case.sightings, trusted, witnessing, demanded, known_at, skew)
    valid, rests_on_it = attempt(4, steps.keys_were_valid, bundle.envelope, attestation.issued_at, trusted, existed)
    outcomes = [
        valid,
        run(5, steps.signatures_hold, bundle.envelope, reading.envelope_digest, trusted, terms, memo),
        logged,
        quorum,
        run(8, steps.trust_is_fresh, trusted, terms, known_at, skew),
        run(9, steps.view_is_fresh, terms, view, known_at, skew),
    ]
    return outcomes, _Told(witnesses, existed if rests_on_it else None)


def _examined(reading: Reading, outcomes: Sequence[StepOutcome]) -> Examined | None:
    """The content, when its signatures and digests hold and no key of it failed."""
    bundle, attestation = reading.bundle, reading.attestation
    if bundle is None or attestation is None or bundle.disclosure is None:
        return None
    holds = all(outcomes[number - 1].status is StepStatus.PASS for number in _CONTENT_STEPS)
    if not holds or outcomes[3].status is StepStatus.FAIL:
        return None
    shown = bundle.disclosure
    positions = shown.positions or tuple(range(attestation.section_count))
    return Examined(attestation, reading.envelope_digest, reading.bundle_digest, shown.sections, positions)


def _stands(outcome: StepOutcome) -> bool:
    """Whether a step lets the report stand: passed, or step 7 while our quorum is zero."""
    return outcome.status is StepStatus.PASS or (outcome.number == 7 and outcome.status is StepStatus.NOT_REQUIRED)
