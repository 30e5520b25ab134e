"""已存检查点: the checkpoints that a database keeps of a ledger, with what witnesses said."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa

from service.ledger.tables import checkpoint, cosignature
from service.proofs.custody import Sealed
from service.proofs.notes import Signature


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
    """Reads the checkpoints of one ledger."""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        self._engine, self._ledger = engine, ledger

    def at(self, size: int) -> Kept | None:
        """The checkpoint at exactly this size, if there is one."""
        return next(iter(self._read(1, checkpoint.c.size == size)), None)

    def latest(self, origin: str) -> Kept | None:
        """The largest checkpoint of a log; None before its first."""
        first_line = f"{origin}\n"
        is_its = sa.func.substr(checkpoint.c.note, 1, len(first_line)) == first_line
        return next(iter(self._read(1, is_its)), None)

    def listed(self, limit: int, largest: int) -> list[Kept]:
        """So many checkpoints that are not larger than this one, from the largest down."""
        return self._read(limit, checkpoint.c.size <= largest)

    def _read(self, limit: int, condition: sa.ColumnElement[bool]) -> list[Kept]:
        c = checkpoint.c
        wanted = sa.select(c.size, c.note, c.sealed_at).where(c.ledger == self._ledger, condition)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(c.size.desc()).limit(limit)).all()
            lines = self._cosignatures(connection, [row.size for row in rows])
        return [kept(row.note, row.sealed_at, lines[row.size]) for row in rows]

    def _cosignatures(
        self, connection: sa.Connection, sizes: list[int]
    ) -> dict[int, list[Signature]]:
        c, found = cosignature.c, defaultdict[int, list[Signature]](list)
        wanted = sa.select(c.size, c.line).where(c.ledger == self._ledger, c.size.in_(sizes))
        for size, line in connection.execute(wanted.order_by(c.witness)):
            found[size].append(Signature.parse(line))
        return found


def kept(note: str, sealed_at: str, cosignatures: list[Signature]) -> Kept:
    """A checkpoint as it was kept, put together. Raises ``BadNote``."""
    signed = Sealed.parse(note)
    whole = Sealed(signed.checkpoint, signed.note.with_signatures(cosignatures))
    return Kept(whole, sealed_at, tuple(each.name for each in cosignatures))
