"""The use case behind VerificationService: genuine, standing, recognised, and proving what the procedure needs.

There is one way to a verdict: a batch, be it of one report. It costs one look-up for all of its reports, and its
signature checks run on all cores. What is remembered is arithmetic and pure functions; keys, status, freshness and
recognition are judged anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from node.errors import InvalidInput, NotFound
from node.model.freshness import Basis
from node.model.log import LogHead, StatusFlag
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import Existed, InputDigests, LaterFlag, ReportFacts, Verdict, ViewFacts
from node.recognition.decision import Asked, judge
from node.recognition.presented import Presented
from node.verification.assessing import Assessor, Prepared
from node.verification.freshness import Terms, freshness
from node.verification.logs import Found, Logs
from node.verification.proving_age import AgeRecords, Ages, Suspect
from node.verification.reading import ContentReader, report_facts
from node.verification.retrying import retry_seconds
from node.verification.trusting import KnownIssuer, Recognition, TrustSnapshot
from trust.bundle import MAX_BUNDLE_BYTES, encode_bundle
from trust.memo import ArithmeticMemo
from trust.reading import Reading, read
from trust.steps import pending_arithmetic
from trust.verify import Examination, Tolerances, verify
from trust.vocabulary import FIRST_YEAR, Attestation
from trust.witnesses import NOTHING_WITNESSED, Witnessing

_TURN = 16
"""Items of a batch handled before other callers get a turn on the event loop: about a millisecond."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What verification reads of the node at the moment of the question, and how clocks may differ."""

    trust: Callable[[], TrustSnapshot]
    newest_head: Callable[[str], LogHead | None]
    now: Callable[[], datetime]
    tolerances: Tolerances
    witnessing: Callable[[str], Witnessing] = lambda _origin: NOTHING_WITNESSED
    """What others told of a log, by its origin."""
    compared_every_seconds: float = 0.0
    """How often peers are asked for what they cosigned; 0 where nobody is asked."""


@dataclass(frozen=True, slots=True)
class _Issuer:
    """What this node knows of one issuer at the moment of the question: the same for all of its reports.

    `recognition` is our certificate of the moment whose rules apply, `present` that of the question.
    """

    known: KnownIssuer | None
    recognition: Recognition | None
    present: Recognition | None
    terms: Terms | None
    head: LogHead | None
    witnessing: Witnessing
    unchecked: bool
    """What we hold of it is signed in a suite that cannot be checked here."""

    @property
    def origin(self) -> str:
        return "" if self.known is None else self.known.trusted.origin

    @property
    def quorum(self) -> int:
        """How many witnesses our trust certificate demands."""
        return 0 if self.terms is None else self.terms.conditions.witness_quorum

    @property
    def recognition_withdrawn_since(self) -> bool:
        """Whether a recognition of then is withdrawn now."""
        then, now = self.recognition, self.present
        return then is not None and now is not None and now.policy.withdrawn and not then.policy.withdrawn


@dataclass(frozen=True, slots=True)
class _Moment:
    """Both times, the requirement, and what the verdicts on one issuer's reports share then."""

    as_of: datetime
    known_at: datetime
    skew: timedelta
    prepared: Prepared | None
    shared: dict[str, tuple[ViewFacts | None, Basis]]

    def shared_by(self, issuer: _Issuer) -> tuple[ViewFacts | None, Basis]:
        """Our view of the issuer's log, and how old what we know of the issuer is."""
        found = self.shared.get(issuer.origin)
        if found is None:
            found = self.shared[issuer.origin] = (self._view_of(issuer), self._basis_of(issuer))
        return found

    def _view_of(self, issuer: _Issuer) -> ViewFacts | None:
        head = issuer.head
        if head is None:
            return None
        age = 0 if head.fresh_at is None else max(0, int((self.known_at - head.fresh_at).total_seconds()))
        return ViewFacts(head.origin, head.size, head.fresh_at, age)

    def _basis_of(self, issuer: _Issuer) -> Basis:
        terms, trust_state, log_view = issuer.terms, None, None
        if issuer.known is not None:
            trusted = issuer.known.trusted
            limits = None if terms is None else terms.trust_state
            trust_state = freshness(trusted.refreshed_at, self.known_at, self.skew, limits, trusted.expires_at)
        if issuer.head is not None:
            limits = None if terms is None else terms.log_view
            log_view = freshness(issuer.head.fresh_at, self.known_at, self.skew, limits)
        return Basis(self.as_of, self.known_at, trust_state, log_view, issuer.recognition_withdrawn_since)


