"""树块: a ledger's trees in pieces of 256 hashes, as C2SP ``tlog-tiles`` divides them.

A tile of level 0 holds leaf hashes, which stand with the records; one of a higher level the roots
of complete subtrees, each of a full tile below, which are kept as they are completed. What is
between is hashed when a tile is read. So any proof at any size takes two tiles for each level, of
which a million records have three; and a tile of some width never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.storage import Storage
from service.ledger.trees import TILE, TILE_HEIGHT, Frontier, is_hash
from service.proofs import merkle

REMEMBERED = 1_024
"""How many tiles are kept in memory: about 40 kB each once both trees are asked for."""

LEAVES = (
    "SELECT sha256, sm3 FROM record WHERE ledger = ? AND position BETWEEN ? AND ? ORDER BY position"
)
SUBTREES = (
    "SELECT sha256, sm3 FROM subtree WHERE ledger = ? AND level = ? AND number BETWEEN ? AND ?"
    " ORDER BY number"
)


class NotThere(LookupError):
    """无此树块: the ledger has not come so far."""


@dataclass(frozen=True)
class Tile:
    """树块: consecutive hashes of one level of one tree, and what they hash to."""

    algorithm: Algorithm
    hashes: tuple[bytes, ...]
    levels: list[Sequence[bytes]] = field(init=False, repr=False, compare=False)
    """The hashes, and above them the roots over each two, four, eight … of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", list(self._hashed()))

    def __bytes__(self) -> bytes:
        """As it is handed out."""
        return b"".join(self.hashes)

    def _hashed(self) -> Iterator[Sequence[bytes]]:
        level: Sequence[bytes] = self.hashes
        while level:
            yield level
            level = list(map(self.algorithm.node, level[0::2], level[1::2]))


class Tiles:
    """Reads the tiles of one ledger. One per process and ledger serves all its threads."""

    def __init__(self, storage: Storage[Any]) -> None:
        self._storage = storage
        self.tile = lru_cache(REMEMBERED)(self._tile)
        self._rows = lru_cache(REMEMBERED)(self._read)

    def tree(self, algorithm: Algorithm, size: int) -> Tree:
        """One of the trees as it was when the ledger had so many records."""
        return Tree(self, algorithm, size)

    def _tile(self, algorithm: Algorithm, level: int, number: int, width: int) -> Tile:
        """Raises ``NotThere`` where the ledger never had it."""
        rows = self._rows(level, number, width)
        column = ALGORITHMS.index(algorithm)
        return Tile(algorithm, tuple(row[column] for row in rows))

    def _read(self, level: int, number: int, width: int) -> list[tuple[bytes, bytes]]:
        first = number * TILE
        last = first + width - 1
        with self._storage.connected() as connection:
            rows = (
                self._storage.rows(connection, SUBTREES, self._storage.ledger, level, first, last)
                if level
                else self._storage.rows(
                    connection, LEAVES, self._storage.ledger, first + 1, last + 1
                )
            )
        if len(rows) != width:
            raise NotThere(f"tile {number} of level {level} has {len(rows)} hashes, not {width}")
        if not all(is_hash(each) for row in rows for each in row):
            raise NotThere(f"tile {number} of level {level} has something else than hashes")
        return rows


@dataclass(frozen=True)
class Tree:
    """One tree at one size, from which its proofs are made."""

    tiles: Tiles
    algorithm: Algorithm
    size: int

    @property
    def root(self) -> bytes:
        """Its root."""
        return merkle.root(self.algorithm, self.size, self.complete)

    @property
    def frontier(self) -> Frontier:
        """What more leaves can be added to."""
        peaks = (self.complete(*each) for each in merkle.peaks(0, self.size))
        return Frontier(self.algorithm, self.size, tuple(peaks))

    def inclusion(self, position: int) -> list[bytes]:
        """That a record is in it. Raises ``IndexError`` where it is not."""
        return merkle.inclusion(self.algorithm, position - 1, self.size, self.complete)

    def consistency(self, old: int) -> list[bytes]:
        """That the tree of an earlier size is its beginning. Raises ``IndexError``."""
        return merkle.consistency(self.algorithm, old, self.size, self.complete)

    def complete(self, height: int, number: int) -> bytes:
        """The root of a complete subtree, by its height and number. Raises ``NotThere``."""
        level, above = divmod(height, TILE_HEIGHT)
        tile, place = divmod(number, TILE >> above)
        width = min(TILE, (self.size >> TILE_HEIGHT * level) - tile * TILE)
        return self.tiles.tile(self.algorithm, level, tile, width).levels[above][place]
