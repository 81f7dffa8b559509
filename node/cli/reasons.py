"""What the reason codes of steps and decisions mean, in words: Chinese first, English second.

The sources of the codes are `trust.verify` (steps 1 to 13), `node.recognition` (14 to 18) and `node.verification`; a
test reads them there and finds each here.
"""

from __future__ import annotations

from node.cli.wording import GAPS, Words

FORM: dict[str, Words] = {
    "MALFORMED": Words(
        "文件无法读取：不完整、已损坏或被改动，请重新取得", "unreadable: cut off, damaged or altered; get it again"
    ),
    "TOO_LARGE": Words("文件超过大小限制", "the file is over the size limit"),
    "NOT_CANONICAL": Words("文件不是规范格式，已被重新编码或改动", "not in canonical form: re-encoded or altered"),
    "UNKNOWN_CONTENT": Words("含有本版本不认识的内容，请升级后再判定", "content unknown to this version: upgrade"),
    "UNKNOWN_VERSION": Words("声明的版本本节点不认识，请升级", "a statement of another version: upgrade"),
    "WRONG_PAYLOAD_TYPE": Words("所签内容不是报告证明", "what is signed is no attestation of a report"),
    "NOTHING_DISCLOSED": Words("未出示任何内容", "no section is shown"),
    "SECTION_COUNT_MISMATCH": Words("内容缺失或多出", "sections are missing or too many"),
    "SECTION_ROOT_MISMATCH": Words("内容与签名不符，已被改动", "the content is not what was signed"),
    "REPORT_DIGEST_MISMATCH": Words("报告与签名不符，已被改动", "the report is not what was signed"),
    "NOT_REACHED": Words("前面的步骤未通过，本步无从核验", "an earlier step left nothing to check"),
    "NO_BUNDLE": Words("只给出报告编号，没有报告文件", "only a number was given, no report file"),
}

KEYS: dict[str, Words] = {
    "ISSUER_UNKNOWN": Words("出具机关未知，请先导入其信息包", "the issuer is not known here: import its bundle"),
    "ISSUER_MISMATCH": Words("声称的出具机关与签名方不一致", "it speaks for another jurisdiction than its signer's"),
    "KEY_UNKNOWN": Words("签名密钥不属于出具机关", "signed by a key that is not the issuer's"),
    "KEY_NOT_YET_VALID": Words("签名时密钥尚未生效", "signed before its key was valid"),
    "KEY_RETIRED": Words("签名时密钥已停用", "signed after its key was retired"),
    "KEY_COMPROMISED": Words("签名时密钥已失密", "signed when its key was in other hands"),
    "KEY_COMPROMISED_SINCE": Words(
        "密钥后来失密，无人见证其签名在先", "its key was compromised since; not seen before"
    ),
    "ISSUER_UNCHECKED": Words("发证方的信任信息本节点无法核验", "what this node holds of the issuer cannot be checked"),
    "UNKNOWN_SUITE": Words("签名算法本节点无法核验", "a signature suite that this node cannot check"),
    "BAD_KEY": Words("密钥不可用", "a key that cannot be used"),
    "KEY_FILE_EXPOSED": Words("密钥文件对他人开放", "a key file is open to others"),
    "SIGNATURE_INVALID": Words("签名无效，文件被改动或并非其出具", "a signature does not verify: altered or forged"),
    "SUITE_MISSING": Words("缺少我方要求的签名算法", "a suite that we require did not sign"),
}

LOG: dict[str, Words] = {
    "PROOF_INVALID": Words("日志证明不成立", "the proof does not lead to the signed head"),
    "CHECKPOINT_INVALID": Words("日志头签名无效", "the signed head of the log is wrong"),
    "HEAD_INCONSISTENT": Words("出具机关签署了互相矛盾的日志，请保存证据", "the issuer signed two logs that disagree"),
    "LOG_SPLIT": Words(
        "出具机关的日志有两个互相矛盾的版本，本条未被证实两个版本都有，请待日志恢复或询问出具机关",
        "its log has two histories, and this entry is not proven to be in both: wait until the log is recovered, or "
        "ask the issuer",
    ),
    "NOT_COSIGNED": Words("日志头未经出具机关联署", "its tree head is not cosigned by the issuer"),
    "LOG_ENTRY_DIFFERS": Words("日志同一位置是另一条声明", "the log holds another statement in its place"),
    "NOT_IN_LOG": Words("出具机关的日志中本应有而没有", "the issuer's log should hold it and does not"),
    "NOT_IN_SUCCESSOR": Words(
        "出具机关日志已重建，其中没有本报告，请重新申请报告",
        "its issuer's log was closed and goes on without this report: ask the issuer for a new one",
    ),
    "NOT_YET_IN_VIEW": Words("本节点的日志视图尚未到达，请稍后再试", "our view of the log ends before it: try again"),
    "NO_LOG_VIEW": Words("本节点没有对方日志的视图", "this node has no view of the issuer's log"),
    "LOG_VIEW_STALE": Words("对方日志视图过旧，对方可能不在线", "our view of the log is too old; the peer may be down"),
    "LOG_VIEW_IN_FUTURE": Words("日志时间晚于现在，请检查时钟", "the log is dated later than now: check the clocks"),
    "WITNESS_QUORUM_UNMET": Words("联署的见证方不足", "too few witnesses cosigned"),
    "TRUST_STATE_EXPIRED": Words("登记信息已过期，请更新", "what the registry says of it has expired: refresh it"),
    "TRUST_STATE_STALE": Words("信任状态过旧，请更新", "the trusted state is too old: refresh it"),
    "TRUST_STATE_IN_FUTURE": Words("信任状态时间晚于现在，请检查时钟", "the trusted state is dated later than now"),
    "NO_CONDITIONS": Words("我方没有为该出具机关签发互认凭证", "we hold no trust certificate for this issuer"),
}

