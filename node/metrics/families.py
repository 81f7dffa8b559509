"""Every metric the node exports: names, labels and what each means to an operator. `docs/metrics.md` is made from this.

Base units only (seconds, entries); `_total` on counters only. Labels hold names from closed lists (methods, codes,
reasons, division codes of peers) and never anything about a subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LATENCY_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROPAGATION_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
GROUP_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Kind(StrEnum):
    """Prometheus metric types in use here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as it is scraped, its labels in order, and its help text."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


RPC_REQUESTS = Family(
    "huxin_rpc_requests_total",
    Kind.COUNTER,
    ("method", "code"),
    "gRPC calls answered, by method and status code. INTERNAL and UNKNOWN are faults of this node.",
)
RPC_DURATION = Family(
    "huxin_rpc_duration_seconds",
    Kind.HISTOGRAM,
    ("method",),
    "Time from the arrival of a call to its answer. Streams count once, when they end.",
    LATENCY_SECONDS,
)
VERDICTS = Family(
    "huxin_verdicts_total",
    Kind.COUNTER,
    ("decision", "reason"),
    "Verdicts given, by decision (NONE: no requirement was named) and most serious reason. "
    "A sudden share of REJECT is forged paper, a peer's mistake or our own.",
)
REPLICA_LAG = Family(
    "huxin_replica_lag_entries",
    Kind.GAUGE,
    ("peer",),
    "Entries of a peer's log that it has announced and this node does not hold yet. Should return to 0.",
)
REPLICA_AGE = Family(
    "huxin_replica_age_seconds",
    Kind.GAUGE,
    ("peer",),
    "Age of the newest cosigned head held of a peer's log. Past the limit of our trust certificate, "
    "that peer's reports are at most REFER.",
)
PEER_CONNECTED = Family(
    "huxin_peer_connected",
    Kind.GAUGE,
    ("peer",),
    "1 while this node follows the peer's log over an open stream, else 0.",
)
WITHHELD = Family(
    "huxin_log_withheld_entries",
    Kind.GAUGE,
    ("peer",),
    "Entries of a peer's log that other peers hold and it has not announced to this node. While it is connected, "
    "more than 0 is withholding; our view counts as no fresher than the first of them.",
)
WITNESSES = Family(
    "huxin_log_witnesses",
    Kind.GAUGE,
    ("peer",),
    "Other nodes that have cosigned a peer's log as this node holds it. Below the quorum of our trust certificate, "
    "that peer's reports are REFER.",
)
SPLIT_VIEWS = Family(
    "huxin_log_split_views",
    Kind.GAUGE,
    ("issuer",),
    "Peers that showed a second, validly signed history of a log, the own one included: 0 unless an issuer, or a "
    "thief of its log key, tells different stories, or a log was restored from an older copy. Of the newest log: a "
    "successor that k of n signed off begins at 0.",
)
CLOCK_OFFSET = Family(
    "huxin_clock_offset_seconds",
    Kind.GAUGE,
    ("peer",),
    "Our clock less that of a peer heard lately: positive when ours is ahead. One peer alone proves nothing; "
    "the check `clock` judges by more than half of at least three.",
)
CLOCK_STEP = Family(
    "huxin_clock_step_seconds",
    Kind.GAUGE,
    (),
    "By how much the clock was set forward (negative: back) since the node started. "
    "A change is an administrator, NTP after a long pause, or someone who moves time.",
)
TRUST_STATE_AGE = Family(
    "huxin_trust_state_age_seconds",
    Kind.GAUGE,
    ("issuer",),
    "Age of what this node trusts of a jurisdiction: its keys and our certificate for it. "
    "Past the limit, decisions are at most REFER.",
)
REPORT_ISSUE_DURATION = Family(
    "huxin_report_issue_duration_seconds",
    Kind.HISTOGRAM,
    (),
    "Time to issue one report, durable commit included; reports that were refused do not count.",
    LATENCY_SECONDS,
)
REPORTS_ISSUED = Family(
    "huxin_reports_issued_total",
    Kind.COUNTER,
    (),
    "Reports committed to this node's log. A repeated request_id does not count again.",
)
REFUSALS = Family(
    "huxin_refusals_total",
    Kind.COUNTER,
    ("reason",),
    "Calls refused for their certificate: not authenticated, or not permitted. "
    "A rise is a wrong set-up at a peer, or someone trying doors.",
)
LIMITED = Family(
    "huxin_limited_total",
    Kind.COUNTER,
    ("peer", "limit"),
    "Times that a caller met a limit: calls, received_bytes, concurrent_calls or concurrent_streams refused with "
    "RESOURCE_EXHAUSTED, sent_bytes sent later. `peer` is a division, or the party of an own workload.",
)
ACKNOWLEDGEMENTS = Family(
    "huxin_acknowledgements_total",
    Kind.COUNTER,
    ("peer", "result"),
    "Acknowledgements of this node's log that came from a peer: COUNTED, BEHIND (less than one before; ignored) or "
    "BEYOND_LOG (larger than the log; refused: one of the two databases was restored from an older copy).",
)
PROPAGATION = Family(
    "huxin_propagation_seconds",
    Kind.HISTOGRAM,
    ("peer",),
    "Time from a commit to this node's log until the peer has said that it holds it, times of no connection included.",
    PROPAGATION_SECONDS,
)
PEER_ACKNOWLEDGED = Family(
    "huxin_peer_acknowledged_entries",
    Kind.GAUGE,
    ("peer",),
    "Entries of this node's log that the peer has said it holds.",
)
PEER_ACKNOWLEDGED_LAG = Family(
    "huxin_peer_acknowledged_lag_entries",
    Kind.GAUGE,
    ("peer",),
    "Entries of this node's log that the peer has not said it holds. Should return to 0.",
)
STATEMENTS_SWEPT = Family(
    "huxin_statements_swept_total",
    Kind.COUNTER,
    ("peer", "result"),
    "Statements of a peer's log whose signatures were checked before anybody presented them: HOLDS, FAILS (no verdict "
    "will accept it: ask its operator), KEY_UNKNOWN (signed by a key that its bundle does not hold) or UNREADABLE. "
    "The newest are checked after each start, and those that come while hardly anybody is served.",
)
LOG_SIZE = Family(
    "huxin_log_size",
    Kind.GAUGE,
    ("origin",),
    "Entries held of each log: the own one and the replicas of peers. Never shrinks.",
)
COMMIT_GROUP_SIZE = Family(
    "huxin_commit_group_size",
    Kind.HISTOGRAM,
    (),
    "Reports that shared one durable commit. Grows with load; always 1 under load means that grouping does not work.",
    GROUP_SIZES,
)
POOL_CONNECTIONS = Family(
    "huxin_database_pool_connections",
    Kind.GAUGE,
    ("state",),
    "Database connections by state: in_use or idle. No idle one for minutes means that calls wait for the database.",
)
EXPIRY = Family(
    "huxin_expiry_timestamp_seconds",
    Kind.GAUGE,
    ("kind", "name"),
    "When something ends, in seconds since 1970. Kinds: `certificate` (the node's own, and CAs by division), "
    "`trust_certificate` (our recognitions by issuer), `signing_key` (own ones that are to end), `metadata` (of the "
    "registry, by role), `revocation_list` (by division). What was replaced is left out.",
)
READY = Family(
    "huxin_ready",
    Kind.GAUGE,
    ("check",),
    "1 when the readiness check holds, 0 when it does not. Each scrape runs the checks; /readyz says what to do.",
)
REGISTRY_REFRESHES = Family(
    "huxin_registry_refreshes_total",
    Kind.COUNTER,
    ("peer", "result"),
    "Attempts to refresh the trust registry from a peer: OK, or why it failed. REGISTRY_UNREACHABLE is a peer that is "
    "away; every other failure is an attack on distribution or a fault of that peer, and changed nothing.",
)
OUTBOX_MESSAGES = Family(
    "huxin_outbox_messages",
    Kind.GAUGE,
    ("peer",),
    "Messages to a peer that have not ended. Should return to 0; `huxin outbox list` says what each waits for.",
)
OUTBOX_OLDEST = Family(
    "huxin_outbox_oldest_seconds",
    Kind.GAUGE,
    ("peer",),
    "Age of the oldest message to a peer that has not ended; no series while there is none.",
)
INBOX_MESSAGES = Family(
    "huxin_inbox_messages",
    Kind.GAUGE,
    ("peer", "state"),
    "Messages from a peer that have not ended: `waiting` to be handled, or `parked` because they cannot be. A parked "
    "one holds up those of its subject until `huxin inbox retry`, or until it expires.",
)
PEER_RETIRED = Family(
    "huxin_peer_retired",
    Kind.GAUGE,
    ("peer",),
    "1 while a peer was silent for so long that messages to it are tried rarely, else 0. Any contact ends it.",
)
MESSAGES_ENDED = Family(
    "huxin_messages_total",
    Kind.COUNTER,
    ("peer", "outcome"),
    "Messages to a peer that were `delivered`, `refused` by it, or `expired`; from it that were `handled` or `parked`.",
)
BUILD_INFO = Family(
    "huxin_build_info",
    Kind.GAUGE,
    ("version", "division"),
    "Always 1: which version this is and which jurisdiction it speaks for.",
)

