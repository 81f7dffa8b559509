"""A ceremony's document on the screen of an official: what it says, what changes, what to compare, who signs next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

from node.app.ceremonies import Examined
from node.app.jurisdictions import known_names
from node.cli.session import Session
from node.cli.tables import in_groups
from node.cli.wording import Words
from node.model.calendar import in_china
from node.registry.changes import Caution, Change, Fact, Topic
from node.registry.documents import RootDocument
from node.registry.signatures import Quorum

KINDS: dict[str, Words] = {
    "root": Words("根文件", "root: who may change the registry"),
    "targets": Words("授权文件", "targets: who publishes under which code"),
}

TOPICS: dict[Topic, Words] = {
    Topic.VERSION: Words("版本", "version"),
    Topic.EXPIRES: Words("有效期至", "expires"),
    Topic.SPECIFICATION: Words("格式", "TUF specification"),
    Topic.COORDINATOR: Words("协调节点", "coordinator"),
    Topic.THRESHOLD: Words("所需签名数", "signatures needed"),
    Topic.HOLDER: Words("根密钥持有地区", "root key of"),
    Topic.SNAPSHOT: Words("快照密钥", "snapshot key"),
    Topic.TIMESTAMP: Words("时间戳密钥", "timestamp key"),
    Topic.DELEGATION: Words("发布授权", "publishes as"),
    Topic.SUCCESSION: Words("日志关闭", "closed log"),
}

CAUTIONS: dict[Caution, Words] = {
    Caution.ONE_KEY_IS_ENOUGH: Words(
        "一个签名即可生效：任一密钥被盗，整个登记库即告失守。仅限演示。",
        "One signature is enough: whoever steals one key owns the registry. For demonstrations only.",
    ),
    Caution.EVERY_KEY_IS_NEEDED: Words(
        "所有密钥缺一不可：丢失一把，根文件就再也无法更新。",
        "Every key is needed: if one is lost, the root can never be changed again.",
    ),
    Caution.TWO_CAMPS: Words(
        "所需签名数不超过半数：两组持有人可能各自签出互相矛盾的版本。",
        "Half of the holders or fewer suffice: two groups could sign versions that contradict each other.",
    ),
    Caution.THRESHOLD_LOWERED: Words(
        "所需签名数降低：今后更少的人就能变更登记库。",
        "Fewer signatures are needed than before: fewer people can change the registry from now on.",
    ),
    Caution.SHORTER_LIFE: Words("有效期早于上一版本。", "It expires earlier than the version before."),
    Caution.LOG_CLOSED: Words(
        "将关闭一个日志：其中该条之后的记录一律不再作数，且不可撤回。请与各见证节点核对条数和根哈希。",
        "It closes a log: nothing after the last honest head counts any more, and that is never undone. Compare the "
        "number of entries and the root with what the log's witnesses hold (huxin log prove, huxin evidence).",
    ),
    Caution.SUCCESSION_DROPPED: Words(
        "丢掉或更改了已签署的日志继承：所有节点都会拒绝本文件，请勿签署。",
        "It drops or changes a succession that was signed off: every node will refuse it. Do not sign it.",
    ),
    Caution.EXPIRED: Words("已过有效期。", "It has expired already."),
}

_LONG_HEX = re.compile("[0-9a-f]{64}")
_KEY_TOPICS = {Topic.HOLDER, Topic.SNAPSHOT, Topic.TIMESTAMP}


def show(session: Session, found: Examined) -> None:
    """Prints one document whole."""
    document = found.document
    session.say(f"{found.path.name}  {KINDS[document.kind].both}", "bold")
    for fact, value in found.description.facts.items():
        session.say(f"  {_label(fact)}: {_value(fact, value)}")
    _show_changes(session, found)
    for caution in found.description.cautions:
        session.say(f"注意 Careful: {CAUTIONS[caution].both}", "yellow")
    session.say("摘要 Digest, to compare by telephone:", "bold")
    session.say(f"  {in_groups(document.digest)}")
    session.say("签名 Signatures:", "bold")
    for quorum in found.state.quorums:
        session.say(f"  {_progress(quorum)}", None if quorum.missing else "green")


def show_next(session: Session, found: Sequence[Examined], first: Sequence[str] = ()) -> None:
    """Prints what comes next for documents that were made or signed together; `first` before anybody signs them."""
    session.say("下一步 Next:", "bold")
    for line in (*first, *_next(found)):
        session.say(f"  {line}")


def as_json(found: Examined) -> dict[str, object]:
    """One document for machines: times in UTC, key ids and digests in full."""
    document, description, state = found.document, found.description, found.state
    return {
        "file": str(found.path),
        "kind": document.kind,
        "version": document.version,
        "digest": document.digest,
        "previous_digest": found.previous_digest or None,
        "coordinator": found.coordinator,
        "facts": [
            {"topic": fact.topic.value, "name": fact.name, "value": value} for fact, value in description.facts.items()
        ],
        "changes": None
        if description.changes is None
        else [
            {"topic": each.fact.topic.value, "name": each.fact.name, "before": each.before, "after": each.after}
            for each in description.changes
        ],
        "cautions": [caution.value for caution in description.cautions],
        "quorums": [
            {
                "root": each.root,
                "threshold": each.threshold,
                "signed": list(each.signed),
                "unsigned": list(each.unsigned),
                "missing": each.missing,
            }
            for each in state.quorums
        ],
        "complete": state.complete,
        "wanted": list(state.wanted),
    }


@cache
def named(division: str) -> str:
    """A division code with the names that the installed catalogues know."""
    return " ".join((division, *(known_names(division) or ())))


def _show_changes(session: Session, found: Examined) -> None:
    changes = found.description.changes
    if changes is None:
        session.say("首个版本 The first version: it follows nothing. Compare every key id with its holder.")
        return
    session.say(
        f"变更 Changes against version {found.document.version - 1}, whose digest is "
        f"{in_groups(found.previous_digest)}:",
        "bold",
    )
    for change in changes:
        session.say(f"  {_change(change)}", "yellow")


def _change(change: Change) -> str:
    before = "无 none" if change.before is None else _value(change.fact, change.before)
    after = "取消 removed" if change.after is None else _value(change.fact, change.after)
    return f"{_label(change.fact)}: {before} → {after}"


def _label(fact: Fact) -> str:
    label = TOPICS[fact.topic].both
    if fact.topic is Topic.SUCCESSION:
        return f"{label} {fact.name}"
    return f"{label} {named(fact.name)}" if fact.name else label


def _value(fact: Fact, value: str) -> str:
    if fact.topic is Topic.EXPIRES:
        # To the second: nothing that a document says may look unchanged and not be.
        return in_china(datetime.fromisoformat(value), seconds=True)
    if fact.topic is Topic.COORDINATOR:
        return named(value)
    if fact.topic is Topic.SUCCESSION:
        return _LONG_HEX.sub(lambda found: in_groups(found[0]), value)
    if fact.topic in _KEY_TOPICS:
        return in_groups(value)
    if fact.topic is Topic.DELEGATION:
        threshold, _, keys = value.partition(" of ")
        return f"any {threshold} of: " + ", ".join(map(in_groups, keys.split()))
    return value


def _progress(quorum: Quorum) -> str:
    done = ", ".join(map(named, quorum.signed)) or "无 nobody"
    unsigned = ", ".join(map(named, quorum.unsigned))
    state = f"还需 {quorum.missing} more needed of {unsigned}" if quorum.missing else "已够 enough"
    return f"{quorum.root} 持有地区 holders: 已签 signed {len(quorum.signed)} of {quorum.threshold} ({done}); {state}"


def _next(found: Sequence[Examined]) -> Iterator[str]:
    open_ = [each for each in found if not each.state.complete]
    if not open_:
        files = " and ".join(each.path.name for each in found)
        yield "签名已齐：将整个文件夹交给协调节点发布，并自留一份。"
        yield f"{files}: enough signatures. Hand the folder to the coordinator, {named(found[0].coordinator)}, who"
        yield "publishes it (huxin trust accept); it is in force from then on. Keep a copy for the next ceremony."
        return
    wanted = sorted({code for each in open_ for code in each.state.wanted})
    yield "将整个文件夹交给下列地区；各自查看内容，电话核对摘要，然后签名："
    yield f"Hand the whole folder {found[0].path.parent} to: {', '.join(map(named, wanted))}. Each, in that folder:"
    for each in open_:
        yield f"  huxin trust root show {each.path.name}"
    yield "  compare every digest by telephone, each of you calling somebody you know; then"
    for each in open_:
        yield f"  huxin trust root sign {each.path.name} --key THEIR.key --digest DIGEST"
    yield "分头签名的文件可以合并。"
    yield "Signed at several offices at once, the files come together by `huxin trust root merge`."
    if any(isinstance(each.document, RootDocument) for each in open_):
        yield "根文件与同时生成的授权文件一并签名、一并发布。"
        yield "Root and the targets made with it are signed and published together."
