"""缺失: the logs that a ledger was and is no more, as it has their losses on record."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from aggregates.ledger import ITSELF, LedgerItself, LossAccepted
from service.ledger.application import Ledger
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Sealed
from service.proofs.notes import BadNote
from service.proofs.signed import Known, is_own


@dataclass(frozen=True)
class Loss:
    """缺失: the last checkpoint of a log, and the position where its loss was accepted.

    ``size``: up to there the records bear out all that was known to be signed; what was signed of
    more may say something else.
    """

    sealed: Sealed
    size: int
    position: int

    @property
    def last(self) -> Checkpoint:
        """What was lost."""
        return self.sealed.checkpoint

    def __str__(self) -> str:
        """What was accepted."""
        return (
            f"{self.last.origin}: what was sealed beyond {self.size} records, up to"
            f" {self.last.size}, is lost, as was accepted at record {self.position}: another log"
            " since"
        )

    def counts(self, known: Known) -> bool:
        """Is it of what a key of that log has signed, and accepted after what was left?"""
        with suppress(BadNote):
            return self.size < self.position and is_own(self.sealed, known)
        return False


def losses_of(ledger: Ledger) -> dict[str, Loss]:
    """Every loss that a ledger has on record, by the origin of the log; only the first of each."""
    found: dict[str, Loss] = {}
    for record in ledger.history(LedgerItself.stream(ITSELF)):
        if isinstance(record.fact, LossAccepted):
            with suppress(BadNote):
                sealed = Sealed.parse(record.fact.sealed)
                loss = Loss(sealed, record.fact.size, record.position)
                found.setdefault(loss.last.origin, loss)
    return found


def lost_beyond(losses: Mapping[str, Loss], known: Known) -> dict[str, int]:
    """Of each log whose loss counts, the size beyond which its checkpoints may say what is not.

    What was lost later is lost to the earlier logs as well.
    """
    counting = {origin: loss for origin, loss in losses.items() if loss.counts(known)}
    return {
        origin: min(each.size for each in counting.values() if each.position >= loss.position)
        for origin, loss in counting.items()
    }
