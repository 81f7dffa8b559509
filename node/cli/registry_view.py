"""The trust registry as tables and JSON: what `huxin trust status` and `huxin trust explain` print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from rich.text import Text

from node.app.registry_status import Explanation, RegistryStatus
from node.cli.session import in_china, rfc3339
from node.cli.tables import Table
from node.model.registry import RegistryRecord
from trust.log.succession import Succession


def summary(found: RegistryStatus, now: datetime) -> Iterator[str]:
    """How current the registry is, in lines."""
    record = found.record
    delegations = f"delegations version {found.delegations_version}" if found.delegations_version else "no delegations"
    yield (
        f"Root version {record.root_version}; {delegations}; coordinator {record.coordinator}; "
        f"snapshot {record.snapshot_version}."
    )
    if record.signed_at is None:
        yield "Nothing of it was verified yet: huxin trust refresh"
    else:
        yield f"Signed by the coordinator {in_china(record.signed_at)}, {_lasted(now - record.signed_at)} ago."


def ends_table(record: RegistryRecord, now: datetime) -> Table:
    """When each role's metadata ends, soonest first."""
    table = Table("Metadata", "Ends", "In", title="Expiry", title_justify="left")
    for role, end in sorted(record.ends.items(), key=lambda each: each[1]):
        left = end - now
        table.add_row(role, in_china(end), Text(_lasted(left) if left > timedelta() else "ended", _style(left)))
    return table


def standings_table(record: RegistryRecord, now: datetime) -> Table:
    """How each jurisdiction stands."""
    table = Table("Jurisdiction", "Known to be current", "Ends", title="Jurisdictions", title_justify="left")
    table.add_column("Problem")
    for each in record.standings:
        table.add_row(
            each.division,
            f"{_lasted(now - each.refreshed_at)} ago",
            Text(in_china(each.expires_at), _style(each.expires_at - now)),
            Text(each.problem, "red"),
        )
    return table


def successions_table(successions: Iterable[Succession]) -> Table:
    """Which logs were closed at how many entries, and what goes on in their place."""
    table = Table(
        "Closed log", "Entries that count", "Goes on as", "Decided", title="Successions", title_justify="left"
    )
    for each in successions:
        table.add_row(each.predecessor, str(each.size), each.origin, in_china(each.decided_at))
    return table


def _since(instant: datetime, now: datetime) -> str:
    return f"{in_china(instant)}, {_lasted(now - instant)} ago"


def _style(left: timedelta) -> str:
    return "red" if left <= timedelta(days=1) else "yellow" if left <= timedelta(days=7) else ""


def _lasted(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def links(found: Explanation, now: datetime) -> Iterator[tuple[str, str]]:
    """The chain from the anchor to each key, as names and values."""
    bundle = found.held.bundle
    yield "Jurisdiction", f"{bundle.division} {bundle.name_zh} {bundle.name_en}"
    if found.by_registry and found.standing is not None:
        yield (
            "Anchor",
            f"root version {found.root_version}: {found.threshold} of {len(found.holders)} holders must sign",
        )
        yield "Root holders", "\n".join(f"{code} {key_id}" for code, key_id in sorted(found.holders.items()))
        yield "Delegation", f"{found.division}/* to " + ", ".join(found.registry_keys)
        yield (
            "Current as of",
            _since(found.standing.refreshed_at, now),
        )
        yield "Ends", in_china(found.standing.expires_at)
        if found.standing.problem:
            yield "Problem", found.standing.problem
    else:
        yield "Anchor", "its bundle was confirmed by hand (`huxin trust import`), or is our own"
        yield "Current as of", in_china(found.held.trusted.refreshed_at)
    yield "Bundle", f"version {bundle.version}, signed {in_china(bundle.issued_at)}"
    for key in found.keys:
        yield "Signing key", f"{key.key_id} ({key.suite})"
        yield (
            "",
            f"may sign from {in_china(key.valid_from)}; counts here from {in_china(key.counts_from)}"
            + ("" if key.first_seen is None else f", first seen in the registry {in_china(key.first_seen)}"),
        )
        if key.retired_at is not None:
            yield "", f"retired {in_china(key.retired_at)}: earlier signatures stay valid"
        if key.compromised_at is not None:
            since = in_china(key.compromised_at)
            yield "", f"compromised since {since}: later ones are rejected, earlier ones referred unless seen in time"


def status_json(found: RegistryStatus, now: datetime) -> dict[str, object]:
    """The status for machines; instants in UTC, ages in whole seconds, roots of trees in hex."""
    record = found.record
    return {
        "root_version": record.root_version,
        "delegations_version": found.delegations_version or None,
        "snapshot_version": record.snapshot_version,
        "coordinator": record.coordinator,
        "signed_at": rfc3339(record.signed_at),
        "age_seconds": None if record.signed_at is None else int((now - record.signed_at).total_seconds()),
        "ends": {role: rfc3339(end) for role, end in sorted(record.ends.items())},
        "jurisdictions": [
            {
                "division": each.division,
                "refreshed_at": rfc3339(each.refreshed_at),
                "expires_at": rfc3339(each.expires_at),
                "problem": each.problem,
            }
            for each in record.standings
        ],
        "successions": [
            {
                "division": each.division,
                "predecessor": each.predecessor,
                "size": each.size,
                "root": each.root.hex(),
                "origin": each.origin,
                "decided_at": rfc3339(each.decided_at),
            }
            for each in found.successions
        ],
    }


def explanation_json(found: Explanation) -> dict[str, object]:
    """An explanation for machines; instants in UTC."""
    return {
        "division": found.division,
        "by_registry": found.by_registry,
        "root_version": found.root_version,
        "threshold": found.threshold,
        "holders": dict(found.holders),
        "registry_keys": list(found.registry_keys),
        "refreshed_at": rfc3339(found.held.trusted.refreshed_at),
        "expires_at": None if found.standing is None else rfc3339(found.standing.expires_at),
        "bundle_version": found.held.bundle.version,
        "keys": [
            {
                "key_id": key.key_id,
                "suite": key.suite,
                "valid_from": rfc3339(key.valid_from),
                "first_seen": rfc3339(key.first_seen),
                "counts_from": rfc3339(key.counts_from),
                "retired_at": rfc3339(key.retired_at),
                "compromised_at": rfc3339(key.compromised_at),
            }
            for key in found.keys
        ],
    }
