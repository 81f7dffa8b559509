"""Attacks on statements, keys and certificates among nodes that know each other by the trust registry alone.

Each ends in REFER or REJECT with its reason, through the real door of Guizhou's node (`trust/README.md` has the table).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from huxin.v1 import federation_service_pb2 as pb
from huxin.v1 import federation_service_pb2_grpc

from node.app import certifying, key_life, running, trust_keeper, trusting
from node.app.registering import registry_record
from node.registry.metadata import FIRST_SEEN_FIELD
from node.registry.publishing import Publication
from node.registry.release import Changes
from node.wire.trust import encode_publication
from tests.integration import dishonest, federated, registry_lies
from tests.integration.federated import (
    BEGAN,
    CHOICES,
    COORDINATOR,
    DAY,
    ISSUER,
    LIAR,
    MINUTE,
    RELYING,
    SECOND,
    Template,
    World,
    first_key,
)
from tests.integration.provinces import ACCEPT, REFER, REJECT, ROWS
from tests.support import nodes
from tests.support.federation import SIGNERS, targets_of
from tests.support.registry import signed
from trust import statements
from trust.algorithms import Suite, key_id_of
from trust.bundle import encode_bundle, read_bundle
from trust.envelope import seal
from trust.keys import PrivateKey, Signer, generate, load
from trust.statements import encode_envelope
from trust.vocabulary import JurisdictionBundle, SigningKeyInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALMER = {"HUXIN_REGISTRY__REFRESH_SECONDS": "0.2"}
THREE = (COORDINATOR, ISSUER, RELYING)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_keeper, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return await federated.prepare(tmp_path_factory.mktemp("federated") / "homes")


def answering(world: World, bundle: bytes, decision: int, *reasons: str) -> Callable[[], Awaitable[bool]]:
    """Whether Guizhou answers so by now."""

    async def answered() -> bool:
        verdict = await world.ask(bundle)
        return (verdict.decision, list(verdict.reasons)) == (decision, list(reasons))

    return answered


async def fails_at(world: World, bundle: bytes, step: int, decision: int, reason: str) -> None:
    """Waits until a step has this reason and the decision is that. What news change takes a moment to arrive."""

    async def answered() -> bool:
        verdict = await world.ask(bundle)
        return (verdict.decision, verdict.steps[step - 1].reason) == (decision, reason)

    await nodes.eventually(answered, 20)


async def issued(world: World) -> bytes:
    """A new report of Shanxi whose entry Guizhou holds."""
    number = await nodes.create_report(world.shanxi, codes=ROWS[ISSUER])
    bundle = await nodes.download(world.shanxi, number)
    inclusion = read_bundle(bundle).inclusion
    assert inclusion is not None
    await nodes.caught_up(world.guizhou, world.shanxi, inclusion.index + 1)
    return bundle


# Keys ----------------------------------------------------------------------------------------------------------------


async def test_a_compromised_key_is_told_before_and_since(template: Template, tmp_path: Path) -> None:
    """Shanxi says so at home; its node publishes, the coordinator releases, Guizhou refreshes: nobody telephones."""
    async with federated.world_of(template, tmp_path / "homes", THREE, CALMER) as world:
        before = world.bundle
        world.clock.advance(5 * MINUTE)
        since = world.clock.now()
        after = await issued(world)
        stolen = load(world.shanxi.layout.key("signing"))
        forged = dishonest.resigned(before, stolen, issued_at=since - MINUTE)
        inclusion = await dishonest.log_anything(world.shanxi, read_bundle(forged).envelope_bytes)
        await nodes.caught_up(world.guizhou, world.shanxi, inclusion.index + 1)
        assert {(await world.ask(each)).decision for each in (before, after, forged)} == {ACCEPT}
        world.clock.advance(MINUTE)
        key_life.compromise(world.shanxi.settings, first_key(world.shanxi), since, world.clock.now())
        await fails_at(world, forged, 4, REFER, "KEY_COMPROMISED_SINCE")
        await fails_at(world, after, 4, REJECT, "KEY_COMPROMISED")
        assert (await world.ask(before)).existed.own
        world.clock.advance(MINUTE)
        await nodes.eventually(lambda: _accepts_a_new_one(world), 20)
        assert [(await world.ask(each)).decision for each in (before, forged)] == [ACCEPT, REFER]


async def _accepts_a_new_one(world: World) -> bool:
    with suppress(grpc.aio.AioRpcError):  # until Shanxi has seen its new key published
        return (await world.ask(await issued(world))).decision == ACCEPT
    return False


async def test_a_retired_key_signs_nothing_any_more(template: Template, tmp_path: Path) -> None:
    """Whoever found the file of the old key goes on with it. What it signed while it was in use stands."""
    async with federated.world_of(template, tmp_path / "homes", THREE, CALMER) as world:
        settings, old = world.shanxi.settings, first_key(world.shanxi)
        private = load(world.shanxi.layout.key("signing"))
        world.clock.advance(MINUTE)
        (retired,) = key_life.rotate(settings, None, timedelta(0), None, world.clock.now()).retired
        ended = retired.retired_at
        assert key_id_of(retired.spki) == old
        assert ended is not None
        world.clock.set(ended + SECOND)
        late = dishonest.resigned(world.bundle, private, issued_at=ended)
        await fails_at(world, late, 4, REJECT, "KEY_RETIRED")
        assert (await world.ask()).decision == ACCEPT


def with_key(own: JurisdictionBundle, key: PrivateKey, since: datetime) -> JurisdictionBundle:
    info = SigningKeyInfo(key.spki, key.suite.value, since)
    return replace(own, version=own.version + 1, signing_keys=(*own.signing_keys, info))


def by_thief_of_the_registry_key(world: World, thief: PrivateKey, since: datetime) -> Publication:
    """What Shanxi says of itself, with one key more, signed by that key and published with Shanxi's registry key."""
    own = trusting.trusted_state(world.shanxi.settings).own.bundle
    bundle = replace(with_key(own, thief, since), issued_at=world.clock.now())
    sealed = seal(statements.JURISDICTION_BUNDLE, statements.encode_jurisdiction_bundle(bundle), [thief])
    return world.publication(world.shanxi, {f"{ISSUER}/bundle": encode_envelope(sealed)})


