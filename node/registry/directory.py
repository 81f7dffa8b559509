"""The trusted state as a directory of signed statements in standard DSSE JSON: bootstrap and air-gapped path.

    trust/bundles/<division>.json         what a jurisdiction says of itself, the own one included
    trust/certificates/<issuer>.*.json    our trust certificates: what we recognise of that issuer, and did before

Loading verifies everything again. A file that does not verify is left out and told as a problem: it can make this
node trust less, never more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from node.errors import BadSource, NotReady
from trust import envelope, statements
from trust.certificates import Authorities
from trust.continuity import require_continues
from trust.errors import CertificateRejected, HistoryBroken, TrustError, UnknownSuite
from trust.issuers import (
    TrustedIssuer,
    open_jurisdiction_bundle,
    open_lapsed_certificate,
    open_trust_certificate,
)
from trust.libcrypto import LIBCRYPTO
from trust.revocation import bundle_authorities, require_revocations_continue
from trust.vocabulary import JurisdictionBundle, TrustCertificate

MAX_FILE_BYTES = 1 << 20
_MOMENT = "%Y%m%dT%H%M%S.%fZ"
"""Moment of signing in the name of a trust certificate's file."""

_LOST_KEY = frozenset({"KEY_COMPROMISED", "KEY_COMPROMISED_SINCE"})
_UNUSABLE_CA = "it names a CA certificate that cannot be read or used; ask for a new export"
_UNUSABLE = {
    "TRUST_DOMAIN_UNKNOWN": "it names a CA of another jurisdiction; a CA vouches for its own only",
    "REVOCATION_LIST_REJECTED": "its list of revoked certificates cannot be read, or no CA in it signed it; ask for a "
    "new export",
}


