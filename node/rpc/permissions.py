"""Who may call what: one table, method x party. What it does not name is closed.

Why the cells that are not obvious stand as they do:

- A *peer node* opens FederationService and nothing else. It learns nothing of this node by health or reflection.
- The *operator* runs the node and does not handle reports: it may look up one by number before it changes its status
  (the answer holds no subject and no content), and reads the catalogues.
- A *source* unit reads the catalogues, whose row codes its deliveries are filed under.
- The node's *own node* certificate serves; as a client it may only ask another replica of itself how it is.
- Health and reflection are open to every workload of the own jurisdiction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from node.rpc.caller import Caller


class Party(StrEnum):
    """What a caller is to this node."""

    OWN_GATEWAY = "own-gateway"
    OWN_OPERATOR = "own-operator"
    OWN_RELYING_PARTY = "own-relying-party"
    OWN_SOURCE = "own-source"
    OWN_NODE = "own-node"
    PEER_NODE = "peer-node"
    NOBODY = "nobody"


_OWN_PARTIES = {
    "gateway": Party.OWN_GATEWAY,
    "operator": Party.OWN_OPERATOR,
    "relying-party": Party.OWN_RELYING_PARTY,
    "source": Party.OWN_SOURCE,
    "node": Party.OWN_NODE,
}

OWN = frozenset(_OWN_PARTIES.values())
"""Every workload of the own jurisdiction."""

_REPORTING = frozenset({Party.OWN_GATEWAY})
_VERIFYING = frozenset({Party.OWN_GATEWAY, Party.OWN_RELYING_PARTY})
_READING = frozenset({Party.OWN_GATEWAY, Party.OWN_RELYING_PARTY, Party.OWN_OPERATOR, Party.OWN_SOURCE})
_OPERATING = frozenset({Party.OWN_OPERATOR})
_FEDERATING = frozenset({Party.PEER_NODE})

PERMISSIONS: Mapping[str, frozenset[Party]] = {
    "/huxin.v1.ReportService/CreateReport": _REPORTING,
    "/huxin.v1.ReportService/GetReport": _REPORTING | _OPERATING,
    "/huxin.v1.ReportService/ListReports": _REPORTING,
    "/huxin.v1.ReportService/DownloadReport": _REPORTING,
    "/huxin.v1.ReportService/CheckEligibility": _REPORTING,
    "/huxin.v1.VerificationService/Verify": _VERIFYING,
    "/huxin.v1.VerificationService/BatchVerify": _VERIFYING,
    "/huxin.v1.VerificationService/Present": _VERIFYING,
    "/huxin.v1.VerificationService/ListRequirements": _VERIFYING,
    "/huxin.v1.VerificationService/GetRequirement": _VERIFYING,
    "/huxin.v1.CatalogueService/GetTaxonomy": _READING,
    "/huxin.v1.CatalogueService/ListCatalogues": _READING,
    "/huxin.v1.CatalogueService/GetCatalogue": _READING,
    "/huxin.v1.CatalogueService/GetCoverageMatrix": _READING,
    "/huxin.v1.FederationService/Follow": _FEDERATING,
    "/huxin.v1.FederationService/Acknowledge": _FEDERATING,
    "/huxin.v1.FederationService/GetCheckpoint": _FEDERATING,
    "/huxin.v1.FederationService/GetHeads": _FEDERATING,
    "/huxin.v1.FederationService/FetchTrust": _FEDERATING,
    "/huxin.v1.FederationService/PublishTrust": _FEDERATING,
    "/huxin.v1.FederationService/Deliver": _FEDERATING,
    "/huxin.v1.ExchangeService/AskForReport": _REPORTING,
    "/huxin.v1.ExchangeService/GetAskedReport": _REPORTING,
    "/huxin.v1.ExchangeService/ListAskedReports": _REPORTING,
    "/huxin.v1.ExchangeService/DownloadAskedReport": _REPORTING,
    "/huxin.v1.ExchangeService/ListSubjectsElsewhere": _REPORTING,
    "/huxin.v1.ExchangeService/ListSharedSubjects": _REPORTING,
    "/huxin.v1.AdminService/ListPeers": _OPERATING,
    "/huxin.v1.AdminService/ListSplitViews": _OPERATING,
    "/huxin.v1.AdminService/ChangeStatus": _OPERATING,
    "/huxin.v1.AdminService/ListMessages": _OPERATING,
    "/huxin.v1.AdminService/GetMessage": _OPERATING,
    "/huxin.v1.AdminService/RetryMessage": _OPERATING,
    "/grpc.health.v1.Health/Check": OWN,
    "/grpc.health.v1.Health/Watch": OWN,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": OWN,
}
"""Full method name -> parties it is open to."""


def role_of(caller: Caller, own_division: str) -> Party:
    """What a caller is to the node of `own_division`; of other jurisdictions only nodes are anybody."""
    if caller.division == own_division:
        return _OWN_PARTIES.get(caller.role, Party.NOBODY)
    return Party.PEER_NODE if caller.role == "node" else Party.NOBODY


def parties_for(method: str) -> frozenset[Party]:
    """Parties that a method is open to: none when the table does not name it."""
    return PERMISSIONS.get(method, frozenset())


def as_markdown() -> str:
    """The table as `docs/permissions.md` shows it."""
    parties = [party for party in Party if party is not Party.NOBODY]
    return "\n".join(
        [
            "# Permissions",
            "",
            "Who may call which gRPC method. What the table does not name is closed, to everyone.",
            "Written from `node/rpc/permissions.py` by `node.rpc.permissions.as_markdown`; a test keeps them equal.",
            "",
            "The party is read from the caller's certificate: its SPIFFE ID names jurisdiction and role, and only",
            "that jurisdiction's CA can vouch for it. *own* is the node's jurisdiction, *peer* any other it trusts.",
            "",
            *_table(parties),
            "",
        ]
    )


def _table(parties: Iterable[Party]) -> Iterable[str]:
    columns = list(parties)
    yield "| method | " + " | ".join(columns) + " |"
    yield "|---|" + ":-:|" * len(columns)
    for method, opened in PERMISSIONS.items():
        cells = ("yes" if party in opened else "" for party in columns)
        yield f"| `{method[1:]}` | " + " | ".join(cells) + " |"
