"""Which stored log a question is about, and as far as it counts: for proofs that a home gives out.

A jurisdiction may have several logs, one after the other (`trust.log.succession`). A closed one counts up to the head
that k of n signed off and no further, whatever is stored of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from node.app.trusted_logs import Closing, TrustedLogs
from node.errors import NotFound, NotReady
from node.ledger.assembly import load_frontier
from node.model.counting import in_entries
from node.model.log import LogHead
from node.storage.log_audit import LogAuditReader
from node.storage.log_store import LogStore
from trust.errors import ProofInvalid
from trust.log.checkpoint import origin_of, own_cosigner

_DIVISION = re.compile(r"[0-9]{6}")
"""What a report number begins with: the division that issued it."""


@dataclass(frozen=True, slots=True)
class AskedLog:
    """A stored log as a proof sees it: `head` is the last one that counts."""

    head: LogHead
    closing: Closing | None
    others: tuple[str, ...]
    """Origins of the other stored logs that were asked for with it."""


async def stored_head(reader: LogAuditReader, origin: str) -> LogHead:
    """The stored head of a log of which something is stored. Raises NotReady when that is not the head."""
    head = await reader.head(origin)
    if head is None:
        raise damaged()
    return head


async def asked_log(reader: LogAuditReader, store: LogStore, keys: TrustedLogs, named: Sequence[str]) -> AskedLog:
    """The first of these logs, with its last head that counts: of a closed one the head that was signed off.

    Raises NotReady when what is stored of a closed log is another history, or ends before it can be told which one it
    is: nothing of that is to be proven.
    """
    stored, closing = await stored_head(reader, named[0]), keys.closing(named[0])
    others = tuple(each for each in named if each != named[0])
    if closing is None:
        return AskedLog(stored, closing, others)
    if stored.size < closing.size:
        raise _too_short(stored, closing)
    end = closing.log
    log = AskedLog(LogHead(end.origin, end.size, end.root, end.note, end.cosigned_at), closing, others)
    if not await leads_to_end(store, stored, closing):
        raise damaged(log)
    return log


async def leads_to_end(store: LogStore, head: LogHead, closing: Closing) -> bool | None:
    """Whether a stored log begins with exactly what counts of it; None while less of it is stored."""
    end = closing.log
    if head.size <= end.size:
        return None if head.size < end.size else head.root == end.root
    try:
        return (await load_frontier(store, end.origin, end.size)).root() == end.root
    except (ProofInvalid, IndexError):
        return False


def index_in(log: AskedLog, index: int) -> int:
    """The index, where the log has an entry of it that counts. Raises NotFound."""
    if log.head.size == 0:
        raise NotFound("NOT_FOUND", f"{_entries(log)}: there is nothing to prove of it{or_others(log)}.")
    if index >= log.head.size:
        raise NotFound("NOT_FOUND", f"{_entries(log)}, numbered from 0. Choose an index below that{or_others(log)}.")
    return index


def _entries(log: AskedLog) -> str:
    size = log.head.size
    if log.closing is None:
        return f"The log {log.head.origin} has {in_entries(size) if size else 'no entries yet'}"
    if size == 0:
        return f"The closed log {log.head.origin} has no entries that count"
    return f"The closed log {log.head.origin} has {in_entries(size)} that {'counts' if size == 1 else 'count'}"


def or_others(log: AskedLog) -> str:
    """How to name the other logs of the division."""
    return "".join(f", or name another log: --origin {origin}" for origin in log.others)


async def log_of_report(
    reader: LogAuditReader, store: LogStore, keys: TrustedLogs, named: Sequence[str], number: str
) -> tuple[AskedLog, int]:
    """The first of the logs `named` that holds the report where its entries count, and the index there.

    Raises NotFound, which says where else to look.
    """
    beyond = None
    for origin in named:
        found = await store.find_by_report_number(origin, number)
        if found is not None:
            log = await asked_log(reader, store, keys, (origin, *named))
            if found.index < log.head.size:
                return log, found.index
            beyond = log
    if beyond is not None and beyond.closing is not None:
        raise NotFound(
            "NO_SUCH_REPORT",
            f"{_entries(beyond)}, and the report stands beyond them, where nothing counts. Its jurisdiction logs it "
            f"again in {beyond.closing.successor} when it founds that with `huxin log found`.",
        )
    raise NotFound("NO_SUCH_REPORT", _not_held(named, number, await reader.origins()))


def _not_held(named: Sequence[str], number: str, known: Sequence[str]) -> str:
    """That these logs hold no report of that number, and which might."""
    logs = f"The log {named[0]} holds" if len(named) == 1 else f"The logs {', '.join(reversed(named))} hold"
    said = f"{logs} no report of that number."
    found = _DIVISION.match(number)
    theirs = "" if found is None else own_cosigner(origin_of(found[0]))
    if found is None or theirs == own_cosigner(named[0]):
        return f"{said} Check the number."
    if any(own_cosigner(origin) == theirs for origin in known):
        return f"{said} It is one of {found[0]}: look in the logs of that with --origin {found[0]}."
    return f"{said} It is one of {found[0]}, of which no log is stored here: ask a node that follows it."


def _too_short(stored: LogHead, closing: Closing) -> NotReady:
    return NotReady(
        "LOG_CLOSED",
        f"The closed log {stored.origin} ends after {in_entries(closing.size)}, and {stored.size} are stored here: "
        "whether these are of the history that was signed off shows once a running node has followed it up.",
    )


def damaged(log: AskedLog | None = None) -> NotReady:
    """What to say when stored hashes do not lead to the head."""
    if log is not None and log.closing is not None:
        return NotReady(
            "LOG_CLOSED",
            f"What is stored here of the closed log {log.head.origin} is not the history that was signed off, or is "
            "damaged. A running node follows the right one up by itself; if this stays, run `huxin log check`.",
        )
    return NotReady(
        "DATABASE_DAMAGED", "The stored log does not agree with itself, so it proves nothing. Run `huxin log check`."
    )
