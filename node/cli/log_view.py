"""How `huxin log` shows heads, entries, proofs and differences: tables for people, JSON for other verifiers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import rich.table
from rich.text import Text

from node.app.log_changes import DiscardedPage
from node.app.proving import HeadView, LogPage, ProvenEntry, ProvenGrowth
from node.app.trusted_logs import Closing
from node.cli.session import in_china, rfc3339
from node.cli.tables import Table, in_groups
from node.cli.wording import FLAGS, LOG_PARTS, words_for
from node.model.counting import in_entries
from node.model.log_audit import AuditProgress, Difference, StoredEntry, ToldChange

UNSIGNED = (
    "No accepted signature of exactly this tree is stored here: the proof leads to a root that somebody else must "
    "vouch for. `huxin log show` says how the head stands."
)
ADVICE = (
    "The stored log differs from what its entries and keys say. Stop issuing from this database, keep a copy, and "
    "restore it from a backup; a replica can be fetched from its issuer again."
)


def heads_table(heads: Iterable[HeadView]) -> Table:
    """One row per log: how long it is, its root, who signed when."""
    table = Table("Log", "Entries", "Root", "Fresh at", "Signed")
    for head in heads:
        fresh = "never" if head.fresh_at is None else in_china(head.fresh_at)
        marks = ["this node"] * head.own + ["closed"] * (head.closing is not None)
        name = head.origin + (f" ({', '.join(marks)})" if marks else "")
        table.add_row(Text(name), Text(str(head.size)), Text(_hashed(head.root)), Text(fresh), _signed(head))
    return table


def entries_table(page: LogPage) -> Table:
    """The entries of one log, oldest first. They name reports and nobody."""
    table = Table("Index", "Says", "Report number", "Digest", title=page.head.origin, title_justify="left")
    for entry in page.entries:
        table.add_row(*_entry_cells(entry, page.changes.get(entry.index)))
    return table


def discarded_table(page: DiscardedPage) -> Table:
    """What was cut off a closed log, oldest first, and where it stands now."""
    title = f"{page.origin}: 已放弃 given up"
    table = Table("Index", "Says", "Report number", "Digest", "Logged again", title=title, title_justify="left")
    for each in page.entries:
        again = "no" if each.stands_in is None else f"{each.stands_in[0]}, {each.stands_in[1]}"
        cells = _entry_cells(each.entry, page.changes.get(each.entry.index))
        table.add_row(*cells, Text(again, style="yellow" if each.stands_in is None else ""))
    return table


def discarded_told(page: DiscardedPage) -> str:
    """What to do about it."""
    if not page.origin:
        return "没有已放弃的条目。 Nothing was cut off a log here."
    if not page.entries:
        return "No entries there: choose a smaller --start."
    return (
        "What is not logged again is lost to the log that goes on: the issuer sets or clears such flags again "
        "(`huxin report status`), and issues such reports anew. Others: --start INDEX --limit N."
    )


def closed_told(heads: Sequence[HeadView]) -> Iterator[str]:
    """For each closed log how much of it counts, which one goes on, and what is still to be done for that."""
    stored = {head.origin for head in heads}
    for head in heads:
        if head.closing is None:
            continue
        size, successor = head.closing.size, head.closing.successor
        if head.leads_to_end is False:
            counts = "what is stored here is not the history that counts; a running node follows that one up"
        elif size == 0:
            counts = "none of its entries counts"
        elif head.size == size:
            counts = "all its entries count"
        elif head.size > size:
            counts = f"of its {head.size} entries those below index {size} count"
        else:
            counts = (
                f"its entries below index {size} count; {head.size} are stored here, and whether these are of that "
                "history shows once a running node has followed it up"
            )
        yield f"{head.origin} is closed: {counts}. {successor} goes on; --origin {head.origin} shows this one."
        if successor not in stored:
            yield f"{successor} is not here yet: " + (
                "found it with `huxin log found`." if head.own else "it is followed once its jurisdiction founds it."
            )


def entries_told(page: LogPage) -> str:
    """Which entries these are, and how to see others."""
    if not page.entries:
        return f"No entries there; {page.head.origin} has {page.head.size}."
    first, last = page.entries[0].index, page.entries[-1].index
    rest = "" if last - first + 1 >= page.head.size else " Others: --start INDEX --limit N."
    return f"Entries {first} to {last} of {page.head.size}.{rest}"


def shown_json(heads: Iterable[HeadView], page: LogPage | None) -> dict[str, Any]:
    """Heads and entries. Hashes in hex, the note as text."""
    return {
        "heads": [
            {
                "origin": head.origin,
                "own": head.own,
                "size": head.size,
                "root": head.root.hex(),
                "fresh_at": rfc3339(head.fresh_at),
                "checkpoint": head.checkpoint,
                "accepted": not head.trouble,
                "trouble": head.trouble,
                "signed_size": head.signed_size,
                "cosigners": {name: rfc3339(at) for name, at in head.cosigners.items()},
                **_closing_json(head.closing),
                "leads_to_end": head.leads_to_end,
            }
            for head in heads
        ],
        "origin": None if page is None else page.head.origin,
        "entries": []
        if page is None
        else [_entry_json(entry, page.changes.get(entry.index)) for entry in page.entries],
    }


def discarded_json(page: DiscardedPage) -> dict[str, Any]:
    """The same entries; `stands_in` is null where one was not logged again."""
    return {
        "origin": page.origin or None,
        "discarded": [
            {
                **_entry_json(each.entry, page.changes.get(each.entry.index)),
                "stands_in": None
                if each.stands_in is None
                else {"origin": each.stands_in[0], "index": each.stands_in[1]},
            }
            for each in page.entries
        ],
    }


def inclusion_json(proof: ProvenEntry) -> dict[str, Any]:
    """Everything that a verifier of RFC 9162 section 2.1.3.2 needs. Hashes in hex, the entry's bytes in base64."""
    return {
        "kind": "inclusion",
        "origin": proof.origin,
        "hash_algorithm": "sha256",
        "leaf_index": proof.index,
        "tree_size": proof.size,
        "root_hash": proof.root.hex(),
        "leaf_hash": proof.leaf_hash.hex(),
        "inclusion_path": [value.hex() for value in proof.hashes],
        "entry": b64encode(proof.entry).decode(),
        "checkpoint": proof.checkpoint,
        **_closing_json(proof.closing),
    }


