"""The authenticator: what it remembers and what it judges anew."""

from datetime import datetime, timedelta

import pytest

from node.errors import NotAuthenticated
from node.rpc.caller import Caller
from node.rpc.identity import Authenticator, Credential
from tests.rpc.federation import GUIZHOU, SHANXI
from tests.rpc.world import END, PARTIES, START, USCC, Trust


class Watched:
    """The real validation, counted."""

    def __init__(self) -> None:
        self.trust = Trust()
        self.validations = 0
        self.now = START + timedelta(hours=1)
        self.authenticate = Authenticator(self.validate, lambda: self.trust.version, lambda: self.now)

    def validate(self, leaf: bytes, at: datetime) -> Credential:
        self.validations += 1
        return self.trust.validate(leaf, at)


def test_a_certificate_is_validated_once() -> None:
    watched = Watched()
    leaf = PARTIES["own-relying-party"].pem
    assert [watched.authenticate(leaf) for _ in range(3)] == [Caller(SHANXI, "relying-party", USCC)] * 3
    assert watched.validations == 1


def test_a_new_version_of_the_trusted_state_validates_anew() -> None:
    watched = Watched()
    leaf = PARTIES["peer-node"].pem
    watched.authenticate(leaf)
    watched.trust.trust(SHANXI)
    with pytest.raises(NotAuthenticated) as caught:
        watched.authenticate(leaf)
    assert caught.value.reason == "TRUST_DOMAIN_UNKNOWN"
    watched.trust.trust(SHANXI, GUIZHOU)
    assert watched.authenticate(leaf) == Caller(GUIZHOU, "node")
    assert watched.validations == 3


@pytest.mark.parametrize("now", [START - timedelta(seconds=1), END + timedelta(seconds=1)])
def test_validity_is_judged_at_each_call(now: datetime) -> None:
    watched = Watched()
    leaf = PARTIES["own-gateway"].pem
    watched.authenticate(leaf)
    watched.now = now
    with pytest.raises(NotAuthenticated):
        watched.authenticate(leaf)
    watched.now = END
    assert watched.authenticate(leaf) == Caller(SHANXI, "gateway")


def test_refusals_are_not_remembered() -> None:
    watched = Watched()
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            watched.authenticate(b"no certificate")
    assert watched.validations == 2


def test_callers_have_one_name_each() -> None:
    names = {Caller(SHANXI, "gateway").name, Caller(SHANXI, "source", "tax").name, Caller(GUIZHOU, "gateway").name}
    assert names == {"140000/gateway", "140000/source/tax", "520000/gateway"}
