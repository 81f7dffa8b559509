"""`huxin doctor`: everything that a node needs, looked at one by one, whether it runs or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

from cryptography import x509

from node.app.expiries import certificate_expiry, expiries, in_order
from node.app.jurisdictions import load_jurisdictions
from node.app.keyring import Keyring, load_keyring, require_published
from node.app.log_health import look_at_own_log, look_at_peer_logs
from node.app.registering import registry_record
from node.app.relations import RelationState, relations
from node.app.sealing_keys import load_sealing_keys
from node.app.storing import open_database
from node.app.trusting import trusted_state
from node.app.workload_pair import PairFiles
from node.config.settings import Settings
from node.errors import HuxinError, NotReady
from node.model.calendar import in_china
from node.model.counting import counted
from node.model.expiry import Expiry
from node.readiness import Check
from node.registry.directory import TrustedState
from node.storage.errors import StorageFault
from trust.certificates import Authorities, validate_path
from trust.errors import TrustError
from trust.identities import Role, WorkloadIdentity
from trust.revocation import bundle_lists
from trust.sealing import key_to_seal_to
from trust.signing import valid_keys

_SOON = timedelta(days=30)
_LAST_SHARE = 1 / 4
"""Certificates are renewed when a third of their life is left: with less than this, nobody has."""
_RENEWAL = "run `huxin certificate renew {}`"
_CONNECT_SECONDS = 2.0


async def inspect(settings: Settings, now: datetime) -> list[Check]:
    """Every check in order; none stops the others."""
    # Opened once: a token counts every wrong PIN that it is shown.
    keyring = cache(lambda: load_keyring(settings))
    looks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("catalogue", lambda: _catalogue(settings, now)),
        ("keys", lambda: _keys(settings, keyring(), now)),
        ("certificate", lambda: _certificate(settings, now)),
        ("other certificates", lambda: _other_certificates(settings, now)),
        ("trust directory", lambda: _trust(settings)),
        ("own bundle", lambda: _own_bundle(settings, keyring(), now)),
        ("recognition", lambda: _recognition(settings, now)),
        ("database", lambda: _database(settings)),
    ]
    checks = [await _looked(name, look) for name, look in looks]
    try:
        state = await _whole_state(settings)
    except (HuxinError, TrustError, OSError):
        return checks
    if checks[-1].ok:  # else the check of the database tells
        checks.append(await _looked("own log", partial(look_at_own_log, settings, state)))
        checks.append(await _looked("peer logs", partial(look_at_peer_logs, settings, state)))
    for division, found in sorted(state.jurisdictions.items()):
        if division != settings.division and found.bundle.endpoints:
            checks.append(await _looked(f"peer {division}", partial(_reach, found.bundle.endpoints)))
    return checks


async def ends(settings: Settings, now: datetime) -> list[Expiry]:
    """What ends, soonest first: certificates that lie here, and what is trusted.

    What cannot be read is left out here: `inspect` names it and says what to do.
    """
    found: list[Expiry] = []
    node = settings.tls.certificate
    for path in {node, *node.parent.glob("*.crt")} - {settings.tls.ca}:  # that one is in the own bundle as well
        with contextlib.suppress(ValueError, OSError):
            found.append(certificate_expiry("node" if path == node else path.stem, path.read_bytes()))
    with contextlib.suppress(HuxinError, TrustError, OSError):
        record = None
        with contextlib.suppress(NotReady):
            record = await registry_record(settings)
        found += expiries(trusted_state(settings, record), {} if record is None else record.ends, now)
    return in_order(found)


async def _whole_state(settings: Settings) -> TrustedState:
    """With what the registry says; without a database that can tell, what was imported by hand is looked at alone."""
    record = None
    with contextlib.suppress(NotReady):  # the check of the database tells
        record = await registry_record(settings)
    return trusted_state(settings, record)


async def _looked(name: str, look: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name, True, await look())
    except (HuxinError, TrustError) as error:
        return Check(name, False, error.message)
    except StorageFault:
        return Check(name, False, "The database is damaged or belongs to another program; restore it from a backup.")
    except OSError:
        return Check(name, False, "A file or address cannot be reached; check the settings and the file rights.")


async def _catalogue(settings: Settings, now: datetime) -> str:
    catalogue = load_jurisdictions(settings).edition_at(now).catalogue
    rows = counted(len(catalogue.rows), "row") if catalogue.rows_known else "rows not known"
    return f"{catalogue.name_zh} {catalogue.version}, {rows}, is in force."


async def _keys(settings: Settings, keyring: Keyring, now: datetime) -> str:
    PairFiles(settings.tls.certificate, settings.tls.key).read()
    away = " ".join(f"The {key.role} key is not loaded: {key.trouble}." for key in keyring.away())
    if away:
        raise _unwell("KEY_NOT_LOADED", away)
    with contextlib.suppress(HuxinError, TrustError):  # the checks of trust tell
        valid = valid_keys(trusted_state(settings).own.trusted, now)
        able = {each.key.key_id for each in valid} & set(keyring.signing.held())
        return f"All keys are loaded; {len(able)} of them may sign statements now."
    return "All keys are loaded."


def _authorities(settings: Settings) -> Authorities:
    """The CAs in tls.ca, oldest first, and what our own bundle revokes, where that can be read."""
    try:
        cas = x509.load_pem_x509_certificates(settings.tls.ca.read_bytes())
    except ValueError:
        raise _unwell("CA_UNREADABLE", "The CA certificate is damaged; restore the file that tls.ca names.") from None
    revoked: frozenset[tuple[bytes, int]] = frozenset()
    with contextlib.suppress(HuxinError, TrustError):  # the checks of trust tell
        revoked = trusted_state(settings).own.authorities.revoked
    return Authorities(tuple(sorted(cas, key=lambda ca: ca.not_valid_before_utc)), revoked)


def _ends_soon(begin: datetime, end: datetime, now: datetime) -> bool:
    """Whether a certificate should have been renewed by now, however long it lasts."""
    return end - now < min(_SOON, (end - begin) * _LAST_SHARE)


async def _certificate(settings: Settings, now: datetime) -> str:
    own = {settings.division: _authorities(settings)}
    found = validate_path(settings.tls.certificate.read_bytes(), own, now)
    if found.identity != WorkloadIdentity(settings.division, Role.NODE, ""):
        raise _unwell(
            "NOT_A_NODE",
            "The certificate is not a node's: peers would refuse it; check which file tls.certificate names.",
        )
    if _ends_soon(found.not_before, found.not_after, now):
        raise _unwell(
            "CERTIFICATE_EXPIRING",
            f"The node's certificate ends on {in_china(found.not_after)}; {_RENEWAL.format('node')}.",
        )
    return f"The node's certificate is valid until {in_china(found.not_after)}."


async def _other_certificates(settings: Settings, now: datetime) -> str:
    """The CA's own, and those of the workloads that lie beside the node's."""
    own = _authorities(settings)
    end = own.certificates[-1].not_valid_after_utc
    if end - now < _SOON:
        raise _unwell(
            "CA_EXPIRING",
            f"The CA certificate ends on {in_china(end)}; make a new CA with `huxin certificate rotate-ca`.",
        )
    paths = sorted(settings.tls.certificate.parent.glob("*.crt"))
    others = [path for path in paths if path not in (settings.tls.certificate, settings.tls.ca)]
    for path in others:
        try:
            found = validate_path(path.read_bytes(), {settings.division: own}, now)
        except TrustError as error:
            raise _unwell(error.reason, f"{path.name}: {error.message} {_RENEWAL.format(path.stem)}.") from error
        if _ends_soon(found.not_before, found.not_after, now):
            raise _unwell(
                "CERTIFICATE_EXPIRING",
                f"{path.name} ends on {in_china(found.not_after)}; {_RENEWAL.format(path.stem)} and hand it over.",
            )
        if found.identity.division != settings.division:
            raise _unwell("FOREIGN_CERTIFICATE", f"{path.name} is another jurisdiction's; remove it from here.")
    return f"The CA and {counted(len(others), 'other certificate')} are valid, and not about to end."


async def _trust(settings: Settings) -> str:
    state = await _whole_state(settings)
    if state.problems:
        raise _unwell("TRUST_FILES", " ".join(state.problems))
    unable = [division for division, found in sorted(state.jurisdictions.items()) if found.trusted.unsupported]
    if unable:
        raise _unwell(
            "SUITE_ABSENT",
            f"Keys of a suite that cannot be checked here are published by {', '.join(unable)}, so what these sign is "
            "REFER: upgrade, or install OpenSSL 3 with SM2 and name it in keys.libcrypto.",
        )
    return f"Trusted here: {counted(len(state.jurisdictions), 'jurisdiction')}."


async def _own_bundle(settings: Settings, keyring: Keyring, now: datetime) -> str:
    own = (await _whole_state(settings)).own
    require_published(keyring, own.trusted, now)
    if any(each.next_update < now for each in bundle_lists(own.bundle)):
        raise _unwell(
            "REVOCATION_LIST_ENDED",
            "Our list of revoked certificates is out of date; run `huxin certificate sign-revocations`, then export.",
        )
    keys = load_sealing_keys(settings, lambda: own.bundle.sealing_keys)
    for trouble in keys.troubles.values():
        raise _unwell("KEY_NOT_LOADED", f"A sealing key is not loaded: {trouble}.")
    keys.keep(b"", b"doctor")
    if not keys.holds(key_to_seal_to(own.bundle.sealing_keys, now).key_id):
        raise _unwell(
            "KEY_NOT_LOADED",
            "Peers seal messages to a key of ours that is not here; restore its file, or run "
            "`huxin key rotate --sealing`.",
        )
    return "Our own bundle names the keys that this node signs with, and the one that opens messages to it."


async def _recognition(settings: Settings, now: datetime) -> str:
    record = None
    with contextlib.suppress(NotReady):
        record = await registry_record(settings)
    found = relations(trusted_state(settings, record), load_jurisdictions(settings, record).registry, now)
    own = [each for each in found if each.certificate.recogniser == settings.division]
    ended = [each.certificate.issuer for each in own if each.state is RelationState.ENDED]
    if ended:
        raise _unwell(
            "RECOGNITION_ENDED",
            f"The trust certificates for {', '.join(ended)} have ended; sign each with `huxin recognise grant DIVISION "
            "--keep`.",
        )
    lapsed = [each.certificate.issuer for each in own if each.state is RelationState.LAPSED]
    if lapsed:
        raise _unwell(
            "RECOGNITION_LAPSED",
            f"The trust certificates for {', '.join(lapsed)} count no more, for a key that signed them was in other "
            "hands, and whoever had it may have written their terms. Read each term (`huxin recognise show DIVISION`), "
            "then sign again with `huxin recognise grant DIVISION --keep`.",
        )
    outdated = [each for each in own if each.outdated]
    if outdated:
        raise _unwell(
            "REVIEW_OUTDATED",
            " ".join(
                f"{each.certificate.issuer}: {each.outdated}; its new reports are REFER until you look at `huxin "
                f"catalogue diff` and sign `huxin recognise grant {each.certificate.issuer} --keep`."
                for each in outdated
            ),
        )
    return f"Recognised here: {counted(sum(each.state is RelationState.IN_FORCE for each in own), 'issuer')}."


async def _database(settings: Settings) -> str:
    async with open_database(settings) as database:
        await database.check_writable()
        return f"The {database.dialect} database takes writes and its schema is up to date."


async def _reach(endpoints: Sequence[str]) -> str:
    """The first endpoint that answers, in the order in which the peer published them."""
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        with contextlib.suppress(OSError, TimeoutError, ValueError, OverflowError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                writer.close()
            return f"Something listens at {endpoint}."
    raise _unwell(
        "PEER_UNREACHABLE",
        f"Nothing answers at {' or '.join(endpoints)}; its reports verify from our view of its log meanwhile.",
    )


def _unwell(reason: str, sentence: str) -> HuxinError:
    return HuxinError(reason, sentence)
