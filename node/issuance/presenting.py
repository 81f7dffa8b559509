"""A stored report as the subject hands it over: with proof of inclusion, whole or with some rows only (R191)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.errors import InvalidInput
from node.model.report import Section
from trust import bundle, disclosure
from trust.bundle import InclusionEvidence

_SALT = 32


def present(
    stored: bytes, evidence: InclusionEvidence, disclosed_codes: Sequence[str], decode_section: Callable[[bytes], Section]
) -> bytes:
    """The bundle to hand over. No codes: everything; else the summary and every section of the named rows.

    Raises InvalidInput for a row that the report does not have.
    """
    whole = bundle.read_bundle(stored)
    if not disclosed_codes:
        return bundle.encode_bundle(
            envelope=whole.envelope_bytes,
            subject_salt=whole.subject_salt,
            sections=whole.sections,
            salts=b"".join(whole.salts),
            report_salt=whole.report_salt,
            inclusion=evidence,
        )
    positions = _positions(whole.sections, disclosed_codes, decode_section)
    leaves = [
        disclosure.section_leaf(salt, section) for salt, section in zip(whole.salts, whole.sections, strict=True)
    ]
    if len(positions) == len(leaves):
        return present(stored, evidence, (), decode_section)
    return bundle.encode_bundle(
        envelope=whole.envelope_bytes,
        subject_salt=whole.subject_salt,
        sections=[whole.sections[at] for at in positions],
        salts=b"".join(whole.salts[at] for at in positions),
        positions=positions,
        complement=b"".join(disclosure.disclose(leaves, positions)),
        inclusion=evidence,
    )


def _positions(
    sections: Sequence[bytes], codes: Sequence[str], decode_section: Callable[[bytes], Section]
) -> list[int]:
    of_code: dict[str, list[int]] = {}
    for position, section in enumerate(sections[1:], start=1):
        of_code.setdefault(decode_section(section).local_code, []).append(position)
    for at, code in enumerate(codes):
        if code not in of_code:
            raise InvalidInput(f"disclosed_codes[{at}]", "The report has no section of that row; download it whole first.")
    return [0, *sorted({position for code in codes for position in of_code[code]})]
