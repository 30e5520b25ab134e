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
from service.proofs.anchor import require_as_kept, require_in_custody, require_unbroken
from service.proofs.custody import Custody, Sealed
from service.proofs.keys import Keys
from service.proofs.notes import BadNote, Note
from service.proofs.trust import keys_on_record
from service.release import ask_as_console


class NothingMissing(RuntimeError):
    """无缺失: the database holds what was sealed; there is no loss to accept."""


def what_is_missing(ledger: Ledger, custody: Custody) -> str:
    """What the database does not hold of what was sealed, in a sentence; empty where it does."""
    try:
        stored = storage(ledger.engine, ledger.slug)
        require_as_kept(stored, ledger.head_position(), custody)
        require_in_custody(stored, custody)
    except HistoryMissing as missing:
        return str(missing)
    return ""


def accept_loss(ledger: Ledger, custody: Custody, keys: Keys, reason: str) -> None:
    """Put a loss on record, and go on as another log.

    ``ledger`` has to be opened without its anchor, which lets nothing be added; the custody is to
    be had to oneself. Broken off on the way, it is taken up again where it was. Raises
    ``NothingMissing``.
    """
    sealed = custody.sealed()
    if sealed is None or not what_is_missing(ledger, custody):
        raise NothingMissing("the database holds everything that was sealed")
    if keys.origin == sealed.checkpoint.origin:
        outcome = ask_as_console(
            ledger,
            "accept_loss",
            LedgerItself,
            {
                "size": ledger.head_position(),
                "sealed_size": sealed.checkpoint.size,
                "sealed": str(Note(sealed.note.text, sealed.note.signatures[:1])),
                "reason": reason,
            },
        )
        if not outcome.is_recorded:
            raise NothingMissing(outcome.records[0].fact.sentence())
    keys.rotate(reason)
    custody.put_aside(keys.known.generation - 1)


def take_back(ledger: Ledger, custody: Custody, keys: Keys, text: str) -> None:
    """Put a checkpoint back that custody has lost, from wherever a copy of it was found.

    Raises ``BadNote`` where it is none that a key of this ledger has signed while it was good, and
    ``HistoryMissing`` where the database does not hold what it says.
    """
    if custody.sealed() is not None:
        raise NothingMissing("custody has its last checkpoint")
    sealed = Sealed.parse(text)
    told = sealed.checkpoint
    good = keys_on_record(keys.known.keys)
    by = [key for key in sealed.note.signed_by(good) if key.name == told.origin == keys.origin]
    if not any(good[key] is None or told.size <= (good[key] or 0) for key in by):
        raise BadNote(f"no checkpoint of {keys.origin} by a key of it that was good for it")
    stored = storage(ledger.engine, ledger.slug)
    require_unbroken(stored, ledger.head_position(), told)
    custody.keep(sealed.note)
