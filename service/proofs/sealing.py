"""封签: signs how far a ledger has come, after reading back what is signed.

A checkpoint is made of the records themselves, hashed again as the database gives them back, on top
of the tree that was signed last; never of hashes that were kept. So a checkpoint that is smaller
than the last one, or has another beginning, cannot come into being.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from service.clock import Clock, shown, utc_now
from service.ledger.engine import writing
from service.ledger.entry import Entry
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS
from service.ledger.storage import ENTRY, Storage
from service.ledger.tables import checkpoint as kept
from service.proofs.anchor import TAKE_BACK, require_unbroken, root_at
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Custody, Sealed
from service.proofs.notes import Note, Signer
from service.proofs.roster import Listed, Roster
from service.proofs.seals import Seals
from service.proofs.signed import own_beyond
from service.proofs.tiles import Tiles

PORTION = 1_000

ENTRIES = (
    "SELECT position, entry FROM record WHERE ledger = ? AND position > ? AND position <= ?"
    " ORDER BY position LIMIT ?"
)
SEALED_AT = (
    "SELECT sealed_at FROM checkpoint WHERE ledger = ? AND origin = ? AND size < ?"
    " ORDER BY size DESC LIMIT 1"
)
LISTED = (
    "SELECT stream, max(version), max(position) FROM record"
    " WHERE ledger = ? AND position <= ? GROUP BY stream"
)


def listed_at(storage: Storage[Any], size: int) -> list[Listed]:
    """Every stream of a ledger when it had so many records."""
    with storage.connected() as connection:
        rows = storage.rows(connection, LISTED, storage.ledger, size)
    return [Listed(*row) for row in rows]


def listed_in(entry: bytes) -> Listed:
    """What a record's own bytes say of its stream, its version and its position."""
    _, _, position, _, stream, version, _ = entry.split(b"\n", 6)
    return Listed(stream.decode(), int(version), int(position))


def roster_of(storage: Storage[Any], sealed: Sealed | None) -> Roster:
    """The roster as it was sealed last; an empty one before. Raises ``HistoryMissing``.

    It is made from columns that nobody hashes, so it has to be the one that was signed.
    """
    if sealed is None:
        return Roster()
    told = sealed.checkpoint
    roster = Roster()
    with suppress(AttributeError, TypeError):  # a column may have anything
        roster = Roster(listed_at(storage, told.size))
    if [*map(roster.root, ALGORITHMS)] != [told.roster_sha256, told.roster_sm3]:
        raise HistoryMissing(
            f"ledger {storage.ledger} lists other streams than at the {told.size} records that were"
            " sealed: see wenxiao verify"
        )
    return roster


def brought_up(storage: Storage[Any], custody: Custody, last: Sealed) -> Sealed:
    """Custody's last checkpoint, or a later one that the database has: then custody has it, too.

    To be asked with the custody to oneself. Raises ``HistoryMissing`` where the records are not as
    either says, and ``BadNote`` where the later one is not the ledger's own word.
    """
    size = storage.ask(storage.size)
    require_unbroken(storage, size, last.checkpoint)
    own = own_beyond(storage, custody, last.checkpoint.origin, last.checkpoint.size)
    if own is None:
        return last
    require_unbroken(storage, size, own.checkpoint)
    custody.keep(own.note)
    return own


def bring_up(storage: Storage[Any], custody: Custody) -> None:
    """Have custody brought up, where it lags behind; raises as `brought_up` does."""
    last = custody.sealed()
    if last and own_beyond(storage, custody, last.checkpoint.origin, last.checkpoint.size):
        with custody.alone():
            if last := custody.sealed():
                brought_up(storage, custody, last)


