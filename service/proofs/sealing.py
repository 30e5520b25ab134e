"""封签: signs how far a ledger has come, after reading back what is signed.

A checkpoint is made of the records themselves, hashed again as the database gives them back, on top
of the tree that was signed last; never of hashes that were kept. So a checkpoint that is smaller
than the last one, or has another beginning, cannot come into being.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from service.clock import Clock, shown, utc_now
from service.ledger.engine import writing
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS
from service.ledger.storage import Storage
from service.ledger.tables import checkpoint as kept
from service.proofs.anchor import require_unbroken, root_at
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Custody, Sealed
from service.proofs.notes import Note, Signer
from service.proofs.roster import Listed, Roster
from service.proofs.tiles import Tiles

PORTION = 1_000

ENTRIES = (
    "SELECT position, stream, version, entry FROM record WHERE ledger = ? AND position > ?"
    " AND position <= ? ORDER BY position LIMIT ?"
)
LISTED = (
    "SELECT stream, max(version), max(position) FROM record"
    " WHERE ledger = ? AND position <= ? GROUP BY stream"
)


def listed_at(storage: Storage[Any], size: int) -> list[Listed]:
    """Every stream of a ledger when it had so many records."""
    with storage.connected() as connection:
        rows = storage.rows(connection, LISTED, storage.ledger, size)
    return [Listed(*row) for row in rows]


class Sealer:
    """封签: signs the checkpoints of one ledger."""

    def __init__(self, storage: Storage[Any], custody: Custody, clock: Clock = utc_now) -> None:
        self._storage, self._custody, self._clock = storage, custody, clock
        self._rosters: list[Roster] = []
        self._listed_at = -1

    def seal(self, signer: Signer) -> Sealed | None:
        """Sign how far the ledger has come; None where nothing was added since the last time.

        The signer's name is the log's origin. Raises ``HistoryMissing`` where the database does
        not hold what was signed last, or does not give back what it was given.
        """
        last, size = self.last(signer.name), self._storage.ask(self._storage.size)
        if last is not None:
            require_unbroken(self._storage, size, last.checkpoint)
            self._record(last)
        begin = last.checkpoint.size if last else 0
        if size == begin:
            return None
        roots = self._roots(begin, size)
        rosters = (roster.root for roster in self._rosters)
        return self._signed(Checkpoint(signer.name, size, begin, *roots, *rosters), signer)

    def last(self, origin: str) -> Sealed | None:
        """The last checkpoint of a log, in custody or in the database, whichever is larger."""
        found = [self._custody.sealed(), self._latest_kept()]
        ours = [each for each in found if each and each.checkpoint.origin == origin]
        return max(ours, key=lambda each: each.checkpoint.size, default=None)

    def _latest_kept(self) -> Sealed | None:
        newest = sa.select(kept.c.note).where(kept.c.ledger == self._storage.ledger)
        with self._storage.engine.connect() as connection:
            notes = connection.execute(newest.order_by(kept.c.size.desc()).limit(1)).scalars()
            return next(map(Sealed.parse, notes), None)

    def _roots(self, begin: int, size: int) -> list[bytes]:
        """Both roots at a size, from the trees at another and the records between them."""
        trees = [Tiles(self._storage).tree(each, begin).frontier for each in ALGORITHMS]
        if self._listed_at != begin:
            listed = listed_at(self._storage, begin)
            self._rosters = [Roster(each, listed) for each in ALGORITHMS]
        for rows in self._portions(begin, size):
            entries = [entry for _, _, _, entry in rows]
            trees = [tree.grown(map(tree.algorithm.leaf, entries)) for tree in trees]
            ended = {stream: (version, position) for position, stream, version, _ in rows}
            for roster in self._rosters:
                for stream, place in ended.items():
                    roster.put(Listed(stream, *place))
        self._listed_at = size
        for tree in trees:
            if root_at(self._storage, tree.algorithm, size) != tree.root:
                raise HistoryMissing(
                    f"ledger {self._storage.ledger} does not give back the records that it hashed"
                    f" ({tree.algorithm.name}): nothing is sealed; see wenxiao verify"
                )
        return [tree.root for tree in trees]

    def _portions(self, begin: int, size: int) -> Iterator[list[Any]]:
        while begin < size:
            with self._storage.connected() as connection:
                asked = (self._storage.ledger, begin, size, PORTION)
                rows = self._storage.rows(connection, ENTRIES, *asked)
            if not rows or rows[-1][0] != begin + len(rows):
                raise HistoryMissing(
                    f"ledger {self._storage.ledger} lacks a record after {begin}: nothing is sealed"
                )
            yield rows
            begin += len(rows)

    def _signed(self, checkpoint: Checkpoint, signer: Signer) -> Sealed:
        """Outside the database first: what was signed must never be forgotten."""
        note = Note(checkpoint.text, (signer.sign(checkpoint.text),))
        self._custody.keep(note)
        sealed = Sealed(checkpoint, note)
        self._record(sealed)
        return sealed

    def _record(self, sealed: Sealed) -> None:
        """Keep it in the database as well, once."""
        key = {"ledger": self._storage.ledger, "size": sealed.checkpoint.size}
        row = {**key, "note": str(sealed.note), "sealed_at": shown(self._clock())}
        with writing(self._storage.engine) as connection:
            is_there = sa.exists().where(*(kept.c[name] == value for name, value in key.items()))
            if not connection.scalar(sa.select(is_there)):
                connection.execute(sa.insert(kept).values(row))
