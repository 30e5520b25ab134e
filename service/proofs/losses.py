"""缺失: the logs that a ledger was and is no more, as it has their losses on record."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from aggregates.ledger import ITSELF, LedgerItself, LossAccepted
from service.ledger.application import Ledger
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Sealed
from service.proofs.notes import BadNote


@dataclass(frozen=True)
class Loss:
    """缺失: the last checkpoint of a log, and the position where its loss was accepted."""

    last: Checkpoint
    position: int


def losses_of(ledger: Ledger) -> dict[str, Loss]:
    """Every loss that a ledger has on record, by the origin of the log that was lost."""
    found = {}
    for record in ledger.history(LedgerItself.stream(ITSELF)):
        if isinstance(record.fact, LossAccepted):
            with suppress(BadNote):
                last = Sealed.parse(record.fact.sealed).checkpoint
                found[last.origin] = Loss(last, record.position)
    return found