def growth_json(proof: ProvenGrowth) -> dict[str, Any]:
    """Everything that a verifier of RFC 9162 section 2.1.4.2 needs. Hashes in hex."""
    return {
        "kind": "consistency",
        "origin": proof.origin,
        "hash_algorithm": "sha256",
        "tree_size_1": proof.old_size,
        "root_hash_1": proof.old_root.hex(),
        "tree_size_2": proof.new_size,
        "root_hash_2": proof.new_root.hex(),
        "consistency_path": [value.hex() for value in proof.hashes],
        "checkpoint": proof.checkpoint,
        **_closing_json(proof.closing),
    }


def inclusion_facts(proof: ProvenEntry) -> Sequence[tuple[str, str]]:
    """The same for people."""
    return (
        ("Log", _named(proof.origin, proof.closing)),
        ("Entry", f"{proof.index}, of {proof.size}"),
        ("Leaf hash", _hashed(proof.leaf_hash)),
        ("Root", _hashed(proof.root)),
        ("Path", "\n".join(map(_hashed, proof.hashes)) or "none: it is the only entry"),
    )


def growth_facts(proof: ProvenGrowth) -> Sequence[tuple[str, str]]:
    """The same for people."""
    return (
        ("Log", _named(proof.origin, proof.closing)),
        ("Old head", f"{in_entries(proof.old_size)}, {_hashed(proof.old_root)}"),
        ("New head", f"{in_entries(proof.new_size)}, {_hashed(proof.new_root)}"),
        ("Path", "\n".join(map(_hashed, proof.hashes)) or "none: the sizes are equal"),
    )


def facts_table(facts: Iterable[tuple[str, str]]) -> rich.table.Table:
    """Name and value, line by line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in facts:
        table.add_row(name, Text(value))
    return table


def told(difference: Difference) -> str:
    """One difference as a line: which log, where, what."""
    place = "" if difference.index is None else f" {difference.index}"
    level = "" if difference.level is None else f" (level {difference.level})"
    part = words_for(LOG_PARTS, difference.part).both
    return f"{difference.origin}: {part}{place}{level}: {difference.sentence}"


def checked_json(logs: Iterable[AuditProgress], told: Iterable[Difference], count: int) -> dict[str, Any]:
    """What was looked at, and what differs. `count` is the number of all differences, told or not."""
    return {
        "logs": [{"origin": each.origin, "size": each.size, "checked": each.checked} for each in logs],
        "count": count,
        "differences": [
            {
                "origin": each.origin,
                "part": each.part.value,
                "index": each.index,
                "level": each.level,
                "sentence": each.sentence,
            }
            for each in told
        ],
    }


def _named(origin: str, closing: Closing | None) -> str:
    return (
        origin
        if closing is None
        else f"{origin}, closed: entries below index {closing.size} count; {closing.successor} goes on"
    )


def _closing_json(closing: Closing | None) -> dict[str, Any]:
    """Both null for a log that goes on."""
    if closing is None:
        return {"closed_size": None, "successor": None}
    return {"closed_size": closing.size, "successor": closing.successor}


def _entry_cells(entry: StoredEntry, told: ToldChange | None) -> tuple[Text, ...]:
    """Index, what it says, the report that it is or speaks of, digest."""
    says, number = entry.kind, entry.report_number
    if told is not None:
        since = "" if told.status.effective_at is None else f" since {in_china(told.status.effective_at)}"
        flag = words_for(FLAGS, told.status.flag.upper()).both
        says += f"\n{flag}: {'设置 set' if told.status.is_set else '解除 cleared'}{since}"
        number = told.report_number or f"not here: attestation {_hashed(told.status.attestation_digest)}"
    return Text(str(entry.index)), Text(says), Text(number), Text(_hashed(entry.digest))


def _entry_json(entry: StoredEntry, told: ToldChange | None) -> dict[str, Any]:
    """`change` is null but for status changes; its `report_number` is "" where no log here holds the report."""
    status = None if told is None else told.status
    return {
        "index": entry.index,
        "kind": entry.kind,
        "report_number": entry.report_number,
        "digest": entry.digest.hex(),
        "leaf_hash": entry.leaf_hash.hex(),
        "change": None
        if told is None or status is None
        else {
            "flag": status.flag,
            "set": status.is_set,
            "effective_at": None if status.effective_at is None else rfc3339(status.effective_at),
            "attestation_digest": status.attestation_digest.hex(),
            "report_number": told.report_number,
        },
    }


def _signed(head: HeadView) -> Text:
    if head.trouble:
        return Text("NOT ACCEPTED", style="bold red")
    signers = ", ".join(sorted(head.cosigners)) or "nobody"
    size = head.signed_size
    behind = "" if size in (None, head.size) else f" for {in_entries(size)}: catching up;"
    return Text(f"yes;{behind} cosigned by {signers}", style="yellow" if behind else "green")


def _hashed(value: bytes) -> str:
    return in_groups(value.hex())
