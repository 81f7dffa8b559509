"""What `huxin trust` signs: which suites an issuer must have signed with, and what a node without SM2 takes in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from node.app import trusting
from node.app.inspecting import inspect
from node.app.keyring import load_keyring
from node.app.trusting import RecognitionChoices
from node.config.settings import Settings
from node.errors import InvalidInput, NotReady
from tests.support import nodes
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.algorithms import Suite
from trust.errors import UnknownSuite
from trust.keys import generate
from trust.vocabulary import SigningKeyInfo, SuitePolicy

WITHOUT_SM2 = {"HUXIN_KEYS__LIBCRYPTO": "no-such-library.so.3"}


@pytest.fixture
def of_two_suites(tmp_path: Path, guizhou: TestJurisdiction) -> TestJurisdiction:
    """Guizhou, which knows a Shanxi with keys of two suites."""
    shanxi = nodes.found(tmp_path, "140000")
    second = generate(Suite.SM2_SM3)
    info = SigningKeyInfo(second.spki, second.suite.value, THE_DAY)
    text = trusting.amend_own_bundle(
        shanxi.settings, THE_DAY, lambda own: replace(own, signing_keys=(*own.signing_keys, info))
    )
    trusting.import_bundle(guizhou.settings, text, trusting.trusted_state(shanxi.settings).own.signers[0])
    return guizhou


@pytest.mark.parametrize(
    ("suites", "required", "policy"),
    [
        ((), (), SuitePolicy(any_of=("ed25519", "sm2-sm3"))),
        (("sm2-sm3",), (), SuitePolicy(any_of=("sm2-sm3",))),
        (("ml-dsa-65", "sm2-sm3"), (), SuitePolicy(any_of=("ml-dsa-65", "sm2-sm3"))),
        ((), ("sm2-sm3",), SuitePolicy(all_of=("sm2-sm3",))),
        ((), ("ed25519", "sm2-sm3"), SuitePolicy(all_of=("ed25519", "sm2-sm3"))),
        (("ed25519", "ml-dsa-65"), ("sm2-sm3",), SuitePolicy(("sm2-sm3",), ("ed25519", "ml-dsa-65"))),
    ],
)
def test_suites_of_a_recognition(
    of_two_suites: TestJurisdiction, suites: tuple[str, ...], required: tuple[str, ...], policy: SuitePolicy
) -> None:
    choices = RecognitionChoices(suites=suites, required_suites=required)
    assert trusting.recognise(of_two_suites.settings, "140000", choices, THE_DAY).certificate.suites == policy


@pytest.mark.parametrize(
    "choices",
    [
        RecognitionChoices(suites=("rsa",)),
        RecognitionChoices(required_suites=("rsa",)),
        RecognitionChoices(required_suites=("sm2-sm3", "ml-dsa-65")),
    ],
)
def test_suites_that_nobody_has_are_refused(of_two_suites: TestJurisdiction, choices: RecognitionChoices) -> None:
    with pytest.raises(InvalidInput, match=r"known: ecdsa-p256-sha256, ed25519|publishes ed25519, sm2-sm3"):
        trusting.recognise(of_two_suites.settings, "140000", choices, THE_DAY)


def test_a_bundle_signed_with_sm2_alone_is_not_taken_in_without_it(tmp_path: Path) -> None:
    shanxi = nodes.found(tmp_path, "140000", suite=Suite.SM2_SM3)
    lanzhou = nodes.found(tmp_path, "620100", extra=WITHOUT_SM2)
    own = trusting.trusted_state(shanxi.settings).own
    text = (shanxi.layout.trust / "bundles" / "140000.json").read_text(encoding="utf-8")
    with pytest.raises(UnknownSuite, match="install what the suite needs"):
        trusting.import_bundle(lanzhou.settings, text, own.signers[0])


async def test_doctor_names_who_signs_in_a_suite_that_is_absent(of_two_suites: TestJurisdiction) -> None:
    async def sentence(settings: Settings) -> tuple[bool, str]:
        (check,) = [check for check in await inspect(settings, THE_DAY) if check.name == "trust directory"]
        return check.ok, check.sentence

    assert await sentence(of_two_suites.settings) == (True, "Trusted here: 2 jurisdictions.")
    ok, said = await sentence(Settings.load(of_two_suites.layout.settings, WITHOUT_SM2))
    assert not ok
    assert said.startswith("Keys of a suite that cannot be checked here are published by 140000,")


def test_a_node_that_signs_with_sm2_and_has_none_says_so(tmp_path: Path) -> None:
    shanxi = nodes.found(tmp_path, "140000", suite=Suite.SM2_SM3)
    without = Settings.load(shanxi.layout.settings, WITHOUT_SM2)
    with pytest.raises(NotReady, match="signing key is not loaded: sm2-sm3 needs OpenSSL 3"):
        load_keyring(without)
    with pytest.raises(NotReady, match="own bundle of 140000 is signed with a suite that cannot be checked here"):
        trusting.trusted_state(without)
