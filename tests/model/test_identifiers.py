"""Identifiers: published values, the traps of real codes (R022, R047), report numbers."""

import json
import string
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import InvalidInput
from node.model.identifiers import (
    USCC_ALPHABET,
    IdWarning,
    make_report_number,
    normalise,
    organisation_check,
    parse_report_number,
    parse_subject_id,
    resident_check,
    uscc_check,
)
from node.model.subject import IdType

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "testvectors.json").read_text("utf-8"))
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ISO_7064 = string.digits + string.ascii_uppercase


def refusal(id_type: IdType, text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_subject_id(id_type, text)
    assert text.strip() not in caught.value.message
    return caught.value


@pytest.mark.parametrize(("code", "check", "valid", "organisation", "organisation_valid"), VECTORS["uscc"])
def test_uscc_values(code: str, check: str, valid: bool, organisation: str, organisation_valid: bool) -> None:
    assert uscc_check(code[:17]) == check
    assert organisation_check(code[8:16]) == organisation
    ref, warnings = parse_subject_id(IdType.USCC, code)
    assert ref.id == code
    assert (IdWarning.CHECK_CHARACTER not in warnings) is valid
    assert (IdWarning.ORGANISATION_CHECK not in warnings) is organisation_valid


@pytest.mark.parametrize(("number", "check", "valid"), VECTORS["id"])
def test_resident_id_values(number: str, check: str, valid: bool) -> None:
    assert resident_check(number[:17]) == check
    assert valid
    assert parse_subject_id(IdType.RESIDENT_ID, number) == parse_subject_id(IdType.RESIDENT_ID, number.lower())


def test_the_sum_divisible_by_31_has_the_check_character_0() -> None:
    assert parse_subject_id(IdType.USCC, "91140000MA00001620")[1] == ()


def test_every_wrong_check_character_of_a_uscc_is_a_warning_and_not_an_error() -> None:
    good = "91140000MA0TE5T16Q"
    for check in USCC_ALPHABET.replace("Q", ""):
        assert parse_subject_id(IdType.USCC, good[:17] + check)[1] == (IdWarning.CHECK_CHARACTER,)


@pytest.mark.parametrize("text", ["９１１４００００ＭＡ０ＴＥ５Ｔ１６Ｑ", " 91140000ma0te5t16q\n"])
def test_full_width_and_lower_case_forms_are_the_same_subject(text: str) -> None:
    assert parse_subject_id(IdType.USCC, text) == parse_subject_id(IdType.USCC, "91140000MA0TE5T16Q")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("91140000MA0TE5T16", "SUBJECT_ID_LENGTH"),
        ("91140000MA0TE5T16QQ", "SUBJECT_ID_LENGTH"),
        ("140000100012345", "SUBJECT_ID_LENGTH"),
        ("91140000MAOTE5T16Q", "SUBJECT_ID_ALPHABET"),
        ("9114000OMA0TE5T16Q", "SUBJECT_ID_ALPHABET"),
        ("9114A000MA0TE5T16Q", "SUBJECT_ID_FORM"),
        ("91140000MA0TE5T16*", "SUBJECT_ID_ALPHABET"),
    ],
)
def test_malformed_uscc_is_refused(text: str, reason: str) -> None:
    assert refusal(IdType.USCC, text).reason == reason


