"""锚定: does the database still hold what was sealed?

A database that was restored from a backup lies behind its last checkpoint; one that went on after
such a restoration, or was rewritten, lies beside it. Either would become a second history under one
name if it were added to; so nothing is recorded until somebody says what happened.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import guard_with
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS, Algorithm
from service.ledger.rows import Head
from service.ledger.storage import Storage
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import BadCustody, Custody, Objection
from service.proofs.notes import BadNote
from service.proofs.seals import was_sealed
from service.proofs.signed import own_beyond
from service.proofs.tiles import NotThere, Tiles

FRESH_SECONDS = 5.0
"""How long a ledger whose records were found as they were sealed is taken to have them still."""

RESTORE = "restore the database as it was"
LAST_RESORT = "only where the records cannot be had back, wenxiao recover --accept-loss"
TAKE_BACK = (
    "wenxiao recover --checkpoint puts back the newest copy of it, an auditor's or a bundle's, too;"
    " where a loss was just accepted, seal"
)
"""What leads out, by what is the matter."""


def require_as_kept(storage: Storage[Any], size: int, custody: Custody) -> None:
    """Raises ``HistoryMissing`` where this is less than was sealed or seen, or something else.

    Custody may be older than what the database itself has of what was signed.
    """
    require_as_long(storage.ledger, size, custody)
    if sealed := custody.sealed():
        require_unbroken(storage, size, sealed.checkpoint)
        require_own(storage, custody, sealed.checkpoint)


def require_own(storage: Storage[Any], custody: Custody, last: Checkpoint) -> None:
    """Raises ``HistoryMissing`` where the database has a later word of ours than this, and lacks
    what it says; what is not ours is left to those who sign and verify.
    """
    with suppress(BadNote):
        if own := own_beyond(storage, custody, last.origin, last.size):
            require_unbroken(storage, storage.ask(storage.size), own.checkpoint)


def require_in_custody(storage: Storage[Any], custody: Custody) -> None:
    """Raises ``HistoryMissing`` where the ledger was sealed and custody has nothing of it.

    Then nobody can tell whether the database is as it was.
    """
    if custody.sealed() is None and was_sealed(storage):
        raise HistoryMissing(
            f"ledger {storage.ledger} was sealed, and its last checkpoint is not in custody"
            f" ({custody.checkpoint_file})",
            TAKE_BACK,
        )


def require_as_long(ledger: str, size: int, custody: Custody) -> None:
    """Raises ``HistoryMissing`` where this is less than was sealed, or a witness objects."""
    sealed = custody.sealed()
    if sealed and size < sealed.checkpoint.size:
        raise too_short(ledger, size, sealed.checkpoint.size)
    if objections := custody.objections():
        raise objected(ledger, size, objections)


def is_closed(storage: Storage[Any], size: int, custody: Custody) -> bool:
    """Would nothing be added to a ledger of this size, for what custody has of it, or has not?

    Records are not read for it, so not all of what closes a ledger is found.
    """
    try:
        require_as_long(storage.ledger, size, custody)
        require_in_custody(storage, custody)
    except (BadCustody, HistoryMissing, OSError):
        return True
    return False


def too_short(ledger: str, size: int, sealed: int) -> HistoryMissing:
    """Some of what was sealed is not there."""
    return HistoryMissing(
        f"ledger {ledger} has {size} records here, but {sealed} were sealed:"
        f" {spanned(size + 1, sealed)} missing",
        f"{RESTORE}; {LAST_RESORT}",
    )


def spanned(first: int, last: int) -> str:
    """Records by their positions, as what something is said of."""
    return f"record {last} is" if first == last else f"records {first} to {last} are"


def objected(ledger: str, size: int, objections: list[Objection]) -> HistoryMissing:
    """Witnesses say that there was more, or something else."""
    said = ", ".join(
        f"witness {each.witness} has seen "
        + (
            f"others among the first {each.size}"
            if each.is_other
            else f"{each.size}, more than were sealed here"
        )
        for each in objections
    )
    return HistoryMissing(
        f"ledger {ledger} has {size} records here, and {said}",
        f"{RESTORE}; strike a witness who is mistaken from the policy, and ask wenxiao recover;"
        f" {LAST_RESORT}",
    )


def require_unbroken(storage: Storage[Any], size: int, sealed: Checkpoint) -> None:
    """Raises ``HistoryMissing`` unless a ledger of this size begins as it was sealed."""
    if size < sealed.size:
        raise too_short(storage.ledger, size, sealed.size)
    for algorithm, root in zip(ALGORITHMS, (sealed.sha256, sealed.sm3), strict=True):
        if root_at(storage, algorithm, sealed.size) != root:
            raise HistoryMissing(
                f"ledger {storage.ledger} has other records here than the {sealed.size} that were"
                f" sealed ({algorithm.name})",
                f"{RESTORE}; {LAST_RESORT}",
            )


def root_at(storage: Storage[Any], algorithm: Algorithm, size: int) -> bytes | None:
    """The root of a tree at a size, read afresh; None where not all of it is there."""
    try:
        return Tiles(storage).tree(algorithm, size).root
    except NotThere:
        return None


class Anchor:
    """锚定: holds one ledger's head against the last checkpoint kept outside its database."""

    def __init__(self, folder: Path, ledger: str) -> None:
        self._custody = Custody(folder, ledger)
        self._looked = -inf

    def __call__(self, storage: Storage[Any], head: Head) -> None:
        """Raises ``HistoryMissing`` where records that were sealed are missing or others."""
        require_as_long(storage.ledger, head.size, self._custody)
        if monotonic() - self._looked > FRESH_SECONDS:
            require_as_kept(storage, head.size, self._custody)
            require_in_custody(storage, self._custody)
            self._looked = monotonic()


def anchor(engine: sa.Engine, folder: Path) -> None:
    """Have every ledger of this database held against what is kept in this folder."""
    guard_with(engine, partial(Anchor, folder))
