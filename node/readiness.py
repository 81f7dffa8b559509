"""Ready means able to be trusted: pure rules over facts that the composition root gathers.

Expired trust state does not make a node unready: it serves, and every decision is at most REFER (`docs/protocol.md`,
Trust registry). A node that cannot sign, knows nobody, cannot write, or lives at the wrong time must not be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low

PEERS_FOR_A_MEDIAN = 3
"""Fewer peers than this cannot outvote one that lies about the time (`docs/protocol.md`, Peers that misbehave)."""


@dataclass(frozen=True, slots=True)
class MissingKey:
    """A role, such as `signing`, whose key cannot be used, and why, without a full stop."""

    role: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a readiness decision is a function of. All instants are timezone-aware.

    `missing_keys`: roles whose key cannot sign, and why. `trust_anchors`: jurisdictions whose keys we hold, the own one
    included. `schema`: revision of the database, `expected_schema`: the one this build needs. `built_at`: when this
    build was made. `own_evidence`: newest own cosignature. `peer_evidence`: time of the newest authenticated
    cosignature of each peer. `allowed_skew`: by how much clocks may differ.
    """

    missing_keys: tuple[MissingKey, ...]
    trust_anchors: int
    database_writable: bool
    schema: str
    expected_schema: str
    now: datetime
    built_at: datetime
    own_evidence: datetime | None
    peer_evidence: tuple[datetime, ...]
    allowed_skew: timedelta


@dataclass(frozen=True, slots=True)
class Check:
    """One readiness check. `sentence` says what holds, or what does not and what to do."""

    name: str
    ok: bool
    sentence: str


def checks(facts: Facts) -> tuple[Check, ...]:
    """Every check, in order; ready when all are ok. The names are a closed list: they label `huxin_ready`."""
    return (_keys(facts), _trust_anchors(facts), _database(facts), _schema(facts), _clock(facts))


def is_ready(results: tuple[Check, ...]) -> bool:
    """Whether there are checks and all of them hold."""
    return bool(results) and all(check.ok for check in results)


def _keys(facts: Facts) -> Check:
    if not facts.missing_keys:
        return Check("keys", True, "All keys are loaded.")
    missing = "; ".join(f"{missing.role}: {missing.why}" for missing in facts.missing_keys)
    return Check(
        "keys",
        False,
        f"This node cannot sign. {missing}. Look with `huxin doctor`; a token that comes back is noticed by itself.",
    )


def _trust_anchors(facts: Facts) -> Check:
    if facts.trust_anchors > 0:
        return Check("trust_anchors", True, f"Keys of {facts.trust_anchors} jurisdiction(s) are trusted.")
    return Check(
        "trust_anchors",
        False,
        "No jurisdiction's keys are trusted, not even the own ones: nothing can be verified. Import them with "
        "`huxin trust import`.",
    )


def _database(facts: Facts) -> Check:
    if facts.database_writable:
        return Check("database", True, "The database takes writes.")
    return Check(
        "database",
        False,
        "The database does not take writes. Check that it runs, that its disk has space and that this node may write.",
    )


def _schema(facts: Facts) -> Check:
    if facts.schema == facts.expected_schema:
        return Check("schema", True, "The database schema is up to date.")
    return Check(
        "schema",
        False,
        f"The database schema is at {facts.schema or 'no revision'}, this version needs {facts.expected_schema}. "
        "Restart the node to migrate it; if it is newer, install the newer version of huxin.",
    )


def _clock(facts: Facts) -> Check:
    """Only a clock that runs behind can be told from evidence; one that runs ahead looks like peers that are away."""
    latest = facts.now + facts.allowed_skew
    if latest < facts.built_at:
        return _wrong_clock("this build was made")
    if facts.own_evidence is not None and latest < facts.own_evidence:
        return _wrong_clock("this node last signed a log head")
    # The lower median: with three peers, at least two must be ahead of us before we doubt ourselves.
    if len(facts.peer_evidence) >= PEERS_FOR_A_MEDIAN and latest < median_low(facts.peer_evidence):
        return _wrong_clock("most peers last signed their log heads")
    return Check("clock", True, "The clock agrees with the newest evidence.")


def _wrong_clock(event: str) -> Check:
    return Check("clock", False, f"The clock shows a time before {event}. Set the clock (NTP), then look again.")
