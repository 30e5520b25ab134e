"""恢复: how a ledger goes on whose database does not hold what was sealed.

The way out is to restore the database as it was. Where that cannot be done, the loss goes on
record, with the last checkpoint of what there was; the ledger is another log from there on, under
another origin and another key, so that nobody can take one for the other.
"""

from __future__ import annotations

from contextlib import suppress

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.ledger.recorder import storage
from service.proofs.anchor import require_as_kept, require_in_custody, require_unbroken
from service.proofs.custody import BadCustody, Custody, Sealed
from service.proofs.examining import Examination
from service.proofs.keyfiles import BadKeyFile
from service.proofs.keys import KeyRefused, Keys
from service.proofs.losses import losses_of
from service.proofs.notes import BadNote, Note
from service.proofs.policy import NONE, Policy
from service.proofs.remaining import Remaining
from service.proofs.sealing import brought_up
from service.proofs.seals import Seals
from service.proofs.signed import is_own, keys_on_record, own_beyond
from service.release import ask_as_console


class NothingMissing(RuntimeError):
    """无缺失: the database holds what was sealed; there is no loss to accept."""


def missing_in(ledger: Ledger, custody: Custody) -> HistoryMissing | None:
    """What the database does not hold of what was sealed, if anything, and what leads out."""
    try:
        stored = storage(ledger.engine, ledger.slug)
        require_as_kept(stored, ledger.head_position(), custody)
        require_in_custody(stored, custody)
    except HistoryMissing as missing:
        last = custody.sealed()
        also = last and str(what_remains(ledger, custody, last))
        told = f"{missing.what}; {also}" if also else missing.what
        return HistoryMissing(told, missing.way_out)
    return None


def as_it_is(ledger: Ledger, custody: Custody, keys: Keys) -> str:
    """Of a ledger that lacks nothing: what it holds, which losses it has on record, and its key."""
    if custody.sealed() is None:
        return f"nothing of ledger {ledger.slug} is sealed yet"
    told = [f"ledger {ledger.slug} holds everything that was sealed"]
    told += map(str, losses_of(ledger).values())
    try:
        keys.signer()
    except (BadKeyFile, KeyRefused) as refused:
        told.append(f"but nothing new is sealed: {refused}")
    return "\n".join(told)


def accept_loss(ledger: Ledger, custody: Custody, keys: Keys, reason: str) -> None:
    """Put a loss on record, and go on as another log, which is to be sealed next.

    ``ledger`` has to be opened without its anchor, which lets nothing be added. Broken off on the
    way, it is taken up again where it was. Raises ``NothingMissing``.
    """
    with custody.alone():
        sealed = custody.sealed()
        if sealed is None and goes_on(ledger, keys):
            return
        is_begun = sealed is not None and is_on_record(ledger, sealed)
        if sealed is None or not (is_begun or missing_in(ledger, custody)):
            raise NothingMissing("the database holds everything that was sealed")
        if not is_begun:
            last = last_word(ledger, custody, sealed)
            put_on_record(ledger, last, what_remains(ledger, custody, last).borne_out, reason)
        if not keys.is_in_place():
            keys.after_loss(reason)
        custody.put_aside(keys.known.generation - 1)


def last_word(ledger: Ledger, custody: Custody, sealed: Sealed) -> Sealed:
    """The last that was signed of this log, which custody has from here on, borne out or not."""
    told, own = sealed.checkpoint, None
    with suppress(BadNote):
        own = own_beyond(storage(ledger.engine, ledger.slug), custody, told.origin, told.size)
    if own is None:
        return sealed
    custody.keep(own.note)
    return own


def goes_on(ledger: Ledger, keys: Keys) -> bool:
    """Has a loss been accepted, and only the first checkpoint of the log after it not been made?"""
    if keys.known.generation == 1 or not keys.is_in_place():
        return False
    return Seals(storage(ledger.engine, ledger.slug)).latest(keys.origin) is None


def is_on_record(ledger: Ledger, sealed: Sealed) -> bool:
    """Is the loss of this log on record, of which this is the last checkpoint?"""
    loss = losses_of(ledger).get(sealed.checkpoint.origin)
    return loss is not None and loss.last == sealed.checkpoint


def what_remains(ledger: Ledger, custody: Custody, last: Sealed) -> Remaining:
    """How far the records bear out what was signed, and what they do not though they are here."""
    stored, announced = storage(ledger.engine, ledger.slug), ledger.load(LedgerItself, ITSELF).keys
    examination = Examination(stored, announced, Policy(quorum=NONE), custody, losses_of(ledger))
    return Remaining(examination, ledger.head_position(), last.checkpoint)


def put_on_record(ledger: Ledger, sealed: Sealed, size: int, reason: str) -> None:
    """From here on the ledger is another log. Raises ``NothingMissing`` where that is refused."""
    body = {
        "size": size,
        "sealed_size": sealed.checkpoint.size,
        "sealed": str(Note(sealed.note.text, sealed.note.signatures[:1])),
        "reason": reason,
    }
    outcome = ask_as_console(ledger, "accept_loss", LedgerItself, body)
    if not outcome.is_recorded:
        raise NothingMissing(outcome.records[0].fact.sentence())


def heed_no_stranger(custody: Custody, policy: Policy) -> str:
    """Drop the objections of witnesses whom the policy names no longer; says so, if it did."""
    if not custody.objection_file.exists():
        return ""
    with custody.alone():
        strangers = {each.witness for each in custody.objections()} - {*policy.witnesses}
        custody.drop_objections(strangers)
    told = (
        f"witness {each} is named no longer: what it objects is not heeded" for each in strangers
    )
    return "; ".join(sorted(told))


def take_back(ledger: Ledger, custody: Custody, keys: Keys, text: str) -> str:
    """Put a checkpoint back that custody has lost or cannot read, from wherever a copy is found.

    Where the copy lags behind what the database has of what was signed, that is put back, and this
    says so. Raises ``BadNote`` where it is none that a key of this ledger has signed while it was
    good, and ``HistoryMissing`` where the database does not hold what it says, or what was signed
    since.
    """
    with custody.alone():
        with suppress(BadCustody):
            kept = custody.sealed()
            if kept is not None and kept.checkpoint.origin == keys.origin:
                raise NothingMissing("custody has its last checkpoint")
        sealed, known = Sealed.parse(text), keys_on_record(keys.known.keys)
        if sealed.checkpoint.origin != keys.origin or not is_own(sealed, known):
            raise BadNote(f"no checkpoint of {keys.origin} by a key of it that was good for it")
        stored = storage(ledger.engine, ledger.slug)
        require_unbroken(stored, ledger.head_position(), sealed.checkpoint)
        custody.keep(sealed.note)
        return _caught_up(ledger, custody, sealed)


def catch_up(ledger: Ledger, custody: Custody) -> str:
    """Bring custody up that lags behind what the database has of what was signed; says so, if so.

    Where the database does not bear it out, `missing_in` tells. Raises ``BadNote``.
    """
    with custody.alone(), suppress(HistoryMissing):
        last = custody.sealed()
        return _caught_up(ledger, custody, last) if last else ""
    return ""


def _caught_up(ledger: Ledger, custody: Custody, last: Sealed) -> str:
    now = brought_up(storage(ledger.engine, ledger.slug), custody, last)
    if now is last:
        return ""
    told = f"it knew of {last.checkpoint.size} records that were signed, and knows of"
    return f"custody lagged behind: {told} {now.checkpoint.size} from here on"
