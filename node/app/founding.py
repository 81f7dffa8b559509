"""`huxin init`: a jurisdiction gets its keys, its CA, its own signed bundle, its settings and its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from node.app.held_key import read_pin_source
from node.errors import InvalidInput
from node.registry.directory import TrustDirectory, write_durably
from trust import certificates, keys, statements
from trust.algorithms import Suite, load_public_key
from trust.envelope import seal, to_json
from trust.identities import Role, WorkloadIdentity
from trust.keys import Signer
from trust.log.checkpoint import origin_of
from trust.token_uri import TokenUri, read_token_uri
from trust.tokens import Tokens
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo

RandomBytes = Callable[[int], bytes]

CA_YEARS = 10
BACKDATED = timedelta(hours=1)
"""Certificates begin a little early, for clocks that are a little late."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of a jurisdiction lie below its home folder. Keys are readable by their owner only."""

    home: Path

    @property
    def settings(self) -> Path:
        """The settings, a TOML file."""
        return self.home / "huxin.toml"

    @property
    def trust(self) -> Path:
        """The folder of signed bundles and trust certificates."""
        return self.home / "trust"

    def key(self, name: str) -> Path:
        """The private key of that name, PEM."""
        return self.home / "keys" / f"{name}.key"

    def certificate(self, name: str) -> Path:
        """The X.509 certificate of that name, PEM."""
        return self.home / "certificates" / f"{name}.crt"


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new jurisdiction says of itself. `suite` is the suite of its signing key.

    `token`: where the keys are made with which the node signs. None: in files. The CA's key is a file in any case, to
    be kept away from the node.
    """

    division: str
    name_zh: str
    name_en: str
    endpoints: tuple[str, ...]
    contacts: tuple[str, ...]
    suite: Suite
    workload_days: int
    token: TokenUri | None = None

    def key_places(self) -> Mapping[str, str]:
        """Where each key is that the node signs with, as the settings say it; by the name of the setting."""
        if self.token is None:
            return {name: f"keys/{name}.key" for name in NODE_KEYS}
        before = f"{self.token.object}-" if self.token.object else ""
        return {name: str(self.token.naming(before + name)) for name in NODE_KEYS}


NODE_KEYS = ("signing", "log", "cosigner")

WORKLOADS = (Role.NODE, Role.GATEWAY, Role.OPERATOR)
"""Workloads that get a certificate at once; others get theirs by `huxin certificate issue`."""


def found(layout: Layout, founding: Founding, now: datetime, random: RandomBytes, passphrase: bytes | None) -> None:
    """Creates keys, CA, workload certificates and the own bundle, version 1. Raises InvalidInput if the home is in use.

    The own bundle is written last: a crash before leaves a home that `serve` refuses and that can be deleted.
    """
    if layout.home.exists() and any(layout.home.iterdir()):
        raise InvalidInput(
            "home", "The folder is not empty; choose a new one, or delete it if `huxin init` was cut off."
        )
    for folder in ("keys", "certificates", "trust/bundles", "trust/certificates"):
        (layout.home / folder).mkdir(parents=True, mode=0o700)
    signing, head, cosigner = _node_keys(layout, founding, passphrase)
    ca_key = keys.generate(Suite.ECDSA_P256_SHA256)
    keys.save(ca_key, layout.key("ca"), passphrase)
    begin = now - BACKDATED
    ca = certificates.create_ca(
        founding.division,
        f"{founding.name_en} huxin CA",
        ca_key,
        serial(random),
        begin,
        begin + timedelta(days=365 * CA_YEARS),
    )
    write_durably(layout.certificate("ca"), ca.public_bytes(Encoding.PEM).decode())
    for role in WORKLOADS:
        identity = WorkloadIdentity(founding.division, role, "")
        issue(layout, identity, role.value, now, founding.workload_days, random, passphrase)
    bundle = JurisdictionBundle(
        division=founding.division,
        name_zh=founding.name_zh,
        name_en=founding.name_en,
        version=1,
        issued_at=now,
        ca_certificates=(ca.public_bytes(Encoding.DER),),
        signing_keys=(SigningKeyInfo(signing.spki, signing.suite.value, begin),),
        log=LogKeys(origin_of(founding.division), head.spki, cosigner.spki),
        endpoints=founding.endpoints,
        contacts=founding.contacts,
    )
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), [signing])
    TrustDirectory(layout.trust, founding.division).accept_bundle(to_json(sealed), signing.key_id)


def _node_keys(layout: Layout, founding: Founding, passphrase: bytes | None) -> list[Signer]:
    """The keys of NODE_KEYS, made in the token or in files."""
    suites = (founding.suite, Suite.ED25519, Suite.ED25519)
    made: list[Signer] = []
    tokens = Tokens(read_pin_source)
    for (name, place), suite in zip(founding.key_places().items(), suites, strict=True):
        if founding.token is not None:
            made.append(tokens.generate(read_token_uri(place), suite))
            continue
        key = keys.generate(suite)
        keys.save(key, layout.key(name), passphrase)
        made.append(key)
    return made


def issue(
    layout: Layout,
    identity: WorkloadIdentity,
    name: str,
    now: datetime,
    days: int,
    random: RandomBytes,
    passphrase: bytes | None,
) -> None:
    """Makes a key and a certificate for a workload of this jurisdiction: `keys/<name>.key`, `certificates/<name>.crt`.

    Workload keys carry no passphrase: gRPC reads them as they are. They are short-lived and open nothing else.
    """
    ca = x509.load_pem_x509_certificate(layout.certificate("ca").read_bytes())
    ca_key = keys.load(layout.key("ca"), passphrase)
    key = keys.generate(Suite.ECDSA_P256_SHA256)
    keys.save(key, layout.key(name))
    begin = now - BACKDATED
    leaf = certificates.issue_workload(
        ca,
        ca_key,
        identity,
        load_public_key(key.spki, key.suite.value),
        serial(random),
        begin,
        min(begin + timedelta(days=days), ca.not_valid_after_utc),
    )
    write_durably(layout.certificate(name), leaf.public_bytes(Encoding.PEM).decode())


def serial(random: RandomBytes) -> int:
    """A certificate serial number: 127 random bits, positive, never zero (RFC 5280 section 4.1.2.2)."""
    return int.from_bytes(random(16), "big") >> 1 | 1
