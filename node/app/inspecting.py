"""`huxin doctor`: everything that a node needs, looked at one by one, whether it runs or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

from cryptography import x509

from node.app.jurisdictions import load_jurisdictions
from node.app.keyring import Keyring, load_keyring, require_published
from node.app.storing import open_database
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import HuxinError
from node.readiness import Check
from node.storage.errors import StorageFault
from trust.certificates import validate_path
from trust.errors import TrustError
from trust.identities import Role, WorkloadIdentity

_SOON = timedelta(days=30)
_RENEWAL = "move its key and certificate away and run `huxin certificate issue {}`"
_CONNECT_SECONDS = 2.0


async def inspect(settings: Settings, now: datetime) -> list[Check]:
    """Every check in order; none stops the others."""
    # Opened once: a token counts every wrong PIN that it is shown.
    keyring = cache(lambda: load_keyring(settings))
    looks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("catalogue", lambda: _catalogue(settings, now)),
        ("keys", lambda: _keys(keyring())),
        ("certificate", lambda: _certificate(settings, now)),
        ("other certificates", lambda: _other_certificates(settings, now)),
        ("trust directory", lambda: _trust(settings)),
        ("own bundle", lambda: _own_bundle(settings, keyring(), now)),
        ("recognition", lambda: _recognition(settings, now)),
        ("database", lambda: _database(settings)),
    ]
    checks = [await _looked(name, look) for name, look in looks]
    try:
        peers = trusted_state(settings).jurisdictions
    except (HuxinError, TrustError, OSError):
        return checks
    for division, found in sorted(peers.items()):
        if division != settings.division and found.bundle.endpoints:
            checks.append(await _looked(f"peer {division}", partial(_reach, found.bundle.endpoints)))
    return checks


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
    rows = f"{len(catalogue.rows)} rows" if catalogue.rows_known else "rows not known"
    return f"{catalogue.name_zh} {catalogue.version}, {rows}, is in force."


async def _keys(keyring: Keyring) -> str:
    away = " ".join(f"The {key.role} key is not loaded: {key.trouble}." for key in keyring.away())
    if away:
        raise _unwell("KEY_NOT_LOADED", away)
    return f"All keys are loaded; {len(keyring.signing.held())} of them can sign statements."


def _ca(settings: Settings) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(settings.tls.ca.read_bytes())
    except ValueError:
        raise _unwell("CA_UNREADABLE", "The CA certificate is damaged; restore the file that tls.ca names.") from None


async def _certificate(settings: Settings, now: datetime) -> str:
    ca = _ca(settings)
    found = validate_path(settings.tls.certificate.read_bytes(), {settings.division: [ca]}, now)
    if found.identity != WorkloadIdentity(settings.division, Role.NODE, ""):
        raise _unwell(
            "NOT_A_NODE",
            "The certificate is not a node's: peers would refuse it; check which file tls.certificate names.",
        )
    if found.not_after - now < _SOON:
        raise _unwell(
            "CERTIFICATE_EXPIRING",
            f"The node's certificate ends on {found.not_after:%Y-%m-%d}; {_RENEWAL.format('node')}, and restart.",
        )
    return f"The node's certificate is valid until {found.not_after:%Y-%m-%d}."


async def _other_certificates(settings: Settings, now: datetime) -> str:
    """The CA's own, and those of the workloads that lie beside the node's."""
    ca = _ca(settings)
    if ca.not_valid_after_utc - now < _SOON:
        raise _unwell(
            "CA_EXPIRING", f"The CA certificate ends on {ca.not_valid_after_utc:%Y-%m-%d}; found a new CA soon."
        )
    paths = sorted(settings.tls.certificate.parent.glob("*.crt"))
    others = [path for path in paths if path not in (settings.tls.certificate, settings.tls.ca)]
    for path in others:
        try:
            found = validate_path(path.read_bytes(), {settings.division: [ca]}, now + _SOON)
        except TrustError as error:
            raise _unwell(
                error.reason, f"{path.name}, 30 days from now: {error.message} {_RENEWAL.format('ROLE')}."
            ) from error
        if found.identity.division != settings.division:
            raise _unwell("FOREIGN_CERTIFICATE", f"{path.name} is another jurisdiction's; remove it from here.")
    return f"{len(others)} other certificate(s) and the CA are valid for 30 days and more."


async def _trust(settings: Settings) -> str:
    state = trusted_state(settings)
    if state.problems:
        raise _unwell("TRUST_FILES", " ".join(state.problems))
    return f"{len(state.jurisdictions)} jurisdiction(s) are trusted."


async def _own_bundle(settings: Settings, keyring: Keyring, now: datetime) -> str:
    require_published(keyring, trusted_state(settings).own.trusted, now)
    return "Our own bundle names the keys that this node signs with."


async def _recognition(settings: Settings, now: datetime) -> str:
    state = trusted_state(settings)
    held = {issuer: found for issuer in state.certificates if (found := state.recognition(issuer, now)) is not None}
    ended = sorted(issuer for issuer, found in held.items() if found.certificate.valid_until <= now)
    if ended:
        raise _unwell("RECOGNITION_ENDED", f"The trust certificates for {', '.join(ended)} have ended; sign new ones.")
    return f"{len(held)} issuer(s) are recognised."


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
