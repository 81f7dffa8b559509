"""What ends on a day known in advance: nobody should learn of it on that day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExpiryKind(StrEnum):
    """What it is that ends. The values label `huxin_expiry_timestamp_seconds`."""

    CERTIFICATE = "certificate"
    TRUST_CERTIFICATE = "trust_certificate"
    SIGNING_KEY = "signing_key"
    METADATA = "metadata"
    REVOCATION_LIST = "revocation_list"


@dataclass(frozen=True, slots=True)
class Expiry:
    """One thing and the instant (UTC) from which it counts no more.

    `name` is from a closed list, so that it may label a metric: role of a workload or of registry metadata, division
    code (of a CA with `ca/` before it), beginning of the id of an own key. Of several alike from one jurisdiction, all
    but the first have their place after it: `ca/140000/2`.
    """

    kind: ExpiryKind
    name: str
    ends: datetime
