"""Tables and JSON of `huxin recognise`: terms, what a certificate would change, who recognises whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from node.app.recognising import Proposal
from node.app.relations import Relation, RelationState
from node.cli.catalogue_tables import plain, print_flips
from node.cli.reasons import REASONS
from node.cli.session import in_china, rfc3339
from node.cli.tables import Table
from node.cli.wording import DECISIONS, words_for
from node.model.counting import counted
from node.model.verdict import Decision
from node.recognition.flips import Outcome, Prospect
from node.recognition.terms import TermChange
from trust.vocabulary import TrustCertificate

WIDEST_MATRIX = 6
"""Issuers that fit side by side on a terminal."""

_LABELS = {
    "valid_from": "Valid from",
    "valid_until": "Valid until",
    "leaves": "Leaves",
    "record_types": "Record types",
    "scenarios": "Scenarios",
    "accepted_caveats": "Caveats accepted",
    "required_suites": "Each must have signed",
    "suites": "One must have signed",
    "witness_quorum": "Witnesses",
    "max_trust_state_age": "Oldest trusted state",
    "max_log_view_age": "Oldest log view",
    "reviewed_catalogues": "Catalogues reviewed",
    "reviewed_crosswalks": "Crosswalks reviewed",
    "legal_basis": "Legal basis",
}
_ON_LINES = {"reviewed_catalogues", "reviewed_crosswalks", "legal_basis"}
_STYLES = {Decision.ACCEPT: "green", Decision.REFER: "yellow", Decision.REJECT: "red"}
_STATES = {
    RelationState.IN_FORCE: ("互认 in force until", "green"),
    RelationState.NOT_YET: ("尚未生效 not yet, from", "yellow"),
    RelationState.ENDED: ("已到期 ended", "yellow"),
    RelationState.WITHDRAWN: ("已撤回 withdrawn", "red"),
    RelationState.LAPSED: ("密钥失密，待重签 to be signed again, was signed", "red"),
}


def term_rows(terms: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Label and text of every term."""
    for term, items in terms.items():
        yield _LABELS[term], _items(term, items) or "none"


def scope_counts(certificate: TrustCertificate) -> str:
    """How wide a certificate is, in a few words."""
    scope = certificate.scope
    counts = (
        ("leaf", "leaves", scope.leaves),
        ("type", "types", scope.record_types),
        ("scenario", "scenarios", scope.scenarios),
    )
    return ", ".join(f"{len(items)} {one if len(items) == 1 else many}" for one, many, items in counts)


def print_proposal(
    console: Console, proposal: Proposal, terms: Mapping[str, tuple[str, ...]], *, cells: bool = False
) -> None:
    """What would change: terms (of a withdrawal there are none), decisions, on demand each cell, then what to mind.

    `terms` of what would be signed are shown whole where those signed last may not be ours.
    """
    if not proposal.certificate.withdrawn:
        if proposal.lapsed:
            _print_terms(console, terms)
        _print_changes(console, proposal.changes)
    if proposal.prospects:
        _print_prospects(console, proposal.prospects)
    detailed = [flip for flip in proposal.flips if flip.cells]
    if cells and detailed:
        print_flips(console, detailed, "内容变化 Cells that come out otherwise")
    for doubt in proposal.doubts:
        console.print(Text.assemble(("注意 Mind: ", "bold yellow"), (doubt, "yellow")), soft_wrap=True)


