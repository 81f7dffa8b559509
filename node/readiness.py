"""Ready means able to be trusted: pure rules over facts that the composition root gathers.

Expired trust state does not make a node unready: it serves, and every decision is at most REFER (`docs/protocol.md`,
Trust registry). A node that cannot sign, knows nobody, cannot write, or lives at the wrong time must not be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_high, median_low

from node.model.calendar import in_china
from node.model.counting import counted

NEWEST_FIRST = (
    "If you have the newest database, put it back first, and set flags after that: a flag that is set now stands in "
    "this copy alone, is lost with it, and makes a second history that the newest database does not heal any more. If "
    "you have not, flags can be set; peers see them once the successor log is founded."
)
"""What the operator of a log of two histories has to know before anything else: a revocation can be lost."""

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

    `missing_keys`: roles whose key cannot sign, and why. `trust_anchors`: jurisdictions of which we hold a
    signing key that counts now, the own one included. `misfit_log_keys`: which of `log` and `cosigner` is not the key
    that the own bundle publishes. `cosign_failure`: reason why the newest attempt to cosign the own head failed, empty
    when it did not. `schema`: revision of the database, `expected_schema`: the one this build needs. `built_at`: when
    this build was made. `own_evidence`: newest own cosignature, and `oldest_head` the age up to which it is usable.
    `peer_evidence`: time of the newest authenticated cosignature of each peer. `peer_offsets`: our clock less that of
    each peer heard lately. `allowed_skew`: by how much clocks may differ. `foreign_heads`: peers that showed heads of
    our log which our key signed and our log does not hold. `successor`: origin of the log that the trust registry names
    in the place of the one that this process extends, empty when it names none.
    """

    missing_keys: tuple[MissingKey, ...]
    trust_anchors: int
    misfit_log_keys: tuple[str, ...]
    cosign_failure: str
    database_writable: bool
    schema: str
    expected_schema: str
    now: datetime
    built_at: datetime
    own_evidence: datetime | None
    oldest_head: timedelta
    peer_evidence: tuple[datetime, ...]
    peer_offsets: tuple[timedelta, ...]
    allowed_skew: timedelta
    foreign_heads: tuple[str, ...] = ()
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One readiness check. `sentence` says what holds, or what does not and what to do."""

    name: str
    ok: bool
    sentence: str


def checks(facts: Facts) -> tuple[Check, ...]:
    """Every check, in order; ready when all are ok. The names are a closed list: they label `huxin_ready`."""
    return (
        _keys(facts),
        _trust_anchors(facts),
        _log_key(facts),
        _own_history(facts),
        _database(facts),
        _schema(facts),
        _clock(facts),
    )


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
        return Check("trust_anchors", True, f"Keys of {counted(facts.trust_anchors, 'jurisdiction')} are trusted.")
    return Check(
        "trust_anchors",
        False,
        "No jurisdiction's keys are trusted now, not even the own ones: nothing can be verified. Look at them with "
        "`huxin trust list`, and import newer bundles with `huxin trust import`.",
    )


def _log_key(facts: Facts) -> Check:
    """Whether the own log goes on in a way that peers can verify: else every report issued now is worth nothing."""
    if facts.successor:
        # Before the keys: they are right until the node is started again, however little peers make of them now.
        sentence = (
            f"The trust registry names {facts.successor} in the place of our log, so nobody relies on what this node "
            "logs now. Put the keys whose public halves were given to `huxin log close` at keys.log and keys.cosigner, "
            "if it goes on with new ones; run `huxin log found`, unless that is done; then start the node again."
        )
    elif facts.cosign_failure == "LOG_CLOSED":
        sentence = "Our log was closed, and another one goes on in its place; start the node again to go on there."
    elif facts.cosign_failure == "LOG_NOT_FOUNDED":
        sentence = (
            "The trust registry names a successor of our log, which is not founded yet, so nothing can be logged. Run "
            "`huxin log found`; this node then goes on by itself."
        )
    elif facts.misfit_log_keys:
        names = " and ".join(facts.misfit_log_keys)
        sentence = (
            f"The {names} key that this node signs heads with is not the one that our own bundle publishes, so nobody "
            "can verify our log. Restore the key or the bundle that belong together; `huxin doctor` looks at both."
        )
    elif facts.cosign_failure:
        sentence = (
            f"Our log head could not be cosigned ({facts.cosign_failure}), so our log grows stale for everyone. Mend "
            "the database first if its check fails as well; else look at the cosigner key and at this node's log."
        )
    elif facts.own_evidence is None or facts.now - facts.own_evidence > facts.oldest_head:
        sentence = (
            f"Our log head was not cosigned for more than {facts.oldest_head.total_seconds():.0f} seconds, so our log "
            "looks dead to everyone. If this stays, look at the log of this node for `cosigning`, then restart it."
        )
    else:
        return Check("log_key", True, "Our log head is signed and cosigned with the keys that our bundle publishes.")
    return Check("log_key", False, sentence)


def _own_history(facts: Facts) -> Check:
    """Whether our log is the one that our key signed: a copy of yesterday, or a thief's, is not."""
    if not facts.foreign_heads:
        return Check("own_history", True, "No peer has shown a head of our log that we do not hold.")
    held = (
        f"Peers ({', '.join(facts.foreign_heads)}) hold heads of our log that our log key signed and our log does not "
        "hold"
    )
    if facts.successor:
        # Another database now would be one that the holders of the root keys did not sign off.
        sentence = f"{held}; its successor is named: do what log_key says; put no other database back now."
    else:
        sentence = (
            f"{held}: the database was restored from an older copy, or the key is in other hands. No reports are "
            f"issued until that is mended; look at `huxin evidence`. {NEWEST_FIRST} If the key is in other hands, tell "
            "the other jurisdictions. Recover by a successor log (ops/README.md, HuxinSplitView)."
        )
    return Check("own_history", False, sentence)


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
    """What was signed earlier shows a clock that is behind; one that is ahead shows only against peers heard just now.

    A verdict against our clock needs more than half of at least three peers on the same side, however far off the
    others claim to be: hence the lower median of what says "ahead" and the upper median of what says "behind".
    """
    if len(facts.peer_offsets) >= PEERS_FOR_A_MEDIAN:
        if (ahead := median_low(facts.peer_offsets)) > facts.allowed_skew:
            return _skewed(ahead, "ahead of", len(facts.peer_offsets))
        if (behind := -median_high(facts.peer_offsets)) > facts.allowed_skew:
            return _skewed(behind, "behind", len(facts.peer_offsets))
    latest = facts.now + facts.allowed_skew
    if latest < facts.built_at:
        return _wrong_clock("this build was made", facts.built_at)
    if facts.own_evidence is not None and latest < facts.own_evidence:
        return _wrong_clock("this node last signed a log head", facts.own_evidence)
    if len(facts.peer_evidence) >= PEERS_FOR_A_MEDIAN and latest < (most := median_low(facts.peer_evidence)):
        return _wrong_clock("most peers last signed their log heads", most)
    return Check("clock", True, "The clock agrees with the newest evidence.")


def _wrong_clock(event: str, at: datetime) -> Check:
    return Check(
        "clock",
        False,
        f"The clock shows a time before {event}. Set the clock (NTP), then look again; if it is right now and was "
        f"ahead before, this passes at {in_china(at, seconds=True)}.",
    )


def _skewed(by: timedelta, side: str, peers: int) -> Check:
    return Check(
        "clock",
        False,
        f"The clock is {by.total_seconds():.0f} seconds {side} that of most of the {peers} peers heard lately. Set the "
        "clock (NTP); nothing needs to be restarted.",
    )
