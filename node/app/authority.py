"""The jurisdiction's own CA, where its key is at hand: issues, renews, revokes, and gives way to its successor.

Files: `tls.ca` holds the CA certificates, oldest first, and is what own workloads trust. `keys.ca` names the key of
the CA in use; the key of its successor lies beside it, as `ca-next.key`, until the old CA is retired. A successor
issues once it has been published for `keys.ca_overlap_seconds`: by then every peer has its certificate, so that no call
is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from node.app.held_key import load_passphrase
from node.app.workload_pair import PairFiles, share_left
from node.config.settings import Settings
from node.errors import BadConfiguration, HuxinError
from node.registry.directory import write_durably
from trust import certificates, keys
from trust.algorithms import Suite, load_public_key
from trust.certificates import PARSE_ERRORS, ca_key_digest
from trust.identities import Role, WorkloadIdentity
from trust.keys import PrivateKey

RandomBytes = Callable[[int], bytes]

CA_YEARS = 10
NODE_DAYS = 30
"""Life of a node's certificate: it renews itself when a third is left."""
WORKLOAD_DAYS = 397
"""Life of the others' certificates: they are renewed and handed over by hand."""
DUE_SHARE = 1 / 3
"""What is left of a certificate's life when it is time to renew it."""
BACKDATED = timedelta(hours=1)
"""Certificates begin a little early, for clocks that are a little late."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA of this jurisdiction with its key."""

    certificate: x509.Certificate
    key: PrivateKey

    def issue(
        self, identity: WorkloadIdentity, public_key: PrivateKey, now: datetime, days: int, random: RandomBytes
    ) -> x509.Certificate:
        """A certificate from now on, no longer than the CA's own. Raises HuxinError when the CA ends within a day."""
        begin, ca_end = now - BACKDATED, self.certificate.not_valid_after_utc
        if ca_end < now + timedelta(days=1):
            raise HuxinError(
                "CA_EXPIRED", "The CA has ended or ends within a day; make a new one (`huxin certificate rotate-ca`)."
            )
        return certificates.issue_workload(
            self.certificate,
            self.key,
            identity,
            load_public_key(public_key.spki, public_key.suite.value),
            serial(random),
            begin,
            min(begin + timedelta(days=days), ca_end),
        )


@dataclass(frozen=True, slots=True)
class AuthorityFiles:
    """Where the own CA lies. `key` is None where the CA is kept elsewhere."""

    certificates: Path
    key: Path | None
    passphrase: bytes | None
    overlap: timedelta

    @property
    def next_key(self) -> Path:
        """Where the key of the successor lies. Raises HuxinError where the CA is kept elsewhere."""
        if self.key is None:
            raise _elsewhere()
        return self.key.with_name(f"{self.key.stem}-next{self.key.suffix}")

    @property
    def at_hand(self) -> bool:
        """Whether the key of a CA is here."""
        return self.key is not None and self.key.exists()

    def listed(self) -> tuple[x509.Certificate, ...]:
        """The CA certificates, oldest first. Raises BadConfiguration."""
        try:
            found = x509.load_pem_x509_certificates(self.certificates.read_bytes())
        except (OSError, *PARSE_ERRORS):
            raise BadConfiguration("tls.ca", "is not readable as CA certificates. Restore the file.") from None
        if not found:
            raise BadConfiguration("tls.ca", "holds no CA certificate. Restore the file.")
        return tuple(sorted(found, key=lambda ca: ca.not_valid_before_utc))

    def key_of(self, ca: x509.Certificate) -> PrivateKey:
        """The key of one of these CAs. Raises HuxinError where it is not here."""
        if self.key is None or not self.at_hand:
            raise _elsewhere()
        held = [keys.load(path, self.passphrase) for path in (self.key, self.next_key) if path.exists()]
        wanted = ca_key_digest(ca).hex()
        found = next((key for key in held if key.key_id == wanted), None)
        if found is None:
            raise HuxinError(
                "CA_KEY_UNFIT", "The key of this CA is not the one that keys.ca names; restore the two that match."
            )
        return found

    def issuing(self, now: datetime) -> Authority:
        """The CA that issues now, with its key. Raises HuxinError."""
        ca = self.issuer_at(now)
        return Authority(ca, self.key_of(ca))

    def issuer_at(self, now: datetime) -> x509.Certificate:
        """The CA that issues at an instant: the newest that every peer knows by then."""
        return self.in_use(now)[0]

    def in_use(self, now: datetime) -> tuple[x509.Certificate, ...]:
        """The CA that issues at an instant, and its successor: what comes from an older one is to be renewed."""
        listed = self.listed()
        issuing = next((at for at, ca in reversed(list(enumerate(listed))) if self.issues_from(ca) <= now), 0)
        return listed[issuing:]

    def issues_from(self, ca: x509.Certificate) -> datetime:
        """From when on a CA issues: at once when it is the only one, else when it has been published long enough."""
        if ca == self.listed()[0]:
            return ca.not_valid_before_utc
        return ca.not_valid_before_utc + BACKDATED + self.overlap

    def settle(self) -> None:
        """Ends what a crash has cut off: the key of a successor that is the only CA left replaces the old one."""
        if self.key is None or not self.next_key.exists():
            return
        successor = keys.load(self.next_key, self.passphrase)
        if [ca_key_digest(ca).hex() for ca in self.listed()] == [successor.key_id]:
            self.next_key.replace(self.key)

    def write(self, cas: Sequence[x509.Certificate]) -> None:
        """Replaces the CA certificates."""
        write_durably(self.certificates, "".join(ca.public_bytes(Encoding.PEM).decode() for ca in cas))