@dataclass(frozen=True, slots=True)
class TrustedJurisdiction:
    """A verified bundle, the trusted state that it makes, who vouches for its workloads, its envelope and its SHA-256.

    `signers` are the key ids (all 64 characters) that signed it: what two administrators compare out of band.
    """

    bundle: JurisdictionBundle
    trusted: TrustedIssuer
    authorities: Authorities
    digest: bytes
    signers: tuple[str, ...]
    envelope: bytes


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A verified trust certificate, its envelope and SHA-256 of that."""

    certificate: TrustCertificate
    digest: bytes
    envelope: bytes


@dataclass(frozen=True, slots=True)
class LapsedCertificate:
    """A trust certificate of ours that counts no more, for a key that signed it was compromised, and its SHA-256.

    Whoever had the key may have written it: terms to look at and to sign again, never trust.
    """

    certificate: TrustCertificate
    digest: bytes


@dataclass(frozen=True, slots=True)
class TrustedState:
    """Everything this node trusts at one moment. `problems` are sentences about files that were left out.

    `certificates`: all of ours for each issuer, withdrawals included, in the order in which they were signed.
    `published`: those of the other jurisdictions, by recogniser and issuer, likewise; empty where only files are known.
    """

    own: TrustedJurisdiction
    jurisdictions: Mapping[str, TrustedJurisdiction]
    certificates: Mapping[str, tuple[HeldCertificate, ...]]
    problems: tuple[str, ...]
    stamp: bytes
    """Changes whenever a file does."""
    published: Mapping[str, Mapping[str, tuple[HeldCertificate, ...]]] = field(default_factory=dict)
    unchecked: frozenset[str] = frozenset()
    """Divisions that are members, or were imported, and whose bundle cannot be checked here: undecided, not refused."""
    lapsed: Mapping[str, tuple[LapsedCertificate, ...]] = field(default_factory=dict)
    """By issuer, those of our files that count no more since a key of ours was compromised, in the order of signing."""

    def recognition(self, issuer: str, at: datetime) -> HeldCertificate | None:
        """Our certificate for an issuer that counts at an instant, expired or not; None when there is none."""
        signed = [held for held in self.certificates.get(issuer, ()) if held.certificate.issued_at <= at]
        return signed[-1] if signed and not signed[-1].certificate.withdrawn else None


class TrustDirectory:
    """Reads and extends one node's trust directory. `libcrypto` is the library asked for SM2."""

    def __init__(self, root: Path, own_division: str, libcrypto: str = LIBCRYPTO) -> None:
        self._bundles = root / "bundles"
        self._certificates = root / "certificates"
        self._own = own_division
        self._libcrypto = libcrypto

    def stamp(self) -> bytes:
        """Changes whenever a file is added, replaced or removed: cheap enough to ask every few seconds."""
        seen = sha256()
        for path in self._files():
            status = path.stat()
            seen.update(f"{path.name}\x1f{status.st_mtime_ns}\x1f{status.st_size}\x1e".encode())
        return seen.digest()

    def own_stamp(self) -> bytes:
        """Changes whenever our own bundle is replaced, which is done whole; empty while it is not there.

        One look at one file: cheap enough to ask before each signature.
        """
        try:
            status = (self._bundles / f"{self._own}.json").stat()
        except OSError:
            return b""
        return f"{status.st_ino}\x1f{status.st_mtime_ns}\x1f{status.st_size}".encode()

    def load(self) -> TrustedState:
        """Verifies every file. Raises NotReady when not even the own bundle verifies."""
        stamp = self.stamp()
        problems: list[str] = []
        unchecked: set[str] = set()
        jurisdictions: dict[str, TrustedJurisdiction] = {}
        for path in sorted(self._bundles.glob("*.json")):
            try:
                found = read_bundle(_read(path), self._libcrypto)
                _require_named(path, found.bundle.division)
                jurisdictions[found.bundle.division] = found
            except (TrustError, BadSource) as error:
                if isinstance(error, UnknownSuite):
                    unchecked.add(path.stem)
                problems.append(f"bundles/{path.name} is left out: {error.message}")
        own = jurisdictions.get(self._own)
        if own is None and self._own in unchecked:
            raise NotReady(
                "NO_OWN_BUNDLE",
                f"The own bundle of {self._own} is signed with a suite that cannot be checked here; install what the "
                "suite needs, or name the library in keys.libcrypto.",
            )
        if own is None:
            raise NotReady(
                "NO_OWN_BUNDLE", f"The trust directory holds no valid bundle of {self._own}; run `huxin init`."
            )
        certificates, lapsed, left_out = self._load_certificates(own)
        return TrustedState(
            own,
            jurisdictions,
            certificates,
            (*problems, *left_out),
            stamp,
            unchecked=frozenset(unchecked),
            lapsed=lapsed,
        )

    def _load_certificates(
        self, own: TrustedJurisdiction
    ) -> tuple[dict[str, tuple[HeldCertificate, ...]], dict[str, tuple[LapsedCertificate, ...]], list[str]]:
        """Those that count, those that our own lost keys signed, and sentences about what is left out."""
        recognised: dict[str, list[HeldCertificate]] = {}
        lapsed: dict[str, list[LapsedCertificate]] = {}
        problems: list[str] = []
        left_out: list[Path] = []
        for path in sorted(self._certificates.glob("*.json")):
            try:
                held = read_certificate(_read(path), own)
                _require_named(path, held.certificate.issuer)
                recognised.setdefault(held.certificate.issuer, []).append(held)
            except (TrustError, BadSource) as error:
                left_out.append(path)
                found = _lapsed(path, own) if isinstance(error, TrustError) and error.reason in _LOST_KEY else None
                if found is None:
                    problems.append(f"certificates/{path.name} is left out: {error.message}")
                else:
                    lapsed.setdefault(found.certificate.issuer, []).append(found)
        for issuer, found_of in lapsed.items():
            found_of.sort(key=lambda each: each.certificate.issued_at)
            last = found_of[-1].certificate
            signed_since = any(held.certificate.issued_at > last.issued_at for held in recognised.get(issuer, ()))
            # A withdrawal bites without its signature (below), and what was signed again since is history.
            if not last.withdrawn and not signed_since:
                problems.append(
                    f"The trust certificate for {issuer} counts no more, for a key that signed it was in other hands: "
                    f"read each term of it, which whoever had the key may have written, then sign it again with `huxin "
                    f"recognise grant {issuer} --keep`."
                )
        for path in left_out:
            _end_recognition(recognised, path)
        return (
            {issuer: in_order(held) for issuer, held in recognised.items()},
            {issuer: tuple(found_of) for issuer, found_of in lapsed.items()},
            problems,
        )

    def accept_bundle(self, text: str, confirmed_key: str | None) -> TrustedJurisdiction:
        """Stores a jurisdiction's bundle. Raises BadSource, or a TrustError when it does not verify.

        The first bundle of a jurisdiction needs `confirmed_key`: the key id that signed it, compared with that
        jurisdiction's administrator by another channel. A later one must continue the one we hold
        (`trust.continuity`), whoever confirms it, and be signed by a key that was valid then by the bundle we hold;
        else, and where what we hold cannot be read any more, it needs the confirmation again.
        """
        found = read_bundle(text, self._libcrypto)
        division = found.bundle.division
        path = self._bundles / f"{division}.json"
        held = self._held(path)
        if held is not None:
            if found.digest == held.digest:
                return found
            try:
                require_continues(held.bundle, found.bundle)
            except HistoryBroken as error:
                raise BadSource("bundle", error.message) from error
            require_revocations_continue(held.bundle, found.bundle)
        if confirmed_key not in found.signers and not _continues(held, found):
            # Without the key id that the file itself names: whoever copied it from here would confirm nothing.
            who = f"the administrator of {found.bundle.name_zh}"
            raise BadSource(
                "bundle",
                f"its signing key is not confirmed yet: ask {who} for the key id by another channel than the one by "
                "which the file came, and give all 64 characters with --key"
                if confirmed_key is None
                else f"the key given with --key did not sign it: compare all 64 characters with {who} again; if they "
                "are right, the file is not theirs and must not be used",
            )
        write_durably(path, text)
        return found

    def accept_certificate(self, text: str) -> HeldCertificate:
        """Stores a trust certificate of ours, or a withdrawal, beside the earlier ones, which stay as history.

        Raises TrustError, and BadSource when one that was signed later is there already.
        """
        state = self.load()
        held = read_certificate(text, state.own)
        certificate = held.certificate
        earlier = state.certificates.get(certificate.issuer, ())
        if earlier and earlier[-1].certificate.issued_at >= certificate.issued_at:
            raise BadSource(
                "certificates",
                f"a certificate for {certificate.issuer} was signed at the same time or later; check the clock, then "
                "sign again",
            )
        write_durably(self._certificates / f"{certificate.issuer}.{certificate.issued_at:{_MOMENT}}.json", text)
        return held

    def _held(self, path: Path) -> TrustedJurisdiction | None:
        try:
            return read_bundle(_read(path), self._libcrypto) if path.exists() else None
        except (TrustError, BadSource):
            return None

    def _files(self) -> list[Path]:
        return sorted([*self._bundles.glob("*.json"), *self._certificates.glob("*.json")])


