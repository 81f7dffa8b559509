"""Proofs against published vectors, a real log's proof, and RFC 9162's definitions written naively; every misuse."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import ProofInvalid
from trust.log.proofs import ProofPlan, consistency_plan, inclusion_plan, verify_consistency, verify_inclusion
from trust.log.tree import Frontier, Subtree, leaf_hash, root_of, stored_run

ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_LEAVES = [leaf_hash(entry) for entry in ENTRIES]

# google/certificate-transparency, the tests of its Merkle verifiers in C++ and Python.
CT_INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CT_CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]

# A real audit path of a public CT log at 3,630,887 entries (same source).
REAL_LEAF = "7a395c866d5ecdb0cccb623e011dbc392cd348d1d1d72776174e127a24b09c78"
REAL_ROOT = "78316a05c9bcf14a3a4548f5b854a9adfcd46a4c034401b3ce7eb7ac2f1d0ecb"
REAL_PATH = """
    1a208aeebcd1b39fe2de247ee8db9454e1e93a312d206b87f6ca9cc6ec6f1ddd
    0a1b78b383f580856f433c01a5741e160d451c185910027f6cc9f828687a40c4
    3d1745789bc63f2da15850de1c12a5bf46ed81e1cc90f086148b1662e79aab3d
    9095b61e14d8990acf390905621e62b1714fb8e399fbb71de5510e0aef45affe
    0a332b91b8fab564e6afd1dd452449e04619b18accc0ff9aa8393cd4928451f2
    2336f0181d264aed6d8f3a6507ca14a8d3b3c3a23791ac263e845d208c1ee330
    b4ce56e300590500360c146c6452edbede25d4ed83919278749ee5dbe178e048
    933f6ddc848ea562e4f9c5cfb5f176941301dad0c6fdb9d1fbbe34fac1be6966
    b95a6222958a86f74c030be27c44f57dbe313e5e7c7f4ffb98bcbd3a03bb52f2
    daeeb3ce5923defd0faeb8e0c210b753b85b809445d7d3d3cd537a9aabaa9c45
    7fadd0a13e9138a2aa6c3fdec4e2275af233b94812784f66bcca9aa8e989f2bc
    1864e6ba3e32878610546539734fb5eeae2529991f130c575c73a7e25a2a7c56
    12842d1202b1dc6828a17ab253c02e7ce9409b5192430feba44189f39cc02d66
    29af64b16fa3053c13d02ac63aa75b23aa468506e44c3a2315edc85d2dc22b11
    b527b99934a0bd9edd154e449b0502e2c499bba783f3bc3dfe23364b6b532009
    4584db8ae8e351ace08e01f306378a92bfd43611714814f3d834a2842d69faa8
    86a9a41573b0d6e4292f01e93243d6cc65b30f06606fc6fa57390e7e90ed580f
    a88b98fbe84d4c6aae8db9d1605dfac059d9f03fe0fcb0d5dff1295dacba09e6
    06326dc617a6d1f7021dc536026dbfd5fffc6f7c5531d48ef6ccd1ed1569f2a1
    f41fe8fdc3a2e4e8345e30216e7ebecffee26ff266eeced208a6c2a3cf08f960
    40cf5bde8abb76983f3e98ba97aa36240402975674e120f234b3448911090f8d
    b3222dc8658538079883d980d7fdc2bef9285344ea34338968f736b04aeb387a
