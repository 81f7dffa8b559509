"""Calls that a certificate did not open, one line each: who tries what, and why not. Operators watch these (R179).

A caller that is refused once is often refused a thousand times: the same (certificate, method, reason) is told once a
minute, with how many it stood for, and memory is bounded. What a refused certificate says of itself nobody has vouched
for, so it is logged as `claimed`, and only in the one spelling that a SPIFFE ID has. No line holds personal data:
machines have certificates, persons do not.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import structlog

from trust.certificates import PARSE_ERRORS, claimed_identity, load_certificate
from trust.errors import CertificateRejected

_log = structlog.get_logger(__name__)

QUIET_SECONDS = 60.0
_REMEMBERED = 1_024


class RefusalLog:
    """Tells refusals. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[tuple[bytes, str, str], tuple[float, int]] = {}
        """When each was last told, and how often it has happened since."""

    def tell(self, method: str, reason: str, leaf: bytes, peer: str) -> None:
        """One refused call. `leaf`: the certificate presented (PEM), empty when there was none; `peer`: its address."""
        now = self._clock()
        about = (sha256(leaf).digest(), method, reason)
        last, since = self._told.get(about, (None, 0))
        if last is not None and now - last < QUIET_SECONDS:
            self._told[about] = (last, since + 1)
            return
        self._told.pop(about, None)
        if len(self._told) >= _REMEMBERED:
            self._told.pop(next(iter(self._told)))  # told the longest ago
        self._told[about] = (now, 0)
        _log.warning("call_refused", method=method, reason=reason, peer=peer, unlogged_before=since, **_said_by(leaf))


def _said_by(leaf: bytes) -> dict[str, str]:
    """What a certificate says of itself. Whatever cannot be read is left out."""
    said: dict[str, str] = {}
    try:
        certificate = load_certificate(leaf)
        said["serial"] = f"{certificate.serial_number:x}"
        said["claimed"] = claimed_identity(certificate).spiffe_id
    except (CertificateRejected, *PARSE_ERRORS):
        pass
    return said
