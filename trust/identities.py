"""Who a workload is: its SPIFFE ID (SPIFFE-ID specification, section 2), read in one spelling only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from trust.errors import CertificateRejected


class Role(StrEnum):
    """What a workload is, as the first segment of its SPIFFE path. The permission table opens methods by role."""

    NODE = "node"
    GATEWAY = "gateway"
    OPERATOR = "operator"
    SOURCE = "source"
    RELYING_PARTY = "relying-party"


# One spelling per identity: the trust domain and unit names are lowercase (SPIFFE ID section 2), a unified social
# credit code is uppercase without I, O, S, V, Z (GB 32100). No port, user, query, fragment, empty or trailing segment.
_SPIFFE_ID = re.compile(
    r"spiffe://(?P<division>[0-9]{6})\.huxin/(?:"
    r"(?P<plain>node|gateway|operator)"
    r"|source/(?P<unit>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
    r"|relying-party/(?P<uscc>[0-9A-HJ-NP-RTUWXY]{18}))"
)
_TRUST_DOMAIN_ID = re.compile(r"spiffe://(?P<division>[0-9]{6})\.huxin")


@dataclass(frozen=True, slots=True)
class WorkloadIdentity:
    """Who a workload is: six-digit division code, role, and for a source its unit, for a relying party its code.

    Raises CertificateRejected when made of parts that no SPIFFE ID of this profile has.
    """

    division: str
    role: Role
    detail: str = ""

    def __post_init__(self) -> None:
        if not _SPIFFE_ID.fullmatch(self.spiffe_id):
            raise bad_identity()

    @property
    def spiffe_id(self) -> str:
        """The identity as its certificate carries it (URI SAN)."""
        return f"spiffe://{self.division}.huxin/{self.role.value}" + (f"/{self.detail}" if self.detail else "")

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names that its certificate carries: one for a node, none for anyone else."""
        return (node_dns_name(self.division),) if self.role is Role.NODE else ()


def node_dns_name(division: str) -> str:
    """The name under which a client reaches that jurisdiction's node, whatever host it dials."""
    return f"node.{division}.huxin"


def parse_spiffe_id(text: str) -> WorkloadIdentity:
    """The identity that a SPIFFE ID names. Raises CertificateRejected for any other spelling or an unknown role."""
    found = _SPIFFE_ID.fullmatch(text)
    if found is None:
        raise bad_identity()
    division = found["division"]
    if found["plain"]:
        return WorkloadIdentity(division, Role(found["plain"]))
    if found["unit"]:
        return WorkloadIdentity(division, Role.SOURCE, found["unit"])
    return WorkloadIdentity(division, Role.RELYING_PARTY, found["uscc"])


def trust_domain_id(division: str) -> str:
    """SPIFFE ID, without path, that a CA certificate carries. Raises CertificateRejected unless given six digits."""
    text = f"spiffe://{division}.huxin"
    if not _TRUST_DOMAIN_ID.fullmatch(text):
        raise bad_identity()
    return text


def parse_trust_domain_id(text: str) -> str:
    """Division code of a trust domain's SPIFFE ID. Raises CertificateRejected for any other spelling."""
    found = _TRUST_DOMAIN_ID.fullmatch(text)
    if found is None:
        raise bad_identity()
    return found["division"]


def bad_identity() -> CertificateRejected:
    """The one refusal of everything that does not name a workload."""
    return CertificateRejected(
        "A workload is named by exactly one SPIFFE ID, such as spiffe://140000.huxin/node, in its one spelling, and a "
        "node by its DNS name beside it. Have the certificate issued again.",
        "SPIFFE_ID_INVALID",
    )
