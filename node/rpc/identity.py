"""The authenticator says who holds the certificate of a call.

TLS accepts any certificate under any known root, so a handshake proves possession of a key and no more. The path of
every call is validated against the CA of the leaf's own trust domain. The result for one certificate is remembered
while the trusted state stays the same version; the times of validity are judged anew at each call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from node.errors import NotAuthenticated
from node.rpc.caller import Caller

_REMEMBERED = 4_096


@dataclass(frozen=True, slots=True)
class Credential:
    """A validated certificate: whom it names, and when it holds (both ends inclusive, RFC 5280, UTC)."""

    caller: Caller
    not_before: datetime
    not_after: datetime


class Authenticator:
    """Says who a PEM certificate names, or raises NotAuthenticated. Only accepted certificates are remembered.

    `validate` judges one certificate at an instant against the present trusted state and raises NotAuthenticated;
    `trust_version` changes whenever a CA is added, replaced or removed; `now` is the clock.
    """

    def __init__(
        self,
        validate: Callable[[bytes, datetime], Credential],
        trust_version: Callable[[], int],
        now: Callable[[], datetime],
    ) -> None:
        self._validate = validate
        self._trust_version = trust_version
        self._now = now
        self._known: dict[bytes, Credential] = {}
        self._version = trust_version()

    def __call__(self, leaf: bytes) -> Caller:
        """Who presents `leaf` (PEM), now."""
        version = self._trust_version()
        if version != self._version:
            self._known, self._version = {}, version
        now = self._now()
        credential = self._known.get(leaf)
        if credential is None:
            credential = self._validate(leaf, now)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[leaf] = credential
        if not credential.not_before <= now <= credential.not_after:
            self._known.pop(leaf, None)
            raise NotAuthenticated(
                "CERTIFICATE_EXPIRED", "The certificate of this call is not valid at this time; renew it and reconnect."
            )
        return credential.caller
