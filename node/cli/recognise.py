"""`huxin recognise`: whose reports count here, for what, under which reservations, until when."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from node.app.jurisdictions import Jurisdictions, load_jurisdictions
from node.app.recognising import Proposal, choices_of, digest_words, propose, propose_withdrawal, sign
from node.app.relations import RelationState, outdated_review, relations, signed_for, state_of
from node.app.trusting import trusted_state
from node.cli.failures import ExitCode
from node.cli.recognition_choices import choice_options, chosen
from node.cli.recognition_view import (
    change_words,
    print_proposal,
    print_relations,
    proposal_json,
    relation_json,
    term_rows,
)
from node.cli.session import Group, Session, in_china, json_option, pass_session, rfc3339
from node.cli.tables import Table
from node.errors import InvalidInput
from node.model.counting import counted
from node.recognition.terms import term_changes, terms_of
from node.registry.directory import HeldCertificate, LapsedCertificate, TrustedState

_EXAMPLE = """\
huxin --home guizhou recognise grant 140000
huxin --home guizhou recognise grant 140000 --scenario tender --months-valid 6 --max-view-age 12h
huxin --home guizhou recognise grant 140000 --keep --yes
huxin --home guizhou recognise grant 140000 --certificate-file shanxi.toml"""

_LAPSED = (
    "It counts no more: a key that signed it was in other hands. `huxin recognise grant {} --keep` shows its terms and "
    "signs them again; whoever had the key may have written them, so read each."
)
_Signed = HeldCertificate | LapsedCertificate

_yes = click.option("--yes", is_flag=True, help="Sign without asking; for scripts, after a preview.")


@click.group("recognise", cls=Group)
def recognise() -> None:
    """Publish whose reports are recognised here, for what, until when; see first what that changes."""


@recognise.command("grant", example=_EXAMPLE)
@click.argument("division")
@choice_options
@_yes
@json_option
@pass_session
def grant(
    session: Session, /, *, division: str, certificate_file: Path | None, keep: bool, yes: bool, **given: Any
) -> None:
    """Recognise the reports of DIVISION: show what that changes, ask, and sign our trust certificate.

    It reviews the catalogue of DIVISION as known here today; sign again when that changes, or before it ends. A running
    node notices within seconds. Terms that a lost key signed are kept (--keep) by who has read them: not with --yes.
    """
    proposal = _proposed(session, division, certificate_file, given, keep=keep)
    if keep and yes and proposal.lapsed:
        raise InvalidInput(
            "--yes",
            f"The terms signed last for {division} were signed with a key that was in other hands, and whoever had it "
            "may have written them: sign without --yes, at a terminal, once each is read; or give the terms without "
            "--keep.",
        )
    held = _signed(session, proposal, yes=yes)
    if not session.as_json:
        session.say(f"{division} is recognised until {in_china(held.certificate.valid_until)}.", "green")


@recognise.command("preview", example="huxin --home guizhou recognise preview 140000 --record-type criminal_judgment")
@click.argument("division")
@choice_options
@click.option("--cells", is_flag=True, help="List every cell that would come out otherwise.")
@json_option
@pass_session
def preview(
    session: Session, /, *, division: str, certificate_file: Path | None, keep: bool, cells: bool, **given: Any
) -> None:
    """Show what granting would change, and sign nothing. Exits 1 when a decision or a cell of one would flip.

    Decisions are those of our procedures on the best report that DIVISION could issue today under its catalogue in
    force: complete, delivered in full, no record.
    """
    proposal = _proposed(session, division, certificate_file, given, keep=keep)
    _show(session, proposal, cells=cells)
    if proposal.flips:
        raise click.exceptions.Exit(ExitCode.PROBLEMS)


@recognise.command("withdraw", example='huxin --home guizhou recognise withdraw 140000 --reason "signing key stolen"')
@click.argument("division")
@click.option(
    "--reason", metavar="REASON", default="", help="Published with the withdrawal; name no person or company."
)
@_yes
@json_option
@pass_session
def withdraw(session: Session, division: str, reason: str, yes: bool) -> None:
    """End the recognition of DIVISION: show what that changes, ask, and sign the withdrawal.

    Its reports are rejected from the moment a running node has noticed, within seconds. Nothing is deleted: what was
    decided before stays explicable.
    """
    now = session.clock.now()
    proposal = propose_withdrawal(session.settings(), session.registry(), division, reason, now)
    if not session.as_json:
        ends = proposal.certificate.valid_until
        left = f"would have lasted {counted((ends - now).days, 'more day')}, until" if ends > now else "ended on"
        session.say(f"The certificate for {division} {left} {in_china(ends)}.")
    _signed(session, proposal, yes=yes)
    if not session.as_json:
        session.say(f"{division} is no longer recognised here.", "green")


@recognise.command("list", example="huxin recognise list")
@json_option
@pass_session
def list_relations(session: Session) -> None:
    """List who recognises whom: our own certificates, and those that other jurisdictions have published."""
    settings = session.settings()
    record = session.registry()
    state = trusted_state(settings, record)
    found = relations(state, load_jurisdictions(settings, record).registry, session.clock.now())
    if session.as_json:
        session.emit([relation_json(each) for each in found])
        return
    print_relations(session.out, found, partial(_name, state))
    for each in found:
        issuer = each.certificate.issuer
        if each.outdated and each.certificate.recogniser == settings.division:
            session.say(
                f"{issuer}: {each.outdated}; its new reports are REFER. Look at `huxin catalogue diff`, then run "
                f"`huxin recognise grant {issuer} --keep`.",
                "yellow",
            )
        elif each.state is RelationState.ENDED and each.certificate.recogniser == settings.division:
            session.say(f"{issuer}: it has ended; run `huxin recognise grant {issuer} --keep` to renew it.", "yellow")
        elif each.state is RelationState.LAPSED:
            session.say(f"{issuer}: {_LAPSED.format(issuer)}", "yellow")


@recognise.command("show", example="huxin recognise show 140000 --history")
@click.argument("division")
@click.option("--history", is_flag=True, help="Everything ever signed for DIVISION, each against the one before.")
@json_option
@pass_session
def show(session: Session, division: str, history: bool) -> None:
    """Show all terms of what we recognise of DIVISION, or everything that was ever signed for it."""
    settings = session.settings()
    record = session.registry()
    signed = signed_for(trusted_state(settings, record), division)
    if not signed:
        raise InvalidInput("DIVISION", f"Nothing was ever signed for {division}; see `huxin recognise list`.")
    jurisdictions = load_jurisdictions(settings, record)
    if session.as_json:
        found = [_certificate_json(session, jurisdictions, each) for each in signed]
        session.emit(found if history else found[-1])
    elif history:
        _print_history(session, jurisdictions, signed)
    else:
        _print_terms(session, jurisdictions, signed[-1])


def _proposed(
    session: Session, division: str, certificate_file: Path | None, given: dict[str, Any], *, keep: bool
) -> Proposal:
    settings = session.settings()
    record = session.registry()
    choices = chosen(partial(choices_of, settings, record, division), certificate_file, given, keep=keep)
    return propose(settings, record, division, choices, session.clock.now())


def _signed(session: Session, proposal: Proposal, *, yes: bool) -> HeldCertificate:
    """Shows a proposal, asks, and signs it. Without anybody to ask it signs with --yes only."""
    asks = sys.stdin.isatty() and not session.as_json
    if not session.as_json:
        _show(session, proposal)
    if not yes and not asks:
        raise InvalidInput(
            "--yes", "Nobody can be asked here, so nothing was signed. Look at what it changes, then add --yes."
        )
    if not yes and not click.confirm("签署 Sign this?", default=False):
        session.say("Nothing was signed.")
        raise click.exceptions.Exit(ExitCode.PROBLEMS)
    held = sign(session.settings(), session.registry(), proposal, session.clock.now())
    if session.as_json:
        session.emit({**_proposal_json(session, proposal), "digest": held.digest.hex()})
    return held


def _show(session: Session, proposal: Proposal, *, cells: bool = False) -> None:
    if session.as_json:
        session.emit(_proposal_json(session, proposal))
    else:
        print_proposal(session.out, proposal, _terms(session, proposal), cells=cells)


def _proposal_json(session: Session, proposal: Proposal) -> dict[str, Any]:
    return proposal_json(proposal, _terms(session, proposal))


def _terms(session: Session, proposal: Proposal) -> Mapping[str, tuple[str, ...]]:
    return terms_of(proposal.certificate, _names(load_jurisdictions(session.settings(), session.registry())))


def _certificate_json(session: Session, jurisdictions: Jurisdictions, held: _Signed) -> dict[str, Any]:
    certificate = held.certificate
    return {
        "issuer": certificate.issuer,
        "digest": held.digest.hex(),
        "signed_at": rfc3339(certificate.issued_at),
        "state": state_of(held, session.clock.now()).value,
        "withdrawal_reason": certificate.withdrawal_reason,
        "outdated": outdated_review(certificate, jurisdictions.registry, session.clock.now()),
        "terms": {term: list(items) for term, items in terms_of(certificate, _names(jurisdictions)).items()},
    }


def _print_terms(session: Session, jurisdictions: Jurisdictions, held: _Signed) -> None:
    certificate, now = held.certificate, session.clock.now()
    state = state_of(held, now)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("Issuer", certificate.issuer)
    table.add_row("State", state.value)
    table.add_row("Signed", in_china(certificate.issued_at))
    if certificate.withdrawal_reason:
        table.add_row("Withdrawn because", Text(certificate.withdrawal_reason))
    for label, text in term_rows(terms_of(certificate, _names(jurisdictions))):
        table.add_row(label, Text(text))
    table.add_row("Digest", held.digest.hex())
    session.out.print(table)
    if state is RelationState.LAPSED:
        session.say(_LAPSED.format(certificate.issuer), "yellow")
    outdated = outdated_review(certificate, jurisdictions.registry, now)
    if outdated and state is RelationState.IN_FORCE:
        session.say(f"Outdated: {outdated}; `huxin recognise grant {certificate.issuer} --keep` signs again.", "yellow")


def _print_history(session: Session, jurisdictions: Jurisdictions, held: Sequence[_Signed]) -> None:
    table = Table("签署 Signed", "条款 Term")
    table.add_column("变化 Change")
    before = None
    for each in held:
        certificate = each.certificate
        signed = in_china(certificate.issued_at)
        if isinstance(each, LapsedCertificate):
            table.add_row(signed, Text("密钥失密 key lost", style="red"), "counts no more")
            signed = ""
        if certificate.withdrawn:
            table.add_row(signed, Text("已撤回 withdrawn", style="red"), Text(certificate.withdrawal_reason))
        else:
            for label, words in change_words(term_changes(before, certificate, _names(jurisdictions))):
                table.add_row(signed, label, words)
                signed = ""
        table.add_section()
        before = None if certificate.withdrawn else certificate
    session.out.print(table)


def _names(jurisdictions: Jurisdictions) -> Callable[[bytes], str]:
    return partial(digest_words, jurisdictions)


def _name(state: TrustedState, division: str) -> str:
    found = state.jurisdictions.get(division)
    return division if found is None else f"{division} {found.bundle.name_zh} {found.bundle.name_en}"
