"""From proven bytes to what recognition reads: sections and summary, decoded and held against the attestation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from node.errors import InvalidInput
from node.model.report import DisclosedReport, Section, Summary
from node.recognition.presented import Presented
from trust.memo import ArithmeticMemo
from trust.verify import Examined

_DECODED_BYTES = 2_048
"""What a decoded report is counted as, its sections apart: those without records are shared."""


@dataclass(frozen=True, slots=True)
class SectionDecoders:
    """The wire forms of sections. Both raise InvalidInput for what they cannot read."""

    summary: Callable[[bytes], Summary]
    section: Callable[[bytes], Section]


def present(examined: Examined, decoders: SectionDecoders, memo: ArithmeticMemo) -> Presented | None:
    """What an authenticated report says, or None when its sections cannot be read or contradict its attestation.

    Decoding is a pure function of bytes, so it is remembered by the bundle's digest.
    """
    key = ("presented", examined.bundle_digest)
    known: Presented | None = memo.recall(key)
    if known is not None:
        return known
    try:
        report = _decode(examined, decoders)
    except InvalidInput:
        return None
    presented = Presented.of(examined, report)
    memo.remember(key, presented, _DECODED_BYTES + sum(map(len, examined.sections)))
    return presented


def _decode(examined: Examined, decoders: SectionDecoders) -> DisclosedReport:
    shown: Sequence[bytes] = examined.sections
    summary: Summary | None = None
    if examined.positions and examined.positions[0] == 0:
        summary = decoders.summary(shown[0])
        _require_agreement(summary, examined)
        shown = shown[1:]
    return DisclosedReport(summary, tuple(map(decoders.section, shown)))


def _require_agreement(summary: Summary, examined: Examined) -> None:
    """One report, one number, one period: an issuer that contradicts itself is not relied on."""
    statement = examined.attestation
    if summary.report_number != statement.report_number:
        raise InvalidInput("summary.report_number", "The summary is of another report than the attestation.")
    if (summary.period.start, summary.period.end) != (statement.period.start, statement.period.end):
        raise InvalidInput("summary.period", "The summary names another period than the attestation.")