@pytest.mark.parametrize("backdated", [False, True])
async def test_a_key_counts_from_when_it_was_first_seen(template: Template, tmp_path: Path, backdated: bool) -> None:
    """The thief dates the key back; a coordinator that is in on it says that it was always there."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        world.clock.advance(MINUTE)
        await world.give(world.release(registry_lies.NO_CHANGES))
        world.clock.advance(MINUTE)
        thief = generate(Suite.ED25519)
        made = by_thief_of_the_registry_key(world, thief, BEGAN - DAY)
        files = world.release(Changes(publications=(made,)))
        if backdated:
            files = _with_first_seen(world, files, key_id_of(thief.spki))
        await world.give(files)
        old = dishonest.resigned(world.bundle, thief)
        await fails_at(world, old, 4, REJECT, "KEY_NOT_YET_VALID")
        # What it signs from now on is in no log: not in Shanxi's, whose keys it does not have.
        new = dishonest.resigned(world.bundle, thief, issued_at=world.clock.now(), valid_until=None)
        await fails_at(world, new, 6, REFER, "NOT_YET_IN_VIEW")
        assert (await world.ask()).decision == ACCEPT


def _with_first_seen(world: World, files: federated.Files, key_id: str) -> federated.Files:
    def backdating(found: object) -> None:
        seen = found.unrecognized_fields[FIRST_SEEN_FIELD][ISSUER]  # type: ignore[attr-defined]
        seen[key_id] = f"{BEGAN - DAY:%Y-%m-%dT%H:%M:%SZ}"

    return registry_lies.relisted_over(world, files, backdating)


# Issuer and recognition ----------------------------------------------------------------------------------------------


async def test_an_issuer_that_is_no_member_any_more_is_rejected(template: Template, tmp_path: Path) -> None:
    """k of n holders end Shanxi's membership; its node and all of its keys are as they were."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        world.clock.advance(MINUTE)
        others = [one for division, one in world.members.items() if division != ISSUER]
        targets = signed(targets_of(others, world.clock.now(), version=2), *SIGNERS)
        await world.give(world.release(Changes(targets=targets)))
        await fails_at(world, world.bundle, 3, REJECT, "ISSUER_UNKNOWN")
        # A coordinator that offers what it said as a member is not believed either.
        await world.counted("OK")
        world.mirror.serve(world.before)
        await world.counted("REGISTRY_ROLLBACK")
        await fails_at(world, world.bundle, 3, REJECT, "ISSUER_UNKNOWN")


async def test_a_withdrawn_recognition_rejects(template: Template, tmp_path: Path) -> None:
    """Also when the file of the withdrawal is lost afterwards: it was published."""
    async with federated.world_of(template, tmp_path / "homes", (COORDINATOR, RELYING), CALMER) as world:
        world.clock.advance(MINUTE)
        held = trusting.withdraw(world.guizhou.settings, ISSUER, world.clock.now(), "合成示例")
        await fails_at(world, world.bundle, 15, REJECT, "RECOGNITION_WITHDRAWN")

        async def published() -> bool:
            return any(row[:3] == (RELYING, "recognition", ISSUER) and held.envelope in row for row in world.rows())

        await nodes.eventually(published, 20)
        folder = world.guizhou.layout.trust / "certificates"
        (file,) = folder.glob(f"{ISSUER}.{held.certificate.issued_at:%Y%m%dT%H%M%S}*")
        file.unlink()
        world.clock.advance(MINUTE)
        verdict = await world.ask()
        assert (verdict.decision, verdict.steps[14].reason) == (REJECT, "RECOGNITION_WITHDRAWN")