class VerifyReports:
    """Answers relying parties of one jurisdiction. Whatever a bundle holds, the answer is a verdict, not an error."""

    def __init__(
        self,
        logs: Logs,
        ages: AgeRecords,
        surroundings: Surroundings,
        assessor: Assessor,
        contents: ContentReader,
        memo: ArithmeticMemo,
        threads: Executor,
        max_bundle_bytes: int = MAX_BUNDLE_BYTES,
    ) -> None:
        self._logs = logs
        self._ages = ages
        self._around = surroundings
        self._assessor = assessor
        self._contents = contents
        self._memo = memo
        self._threads = threads
        self._max_bundle_bytes = max_bundle_bytes

    async def find_statement(self, report_number: str) -> bytes:
        """A bundle of the statement alone, as our view of its issuer's log holds it: what a number stands for.

        Without content it can show authenticity and standing, and nothing more. Raises NotFound for an unknown number.
        """
        known = self._around.trust().issuers.get(report_number[:6])
        entry = None
        if known is not None:
            entry = await self._logs.by_number(known.trusted, report_number)
        if entry is None:
            raise NotFound(
                "NO_SUCH_REPORT",
                "No log that this node follows holds a report of that number; check the digits, or ask for the bundle.",
            )
        return encode_bundle(entry.entry, b"", None)

    async def verify_batch(
        self,
        items: Sequence[tuple[bytes, SubjectRef | None]],
        against: Requirement | None,
        at: datetime | None = None,
    ) -> list[Verdict]:
        """One verdict per item, in order, by the rules of the moment `at` (now unless said) and by all we know today.

        Raises InvalidInput for the requirement, and for an `at` that lies in the future or before 1900.
        """
        trust, asked_at = self._around.trust(), self._around.now()
        rules_at = asked_at if at is None else self._past(at, asked_at)
        prepared = None if against is None else self._assessor.prepare(against, rules_at)
        readings: list[Reading] = []
        issuers: dict[str, _Issuer] = {}
        checks: list[Awaitable[None]] = []
        for start in range(0, len(items), _TURN):
            share = [read(bundle, self._memo, self._max_bundle_bytes) for bundle, _ in items[start : start + _TURN]]
            # The head is read before the entry: what the entry's look-up then misses is not in that head either.
            for division in {_division(reading) for reading in share} - issuers.keys():
                issuers[division] = self._issuer_of(division, trust, rules_at, asked_at, against)
            # On other threads while the next share is read: signature checks release the GIL.
            checks += self._signature_checks(share, issuers)
            readings += share
            await asyncio.sleep(0)
        of_each = [issuers[_division(reading)] for reading in readings]
        found = await self._logs.find(
            [
                (reading, None if issuer.known is None else issuer.known.trusted)
                for reading, issuer in zip(readings, of_each, strict=True)
            ],
            rules_at,
        )
        if any(issuer.known is not None and issuer.known.trusted.compromised for issuer in issuers.values()):
            found = await self._aged(readings, of_each, found, trust)
        await asyncio.gather(*checks)
        known_at = self._around.now()
        as_of = known_at if at is None else min(rules_at, known_at)
        moment = _Moment(as_of, known_at, self._around.tolerances.skew, prepared, {})
        cases = list(zip(readings, of_each, items, found, strict=True))
        return [
            self._decide(reading, subject, issuer, held, moment)
            async for reading, issuer, (_, subject), held in _in_turns(cases)
        ]

    def _past(self, at: datetime, asked_at: datetime) -> datetime:
        """A moment that somebody asks about; one that another clock calls the present is now. Raises InvalidInput."""
        if at > asked_at + self._around.tolerances.skew:
            raise InvalidInput("at", "The moment lies in the future, whose rules nobody knows; leave it out for now.")
        if at.year < FIRST_YEAR:
            raise InvalidInput("at", f"The moment lies before the year {FIRST_YEAR}; correct its year.")
        return min(at, asked_at)

    def _issuer_of(
        self,
        division: str,
        trust: TrustSnapshot,
        rules_at: datetime,
        asked_at: datetime,
        against: Requirement | None,
    ) -> _Issuer:
        known = trust.issuers.get(division)
        head = None if known is None else self._around.newest_head(known.trusted.origin)
        applying = trust.recognition(division, rules_at)
        present = applying if rules_at == asked_at else trust.recognition(division, asked_at)
        terms = None if applying is None else Terms.of(applying, present, against)
        witnessing = NOTHING_WITNESSED if known is None else self._around.witnessing(known.trusted.origin)
        return _Issuer(known, applying, present, terms, head, witnessing, division in trust.unchecked)

    def _signature_checks(self, share: Sequence[Reading], issuers: Mapping[str, _Issuer]) -> list[Awaitable[None]]:
        """The signature arithmetic that the memo lacks for these bundles, begun on another thread."""
        pending: list[Callable[[], object]] = []
        for reading in share:
            known = issuers[_division(reading)].known
            if known is not None:
                pending += pending_arithmetic(reading, known.trusted, self._memo)
        if len(pending) < 2:
            # One check costs less than handing it to another thread.
            _do_all(pending)
            return []
        return [asyncio.get_running_loop().run_in_executor(self._threads, _do_all, pending)]

    def _decide(
        self,
        reading: Reading,
        subject: SubjectRef | None,
        issuer: _Issuer,
        held: Found,
        moment: _Moment,
    ) -> Verdict:
        entry, witnessing = held.entry, self._witnessing(issuer, held)
        examination = verify(
            reading,
            claim=None if subject is None else (subject.id_type.value, subject.id),
            trusted=None if issuer.known is None else issuer.known.trusted,
            terms=None if issuer.terms is None else issuer.terms.conditions,
            view=issuer.head,
            entry=entry,
            as_of=moment.as_of,
            known_at=moment.known_at,
            memo=self._memo,
            tolerances=self._around.tolerances,
            unchecked=issuer.unchecked,
            witnessing=witnessing,
            sightings=held.sightings,
            left_open=held.left_open,
        )
        content = None if examination.examined is None else self._contents.read(examination.examined)
        presented = None if content is None else content.presented
        view = None if presented is None else self._assessor.issuer_view(presented)
        policy = None if issuer.recognition is None else issuer.recognition.policy
        asked = None
        if moment.prepared is not None:
            assessment = None
            if content is not None:
                assessment = self._assessor.assess(moment.prepared, view, policy, content)
            asked = Asked(moment.prepared.plan.requirement, policy, assessment)
        judgement = judge(examination, presented, None if view is None else view.catalogue, asked, moment.as_of)
        log_view, basis = moment.shared_by(issuer)
        return Verdict(
            authenticity=judgement.authenticity,
            standing=judgement.standing,
            decision=judgement.decision,
            reasons=judgement.reasons,
            steps=judgement.steps,
            findings=judgement.findings,
            report=_facts(examination) if content is None else content.facts,
            flags=tuple([StatusFlag(flag.value) for flag in examination.flags]) if examination.flags else (),
            log_view=log_view,
            trust_state_age_seconds=0 if basis.trust_state is None else basis.trust_state.age_seconds,
            basis=basis,
            inputs=_inputs(reading, issuer, presented, moment.prepared),
            requirement_title="" if asked is None else asked.requirement.title_zh,
            later_flags=_later_flags(examination) if examination.later_flags else (),
            witnesses=examination.witnesses,
            witness_quorum=issuer.quorum,
            existed=_existed(examination),
            retry_seconds=retry_seconds(examination, judgement, self._around.compared_every_seconds),
        )

    def _witnessing(self, issuer: _Issuer, held: Found) -> Witnessing:
        """What others told of the log that holds the statement, else of the issuer's newest one."""
        if held.entry is None or held.entry.origin == issuer.origin:
            return issuer.witnessing
        return self._around.witnessing(held.entry.origin)

    async def _aged(
        self, readings: Sequence[Reading], issuers: Sequence[_Issuer], found: Sequence[Found], trust: TrustSnapshot
    ) -> list[Found]:
        """The same, with what is known of the age of statements whose issuer has had a key in other hands."""
        aged, suspects = list(found), dict[int, Suspect]()
        for place, (reading, issuer, held) in enumerate(zip(readings, issuers, found, strict=True)):
            known, entry = issuer.known, held.entry
            if known is None or not known.trusted.compromised or reading.bundle is None or entry is None:
                continue
            signed = any(each.key_id in known.trusted.compromised for each in reading.bundle.envelope.signatures)
            witnessing = self._witnessing(issuer, held)
            suspects[place] = Suspect(reading.envelope_digest, entry, signed, known.trusted, witnessing, issuer.quorum)
        if suspects:
            ages = Ages(self._ages, trust.issuers, self._around.now(), self._around.tolerances.skew)
            for place, each in zip(suspects, await ages.of(list(suspects.values())), strict=True):
                aged[place] = replace(found[place], entry=each.entry, sightings=each.sightings)
        return aged


