"""What a jurisdiction's trust certificate lets recognition do: the content, apart from keys and signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from node.model.catalogue import Caveat
from node.model.records import RecordType


@dataclass(frozen=True, slots=True)
class RecognitionPolicy:
    """Scope and conditions under which one issuer's reports are recognised. Empty sets recognise nothing.

    Holds from `valid_from` (inclusive) until `valid_until` (exclusive), both instants in UTC. One
    that is `withdrawn` recognises nothing.
    """

    recogniser: str
    issuer: str
    leaves: frozenset[str]
    record_types: frozenset[RecordType]
    scenarios: frozenset[str]
    reviewed_catalogues: frozenset[bytes]
    reviewed_crosswalks: frozenset[bytes]
    accepted_caveats: frozenset[Caveat]
    max_trust_state_age: timedelta
    max_log_view_age: timedelta
    valid_from: datetime
    valid_until: datetime
    withdrawn: bool = False
