"""The use case behind VerificationService: genuine, standing, recognised, and proving what the procedure needs.

One report costs one look-up, shared with whoever asks at the same moment; a batch costs one for all of them, and its
signature checks run on all cores. What is remembered is arithmetic and pure functions; keys, status, freshness and
recognition are judged anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from node.errors import NotFound
from node.model.log import EntryView, LogHead, StatusFlag
from node.model.presentation import Presentation
from node.model.requirement import Requirement
from node.model.subject import SubjectRef
from node.model.verdict import InputDigests, ReportFacts, Verdict, ViewFacts
from node.recognition.decision import Asked, judge
from node.recognition.presented import Presented
from node.verification.assessing import Assessor, Prepared
from node.verification.reading import ContentReader, report_facts
from node.verification.trusting import KnownIssuer, Recognition, TrustSnapshot
from trust.bundle import MAX_BUNDLE_BYTES, encode_bundle
from trust.memo import ArithmeticMemo
from trust.reading import Reading, read
from trust.steps import pending_arithmetic
from trust.verify import Examination, Tolerances, verify
from trust.vocabulary import Attestation

_TURN = 16
"""Items of a batch handled before other callers get a turn on the event loop: about a millisecond."""

EntryKey = tuple[str, bytes]
T = TypeVar("T")


class LogViews(Protocol):
    """Our views of logs. Look-ups of concurrent callers share queries."""

    async def find_by_digest(self, origin: str, digest: bytes) -> EntryView | None: ...
    async def find_by_digests(self, keys: Sequence[EntryKey]) -> Mapping[EntryKey, EntryView]: ...
    async def find_by_report_number(self, origin: str, report_number: str) -> EntryView | None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What verification reads of the node at the moment of the question, and how clocks may differ."""

    trust: Callable[[], TrustSnapshot]
    newest_head: Callable[[str], LogHead | None]
    now: Callable[[], datetime]
    tolerances: Tolerances


@dataclass(frozen=True, slots=True)
class _Case:
    """One presentation with everything that was fetched for it."""

    reading: Reading
    subject: SubjectRef | None
    known: KnownIssuer | None
    recognition: Recognition | None
    head: LogHead | None
    entry: EntryView | None


