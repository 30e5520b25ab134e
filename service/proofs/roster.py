"""名册: which histories there are at a size, and how long each is, under one root.

The trees prove that a record is there. That none is missing of a history takes more: the roster
says of every stream how many records it has and where the last one stands, and its root is signed
with the trees. It is a binary trie over the SHA-256 of the streams' names; of one set of streams
there is one trie only, and one place for a name, taken or empty, so that "37, and no more" and "no
such history" have a proof each.

    root of no stream          H("")
    root of one                H(0x00 ‖ this format, stream, length, last position, a line each)
    root of more               H(0x01 ‖ root of those with the next bit 0 ‖ root of those with 1)

A proof has the path from the place up, and, where somebody else's stream stands in that place, his.
A name has the same place whatever the trees hash with, so one trie has the hashes of both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from service.ledger.hashes import SHA256, SM3, Algorithm
from service.ledger.trees import WIDTH

FORMAT = "wenxiao-roster/1"
DEPTH = 256


@dataclass(frozen=True, slots=True)
class Listed:
    """在册: a stream, how many records it has, and at which position the last one is."""

    stream: str
    length: int
    last: int

    def __bytes__(self) -> bytes:
        """As it is hashed; no stream's name holds a line feed."""
        return f"{FORMAT}\n{self.stream}\n{self.length}\n{self.last}".encode()


@dataclass(frozen=True)
class RosterProof:
    """名册证明: what stands in a stream's place, and the path from there up to the root.

    ``found`` is the stream itself; another one whose place this is, or None where it is empty: then
    there is no such stream.
    """

    found: Listed | None
    path: tuple[bytes, ...]


class Roster:
    """名册: all streams of a ledger; grows with it, at the cost of what has changed only."""

    def __init__(self, listed: Iterable[Listed] = ()) -> None:
        self._above = Fork()
        for each in listed:
            self.put(each)

    def root(self, algorithm: Algorithm) -> bytes:
        """Its root by one of the two algorithms."""
        return of(algorithm, hashes(self._above.left))

    def put(self, listed: Listed) -> None:
        """List a stream, or say how long it is now."""
        key, above, side, depth = key_of(listed.stream), self._above, 0, 0
        while isinstance(here := above.on(side), Fork):
            here.hashes = b""
            above, side, depth = here, bit(key, depth), depth + 1
        if here is not None and here.stream != listed.stream:
            other = key_of(here.stream)
            while bit(other, depth) == bit(key, depth):
                above = above.forked(side)
                side, depth = bit(key, depth), depth + 1
            above = above.forked(side)
            above.put(bit(other, depth), here)
            side = bit(key, depth)
        above.put(side, listed)

    def proof(self, stream: str, algorithm: Algorithm) -> RosterProof:
        """Of a stream, that it is listed so, or that it is not listed at all."""
        key, path, here, depth = key_of(stream), [], self._above.left, 0
        while isinstance(here, Fork):
            right = bit(key, depth)
            path.append(of(algorithm, hashes(here.on(1 - right))))
            here, depth = here.on(right), depth + 1
        return RosterProof(here, tuple(reversed(path)))


@dataclass(slots=True, eq=False)
class Fork:
    """分支: two or more streams that have their first bits in common."""

    left: Place = None
    right: Place = None
    hashes: bytes = b""
    """By both algorithms, one after the other; empty where they are not known, or no longer."""

    def on(self, side: int) -> Place:
        """What begins with this bit from here on."""
        return self.right if side else self.left

    def put(self, side: int, place: Place) -> None:
        """Have something on a side."""
        if side:
            self.right = place
        else:
            self.left = place

    def forked(self, side: int) -> Fork:
        """A fork on a side."""
        fork = Fork()
        self.put(side, fork)
        return fork


Place = Fork | Listed | None


def hashes(place: Place) -> bytes:
    """What both algorithms make of a place, one after the other."""
    if place is None:
        return SHA256.empty + SM3.empty
    if isinstance(place, Listed):
        said = bytes(place)
        return SHA256.leaf(said) + SM3.leaf(said)
    if not place.hashes:
        left, right = hashes(place.left), hashes(place.right)
        sha256 = SHA256.node(left[:WIDTH], right[:WIDTH])
        place.hashes = sha256 + SM3.node(left[WIDTH:], right[WIDTH:])
    return place.hashes


def of(algorithm: Algorithm, both: bytes) -> bytes:
    """What one of the algorithms has made."""
    return both[:WIDTH] if algorithm is SHA256 else both[WIDTH:]


def key_of(stream: str) -> int:
    """A stream's place in every roster: the bits of this number, from the highest."""
    return int.from_bytes(hashlib.sha256(stream.encode()).digest())


def bit(key: int, depth: int) -> int:
    """The bit of a place that decides at a depth, from 0."""
    return key >> (DEPTH - 1 - depth) & 1