def _existed(examination: Examination) -> Existed | None:
    proven = examination.existed
    return None if proven is None else Existed(proven.at, proven.own, proven.witnesses)


def _division(reading: Reading) -> str:
    """Whose report it claims to be; "" when that cannot be read."""
    return "" if reading.attestation is None else reading.attestation.issuer


def _facts(examination: Examination) -> ReportFacts | None:
    """What the statement says, once its signatures (step 5) hold."""
    statement: Attestation | None = examination.reading.attestation
    if statement is None or examination.outcomes[4].status != "PASS":
        return None
    return report_facts(statement)


def _later_flags(examination: Examination) -> tuple[LaterFlag, ...]:
    return tuple(
        LaterFlag(StatusFlag(each.flag.value), each.set, each.effective_at) for each in examination.later_flags
    )


def _inputs(reading: Reading, issuer: _Issuer, presented: Presented | None, prepared: Prepared | None) -> InputDigests:
    recognition, present = issuer.recognition, issuer.present
    return InputDigests(
        bundle=reading.bundle_digest,
        trust_certificate=b"" if recognition is None else recognition.digest,
        requirement=b"" if prepared is None else prepared.requirement_digest,
        issuer_catalogue=b"" if presented is None else presented.catalogue_digest,
        issuer_crosswalk=b"" if presented is None else presented.crosswalk_digest,
        own_crosswalk=b"" if prepared is None else prepared.own_crosswalk_digest,
        trusted_state=b"" if issuer.known is None else issuer.known.digest,
        log_root=b"" if issuer.head is None else issuer.head.root,
        present_certificate=present.digest if recognition and present and present is not recognition else b"",
    )


def _do_all(share: Sequence[Callable[[], object]]) -> None:
    for work in share:
        work()


async def _in_turns(items: Sequence[T]) -> AsyncIterator[T]:
    """The items, with a turn for other callers now and then."""
    for place, item in enumerate(items):
        if place and place % _TURN == 0:
            await asyncio.sleep(0)
        yield item
