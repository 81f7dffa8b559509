"""A jurisdiction's history only grows, whoever signs the next version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.trust import ISSUED, jurisdiction, key
from trust.algorithms import Suite
from trust.continuity import require_continues
from trust.errors import HistoryBroken
from trust.vocabulary import JurisdictionBundle, LogKeys, SigningKeyInfo

HOUR = timedelta(hours=1)
ENDED = ISSUED + 10 * HOUR
OTHER = SigningKeyInfo(key("next").spki, Suite.ED25519, ISSUED)


def with_key(bundle: JurisdictionBundle, **times: object) -> JurisdictionBundle:
    """The bundle with its first key changed."""
    first, *rest = bundle.signing_keys
    return replace(bundle, signing_keys=(replace(first, **times), *rest))  # type: ignore[arg-type]  # fields by name


def next_of(bundle: JurisdictionBundle) -> JurisdictionBundle:
    return replace(bundle, version=bundle.version + 1)


PLAIN = jurisdiction(key("signing"))
RETIRED, COMPROMISED = with_key(PLAIN, retired_at=ENDED), with_key(PLAIN, compromised_at=ENDED)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (PLAIN, PLAIN),
        (PLAIN, replace(PLAIN, version=7, issued_at=PLAIN.issued_at + HOUR)),
        (PLAIN, replace(PLAIN, signing_keys=(OTHER, *PLAIN.signing_keys))),
        (PLAIN, RETIRED),
        (PLAIN, COMPROMISED),
        (RETIRED, with_key(RETIRED, retired_at=ENDED - HOUR)),
        (RETIRED, with_key(RETIRED, compromised_at=ENDED + HOUR)),
        (COMPROMISED, with_key(COMPROMISED, compromised_at=ENDED - HOUR)),
        (PLAIN, replace(PLAIN, endpoints=("node:1",), name_en="Renamed", ca_certificates=(b"another",))),
        (PLAIN, replace(PLAIN, log=replace(PLAIN.log, cosigner_spki=key("other cosigner").spki))),
    ],
)
def test_what_adds_to_the_history_continues(earlier: JurisdictionBundle, later: JurisdictionBundle) -> None:
    require_continues(earlier, next_of(later) if later.version <= earlier.version else later)


@pytest.mark.parametrize(
    ("earlier", "later", "reason"),
    [
        (PLAIN, lambda b: replace(b, division="520000", log=replace(b.log, origin="huxin/520000")), "OTHER_DIVISION"),
        (PLAIN, lambda b: replace(b, version=1), "VERSION_NOT_GREATER"),
        (replace(PLAIN, version=5), lambda b: replace(b, version=4), "VERSION_NOT_GREATER"),
        (PLAIN, lambda b: replace(b, issued_at=b.issued_at - timedelta(microseconds=1)), "ISSUED_EARLIER"),
        (
            PLAIN,
            lambda b: replace(b, log=LogKeys("huxin/140000/2", b.log.head_spki, b.log.cosigner_spki)),
            "LOG_REPLACED",
        ),
        (PLAIN, lambda b: replace(b, signing_keys=(OTHER,)), "KEY_REMOVED"),
        (PLAIN, lambda b: with_key(b, valid_from=b.signing_keys[0].valid_from - HOUR), "KEY_ALTERED"),
        (PLAIN, lambda b: with_key(b, valid_from=b.signing_keys[0].valid_from + HOUR), "KEY_ALTERED"),
        (PLAIN, lambda b: with_key(b, suite="another"), "KEY_ALTERED"),
        (RETIRED, lambda b: with_key(b, retired_at=None), "KEY_ALTERED"),
        (RETIRED, lambda b: with_key(b, retired_at=ENDED + HOUR), "KEY_ALTERED"),
        (COMPROMISED, lambda b: with_key(b, compromised_at=None), "KEY_ALTERED"),
        (COMPROMISED, lambda b: with_key(b, compromised_at=ENDED + HOUR), "KEY_ALTERED"),
    ],
)
def test_what_takes_back_is_refused(
    earlier: JurisdictionBundle, later: Callable[[JurisdictionBundle], JurisdictionBundle], reason: str
) -> None:
    with pytest.raises(HistoryBroken) as caught:
        require_continues(earlier, later(next_of(earlier)))
    assert caught.value.reason == reason


def test_every_key_is_compared_and_not_the_first_alone() -> None:
    earlier = replace(PLAIN, signing_keys=(*PLAIN.signing_keys, replace(OTHER, retired_at=ENDED)))
    with pytest.raises(HistoryBroken, match="retirement"):
        require_continues(earlier, next_of(replace(PLAIN, signing_keys=(*PLAIN.signing_keys, OTHER))))
