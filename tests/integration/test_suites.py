"""Suites through the real door: SM2 and ML-DSA are accepted, a node without SM2 refers, nothing downgrades."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from huxin.v1 import requirement_pb2

from node.app import trusting
from node.app.keyring import load_keyring
from node.config.settings import Settings
from tests.integration import dishonest
from tests.integration.provinces import (
    ACCEPT,
    OF_GUIZHOU,
    OF_SHANXI,
    REFER,
    REJECT,
    Provinces,
    asking,
    provinces,
    verify,
)
from tests.support import nodes
from trust.algorithms import Suite
from trust.bundle import encode_bundle, read_bundle, with_inclusion
from trust.envelope import Envelope, seal
from trust.keys import PrivateKey, generate
from trust.statements import encode_envelope
from trust.vocabulary import JurisdictionBundle, SigningKeyInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

SM2_AND_ML_DSA = {"140000": Suite.SM2_SM3, "520000": Suite.ML_DSA_65}
WITHOUT_SM2 = {"HUXIN_KEYS__LIBCRYPTO": "no-such-library.so.3"}
REQUIREMENT = asking("620100", "MK01")
"""What Lanzhou asks of Shanxi's reports."""


def index_of(bundle: bytes) -> int:
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    return inclusion.index


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    """Shanxi signs with SM2, Guizhou with ML-DSA: reports, trust certificates and their bundles."""
    async with provinces(tmp_path_factory.mktemp("suites"), suites=SM2_AND_ML_DSA) as found:
        yield found


async def test_guizhou_accepts_what_shanxi_signed_with_sm2(pair: Provinces) -> None:
    _, bundle = await pair.report(pair.shanxi)
    await nodes.caught_up(pair.guizhou, pair.shanxi, index_of(bundle) + 1)
    verdict = await verify(pair.guizhou, bundle, pair.shanxi.subject, OF_SHANXI)
    assert verdict.decision == ACCEPT, verdict


async def test_shanxi_accepts_what_guizhou_signed_with_ml_dsa(pair: Provinces) -> None:
    _, bundle = await pair.report(pair.guizhou)
    await nodes.caught_up(pair.shanxi, pair.guizhou, index_of(bundle) + 1)
    verdict = await verify(pair.shanxi, bundle, pair.guizhou.subject, OF_GUIZHOU)
    assert verdict.decision == ACCEPT, verdict
    (signature,) = read_bundle(bundle).envelope.signatures
    assert len(signature.sig) == 3_309


async def test_a_log_of_long_signatures_is_followed(pair: Provinces) -> None:
    for _ in range(20):
        _, bundle = await pair.report(pair.guizhou, codes=["37"])
    await nodes.caught_up(pair.shanxi, pair.guizhou, index_of(bundle) + 1)
    assert (await verify(pair.shanxi, bundle, pair.guizhou.subject, None)).authenticity == 1


# Lanzhou has no SM2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Provinces]:
    """Shanxi publishes an SM2 key beside its first one; Lanzhou's node does not find libcrypto, Guizhou's does.

    Guizhou requires SM2 of Shanxi.
    """
    everyone = ("140000", "520000", "620100")
    async with provinces(tmp_path_factory.mktemp("without-sm2"), *everyone, own={"620100": WITHOUT_SM2}) as found:
        # Once the SM2 key is published, the node issues nothing without it, and its private half is here alone.
        PLAIN[:] = [await found.report(found.shanxi) for _ in range(4)]
        found.clock.advance(timedelta(seconds=2))
        now = found.clock.now()
        text = trusting.amend_own_bundle(found.shanxi.settings, now, with_sm2)
        for one in (found.guizhou, found.all["620100"]):
            trusting.import_bundle(one.settings, text, None)
        choices = trusting.RecognitionChoices(required_suites=("sm2-sm3",))
        trusting.recognise(found.guizhou.settings, "140000", choices, now)
        yield found


SM2: PrivateKey = generate(Suite.SM2_SM3)
PLAIN: list[tuple[str, bytes]] = []
"""Reports of Shanxi that its first key alone signed."""


def with_sm2(own: JurisdictionBundle) -> JurisdictionBundle:
    key = SigningKeyInfo(SM2.spki, SM2.suite.value, own.signing_keys[0].valid_from)
    return replace(own, signing_keys=(*own.signing_keys, key))


