"""所余: how far a ledger that has lost records bears out what is known to have been signed of it.

What a loss leaves is not what it took: up to there checkpoints are held against the records for
ever, so that nobody hides a change of what was not lost behind the acceptance of what was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from heapq import merge

from service.ledger.findings import Unsound, failure_of
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import BadCustody, Sealed
from service.proofs.examining import SMALLEST, Examination
from service.proofs.growing import Growing


@dataclass
class Remaining:
    """所余: of a ledger of so many records, beside the last checkpoint of what there was.

    ``borne_out``: up to there the records bear out all that is known to have been signed.
    ``others`` are the sizes of the checkpoints that they do not bear out.
    """

    examination: Examination
    size: int
    last: Checkpoint
    others: list[int] = field(default_factory=list)
    borne_out: int = 0

    def __post_init__(self) -> None:
        """The chain of checkpoints ends where the first of them is another one, or left out."""
        growing, end, fits = Growing(self.examination.storage), 0, True
        for sealed, is_kept in self._here():
            told = sealed.checkpoint
            if failure_of(partial(grown_to, growing, sealed)):
                self.others.append(told.size)
            elif is_kept and told.origin == self.last.origin:
                fits &= told.previous == end
                end = told.size if fits and not self.others else end
        for told in (self.last, *(each.checkpoint for each in self._kept(self.size))):
            before = told.size if told.size <= self.size else told.previous
            fits &= told.origin != self.last.origin or before == end or before > self.size
        self.borne_out = min(self.size, self.last.size) if fits and not self.others else end

    def __str__(self) -> str:
        """What does not fit although it should still be there; empty where there is nothing."""
        sizes = ", ".join(map(str, sorted({*self.others})))
        return f"the records here are others than were sealed of the first {sizes}" if sizes else ""

    def _here(self) -> Iterator[tuple[Sealed, bool]]:
        """What was signed of the records that are here, from the smallest up; is it kept here?"""
        examined = self.examination
        kept = (
            (sealed, True)
            for sealed in self._kept()
            if sealed.checkpoint.size
            <= examined.beyond.get(sealed.checkpoint.origin, sealed.checkpoint.size)
        )
        elsewhere = [(sealed, False) for sealed in self._in_custody()]
        for sealed, is_kept in merge(kept, elsewhere, key=lambda each: each[0].checkpoint.size):
            if sealed.checkpoint.size > self.size:
                return
            yield sealed, is_kept

    def _kept(self, after: int = SMALLEST) -> Iterator[Sealed]:
        """What the database has of the ledger's own word; what is not is another matter."""
        with suppress(Unsound):
            for row in self.examination.kept(after):
                with suppress(Unsound):
                    yield self.examination.signed(row)

    def _in_custody(self) -> Iterator[Sealed]:
        """Up to where everything was found true."""
        with suppress(BadCustody):
            if verified := self.examination.custody.verified():
                yield verified


def grown_to(growing: Growing, sealed: Sealed) -> None:
    """Raises ``Unsound`` where the records do not reach a checkpoint, or say something else."""
    growing.grow(sealed.checkpoint.size)
    growing.compare(sealed)
