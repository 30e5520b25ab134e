"""The proofs of RFC 9162: its worked shapes, its definitions, and whatever is false."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.hashes import ALGORITHMS, SHA256, SM3, Algorithm
from service.proofs.merkle import (
    Unproven,
    consistency,
    inclusion,
    require_consistency,
    root,
)
from tests.ledger.test_trees import ENTRIES, ROOTS, defined_root
from tests.proofs.including import NotIncluded, require_inclusion

MOST = 300

both = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
algorithms = st.sampled_from(ALGORITHMS)
sizes = st.integers(1, MOST)


def leaf(algorithm: Algorithm, index: int) -> bytes:
    return algorithm.leaf(b"%d" % index)


@cache
def subtree(algorithm: Algorithm, height: int, number: int) -> bytes:
    if not height:
        return leaf(algorithm, number)
    halves = (subtree(algorithm, height - 1, n) for n in (2 * number, 2 * number + 1))
    return algorithm.node(*halves)


def complete(algorithm: Algorithm) -> Callable[[int, int], bytes]:
    """The complete subtrees over the leaves 0, 1, 2 …"""
    return lambda height, number: subtree(algorithm, height, number)


def of_size(algorithm: Algorithm, size: int) -> bytes:
    return root(algorithm, size, complete(algorithm))


def defined_path(algorithm: Algorithm, index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        rest = defined_root(algorithm, leaves[half:])
        return [*defined_path(algorithm, index, leaves[:half]), rest]
    rest = defined_root(algorithm, leaves[:half])
    return [*defined_path(algorithm, index - half, leaves[half:]), rest]


def defined_proof(
    algorithm: Algorithm, old: int, leaves: list[bytes], *, known: bool = True
) -> list[bytes]:
    """RFC 9162, 2.1.4.1, word for word."""
    if old == len(leaves):
        return [] if known else [defined_root(algorithm, leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        rest = defined_root(algorithm, leaves[half:])
        return [*defined_proof(algorithm, old, leaves[:half], known=known), rest]
    rest = defined_root(algorithm, leaves[:half])
    return [*defined_proof(algorithm, old - half, leaves[half:], known=False), rest]


@pytest.mark.parametrize("size", range(1, 9))
def test_every_proof_in_the_reference_tree_leads_to_its_published_roots(size: int) -> None:
    leaves = [SHA256.leaf(entry) for entry in ENTRIES]

    def published(height: int, number: int) -> bytes:
        return defined_root(SHA256, leaves[number << height : (number + 1) << height])

    for index in range(size):
        path = inclusion(SHA256, index, size, published)
        require_inclusion(SHA256, leaves[index], index, size, path, bytes.fromhex(ROOTS[size - 1]))
    for old in range(1, size + 1):
        path = consistency(SHA256, old, size, published)
        was, is_now = (bytes.fromhex(ROOTS[n - 1]) for n in (old, size))
        require_consistency(SHA256, old, size, was, is_now, path)


@pytest.mark.parametrize(
    ("index", "shape"),
    [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")],
    ids=["d0", "d3", "d4", "d6"],
)
def test_the_worked_example_of_the_rfc_inclusion(index: int, shape: str) -> None:
    """RFC 9162, 2.1.5: seven leaves; the audit paths it spells out."""
    assert inclusion(SHA256, index, 7, complete(SHA256)) == [WORKED[name] for name in shape]


@pytest.mark.parametrize(("old", "shape"), [(3, "cdgl"), (4, "l"), (6, "ijk")])
def test_the_worked_example_of_the_rfc_consistency(old: int, shape: str) -> None:
    """RFC 9162, 2.1.5: from three, four and six leaves to seven."""
    assert consistency(SHA256, old, 7, complete(SHA256)) == [WORKED[name] for name in shape]


a, b, c, d, e, f, j = (leaf(SHA256, n) for n in range(7))
g, h, i = SHA256.node(a, b), SHA256.node(c, d), SHA256.node(e, f)
k, m = SHA256.node(g, h), SHA256.node(i, j)
WORKED = {
    "a": a,
    "b": b,
    "c": c,
    "d": d,
    "e": e,
    "f": f,
    "j": j,
    "g": g,
    "h": h,
    "i": i,
    "k": k,
    "l": m,
}
"""The nodes of that example by the letters that it gives them."""


@given(algorithms, st.integers(0, MOST))
def test_the_root_is_the_defined_one(algorithm: Algorithm, size: int) -> None:
    leaves = [leaf(algorithm, n) for n in range(size)]
    assert of_size(algorithm, size) == defined_root(algorithm, leaves)


@given(algorithms, st.data(), sizes)
def test_every_inclusion_is_the_defined_one_and_verifies(
    algorithm: Algorithm, data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion(algorithm, index, size, complete(algorithm))
    assert path == defined_path(algorithm, index, [leaf(algorithm, n) for n in range(size)])
    whole = of_size(algorithm, size)
    require_inclusion(algorithm, leaf(algorithm, index), index, size, path, whole)


@given(algorithms, st.data(), sizes)
def test_every_consistency_is_the_defined_one_and_verifies(
    algorithm: Algorithm, data: st.DataObject, new: int
) -> None:
    old = data.draw(st.integers(1, new))
    path = consistency(algorithm, old, new, complete(algorithm))
    assert path == defined_proof(algorithm, old, [leaf(algorithm, n) for n in range(new)])
    roots = of_size(algorithm, old), of_size(algorithm, new)
    require_consistency(algorithm, old, new, *roots, path)


def mutated(data: st.DataObject, path: list[bytes]) -> list[bytes]:
    """The path with one bit, one hash or its order changed."""
    where = data.draw(st.integers(0, max(0, len(path) - 1)))
    other = data.draw(st.binary(min_size=32, max_size=32))
    ways = [[*path[:where], other, *path[where:]]]
    if path:
        bit = data.draw(st.integers(0, 255))
        flipped = int.from_bytes(path[where]) ^ 1 << bit
        ways += [
            [*path[:where], flipped.to_bytes(32), *path[where + 1 :]],
            [*path[:where], *path[where + 1 :]],
            [*path[:where], path[where][:-1], *path[where + 1 :]],
        ]
    if len(path) > 1:
        ways.append([*path[1:], path[0]])
    return data.draw(st.sampled_from(ways))


@given(algorithms, st.data(), sizes)
def test_no_mutated_inclusion_verifies(
    algorithm: Algorithm, data: st.DataObject, size: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = mutated(data, inclusion(algorithm, index, size, complete(algorithm)))
    whole = of_size(algorithm, size)
    with pytest.raises(NotIncluded):
        require_inclusion(algorithm, leaf(algorithm, index), index, size, path, whole)


@given(algorithms, st.data(), sizes)
def test_no_inclusion_verifies_for_another_leaf_place_or_root(
    algorithm: Algorithm, data: st.DataObject, size: int
) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size))
    path = inclusion(algorithm, index, size, complete(algorithm))
    whole = of_size(algorithm, size)
    with pytest.raises(NotIncluded):
        require_inclusion(algorithm, leaf(algorithm, -1), index, size, path, whole)
    wrong = of_size(algorithm, size + 1)
    with pytest.raises(NotIncluded):
        require_inclusion(algorithm, leaf(algorithm, index), index, size, path, wrong)
    if other != index:
        with pytest.raises(NotIncluded):
            require_inclusion(algorithm, leaf(algorithm, index), other, size, path, whole)


@given(algorithms, st.data(), sizes)
def test_no_mutated_consistency_verifies(
    algorithm: Algorithm, data: st.DataObject, new: int
) -> None:
    old = data.draw(st.integers(1, new))
    path = mutated(data, consistency(algorithm, old, new, complete(algorithm)))
    roots = of_size(algorithm, old), of_size(algorithm, new)
    with pytest.raises(Unproven):
        require_consistency(algorithm, old, new, *roots, path)


@given(algorithms, st.data(), sizes)
def test_no_consistency_verifies_for_other_roots_or_sizes(
    algorithm: Algorithm, data: st.DataObject, new: int
) -> None:
    old = data.draw(st.integers(1, new))
    path = consistency(algorithm, old, new, complete(algorithm))
    was, whole = of_size(algorithm, old), of_size(algorithm, new)
    other = of_size(algorithm, MOST + 1)
    for roots in ((other, whole), (was, other)):
        with pytest.raises(Unproven):
            require_consistency(algorithm, old, new, *roots, path)
    for wrong in ((0, new), (new + 1, new), (-1, new)):
        with pytest.raises(Unproven):
            require_consistency(algorithm, *wrong, was, whole, path)


@both
@pytest.mark.parametrize("size", [0, 1])
def test_a_tree_without_the_leaf_has_no_proof_of_it(algorithm: Algorithm, size: int) -> None:
    with pytest.raises(IndexError):
        inclusion(algorithm, size, size, complete(algorithm))
    with pytest.raises(IndexError):
        consistency(algorithm, size + 1, size, complete(algorithm))
    with pytest.raises(NotIncluded):
        require_inclusion(algorithm, leaf(algorithm, 0), size, size, [], of_size(algorithm, size))


@both
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_of_another_length_proves_nothing(algorithm: Algorithm, length: int) -> None:
    whole, first = of_size(algorithm, 2), of_size(algorithm, 1)
    with pytest.raises(Unproven, match="32 bytes"):
        require_consistency(algorithm, 1, 2, bytes(length), whole, [first])
    with pytest.raises(Unproven, match="32 bytes"):
        require_consistency(algorithm, 1, 2, first, whole, [bytes(length)])


def test_the_two_trees_have_nothing_in_common() -> None:
    path = inclusion(SHA256, 0, 2, complete(SHA256))
    with pytest.raises(NotIncluded):
        require_inclusion(SM3, leaf(SM3, 0), 0, 2, path, of_size(SM3, 2))
