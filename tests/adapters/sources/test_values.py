"""Cells as real platforms deliver them: the traps of the domain notes, section 7."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.adapters.sources.values import (
    CellError,
    clean,
    clean_text,
    read_day,
    read_flag,
    read_id_type,
    read_past_day,
    read_subject,
)
from node.model.identifiers import IdWarning
from node.model.subject import IdType


@pytest.mark.parametrize(
    "text", ["", " ", "无", "暂无", "/", "-", "— —", "\\N", "\\n", "null", "NULL", "undefined", "N/A", "ｎｕｌｌ"]
)
def test_null_words(text: str) -> None:
    assert clean(text) == ""
    assert clean_text(text) == ""
    assert read_day(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2019-07-13",
        "2019-7-13",
        "20190713",
        "2019年07月13日",
        "2019年7月13日",
        "2019/07/13",
        "2019.7.13",
        "2019-7-13 0:00:00",
        "2019-07-13T09:30:00",
        "２０１９－０７－１３",
        " 2019-07-13\n",
        "1562947200000",  # 2019-07-13 00:00 in China, still the 12th in UTC
    ],
)
def test_forms_of_days(text: str) -> None:
    assert read_day(text) == date(2019, 7, 13)


@pytest.mark.parametrize("text", ["9999-9-9", "2099-12-31", "9999-12-31 00:00:00"])
def test_sentinels_mean_open(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    "text",
    ["2022-09-31", "2022-02-30", "无处罚期限", "1900-1-1", "43659", "2019-07/13", "13.7.2019", "2019-07", "٢٠١٩-٠٧-١٣"],
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(CellError) as caught:
        read_day(text)
    assert text not in str(caught.value)


def test_days_to_come_are_refused_where_they_cannot_be() -> None:
    assert read_past_day("2026-11-22", date(2026, 11, 22)) == date(2026, 11, 22)
    with pytest.raises(CellError, match="future"):
        read_past_day("2026-11-23", date(2026, 11, 22))


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("是", True), ("１", True), ("No", False), ("否", False)])
def test_flags(text: str, value: bool) -> None:
    assert read_flag(text) is value


@pytest.mark.parametrize("text", ["", "无", "maybe", "2"])
def test_flags_are_never_guessed(text: str) -> None:
    with pytest.raises(CellError):
        read_flag(text)


@pytest.mark.parametrize(
    "text",
    [
        "91140000MA0TE5T16Q",
        "91140000ma0te5t16q",
        "统一社会信用代码：91140000MA0TE5T16Q",
        "91140000MA0TE5T16Q（1/1）",
        "91140000MA0TE5T16Q(1/1)",
        "91140000MA0TE5T16Q()",
        "９１１４００００ＭＡ０ＴＥ５Ｔ１６Ｑ",
    ],
)
def test_codes_with_words_around_them(text: str) -> None:
    assert read_subject(IdType.USCC, text)[0].id == "91140000MA0TE5T16Q"


def test_a_failing_check_character_is_a_warning() -> None:
    assert read_subject(IdType.USCC, "91350211M0000XUF46")[1] == (IdWarning.CHECK_CHARACTER,)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("113300******82154N", "masked"),
        ("", "empty"),
        ("undefined", "empty"),
        ("140000100012345", "registration number"),
    ],
)
def test_codes_that_match_nobody(text: str, advice: str) -> None:
    with pytest.raises(CellError, match=advice):
        read_subject(IdType.USCC, text)


@pytest.mark.parametrize("text", ["某\N{REPLACEMENT CHARACTER}公司", "锟斤拷", "甲\x00乙", "甲\x0b乙"])
def test_lost_and_control_characters(text: str) -> None:
    with pytest.raises(CellError):
        clean(text)


def test_texts_keep_their_own_form() -> None:
    assert clean_text(" 慈税罚（2018）40号 ") == "慈税罚（2018）40号"


@given(st.text(max_size=40))
def test_no_text_ends_otherwise_than_in_a_value_or_advice(text: str) -> None:
    for read in (clean, clean_text, read_day, read_flag, lambda t: read_subject(IdType.USCC, t)):
        with contextlib.suppress(CellError):
            read(text)


@given(st.from_regex(r"[0-9A-Z]{6,40}", fullmatch=True))
def test_advice_never_repeats_what_may_be_an_identifier(text: str) -> None:
    for read in (read_day, read_flag, read_id_type, lambda t: read_subject(IdType.USCC, t)):
        try:
            read(text)
        except CellError as error:
            message = str(error)
        else:
            continue
        assert text not in message
