"""Section tree: what is shown proves itself, what is hidden stays hidden, and nothing malformed passes."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.disclosure import commitment, disclose, disclosed_root, report_digest, section_leaves, tree_root
from trust.errors import MalformedInput, ProofInvalid

SALT = bytes(range(32))
LEAVES = section_leaves([sha256(bytes([at])).digest() for at in range(150)], [b"section %d" % at for at in range(150)])


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = max(1 << bit for bit in range(len(leaves).bit_length()) if 1 << bit < len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_complement(leaves: list[bytes], shown: set[int], start: int = 0) -> list[bytes]:
    """Roots of the largest subtrees without a shown leaf, by walking the definition of the tree."""
    if not shown & set(range(start, start + len(leaves))):
        return [naive_root(leaves)]
    if len(leaves) == 1:
        return []
    k = max(1 << bit for bit in range(len(leaves).bit_length()) if 1 << bit < len(leaves))
    return naive_complement(leaves[:k], shown, start) + naive_complement(leaves[k:], shown, start + k)


def test_the_digests_are_as_the_protocol_writes_them() -> None:
    assert section_leaves([SALT], [b"tax"]) == [sha256(b"\x00" + SALT + b"tax").digest()]
    assert (
        commitment(SALT, "uscc", "91140000MA0SYNTH01")
        == sha256(b"huxin/subject/v1" + SALT + b"uscc" + b"91140000MA0SYNTH01").digest()
    )
    assert report_digest(SALT, b"report") == sha256(b"huxin/report/v1" + SALT + b"report").digest()


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_salt_has_32_bytes(length: int) -> None:
    with pytest.raises(MalformedInput):
        section_leaves([bytes(length)], [b"tax"])
    with pytest.raises(MalformedInput):
        commitment(bytes(length), "uscc", "91140000MA0SYNTH01")
    with pytest.raises(MalformedInput):
        report_digest(bytes(length), b"report")


@pytest.mark.parametrize("count", range(1, 150))
def test_the_root_is_that_of_rfc_9162(count: int) -> None:
    assert tree_root(LEAVES[:count]) == naive_root(LEAVES[:count])


shown_sections = st.integers(1, 150).flatmap(
    lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1), min_size=1))
)


@given(shown_sections)
def test_any_choice_of_sections_leads_to_the_signed_root(case: tuple[int, set[int]]) -> None:
    count, chosen = case
    leaves, positions = LEAVES[:count], sorted(chosen)
    complement = disclose(leaves, positions)
    assert complement == naive_complement(leaves, chosen)
    assert disclosed_root(count, positions, [leaves[at] for at in positions], complement) == naive_root(leaves)


@given(shown_sections, st.data())
def test_one_section_cannot_stand_in_for_another(case: tuple[int, set[int]], data: st.DataObject) -> None:
    count, chosen = case
    positions = sorted(chosen)
    shown = [LEAVES[at] for at in positions]
    shown[data.draw(st.integers(0, len(shown) - 1))] = section_leaves([SALT], [b"no record"])[0]
    assert disclosed_root(count, positions, shown, disclose(LEAVES[:count], positions)) != naive_root(LEAVES[:count])


def test_no_bit_of_leaves_or_complement_can_be_flipped() -> None:
    positions = [0, 5, 6, 12]
    shown = [LEAVES[at] for at in positions]
    complement = disclose(LEAVES[:13], positions)
    root = naive_root(LEAVES[:13])
    assert disclosed_root(13, positions, shown, complement) == root
    for at in range(256 * len(complement)):
        assert disclosed_root(13, positions, shown, flipped(complement, at)) != root
    for at in range(256 * len(shown)):
        assert disclosed_root(13, positions, flipped(shown, at), complement) != root


def flipped(hashes: list[bytes], at: int) -> list[bytes]:
    data = bytearray(b"".join(hashes))
    data[at // 8] ^= 1 << at % 8
    return [bytes(data[start : start + 32]) for start in range(0, len(data), 32)]


@pytest.mark.parametrize("positions", [[], [3, 0], [0, 0, 3], [0, 3, 3], [-1, 3], [0, 13], [13], [0, 2**32]], ids=str)
def test_positions_rise_strictly_inside_the_tree(positions: list[int]) -> None:
    with pytest.raises(ProofInvalid):
        disclose(LEAVES[:13], positions)
    with pytest.raises(ProofInvalid):
        disclosed_root(13, positions, [LEAVES[0]] * len(positions), disclose(LEAVES[:13], [0, 3]))


@pytest.mark.parametrize("change", ["short", "empty", "long", "cut", "padded", "void first"])
def test_a_malformed_complement_is_refused(change: str) -> None:
    good = disclose(LEAVES[:13], [0, 3])
    wrong = {
        "short": good[:-1],
        "empty": [],
        "long": [*good, LEAVES[0]],
        "cut": [good[0][:31], *good[1:]],
        "padded": [good[0] + b"\x00", *good[1:]],
        "void first": [b"", *good],
    }
    with pytest.raises(ProofInvalid):
        disclosed_root(13, [0, 3], [LEAVES[0], LEAVES[3]], wrong[change])


def test_a_complement_beside_a_whole_report_is_refused() -> None:
    assert disclosed_root(13, list(range(13)), LEAVES[:13], []) == naive_root(LEAVES[:13])
    with pytest.raises(ProofInvalid):
        disclosed_root(13, list(range(13)), LEAVES[:13], [LEAVES[13]])


@pytest.mark.parametrize("leaves", [[], LEAVES[:1], LEAVES[:3], [LEAVES[0], LEAVES[3][:31]]], ids=len)
def test_each_position_has_one_leaf_of_32_bytes(leaves: list[bytes]) -> None:
    with pytest.raises(ProofInvalid):
        disclosed_root(13, [0, 3], leaves, disclose(LEAVES[:13], [0, 3]))


def test_a_tree_has_at_least_one_leaf_and_only_whole_hashes() -> None:
    with pytest.raises(ProofInvalid):
        tree_root([])
    with pytest.raises(ProofInvalid):
        tree_root([LEAVES[0], LEAVES[1][:31]])
    with pytest.raises(ProofInvalid):
        disclosed_root(0, [], [], [])


def test_a_count_that_claims_four_billion_sections_costs_no_more_than_its_depth() -> None:
    complement = [LEAVES[at] for at in range(32)]
    root = disclosed_root(2**32, [0], [LEAVES[100]], complement)
    expected = LEAVES[100]
    for sibling in complement:
        expected = sha256(b"\x01" + expected + sibling).digest()
    assert root == expected
