"""The trees, against published values and against the definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.hashes import ALGORITHMS, SHA256, SM3, Algorithm
from service.ledger.trees import Frontier

ENTRIES = [
    bytes.fromhex(entry)
    for entry in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
"""The leaves of the reference tree of RFC 6962's own implementation."""

ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Its roots at sizes 1 to 8, under SHA-256."""

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

both = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
leaves = st.lists(st.binary(min_size=32, max_size=32), max_size=70)


def defined_root(algorithm: Algorithm, hashes: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word: split at the largest power of two below the size."""
    if not hashes:
        return algorithm.empty
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = hashes[:split], hashes[split:]
    return algorithm.node(defined_root(algorithm, left), defined_root(algorithm, right))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_reference_tree_has_its_published_roots(size: int) -> None:
    tree = Frontier(SHA256).grown(map(SHA256.leaf, ENTRIES[:size]))
    assert tree.size == size
    assert tree.root.hex() == ROOTS[size - 1]


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert Frontier(SHA256).root.hex() == EMPTY
    assert Frontier(SM3).root == SM3.empty


@both
@given(hashes=leaves, cuts=st.lists(st.integers(0, 70)))
def test_it_does_not_matter_in_what_portions_a_tree_grows(
    algorithm: Algorithm, hashes: list[bytes], cuts: list[int]
) -> None:
    tree, begin = Frontier(algorithm), 0
    for end in [*sorted(cuts), len(hashes)]:
        tree = tree.grown(hashes[begin:end])
        begin = max(begin, end)
    assert tree == Frontier(algorithm).grown(hashes)
    assert tree.root == defined_root(algorithm, hashes)


@both
@given(hashes=leaves)
def test_a_frontier_reads_back_from_the_bytes_of_its_peaks(
    algorithm: Algorithm, hashes: list[bytes]
) -> None:
    tree = Frontier(algorithm).grown(hashes)
    assert len(bytes(tree)) == 32 * len(hashes).bit_count()
    assert Frontier.read(algorithm, len(hashes), bytes(tree)) == tree


@pytest.mark.parametrize(("size", "length"), [(0, 32), (1, 0), (1, 31), (2, 64), (3, 32), (7, 64)])
def test_bytes_that_cannot_be_the_frontier_of_a_size_are_not_read(size: int, length: int) -> None:
    with pytest.raises(ValueError, match="cannot be the frontier"):
        Frontier.read(SHA256, size, bytes(length))
