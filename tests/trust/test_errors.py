from __future__ import annotations

import re

from trust import errors


def every_class(base: type[errors.TrustError]) -> set[type[errors.TrustError]]:
    return {base}.union(*(every_class(child) for child in base.__subclasses__()))


def test_the_tree_at_the_top_names_every_error_with_its_code() -> None:
    drawn = errors.__doc__ or ""
    for error in every_class(errors.TrustError) - {errors.TrustError}:
        assert re.search(rf"── {error.__name__} .*({error.default_reason}|\(given\))$", drawn, re.MULTILINE)


def test_codes_are_stable_and_distinct() -> None:
    codes = [error.default_reason for error in every_class(errors.TrustError)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[A-Z][A-Z_]+", code) for code in codes)


def test_a_raiser_may_give_a_narrower_code() -> None:
    assert errors.BadKey("sentence").reason == "BAD_KEY"
    assert errors.BadKey("sentence", "KEY_FILE_EXPOSED").reason == "KEY_FILE_EXPOSED"
    assert errors.StepFailed("EXPIRED", "sentence").reason == "EXPIRED"
