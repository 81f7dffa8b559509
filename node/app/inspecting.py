"""`huxin doctor`: everything that a node needs, looked at one by one, whether it runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from cryptography import x509

from node.app.jurisdictions import load_jurisdictions
from node.app.keyring import load_keyring
from node.app.storing import open_database
from node.app.trusting import trusted_state
from node.config.settings import Settings
from node.errors import HuxinError
from node.readiness import Check
from trust.certificates import validate_path
from trust.errors import TrustError

_SOON = timedelta(days=30)
_CONNECT_SECONDS = 2.0


async def inspect(settings: Settings, now: datetime) -> list[Check]:
    """Every check in order; none stops the others."""
    looks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("catalogue", lambda: _catalogue(settings, now)),
        ("keys", lambda: _keys(settings)),
        ("certificate", lambda: _certificate(settings, now)),
        ("trust directory", lambda: _trust(settings)),
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
            checks.append(await _looked(f"peer {division}", partial(_reach, found.bundle.endpoints[0])))
    return checks


async def _looked(name: str, look: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name, True, await look())
    except (HuxinError, TrustError) as error:
        return Check(name, False, error.message)
    except OSError:
        return Check(name, False, "A file or address cannot be reached; check the settings and the file rights.")


async def _catalogue(settings: Settings, now: datetime) -> str:
    catalogue = load_jurisdictions(settings).edition_at(now).catalogue
    rows = f"{len(catalogue.rows)} rows" if catalogue.rows_known else "rows not known"
    return f"{catalogue.name_zh} {catalogue.version}, {rows}, is in force."


async def _keys(settings: Settings) -> str:
    keyring = load_keyring(settings)
    return f"All keys are loaded; statements are signed with {keyring.signing.suite.value}."


async def _certificate(settings: Settings, now: datetime) -> str:
    ca = x509.load_pem_x509_certificate(settings.tls.ca.read_bytes())
    found = validate_path(settings.tls.certificate.read_bytes(), {settings.division: [ca]}, now)
    if found.not_after - now < _SOON:
        raise _unwell(
            "CERTIFICATE_EXPIRING", f"The node's certificate ends on {found.not_after:%Y-%m-%d}; issue a new one."
        )
    return f"The node's certificate is valid until {found.not_after:%Y-%m-%d}."


async def _trust(settings: Settings) -> str:
    state = trusted_state(settings)
    if state.problems:
        raise _unwell("TRUST_FILES", " ".join(state.problems))
    return f"{len(state.jurisdictions)} jurisdiction(s) are trusted."


async def _recognition(settings: Settings, now: datetime) -> str:
    held = trusted_state(settings).certificates
    ended = sorted(issuer for issuer, found in held.items() if found.certificate.valid_until <= now)
    if ended:
        raise _unwell("RECOGNITION_ENDED", f"The trust certificates for {', '.join(ended)} have ended; sign new ones.")
    return f"{len(held)} issuer(s) are recognised."


async def _database(settings: Settings) -> str:
    async with open_database(settings) as database:
        await database.check_writable()
        return f"The {database.dialect} database takes writes and its schema is up to date."


async def _reach(endpoint: str) -> str:
    host, _, port = endpoint.rpartition(":")
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
    except (OSError, TimeoutError):
        raise _unwell(
            "PEER_UNREACHABLE", f"Nothing answers at {endpoint}; its reports verify from our view of its log meanwhile."
        ) from None
    return f"Something listens at {endpoint}."


def _unwell(reason: str, sentence: str) -> HuxinError:
    return HuxinError(reason, sentence)