def test_codes_of_every_first_pair_and_division_are_accepted() -> None:
    """Over-strict rules in use refuse Gansu (9162...) and N1 codes."""
    assert parse_subject_id(IdType.USCC, "91620100MA0TE5T167")[1] == ()
    assert parse_subject_id(IdType.USCC, "N1140000MA0TE5T16Q")[0].id.startswith("N1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("110105491231002", "SUBJECT_ID_OLD_FORM"),
        ("11010519491331002X", "SUBJECT_ID_BIRTH_DATE"),
        ("110105194902290021", "SUBJECT_ID_BIRTH_DATE"),
        ("110105194912310021", "SUBJECT_ID_CHECK"),
        ("1101051949123100XX", "SUBJECT_ID_FORM"),
        ("11010519491231002A", "SUBJECT_ID_FORM"),
        ("", "SUBJECT_ID_FORM"),
    ],
)
def test_malformed_resident_id_is_refused_with_advice(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_subject_id(IdType.RESIDENT_ID, text)
    assert caught.value.reason == reason
    assert text[6:14] == "" or text[6:14] not in caught.value.message


@given(st.text(max_size=24))
def test_any_text_is_a_subject_or_a_refusal_and_its_normal_form_is_stable(text: str) -> None:
    for id_type in IdType:
        try:
            ref, _ = parse_subject_id(id_type, text)
        except InvalidInput:
            continue
        assert parse_subject_id(id_type, ref.id)[0] == ref
    assert normalise(normalise(text)) == normalise(text) or not text.isascii()


def test_no_identifier_reaches_a_repr() -> None:
    assert "0105194912" not in repr(parse_subject_id(IdType.RESIDENT_ID, "11010519491231002X")[0])


DAY = date(2026, 11, 22)
NUMBER = make_report_number("140000", DAY, bytes(range(10)))


def test_report_number_has_the_published_form() -> None:
    assert NUMBER.startswith("14000020261122")
    assert len(NUMBER) == 31
    assert NUMBER[14:30] == "000G40R40M30E209"  # bytes 00..09 in Crockford base32, computed by hand from their bits
    parsed = parse_report_number(NUMBER)
    assert (parsed.text, parsed.division, parsed.day) == (NUMBER, "140000", DAY)


def test_check_character_is_iso_7064_mod_37_36() -> None:
    """The value that the Global Release Identifier standard prints: A1-2425G-ABC1234002-M."""
    from node.model.identifiers import _mod_37_36  # noqa: PLC0415 - the algorithm alone has a published value

    assert _mod_37_36("A12425GABC1234002") == "M"


@given(st.binary(min_size=10, max_size=10), st.dates(date(2024, 1, 1), date(2099, 12, 31)))
def test_report_numbers_survive_the_way_people_type_them(random: bytes, day: date) -> None:
    number = make_report_number("620100", day, random)
    body, check = number[:30], number[30]
    typed = body.replace("0", "o").replace("1", "l").lower() + check.lower()
    spaced = " ".join(typed[i : i + 4] for i in range(0, 31, 4)).replace(" ", "-", 2)
    assert parse_report_number(f"  {spaced} ").text == number
    assert parse_report_number(body.replace("1", "I") + check).text == number


def test_every_single_wrong_character_is_found() -> None:
    folded = str.maketrans("OIL", "011")
    for position in range(31):
        for character in ISO_7064:
            wrong = NUMBER[:position] + character + NUMBER[position + 1 :]
            if (wrong[:30].translate(folded), wrong[30]) == (NUMBER[:30], NUMBER[30]):
                continue
            with pytest.raises(InvalidInput):
                parse_report_number(wrong)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NUMBER[:30], "REPORT_NUMBER_LENGTH"),
        ("A" + NUMBER[1:], "REPORT_NUMBER_DIVISION"),
        (NUMBER[:10] + "13" + NUMBER[12:], "REPORT_NUMBER_DAY"),
        (NUMBER[:14] + "U" + NUMBER[15:], "REPORT_NUMBER_RANDOM"),
        (NUMBER[:30] + ("A" if NUMBER[30] != "A" else "B"), "REPORT_NUMBER_CHECK"),
    ],
)
def test_the_wrong_part_is_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_report_number(text)
    assert caught.value.reason == reason


def test_mistakes_of_the_program_are_not_input_errors() -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        make_report_number("140000", DAY, b"123")
    with pytest.raises(ValueError, match="six digits"):
        make_report_number("14000", DAY, bytes(10))
    assert set(NUMBER[14:30]) <= set(CROCKFORD)
