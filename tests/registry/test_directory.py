"""Whom a node trusts: what is accepted into its trust directory, and what is left out of it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from node.errors import BadSource, NotReady
from node.registry.directory import MAX_FILE_BYTES, TrustDirectory, write_durably
from tests.support.trust import key
from trust import certificates, statements
from trust.algorithms import Suite
from trust.envelope import seal, to_json
from trust.errors import SignatureInvalid, TrustError, UnknownSuite
from trust.keys import PrivateKey
from trust.vocabulary import (
    JurisdictionBundle,
    LogKeys,
    RecognitionScope,
    SigningKeyInfo,
    SuitePolicy,
    TrustCertificate,
)

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@cache
def ca_of(division: str) -> bytes:
    begin, end = NOW - timedelta(days=1), NOW + timedelta(days=3650)
    ca = certificates.create_ca(division, "synthetic CA", key(f"ca {division}", Suite.ECDSA_P256_SHA256), 1, begin, end)
    return ca.public_bytes(Encoding.DER)


def info(
    signer: PrivateKey, retired_at: datetime | None = None, compromised_at: datetime | None = None
) -> SigningKeyInfo:
    return SigningKeyInfo(signer.spki, signer.suite.value, NOW - timedelta(days=1), retired_at, compromised_at)


def bundle_of(division: str, version: int = 1, *infos: SigningKeyInfo, at: datetime = NOW) -> JurisdictionBundle:
    return JurisdictionBundle(
        division=division,
        name_zh="合成",
        name_en="Synthetic",
        version=version,
        issued_at=at,
        ca_certificates=(ca_of(division),),
        signing_keys=infos or (info(key(division)),),
        log=LogKeys(f"huxin/{division}", key("head").spki, key("cosigner").spki),
    )


def signed(bundle: JurisdictionBundle, *signers: PrivateKey) -> str:
    payload = statements.encode_jurisdiction_bundle(bundle)
    return to_json(seal(statements.JURISDICTION_BUNDLE, payload, signers or (key(bundle.division),)))


def certificate(
    recogniser: str = "520000",
    issuer: str = "140000",
    *signers: PrivateKey,
    at: datetime = NOW,
    withdrawn: bool = False,
) -> str:
    statement = TrustCertificate(
        recogniser=recogniser,
        issuer=issuer,
        scope=RecognitionScope(),
        reviewed_catalogues=(),
        reviewed_crosswalks=(),
        accepted_caveats=(),
        suites=SuitePolicy(any_of=("ed25519",)),
        witness_quorum=0,
        max_trust_state_age_seconds=60,
        max_log_view_age_seconds=60,
        valid_from=NOW,
        valid_until=LATER,
        legal_basis=(),
        issued_at=at,
        withdrawn=withdrawn,
    )
    payload = statements.encode_trust_certificate(statement)
    return to_json(seal(statements.TRUST_CERTIFICATE, payload, signers or (key(recogniser),)))


@pytest.fixture
def directory(tmp_path: Path) -> TrustDirectory:
    """Guizhou's, which knows itself and Shanxi."""
    found = TrustDirectory(tmp_path, "520000")
    for division in ("520000", "140000"):
        found.accept_bundle(signed(bundle_of(division)), key(division).key_id)
    return found


def bundles(directory: TrustDirectory) -> dict[str, int]:
    return {division: found.bundle.version for division, found in directory.load().jurisdictions.items()}


# Accepting


def test_the_first_bundle_needs_its_key_compared(tmp_path: Path) -> None:
    directory, text = TrustDirectory(tmp_path, "520000"), signed(bundle_of("140000"))
    for wrong, said in ((None, "not confirmed yet"), (key("520000").key_id, "did not sign it"), ("", "did not sign")):
        with pytest.raises(BadSource, match=said) as caught:
            directory.accept_bundle(text, wrong)
        # Whoever copied the key id out of the message would confirm nothing.
        assert key("140000").key_id not in str(caught.value)
    assert not list(tmp_path.rglob("*.json"))
    found = directory.accept_bundle(text, key("140000").key_id)
    assert found.signers == (key("140000").key_id,)
    assert (tmp_path / "bundles" / "140000.json").read_text() == text


