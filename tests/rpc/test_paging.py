"""Pages and their tokens (AIP-158)."""

import pytest

from node.errors import InvalidInput
from node.rpc.paging import page_of, page_size, read_token, write_token

ITEMS = [f"{number:03d}" for number in range(45)]


@pytest.mark.parametrize(("requested", "size"), [(0, 20), (1, 1), (100, 100), (101, 100), (2**32 - 1, 100)])
def test_sizes(requested: int, size: int) -> None:
    assert page_size(requested) == size


@pytest.mark.parametrize("size", [1, 7, 44, 45, 100, 0])
def test_pages_give_every_item_once_in_order(size: int) -> None:
    token, seen = "", list[str]()
    while True:
        page, token = page_of(ITEMS[::-1], str, size, token, "items")
        seen += page
        assert len(page) <= page_size(size)
        if not token:
            break
    assert seen == ITEMS


def test_a_token_is_bound_to_its_question() -> None:
    token = write_token("020", "items")
    assert read_token(token, "items") == "020"
    with pytest.raises(InvalidInput) as caught:
        read_token(token, "other items")
    assert (caught.value.field, caught.value.reason) == ("page_token", "INVALID_PAGE_TOKEN")


@pytest.mark.parametrize("token", ["020", "!", "AAAA", "é", "A" * 2000, write_token("x", "items")[:-4], "=" * 8])
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        read_token(token, "items")


def test_the_last_page_has_no_token() -> None:
    assert write_token("", "items") == ""
    assert read_token("", "items") == ""
