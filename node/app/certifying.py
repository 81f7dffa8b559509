"""`huxin certificate`: renewal, revocation, and one CA giving way to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from node.app.authority import (
    Authority,
    AuthorityFiles,
    RandomBytes,
    is_due,
    issue,
    issued_by,
    make_ca,
    own_authority,
    record_folder,
    usual_days,
)
from node.app.trusting import amend_own_bundle, trusted_state
from node.app.workload_pair import PairFiles
from node.config.settings import Settings
from node.errors import HuxinError, InvalidInput
from node.model.calendar import in_china
from trust import keys
from trust.algorithms import Suite
from trust.certificates import ca_key_digest, claimed_identity, load_certificate
from trust.errors import CertificateRejected
from trust.revocation import RevocationList, Revoked, bundle_lists, create_revocation_list, read_revocation_list
from trust.vocabulary import JurisdictionBundle

LIST_DAYS = 397
"""How long a revocation list speaks. It goes on counting after that, and is warned of."""


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that was issued here. `names`: the workloads that use it now; empty when it was replaced."""

    leaf: x509.Certificate
    names: tuple[str, ...]

    @property
    def serial(self) -> str:
        """Serial number as it is written everywhere: lowercase hex."""
        return f"{self.leaf.serial_number:x}"

    @property
    def label(self) -> str:
        """How people are told of it."""
        return f"{', '.join(self.names) or 'replaced'} (serial {self.serial})"


def pair_files(settings: Settings, name: str) -> PairFiles:
    """Where the pair of a workload lies: beside the node's own, under its name."""
    tls = settings.tls
    if name == tls.certificate.stem:
        return PairFiles(tls.certificate, tls.key)
    return PairFiles(tls.certificate.parent / f"{name}.crt", tls.key.parent / f"{name}.key")


def issued_here(settings: Settings) -> list[IssuedCertificate]:
    """Every certificate that this home knows of, the ones that end first first. What cannot be read is left out."""
    folder = settings.tls.certificate.parent
    found: dict[int, x509.Certificate] = {}
    names: dict[int, list[str]] = {}
    for path in sorted([*record_folder(folder).glob("*.crt"), *folder.glob("*.crt")]):
        if path == settings.tls.ca:
            continue
        try:
            leaf = load_certificate(path.read_bytes())
        except (CertificateRejected, OSError):
            continue
        found[leaf.serial_number] = leaf
        if path.parent == folder:
            names.setdefault(leaf.serial_number, []).append(path.stem)
    issued = [IssuedCertificate(leaf, tuple(names.get(serial, ()))) for serial, leaf in found.items()]
    return sorted(issued, key=lambda each: (each.leaf.not_valid_after_utc, each.leaf.serial_number))


def revoked_here(settings: Settings) -> frozenset[tuple[bytes, int]]:
    """What our own bundle revokes: (`ca_key_digest`, serial number)."""
    return trusted_state(settings).own.authorities.revoked


def due_names(settings: Settings, now: datetime) -> list[str]:
    """Workloads whose certificate is to be renewed: a third of its life is left, or it is from an older CA."""
    files = own_authority(settings)
    listed, in_use = files.listed(), files.in_use(now)
    due = [each for each in issued_here(settings) if _from_any(each.leaf, listed) and is_due(each.leaf, in_use, now)]
    return sorted(name for each in due for name in each.names)


def renew(settings: Settings, name: str, now: datetime, days: int | None, random: RandomBytes) -> x509.Certificate:
    """A new key and certificate for a workload that has one, in the place of the old ones, which stay valid.

    Raises InvalidInput for a name without certificate, HuxinError where the CA is kept elsewhere.
    """
    files = pair_files(settings, name)
    if files.certificate == settings.tls.ca or not files.certificate.exists():
        raise InvalidInput("NAME", f"There is no workload {name} here; `huxin certificate list` names them.")
    leaf, authority = load_certificate(files.certificate.read_bytes()), own_authority(settings)
    if not _from_any(leaf, authority.listed()):
        # Whoever could put a file here would else be given a certificate for the name in it.
        raise InvalidInput("NAME", f"No CA in use here issued the certificate of {name}; issue it under another name.")
    identity = claimed_identity(leaf)
    return issue(authority.issuing(now), identity, files, now, days or usual_days(identity.role), random)


