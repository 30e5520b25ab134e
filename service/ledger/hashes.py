"""杂凑: the two hash algorithms of the trees, SHA-256 and SM3 (GB/T 32905).

Every record is a leaf of two trees over the same entries, one for each algorithm, so that both
everybody's tools and the national rules are served, and neither tree ever has to be migrated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from cryptography.hazmat.primitives import hashes as primitives


class Hashing(Protocol):
    """What `hashlib` calls a hash object: bytes go in, it can be copied on the way."""

    def copy(self) -> Self: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Algorithm:
    """One algorithm as RFC 9162 (2.1.1) uses it: leaves and nodes never hash to the same value."""

    name: str
    empty: bytes
    """The root of a tree without leaves, H("")."""
    leaf: Callable[[bytes], bytes]
    """H(0x00 ‖ entry)."""
    node: Callable[[bytes, bytes], bytes]
    """H(0x01 ‖ left ‖ right)."""


class CryptographySM3:
    """SM3 where the OpenSSL behind `hashlib` was built without it."""

    def __init__(self, hashing: primitives.Hash | None = None) -> None:
        self._hashing = hashing or primitives.Hash(primitives.SM3())

    def copy(self) -> Self:
        return type(self)(self._hashing.copy())

    def update(self, data: bytes, /) -> None:
        self._hashing.update(data)

    def digest(self) -> bytes:
        return self._hashing.copy().finalize()


def sm3() -> Hashing:
    """A fresh SM3, from `hashlib` where it has one: that is half as fast again."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        return CryptographySM3()


def algorithm(name: str, fresh: Callable[[], Hashing]) -> Algorithm:
    """An algorithm whose hash objects are copied from two that have read their prefix already.

    Copying is what makes SM3 fast: OpenSSL looks it up by name for every new object.
    """
    leaf_begun, node_begun = fresh(), fresh()
    leaf_begun.update(b"\x00")
    node_begun.update(b"\x01")
    begin_leaf, begin_node = leaf_begun.copy, node_begun.copy

    def leaf(entry: bytes) -> bytes:
        hashing = begin_leaf()
        hashing.update(entry)
        return hashing.digest()

    def node(left: bytes, right: bytes) -> bytes:
        hashing = begin_node()
        hashing.update(left + right)
        return hashing.digest()

    return Algorithm(name, fresh().digest(), leaf, node)


def require_sound(name: str, fresh: Callable[[], Hashing], abc: str) -> None:
    """Refuse to run on an algorithm that does not know its published example."""
    hashing = fresh()
    hashing.update(b"abc")
    if hashing.digest() != bytes.fromhex(abc):
        raise RuntimeError(f'{name} of this machine is broken: its hash of "abc" is wrong')


require_sound(  # FIPS 180-4, its first example
    "SHA-256",
    hashlib.sha256,
    "ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad",
)
require_sound(  # GB/T 32905-2016, appendix A.1
    "SM3",
    sm3,
    "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0",
)

SHA256 = algorithm("sha256", hashlib.sha256)
SM3 = algorithm("sm3", sm3)
ALGORITHMS = (SHA256, SM3)