STANDING: dict[str, Words] = {
    "REVOKED": Words("出具机关已撤销该报告", "the issuer has withdrawn it"),
    "EXPIRED": Words("报告已过有效期", "its validity has ended"),
    "ISSUED_IN_FUTURE": Words("出具时间晚于核验时点，请核对时点和时钟", "dated later than the moment asked about"),
    "STATUS_UNDER_OBJECTION": Words("报告正在异议处理中", "an objection to it is being handled"),
    "STATUS_CORRECTED": Words("报告出具后内容已更正", "its content was corrected after issue"),
    "STATUS_SUPERSEDED": Words("报告已被新报告替代", "a later report replaces it"),
    "STATUS_NEWER_INFORMATION": Words("出具机关已有更新的信息", "the issuer holds newer information"),
    "STATUS_UNREADABLE": Words(
        "状态变更无法识别，请升级本系统", "its standing changed in a way this version cannot read: upgrade"
    ),
    "STATUS_UNPROVEN": Words(
        "状态变更只见于已放弃的日志版本，须由出具机关重新设置或解除该标记",
        "its standing changed in a history that was given up: settled once the issuer sets or clears that flag again",
    ),
    "SUBJECT_MISMATCH": Words("报告的主体与所称不符", "it is about somebody else"),
    "NO_SUBJECT_CLAIMED": Words("未说明报告关于谁，请用 --subject", "nobody said whom it is about: use --subject"),
    "NO_SUBJECT_SALT": Words("文件无法与主体比对", "the file cannot be matched to a subject"),
}

RULES: dict[str, Words] = {
    "SCHEME_UNKNOWN": Words("本节点不掌握出具方案", "the issuing scheme is not known here"),
    "SCHEME_TERRITORY": Words("不合出具方案的地域", "outside the territory of the issuing scheme"),
    "SCHEME_NOT_IN_FORCE": Words("出具时方案未施行", "the scheme was not in force at issue"),
    "SCHEME_TEMPLATE": Words("报告模板版本不符", "the report template is not the scheme's"),
    "SCHEME_SUBJECT_KIND": Words("方案不适用于此类主体", "the scheme does not name this kind of subject"),
    "SCHEME_PERIOD": Words("期间超过方案上限且无登记的例外", "longer than the scheme allows, with no exception"),
    "ISSUER_NOT_RECOGNISED": Words("我方未互认该出具机关", "we do not recognise this issuer"),
    "RECOGNITION_NOT_IN_FORCE": Words("互认凭证不在有效期内", "our trust certificate is not in force"),
    "RECOGNITION_WITHDRAWN": Words("互认已撤回", "we have withdrawn the recognition of its issuer"),
    "SCENARIO_NOT_RECOGNISED": Words("该应用场景不在互认范围", "the scenario is not in our trust certificate's scope"),
}

DECISION: dict[str, Words] = {
    "RECORDS_FOUND": Words("在所覆盖范围内发现应计入的记录", "records that count were found"),
    "REPORT_TOO_OLD": Words("报告出具时间过久", "the report is older than the requirement allows"),
    "REQUIREMENT_EMPTY": Words("办理要求没有提出任何内容", "the requirement asks for nothing"),
    "REFER": Words("须转人工核查", "a person must look"),
    "REJECT": Words("不予采信", "not to be relied on"),
}

REASONS: dict[str, Words] = (
    FORM | KEYS | LOG | STANDING | RULES | DECISION | {code: words.label for code, words in GAPS.items()}
)
