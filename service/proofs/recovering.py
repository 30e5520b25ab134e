"""恢复: how a ledger goes on whose database does not hold what was sealed.

The way out is to restore the database as it was. Where that cannot be done, the loss goes on
record, with the last checkpoint of what there was; the ledger is another log from there on, under
another origin and another key, so that nobody can take one for the other.
"""

from __future__ import annotations

from aggregates.ledger import LedgerItself
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.recorder import storage
from service.proofs.anchor import require_as_kept
from service.proofs.custody import Custody
from service.proofs.keys import Keys
from service.proofs.notes import Note
from service.release import ask_as_console


class NothingMissing(RuntimeError):
    """无缺失: the database holds what was sealed; there is no loss to accept."""


def what_is_missing(ledger: Ledger, custody: Custody) -> str:
    """What the database does not hold of what was sealed, in a sentence; empty where it does."""
    try:
        require_as_kept(storage(ledger.engine, ledger.slug), ledger.head_position(), custody)
    except HistoryMissing as missing:
        return str(missing)
    return ""


def accept_loss(ledger: Ledger, custody: Custody, keys: Keys, reason: str) -> None:
    """Put a loss on record, and go on as another log.

    ``ledger`` has to be opened without its anchor, which lets nothing be added. Broken off on the
    way, it is taken up again where it was. Raises ``NothingMissing``.
    """
    sealed = custody.sealed()
    if sealed is None or not what_is_missing(ledger, custody):
        raise NothingMissing("the database holds everything that was sealed")
    generation = keys.known.generation
    if keys.origin == sealed.checkpoint.origin:
        outcome = ask_as_console(
            ledger,
            "accept_loss",
            LedgerItself,
            {
                "size": ledger.head_position(),
                "sealed_size": max(sealed.checkpoint.size, custody.seen()[0]),
                "sealed": str(Note(sealed.note.text, sealed.note.signatures[:1])),
                "reason": reason,
            },
        )
        if not outcome.is_recorded:
            raise NothingMissing(outcome.records[0].fact.sentence())
        generation += 1
    keys.rotate(reason)
    custody.put_aside(generation - 1)