def read_bundle(text: str, libcrypto: str = LIBCRYPTO) -> TrustedJurisdiction:
    """Verifies a jurisdiction's bundle in DSSE JSON against the keys that it names itself. Raises as `open_bundle`."""
    return open_bundle(_envelope(text), libcrypto)


def open_bundle(data: bytes, libcrypto: str = LIBCRYPTO) -> TrustedJurisdiction:
    """Verifies a jurisdiction's bundle (envelope bytes) against the keys that it names itself.

    Raises TrustError, and BadSource for certificates of its CA that cannot be used.
    """
    bundle = open_jurisdiction_bundle(data, libcrypto)
    try:
        authorities = bundle_authorities(bundle)
    except CertificateRejected as error:
        raise BadSource("bundle", _UNUSABLE.get(error.reason, _UNUSABLE_CA)) from None
    signers = tuple(signature.key_id for signature in statements.read_envelope(data).signatures)
    trusted = TrustedIssuer.of(bundle, bundle.issued_at, libcrypto=libcrypto)
    return TrustedJurisdiction(bundle, trusted, authorities, sha256(data).digest(), signers, data)


def read_certificate(text: str, own: TrustedJurisdiction) -> HeldCertificate:
    """Verifies a trust certificate under our own keys. Raises TrustError."""
    return open_certificate(_envelope(text), own)