# Suites --------------------------------------------------------------------------------------------------------------


def stripped(bundle: bytes, suite: Suite) -> bytes:
    """The bundle without its signatures of that suite, and without the proof, which would fail for its own reason."""
    whole = read_bundle(bundle)
    left = tuple(each for each in whole.envelope.signatures if (len(each.sig) == 64) != (suite is Suite.ED25519))
    assert 0 < len(left) < len(whole.envelope.signatures)
    envelope = replace(whole.envelope, signatures=left)
    return encode_bundle(encode_envelope(envelope), whole.subject_salt, whole.disclosure, whole.report_salt)


async def test_no_signature_can_be_left_out_and_no_weaker_suite_does(template: Template, tmp_path: Path) -> None:
    """Guizhou requires both of the suites by which Shanxi signs; nothing in a message lowers that."""
    async with federated.world_of(template, tmp_path / "homes", THREE, CALMER) as world:
        world.clock.advance(MINUTE)
        key_life.add(world.shanxi.settings, Suite.ECDSA_P256_SHA256, timedelta(0), None, world.clock.now())
        world.clock.advance(MINUTE)
        both = await _signed_twice(world)
        required = (Suite.ED25519.value, Suite.ECDSA_P256_SHA256.value)
        await nodes.eventually(answering(world, both, ACCEPT), 20)
        record = await registry_record(world.guizhou.settings)
        choices = replace(CHOICES, required_suites=required)
        trusting.recognise(world.guizhou.settings, ISSUER, choices, world.clock.now(), record)
        await fails_at(world, world.bundle, 5, REJECT, "SUITE_MISSING")  # signed before, with the first suite alone
        assert (await world.ask(both)).decision == ACCEPT
        for suite in (Suite.ED25519, Suite.ECDSA_P256_SHA256):
            await fails_at(world, stripped(both, suite), 5, REJECT, "SUITE_MISSING")


async def _signed_twice(world: World) -> bytes:
    found: list[bytes] = []

    async def two() -> bool:
        found.append(await issued(world))
        return len(read_bundle(found[-1]).envelope.signatures) == 2

    await nodes.eventually(two, 20)
    return found[-1]


# Forgeries -----------------------------------------------------------------------------------------------------------


async def test_nobody_signs_for_shanxi(template: Template, tmp_path: Path) -> None:
    """Neither Lanzhou's key, nor a key of nobody, nor Shanxi's own registry, log or CA key."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        signers: list[Signer] = [
            load(world.members[LIAR].layout.key("signing")),
            load(world.shanxi.settings.registry.key),
            load(world.shanxi.layout.key("log")),
            load(world.shanxi.layout.key("cosigner")),
            load(world.shanxi.layout.key("ca")),
            generate(Suite.ED25519),
        ]
        for signer in signers:
            verdict = await world.ask(dishonest.resigned(world.bundle, signer))
            assert (verdict.decision, verdict.steps[3].reason) == (REJECT, "KEY_UNKNOWN")
        assert (await world.ask()).decision == ACCEPT


async def test_lanzhou_publishes_nothing_as_shanxi(template: Template, tmp_path: Path) -> None:
    """At the coordinator's door: by the division that it names, by the path that it lists, by the key that signs."""
    async with federated.world_of(template, tmp_path / "homes", (COORDINATOR,), CALMER) as world:
        lanzhou = world.members[LIAR]
        foreign = registry_lies.foreign_publication(world)
        own = world.publication(lanzhou, {f"{LIAR}/bundle": trusting.trusted_state(lanzhou.settings).own.envelope})
        unsigned = replace(own, metadata=registry_lies.signed_by_nobody(own.metadata))
        before = await world.files_of(world.members[COORDINATOR])
        for publication, division, words in (
            (own, ISSUER, "publishes for itself only"),
            (foreign, LIAR, "under another name"),
            (unsigned, LIAR, "not signed by the registry keys"),
        ):
            code, details = await _published(world, publication, division)
            assert code is grpc.StatusCode.INVALID_ARGUMENT, words
            assert words in details
        after = await world.files_of(world.members[COORDINATOR])
        assert after.keys() == before.keys()


async def _published(world: World, publication: Publication, division: str) -> tuple[grpc.StatusCode, str]:
    """What the coordinator answers Lanzhou's node."""
    pair = world.members[LIAR].layout.pair("node").read()
    encoded = encode_publication(division, publication.metadata, publication.files)
    async with dishonest.channel_with(world.members[COORDINATOR], pair.key, pair.certificate) as channel:
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.PublishTrust(pb.PublishTrustRequest(publication=pb.TrustPublication.FromString(encoded)))
        return caught.value.code(), caught.value.details() or ""