def proposal_json(proposal: Proposal, terms: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The same for machines, with every term of what would be signed."""
    certificate = proposal.certificate
    return {
        "recogniser": certificate.recogniser,
        "issuer": certificate.issuer,
        "withdrawn": certificate.withdrawn,
        "withdrawal_reason": certificate.withdrawal_reason,
        "terms": plain(terms),
        "changes": [
            {"term": each.term, "added": list(each.added), "removed": list(each.removed)} for each in proposal.changes
        ],
        "procedures": [_prospect_json(each) for each in proposal.prospects],
        "doubts": list(proposal.doubts),
    }


def print_relations(console: Console, relations: Sequence[Relation], name: Callable[[str], str]) -> None:
    """Recognisers as rows and issuers as columns, or one line for each relation when there are many issuers."""
    issuers = sorted({each.certificate.issuer for each in relations})
    if len(issuers) > WIDEST_MATRIX:
        table = Table("认可方 Recogniser", "出具方 Issuer", "状态 State", "范围 Scope")
        for each in relations:
            certificate = each.certificate
            table.add_row(
                name(certificate.recogniser), name(certificate.issuer), _state(each), scope_counts(certificate)
            )
        console.print(table)
        return
    table = Table("认可方 Recogniser")
    for issuer in issuers:
        table.add_column(Text(name(issuer)))
    by_place = {(each.certificate.recogniser, each.certificate.issuer): each for each in relations}
    for recogniser in dict.fromkeys(each.certificate.recogniser for each in relations):
        cells = (_cell(by_place.get((recogniser, issuer))) for issuer in issuers)
        table.add_row(Text(name(recogniser)), *cells)
    console.print(table)


def relation_json(relation: Relation) -> dict[str, Any]:
    """One relation, without the codes of its scope."""
    certificate = relation.certificate
    return {
        "recogniser": certificate.recogniser,
        "issuer": certificate.issuer,
        "state": relation.state.value,
        "signed_at": rfc3339(certificate.issued_at),
        "valid_from": rfc3339(certificate.valid_from),
        "valid_until": rfc3339(certificate.valid_until),
        "leaves": len(certificate.scope.leaves),
        "record_types": len(certificate.scope.record_types),
        "scenarios": len(certificate.scope.scenarios),
        "withdrawal_reason": certificate.withdrawal_reason,
        "outdated": relation.outdated,
    }


def change_words(changes: Iterable[TermChange]) -> Iterator[tuple[str, Text]]:
    """Each change as its label, and what comes and goes."""
    for change in changes:
        words = Text()
        for sign, items, style in (("−", change.removed, "red"), ("+", change.added, "green")):
            if items:
                words.append("\n" if words else "")
                words.append(f"{sign} {_items(change.term, items)}", style=style)
        yield _LABELS[change.term], words


def _print_changes(console: Console, changes: Sequence[TermChange]) -> None:
    if not changes:
        console.print("条款不变 The terms stay as they are.", markup=False)
        return
    table = Table("条款 Term", title="凭证条款 Terms that would change", title_justify="left")
    table.add_column("变化 Change")
    for label, words in change_words(changes):
        table.add_row(label, words)
    console.print(table)


def _print_terms(console: Console, terms: Mapping[str, tuple[str, ...]]) -> None:
    table = Table("条款 Term", title="逐条审读 All terms that would be signed: read each", title_justify="left")
    table.add_column("内容 Content", overflow="fold")
    for label, text in term_rows(terms):
        table.add_row(label, Text(text))
    console.print(table)


def _print_prospects(console: Console, prospects: Sequence[Prospect]) -> None:
    table = Table(
        "事项 Procedure", "现在 Now", "签署后 Then", "原因 Why", title="办理结论 Decisions", title_justify="left"
    )
    for each in prospects:
        asked = each.requirement
        table.add_row(
            Text(f"{asked.requirement_id} {asked.title_zh}"),
            _decision(each.before.decision),
            _then(each),
            Text("\n".join(words_for(REASONS, reason).both for reason in _reasons(each.after))),
        )
    console.print(table)
    flipped = sum(each.flip is not None for each in prospects)
    console.print(
        f"{flipped} of {len(prospects)} would come out otherwise on the best report it can issue today: every row of "
        "its catalogue, delivered in full, no record.",
        markup=False,
        soft_wrap=True,
    )


def _then(prospect: Prospect) -> Text:
    flip = prospect.flip
    if flip is None:
        return Text("不变 same", style="dim")
    words = _decision(flip.after)
    if flip.before is flip.after:
        words.append(f"\n{counted(len(flip.cells), 'cell')} otherwise", style="dim")
    return words


def _reasons(outcome: Outcome) -> tuple[str, ...]:
    """What a person would be told first: a report that is rejected is not looked into."""
    return outcome.reasons[:1] if outcome.decision is Decision.REJECT else outcome.reasons


def _decision(decision: Decision) -> Text:
    return Text(DECISIONS[decision].label.both, style=_STYLES[decision])


def _prospect_json(prospect: Prospect) -> dict[str, Any]:
    asked, flip = prospect.requirement, prospect.flip
    return {
        "requirement_id": asked.requirement_id,
        "title_zh": asked.title_zh,
        "before": prospect.before.decision.value,
        "after": prospect.after.decision.value,
        "reasons_before": list(prospect.before.reasons),
        "reasons_after": list(prospect.after.reasons),
        "flips": flip is not None,
        "cells": [
            {"target": cell.target, "record_type": cell.record_type, "before": cell.before, "after": cell.after}
            for cell in (flip.cells if flip else ())
        ],
    }


def _items(term: str, items: Sequence[str]) -> str:
    if term in ("valid_from", "valid_until"):
        return "".join(in_china(datetime.fromisoformat(item)) for item in items)
    return ("\n" if term in _ON_LINES else " ").join(items)


def _state(relation: Relation) -> Text:
    certificate = relation.certificate
    words, style = _STATES[relation.state]
    moment = {
        RelationState.NOT_YET: max(certificate.valid_from, certificate.issued_at),
        RelationState.WITHDRAWN: certificate.issued_at,
        RelationState.LAPSED: certificate.issued_at,
    }.get(relation.state, certificate.valid_until)
    found = Text(f"{words} {in_china(moment)[:10]}", style=style)
    if relation.outdated:
        found.append("\n目录已更新 review outdated", style="yellow")
    return found


def _cell(relation: Relation | None) -> Text:
    if relation is None:
        return Text("-", style="dim")
    words = _state(relation)
    return words.append(f"\n{scope_counts(relation.certificate)}", style="dim")
