"""What codes mean, in words that a clerk reads: Chinese first, English second. A test holds that no code lacks words.

Nothing here may say that a subject is clear: a report proves only that no record was found in what it covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.model.catalogue import Caveat
from node.model.log import StatusFlag
from node.model.log_audit import Part
from node.model.records import RECORD_TYPES
from node.model.subject import SubjectKind
from node.model.verdict import (
    Authenticity,
    Decision,
    FindingKind,
    GapReason,
    Remedy,
    Standing,
    StepStatus,
)


@dataclass(frozen=True, slots=True)
class Words:
    """One meaning in two languages."""

    zh: str
    en: str

    @property
    def both(self) -> str:
        """Chinese first, then English; once when they are the same."""
        return f"{self.zh} {self.en}" if self.zh != self.en else self.zh


@dataclass(frozen=True, slots=True)
class Explained:
    """A short label for tables, and a whole sentence below them."""

    label: Words
    sentence: Words


def words_for(table: Mapping[str, Words], code: str) -> Words:
    """The words for a code; a code of a newer version speaks for itself."""
    return table.get(code) or Words(code, code)


DECISIONS: dict[str, Explained] = {
    Decision.ACCEPT: Explained(
        Words("可予采信", "ACCEPT"),
        Words(
            "所要求的每一项均被完整覆盖，在所覆盖范围内未发现应计入的记录；本事项可以采信该报告。",
            "Every cell asked for was covered whole, and no record that counts was found in what was covered: this "
            "procedure may rely on the report.",
        ),
    ),
    Decision.REFER: Explained(
        Words("转人工核查", "REFER"),
        Words(
            "报告不能单独作为依据：下列记录、未覆盖之处或未能判定的步骤须由工作人员核查。",
            "The report does not decide by itself: a person must look at the records, the gaps or the undecided steps "
            "below.",
        ),
    ),
    Decision.REJECT: Explained(
        Words("不予采信", "REJECT"),
        Words("该报告不得作为依据，原因见下。", "The report must not be relied on; the reasons are below."),
    ),
    "UNSPECIFIED": Explained(
        Words("未作采信结论", "no decision"),
        Words(
            "未指定办理要求，仅核验真伪与状态；请用 --require 指定事项。",
            "No requirement was named, so only authenticity and standing were looked at; name one with --require.",
        ),
    ),
}

AUTHENTICITY: dict[str, Words] = {
    Authenticity.GENUINE: Words("真实", "genuine"),
    Authenticity.NOT_GENUINE: Words("不真实", "not genuine"),
    Authenticity.UNDECIDED: Words("无法判定", "cannot be told"),
}

STANDING: dict[str, Words] = {
    "UNSPECIFIED": Words("未知", "unknown"),
    Standing.IN_FORCE: Words("有效", "in force"),
    Standing.FLAGGED: Words("有状态标记", "flagged"),
    Standing.REVOKED: Words("已撤销", "revoked"),
    Standing.EXPIRED: Words("已过有效期", "expired"),
}

FLAGS: dict[str, Words] = {
    StatusFlag.UNDER_OBJECTION.name: Words("异议处理中", "an objection is being handled"),
    StatusFlag.CORRECTED.name: Words("出具后内容已更正", "corrected after issue"),
    StatusFlag.SUPERSEDED.name: Words("已被新报告替代", "replaced by a later report"),
    StatusFlag.REVOKED.name: Words("已撤销", "revoked"),
    StatusFlag.NEWER_INFORMATION.name: Words("出具机关已有更新的信息", "the issuer holds newer information"),
    StatusFlag.UNREADABLE.name: Words("状态变更无法识别", "changed in a way this version cannot read"),
}

FINDINGS: dict[str, Words] = {
    FindingKind.HAS_RECORDS: Words("有记录", "records found"),
    FindingKind.NO_RECORD_FOUND: Words("在所覆盖范围内未发现记录", "no record found in what was covered"),
    FindingKind.NOT_COVERED: Words("未覆盖或未完全覆盖", "not covered, or not whole"),
    FindingKind.COMMITTED: Words("未覆盖，主体已作承诺", "not covered; the subject declared itself"),
}

STEP_STATUS: dict[str, Words] = {
    StepStatus.PASS: Words("通过", "pass"),
    StepStatus.FAIL: Words("不通过", "fail"),
    StepStatus.UNDECIDED: Words("未能判定", "undecided"),
    StepStatus.NOT_REQUIRED: Words("不要求", "not required"),
}

LOG_PARTS: dict[str, Words] = {
    Part.ENTRY: Words("日志条目", "entry"),
    Part.LEAF_HASH: Words("叶哈希", "leaf hash"),
    Part.DIGEST: Words("摘要", "digest"),
    Part.KIND: Words("条目类型", "kind"),
    Part.REPORT_NUMBER: Words("报告编号", "report number"),
    Part.STATUS: Words("状态变更", "status"),
    Part.MISSING_ENTRY: Words("缺失条目", "missing entry"),
    Part.EXTRA_ENTRY: Words("多余条目", "extra entry"),
    Part.SUBTREE: Words("子树根", "subtree root"),
    Part.HEAD_ROOT: Words("日志头的根", "root of the head"),
    Part.CHECKPOINT: Words("日志头签名", "signed head"),
    Part.FRESH_AT: Words("日志头时间", "time of the head"),
    Part.NO_HEAD: Words("缺少日志头", "no head"),
}

SUBJECT_KINDS: dict[str, Words] = {
    SubjectKind.ENTERPRISE.name: Words("企业", "enterprise"),
    SubjectKind.INDIVIDUAL_BUSINESS.name: Words("个体工商户", "individual business"),
    SubjectKind.FARMERS_COOPERATIVE.name: Words("农民专业合作社（联合社）", "farmers' cooperative"),
    SubjectKind.BRANCH.name: Words("分支机构", "branch"),
    SubjectKind.SOCIAL_ORGANISATION.name: Words("社会组织", "social organisation"),
    SubjectKind.PUBLIC_INSTITUTION.name: Words("事业单位", "public institution"),
    SubjectKind.NATURAL_PERSON.name: Words("自然人", "natural person"),
}

TYPES: dict[str, Words] = {code: Words(zh, en) for code, (zh, en) in RECORD_TYPES.items()}

STEPS: dict[int, Words] = {
    1: Words("文件大小与规范格式", "size and canonical form"),
    2: Words("声明类型与版本", "statement type and version"),
    3: Words("出具机关是否已知", "issuer known here"),
    4: Words("签名密钥属于出具机关且当时有效", "keys are the issuer's and were valid"),
    5: Words("签名有效，所要求的算法已签", "signatures hold, required suites signed"),
    6: Words("已载入出具机关的日志", "in the issuer's log"),
    7: Words("见证方联署", "cosigned by our quorum of witnesses"),
    8: Words("信任状态是否够新", "trusted state is fresh"),
    9: Words("日志视图是否够新", "view of the log is fresh"),
    10: Words("报告状态", "standing of the report"),
    11: Words("有效期", "validity"),
    12: Words("主体与所称一致", "subject matches the claim"),
    13: Words("内容与签名一致", "content is what was signed"),
    14: Words("符合出具方案的规定", "the issuing scheme's rules were met"),
    15: Words("在互认范围与期限内", "recognised: issuer, scenario, time"),
    16: Words("所要求内容的覆盖情况与时效", "coverage and age of what is required"),
    17: Words("覆盖范围内的发现", "findings in what was covered"),
    18: Words("结论", "decision"),
}

REMEDIES: dict[str, Words] = {
    Remedy.OTHER_JURISDICTION: Words("由其他地区的报告补充", "a report of another jurisdiction"),
    Remedy.WIDER_SELECTION: Words("重新出具并勾选更多领域", "a report with more rows selected"),
    Remedy.FULL_DISCLOSURE: Words("请主体出示未披露的部分", "the parts that the subject withheld"),
    Remedy.LONGER_PERIOD: Words("重新出具并选择更长期间", "a report over a longer period"),
    Remedy.FRESH_REPORT: Words("数据更新后重新出具报告", "a fresh report once the sources delivered"),
    Remedy.REVIEW_OF_CATALOGUE: Words("由本地信用牵头部门审查对方目录", "a review of the issuer's catalogue here"),
    Remedy.CERTIFICATE_CHANGE: Words("由本地信用牵头部门调整互认凭证", "a change of our trust certificate"),
    Remedy.COMMITMENT: Words("由主体作出信用承诺", "a commitment of the subject"),
}

CAVEATS: dict[str, Explained] = {
    Caveat.CLOSE_MATCH: Explained(
        Words("领域相近但范围存疑", "close match"),
        Words(
            "两地领域名称相近，范围是否完全一致尚存疑问。",
            "The two domains are close, but whether they reach equally far is in doubt.",
        ),
    ),
    Caveat.SINCE_YEAR_ONLY: Explained(
        Words("起始日仅精确到年", "since: year only"),
        Words(
            "对方只公布了数据起始年份，该年内的完整性存疑。",
            "The issuer published only the year from which it collects: completeness within that year is in doubt.",
        ),
    ),
    Caveat.SINCE_ASSUMED: Explained(
        Words("起始日系推定", "since: assumed"),
        Words(
            "对方未公布数据起始日，按方案施行之日推定。",
            "The issuer published no first day: the day on which its scheme took effect is assumed.",
        ),
    ),
    Caveat.TYPES_SCHEME_WIDE: Explained(
        Words("记录类型按方案统一列出", "types: scheme-wide"),
        Words(
            "对方方案统一列出记录类型，未逐领域列明。",
            "The issuer's scheme lists its record types for all domains together, not domain by domain.",
        ),
    ),
}

GAPS: dict[str, Explained] = {
    GapReason.CATALOGUE_UNKNOWN: Explained(
        Words("对方目录未知", "catalogue unknown"),
        Words(
            "本节点不掌握报告所用版本的对方领域目录，无法判断其覆盖范围。",
            "This node does not know the issuer's catalogue in the version used, so nothing can be said to be covered.",
        ),
    ),
    GapReason.CATALOGUE_NOT_REVIEWED: Explained(
        Words("对方目录未经审查", "catalogue not reviewed"),
        Words(
            "报告所用版本的目录或对照表尚未经本地审查认可。",
            "The version of the issuer's catalogue or crosswalk has not been reviewed by this jurisdiction.",
        ),
    ),
    GapReason.OUTSIDE_TERRITORY: Explained(
        Words("超出地域范围", "outside the territory"),
        Words(
            "所要求的地域不在报告所代表的行政区域内。",
            "What is asked lies outside the division that the report speaks for.",
        ),
    ),
    GapReason.NOT_RECOGNISED: Explained(
        Words("不在互认范围", "not recognised"),
        Words(
            "该领域或记录类型不在我方互认凭证的范围内。",
            "This domain or record type is not in the scope of our trust certificate.",
        ),
    ),
    GapReason.NOT_IN_CATALOGUE: Explained(
        Words("对方目录无此领域", "not in the catalogue"),
        Words(
            "对方目录没有对应的领域，从不归集此类记录。",
            "The issuer's catalogue has no such domain: it never pools it.",
        ),
    ),
    GapReason.RECORD_TYPE_NOT_COLLECTED: Explained(
        Words("不归集此类记录", "type not collected"),
        Words(
            "对方有此领域，但该领域不归集这一类型的记录。",
            "The issuer has the domain, but does not pool this type of record in it.",
        ),
    ),
    GapReason.PARTIAL_MATCH: Explained(
        Words("仅部分对应", "partial match"),
        Words(
            "对方的领域只是所要求领域的一部分。",
            "The issuer's domain is only a part of what is asked.",
        ),
    ),
    GapReason.NOT_SELECTED: Explained(
        Words("出具时未勾选", "not selected"),
        Words(
            "对方可以出具该领域，但出具本报告时未勾选（或未全部勾选）。",
            "The issuer could have covered it, but it was not (wholly) selected for this report.",
        ),
    ),
    GapReason.NOT_DISCLOSED: Explained(
        Words("主体未披露", "not disclosed"),
        Words(
            "报告含有该部分，但主体此次未出示。",
            "The report holds it, but the subject did not show it this time.",
        ),
    ),
    GapReason.BEFORE_DATA_SINCE: Explained(
        Words("早于数据起始日", "before the data begin"),
        Words(
            "对方自较晚的日期才开始完整归集，此前的期间未覆盖。",
            "The issuer pools in full only from a later day on: the days before are not covered.",
        ),
    ),
    GapReason.PERIOD_NOT_CHOSEN: Explained(
        Words("不在所选期间", "outside the chosen period"),
        Words("报告所选的期间短于所要求的期间。", "The period chosen for the report is shorter than what is asked."),
    ),
    GapReason.SOURCE_LATE: Explained(
        Words("数源单位迟报", "a source is late"),
        Words(
            "至少一个数源单位未按时报送完整数据，其后的期间未覆盖。",
            "At least one source unit has not delivered completely in time: the days since are not covered.",
        ),
    ),
    GapReason.AFTER_CUTOFF: Explained(
        Words("晚于数据截止", "after the cut-off"),
        Words("所要求的日期晚于报告的数据截止时间。", "The days asked for lie after the report's data cut-off."),
    ),
    GapReason.REPAIRED_NOT_SHOWN: Explained(
        Words("不显示已修复记录", "repaired records hidden"),
        Words(
            "所要求的事项计入已修复记录，而对方方案不显示已修复记录。",
            "The requirement counts repaired records; the issuer's scheme does not show them.",
        ),
    ),
    GapReason.CAVEAT_REFUSED: Explained(
        Words("保留事项不被接受", "caveat refused"),
        Words(
            "该部分只在某一保留事项下被覆盖，而我方互认凭证不接受该保留。",
            "It is covered only under a caveat that our trust certificate does not accept.",
        ),
    ),
}
