"""The generated matrix: every method x every party through real mTLS, each cell, and the default."""

from pathlib import Path

import grpc
import grpc.aio
import pytest

from node.rpc import permissions
from node.rpc.caller import Caller
from node.rpc.permissions import PERMISSIONS, Party, as_markdown, role_of
from tests.rpc.world import PARTIES, Door, opened, reason_of, unary
from tests.support.calls import code_of

OWN = {"own-gateway", "own-operator", "own-relying-party", "own-source", "own-node"}
READERS = OWN - {"own-node"}

# Written a second time, on purpose: the table itself must not decide whether it is right.
OPEN_TO = {
    "ReportService": {"own-gateway"},
    "ReportService/GetReport": {"own-gateway", "own-operator"},
    "VerificationService": {"own-gateway", "own-relying-party"},
    "CatalogueService": READERS,
    "FederationService": {"peer-node"},
    "AdminService": {"own-operator"},
    "ExchangeService": {"own-gateway"},
    "Health": OWN,
    "Health/List": set[str](),  # the library declares it and does not have it for asyncio
    "ServerReflection": OWN,
    "Nothing": set[str](),
}
DENIED = {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED}


def expected(method: str) -> set[str]:
    service, name = method.rsplit(".", 1)[1].split("/")
    return OPEN_TO.get(f"{service}/{name}", OPEN_TO[service])


@pytest.mark.parametrize("party", PARTIES)
async def test_every_cell_of_the_table(party: str) -> None:
    async with opened(Door()) as door:
        channel = door.channel(PARTIES[party])
        methods = (*door.server.methods, "/huxin.v1.Nothing/Anything")
        async with channel:
            codes = {method: await code_of(channel, method) for method in methods}
    opened_here = {method for method, code in codes.items() if code not in DENIED}
    if party in OWN:
        # Own workloads learn that a method is unknown, which opens nothing: their libraries try versions of services.
        assert codes["/huxin.v1.Nothing/Anything"] is grpc.StatusCode.UNIMPLEMENTED
        opened_here.discard("/huxin.v1.Nothing/Anything")
    assert opened_here == {method for method in methods if party in expected(method)}
    assert {code for code in codes.values() if code in DENIED} <= {grpc.StatusCode.PERMISSION_DENIED}


async def test_the_table_names_what_is_served() -> None:
    assert set(Door().server.methods) - set(PERMISSIONS) == {"/grpc.health.v1.Health/List"}
    assert set(PERMISSIONS) <= set(Door().server.methods)


async def test_what_the_table_does_not_name_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = "/huxin.v1.CatalogueService/GetTaxonomy"
    narrowed = {method: parties for method, parties in PERMISSIONS.items() if method != closed}
    monkeypatch.setattr(permissions, "PERMISSIONS", narrowed)
    async with opened(Door()) as door, door.channel(PARTIES["own-gateway"]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, closed)(b"")
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(caught.value) == "NOT_PERMITTED"


@pytest.mark.parametrize(
    ("caller", "party"),
    [
        (Caller("140000", "gateway"), Party.OWN_GATEWAY),
        (Caller("140000", "node"), Party.OWN_NODE),
        (Caller("140000", "administrator"), Party.NOBODY),
        (Caller("520000", "node"), Party.PEER_NODE),
        (Caller("520000", "gateway"), Party.NOBODY),
        (Caller("520000", "operator"), Party.NOBODY),
    ],
)
def test_role_of(caller: Caller, party: Party) -> None:
    assert role_of(caller, "140000") is party


def test_nobody_is_in_no_cell() -> None:
    assert all(Party.NOBODY not in parties for parties in PERMISSIONS.values())


def test_the_documentation_shows_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "permissions.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "write it anew with node.rpc.permissions.as_markdown()"
