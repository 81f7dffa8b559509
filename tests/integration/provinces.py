"""Shanxi and Guizhou as most tests here need them: in one running pair, with a procedure that their reports meet.

Guizhou signs with ECDSA P-256, Shanxi with Ed25519. Everything said of subjects is synthetic.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from huxin.v1 import requirement_pb2, subject_pb2, verdict_pb2, verification_service_pb2

from node.app.jurisdictions import load_jurisdictions
from node.app.storing import prepare_database
from tests.support import nodes
from tests.support.clock import SettableClock
from trust.algorithms import Suite

ACCEPT, REFER, REJECT = verdict_pb2.DECISION_ACCEPT, verdict_pb2.DECISION_REFER, verdict_pb2.DECISION_REJECT
SUITES = {"520000": Suite.ECDSA_P256_SHA256}
DELIVERED = date(2026, 11, 20)
PENALTIES = ["administrative_penalty_ordinary", "administrative_penalty_summary"]
LOG_VIEW_SECONDS = 3_600
TRUST_STATE_SECONDS = 7 * 86_400
"""Upper limits of these nodes for the age of a log view and of the trusted state."""


def asking(jurisdiction: str, leaf: str, months: int = 36) -> requirement_pb2.Requirement:
    """Penalties of one leaf."""
    return requirement_pb2.Requirement(
        requirement_id="test",
        title_zh="测试",
        title_en="test",
        jurisdiction=jurisdiction,
        scenario="tender",
        items=[requirement_pb2.RequiredItem(leaf=leaf, record_types=PENALTIES)],
        months=months,
        max_data_age_days=10,
        max_report_age_days=30,
        repaired_records_count=True,
        illustrative=True,
    )


OF_SHANXI, OF_GUIZHOU = asking("520000", "MK01"), asking("140000", "FN01")
"""What the other asks of each one's reports: a complete report meets it."""
ROWS = {"140000": ["6"], "520000": ["37"]}
"""Rows that are enough for it."""


@dataclass
class Provinces:
    """The running pair, or more, and their common clock."""

    all: dict[str, nodes.TestJurisdiction]
    clock: SettableClock

    @property
    def shanxi(self) -> nodes.TestJurisdiction:
        return self.all["140000"]

    @property
    def guizhou(self) -> nodes.TestJurisdiction:
        return self.all["520000"]

    async def report(self, issuer: nodes.TestJurisdiction, codes: Sequence[str] = ()) -> tuple[str, bytes]:
        """Number and complete bundle of a new report on the issuer's own subject."""
        number = await nodes.create_report(issuer, codes=codes)
        return number, await nodes.download(issuer, number)


@asynccontextmanager
async def provinces(
    home: Path,
    *divisions: str,
    suites: Mapping[str, Suite] = SUITES,
    extra: Mapping[str, str] = {},
    own: Mapping[str, Mapping[str, str]] = {},
    clock: SettableClock | None = None,
) -> AsyncIterator[Provinces]:
    """Founded, introduced, recognising each other, with complete deliveries and no records, and running.

    They sign with these suites, or Ed25519; `extra` are environment settings of all of them, `own` those
    of each.
    """
    clock = clock or SettableClock(nodes.THE_DAY)
    found = {
        division: nodes.found(
            home,
            division,
            suite=suites.get(division, Suite.ED25519),
            extra={
                "HUXIN_FRESHNESS__LOG_VIEW_SECONDS": str(LOG_VIEW_SECONDS),
                "HUXIN_FRESHNESS__TRUST_STATE_SECONDS": str(TRUST_STATE_SECONDS),
                **extra,
                **own.get(division, {}),
            },
        )
        for division in divisions or ("140000", "520000")
    }
    nodes.introduce(found.values())
    for one in found.values():
        for issuer in found:
            nodes.recognise(one, issuer)
        await prepare_database(one.settings)
        await nodes.register(one)
        catalogue = load_jurisdictions(one.settings).edition_at(nodes.THE_DAY).catalogue
        await nodes.deliver(one, catalogue, DELIVERED)
    async with AsyncExitStack() as exits:
        await exits.enter_async_context(nodes.running(list(found.values()), clock))
        yield Provinces(found, clock)


async def verify(
    relying: nodes.TestJurisdiction,
    bundle: bytes,
    subject: str,
    requirement: requirement_pb2.Requirement | None,
    at: datetime | None = None,
) -> verdict_pb2.Verdict:
    """Through the door. No subject: none is claimed. `at`: as of that moment, else of now."""
    request = verification_service_pb2.VerifyRequest(bundle=bundle, requirement=requirement, at=at)
    if subject:
        request.subject.CopyFrom(nodes.claim(subject))
    verdict: verdict_pb2.Verdict = (await relying.verification().Verify(request)).verdict
    return verdict


async def verdicts(
    relying: nodes.TestJurisdiction,
    bundles: Sequence[bytes],
    claim: subject_pb2.SubjectClaim,
    requirement: requirement_pb2.Requirement,
) -> list[verdict_pb2.Verdict]:
    """One each, in batches as large as the door takes."""
    stub = relying.verification()
    answers: list[verdict_pb2.Verdict] = []
    for group in _groups(bundles, 1_000, relying.settings.limits.max_message_bytes // 2):
        items = [verification_service_pb2.BatchItem(bundle=bundle, subject=claim) for bundle in group]
        request = verification_service_pb2.BatchVerifyRequest(items=items, requirement=requirement)
        answers += (await stub.BatchVerify(request)).verdicts
    assert len(answers) == len(bundles)
    return answers


def _groups(bundles: Sequence[bytes], most: int, most_bytes: int) -> list[list[bytes]]:
    groups: list[list[bytes]] = [[]]
    held = 0
    for bundle in bundles:
        if len(groups[-1]) == most or held + len(bundle) > most_bytes:
            groups.append([])
            held = 0
        groups[-1].append(bundle)
        held += len(bundle)
    return groups
