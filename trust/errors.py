"""Errors of the trust kernel. Each is a failed check: nothing here answers with a boolean.

TrustError
├── MalformedInput        bytes or text that cannot be read as what they claim to be          MALFORMED
│   ├── TooLarge          over a stated limit, refused before it is parsed                     TOO_LARGE
│   ├── NotCanonical      readable, but not in the one form that is accepted                   NOT_CANONICAL
│   └── UnknownContent    fields that this version does not know                               UNKNOWN_CONTENT
├── UnknownSuite          a signature suite outside the closed list                            UNKNOWN_SUITE
├── BadKey                a key that cannot be used: mismatch, wrong form, unsafe file         BAD_KEY
├── KeyUnavailable        a key in a token that is locked, absent or gone: it may return    KEY_UNAVAILABLE
├── HistoryBroken         a bundle that changes what an earlier one settled                    HISTORY_BROKEN
├── SignatureInvalid      a signature that does not verify, or that no known key made          SIGNATURE_INVALID
├── CertificateRejected   a node certificate outside the profile or its CA's trust domain      CERTIFICATE_REJECTED
├── ProofInvalid          an audit path or section tree that does not lead to the root         PROOF_INVALID
├── CheckpointInvalid     a signed tree head with an unknown, missing or wrong line            CHECKPOINT_INVALID
├── HeadInconsistent      two heads of one log that cannot both be honest                      HEAD_INCONSISTENT
├── StepFailed            a verification step that fails; its reason says why                  (given)
└── StepUndecided         a verification step that cannot be decided with what is at hand      (given)

`reason` is stable and MAY be matched on; a class's own code is in the right-hand column, and a raiser may give a
narrower one. Messages are sentences for people: they say what to do next and hold no identifiers of subjects, no
private keys, no paths and no text of library exceptions.
"""

from __future__ import annotations

from typing import ClassVar


class TrustError(Exception):
    """Base of every failed check. `reason` is a stable code in UPPER_SNAKE_CASE, `message` a sentence."""

    default_reason: ClassVar[str] = "TRUST_ERROR"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason


class MalformedInput(TrustError):
    """Bytes or text that cannot be read as what they claim to be."""

    default_reason = "MALFORMED"


class TooLarge(MalformedInput):
    """Over a stated limit. Raised before anything is parsed."""

    default_reason = "TOO_LARGE"


class NotCanonical(MalformedInput):
    """Readable, but not in the one form that is accepted: every bit counts."""

    default_reason = "NOT_CANONICAL"


class UnknownContent(MalformedInput):
    """Fields that this version does not know. A later version may have restricted something: upgrade to judge it."""

    default_reason = "UNKNOWN_CONTENT"


class UnknownSuite(TrustError):
    """A signature suite outside the closed list of `trust.algorithms.Suite`."""

    default_reason = "UNKNOWN_SUITE"


class BadKey(TrustError):
    """A key that cannot be used: wrong kind for its suite, non-canonical encoding, or an unsafe key file."""

    default_reason = "BAD_KEY"


class KeyUnavailable(TrustError):
    """A key in a token that cannot be used at the moment. `reason`: TOKEN_LOCKED, TOKEN_ABSENT or TOKEN_GONE."""

    default_reason = "KEY_UNAVAILABLE"


class HistoryBroken(TrustError):
    """A later bundle of a jurisdiction that takes back what an earlier one settled (`trust.continuity`)."""

    default_reason = "HISTORY_BROKEN"


class SignatureInvalid(TrustError):
    """A signature that does not verify, is not in its suite's one form, or that no known key made."""

    default_reason = "SIGNATURE_INVALID"


class CertificateRejected(TrustError):
    """A certificate outside the profile of node identities, or not vouched for by its own trust domain's CA."""

    default_reason = "CERTIFICATE_REJECTED"


class ProofInvalid(TrustError):
    """An audit path or section tree that does not lead to the expected root."""

    default_reason = "PROOF_INVALID"


class CheckpointInvalid(TrustError):
    """A signed tree head with an unknown, missing or wrong line."""

    default_reason = "CHECKPOINT_INVALID"


class HeadInconsistent(TrustError):
    """Two signed heads of one log that cannot both be honest. Keep both: they are evidence."""

    default_reason = "HEAD_INCONSISTENT"


class StepFailed(TrustError):
    """A verification step that fails. `reason` is given by the step (`docs/protocol.md`, Verification steps)."""

    default_reason = "STEP_FAILED"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason)


class StepUndecided(TrustError):
    """A verification step that cannot be decided with what is at hand. `reason` is given by the step."""

    default_reason = "STEP_UNDECIDED"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, reason)
