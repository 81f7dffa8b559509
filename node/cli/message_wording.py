"""What states and reasons of messages mean, in words: Chinese first, English second."""

from __future__ import annotations

from node.cli.wording import Words
from node.model.asking import AskedState
from node.model.messages import InboxState, MessageReason, OutboxState

ASKED: dict[str, Words] = {
    AskedState.QUEUED: Words("待发送", "queued here for the other jurisdiction"),
    AskedState.ASKED: Words("已送达，待答复", "delivered; the answer has not come"),
    AskedState.ANSWERED: Words("已答复", "the report has come"),
    AskedState.REFUSED: Words("对方不予出具", "the other jurisdiction issues no report"),
    AskedState.UNDELIVERED: Words("对方节点拒收", "the other node did not take the request"),
    AskedState.EXPIRED: Words("已过期", "its time is over without an answer; ask again"),
}

STATES: dict[str, Words] = {
    OutboxState.QUEUED: Words("待发送", "queued"),
    OutboxState.DELIVERED: Words("已送达", "delivered"),
    OutboxState.REFUSED: Words("被拒收", "refused"),
    OutboxState.EXPIRED: Words("已过期", "expired"),
    InboxState.WAITING: Words("待处理", "waiting"),
    InboxState.HANDLED: Words("已处理", "handled"),
    InboxState.PARKED: Words("已搁置", "parked"),
}

REASONS: dict[str, Words] = {
    MessageReason.MALFORMED: Words("消息头无法读取", "its header cannot be read: compare the versions of both nodes"),
    MessageReason.TOO_LARGE: Words("消息过大", "it is too large: ask for fewer rows"),
    MessageReason.WRONG_SENDER: Words("发送方与证书不符", "its sender is not the one whose certificate brought it"),
    MessageReason.WRONG_RECEIVER: Words("收件方不是该节点", "it is for another jurisdiction"),
    MessageReason.UNKNOWN_KIND: Words("对方版本不认识此类消息", "the peer knows no such message: it must upgrade"),
    MessageReason.LIFE_TOO_LONG: Words("有效期过长或时钟有误", "it lives too long: check both clocks"),
    MessageReason.EXPIRED: Words("已过期", "its time was over when it came"),
    MessageReason.ID_REUSED: Words("编号重复而内容不同", "its id stood for another message before: tell the sender"),
    MessageReason.KEY_UNKNOWN: Words(
        "对方没有所用的密封密钥", "the peer lacks the key it was sealed to: it restores the file, or publishes anew"
    ),
    MessageReason.INBOX_FULL: Words("对方收件箱已满", "too much of ours waits there: its operator looks at the inbox"),
    MessageReason.NO_SEALING_KEY: Words(
        "对方未公布密封密钥", "the peer publishes no sealing key: it runs `huxin key rotate --sealing`"
    ),
    MessageReason.KEY_NOT_LOADED: Words(
        "本节点缺少密封密钥", "a sealing key of ours is not here: restore its file into keys.folder"
    ),
    MessageReason.UNREACHABLE: Words("对方无法连接", "the peer cannot be reached: see `huxin peers`"),
    MessageReason.NOT_ACCEPTED: Words(
        "对方不接受本节点证书", "the peer does not accept our certificate: it imports our newest bundle"
    ),
    MessageReason.OVER_LIMIT: Words(
        "超出对方节点的限额，稍后自动重试", "a limit of the peer for us was met: it is tried when the peer says"
    ),
    MessageReason.CALL_TOO_LARGE: Words(
        "超出对方单次接收的大小，请双方管理员核对",
        "larger than the peer takes in one call: compare the versions and limits.max_message_bytes of both nodes",
    ),
    MessageReason.NOT_OPENED: Words(
        "无法解封：被改动或密钥不符", "it does not open: altered, or sealed to another key"
    ),
    MessageReason.NOT_READABLE: Words("内容无法读取", "its content makes no sense: compare the versions of both nodes"),
    MessageReason.NOT_ASKED_FOR: Words("本方未曾申请", "an answer to nothing that was asked here: tell the sender"),
    MessageReason.NOT_READY: Words("本节点暂不可用，将重试", "this node was not ready; it is tried again by itself"),
    MessageReason.FAILED: Words("处理失败，见日志", "handling it failed here: see the log, then retry"),
    MessageReason.OTHER: Words("本版本不认识的原因", "a reason that this version does not know"),
}

REFUSALS: dict[str, Words] = {
    "ASKER_NOT_ANSWERED": Words("对方不受理本地区的申请", "that jurisdiction answers no requests of ours"),
    "ASKED_TOO_OFTEN": Words("今日申请已达对方上限", "as many were asked today as it answers in a day"),
    "OWN_LOG_SPLIT": Words(
        "对方日志分裂，恢复前不出具报告", "its log has two histories: it issues nothing until it has recovered"
    ),
}
"""Why a jurisdiction answers nobody here; its other refusals are about the subject, in a sentence of its own."""


def state_words(state: str) -> str:
    """A state in words, or as it is when this version does not know it."""
    return STATES[state].both if state in STATES else state


def reason_words(reason: str) -> str:
    """A reason with its words; why a report of a subject is refused elsewhere is a code of its own, told as it is."""
    words = REASONS.get(reason) or REFUSALS.get(reason)
    return reason if words is None else f"{reason}: {words.both}"