def own_authority(settings: Settings) -> AuthorityFiles:
    """The files of the CA as the settings name them."""
    overlap = timedelta(seconds=settings.keys.ca_overlap_seconds)
    return AuthorityFiles(settings.tls.ca, settings.keys.ca, load_passphrase(settings), overlap)


def make_ca(division: str, name: str, key: PrivateKey, now: datetime, random: RandomBytes) -> x509.Certificate:
    """A CA certificate of this jurisdiction, for ten years."""
    begin = now - BACKDATED
    end = begin + timedelta(days=365 * CA_YEARS)
    return certificates.create_ca(division, name, key, serial(random), begin, end)


def issue(
    authority: Authority, identity: WorkloadIdentity, files: PairFiles, now: datetime, days: int, random: RandomBytes
) -> x509.Certificate:
    """Makes key and certificate of a workload and puts them into their place, where a renewal replaces the old pair.

    Workload keys carry no passphrase: gRPC reads them as they are. They are short-lived and open nothing else. Each
    certificate is recorded first (`issued/<serial>.crt`): nobody can revoke what nobody knows of.
    """
    key = keys.generate(Suite.ECDSA_P256_SHA256)
    leaf = authority.issue(identity, key, now, days, random)
    record = record_folder(files.certificate.parent) / f"{leaf.serial_number:x}.crt"
    write_durably(record, leaf.public_bytes(Encoding.PEM).decode())
    files.replace(key, leaf)
    return leaf


def record_folder(folder: Path) -> Path:
    """Where every certificate that was issued into a folder is recorded."""
    return folder / "issued"


def usual_days(role: Role) -> int:
    """How long a certificate of a role usually lasts."""
    return NODE_DAYS if role is Role.NODE else WORKLOAD_DAYS


def issued_by(leaf: x509.Certificate, ca: x509.Certificate) -> bool:
    """Whether that CA signed the certificate."""
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_due(leaf: x509.Certificate, in_use: Sequence[x509.Certificate], now: datetime) -> bool:
    """Whether a certificate is to be renewed: a third of its life is left, or it is from no CA in use."""
    return share_left(leaf, now) <= DUE_SHARE or not any(issued_by(leaf, ca) for ca in in_use)


def serial(random: RandomBytes) -> int:
    """A certificate serial number: 127 random bits, positive, never zero (RFC 5280 section 4.1.2.2)."""
    return int.from_bytes(random(16), "big") >> 1 | 1


def _elsewhere() -> HuxinError:
    return HuxinError(
        "CA_ELSEWHERE",
        "The CA key is not here (keys.ca). Do this where it is kept, or bring it and name it for this one command: "
        "HUXIN_KEYS__CA=/path/of/ca.key.",
    )
