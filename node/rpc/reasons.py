"""The closed list of reasons that callers of the gRPC door can meet in `google.rpc.ErrorInfo`, domain `huxin`.

A reason is a promise: programs match on it. A test holds the list against every reason that the node raises.
"""

from __future__ import annotations

REASONS: frozenset[str] = frozenset(
    {
        # INVALID_ARGUMENT
        "ACKNOWLEDGEMENT_BEYOND_LOG",
        "INVALID_FIELD",
        "INVALID_PAGE_TOKEN",
        "MESSAGE_ENDED",
        "PUBLICATION_REFUSED",
        "REPORT_NUMBER_CHECK",
        "REPORT_NUMBER_DAY",
        "REPORT_NUMBER_DIVISION",
        "REPORT_NUMBER_LENGTH",
        "REPORT_NUMBER_RANDOM",
        "REQUEST_UNREADABLE",
        "SUBJECT_ID_ALPHABET",
        "SUBJECT_ID_BIRTH_DATE",
        "SUBJECT_ID_CHECK",
        "SUBJECT_ID_FORM",
        "SUBJECT_ID_LENGTH",
        "SUBJECT_ID_OLD_FORM",
        # NOT_FOUND
        "NOT_FOUND",
        "NO_CATALOGUE",
        "NO_ASKED_REPORT",
        "NO_SUCH_ASK",
        "NO_SUCH_CATALOGUE",
        "NO_SUCH_MESSAGE",
        "NO_SUCH_LOG",
        "NO_SUCH_REPORT",
        "NOT_DELEGATED",
        "NO_REGISTRY",
        "NO_REGISTRY_KEY",
        "NO_SUCH_REQUIREMENT",
        "NO_SUCH_TRUST_FILE",
        # FAILED_PRECONDITION
        "ASKED_TOO_OFTEN",
        "ASKER_NOT_ANSWERED",
        "EXCLUDED_FROM_SCHEME",
        "KIND_NOT_IN_SCHEME",
        "NATURAL_PERSON_NEEDS_CONSENT",
        "NOT_ELIGIBLE",
        "NOT_REGISTERED_HERE",
        "OWN_LOG_SPLIT",
        # ALREADY_EXISTS
        "CONFLICT",
        "REQUEST_ID_REUSED",
        # RESOURCE_EXHAUSTED
        "BUNDLE_TOO_LARGE",
        "BYTES_LIMITED",
        "RATE_LIMITED",
        "REQUEST_TOO_LARGE",
        "TOO_LARGE",
        "TOO_MANY_CALLS",
        "TOO_MANY_STREAMS",
        # PERMISSION_DENIED
        "NOT_COORDINATOR",
        "NOT_PERMITTED",
        # UNAUTHENTICATED
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_MISSING",
        "CERTIFICATE_NOT_YET_VALID",
        "CERTIFICATE_REJECTED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNREADABLE",
        "NOT_AUTHENTICATED",
        "SPIFFE_ID_INVALID",
        "TRUST_DOMAIN_UNKNOWN",
        # UNAVAILABLE
        "DATABASE_DAMAGED",
        "KEY_NOT_LOADED",
        "KEY_NOT_PUBLISHED",
        "LOG_BUSY",
        "LOG_CLOSED",
        "LOG_NOT_FOUNDED",
        "NOT_READY",
        "REGISTRY_BUSY",
        "NO_COORDINATOR",
        "NO_OWN_BUNDLE",
        "SCHEMA_TOO_NEW",
        "SCHEMA_TOO_OLD",
        "SHUTTING_DOWN",
        "STOPPING",
        # UNIMPLEMENTED
        "METHOD_UNKNOWN",
        # INTERNAL
        "INTERNAL",
    }
)