def open_certificate(data: bytes, recogniser: TrustedJurisdiction) -> HeldCertificate:
    """Verifies a trust certificate (envelope bytes) under its recogniser's keys. Raises TrustError."""
    return HeldCertificate(open_trust_certificate(data, recogniser.trusted), sha256(data).digest(), data)


def _lapsed(path: Path, own: TrustedJurisdiction) -> LapsedCertificate | None:
    """What a file says that only the loss of a key speaks against; None when anything else does."""
    try:
        data = _envelope(_read(path))
        certificate = open_lapsed_certificate(data, own.trusted)
        _require_named(path, certificate.issuer)
    except (TrustError, BadSource):
        return None
    return LapsedCertificate(certificate, sha256(data).digest())


def in_order(held: Iterable[HeldCertificate]) -> tuple[HeldCertificate, ...]:
    """Certificates in the order in which they were signed; of two signed at once the withdrawal counts."""
    return tuple(sorted(held, key=lambda each: (each.certificate.issued_at, each.certificate.withdrawn, each.digest)))


def _envelope(text: str) -> bytes:
    """The envelope's bytes in their one form."""
    return statements.encode_envelope(envelope.from_json(text))


def _end_recognition(recognised: Mapping[str, list[HeldCertificate]], path: Path) -> None:
    """What stood when a certificate was signed that cannot be read any more ends at that moment.

    It may have been a withdrawal, signed by a key that was compromised since: the certificate before it must not come
    back to life by that.
    """
    issuer, _, rest = path.name.partition(".")
    try:
        moment = datetime.strptime(rest.removesuffix(".json"), _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return  # no name that this directory gives
    stood = [held for held in recognised.get(issuer, ()) if held.certificate.issued_at <= moment]
    if stood:
        last = max(stood, key=lambda held: held.certificate.issued_at)
        ended = replace(last.certificate, withdrawn=True, issued_at=moment)
        recognised[issuer].append(HeldCertificate(ended, sha256(path.name.encode()).digest(), b""))


def write_durably(path: Path, text: str) -> None:
    """Replaces a file whole: after a crash at any moment either the old or the new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _continues(held: TrustedJurisdiction | None, found: TrustedJurisdiction) -> bool:
    """Whether a key that was valid then, by what we hold of the jurisdiction, signed the new bundle.

    What the new bundle says of its keys does not count here: whoever stole a retired one would call it valid.
    """
    if held is None:
        return False
    return any(_valid(held.trusted, key_id, found.bundle.issued_at) for key_id in found.signers)


def _valid(trusted: TrustedIssuer, key_id: str, at: datetime) -> bool:
    known = trusted.keys.get(key_id)
    if known is None:
        return False
    try:
        known.require_valid(at)
    except TrustError:
        return False
    return True


def _require_named(path: Path, division: str) -> None:
    if path.name.partition(".")[0] != division:
        raise BadSource(path.name, f"it speaks of {division}; name the file after that")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadSource(path.name, f"it is larger than {MAX_FILE_BYTES} bytes; ask for the original")
        return path.read_text(encoding="utf-8")
    except OSError:
        raise BadSource(path.name, "it cannot be read; check that it is there and its rights") from None
    except UnicodeDecodeError:
        raise BadSource(path.name, "it is not UTF-8 text; ask for the original") from None
