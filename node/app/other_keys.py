"""Keys of this jurisdiction that sign no statements: what ends each, and what whoever has it can do.

They end in other ways than a signing key does (`node.app.key_life`), each by those who name it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from node.app.registering import online_of, publisher_of
from node.config.settings import Settings
from node.registry.directory import TrustedJurisdiction
from trust.algorithms import key_id_of
from trust.errors import TrustError
from trust.log.checkpoint import own_cosigner

_SUCCESSOR = (
    "A successor log brings the next one: make it with `huxin trust key new root`, then `huxin log close` names it "
    "(`--log-key`, `--cosigner-key`) and the holders of the root keys sign that off (ops/README.md, HuxinSplitView)."
)
_ADVICE = {
    "log": "It signs the heads of our log, and `huxin key` does not end it. Whoever has it can show peers another log, "
    f"and issue no report: look whether `huxin evidence` shows one. {_SUCCESSOR}",
    "cosigner": "It cosigns logs with the time, and `huxin key` does not end it. Whoever has it can vouch for logs in "
    f"our name, and issue no report. {_SUCCESSOR}",
    "sealing": "It opens messages, and `huxin key` does not end it. Whoever has it can read what was sealed to it, and "
    "sign nothing: `huxin key rotate --sealing` makes the next one, which peers take when they know it.",
    "closed": "It was a key of our log until a successor log took its place: nothing is left to be done.",
    "registry": "It publishes in the trust registry, and `huxin key` does not end it. Whoever has it can hold back "
    "what we publish, and sign no report: make another (`huxin trust key new registry`) and have the holders of the "
    "root keys delegate it (`huxin trust delegate`, docs/ceremony.md).",
    "online": "It is the coordinator's, and `huxin key` does not end it. Whoever has it can hold back and pick among "
    "what others have signed: make another (`huxin trust key new snapshot`, or `timestamp`) and have the holders of "
    "the root keys name it (`huxin trust root rotate`, docs/ceremony.md).",
}


def advice_on(settings: Settings, own: TrustedJurisdiction, wanted: str) -> str | None:
    """What to do about a key of ours whose id begins so, in sentences; None when it names none, or several."""
    found = {role for role, key_id in _known(settings, own) if key_id.startswith(wanted)}
    return _ADVICE[found.pop()] if len(found) == 1 else None


def _known(settings: Settings, own: TrustedJurisdiction) -> Iterator[tuple[str, str]]:
    """Role and id of each; those of the trust registry where their private halves are here."""
    trusted = own.trusted
    yield "log", trusted.head_key.key_id
    yield "cosigner", trusted.cosigners[own_cosigner(trusted.origin)].key_id
    present = {trusted.head_key.key_id, trusted.cosigners[own_cosigner(trusted.origin)].key_id}
    for key_id in {key.key_id for closed in trusted.closed for key in (closed.head_key, closed.cosigner)} - present:
        yield "closed", key_id
    for info in own.bundle.sealing_keys:
        yield "sealing", key_id_of(info.spki)
    with suppress(TrustError):  # what cannot be opened has no id here
        publisher = publisher_of(settings)
        if publisher is not None:
            yield "registry", publisher.public_key.keyid
    with suppress(TrustError):
        online = online_of(settings)
        if online is not None:
            yield "online", online.snapshot.public_key.keyid
            yield "online", online.timestamp.public_key.keyid