async def test_lanzhou_refers_what_sm2_signed_and_guizhou_accepts_it(three: Provinces) -> None:
    lanzhou = three.all["620100"]
    _, bundle = await signed_twice(three)
    await nodes.eventually(lambda: decides(three.guizhou, OF_SHANXI, bundle, ACCEPT))
    await nodes.caught_up(lanzhou, three.shanxi, index_of(bundle) + 1)
    await nodes.eventually(lambda: decides(lanzhou, REQUIREMENT, bundle, REFER))
    verdict = await verify(lanzhou, bundle, three.shanxi.subject, REQUIREMENT)
    assert [verdict.steps[at].reason for at in (3, 4)] == ["UNKNOWN_SUITE", "UNKNOWN_SUITE"]


async def test_lanzhou_goes_on_with_what_it_can_check(three: Provinces) -> None:
    lanzhou = three.all["620100"]
    _, bundle = PLAIN.pop()
    await nodes.caught_up(lanzhou, three.shanxi, index_of(bundle) + 1)
    verdict = await verify(lanzhou, bundle, three.shanxi.subject, REQUIREMENT)
    assert verdict.decision == ACCEPT, verdict


async def test_guizhou_rejects_what_lacks_the_required_suite(three: Provinces) -> None:
    """Stripped of its SM2 signature, or never given one: by the log's entry, and by a proof of its own entry."""
    envelope, bundle = await signed_twice(three)
    await nodes.eventually(lambda: decides(three.guizhou, OF_SHANXI, bundle, ACCEPT))
    kept = tuple(each for each in envelope.signatures if each.key_id != SM2.key_id)
    stripped = replace(envelope, signatures=kept)
    whole = read_bundle(bundle)
    proof = await dishonest.log_anything(three.shanxi, encode_envelope(stripped))
    await nodes.caught_up(three.guizhou, three.shanxi, proof.index + 1)
    without = encode_bundle(encode_envelope(stripped), whole.subject_salt, whole.disclosure, whole.report_salt)
    for forged in (without, with_inclusion(without, proof)):
        verdict = await verify(three.guizhou, forged, three.shanxi.subject, OF_SHANXI)
        assert (verdict.decision, verdict.steps[4].reason) == (REJECT, "SUITE_MISSING"), verdict
    _, plain = PLAIN.pop()
    await nodes.caught_up(three.guizhou, three.shanxi, index_of(plain) + 1)
    verdict = await verify(three.guizhou, plain, three.shanxi.subject, OF_SHANXI)
    assert (verdict.decision, verdict.steps[4].reason) == (REJECT, "SUITE_MISSING"), verdict


async def signed_twice(three: Provinces) -> tuple[Envelope, bytes]:
    """A report of Shanxi whose statement both of its keys signed, in Shanxi's log: the envelope, the bundle."""
    _, genuine = PLAIN.pop()
    whole = read_bundle(genuine)
    keyring = load_keyring(three.shanxi.settings)
    envelope = seal(whole.envelope.payload_type, whole.envelope.payload, [keyring.signing.first, SM2])
    proof = await dishonest.log_anything(three.shanxi, encode_envelope(envelope))
    data = encode_bundle(encode_envelope(envelope), whole.subject_salt, whole.disclosure, whole.report_salt, proof)
    return envelope, data


async def decides(
    relying: nodes.TestJurisdiction, requirement: requirement_pb2.Requirement, bundle: bytes, decision: int
) -> bool:
    """Whether it does by now: new trust is noticed within seconds."""
    return (await verify(relying, bundle, nodes.SUBJECTS["140000"], requirement)).decision == decision


async def test_a_node_that_loses_its_sm2_refers_what_it_accepted(tmp_path: Path) -> None:
    """Its trust in an issuer that signs with SM2 alone can no longer be checked: it starts, and refers."""
    async with provinces(tmp_path, "140000", "520000", suites={"140000": Suite.SM2_SM3}) as found:
        _, bundle = await found.report(found.shanxi)
        await nodes.caught_up(found.guizhou, found.shanxi, index_of(bundle) + 1)
        assert (await verify(found.guizhou, bundle, found.shanxi.subject, OF_SHANXI)).decision == ACCEPT
        port = found.guizhou.settings.rpc.listen
        await found.guizhou.stop()
        found.guizhou.settings = Settings.load(
            found.guizhou.layout.settings,
            {"HUXIN_RPC__LISTEN": str(port), "HUXIN_OPERATIONS__LISTEN": "127.0.0.1:0", **WITHOUT_SM2},
        )
        await found.guizhou.start(found.clock)
        verdict = await verify(found.guizhou, bundle, found.shanxi.subject, OF_SHANXI)
        assert (verdict.decision, verdict.steps[2].reason) == (REFER, "ISSUER_UNCHECKED"), verdict
        (problem,) = trusting.trusted_state(found.guizhou.settings).problems
        assert problem.startswith("bundles/140000.json is left out: signed with a suite that cannot be checked here")
