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
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from service.ledger.hashes import Algorithm

FORMAT = "wenxiao-roster/1"
DEPTH = 256


@dataclass(frozen=True)
class Listed:
    """在册: a stream, how many records it has, and at which position the last one is."""

    stream: str
    length: int
    last: int

    def __bytes__(self) -> bytes:
        """As it is hashed; no stream's name holds a line feed."""
        return f"{FORMAT}\n{self.stream}\n{self.length}\n{self.last}".encode()

    @cached_property
    def key(self) -> int:
        """Its place: the bits of this number, from the highest."""
        return key_of(self.stream)


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

    def __init__(self, algorithm: Algorithm, listed: Iterable[Listed] = ()) -> None:
        self._algorithm = algorithm
        self._above = Fork([None, None])
        for each in listed:
            self.put(each)

    @property
    def root(self) -> bytes:
        """Its root."""
        return self._hash(self._above.sides[0])

    def put(self, listed: Listed) -> None:
        """List a stream, or say how long it is now."""
        above, side, depth = self._above, 0, 0
        while isinstance(here := above.sides[side], Fork):
            here.hash = None
            above, side, depth = here, bit(listed.key, depth), depth + 1
        if here is not None and here.stream != listed.stream:
            while bit(here.key, depth) == bit(listed.key, depth):
                above.sides[side] = above = Fork([None, None])
                side, depth = bit(here.key, depth), depth + 1
            above.sides[side] = above = Fork([None, None])
            above.sides[bit(here.key, depth)] = here
            side = bit(listed.key, depth)
        above.sides[side] = listed

    def proof(self, stream: str) -> RosterProof:
        """Of a stream, that it is listed so, or that it is not listed at all."""
        key, path, here, depth = key_of(stream), [], self._above.sides[0], 0
        while isinstance(here, Fork):
            right = bit(key, depth)
            path.append(self._hash(here.sides[1 - right]))
            here, depth = here.sides[right], depth + 1
        return RosterProof(here, tuple(reversed(path)))

    def _hash(self, place: Place) -> bytes:
        if place is None:
            return self._algorithm.empty
        if isinstance(place, Listed):
            return self._algorithm.leaf(bytes(place))
        if place.hash is None:
            place.hash = self._algorithm.node(*map(self._hash, place.sides))
        return place.hash


class Fork:
    """分支: two or more streams that have their first bits in common."""

    __slots__ = ("hash", "sides")

    def __init__(self, sides: list[Place]) -> None:
        self.sides = sides
        self.hash: bytes | None = None
        """None where it is not known, or no longer."""


Place = Fork | Listed | None


def key_of(stream: str) -> int:
    """A stream's place in every roster."""
    return int.from_bytes(sha256(stream.encode()).digest())


def bit(key: int, depth: int) -> int:
    """The bit of a place that decides at a depth, from 0."""
    return key >> (DEPTH - 1 - depth) & 1