"""

LEAVES = [leaf_hash(number.to_bytes(8, "big")) for number in range(700)]


def split(count: int) -> int:
    return max(1 << bit for bit in range(count.bit_length()) if 1 << bit < count)


def naive_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(old: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if old == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*naive_subproof(old, leaves[:k], known=known), naive_root(leaves[k:])]
    return [*naive_subproof(old - k, leaves[k:], known=False), naive_root(leaves[:k])]


def from_store(plan: ProofPlan, leaves: list[bytes]) -> list[bytes]:
    """The proof as a node makes it: from leaf hashes and the subtree roots that appending yielded."""
    _, completed = Frontier().append(leaves)
    stored = {(root.level, root.index): root.hash for root in completed}
    stored |= {(0, index): leaf for index, leaf in enumerate(leaves)}
    roots = {}
    for subtree in plan.subtrees:
        run = stored_run(subtree)
        roots[subtree] = root_of([stored[run.level, at] for at in range(run.start, run.stop)])
    return list(plan.fold(roots))


def unhex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in hashes]


@pytest.mark.parametrize(("index", "size", "path"), CT_INCLUSION)
def test_audit_paths_are_those_of_certificate_transparency(index: int, size: int, path: list[str]) -> None:
    leaves = CT_LEAVES[:size]
    assert from_store(inclusion_plan(index, size), leaves) == unhex(path)
    verify_inclusion(leaves[index], index, size, unhex(path), naive_root(leaves))


@pytest.mark.parametrize(("old", "new", "proof"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old: int, new: int, proof: list[str]) -> None:
    assert from_store(consistency_plan(old, new), CT_LEAVES[:new]) == unhex(proof)
    verify_consistency(old, naive_root(CT_LEAVES[:old]), new, naive_root(CT_LEAVES[:new]), unhex(proof))


def test_the_audit_path_of_a_real_log_verifies() -> None:
    path = unhex(REAL_PATH.split())
    verify_inclusion(bytes.fromhex(REAL_LEAF), 848_049, 3_630_887, path, bytes.fromhex(REAL_ROOT))
    with pytest.raises(ProofInvalid):
        verify_inclusion(bytes.fromhex(REAL_LEAF), 848_048, 3_630_887, path, bytes.fromhex(REAL_ROOT))
    assert len(inclusion_plan(848_049, 3_630_887).parts) == len(path)


@given(st.integers(1, 700), st.data())
def test_audit_paths_are_as_rfc_9162_defines_them(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path = from_store(inclusion_plan(index, size), leaves)
    assert path == naive_path(index, leaves)
    verify_inclusion(leaves[index], index, size, path, naive_root(leaves))


@given(st.integers(1, 700), st.data())
def test_consistency_proofs_are_as_rfc_9162_defines_them(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    leaves = LEAVES[:new]
    proof = from_store(consistency_plan(old, new), leaves)
    assert proof == naive_subproof(old, leaves, known=True)
    verify_consistency(old, naive_root(leaves[:old]), new, naive_root(leaves), proof)


def test_every_proof_in_trees_up_to_33_leaves_fits_its_own_place_only() -> None:
    for size in range(1, 34):
        root = naive_root(LEAVES[:size])
        for index in range(size):
            path = naive_path(index, LEAVES[:size])
            verify_inclusion(LEAVES[index], index, size, path, root)
            for other in range(size):
                if other != index:
                    refused_inclusion(LEAVES[index], other, size, path, root)


def test_every_consistency_proof_up_to_33_leaves_fits_its_own_sizes_only() -> None:
    roots = {size: naive_root(LEAVES[:size]) for size in range(1, 34)}
    for old in range(1, 34):
        proof = naive_subproof(old, LEAVES[:33], known=True)
        for claimed in range(1, 34):
            if claimed == old:
                verify_consistency(old, roots[old], 33, roots[33], proof)
            else:
                refused_consistency(claimed, roots[old], 33, roots[33], proof)
                refused_consistency(old, roots[claimed], 33, roots[33], proof)


def refused_inclusion(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf, index, size, path, root)


def refused_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: list[bytes]) -> None:
    with pytest.raises(ProofInvalid):
        verify_consistency(old, old_root, new, new_root, proof)


# A path alone does not tell 21 leaves from 20: only sizes at which the leaf's path has another shape are refused.
# The size is told by the signed head together with the root.
@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (-1, 21), (21, 21), (22, 21), (13, 0), (13, -21), (13, 16), (13, 33), (13, 13), (5, 21)]
)
def test_an_audit_path_at_another_index_or_size_is_refused(index: int, size: int) -> None:
    leaves = LEAVES[:21]
    refused_inclusion(leaves[13], index, size, naive_path(13, leaves), naive_root(leaves))


@pytest.mark.parametrize("change", ["short", "empty", "long", "repeated", "swapped", "cut", "padded", "void"])
def test_a_malformed_audit_path_is_refused(change: str) -> None:
    leaves = LEAVES[:21]
    refused_inclusion(leaves[13], 13, 21, changed(naive_path(13, leaves), change), naive_root(leaves))


@pytest.mark.parametrize("old", [8, 13])
@pytest.mark.parametrize("change", ["short", "empty", "long", "repeated", "swapped", "cut", "padded", "void"])
def test_a_malformed_consistency_proof_is_refused(old: int, change: str) -> None:
    leaves = LEAVES[:21]
    proof = changed(naive_subproof(old, leaves, known=True), change)
    refused_consistency(old, naive_root(leaves[:old]), 21, naive_root(leaves), proof)


def changed(hashes: list[bytes], change: str) -> list[bytes]:
    changes = {
        "short": hashes[:-1],
        "empty": [],
        "long": [*hashes, LEAVES[0]],
        "repeated": [*hashes, hashes[-1]],
        "swapped": [hashes[1], hashes[0], *hashes[2:]],
        "cut": [hashes[0][:31], *hashes[1:]],
        "padded": [hashes[0] + b"\x00", *hashes[1:]],
        "void": [b"", *hashes],
    }
    return changes[change]


@pytest.mark.parametrize(("old", "new"), [(0, 21), (0, 0), (-1, 21), (13, 12), (22, 21), (13, 0)])
def test_sizes_that_no_consistency_proof_has_are_refused(old: int, new: int) -> None:
    leaves = LEAVES[:21]
    proof = naive_subproof(13, leaves, known=True)
    refused_consistency(old, naive_root(leaves[:13]), new, naive_root(leaves), proof)
    refused_consistency(old, naive_root(leaves), new, naive_root(leaves), [])


def test_equal_sizes_take_no_hashes_and_one_root() -> None:
    root, other = naive_root(LEAVES[:21]), naive_root(LEAVES[1:22])
    verify_consistency(21, root, 21, root, [])
    refused_consistency(21, root, 21, root, [LEAVES[0]])
    refused_consistency(21, root, 21, other, [])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_leaf_and_roots_have_32_bytes(length: int) -> None:
    wrong = bytes(length)
    leaves = LEAVES[:21]
    root, path = naive_root(leaves), naive_path(13, leaves)
    proof = naive_subproof(13, leaves, known=True)
    refused_inclusion(wrong, 13, 21, path, root)
    refused_inclusion(leaves[13], 13, 21, path, wrong)
    refused_inclusion(wrong, 0, 1, [], wrong)
    refused_consistency(13, wrong, 21, root, proof)
    refused_consistency(13, naive_root(leaves[:13]), 21, wrong, proof)
    refused_consistency(21, wrong, 21, wrong, [])


def test_no_bit_of_a_proof_can_be_flipped() -> None:
    leaves = LEAVES[:21]
    root, old_root = naive_root(leaves), naive_root(leaves[:13])
    path, proof = naive_path(13, leaves), naive_subproof(13, leaves, known=True)
    for at in range(256 * len(path)):
        refused_inclusion(leaves[13], 13, 21, flipped(path, at), root)
    for at in range(256 * len(proof)):
        refused_consistency(13, old_root, 21, root, flipped(proof, at))


def flipped(hashes: list[bytes], at: int) -> list[bytes]:
    data = bytearray(b"".join(hashes))
    data[at // 8] ^= 1 << at % 8
    return [bytes(data[start : start + 32]) for start in range(0, len(data), 32)]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5)])
def test_no_audit_path_is_planned_for_an_entry_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofInvalid):
        inclusion_plan(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (-1, 5), (6, 5)])
def test_no_consistency_proof_is_planned_for_impossible_sizes(old: int, new: int) -> None:
    with pytest.raises(ProofInvalid):
        consistency_plan(old, new)


def test_a_damaged_store_is_told_not_passed_on() -> None:
    plan = inclusion_plan(0, 2)
    assert plan.subtrees == (Subtree(0, 1),)
    with pytest.raises(ProofInvalid):
        plan.fold({})
    with pytest.raises(ProofInvalid):
        plan.fold({Subtree(0, 1): bytes(31)})


@given(st.integers(1, 10**9), st.data())
def test_reading_for_a_proof_grows_no_faster_than_the_logarithm(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    for plan in (inclusion_plan(index, size), consistency_plan(old, size)):
        assert len(plan.subtrees) <= 2 * size.bit_length()
        assert len(plan.parts) <= size.bit_length() + 1
        assert all((subtree.index + 1) << subtree.level <= size for subtree in plan.subtrees)