def revoke(settings: Settings, what: str, reason: str, now: datetime, *, unrecorded: bool) -> str:
    """Revokes a certificate, named by file or serial number (hex), in a new version of the own bundle.

    Returns the serial number. `unrecorded` allows one that this home does not know: it is revoked for every CA.
    Raises InvalidInput, HuxinError where the CA is kept elsewhere, CertificateRejected.
    """
    files = own_authority(settings)
    serial, issuers = _named(settings, files, what, unrecorded=unrecorded)
    revoked = revoked_here(settings)
    if all((ca_key_digest(ca), serial) in revoked for ca in issuers):
        raise InvalidInput(
            "CERTIFICATE", "This certificate is revoked already; `huxin certificate list` shows which are."
        )
    entry = Revoked(serial, now.replace(microsecond=0), reason)
    _publish(settings, [Authority(ca, files.key_of(ca)) for ca in issuers], (entry,), now)
    return f"{serial:x}"


def sign_lists_again(settings: Settings, now: datetime) -> int:
    """Signs every list of the own bundle anew, with the same certificates in it. Returns how many lists there are."""
    files = own_authority(settings)
    lists = {each.ca_key for each in bundle_lists(trusted_state(settings).own.bundle)}
    authorities = [Authority(ca, files.key_of(ca)) for ca in files.listed() if ca_key_digest(ca) in lists]
    if authorities:
        _publish(settings, authorities, (), now)
    return len(authorities)


def rotate_ca(settings: Settings, now: datetime, random: RandomBytes) -> datetime:
    """Publishes a second CA beside the one in use. Returns from when on certificates are issued from it.

    Key, bundle, `tls.ca`, in this order: a crash in between leaves the old CA in use, and running it again goes on.
    """
    files = own_authority(settings)
    if not files.at_hand:
        files.key_of(files.listed()[0])  # says where else to do this
    files.settle()
    listed = files.listed()
    if len(listed) > 1:
        raise InvalidInput(
            "rotate-ca", "Two CAs are published already; end that with `huxin certificate retire-ca` first."
        )
    if now < listed[0].not_valid_before_utc:
        raise InvalidInput("rotate-ca", "The CA in use begins later than this clock says it is; set the clock right.")
    own = trusted_state(settings).own.bundle
    if not files.next_key.exists():
        keys.save(keys.generate(Suite.ECDSA_P256_SHA256), files.next_key, files.passphrase)
    key = keys.load(files.next_key, files.passphrase)
    ca = next((ca for ca in map(x509.load_der_x509_certificate, own.ca_certificates) if _has_key(ca, key)), None)
    if ca is None:
        ca = make_ca(own.division, f"{own.name_en[:40]} huxin CA {now:%Y-%m-%d}", key, now, random)
        added = ca.public_bytes(Encoding.DER)
        amend_own_bundle(
            settings, now, lambda bundle: replace(bundle, ca_certificates=(*bundle.ca_certificates, added))
        )
    files.write((*listed, ca))
    return files.issues_from(ca)


def retire_ca(settings: Settings, now: datetime, *, ignore_replaced: bool) -> None:
    """Takes the old CA out of the own bundle: everything that it issued is refused from then on.

    Raises InvalidInput before its successor issues, and HuxinError CERTIFICATES_REMAIN naming what is valid still.
    Bundle, `tls.ca`, key, in this order: a crash in between leaves the new CA in use, and running it again goes on.
    """
    files = own_authority(settings)
    files.settle()
    listed = files.listed()
    if len(listed) == 1:
        raise InvalidInput("retire-ca", "There is one CA only; begin with `huxin certificate rotate-ca`.")
    *old, new = listed
    if files.issues_from(new) > now:
        raise InvalidInput(
            "retire-ca", f"The new CA issues from {in_china(files.issues_from(new))} on; wait, then renew."
        )
    kept = new.public_bytes(Encoding.DER)

    def without_old(bundle: JurisdictionBundle) -> JurisdictionBundle:
        lists = tuple(der for der in bundle.revocation_lists if _speaks_for(der, bundle, new))
        return replace(bundle, ca_certificates=(kept,), revocation_lists=lists)

    if trusted_state(settings).own.bundle.ca_certificates != (kept,):
        _require_none_left(settings, old, now, ignore_replaced=ignore_replaced)
        amend_own_bundle(settings, now, without_old)
    files.write((new,))
    files.settle()


