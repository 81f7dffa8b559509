"""The closed list of reasons that a verdict can name, apart from gaps (`node.model.verdict.GapReason`).

A reason is a promise: programs match on it, metrics are labelled with it. A test holds the list against the sources.
"""

from __future__ import annotations

STEP_REASONS: frozenset[str] = frozenset(
    {
        # form and statement: steps 1, 2
        *("MALFORMED", "TOO_LARGE", "NOT_CANONICAL", "UNKNOWN_CONTENT", "UNKNOWN_VERSION", "WRONG_PAYLOAD_TYPE"),
        # issuer, keys, signatures: steps 3 to 5
        *("ISSUER_UNKNOWN", "ISSUER_MISMATCH", "KEY_UNKNOWN", "KEY_NOT_YET_VALID", "KEY_RETIRED", "KEY_COMPROMISED"),
        *(
            "ISSUER_UNCHECKED",
            "KEY_COMPROMISED_SINCE",
            "UNKNOWN_SUITE",
            "SUITE_MISSING",
            "SIGNATURE_INVALID",
            "BAD_KEY",
            "NO_CONDITIONS",
        ),
        # log and its heads: steps 6, 7
        *("NOT_IN_LOG", "NOT_IN_SUCCESSOR", "NOT_YET_IN_VIEW", "LOG_ENTRY_DIFFERS", "PROOF_INVALID"),
        *("CHECKPOINT_INVALID", "NOT_COSIGNED"),
        *("HEAD_INCONSISTENT", "LOG_SPLIT", "WITNESS_QUORUM_UNMET"),
        # freshness: steps 8, 9
        *("TRUST_STATE_EXPIRED", "TRUST_STATE_STALE", "TRUST_STATE_IN_FUTURE"),
        *("NO_LOG_VIEW", "LOG_VIEW_STALE", "LOG_VIEW_IN_FUTURE"),
        # standing and validity: steps 10, 11
        *("REVOKED", "STATUS_UNDER_OBJECTION", "STATUS_CORRECTED", "STATUS_SUPERSEDED", "STATUS_NEWER_INFORMATION"),
        *("STATUS_UNREADABLE", "STATUS_UNPROVEN"),
        *("EXPIRED", "ISSUED_IN_FUTURE"),
        # subject and content: steps 12, 13
        *("NO_SUBJECT_CLAIMED", "NO_SUBJECT_SALT", "SUBJECT_MISMATCH", "NOTHING_DISCLOSED", "SECTION_COUNT_MISMATCH"),
        *("SECTION_ROOT_MISMATCH", "REPORT_DIGEST_MISMATCH"),
        # the issuing scheme and our trust certificate: steps 14, 15
        *("SCHEME_UNKNOWN", "SCHEME_TERRITORY", "SCHEME_NOT_IN_FORCE", "SCHEME_TEMPLATE", "SCHEME_SUBJECT_KIND"),
        *("SCHEME_PERIOD", "ISSUER_NOT_RECOGNISED", "RECOGNITION_NOT_IN_FORCE", "RECOGNITION_WITHDRAWN"),
        "SCENARIO_NOT_RECOGNISED",
        # requirement and findings: steps 16, 17
        *("REQUIREMENT_EMPTY", "REPORT_TOO_OLD", "RECORDS_FOUND"),
        "NOT_REACHED",
    }
)
