"""Trust certificates whose key was compromised since: terms to be signed again, and nothing that anybody trusts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from node.registry.directory import TrustDirectory
from tests.registry.test_directory import HOUR, LATER, NOW, bundle_of, certificate, directory, flip, info, signed
from tests.support.trust import key

__all__ = ["directory"]


@pytest.mark.parametrize("since", [HOUR, -HOUR], ids=["dated before", "dated since"])
def test_what_a_lost_key_signed_is_kept_as_terms_and_never_as_trust(
    directory: TrustDirectory, since: timedelta
) -> None:
    old, new = key("520000"), key("rotated")
    directory.accept_bundle(signed(bundle_of("520000", 2, info(old), info(new))), None)
    directory.accept_certificate(certificate())
    lost = bundle_of("520000", 3, info(old, compromised_at=NOW + since), info(new), at=NOW + 2 * HOUR)
    directory.accept_bundle(signed(lost, new), None)
    state = directory.load()
    assert (state.certificates, state.recognition("140000", LATER)) == ({}, None)
    (lapsed,) = state.lapsed["140000"]
    assert (lapsed.certificate.issuer, lapsed.certificate.issued_at) == ("140000", NOW)
    assert ["huxin recognise grant 140000 --keep" in problem for problem in state.problems] == [True]
    assert "read each term" in state.problems[0]
    directory.accept_certificate(certificate("520000", "140000", new, at=NOW + 3 * HOUR))
    again = directory.load()
    assert (again.problems, again.recognition("140000", LATER)) == ((), again.certificates["140000"][-1])


def test_a_forgery_beside_a_lost_key_is_no_terms_either(directory: TrustDirectory, tmp_path: Path) -> None:
    """Neither of a key that is not ours, nor altered, nor of another recogniser, nor under another's name."""
    old, new = key("520000"), key("rotated")
    directory.accept_bundle(signed(bundle_of("520000", 2, info(old), info(new))), None)
    lost = bundle_of("520000", 3, info(old, compromised_at=NOW - HOUR), info(new), at=NOW + 2 * HOUR)
    directory.accept_bundle(signed(lost, new), None)
    folder = tmp_path / "certificates"
    folder.mkdir(exist_ok=True)
    for issuer, text in (
        ("110000", certificate("140000", "110000", old)),
        ("120000", certificate("520000", "120000", key("stranger"))),
        ("150000", certificate("520000", "160000", old)),
        ("170000", certificate("520000", "170000", old)),
    ):
        (folder / f"{issuer}.json").write_text(text)
    flip(folder / "170000.json")
    state = directory.load()
    assert (state.certificates, state.lapsed) == ({}, {})
    assert len(state.problems) == 4
