"""The two algorithms, against their published examples and against each other's door."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.hashes import SHA256, SM3, Algorithm, CryptographySM3, require_sound, sm3

SM3_ABC = "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0"
SM3_64_BYTES = "debe9ff9 2275b8a1 38604889 c18e5a4d 6fdb70e5 387e5765 293dcba3 9c0c5732"


@pytest.mark.parametrize("fresh", [sm3, CryptographySM3], ids=["hashlib", "cryptography"])
@pytest.mark.parametrize(
    ("message", "digest"),
    [(b"abc", SM3_ABC), (b"abcd" * 16, SM3_64_BYTES)],
    ids=["GB/T 32905 A.1", "GB/T 32905 A.2"],
)
def test_sm3_knows_its_published_examples(fresh: type, message: bytes, digest: str) -> None:
    hashing = fresh()
    hashing.update(message)
    assert hashing.digest() == bytes.fromhex(digest)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_sm3_is_the_same_from_either_library(parts: list[bytes]) -> None:
    ours, theirs = sm3(), CryptographySM3()
    for part in parts:
        ours.update(part)
        theirs.update(part)
        assert theirs.copy().digest() == ours.copy().digest()
    assert theirs.digest() == ours.digest()


@pytest.mark.parametrize("algorithm", [SHA256, SM3], ids=["sha256", "sm3"])
@given(entry=st.binary(max_size=300), left=st.binary(min_size=32), right=st.binary(min_size=32))
def test_leaves_and_nodes_are_hashed_with_their_prefixes(
    algorithm: Algorithm, entry: bytes, left: bytes, right: bytes
) -> None:
    assert algorithm.leaf(entry) == hashlib.new(algorithm.name, b"\x00" + entry).digest()
    assert (
        algorithm.node(left, right) == hashlib.new(algorithm.name, b"\x01" + left + right).digest()
    )
    assert algorithm.empty == hashlib.new(algorithm.name).digest()


def test_an_algorithm_that_does_not_know_its_example_is_not_run_on() -> None:
    with pytest.raises(RuntimeError, match="SM3 of this machine is broken"):
        require_sound("SM3", hashlib.sha256, SM3_ABC)