def test_a_newer_bundle_of_a_known_key_goes_on(directory: TrustDirectory) -> None:
    rotated = bundle_of("140000", 2, info(key("140000"), retired_at=LATER), info(key("next")), at=NOW)
    directory.accept_bundle(signed(rotated), None)
    after = LATER + timedelta(days=1)
    directory.accept_bundle(signed(replace(rotated, version=3, issued_at=after), key("next")), None)
    assert bundles(directory) == {"520000": 1, "140000": 3}


def test_the_same_bundle_again_changes_nothing(directory: TrustDirectory) -> None:
    stamp = directory.stamp()
    directory.accept_bundle(signed(bundle_of("140000")), None)
    assert directory.stamp() == stamp


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_or_another_bundle_of_the_same_version_is_refused(directory: TrustDirectory, version: int) -> None:
    directory.accept_bundle(signed(bundle_of("140000", 2)), None)
    other = replace(bundle_of("140000", version), contacts=("desk",))
    with pytest.raises(BadSource, match="we hold 2"):
        directory.accept_bundle(signed(other), key("140000").key_id)
    assert bundles(directory)["140000"] == 2


@pytest.mark.parametrize(
    "held",
    [
        info(key("140000"), compromised_at=NOW + timedelta(days=1)),
        info(key("140000"), compromised_at=NOW + timedelta(days=90)),
        info(key("140000"), retired_at=NOW + timedelta(days=1)),
    ],
    ids=["compromised", "compromised later", "retired"],
)
def test_a_key_that_is_no_longer_good_continues_nothing(tmp_path: Path, held: SigningKeyInfo) -> None:
    """Whoever stole it says in the new bundle that it is fine, or hides behind a bundle that keeps its history."""
    directory = TrustDirectory(tmp_path, "520000")
    directory.accept_bundle(signed(bundle_of("140000", 1, held, info(key("next"))), key("next")), key("next").key_id)
    stolen = signed(bundle_of("140000", 2, info(key("140000")), info(key("next")), at=LATER))
    for confirmed in (None, key("140000").key_id):  # not even two administrators can take back what was published
        with pytest.raises(BadSource, match="of a signing key as no later version may"):
            directory.accept_bundle(stolen, confirmed)
    stranger = bundle_of("140000", 2, held, info(key("next")), info(key("stranger")), at=LATER)
    with pytest.raises(BadSource, match="not confirmed"):
        directory.accept_bundle(signed(stranger, key("stranger")), None)
    # They can confirm a new key that no key known before vouches for.
    directory.accept_bundle(signed(stranger, key("stranger")), key("stranger").key_id)


def test_a_retired_key_cannot_date_its_bundle_back(tmp_path: Path) -> None:
    directory = TrustDirectory(tmp_path, "520000")
    retired = info(key("140000"), retired_at=NOW)
    held = bundle_of("140000", 1, retired, info(key("next")), at=NOW)
    directory.accept_bundle(signed(held, key("next")), key("next").key_id)
    earlier = bundle_of("140000", 2, retired, info(key("next")), at=NOW - timedelta(hours=1))
    for confirmed in (None, key("140000").key_id):
        with pytest.raises(BadSource, match="signed before the version that we hold"):
            directory.accept_bundle(signed(earlier), confirmed)


