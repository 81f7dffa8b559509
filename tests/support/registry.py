"""A trust registry in small: root held by three jurisdictions, two of whom must sign, and what they publish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from node.registry.documents import Delegation, Document, RootDocument, TargetsDocument
from node.registry.keys import RegistrySigner
from node.registry.publishing import Publication, next_publication
from node.registry.refresh import NotServed, Refreshed, refresh
from node.registry.release import Changes, Online, next_release
from tests.support.trust import key
from trust import certificates, statements
from trust.algorithms import PublicKey, Suite
from trust.envelope import seal
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo

FOUNDED = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HOLDERS = ("140000", "520000", "620100")
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
TIMESTAMP_LIFE, SNAPSHOT_LIFE, PUBLICATION_LIFE = 5 * DAY, 30 * DAY, 90 * DAY


NO_CHANGES = Changes()


def public(name: str) -> PublicKey:
    """The public half of a key by name."""
    return key(name).public


def signed(document: Document, *names: str) -> bytes:
    """A document with the signatures of the keys of these names."""
    made = {key(name).key_id: key(name).sign(document.payload).hex() for name in names}
    return replace(document, signatures=made).to_bytes()


def root_document(version: int = 1, now: datetime = FOUNDED, threshold: int = 2, **holders: str) -> RootDocument:
    """A root; `holders` are names of keys other than `root <division>`, as d140000='another key'."""
    names = {division: holders.get(f"d{division}", f"root {division}") for division in HOLDERS}
    return RootDocument(
        version=version,
        expires=now + 365 * DAY,
        holders={division: public(name) for division, name in names.items()},
        threshold=threshold,
        coordinator="140000",
        snapshot=public("snapshot"),
        timestamp=public("timestamp"),
    )


def targets_document(*divisions: str, version: int = 1, now: datetime = FOUNDED) -> TargetsDocument:
    """Delegations to these jurisdictions, each to its key `registry <division>`."""
    each = {division: public(f"registry {division}") for division in divisions}
    return TargetsDocument(
        version=version,
        expires=now + 365 * DAY,
        delegations={division: Delegation({found.key_id: found}, 1) for division, found in each.items()},
    )


def ca_of(division: str, now: datetime = FOUNDED) -> bytes:
    """A CA certificate of a jurisdiction, DER."""
    ca = key(f"ca {division}", Suite.ECDSA_P256_SHA256)
    return certificates.create_ca(division, "synthetic CA", ca, 1, now - DAY, now + 3650 * DAY).public_bytes(
        Encoding.DER
    )


_CAS: dict[str, bytes] = {}


def bundle_of(
    division: str, version: int = 1, at: datetime = FOUNDED, keys: tuple[SigningKeyInfo, ...] = ()
) -> JurisdictionBundle:
    """What a jurisdiction says of itself; by default with its key `<division>`, valid since a day before."""
    if division not in _CAS:
        _CAS[division] = ca_of(division)
    return JurisdictionBundle(
        division=division,
        name_zh="合成",
        name_en="Synthetic",
        version=version,
        issued_at=at,
        ca_certificates=(_CAS[division],),
        signing_keys=keys or (SigningKeyInfo(public(division).spki, "ed25519", FOUNDED - DAY),),
        log=LogKeys(f"huxin/{division}", public(f"head {division}").spki, public(f"cosigner {division}").spki),
    )


def sealed(bundle: JurisdictionBundle, *signers: str) -> bytes:
    """Envelope bytes of a bundle, signed by its jurisdiction's key or by these."""
    payload = statements.encode_jurisdiction_bundle(bundle)
    names = signers or (bundle.division,)
    return statements.encode_envelope(seal(statements.JURISDICTION_BUNDLE, payload, [key(name) for name in names]))


def online() -> Online:
    """The coordinator's signers."""
    return Online(RegistrySigner(key("snapshot")), RegistrySigner(key("timestamp")), SNAPSHOT_LIFE, TIMESTAMP_LIFE)


class Offered:
    """A source that offers these files; `alter` changes what is sent, as a dishonest mirror does."""

    def __init__(self, files: Mapping[str, bytes], alter: Callable[[str, bytes], bytes] | None = None) -> None:
        self.files = dict(files)
        self.asked: list[str] = []
        self._alter = alter

    def fetch(self, name: str) -> Iterator[bytes]:
        self.asked.append(name)
        if name not in self.files:
            raise NotServed
        yield self.files[name] if self._alter is None else self._alter(name, self.files[name])


class Federation:
    """The coordinator's registry as it grows: every change is a release that a client has verified."""

    def __init__(self, *divisions: str, now: datetime = FOUNDED) -> None:
        self.root = signed(root_document(now=now), "root 140000", "root 520000")
        self.now = now
        self.held: Mapping[str, bytes] = {"1.root.json": self.root}
        targets = signed(targets_document(*divisions, now=now), "root 140000", "root 520000")
        self.verified: Refreshed = self.release(Changes(targets=targets))
        for division in divisions:
            self.publish(division)

    @property
    def anchor(self) -> Mapping[str, bytes]:
        """What a node begins with."""
        return {"1.root.json": self.root}

    def release(self, changes: Changes = NO_CHANGES, now: datetime | None = None) -> Refreshed:
        """One more release."""
        self.now = now or self.now + SECOND
        offered = next_release(self.held, changes, online(), self.now)
        self.verified = refresh(self.held, Offered(offered), self.now)
        self.held = self.verified.files
        return self.verified

    def publication(
        self, division: str, bundle: bytes | None = None, extra: Mapping[str, bytes] | None = None, signer: str = ""
    ) -> Publication:
        """What a jurisdiction hands to the coordinator."""
        content = {f"{division}/bundle": bundle or sealed(bundle_of(division)), **(extra or {})}
        by = RegistrySigner(key(signer or f"registry {division}"))
        found = next_publication(self.held, division, content, by, self.now, PUBLICATION_LIFE)
        assert found is not None
        return found

    def publish(
        self, division: str, bundle: bytes | None = None, extra: Mapping[str, bytes] | None = None
    ) -> Refreshed:
        """A jurisdiction publishes, and the coordinator releases."""
        return self.release(Changes(publications=(self.publication(division, bundle, extra),)))
