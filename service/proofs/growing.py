"""渐长: what the records of a ledger say at one size after the other, made from their leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.ledger.findings import Unsound
from service.ledger.hashes import ALGORITHMS, SHA256, SM3
from service.ledger.storage import Storage
from service.ledger.stretch import STRETCH
from service.ledger.trees import Frontier, is_hash
from service.ledger.verify import Whole
from service.proofs.custody import Sealed
from service.proofs.roster import Listed, Roster
from service.proofs.sealing import listed_at
from service.proofs.tiles import Tiles

PORTION = 4_096

LEAVES = (
    "SELECT position, stream, version, sha256, sm3 FROM record"
    " WHERE ledger = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
)


class Growing:
    """What the records say at one size after the other; of the first, what is kept of it."""

    def __init__(self, storage: Storage[Any], size: int = 0) -> None:
        self._storage, self.size = storage, size
        self._trees = [Tiles(storage).tree(each, size).frontier for each in ALGORITHMS]
        listed = listed_at(storage, size)
        self._roster = Roster(listed)
        self._versions = {each.stream: each.length for each in listed}

    def whole(self) -> Whole:
        """What is known of a ledger, as long as this has not grown past complete stretches."""
        trees = (Frontier(t.algorithm, self.size // STRETCH, t.peaks) for t in self._trees)
        return Whole(self.size, self.size, tuple(trees), versions=self._versions)

    def grow(self, size: int) -> None:
        """Take in the records up to a size; raises ``Unsound`` where they do not reach."""
        while self.size < size:
            rows = self._rows(size)
            if not rows:
                raise bad_checkpoint(size, f"is of more records than there are: {self.size}")
            *_, sha256, sm3 = zip(*rows, strict=True)
            if not all(map(is_hash, (*sha256, *sm3))):
                raise bad_checkpoint(size, "is of records whose hashes are none")
            self._trees = [
                t.grown(each) for t, each in zip(self._trees, (sha256, sm3), strict=True)
            ]
            ended = {stream: (version, position) for position, stream, version, _, _ in rows}
            for stream, place in ended.items():
                self._roster.put(Listed(stream, *place))
            self.size += len(rows)

    def compare(self, sealed: Sealed) -> None:
        """Raises ``Unsound`` where a checkpoint says anything else."""
        told = sealed.checkpoint
        pairs = {
            "sha256": (told.sha256, self._trees[0].root),
            "sm3": (told.sm3, self._trees[1].root),
            "roster-sha256": (told.roster_sha256, self._roster.root(SHA256)),
            "roster-sm3": (told.roster_sm3, self._roster.root(SM3)),
        }
        for name, (said, made) in pairs.items():
            if said != made:
                raise bad_checkpoint(told.size, f"has another {name} root than the records make")

    def _rows(self, size: int) -> list[Any]:
        with self._storage.connected() as connection:
            asked = (self._storage.ledger, self.size, size, PORTION)
            return self._storage.rows(connection, LEAVES, *asked)


@dataclass(frozen=True)
class Since:
    """自此: where a verification begins, and what is known of the ledger until there."""

    growing: Growing
    whole: Whole = field(default_factory=Whole)
    previous: dict[str, int] = field(default_factory=dict)
    """The size of the checkpoint before the one where it begins, by its log."""

    @classmethod
    def checkpoint(cls, storage: Storage[Any], sealed: Sealed) -> Since:
        """Go on from a checkpoint up to which all was found true; its stretch is examined again.

        Raises ``Unsound``, ``NotThere`` where the ledger does not begin as that one says.
        """
        told = sealed.checkpoint
        growing = Growing(storage, (told.size - 1) // STRETCH * STRETCH)
        whole = growing.whole()
        growing.grow(told.size)
        growing.compare(sealed)
        return cls(growing, whole, {told.origin: told.previous})


def bad_checkpoint(size: int, reason: str) -> Unsound:
    """A checkpoint is not what it should be."""
    return Unsound(0, f"checkpoint {size}", reason)