def test_a_bundle_signed_by_a_key_that_it_calls_compromised_is_refused(directory: TrustDirectory) -> None:
    for at in (NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
        with pytest.raises(TrustError):
            directory.accept_bundle(
                signed(bundle_of("140000", 2, info(key("140000"), compromised_at=at))), key("140000").key_id
            )


def test_a_stranger_cannot_speak_for_a_jurisdiction(directory: TrustDirectory) -> None:
    stranger = bundle_of("140000", 9, info(key("140000")), info(key("stranger")))
    with pytest.raises(BadSource, match="not confirmed"):
        directory.accept_bundle(signed(stranger, key("stranger")), None)
    with pytest.raises(SignatureInvalid):
        directory.accept_bundle(signed(bundle_of("140000", 9), key("stranger")), key("stranger").key_id)


def test_a_bundle_whose_file_was_damaged_can_be_imported_again(directory: TrustDirectory, tmp_path: Path) -> None:
    (tmp_path / "bundles" / "140000.json").write_text("{}")
    text = signed(bundle_of("140000"))
    with pytest.raises(BadSource, match="not confirmed"):
        directory.accept_bundle(text, None)
    directory.accept_bundle(text, key("140000").key_id)
    assert bundles(directory)["140000"] == 1


@pytest.mark.parametrize(
    ("der", "said"),
    [
        (lambda: ca_of("520000"), "another jurisdiction"),
        (lambda: b"no certificate", "cannot be read"),
    ],
)
def test_a_ca_vouches_for_its_own_jurisdiction_only(
    directory: TrustDirectory, der: Callable[[], bytes], said: str
) -> None:
    bundle = replace(bundle_of("140000", 2), ca_certificates=(ca_of("140000"), der()))
    with pytest.raises(BadSource, match=said):
        directory.accept_bundle(signed(bundle), None)


def test_a_log_key_of_another_suite_is_refused_before_it_is_stored(directory: TrustDirectory) -> None:
    p256 = key("p256", Suite.ECDSA_P256_SHA256)
    bundle = replace(bundle_of("140000", 2), log=LogKeys("huxin/140000", p256.spki, key("cosigner").spki))
    with pytest.raises(TrustError):
        directory.accept_bundle(signed(bundle), None)
    assert bundles(directory)["140000"] == 1


# Loading


def test_without_its_own_bundle_a_node_trusts_nothing(directory: TrustDirectory, tmp_path: Path) -> None:
    (tmp_path / "bundles" / "520000.json").unlink()
    with pytest.raises(NotReady, match="huxin init"):
        directory.load()


def flip(path: Path) -> None:
    text = path.read_text()
    at = text.index("payload") + 40
    path.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_text("not JSON"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text(" " * (MAX_FILE_BYTES + 1)),
        lambda path: path.write_text(certificate()),
        lambda path: path.write_text(signed(bundle_of("140000"), key("stranger"))),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["altered", "no JSON", "no text", "too large", "another statement", "another signer", "a folder"],
)
def test_a_file_that_does_not_verify_is_left_out_and_told(
    directory: TrustDirectory, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    damage(tmp_path / "bundles" / "140000.json")
    state = directory.load()
    assert list(state.jurisdictions) == ["520000"]
    assert len(state.problems) == 1
    assert state.problems[0].startswith("bundles/140000.json is left out: ")


def test_a_file_is_named_after_whom_it_speaks_for(directory: TrustDirectory, tmp_path: Path) -> None:
    (tmp_path / "bundles" / "140000.json").rename(tmp_path / "bundles" / "210000.json")
    state = directory.load()
    assert list(state.jurisdictions) == ["520000"]
    assert "speaks of 140000" in state.problems[0]


def test_certificates_are_our_own_or_left_out(directory: TrustDirectory, tmp_path: Path) -> None:
    directory.accept_certificate(certificate())
    for issuer, text in (
        ("110000", certificate("140000", "110000")),
        ("120000", certificate("520000", "120000", key("140000"))),
        ("130000", signed(bundle_of("520000"))),
        ("150000", certificate("520000", "160000")),
    ):
        (tmp_path / "certificates" / f"{issuer}.json").write_text(text)
    state = directory.load()
    assert list(state.certificates) == ["140000"]
    assert [problem.split(" ")[0] for problem in state.problems] == [
        f"certificates/{issuer}.json" for issuer in ("110000", "120000", "130000", "150000")
    ]


def test_another_recognisers_certificate_is_not_stored(directory: TrustDirectory, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="speaks for itself"):
        directory.accept_certificate(certificate("140000", "520000"))
    assert not list((tmp_path / "certificates").glob("*"))


def test_a_recognition_can_be_withdrawn(directory: TrustDirectory) -> None:
    directory.accept_certificate(certificate())
    directory.accept_certificate(certificate(at=NOW + HOUR, withdrawn=True))
    state = directory.load()
    assert state.recognition("140000", NOW - HOUR) is None
    assert state.recognition("140000", NOW + HOUR - SECOND) == state.certificates["140000"][0]
    assert state.recognition("140000", NOW + HOUR) is None
    directory.accept_certificate(certificate(at=NOW + 2 * HOUR))
    assert directory.load().recognition("140000", LATER) == directory.load().certificates["140000"][2]


def test_a_certificate_is_signed_later_than_the_one_before(directory: TrustDirectory) -> None:
    """Else one that was withdrawn could be put back by its file."""
    directory.accept_certificate(certificate(at=NOW + HOUR, withdrawn=True))
    for at in (NOW, NOW + HOUR):
        with pytest.raises(BadSource, match="same time or later"):
            directory.accept_certificate(certificate(at=at))


def test_of_two_certificates_of_one_moment_the_withdrawal_counts(directory: TrustDirectory, tmp_path: Path) -> None:
    for name, withdrawn in (("a", True), ("b", False)):
        path = tmp_path / "certificates" / f"140000.{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(certificate(withdrawn=withdrawn))
    assert directory.load().recognition("140000", NOW) is None


def test_a_recognition_does_not_come_back_when_its_withdrawal_cannot_be_read(directory: TrustDirectory) -> None:
    """As when the key that signed the withdrawal was compromised since, and the one before is still good."""
    old, new = key("520000"), key("rotated")
    directory.accept_bundle(signed(bundle_of("520000", 2, info(old), info(new))), None)
    directory.accept_certificate(certificate())
    directory.accept_certificate(certificate("520000", "140000", new, at=NOW + HOUR, withdrawn=True))
    lost = bundle_of("520000", 3, info(old), info(new, compromised_at=NOW + HOUR), at=NOW + 2 * HOUR)
    directory.accept_bundle(signed(lost), None)
    state = directory.load()
    assert state.problems == ()  # it bites all the same: there is nothing left to do
    assert state.recognition("140000", NOW + HOUR - SECOND) is not None
    assert state.recognition("140000", NOW + HOUR) is None
    directory.accept_certificate(certificate(at=NOW + 3 * HOUR))
    assert directory.load().recognition("140000", NOW + 3 * HOUR) is not None


def test_of_several_that_cannot_be_read_each_ends_what_stood(directory: TrustDirectory, tmp_path: Path) -> None:
    for hours in (0, 1, 2):
        directory.accept_certificate(certificate(at=NOW + hours * HOUR))
    for path in sorted((tmp_path / "certificates").iterdir())[1:]:
        path.write_text("damaged")
    state = directory.load()
    assert [held.certificate.withdrawn for held in state.certificates["140000"]] == [False, True, True]
    assert state.recognition("140000", NOW) is not None
    assert state.recognition("140000", LATER) is None


def test_the_stamp_changes_with_every_file(directory: TrustDirectory) -> None:
    stamps = [directory.stamp()]
    directory.accept_certificate(certificate())
    stamps.append(directory.stamp())
    directory.accept_bundle(signed(bundle_of("140000", 2)), None)
    stamps.append(directory.stamp())
    directory.accept_certificate(certificate(at=NOW + HOUR, withdrawn=True))
    stamps.append(directory.stamp())
    assert len(set(stamps)) == 4
    assert directory.load().stamp == stamps[-1]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.json"
    write_durably(path, "one")
    write_durably(path, "two")
    assert [each.name for each in path.parent.iterdir()] == ["file.json"]
    assert path.read_text() == "two"


# A suite that this machine lacks


@pytest.mark.parametrize("others", [(), ("140000",)], ids=["alone", "beside a good one"])
def test_a_bundle_signed_in_a_suite_that_is_absent_is_held_unchecked(tmp_path: Path, others: tuple[str, ...]) -> None:
    sm2 = key("sm2", Suite.SM2_SM3)
    signers = (sm2, *(key(name) for name in others))
    text = signed(bundle_of("140000", 1, *(info(signer) for signer in signers)), *signers)
    able = TrustDirectory(tmp_path, "520000")
    able.accept_bundle(signed(bundle_of("520000")), key("520000").key_id)
    able.accept_bundle(text, sm2.key_id)
    assert able.load().unchecked == frozenset()
    without = TrustDirectory(tmp_path, "520000", "no-such-library.so.3")
    state = without.load()
    assert (list(state.jurisdictions), state.unchecked) == (["520000"], frozenset({"140000"}))
    with pytest.raises(UnknownSuite):
        without.accept_bundle(text, sm2.key_id)