def _require_none_left(
    settings: Settings, old: Sequence[x509.Certificate], now: datetime, *, ignore_replaced: bool
) -> None:
    revoked = revoked_here(settings)
    left = [
        each
        for each in issued_here(settings)
        for ca in old
        if issued_by(each.leaf, ca)
        and each.leaf.not_valid_after_utc >= now
        and (ca_key_digest(ca), each.leaf.serial_number) not in revoked
        and (each.names or not ignore_replaced)
    ]
    if left:
        raise HuxinError(
            "CERTIFICATES_REMAIN",
            f"Valid certificates of the old CA remain: {'; '.join(each.label for each in left)}. Renew them and hand "
            "them over (`huxin certificate renew`), or revoke them; --ignore-replaced passes over those replaced here.",
        )


def _named(
    settings: Settings, files: AuthorityFiles, what: str, *, unrecorded: bool
) -> tuple[int, list[x509.Certificate]]:
    """Serial number and issuers of what somebody wants revoked."""
    listed = files.listed()
    if Path(what).is_file():
        leaf: x509.Certificate | None = load_certificate(Path(what).read_bytes())
        serial = leaf.serial_number if leaf else 0
    else:
        serial = _serial(what)
        leaf = next((each.leaf for each in issued_here(settings) if each.leaf.serial_number == serial), None)
    if leaf is None and not unrecorded:
        raise InvalidInput(
            "CERTIFICATE",
            "No certificate with this serial number is known here. Compare it again, give the certificate's file, or "
            "add --unrecorded when it is certain.",
        )
    issuers = [ca for ca in listed if leaf is None or issued_by(leaf, ca)]
    if not issuers:
        raise InvalidInput("CERTIFICATE", "No CA in use here issued this certificate: there is nothing to revoke.")
    return serial, issuers


def _serial(text: str) -> int:
    digits = text.replace(":", "")
    try:
        serial = int(digits, 16)
    except ValueError:
        serial = 0
    if not 0 < serial < 2**159:
        raise InvalidInput("CERTIFICATE", "This is neither a file nor a serial number in hexadecimal digits.")
    return serial


def _publish(settings: Settings, authorities: Sequence[Authority], added: Sequence[Revoked], now: datetime) -> None:
    """The own bundle with new lists of these CAs; other CAs' lists stay."""

    def amended(own: JurisdictionBundle) -> JurisdictionBundle:
        before = dict(zip((each.ca_key for each in bundle_lists(own)), own.revocation_lists, strict=True))
        known = {each.ca_key: each for each in bundle_lists(own)}
        for authority in authorities:
            digest = ca_key_digest(authority.certificate)
            before[digest] = create_revocation_list(
                authority.certificate, authority.key, _next_list(known.get(digest), digest, added, now)
            )
        return replace(own, revocation_lists=tuple(before.values()))

    amend_own_bundle(settings, now, amended)


def _next_list(last: RevocationList | None, ca_key: bytes, added: Sequence[Revoked], now: datetime) -> RevocationList:
    entries = {each.serial: each for each in added} | {each.serial: each for each in (last.revoked if last else ())}
    begin = now.replace(microsecond=0)
    revoked = tuple(entries[serial] for serial in sorted(entries))
    return RevocationList(ca_key, last.number + 1 if last else 1, begin, begin + timedelta(days=LIST_DAYS), revoked)


def _speaks_for(der: bytes, bundle: JurisdictionBundle, ca: x509.Certificate) -> bool:
    cas = [x509.load_der_x509_certificate(each) for each in bundle.ca_certificates]
    return read_revocation_list(der, cas).ca_key == ca_key_digest(ca)


def _from_any(leaf: x509.Certificate, cas: Sequence[x509.Certificate]) -> bool:
    return any(issued_by(leaf, ca) for ca in cas)


def _has_key(ca: x509.Certificate, key: keys.PrivateKey) -> bool:
    return ca_key_digest(ca).hex() == key.key_id
