"""SPIFFE IDs: five forms are read, every other spelling is refused."""

import pytest

from trust.errors import CertificateRejected
from trust.identities import (
    Role,
    WorkloadIdentity,
    node_dns_name,
    parse_spiffe_id,
    parse_trust_domain_id,
    trust_domain_id,
)

SHANXI = "140000"
USCC = "91140000MA0FAKE00X"  # synthetic


@pytest.mark.parametrize(
    ("text", "role", "detail"),
    [
        ("spiffe://140000.huxin/node", Role.NODE, ""),
        ("spiffe://140000.huxin/gateway", Role.GATEWAY, ""),
        ("spiffe://140000.huxin/operator", Role.OPERATOR, ""),
        ("spiffe://140000.huxin/source/tax-bureau", Role.SOURCE, "tax-bureau"),
        ("spiffe://140000.huxin/relying-party/" + USCC, Role.RELYING_PARTY, USCC),
    ],
)
def test_the_five_forms_there_are(text: str, role: Role, detail: str) -> None:
    identity = parse_spiffe_id(text)
    assert identity == WorkloadIdentity(SHANXI, role, detail)
    assert identity.spiffe_id == text
    assert identity.dns_names == ((node_dns_name(SHANXI),) if role is Role.NODE else ())


def test_a_trust_domain_there_and_back() -> None:
    assert trust_domain_id(SHANXI) == "spiffe://140000.huxin"
    assert parse_trust_domain_id("spiffe://140000.huxin") == SHANXI


@pytest.mark.parametrize("text", ["", "spiffe://140000.huxin/", "spiffe://140000.huxin/node", "spiffe://1.huxin"])
def test_every_other_spelling_of_a_trust_domain_is_refused(text: str) -> None:
    with pytest.raises(CertificateRejected):
        parse_trust_domain_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spiffe://140000.huxin",
        "spiffe://140000.huxin/",
        "spiffe://140000.huxin/node/",
        "spiffe://140000.huxin//node",
        "spiffe://140000.huxin/node/x",
        "spiffe://140000.huxin/Node",
        "spiffe://140000.HUXIN/node",
        "SPIFFE://140000.huxin/node",
        "https://140000.huxin/node",
        "spiffe://140000.huxin:443/node",
        "spiffe://user@140000.huxin/node",
        "spiffe://140000.huxin/node?x=1",
        "spiffe://140000.huxin/node#x",
        "spiffe://140000.huxin/n%6fde",
        "spiffe://140000.huxin/./node",
        "spiffe://140000.huxin/gateway/../node",
        "spiffe://140000.huxin/admin",
        "spiffe://140000.huxin/source",
        "spiffe://140000.huxin/source/",
        "spiffe://140000.huxin/source/Tax",
        "spiffe://140000.huxin/source/-tax",
        "spiffe://140000.huxin/source/tax-",
        "spiffe://140000.huxin/source/tax/customs",
        "spiffe://140000.huxin/source/" + "a" * 64,
        "spiffe://140000.huxin/relying-party",
        "spiffe://140000.huxin/relying-party/" + USCC.lower(),
        "spiffe://140000.huxin/relying-party/" + USCC[:17],
        "spiffe://140000.huxin/relying-party/" + USCC + "0",
        "spiffe://140000.huxin/relying-party/91140000MA0OOOOO0X",
        "spiffe://14000.huxin/node",
        "spiffe://1400000.huxin/node",
        "spiffe://14000a.huxin/node",
        "spiffe://１４００００.huxin/node",
        "spiffe://evil.140000.huxin/node",
        "spiffe://140000.huxin.evil/node",
        "spiffe://140000xhuxin/node",
        " spiffe://140000.huxin/node",
        "spiffe://140000.huxin/node ",
        "spiffe://140000.huxin/node\n",
    ],
)
def test_every_other_spelling_of_an_identity_is_refused(text: str) -> None:
    with pytest.raises(CertificateRejected) as raised:
        parse_spiffe_id(text)
    assert raised.value.reason == "SPIFFE_ID_INVALID"


@pytest.mark.parametrize(
    ("role", "detail"), [(Role.NODE, "x"), (Role.SOURCE, ""), (Role.SOURCE, "a/b"), (Role.RELYING_PARTY, "x")]
)
def test_no_identity_is_made_that_no_spiffe_id_names(role: Role, detail: str) -> None:
    with pytest.raises(CertificateRejected):
        WorkloadIdentity(SHANXI, role, detail)