class VerifyReports:
    """Answers relying parties of one jurisdiction. Whatever a bundle holds, the answer is a verdict, not an error."""

    def __init__(
        self,
        views: LogViews,
        surroundings: Surroundings,
        assessor: Assessor,
        contents: ContentReader,
        memo: ArithmeticMemo,
        threads: Executor,
        max_bundle_bytes: int = MAX_BUNDLE_BYTES,
    ) -> None:
        self._views = views
        self._around = surroundings
        self._assessor = assessor
        self._contents = contents
        self._memo = memo
        self._threads = threads
        self._max_bundle_bytes = max_bundle_bytes

    async def verify(self, presentation: Presentation) -> Verdict:
        """The verdict on one report. Raises InvalidInput for the requirement, NotFound for an unknown report number."""
        trust = self._around.trust()
        if presentation.bundle is None:
            reading = await self._by_number(presentation.report_number, trust)
        else:
            reading = self._read(presentation.bundle)
        known = _known_issuer(reading, trust)
        entry = None
        # The head is read before the entry: what the entry's look-up then misses is not in that head either.
        head = None if known is None else self._around.newest_head(known.trusted.origin)
        if known is not None:
            entry = await self._views.find_by_digest(known.trusted.origin, reading.envelope_digest)
        case = _Case(reading, presentation.subject, known, _recognition(reading, trust), head, entry)
        return self._decide(case, presentation.against, self._around.now(), trust)

    async def verify_batch(
        self, items: Sequence[tuple[bytes, SubjectRef | None]], against: Requirement | None
    ) -> list[Verdict]:
        """One verdict per item, in order. Raises InvalidInput for the requirement."""
        trust = self._around.trust()
        readings = []
        async for bundle, _ in _in_turns(items):
            readings.append(self._read(bundle))
        issuers = [_known_issuer(reading, trust) for reading in readings]
        heads = {
            known.trusted.origin: self._around.newest_head(known.trusted.origin)
            for known in issuers
            if known is not None
        }
        keys = [
            (known.trusted.origin, reading.envelope_digest)
            for reading, known in zip(readings, issuers, strict=True)
            if known is not None
        ]
        found, _ = await asyncio.gather(self._views.find_by_digests(keys), self._check_signatures(readings, issuers))
        now = self._around.now()
        verdicts = []
        async for reading, known, (_, subject) in _in_turns(list(zip(readings, issuers, items, strict=True))):
            origin = "" if known is None else known.trusted.origin
            entry = found.get((origin, reading.envelope_digest))
            case = _Case(reading, subject, known, _recognition(reading, trust), heads.get(origin), entry)
            verdicts.append(self._decide(case, against, now, trust))
        return verdicts

    def _read(self, bundle: bytes) -> Reading:
        return read(bundle, self._memo, self._max_bundle_bytes)

    async def _by_number(self, report_number: str, trust: TrustSnapshot) -> Reading:
        """The statement of a report number as our view of its issuer's log holds it, without content."""
        known = trust.issuers.get(report_number[:6])
        entry = None
        if known is not None:
            entry = await self._views.find_by_report_number(known.trusted.origin, report_number)
        if entry is None:
            raise NotFound(
                "NO_SUCH_REPORT",
                "No log that this node follows holds a report of that number; check the digits, or ask for the bundle.",
            )
        return self._read(encode_bundle(entry.entry, b"", None))

    async def _check_signatures(self, readings: Sequence[Reading], issuers: Sequence[KnownIssuer | None]) -> None:
        """Does the signature arithmetic that the memo lacks, on all cores: signature checks release the GIL."""
        pending = [
            work
            for reading, known in zip(readings, issuers, strict=True)
            if known is not None
            for work in pending_arithmetic(reading, known.trusted, self._memo)
        ]
        if len(pending) < 2:
            return
        loop = asyncio.get_running_loop()
        shares = [pending[at : at + _TURN] for at in range(0, len(pending), _TURN)]
        await asyncio.gather(*(loop.run_in_executor(self._threads, _do_all, share) for share in shares))

    def _decide(self, case: _Case, against: Requirement | None, now: datetime, trust: TrustSnapshot) -> Verdict:
        examination = verify(
            case.reading,
            claim=None if case.subject is None else (case.subject.id_type.value, case.subject.id),
            trusted=None if case.known is None else case.known.trusted,
            terms=None if case.recognition is None else case.recognition.conditions,
            view=case.head,
            entry=case.entry,
            now=now,
            memo=self._memo,
            tolerances=self._around.tolerances,
        )
        examined = examination.examined
        content = None if examined is None else self._contents.read(examined)
        presented = None if content is None else content.presented
        view = None if presented is None else self._assessor.issuer_view(presented)
        prepared = None if against is None else self._assessor.prepare(against, now)
        asked = None
        if against is not None and prepared is not None:
            policy = None if case.recognition is None else case.recognition.policy
            assessment = None if content is None else self._assessor.assess(prepared, view, policy, content)
            asked = Asked(against, policy, assessment)
        judgement = judge(examination, presented, None if view is None else view.catalogue, asked, now)
        return Verdict(
            authenticity=judgement.authenticity,
            standing=judgement.standing,
            decision=judgement.decision,
            reasons=judgement.reasons,
            steps=judgement.steps,
            findings=judgement.findings,
            report=_facts(examination) if content is None else content.facts,
            flags=tuple([StatusFlag(flag.value) for flag in examination.flags]) if examination.flags else (),
            log_view=None if case.head is None else _view_facts(case.head, now),
            trust_state_age_seconds=_trust_age(case, trust, now),
            decided_at=now,
            inputs=_inputs(case, presented, prepared),
            requirement_title="" if against is None else against.title_zh,
        )


def _known_issuer(reading: Reading, trust: TrustSnapshot) -> KnownIssuer | None:
    return None if reading.attestation is None else trust.issuers.get(reading.attestation.issuer)


def _recognition(reading: Reading, trust: TrustSnapshot) -> Recognition | None:
    return None if reading.attestation is None else trust.recognitions.get(reading.attestation.issuer)


def _facts(examination: Examination) -> ReportFacts | None:
    """What the statement says, once its signatures (step 5) hold."""
    statement: Attestation | None = examination.reading.attestation
    if statement is None or examination.outcomes[4].status != "PASS":
        return None
    return report_facts(statement)


def _view_facts(head: LogHead, now: datetime) -> ViewFacts:
    age = 0 if head.fresh_at is None else max(0, int((now - head.fresh_at).total_seconds()))
    return ViewFacts(head.origin, head.size, head.fresh_at, age)


def _trust_age(case: _Case, trust: TrustSnapshot, now: datetime) -> int:
    age = None if case.known is None else trust.age_of(case.known.trusted.division, now)
    return 0 if age is None else int(age.total_seconds())


def _inputs(case: _Case, presented: Presented | None, prepared: Prepared | None) -> InputDigests:
    return InputDigests(
        bundle=case.reading.bundle_digest,
        trust_certificate=b"" if case.recognition is None else case.recognition.digest,
        requirement=b"" if prepared is None else prepared.requirement_digest,
        issuer_catalogue=b"" if presented is None else presented.catalogue_digest,
        issuer_crosswalk=b"" if presented is None else presented.crosswalk_digest,
        own_crosswalk=b"" if prepared is None else prepared.own_crosswalk_digest,
        trusted_state=b"" if case.known is None else case.known.digest,
        log_root=b"" if case.head is None else case.head.root,
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
