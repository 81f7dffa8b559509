"""The page that a clerk reads: right words for every kind of finding, and never a word too many."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from huxin.v1 import verdict_pb2 as pb
from rich.console import Console

from node.cli.connection import Names, code_of, enum_code
from node.cli.failures import ExitCode
from node.cli.verdict_cells import lines
from node.cli.verdict_times import duration
from node.cli.verdict_view import show
from node.cli.verify import exit_code
from node.cli.wording import GAPS
from node.model.calendar import Period
from node.model.freshness import AgeLimits, Freshness, FreshnessCondition, LimitSetter
from node.model.log import StatusFlag
from node.model.records import CRIMINAL
from node.model.verdict import (
    Authenticity,
    Decision,
    Existed,
    GapReason,
    LaterFlag,
    Standing,
    Step,
    StepStatus,
    Verdict,
)
from tests.cli.verdicts import (
    ACCEPTED,
    AUTHENTICITY_ONLY,
    COMMITTED,
    DAY,
    GAP,
    HAS_RECORDS,
    NO_RECORD,
    NOT_COVERED,
    NOT_COVERED_SUMMARY,
    NOW,
    REFERRED,
    REJECTED,
    STEPS,
    message,
)

NAMES = Names({"MK01": "市场监督管理", "EC07": "税务"}, {"140000": "山西省"}, {"6": "市场监管", "16": "税务"})


def page(verdict: Verdict | pb.Verdict, *, steps: bool = False, names: Names = NAMES) -> str:
    """What is printed, without colours."""
    console = Console(file=io.StringIO(), width=300, highlight=False)
    show(console, message(verdict) if isinstance(verdict, Verdict) else verdict, names, steps=steps)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_accept_says_what_it_rests_on_and_nothing_more() -> None:
    text = page(ACCEPTED)
    assert "结论 Decision: ACCEPT" in text
    assert "在所覆盖范围内未发现应计入的记录" in text
    assert "no record found in what was covered" in text
    for part in ("真实 genuine", "有效 in force", "山西省 140000", "40 秒前", "10 分钟前", "2026-11-22 17:00 (UTC+8)"):
        assert part in text
    assert "未通过的步骤" not in text
    assert "可能不在线" not in text


def test_refer_shows_records_gaps_remedies_caveats_flags_and_age() -> None:
    text = page(REFERRED)
    for part in (
        "结论 Decision: REFER",
        "有记录 3 条，计入 2 条",
        "未覆盖（2021-11-22 – 2022-08-01）：早于数据起始日",
        "未覆盖（整个期间）：对方目录无此领域",
        "The issuer pools in full only from a later day on",
        "我方：市场监管；对方：市场监督管理",
        "由其他地区的报告补充 a report of another jurisdiction；由主体作出信用承诺 a commitment of the subject",
        "起始日仅精确到年 since: year only（SINCE_YEAR_ONLY）",
        "未覆盖，主体已作承诺",
        "异议处理中 an objection is being handled",
        "3 小时前 (3 hours old)；对方节点可能不在线",
        "数源报送至 2026-11-20",
    ):
        assert part in text


def test_steps_that_passed_are_shown_on_request_only() -> None:
    few, all_of_them = page(REFERRED), page(REFERRED, steps=True)
    assert "LOG_VIEW_STALE" in few
    assert "签名密钥属于出具机关且当时有效" not in few
    assert "签名密钥属于出具机关且当时有效" in all_of_them
    assert "不要求" in all_of_them


def test_reject_of_a_forged_document_shows_nothing_of_it() -> None:
    text = page(REJECTED)
    assert "结论 Decision: REJECT" in text
    assert "不真实 not genuine" in text
    assert "签名无效" in text
    assert "140000/2025-237" not in text
    assert "NOT_REACHED" not in text, "what an earlier step left unchecked explains nothing"


def test_without_a_requirement_there_is_no_decision() -> None:
    text = page(AUTHENTICITY_ONLY)
    assert "no decision" in text
    assert "ACCEPT" not in text
    assert "--require" in text


@pytest.mark.parametrize("verdict", [ACCEPTED, REFERRED, REJECTED, AUTHENTICITY_ONLY])
def test_no_page_says_that_a_subject_is_clear(verdict: Verdict) -> None:
    assert not re.search(r"\bclear\b|无违法|无不良", page(verdict, steps=True), re.IGNORECASE)


@pytest.mark.parametrize("reason", list(GapReason))
def test_every_gap_reason_is_explained_in_both_languages(reason: GapReason) -> None:
    finding = replace(NOT_COVERED, gaps=(replace(GAP, reason=reason),))
    text = page(replace(REFERRED, findings=(finding,)))
    assert f"{GAPS[reason].label.both}（{reason.value}）" in text
    assert GAPS[reason].sentence.zh in text
    assert GAPS[reason].sentence.en in text


def test_codes_stand_in_where_names_are_not_known() -> None:
    assert "第6项 → MK01" in page(REFERRED, names=Names())


def test_markup_in_a_name_is_printed_as_it_is() -> None:
    finding = replace(NO_RECORD, leaf="", required_rows=("16",))
    assert "[red]税务[/red]（第16项）" in page(
        replace(ACCEPTED, findings=(finding,)), names=Names({}, {}, {"16": "[red]税务[/red]"})
    )


def test_codes_of_a_newer_node_are_shown_as_they_are() -> None:
    newer = message(REFERRED)
    newer.reasons.append("SOMETHING_NEW")
    newer.findings[0].gaps[0].reason = "NEW_GAP"
    newer.findings[0].gaps[0].remedies.append("NEW_REMEDY")
    newer.findings[0].caveats[0].caveat = "NEW_CAVEAT"
    newer.steps.add(number=19, status=pb.STEP_STATUS_FAIL, reason="NEW_STEP")
    text = page(newer, steps=True)
    for code in ("SOMETHING_NEW", "NEW_GAP", "NEW_REMEDY", "NEW_CAVEAT", "NEW_STEP"):
        assert code in text


def test_unknown_enum_numbers_keep_their_number() -> None:
    enum = pb.Verdict.DESCRIPTOR.fields_by_name["decision"].enum_type
    assert enum_code(enum, 9) == "UNKNOWN_9"
    assert code_of(message(ACCEPTED), "decision") == "ACCEPT"


# Two times, freshness, and what has changed since


BEFORE = datetime(2026, 11, 1, 15, 59, 59, 999_999, UTC)
"""The end of the first of November in China."""


def as_of(moment: datetime, **changes: object) -> Verdict:
    basis = replace(ACCEPTED.basis, as_of=moment)
    return replace(ACCEPTED, basis=basis, **changes)  # type: ignore[arg-type] # fields by name


def test_both_times_are_shown() -> None:
    assert "2026-11-22 17:00 (UTC+8)，按此时的规则和信息" in page(ACCEPTED)
    then = page(as_of(BEFORE))
    assert "按 2026-11-01 的规则，依据截至 2026-11-22 17:00 (UTC+8) 的信息" in then
    assert "ACCEPT  可予采信（按 2026-11-01 的规则）" in then
    assert "按 2026-11-01 17:30 (UTC+8) 的规则" in page(as_of(datetime(2026, 11, 1, 9, 30, tzinfo=UTC)))


def test_limits_of_age_are_shown_with_who_set_them() -> None:
    text = page(ACCEPTED)
    assert "新鲜 fresh；1 天起提示，上限 30 天（本节点设定） (warned of from 1 day on, limit 30 days, set by" in text
    assert "1 小时起提示，上限 12 小时（互认凭证设定）" in text
    assert "⚠" not in text


def test_grace_is_a_warning_beside_the_conclusion() -> None:
    grace = Freshness(FreshnessCondition.GRACE, 3 * 86_400, AgeLimits(DAY, 30 * DAY, LimitSetter.REQUIREMENT))
    text = page(replace(ACCEPTED, basis=replace(ACCEPTED.basis, trust_state=grace)))
    assert "⚠ 信任状态更新于 3 天前，超过 30 天将不能采信 the trusted state is no longer fresh (3 days old)" in text
    assert "办理要求设定 set by the requirement" not in text
    assert "（办理要求设定）" in text


@pytest.mark.parametrize(
    ("condition", "says"),
    [(FreshnessCondition.STALE, "过旧，不能据以采信"), (FreshnessCondition.EXPIRED, "登记信息已过期，不能据以采信")],
)
def test_what_is_too_old_is_said(condition: FreshnessCondition, says: str) -> None:
    found = Freshness(condition, 31 * 86_400, AgeLimits(DAY, 30 * DAY, LimitSetter.NODE), NOW)
    text = page(replace(REFERRED, basis=replace(REFERRED.basis, trust_state=found)))
    assert says in text
    assert "登记信息有效至 2026-11-22 17:00 (UTC+8)" in text


def test_what_has_changed_since_is_a_warning() -> None:
    flags = (
        LaterFlag(StatusFlag.UNDER_OBJECTION, False, NOW - DAY),
        LaterFlag(StatusFlag.REVOKED, True, NOW - DAY),
        LaterFlag(StatusFlag.SUPERSEDED, True, NOW + DAY),
    )
    then = as_of(BEFORE, later_flags=flags)
    text = page(replace(then, basis=replace(then.basis, recognition_withdrawn_since=True)))
    assert "⚠ 此后的变化：自 2026-11-21 17:00 (UTC+8) 起解除“异议处理中” changed since: cleared: an objection" in text
    assert "⚠ 此后的变化：自 2026-11-21 17:00 (UTC+8) 起已撤销 changed since: revoked" in text
    assert "⚠ 已公告的变化：自 2026-11-23 17:00 (UTC+8) 起已被新报告替代 announced: replaced by a later report" in text
    assert "⚠ 2026-11-01 之后我方已撤回对该出具机关的互认" in text


def test_the_proof_that_a_report_is_older_than_a_compromise_is_shown() -> None:
    assert "Older than" not in page(ACCEPTED)
    own = page(replace(ACCEPTED, existed=Existed(NOW, True, ())))
    assert "签名密钥后来失密；本节点证明报告在 2026-11-22 17:00" in own
    assert "existed before that, by witness of this node" in own
    others = page(replace(ACCEPTED, existed=Existed(NOW, False, ("huxin/520000/node", "huxin/620100/node"))))
    assert "huxin/520000/node、huxin/620100/node证明" in others
    assert "by witness of huxin/520000/node, huxin/620100/node" in others


def test_too_few_witnesses_say_when_to_ask_again() -> None:
    """In the conclusion and beside the step; where nobody is asked again, nothing is promised."""
    steps = (*STEPS[:6], Step(7, StepStatus.UNDECIDED, "WITNESS_QUORUM_UNMET"), *STEPS[7:])
    unmet = replace(REFERRED, reasons=("WITNESS_QUORUM_UNMET", "RECORDS_FOUND"), steps=steps, witness_quorum=2)
    text = page(replace(unmet, retry_seconds=10))
    assert text.count("刚出具的报告请约 10 秒后再试") == 2
    assert text.count("ask again in about 10 seconds") == 2
    assert "秒后再试" not in page(unmet)


def test_without_a_report_nothing_is_said_of_ages() -> None:
    grace = Freshness(FreshnessCondition.GRACE, 3 * 86_400, AgeLimits(DAY, 30 * DAY, LimitSetter.NODE))
    text = page(replace(REJECTED, basis=replace(REJECTED.basis, trust_state=grace)))
    assert "时效" not in text
    assert "⚠" not in text


# Cells


def test_record_types_with_one_result_stand_in_one_line() -> None:
    (line,) = lines(message(replace(REFERRED, findings=(NOT_COVERED, NOT_COVERED_SUMMARY))).findings, NAMES)
    assert line.targets == ("市场监管（第6项） → MK01 市场监督管理",)
    assert line.record_types == ("行政处罚（普通程序）", "行政处罚（简易程序）")


def test_targets_are_joined_only_when_all_their_record_types_agree() -> None:
    other = replace(NO_RECORD, leaf="EC08", required_rows=("17",))
    more = replace(other, record_type=CRIMINAL)
    findings = message(replace(ACCEPTED, findings=(NO_RECORD, other, more))).findings
    assert [(len(line.targets), len(line.record_types)) for line in lines(findings, NAMES)] == [(1, 1), (1, 2)]
    assert len(lines(findings[:2], NAMES)) == 1


def test_cells_with_records_are_never_joined() -> None:
    """One number must not seem to be the sum of two cells."""
    other = replace(HAS_RECORDS, leaf="NR03")
    assert len(lines(message(replace(REFERRED, findings=(HAS_RECORDS, other))).findings, NAMES)) == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(NO_RECORD, leaf="EC08", interval=Period(date(2023, 11, 22), date(2026, 11, 22))),
        replace(NO_RECORD, leaf="EC08", covered_until=date(2026, 11, 21)),
        replace(NOT_COVERED, leaf="EC08"),
        COMMITTED,
    ],
)
def test_cells_that_differ_stay_apart(other: object) -> None:
    findings = message(replace(REFERRED, findings=(NO_RECORD, other))).findings  # type: ignore[arg-type]
    assert len(lines(findings, NAMES)) == 2


def test_a_row_without_any_leaf_is_named() -> None:
    bare = replace(NOT_COVERED, leaf="", required_rows=())
    (line,) = lines(message(replace(REFERRED, findings=(bare,))).findings, NAMES)
    assert line.targets == ("（无对应领域 no domain at all）",)


# Exit codes


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (ACCEPTED, ExitCode.OK),
        (REFERRED, ExitCode.REFER),
        (REJECTED, ExitCode.REJECT),
        (AUTHENTICITY_ONLY, ExitCode.REFER),
        (replace(AUTHENTICITY_ONLY, authenticity=Authenticity.NOT_GENUINE), ExitCode.REJECT),
        (replace(AUTHENTICITY_ONLY, authenticity=Authenticity.UNDECIDED), ExitCode.REFER),
        (replace(AUTHENTICITY_ONLY, standing=Standing.REVOKED), ExitCode.REJECT),
        (replace(AUTHENTICITY_ONLY, standing=Standing.EXPIRED), ExitCode.REFER),
    ],
)
def test_only_accept_ends_with_nought(verdict: Verdict, code: ExitCode) -> None:
    assert exit_code(message(verdict)) is code


def test_a_decision_unknown_here_is_no_acceptance() -> None:
    newer = message(ACCEPTED)
    newer.decision = 9  # type: ignore[assignment]
    assert exit_code(newer) is ExitCode.REFER
    assert Decision.ACCEPT not in code_of(newer, "decision")


@pytest.mark.parametrize(
    ("seconds", "zh"),
    [(0, "0 秒前"), (119, "119 秒前"), (120, "2 分钟前"), (7_200, "2 小时前"), (172_800, "2 天前")],
)
def test_ages_are_said_in_the_largest_fitting_unit(seconds: int, zh: str) -> None:
    assert duration(seconds).zh == zh