FAMILIES = (
    RPC_REQUESTS,
    RPC_DURATION,
    VERDICTS,
    REPORT_ISSUE_DURATION,
    REPORTS_ISSUED,
    COMMIT_GROUP_SIZE,
    LOG_SIZE,
    REPLICA_LAG,
    REPLICA_AGE,
    PEER_CONNECTED,
    PROPAGATION,
    PEER_ACKNOWLEDGED,
    PEER_ACKNOWLEDGED_LAG,
    ACKNOWLEDGEMENTS,
    WITHHELD,
    STATEMENTS_SWEPT,
    WITNESSES,
    SPLIT_VIEWS,
    CLOCK_OFFSET,
    CLOCK_STEP,
    TRUST_STATE_AGE,
    EXPIRY,
    REFUSALS,
    LIMITED,
    REGISTRY_REFRESHES,
    OUTBOX_MESSAGES,
    OUTBOX_OLDEST,
    INBOX_MESSAGES,
    PEER_RETIRED,
    MESSAGES_ENDED,
    POOL_CONNECTIONS,
    READY,
    BUILD_INFO,
)


def reference() -> str:
    """The text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Served at `/metrics` on the operations address (`operations.listen`, see `configuration.md`) in the formats",
        "that Prometheus reads. Labels hold names from closed lists and division codes, never anything about a",
        "subject; a name outside its list counts as `OTHER`. Gauges of age and lag are computed at each scrape.",
        "Besides these the process exports the usual `process_*` metrics (memory, CPU, open files), and each counter",
        "and histogram the time of its making (`_created`).",
        "",
        "Alert rules and what to do about each: `../ops/README.md`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for family in FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels) or "-"
        lines.append(f"| `{family.name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join(lines) + "\n"
