"""A stored report as the subject hands it over: with proof of inclusion, whole or with some rows only (R191)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from node.errors import InvalidInput, NotFound
from node.model.report import Section
from trust.bundle import Inclusion, encode_bundle, read_bundle, with_inclusion


def present(
    stored: bytes, inclusion: Inclusion, disclosed_codes: Sequence[str], decode_section: Callable[[bytes], Section]
) -> bytes:
    """The bundle to hand over. No codes: everything; else the summary and every section of the named rows.

    Raises InvalidInput for a row that the report does not have.
    """
    if not disclosed_codes:
        return with_inclusion(stored, inclusion)
    bundle = read_bundle(stored, len(stored))
    whole = bundle.disclosure
    if whole is None:
        raise NotFound("NO_SUCH_REPORT", "This node keeps no sections of that report any more.")
    part = whole.narrowed(_positions(whole.sections, disclosed_codes, decode_section))
    if part.complete:
        return with_inclusion(stored, inclusion)
    return encode_bundle(bundle.envelope_bytes, bundle.subject_salt, part, inclusion=inclusion)


def _positions(
    sections: Sequence[bytes], codes: Sequence[str], decode_section: Callable[[bytes], Section]
) -> list[int]:
    of_code: dict[str, list[int]] = {}
    for position, section in enumerate(sections[1:], start=1):
        of_code.setdefault(decode_section(section).local_code, []).append(position)
    for at, code in enumerate(codes):
        if code not in of_code:
            raise InvalidInput(
                f"disclosed_codes[{at}]", "The report has no section of that row; download it whole first."
            )
    return [0, *sorted({position for code in codes for position in of_code[code]})]
