"""默克尔树: the tree of RFC 9162 over a ledger's entries, kept as its frontier alone.

The frontier of a tree of n leaves are the roots of its largest complete subtrees, one for each bit
of n that is set, largest first. It is all one needs to append leaves and to state the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from service.ledger.hashes import Algorithm

WIDTH = 32
"""Bytes of a hash, in either algorithm."""

TILE_HEIGHT = 8
"""Every how many levels the roots of complete subtrees are kept."""

TILE = 1 << TILE_HEIGHT
"""Of how many leaves each is, or of how many of those below it."""


class Subtree(NamedTuple):
    """A complete subtree of 256 to the power of ``level`` leaves, and which one it is, from 0."""

    level: int
    number: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree's size and the roots of its complete subtrees."""

    algorithm: Algorithm
    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, algorithm: Algorithm, size: int, stored: bytes) -> Self:
        """The frontier as a head row keeps it."""
        if len(stored) != WIDTH * size.bit_count():
            raise ValueError(f"{len(stored)} bytes cannot be the frontier of {size} leaves")
        peaks = tuple(stored[i : i + WIDTH] for i in range(0, len(stored), WIDTH))
        return cls(algorithm, size, peaks)

    def __bytes__(self) -> bytes:
        """As a head row keeps it: the peaks one after another."""
        return b"".join(self.peaks)

    def grown(self, leaves: Iterable[bytes]) -> Self:
        """The frontier after more leaves."""
        return self.growth(leaves)[0]

    def growth(self, leaves: Iterable[bytes]) -> tuple[Self, list[Subtree]]:
        """The frontier after more leaves, and the subtrees that they completed and that are kept.

        Built level by level, from the leaves up.
        """
        level, waiting, peaks = list(leaves), list(self.peaks), []
        completed: list[Subtree] = []
        size, added, height = self.size, len(level), 0
        while level:
            if size & 1:
                level.insert(0, waiting.pop())
            if len(level) & 1:
                peaks.append(level.pop())
            level = list(map(self.algorithm.node, level[::2], level[1::2]))
            size, height = size >> 1, height + 1
            if height % TILE_HEIGHT == 0:
                completed += numbered(height // TILE_HEIGHT, size, level)
        frontier = type(self)(self.algorithm, self.size + added, (*waiting, *reversed(peaks)))
        return frontier, completed

    @property
    def root(self) -> bytes:
        """The tree's root: its peaks joined from the smallest up."""
        if not self.peaks:
            return self.algorithm.empty
        *larger, root = self.peaks
        for peak in reversed(larger):
            root = self.algorithm.node(peak, root)
        return root


def is_hash(kept: object) -> bool:
    """Can this be a hash? A database may have anything in its place."""
    return isinstance(kept, bytes) and len(kept) == WIDTH


def numbered(level: int, first: int, roots: Iterable[bytes]) -> Iterator[Subtree]:
    """Consecutive subtrees of one level."""
    return (Subtree(level, number, root) for number, root in enumerate(roots, first))
