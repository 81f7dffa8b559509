"""Which rules and which knowledge a verdict rests on, how old that is, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from node.cli.as_of import ends_a_day
from node.cli.connection import Existence, Freshness, LaterFlag, Verdict, code_of
from node.cli.session import in_china
from node.cli.wording import FLAGS, Words, words_for
from node.model.calendar import day_in_china
from node.model.counting import counted
from node.model.freshness import FreshnessCondition, LimitSetter

SILENT_SECONDS = 300
"""A node cosigns its log each minute: one that we have not heard of for this long is probably away."""

CONDITIONS: dict[str, Words] = {
    FreshnessCondition.FRESH: Words("新鲜", "fresh"),
    FreshnessCondition.GRACE: Words("宽限期内，请尽快更新", "in its days of grace: refresh it soon"),
    FreshnessCondition.STALE: Words("过旧，不能据以采信", "stale: nothing is accepted on it"),
    FreshnessCondition.EXPIRED: Words("登记信息已过期，不能据以采信", "its registry metadata has expired"),
}
SETTERS: dict[str, Words] = {
    LimitSetter.NODE: Words("本节点设定", "set by this node"),
    LimitSetter.CERTIFICATE: Words("互认凭证设定", "set by our trust certificate"),
    LimitSetter.REQUIREMENT: Words("办理要求设定", "set by the requirement"),
}


def times(verdict: Verdict) -> tuple[str, str]:
    """T, whose rules apply, and K, up to when we use what we know."""
    known_at = verdict.decided_at.ToDatetime(UTC)
    if not looks_back(verdict):
        return "判定时间 Decided", f"{in_china(known_at)}，按此时的规则和信息 (rules and knowledge of this moment)"
    both = f"按 {as_of(verdict)} 的规则，依据截至 {in_china(known_at)} 的信息"
    return "时点 As of", f"{both} (rules as of the former, knowledge up to the latter)"


def looks_back(verdict: Verdict) -> bool:
    """Whether a moment in the past was asked about."""
    return verdict.HasField("as_of") and bool(verdict.as_of != verdict.decided_at)


def as_of(verdict: Verdict) -> str:
    """The moment whose rules apply: a day when its end was asked about."""
    moment = verdict.as_of.ToDatetime(UTC)
    return str(day_in_china(moment)) if ends_a_day(moment) else in_china(moment)


def ages(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """How old our view of the log and our trusted state are, against which limits."""
    view = verdict.log_view
    if not view.origin:
        yield "日志视图 Log view", "本节点没有该出具机关的日志视图 (this node follows no log of that issuer)"
    elif not view.HasField("fresh_at"):
        yield "日志视图 Log view", f"{view.origin}，尚无时间证明 (no proof of its age yet)"
    else:
        note = ""
        if view.age_seconds > SILENT_SECONDS:
            note = "；对方节点可能不在线，依据本地副本核验 (the issuer's node may be down: verified from our replica)"
        yield "日志视图 Log view", f"{view.origin}，{duration(view.age_seconds).both}{note}"
        yield from _limits("日志时效 Log limits", verdict.log_view_freshness)
    yield "见证 Witnesses", _witnesses(verdict)
    if verdict.HasField("existed"):
        yield "存在证明 Older than", _existed(verdict.existed)
    yield "信任状态 Trust state", duration(verdict.trust_state_age_seconds).both
    yield from _limits("信任时效 Trust limits", verdict.trust_state)


def _witnesses(verdict: Verdict) -> str:
    """How many others vouch for the log with this report in it, of how many that we demand."""
    count, quorum = verdict.witnesses, verdict.witness_quorum
    if not quorum:
        return f"{count} 个节点联署，我方不要求 (others that cosigned the log with it: {count}; we demand none)"
    met = Words("已达到", "met") if count >= quorum else Words("未达到", "not met")
    zh = f"{count} 个节点联署，我方要求 {quorum} 个，{met.zh}"
    return f"{zh} (others that cosigned the log with it: {count}; we demand {quorum}: {met.en})"


def _existed(existed: Existence) -> str:
    """By whom and when the report was seen, before a key that signed it was in other hands."""
    when = in_china(existed.seen_at.ToDatetime(UTC))
    zh = "本节点" if existed.own else "、".join(existed.witnesses)
    en = "this node" if existed.own else ", ".join(existed.witnesses)
    return (
        f"签名密钥后来失密；{zh}证明报告在 {when} 已在日志中 "
        f"(a key that signed it was compromised later: existed before that, by witness of {en})"
    )


def _limits(name: str, found: Freshness) -> Iterator[tuple[str, str]]:
    if code_of(found, "condition") == "UNSPECIFIED":
        return
    text = words_for(CONDITIONS, code_of(found, "condition")).both
    if code_of(found, "limit_set_by") != "UNSPECIFIED":
        fresh, stale = lasting(found.fresh_limit_seconds), lasting(found.stale_limit_seconds)
        setter = words_for(SETTERS, code_of(found, "limit_set_by"))
        text += f"；{fresh.zh}起提示，上限 {stale.zh}（{setter.zh}）"
        text += f" (warned of from {fresh.en} on, limit {stale.en}, {setter.en})"
    if found.HasField("expires_at"):
        until = in_china(found.expires_at.ToDatetime(UTC))
        text += f"；登记信息有效至 {until} (registry metadata ends then)"
    yield name, text


def warnings(verdict: Verdict) -> Iterator[str]:
    """What a clerk must not overlook beside the conclusion: what is no longer fresh, and what has changed since."""
    for name, found in (
        (Words("信任状态", "trusted state"), verdict.trust_state),
        (Words("日志视图", "log view"), verdict.log_view_freshness),
    ):
        if verdict.HasField("report") and code_of(found, "condition") == FreshnessCondition.GRACE:
            age, limit = duration(found.age_seconds), lasting(found.stale_limit_seconds)
            yield (
                f"{name.zh}更新于 {age.zh}，超过 {limit.zh}将不能采信 "
                f"the {name.en} is no longer fresh {age.en}; nothing is accepted beyond {limit.en}"
            )
    for flag in verdict.later_flags:
        yield _later(verdict, flag)
    if verdict.recognition_withdrawn_since:
        yield f"{as_of(verdict)} 之后我方已撤回对该出具机关的互认 we have since withdrawn the recognition of its issuer"


def _later(verdict: Verdict, flag: LaterFlag) -> str:
    words = words_for(FLAGS, code_of(flag, "flag"))
    effective = flag.effective_at.ToDatetime(UTC)
    ahead = effective > verdict.decided_at.ToDatetime(UTC)
    when = Words("已公告的变化", "announced") if ahead else Words("此后的变化", "changed since")
    change = Words("", "") if flag.set else Words("解除“", "cleared: ")
    closing = "" if flag.set else "”"
    return f"{when.zh}：自 {in_china(effective)} 起{change.zh}{words.zh}{closing} {when.en}: {change.en}{words.en}"


def duration(seconds: int) -> Words:
    """How long ago, in the largest unit that says enough."""
    for size, zh, en in ((86_400, "天", "days"), (3_600, "小时", "hours"), (60, "分钟", "minutes")):
        if seconds >= 2 * size:
            count = seconds // size
            return Words(f"{count} {zh}前", f"({count} {en} old)")
    return Words(f"{seconds} 秒前", f"({counted(seconds, 'second')} old)")


def lasting(seconds: int) -> Words:
    """A length of time, in the largest unit that says it whole."""
    for size, zh, en in ((86_400, "天", "days"), (3_600, "小时", "hours"), (60, "分钟", "minutes")):
        if seconds and seconds % size == 0:
            count = seconds // size
            return Words(f"{count} {zh}", f"{count} {en if count > 1 else en.removesuffix('s')}")
    return Words(f"{seconds} 秒", counted(seconds, "second"))
