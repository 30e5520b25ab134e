"""亲签: the ledger's own word in its database: what a key has signed that was good for it.

Custody that was put back from an older copy does not know of all that was signed since. The
database still has it; and whatever has been signed once is never contradicted by signing less.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aggregates.ledger import ITSELF, LedgerItself
from service.ledger.application import Ledger
from service.ledger.storage import Storage
from service.proofs.custody import Custody, Sealed
from service.proofs.notes import BadNote, Kind, PublicKey

Known = Mapping[PublicKey, int | None]
"""Keys, each with the last size at which it was good, or None."""

BEYOND = (
    "SELECT size, note FROM checkpoint WHERE ledger = ? AND origin = ? AND size > ?"
    " ORDER BY size DESC LIMIT 1"
)

SIGNED = (
    "SELECT size, note FROM checkpoint WHERE ledger = ? AND origin = ? AND size <= ?"
    " ORDER BY size DESC LIMIT 500"
)


def keys_on_record(announced: Mapping[str, int | None]) -> dict[PublicKey, int | None]:
    """The keys that a ledger has announced; what is no key of a log signs nothing, and is none."""
    found = {}
    for text, last in announced.items():
        with suppress(BadNote):
            key = PublicKey.parse(text)
            if key.kind is Kind.LOG:
                found[key] = last
    return found


def known_to(ledger: Ledger) -> dict[PublicKey, int | None]:
    """The keys that a ledger has on record by now."""
    return keys_on_record(ledger.load(LedgerItself, ITSELF).keys)


def is_own(sealed: Sealed, known: Known) -> bool:
    """Has a key of its log signed it that was good for it?

    Raises ``BadNote`` where a signature that says to be by one of these is not.
    """
    told = sealed.checkpoint
    by = [known[key] for key in sealed.note.signed_by(known) if key.name == told.origin]
    return any(last is None or told.size <= last for last in by)


def is_surely_own(sealed: Sealed, known: Known) -> bool:
    """The same, and no where a signature is false."""
    with suppress(BadNote):
        return is_own(sealed, known)
    return False


def good_here(ledger: Ledger, custody: Custody) -> dict[PublicKey, int | None]:
    """The keys on record, each for no longer than custody knows: its retirement may be lost.

    Where none of them has signed custody's last checkpoint, the one that did is lost, and with it
    whatever was retired then. Raises ``BadCustody``.
    """
    found, last = known_to(ledger), custody.sealed()
    ends = keys_on_record(custody.keys())
    if last and not is_surely_own(last, found):
        told = last.checkpoint
        ends |= {key: told.size for key in found if key.name == told.origin and not ends.get(key)}
    for key in found.keys() & ends.keys():
        lasts = [each for each in (found[key], ends[key]) if each is not None]
        found[key] = min(lasts, default=None)
    return found


def own_beyond(storage: Storage[Any], custody: Custody, origin: str, size: int) -> Sealed | None:
    """The largest checkpoint of a log that its database has, if it is of more than so many records.

    Raises ``BadNote`` where it is not the ledger's own word, and ``BadCustody``.
    """
    with storage.connected() as connection:
        rows = storage.rows(connection, BEYOND, storage.ledger, origin, size)
    if not rows:
        return None
    at, note = rows[0]
    with suppress(BadNote):
        sealed = Sealed.parse(note)
        told = sealed.checkpoint
        known = good_here(Ledger(storage.engine, storage.ledger), custody)
        if (told.size, told.origin) == (at, origin) and is_own(sealed, known):
            return sealed
    raise BadNote(
        f"ledger {storage.ledger} has a checkpoint {at} in its database that no key of {origin}"
        " has signed that was good for it: nothing is signed; see wenxiao verify"
    )


def last_signed_by(key: PublicKey, storage: Storage[Any], most: int) -> int:
    """The size of the largest checkpoint by a key, of so many records at most; 0 without one."""
    while rows := _signed_up_to(most, key.name, storage):
        for size, note in rows:
            with suppress(BadNote):
                sealed = Sealed.parse(note)
                if sealed.checkpoint.size == size and is_own(sealed, {key: None}):
                    return size
        most = rows[-1][0] - 1
    return 0


def _signed_up_to(most: int, origin: str, storage: Storage[Any]) -> list[tuple[int, object]]:
    with storage.connected() as connection:
        return storage.rows(connection, SIGNED, storage.ledger, origin, most)
