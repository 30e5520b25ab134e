"""出证: what one ledger can prove, as far as its signed checkpoints cover it.

Nothing that is not yet signed is handed out here: a proof that ends at an unsigned root proves
nothing, and could be denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import IO

from service.ledger.application import Ledger
from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.recorder import storage
from service.ledger.trees import TILE
from service.proofs.anchor import require_as_kept
from service.proofs.bundles import Bundler, Contents, Told, Wanted, require_hashed
from service.proofs.checkpoints import base64_of
from service.proofs.custody import Sealed
from service.proofs.rounds import keys_of, policy_of
from service.proofs.seals import Kept, Seals
from service.proofs.tiles import NotThere, Tiles, Tree
from service.proofs.trust import trust_of
from service.settings import Settings

ENTRIES = (
    "SELECT entry, sha256 FROM record WHERE ledger = ? AND position BETWEEN ? AND ?"
    " ORDER BY position"
)
FORMAT = "c2sp.org/tlog-proof@v1"

Paths = dict[str, list[str]]
"""By algorithm, the hashes of a proof in base 64, from the leaf upwards."""


class NotSealed(LookupError):
    """尚未封签: no checkpoint covers what is asked for."""


class NoCheckpoint(NotSealed):
    """无此检查点: nothing was signed when the ledger had exactly so many records."""


class OutOfReach(NotSealed):
    """不在其中: the checkpoint that was asked for ends before the record."""


class Prover:
    """出证: makes the proofs of one ledger. One per process and ledger serves all its threads."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger, self._settings = ledger, settings
        self._storage = storage(ledger.engine, ledger.slug)
        self._tiles_of = lru_cache(1)(lambda _origin: Tiles(self._storage))

    @property
    def _seals(self) -> Seals:
        return Seals(self._storage, policy_of(self._settings).keys())

    @property
    def origin(self) -> str:
        """Which log the ledger is at present."""
        return keys_of(self._ledger, self._settings).origin

    @property
    def log(self) -> int:
        """The number of that log, from 1: one more after every loss of records."""
        return keys_of(self._ledger, self._settings).known.generation

    def require_as_sealed(self) -> None:
        """Raises ``HistoryMissing`` where the database lies behind or beside what custody keeps.

        What it proves would be a shorter history, or another one, under a true signature.
        """
        custody = keys_of(self._ledger, self._settings).custody
        require_as_kept(self._storage, self._ledger.head_position(), custody)

    def latest(self) -> Kept:
        """The last checkpoint of the log that the ledger is at present. Raises ``NotSealed``."""
        found = self._seals.latest(self.origin)
        if found is None:
            raise NotSealed(f"ledger {self._ledger.slug} has no checkpoint yet")
        return found

    def listed(self, limit: int, largest: int) -> list[Kept]:
        """So many of that log's checkpoints, none larger than this, from the largest down."""
        return self._seals.listed(self.origin, limit, largest)

    def covering(self, position: int, size: int | None = None) -> Kept:
        """The last checkpoint, or that of a size, if it covers a record. Raises ``NotSealed``."""
        found = self.latest() if size is None else self.exactly(size)
        if found.size < position:
            error = NotSealed if size is None else OutOfReach
            raise error(f"the checkpoint of {found.size} records does not cover {position}")
        return found

    def exactly(self, size: int) -> Kept:
        """The checkpoint of that log at exactly this size. Raises ``NoCheckpoint``."""
        found = self._seals.at(self.origin, size)
        if found is None:
            raise NoCheckpoint(f"there is no checkpoint of {size} records")
        return found

    def inclusion(self, position: int, size: int) -> Paths:
        """That a record is in both trees of a size."""
        return self._paths(lambda algorithm: self._tree(algorithm, size).inclusion(position))

    def consistency(self, old: int, new: int) -> Paths:
        """That both trees of one size begin those of another. Raises ``NotSealed``."""
        if new > self.latest().size:
            raise NotSealed(f"no checkpoint covers {new} records")
        return self._paths(lambda algorithm: self._tree(algorithm, new).consistency(old))

    def proof(self, position: int, sealed: Sealed) -> str:
        """C2SP ``tlog-proof``: that a record is in the SHA-256 tree; its extra is the record."""
        size = sealed.checkpoint.size
        head = (FORMAT, f"extra {base64_of(self.entry(position))}", f"index {position - 1}")
        path = self.inclusion(position, size)["sha256"]
        return "\n".join((*head, *path, "", str(sealed.note)))

    def entry(self, position: int) -> bytes:
        """The bytes of one record. Raises ``NotThere``."""
        (found,) = self._entries(position, position)
        return found

    def tile(self, algorithm: Algorithm, level: int, number: int, width: int) -> bytes:
        """A tile of hashes, as far as the last checkpoint goes. Raises ``NotSealed``."""
        self._require_covered(level, number, width)
        return bytes(self._tiles.tile(algorithm, level, number, width))

    def entries(self, number: int, width: int) -> bytes:
        """The records under a tile of level 0, each after its length. Raises ``NotSealed``."""
        self._require_covered(0, number, width)
        first = number * TILE
        entries = self._entries(first + 1, first + width)
        return b"".join(len(each).to_bytes(2) + each for each in entries)

    def bundle(self, wanted: Wanted, out: IO[bytes], told: Told | None = None) -> Contents:
        """Write an evidence bundle as of the last checkpoint.

        Raises as `Bundler.write` and `require_as_sealed` do.
        """
        self.require_as_sealed()
        sealed = self.latest().sealed
        trust = trust_of(self._ledger, self._settings)
        bundler = Bundler(self._storage, trust, self._ledger.clock)
        return bundler.write(wanted, sealed, out, told)

    def root(self, algorithm: Algorithm, size: int) -> bytes:
        """The root of a tree when the ledger had so many records."""
        return self._tree(algorithm, size).root

    @property
    def _tiles(self) -> Tiles:
        """Read anew once the ledger has become another log: then records were lost."""
        return self._tiles_of(self.origin)

    def _tree(self, algorithm: Algorithm, size: int) -> Tree:
        return self._tiles.tree(algorithm, size)

    def _paths(self, path: Callable[[Algorithm], list[bytes]]) -> Paths:
        return {each.name: [*map(base64_of, path(each))] for each in ALGORITHMS}

    def _require_covered(self, level: int, number: int, width: int) -> None:
        if width > covered(self.latest().size, level, number):
            raise NotSealed(f"no checkpoint covers tile {number} of level {level}")

    def _entries(self, first: int, last: int) -> list[bytes]:
        with self._storage.connected() as connection:
            rows = self._storage.rows(connection, ENTRIES, self._storage.ledger, first, last)
        if len(rows) != last - first + 1:
            raise NotThere(f"of records {first} to {last} there are {len(rows)}")
        for position, (entry, leaf) in enumerate(rows, first):
            require_hashed(self._ledger.slug, position, entry, leaf)
        return [entry for entry, _ in rows]


def covered(size: int, level: int, number: int) -> int:
    """How wide a tile is in a tree of some size; 0 or less where it has not begun."""
    return min(TILE, (size >> 8 * level) - number * TILE)


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile of a tree: level, number, width."""
    level = 0
    while size >> 8 * level:
        for number in range(-(-(size >> 8 * level) // TILE)):
            yield level, number, covered(size, level, number)
        level += 1
