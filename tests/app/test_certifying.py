"""Renewal, revocation and rotation on the files of a home, cut off anywhere and gone on with."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509

from node.app import certifying, trusting
from node.app.authority import BACKDATED, AuthorityFiles, issued_by, own_authority
from node.errors import HuxinError, InvalidInput
from tests.support.nodes import THE_DAY, TestJurisdiction
from trust.certificates import Authorities, validate_path
from trust.errors import CertificateRejected
from trust.revocation import bundle_lists

OVERLAP = timedelta(days=7)
LATER = THE_DAY + OVERLAP


def files_of(one: TestJurisdiction) -> AuthorityFiles:
    return own_authority(one.settings)


def authorities(one: TestJurisdiction) -> Authorities:
    return trusting.trusted_state(one.settings).own.authorities


def renew_all(one: TestJurisdiction) -> None:
    for name in certifying.due_names(one.settings, LATER):
        certifying.renew(one.settings, name, LATER, None, os.urandom)


def cut_off(owner: object, where: str, act: Callable[[], object], *, after: int = 0) -> None:
    """Does something that ends in a crash, where it would do its next step for the time `after` that."""
    calls = itertools.count()
    real = getattr(owner, where)

    def stop(*given: object) -> object:
        if next(calls) == after:
            raise OSError("synthetic crash")
        return real(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, where, stop)
        with pytest.raises(OSError, match="synthetic"):
            act()


def test_a_new_ca_is_published_at_once_and_issues_after_the_overlap(guizhou: TestJurisdiction) -> None:
    settings, files = guizhou.settings, files_of(guizhou)
    (old,) = files.listed()
    assert certifying.rotate_ca(settings, THE_DAY, os.urandom) == THE_DAY + OVERLAP
    _, new = files.listed()
    assert set(authorities(guizhou).certificates) == {old, new}
    assert new.not_valid_before_utc == THE_DAY - BACKDATED
    for at, issuer in ((THE_DAY, old), (LATER - timedelta(seconds=1), old), (LATER, new)):
        leaf = certifying.renew(settings, "gateway", at, None, os.urandom)
        assert issued_by(leaf, issuer)
    with pytest.raises(InvalidInput, match="retire-ca"):
        certifying.rotate_ca(settings, LATER, os.urandom)
    assert certifying.due_names(settings, THE_DAY) == []  # what the successor issued is not taken back
    assert certifying.due_names(settings, LATER) == ["node", "operator"]


@pytest.mark.parametrize(("owner", "where"), [(certifying, "amend_own_bundle"), (AuthorityFiles, "write")])
def test_a_rotation_that_was_cut_off_is_gone_on_with(guizhou: TestJurisdiction, owner: object, where: str) -> None:
    files = files_of(guizhou)
    (old,) = files.listed()
    cut_off(owner, where, lambda: certifying.rotate_ca(guizhou.settings, THE_DAY, os.urandom))
    assert files.listed() == (old,)
    assert issued_by(certifying.renew(guizhou.settings, "gateway", THE_DAY, None, os.urandom), old)
    certifying.rotate_ca(guizhou.settings, THE_DAY, os.urandom)
    assert set(authorities(guizhou).certificates) == set(files.listed())
    assert len(files.listed()) == 2


@pytest.mark.parametrize(("owner", "where"), [(certifying, "amend_own_bundle"), (AuthorityFiles, "write")])
def test_a_retirement_that_was_cut_off_is_gone_on_with(guizhou: TestJurisdiction, owner: object, where: str) -> None:
    settings, files = guizhou.settings, files_of(guizhou)
    certifying.rotate_ca(settings, THE_DAY, os.urandom)
    _, new = files.listed()
    operator = str(guizhou.layout.certificate("operator"))
    certifying.revoke(settings, operator, "superseded", THE_DAY, unrecorded=False)
    for name in ("gateway", "node"):
        certifying.renew(settings, name, LATER, None, os.urandom)
    cut_off(owner, where, lambda: certifying.retire_ca(settings, LATER, ignore_replaced=True))
    assert issued_by(certifying.renew(settings, "gateway", LATER, None, os.urandom), new)
    certifying.retire_ca(settings, LATER, ignore_replaced=True)
    assert authorities(guizhou).certificates == files.listed() == (new,)
    assert not files.next_key.exists()


def test_a_retirement_that_was_cut_off_at_its_last_step_is_ended_by_the_next_rotation(
    guizhou: TestJurisdiction,
) -> None:
    settings, files = guizhou.settings, files_of(guizhou)
    certifying.rotate_ca(settings, THE_DAY, os.urandom)
    _, new = files.listed()
    renew_all(guizhou)
    retire = partial(certifying.retire_ca, settings, LATER, ignore_replaced=True)
    cut_off(AuthorityFiles, "settle", retire, after=1)
    assert files.listed() == (new,)
    assert issued_by(certifying.renew(settings, "gateway", LATER, None, os.urandom), new)
    certifying.rotate_ca(settings, LATER, os.urandom)
    assert files.listed()[0] == new
    assert issued_by(certifying.renew(settings, "gateway", LATER, None, os.urandom), new)


def test_what_still_hangs_on_the_old_ca_is_named(guizhou: TestJurisdiction) -> None:
    settings = guizhou.settings
    with pytest.raises(InvalidInput, match="rotate-ca"):
        certifying.retire_ca(settings, THE_DAY, ignore_replaced=False)
    certifying.rotate_ca(settings, THE_DAY, os.urandom)
    with pytest.raises(InvalidInput, match="2026-11-29"):
        certifying.retire_ca(settings, THE_DAY, ignore_replaced=False)
    for name in ("gateway", "node"):
        certifying.renew(settings, name, LATER, None, os.urandom)
    with pytest.raises(HuxinError, match="operator") as caught:
        certifying.retire_ca(settings, LATER, ignore_replaced=True)
    assert "gateway" not in caught.value.message
    operator = str(guizhou.layout.certificate("operator"))
    certifying.revoke(settings, operator, "superseded", LATER, unrecorded=False)
    with pytest.raises(HuxinError, match="replaced"):
        certifying.retire_ca(settings, LATER, ignore_replaced=False)
    for each in certifying.issued_here(settings):
        if not each.names:
            certifying.revoke(settings, each.serial, "superseded", LATER, unrecorded=False)
    certifying.retire_ca(settings, LATER, ignore_replaced=False)
    # With the CA its list is gone: what it issued is refused by itself.
    assert trusting.trusted_state(settings).own.bundle.revocation_lists == ()
    with pytest.raises(CertificateRejected):
        validate_path(Path(operator).read_bytes(), {"520000": authorities(guizhou)}, LATER)


def test_both_cas_revoke_during_the_overlap(guizhou: TestJurisdiction) -> None:
    settings = guizhou.settings
    certifying.rotate_ca(settings, THE_DAY, os.urandom)
    new_leaf = certifying.renew(settings, "gateway", LATER, None, os.urandom)
    for name in ("gateway", "operator"):
        certifying.revoke(settings, str(guizhou.layout.certificate(name)), "unspecified", LATER, unrecorded=False)
        with pytest.raises(CertificateRejected) as caught:
            validate_path(guizhou.layout.certificate(name).read_bytes(), {"520000": authorities(guizhou)}, LATER)
        assert caught.value.reason == "CERTIFICATE_REVOKED"
    lists = bundle_lists(trusting.trusted_state(settings).own.bundle)
    assert [len(each.revoked) for each in lists] == [1, 1]
    renew_all(guizhou)
    certifying.retire_ca(settings, LATER, ignore_replaced=True)
    (kept,) = bundle_lists(trusting.trusted_state(settings).own.bundle)
    assert [entry.serial for entry in kept.revoked] == [new_leaf.serial_number]


def test_lists_are_signed_again_with_a_higher_number(guizhou: TestJurisdiction) -> None:
    settings = guizhou.settings
    assert certifying.sign_lists_again(settings, THE_DAY) == 0
    certifying.revoke(settings, "ab12", "unspecified", THE_DAY, unrecorded=True)
    (first,) = bundle_lists(trusting.trusted_state(settings).own.bundle)
    assert certifying.sign_lists_again(settings, LATER) == 1
    (second,) = bundle_lists(trusting.trusted_state(settings).own.bundle)
    assert (second.revoked, second.number) == (first.revoked, first.number + 1)
    assert second.next_update - first.next_update == OVERLAP


def test_what_is_no_certificate_of_ours_is_not_revoked(guizhou: TestJurisdiction, shanxi: TestJurisdiction) -> None:
    foreign = str(shanxi.layout.certificate("gateway"))
    with pytest.raises(InvalidInput, match="No CA in use here"):
        certifying.revoke(guizhou.settings, foreign, "unspecified", THE_DAY, unrecorded=True)
    for text in ("no-such-file", "0", "-5", "f" * 41):
        with pytest.raises(InvalidInput, match="neither a file nor"):
            certifying.revoke(guizhou.settings, text, "unspecified", THE_DAY, unrecorded=True)


def test_without_the_ca_key_every_command_says_where_to_go(guizhou: TestJurisdiction) -> None:
    keys = guizhou.settings.keys.model_copy(update={"ca": None})
    settings = guizhou.settings.model_copy(update={"keys": keys})
    for act in (
        lambda: certifying.renew(settings, "gateway", THE_DAY, None, os.urandom),
        lambda: certifying.rotate_ca(settings, THE_DAY, os.urandom),
        lambda: certifying.revoke(settings, "ab12", "unspecified", THE_DAY, unrecorded=True),
    ):
        with pytest.raises(HuxinError, match="HUXIN_KEYS__CA") as caught:
            act()
        assert caught.value.reason == "CA_ELSEWHERE"


def test_every_certificate_is_recorded(guizhou: TestJurisdiction) -> None:
    before = {each.serial for each in certifying.issued_here(guizhou.settings)}
    assert len(before) == 3
    fresh = certifying.renew(guizhou.settings, "gateway", THE_DAY, 30, os.urandom)
    after = {each.serial: each.names for each in certifying.issued_here(guizhou.settings)}
    assert set(after) == before | {f"{fresh.serial_number:x}"}
    assert sorted(names for names in after.values()) == [(), ("gateway",), ("node",), ("operator",)]
    with pytest.raises(InvalidInput, match="no workload"):
        certifying.renew(guizhou.settings, "nobody", THE_DAY, None, os.urandom)
    with pytest.raises(InvalidInput, match="no workload"):
        certifying.renew(guizhou.settings, "ca", THE_DAY, None, os.urandom)


def test_a_certificate_that_somebody_put_there_is_not_renewed(
    guizhou: TestJurisdiction, shanxi: TestJurisdiction
) -> None:
    planted = guizhou.layout.certificate("planted")
    planted.write_bytes(shanxi.layout.certificate("node").read_bytes())
    assert certifying.due_names(guizhou.settings, THE_DAY) == []
    with pytest.raises(InvalidInput, match="No CA in use here"):
        certifying.renew(guizhou.settings, "planted", THE_DAY, None, os.urandom)


def test_a_ca_that_has_ended_issues_nothing(guizhou: TestJurisdiction) -> None:
    (ca,) = files_of(guizhou).listed()
    assert isinstance(ca, x509.Certificate)
    with pytest.raises(HuxinError, match="rotate-ca") as caught:
        certifying.renew(guizhou.settings, "node", ca.not_valid_after_utc, None, os.urandom)
    assert caught.value.reason == "CA_EXPIRED"
