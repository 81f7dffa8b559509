"""What a root or targets document says, fact by fact, and what changes against the version before it.

The facts of a document are all it says: two documents with the same facts have the same bytes to sign. So a list of
changed facts is complete, and an official who read it has read the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from node.errors import InvalidInput
from node.model.calendar import rfc3339
from node.model.counting import in_entries
from node.registry.documents import RootDocument, TargetsDocument


class Topic(StrEnum):
    """What a fact is about."""

    VERSION = "version"
    EXPIRES = "expires"
    SPECIFICATION = "specification"
    COORDINATOR = "coordinator"
    THRESHOLD = "threshold"
    HOLDER = "holder"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"
    DELEGATION = "delegation"
    SUCCESSION = "succession"


class Caution(StrEnum):
    """What a careful official should stop at."""

    ONE_KEY_IS_ENOUGH = "one_key_is_enough"
    EVERY_KEY_IS_NEEDED = "every_key_is_needed"
    TWO_CAMPS = "two_camps"
    THRESHOLD_LOWERED = "threshold_lowered"
    SHORTER_LIFE = "shorter_life"
    LOG_CLOSED = "log_closed"
    SUCCESSION_DROPPED = "succession_dropped"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing that a document says. `name`: the division code where a topic has one for each, else empty."""

    topic: Topic
    name: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that differs from the version before. None: it was not there, or is not there any more."""

    fact: Fact
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """A document for a careful official. `changes` is None for version 1, which follows nothing."""

    facts: Mapping[Fact, str]
    changes: tuple[Change, ...] | None
    cautions: tuple[Caution, ...]


def describe(
    document: RootDocument | TargetsDocument, previous: RootDocument | TargetsDocument | None, now: datetime
) -> Description:
    """What a document says, changes and should be asked about. `previous`: the version before; None for version 1.

    Raises InvalidInput when `previous` is not the version before.
    """
    if (previous is None) != (document.version == 1) or (
        previous is not None and (previous.kind != document.kind or previous.version != document.version - 1)
    ):
        raise InvalidInput(
            document.file_name,
            f"What it changes shows only beside {document.version - 1}.{document.kind}.json; put that file into the "
            "same folder.",
        )
    facts = facts_of(document)
    changes = None if previous is None else changes_between(facts_of(previous), facts)
    return Description(facts, changes, tuple(_cautions(document, previous, now)))


def facts_of(document: RootDocument | TargetsDocument) -> dict[Fact, str]:
    """Everything that a document says, in a fixed order. Keys are given by their ids, which name suite and key."""
    facts = {
        Fact(Topic.VERSION): str(document.version),
        Fact(Topic.EXPIRES): rfc3339(document.expires),
        Fact(Topic.SPECIFICATION): document.specification,
    }
    if isinstance(document, RootDocument):
        facts[Fact(Topic.COORDINATOR)] = document.coordinator
        facts[Fact(Topic.THRESHOLD)] = str(document.threshold)
        for division in sorted(document.holders):
            facts[Fact(Topic.HOLDER, division)] = document.holders[division].key_id
        facts[Fact(Topic.SNAPSHOT)] = document.snapshot.key_id
        facts[Fact(Topic.TIMESTAMP)] = document.timestamp.key_id
    else:
        for division in sorted(document.delegations):
            delegation = document.delegations[division]
            facts[Fact(Topic.DELEGATION, division)] = f"{delegation.threshold} of {' '.join(sorted(delegation.keys))}"
        for each in document.successions:
            # The digest stands for the whole statement; before it what an official can compare with what peers hold.
            facts[Fact(Topic.SUCCESSION, each.predecessor)] = (
                f"{each.origin} after {in_entries(each.size)} under {each.root.hex()}, log key "
                f"{each.new_head_key.key_id}, cosigner key {each.new_cosigner.key_id}, statement {each.digest.hex()}"
            )
    return facts


def changes_between(before: Mapping[Fact, str], after: Mapping[Fact, str]) -> tuple[Change, ...]:
    """The facts that differ: those of `after` in its order, then those that are gone."""
    facts = [*after, *(fact for fact in before if fact not in after)]
    return tuple(
        Change(fact, before.get(fact), after.get(fact)) for fact in facts if before.get(fact) != after.get(fact)
    )


def _cautions(
    document: RootDocument | TargetsDocument, previous: RootDocument | TargetsDocument | None, now: datetime
) -> list[Caution]:
    found = []
    if isinstance(document, RootDocument):
        holders = len(document.holders)
        if document.threshold == 1:
            found.append(Caution.ONE_KEY_IS_ENOUGH)
        elif document.threshold == holders:
            found.append(Caution.EVERY_KEY_IS_NEEDED)
        if 1 < document.threshold <= holders // 2:
            found.append(Caution.TWO_CAMPS)
        if isinstance(previous, RootDocument) and document.threshold < previous.threshold:
            found.append(Caution.THRESHOLD_LOWERED)
    else:
        found += _cautions_of_logs(document, previous if isinstance(previous, TargetsDocument) else None)
    if previous is not None and document.expires < previous.expires:
        found.append(Caution.SHORTER_LIFE)
    if document.expires <= now:
        found.append(Caution.EXPIRED)
    return found


def _cautions_of_logs(document: TargetsDocument, previous: TargetsDocument | None) -> Iterator[Caution]:
    before = frozenset() if previous is None else frozenset(previous.successions)
    if frozenset(document.successions) - before:
        yield Caution.LOG_CLOSED
    if before - frozenset(document.successions):
        yield Caution.SUCCESSION_DROPPED
