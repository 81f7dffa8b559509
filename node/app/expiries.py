"""When what this node relies on ends: certificates, recognitions, own keys, registry metadata, revocation lists."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from cryptography import x509

from node.model.expiry import Expiry, ExpiryKind
from node.registry.directory import TrustedState
from trust.algorithms import key_id_of
from trust.vocabulary import SigningKeyInfo

SHORT_KEY_ID_CHARS = 16
"""Of an own key's id: enough to tell own keys apart."""

_Held = tuple[object, Expiry, bool]
"""What replaces what, the expiry, and whether the thing still counts."""


def certificate_expiry(name: str, pem: bytes) -> Expiry:
    """The end of the first certificate in a PEM file. Raises ValueError when there is none."""
    return Expiry(ExpiryKind.CERTIFICATE, name, x509.load_pem_x509_certificate(pem).not_valid_after_utc)


def expiries(state: TrustedState, metadata: Mapping[str, datetime], now: datetime) -> list[Expiry]:
    """Everything that ends among what is trusted, soonest first. `metadata`: end of registry metadata by role.

    What has ended is told as long as nothing replaces it: then it is missing, and somebody must act.
    """
    found = [
        *_unreplaced(_authorities(state, now)),
        *_unreplaced(_revocation_lists(state, now)),
        *_own_keys(state, now),
        *_recognitions(state, now),
        *(Expiry(ExpiryKind.METADATA, role, ends) for role, ends in metadata.items()),
    ]
    return in_order(found)


def in_order(found: Iterable[Expiry]) -> list[Expiry]:
    """Soonest first."""
    return sorted(found, key=lambda each: (each.ends, each.kind, each.name))


def advice(expiry: Expiry, own_division: str) -> str:
    """What to do before the day comes, a sentence."""
    of = expiry.name.removeprefix("ca/").partition("/")[0]
    if expiry.kind is ExpiryKind.TRUST_CERTIFICATE:
        return f"Decide anew, then sign again with `huxin recognise grant {of}`."
    if expiry.kind is ExpiryKind.SIGNING_KEY:
        return "Its successor must be published before this day: see `huxin key list`, then `huxin key rotate`."
    if expiry.kind is ExpiryKind.METADATA:
        return _about_metadata(expiry.name, own_division)
    if of != own_division and (expiry.kind is ExpiryKind.REVOCATION_LIST or expiry.name.startswith("ca/")):
        return f"Ask {of} for its next bundle: it publishes it, or hands it over for `huxin trust import`."
    command = "sign-revocations"
    if expiry.kind is ExpiryKind.CERTIFICATE:
        command = "rotate-ca" if expiry.name.startswith("ca/") else f"renew {expiry.name}"
    return f"Run `huxin certificate {command}`, where the CA key is; peers learn of it by publication."


def _about_metadata(role: str, own_division: str) -> str:
    if role in ("root", "targets"):
        return "The holders of the root keys sign the next one (docs/ceremony.md)."
    if role == own_division:
        return "Publish again: `huxin trust publish`; a running node with the registry key does so by itself."
    return "It is signed anew by machines: ask the coordinator, or that jurisdiction, what keeps it from it."


def _unreplaced(held: Iterable[_Held]) -> Iterator[Expiry]:
    """Without what has ended beside another of its group that goes on: history, such as a CA after its rotation."""
    everything = list(held)
    replaced = {group for group, _, counts in everything if counts}
    yield from (expiry for group, expiry, counts in everything if counts or group not in replaced)


def _authorities(state: TrustedState, now: datetime) -> Iterator[_Held]:
    for division, jurisdiction in state.jurisdictions.items():
        for place, der in enumerate(jurisdiction.bundle.ca_certificates, 1):
            ends = x509.load_der_x509_certificate(der).not_valid_after_utc
            yield division, Expiry(ExpiryKind.CERTIFICATE, _placed(f"ca/{division}", place), ends), now <= ends


def _revocation_lists(state: TrustedState, now: datetime) -> Iterator[_Held]:
    for division, jurisdiction in state.jurisdictions.items():
        for place, der in enumerate(jurisdiction.bundle.revocation_lists, 1):
            # One that cannot be read revokes nothing and ends never: whoever uses it judges that, not this list.
            with contextlib.suppress(ValueError):
                found = x509.load_der_x509_crl(der)
                if (ends := found.next_update_utc) is not None:
                    expiry = Expiry(ExpiryKind.REVOCATION_LIST, _placed(division, place), ends)
                    yield (division, _issuing_key(found)), expiry, now <= ends


def _issuing_key(found: x509.CertificateRevocationList) -> object:
    """Which CA signed a list: by its key, for CAs that follow one another may bear one name."""
    try:
        return found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return found.issuer


def _own_keys(state: TrustedState, now: datetime) -> Iterator[Expiry]:
    """Own signing keys whose end is published; those that have ended only while no other counts."""
    keys = state.own.bundle.signing_keys
    goes_on = any(_counts(info, now) for info in keys)
    for info in keys:
        ends = _end(info)
        if ends is not None and (now < ends or not goes_on):
            yield Expiry(ExpiryKind.SIGNING_KEY, key_id_of(info.spki)[:SHORT_KEY_ID_CHARS], ends)


def _counts(info: SigningKeyInfo, now: datetime) -> bool:
    ends = _end(info)
    return info.valid_from <= now and (ends is None or now < ends)


def _end(info: SigningKeyInfo) -> datetime | None:
    return min((at for at in (info.retired_at, info.compromised_at) if at is not None), default=None)


def _recognitions(state: TrustedState, now: datetime) -> Iterator[Expiry]:
    """Our certificate in force for each issuer, also one that has ended and that nobody has withdrawn or renewed."""
    for issuer in state.certificates:
        if (held := state.recognition(issuer, now)) is not None:
            yield Expiry(ExpiryKind.TRUST_CERTIFICATE, issuer, held.certificate.valid_until)


def _placed(name: str, place: int) -> str:
    return name if place == 1 else f"{name}/{place}"
