"""`huxin init`: a jurisdiction gets its keys, its CA, its own signed bundle, its settings and its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from node.app.authority import BACKDATED, Authority, RandomBytes, issue, make_ca
from node.app.ceremony_files import new_key
from node.app.held_key import read_pin_source
from node.app.workload_pair import PairFiles
from node.errors import InvalidInput
from node.registry.directory import TrustDirectory, write_durably
from trust import keys, statements
from trust.algorithms import Suite
from trust.envelope import seal, to_json
from trust.identities import Role, WorkloadIdentity
from trust.keys import PrivateKey, Signer
from trust.libcrypto import LIBCRYPTO
from trust.log.checkpoint import origin_of
from trust.sealing import SEALING_SUITE, generate_sealing_key, save_sealing_key
from trust.token_uri import TokenUri, read_token_uri
from trust.tokens import Tokens
from trust.vocabulary import JurisdictionBundle, LogKeys, SealingKeyInfo, SigningKeyInfo


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

    def pair(self, name: str) -> PairFiles:
        """The certificate of that name and its key."""
        return PairFiles(self.certificate(name), self.key(name))


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new jurisdiction says of itself. `suite` is the suite of its signing key, `libcrypto` makes one of SM2.

    Certificates last `node_days` for its node, `workload_days` for the others.

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
    node_days: int
    libcrypto: str = LIBCRYPTO
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

    Raises UnknownSuite, with nothing made, where this machine has not the suite, and KeyUnavailable without the token.
    The own bundle is written last: a crash before leaves a home that `serve` refuses and that can be deleted.
    """
    if layout.home.exists() and any(layout.home.iterdir()):
        raise InvalidInput(
            "home", "The folder is not empty; choose a new one, or delete it if `huxin init` was cut off."
        )
    made = _node_keys(founding)  # first: a suite or a token may not be to be had here
    signing, head, cosigner = (made[name] for name in NODE_KEYS)
    for folder in ("keys", "certificates", "trust/bundles", "trust/certificates"):
        (layout.home / folder).mkdir(parents=True, mode=0o700)
    ca_key = keys.generate(Suite.ECDSA_P256_SHA256)
    for name, key in {**made, "ca": ca_key}.items():
        if isinstance(key, PrivateKey):
            keys.save(key, layout.key(name), passphrase)
    new_key(layout.key("registry"), Suite.ED25519, passphrase)
    sealing = generate_sealing_key()
    save_sealing_key(sealing, layout.key("sealing"), passphrase)
    ca = make_ca(founding.division, f"{founding.name_en} huxin CA", ca_key, now, random)
    write_durably(layout.certificate("ca"), ca.public_bytes(Encoding.PEM).decode())
    for role in WORKLOADS:
        identity = WorkloadIdentity(founding.division, role, "")
        days = founding.node_days if role is Role.NODE else founding.workload_days
        issue(Authority(ca, ca_key), identity, layout.pair(role.value), now, days, random)
    bundle = JurisdictionBundle(
        division=founding.division,
        name_zh=founding.name_zh,
        name_en=founding.name_en,
        version=1,
        issued_at=now,
        ca_certificates=(ca.public_bytes(Encoding.DER),),
        signing_keys=(SigningKeyInfo(signing.spki, signing.suite.value, now - BACKDATED),),
        log=LogKeys(origin_of(founding.division), head.spki, cosigner.spki),
        endpoints=founding.endpoints,
        contacts=founding.contacts,
        sealing_keys=(SealingKeyInfo(sealing.spki, SEALING_SUITE, now - BACKDATED),),
    )
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), [signing])
    TrustDirectory(layout.trust, founding.division, founding.libcrypto).accept_bundle(to_json(sealed), signing.key_id)


def _node_keys(founding: Founding) -> dict[str, Signer]:
    """The keys of NODE_KEYS, made in the token, or in memory to be saved as files."""
    suites = (founding.suite, Suite.ED25519, Suite.ED25519)
    tokens = Tokens(read_pin_source)
    return {
        name: keys.generate(suite, founding.libcrypto)
        if founding.token is None
        else tokens.generate(read_token_uri(place), suite)
        for (name, place), suite in zip(founding.key_places().items(), suites, strict=True)
    }