# Certificates --------------------------------------------------------------------------------------------------------


async def _fetched(world: World, key: bytes, certificate: bytes) -> tuple[grpc.StatusCode, str]:
    """What Guizhou's node answers the holder of a certificate who asks for a file of the registry."""
    async with dishonest.channel_with(world.guizhou, key, certificate) as channel:
        stub = federation_service_pb2_grpc.FederationServiceStub(channel)
        call = stub.FetchTrust(pb.FetchTrustRequest(name="timestamp.json"))
        try:
            async for _ in call:
                pass
        except grpc.aio.AioRpcError as error:
            answered = error.code() is not grpc.StatusCode.UNAVAILABLE
            return error.code(), nodes.reason_of(error) if answered else ""
        return grpc.StatusCode.OK, ""


@pytest.mark.parametrize("role", ["node", "gateway"])
async def test_a_sibling_ca_makes_no_client(template: Template, tmp_path: Path, role: str) -> None:
    """Lanzhou's CA certifies workloads of Shanxi and of Guizhou; the right CA does open the door."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        for victim in (ISSUER, RELYING):
            dns = [f"node.{victim}.huxin"] if role == "node" else []
            key, certificate = dishonest.certified(world.members[LIAR], f"spiffe://{victim}.huxin/{role}", *dns)
            # Whoever also claims a DNS name fails at the handshake, for a CA is constrained to its own names.
            at_the_call = grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REJECTED"
            assert await _fetched(world, key, certificate) == (
                (grpc.StatusCode.UNAVAILABLE, "") if dns else at_the_call
            )
        key, certificate = dishonest.certified(world.shanxi, f"spiffe://{ISSUER}.huxin/node", f"node.{ISSUER}.huxin")
        assert await _fetched(world, key, certificate) == (grpc.StatusCode.OK, "")


@pytest.mark.parametrize(("ca_of", "reached"), [(LIAR, False), (ISSUER, True)])
async def test_a_sibling_ca_makes_no_server(template: Template, tmp_path: Path, ca_of: str, reached: bool) -> None:
    """At Shanxi's address stands a mirror with a certificate for Shanxi's name: only Shanxi's CA makes one."""
    async with federated.world_of(template, tmp_path / "homes", extra=CALMER) as world:
        pair = dishonest.certified(world.members[ca_of], f"spiffe://{ISSUER}.huxin/node", f"node.{ISSUER}.huxin")
        before = world.rows()
        async with federated.mirroring(world, ISSUER, world.held, pair) as mirror:
            await world.counted("OK" if reached else "REGISTRY_UNREACHABLE", peer=ISSUER)
            assert bool(mirror.asked) == reached
        assert world.rows() == before


async def test_a_revoked_certificate_opens_nothing(template: Template, tmp_path: Path) -> None:
    """Shanxi's node key was stolen: Shanxi revokes, and the registry tells everybody."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        stolen = world.shanxi.layout.pair("node").read()
        assert (await _fetched(world, stolen.key, stolen.certificate))[0] is grpc.StatusCode.OK
        world.clock.advance(MINUTE)
        path = str(world.shanxi.layout.certificate("node"))
        certifying.revoke(world.shanxi.settings, path, "key-compromise", world.clock.now(), unrecorded=False)
        await world.give(world.release(Changes(publications=(world.publication(world.shanxi),))))

        async def refused() -> bool:
            answer = await _fetched(world, stolen.key, stolen.certificate)
            return answer == (grpc.StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED")

        await nodes.eventually(refused)
        assert (await world.ask()).decision == ACCEPT, "what was signed with other keys stands"


# Everything ----------------------------------------------------------------------------------------------------------


async def test_everything_expired_at_once(template: Template, tmp_path: Path) -> None:
    """Root, delegations, snapshot, timestamp, publications, recognition, report, log view: nothing is accepted."""
    async with federated.world_of(template, tmp_path / "homes") as world:
        world.clock.advance(400 * DAY)
        verdict = await world.ask()
        assert verdict.decision == REJECT
        assert {
            "RECOGNITION_NOT_IN_FORCE",
            "TRUST_STATE_EXPIRED",
            "LOG_VIEW_STALE",
            "REPORT_TOO_OLD",
        } <= {step.reason for step in verdict.steps}
        await world.counted("REGISTRY_EXPIRED")
        world.mirror.serve(world.release(registry_lies.NO_CHANGES))
        await world.counted("REGISTRY_EXPIRED")  # a fresh timestamp alone renews no root
        assert (await world.ask()).decision == REJECT