class Sealer:
    """封签: signs the checkpoints of one ledger."""

    def __init__(self, storage: Storage[Any], custody: Custody, clock: Clock = utc_now) -> None:
        self._storage, self._custody, self._clock = storage, custody, clock
        self._roster = Roster()
        self._listed_at = -1

    def seal(self, signer: Signer) -> Sealed | None:
        """Sign how far the ledger has come; None where nothing was added since the last time.

        The signer's name is the log's origin. Raises ``HistoryMissing`` where the database does
        not hold what was signed last, or does not give back what it was given, and ``BadNote``
        where it has a later checkpoint of this log that nobody has signed.
        """
        last = self.last(signer.name)
        if last is not None:
            last = brought_up(self._storage, self._custody, last)
            self._record(last)
        elif Seals(self._storage).latest(signer.name):
            raise HistoryMissing(
                f"ledger {self._storage.ledger} was sealed before, and its last checkpoint is not"
                " in custody",
                TAKE_BACK,
            )
        begin, size = last.checkpoint.size if last else 0, self._storage.ask(self._storage.size)
        if size == begin:
            return None
        is_listed, self._listed_at = last is not None and self._listed_at == begin, -1
        if not is_listed:
            self._roster = roster_of(self._storage, last)
        roots = self._roots(begin, size)
        rosters = map(self._roster.root, ALGORITHMS)
        sealed = self._signed(Checkpoint(signer.name, size, begin, *roots, *rosters), signer)
        self._listed_at = size
        return sealed

    def last(self, origin: str) -> Sealed | None:
        """The last checkpoint of a log, as custody has it; the database is not asked."""
        sealed = self._custody.sealed()
        return sealed if sealed and sealed.checkpoint.origin == origin else None

    def _roots(self, begin: int, size: int) -> list[bytes]:
        """Both roots at a size, from the trees at another and the records between them."""
        trees = [Tiles(self._storage).tree(each, begin).frontier for each in ALGORITHMS]
        for rows in self._portions(begin, size):
            entries = [entry for _, entry in rows]
            try:
                trees = [tree.grown(map(tree.algorithm.leaf, entries)) for tree in trees]
                ended = {listed.stream: listed for listed in map(listed_in, entries)}
            except (AttributeError, TypeError, ValueError) as error:
                raise self._not_given_back("in a form that can be read") from error
            for listed in ended.values():
                self._roster.put(listed)
        for tree in trees:
            if root_at(self._storage, tree.algorithm, size) != tree.root:
                raise self._not_given_back(f"that it hashed ({tree.algorithm.name})")
        return [tree.root for tree in trees]

    def _not_given_back(self, what: str) -> HistoryMissing:
        return HistoryMissing(
            f"ledger {self._storage.ledger} does not give back the records {what}: nothing is"
            " sealed; see wenxiao verify"
        )

    def _portions(self, begin: int, size: int) -> Iterator[list[Any]]:
        while begin < size:
            with self._storage.connected() as connection:
                asked = (self._storage.ledger, begin, size, PORTION)
                rows = self._storage.rows(connection, ENTRIES, *asked)
            if not rows or rows[-1][0] != begin + len(rows):
                raise HistoryMissing(
                    f"ledger {self._storage.ledger} lacks a record after {begin}: nothing is sealed"
                )
            yield rows
            begin += len(rows)

    def _signed(self, checkpoint: Checkpoint, signer: Signer) -> Sealed:
        """Outside the database first: what was signed must never be forgotten."""
        note = Note(checkpoint.text, (signer.sign(checkpoint.text),))
        self._custody.keep(note)
        sealed = Sealed(checkpoint, note)
        self._record(sealed)
        return sealed

    def _record(self, sealed: Sealed) -> None:
        """Keep it in the database as well, once."""
        told = sealed.checkpoint
        key = {"ledger": self._storage.ledger, "size": told.size, "origin": told.origin}
        is_there = sa.exists().where(*(kept.c[name] == value for name, value in key.items()))
        with writing(self._storage.engine) as connection:
            if connection.scalar(sa.select(is_there)):
                return
        row = {**key, "note": str(sealed.note), "sealed_at": shown(self._time_of(told))}
        with writing(self._storage.engine) as connection:
            connection.execute(sa.insert(kept).values(row))

    def _time_of(self, told: Checkpoint) -> datetime:
        """Now; but not before what is sealed, whose clock may have been a little ahead."""
        its = (self._storage.ledger, told.origin, told.size)
        with self._storage.connected() as connection:
            entries = self._storage.rows(connection, ENTRY, self._storage.ledger, told.size)
            before = self._storage.rows(connection, SEALED_AT, *its)
        try:
            times = [Entry.parse(bytes(entry)).recorded_at for (entry,) in entries]
        except (TypeError, ValueError) as error:
            raise self._not_given_back("in a form that can be read") from error
        times.append(self._clock())
        with suppress(TypeError, ValueError):
            times += [datetime.fromisoformat(at).astimezone(UTC) for (at,) in before]
        return max(times)
