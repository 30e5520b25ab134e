"""已存检查点: the checkpoints that a database keeps of a ledger, with what witnesses said.

A ledger is another log after every loss; each checkpoint is one of the log of some origin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from service.ledger.storage import Storage
from service.proofs.custody import Sealed
from service.proofs.notes import BadNote, Note, PublicKey, Signature, text_in

ANY = "SELECT 1 FROM checkpoint WHERE ledger = ? LIMIT 1"
CHECKPOINTS = (
    "SELECT size, note, sealed_at FROM checkpoint WHERE ledger = ? AND origin = ? AND size <= ?"
    " ORDER BY size DESC LIMIT ?"
)
COSIGNATURES = (
    "SELECT size, line FROM cosignature WHERE ledger = ? AND origin = ? AND size BETWEEN ? AND ?"
    " ORDER BY size, witness"
)
LARGEST = 2**63 - 1
"""No size is larger."""


@dataclass(frozen=True)
class Kept:
    """已存: a checkpoint with all its signatures, when it was signed, and who has seen it."""

    sealed: Sealed
    sealed_at: str
    witnesses: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many records it covers."""
        return self.sealed.checkpoint.size


class Seals:
    """已存检查点: of one ledger, by the log that they are of."""

    def __init__(self, storage: Storage[Any], keys: Iterable[PublicKey] = ()) -> None:
        """``keys``: under their names only what they have signed is told, and before all else."""
        self._storage, self._keys = storage, [*keys]

    def at(self, origin: str, size: int) -> Kept | None:
        """A log's checkpoint at exactly this size, if there is one."""
        found = self.listed(origin, 1, size)
        return found[0] if found and found[0].size == size else None

    def latest(self, origin: str) -> Kept | None:
        """The largest checkpoint of a log; None before its first."""
        return next(iter(self.listed(origin, 1)), None)

    def listed(self, origin: str, limit: int, largest: int = LARGEST) -> list[Kept]:
        """So many of a log's checkpoints, none larger than this, from the largest down."""
        its, lines = (self._storage.ledger, origin), defaultdict[int, list[Signature]](list)
        with self._storage.connected() as connection:
            rows = self._storage.rows(connection, CHECKPOINTS, *its, largest, limit)
            if rows:
                span = (rows[-1][0], rows[0][0])
                for size, line in self._storage.rows(connection, COSIGNATURES, *its, *span):
                    lines[size].append(Signature.parse(line))
        return [kept(note, sealed_at, lines[size], self._keys) for size, note, sealed_at in rows]


def was_sealed(storage: Storage[Any]) -> bool:
    """Has the database a checkpoint of any log that the ledger has been?"""
    with storage.connected() as connection:
        return bool(storage.rows(connection, ANY, storage.ledger))


def kept(note: str, sealed_at: str, lines: list[Signature], keys: Iterable[PublicKey] = ()) -> Kept:
    """A checkpoint as it was kept, put together. Raises ``BadNote``."""
    signed, known = Sealed.parse(note), [*keys]
    true = [each for each in lines if is_true(signed.note.text, each, known)]
    names = {key.name for key in known}
    cosignatures = [*true, *(each for each in lines if each.name not in names)]
    whole = Sealed(signed.checkpoint, signed.note.with_signatures(cosignatures))
    return Kept(whole, text_in(sealed_at), tuple(dict.fromkeys(each.name for each in cosignatures)))


def is_true(text: str, signature: Signature, keys: Iterable[PublicKey]) -> bool:
    """Has one of these keys signed this text so?"""
    with suppress(BadNote):
        return bool(Note(text, (signature,)).signed_by(keys))
    return False
