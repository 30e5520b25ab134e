"""检查点核验: is every checkpoint what the records say, and signed by a key that was good for it?

To be asked once the records themselves have been verified, for it rests on their leaf hashes. What
was signed is made again from them, in one pass: both trees and both rosters at every size that was
ever sealed. Where all was found true before, the pass begins at the checkpoint where that ended.

Of a log whose loss is on record the database may still have checkpoints. They have to be signed as
well as any. Up to the size to which the loss left what was signed they are held against the
records like all others; that the records do not bear out the larger ones is what was accepted, and
is only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any, NamedTuple

from service.ledger.entry import Entry
from service.ledger.findings import Unsound, failure_of
from service.ledger.storage import Storage
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Custody, Sealed
from service.proofs.growing import Growing, Since, bad_checkpoint
from service.proofs.losses import Loss, lost_beyond
from service.proofs.notes import BadNote, PublicKey, Signature
from service.proofs.policy import Policy
from service.proofs.signed import Known, is_own, keys_on_record

SMALLEST = -(2**63)
"""No checkpoint's size; but a row may say anything."""
HIGHEST = "\U0010ffff"
"""Of the names there are, none comes after it."""

CHECKPOINTS = (
    "SELECT size, origin, note, sealed_at, entry FROM checkpoint AS its LEFT JOIN record"
    " ON record.ledger = its.ledger AND record.position = its.size"
    " WHERE its.ledger = ? AND (size, origin) > (?, ?) ORDER BY size, origin LIMIT 500"
)
CHECKPOINT = "SELECT note FROM checkpoint WHERE ledger = ? AND size = ? AND origin = ?"
COSIGNATURES = "SELECT witness, line FROM cosignature WHERE ledger = ? AND size = ? AND origin = ?"
STRAYS = (
    "SELECT size FROM cosignature AS its WHERE ledger = ? AND NOT EXISTS (SELECT 1 FROM checkpoint"
    " WHERE checkpoint.ledger = its.ledger AND checkpoint.size = its.size"
    " AND checkpoint.origin = its.origin) LIMIT 1"
)
GONE = "is in custody, and gone from the database; the next seal puts it back"
"""Or did not get there yet, where whoever signed it was ended in the middle."""


class Row(NamedTuple):
    """A checkpoint as it is kept, and the record at its size, if there is one."""

    size: int
    origin: str
    note: str
    sealed_at: str
    entry: bytes | None


@dataclass
class Examined:
    """检查点核验结果: how many checkpoints there are, the last one, and what could not be told."""

    checkpoints: int = 0
    last: Sealed | None = None
    cosignatures: int = 0
    by_strangers: int = 0
    """Cosignatures by keys that no policy names, of which nothing is known but their form."""
    lost: Counter[str] = field(default_factory=Counter)
    """How many of each log whose loss is on record the records do not bear out."""
    previous: dict[str, int] = field(default_factory=dict)
    """The size of each log's last checkpoint."""
    kept_at: dict[str, datetime] = field(default_factory=dict)
    """When that was kept."""
    witnesses: set[PublicKey] = field(default_factory=set)
    """Those of the policy who have signed the last one."""
    is_whole: bool = True
    """Does it begin with the first checkpoint of each log?"""
    goes_on: bool = False
    """Is there a checkpoint of a log whose loss is not on record?"""

    def add(self, sealed: Sealed, witnesses: set[PublicKey]) -> None:
        """Take in the next checkpoint that the records bear out."""
        self.checkpoints += 1
        self.last, self.witnesses = sealed, witnesses

    def require_time(self, row: Row) -> None:
        """Raises ``Unsound`` where one was kept at no moment, or before what it is of."""
        try:
            at = datetime.fromisoformat(row.sealed_at)
        except (TypeError, ValueError) as error:
            raise bad_checkpoint(row.size, "was kept at what is no moment") from error
        if at.tzinfo is None:
            raise bad_checkpoint(row.size, "was kept at what is no moment")
        if row.entry is not None and at < Entry.parse(bytes(row.entry)).recorded_at:
            raise bad_checkpoint(row.size, "was kept before its last record was made")
        if at < self.kept_at.get(row.origin, at):
            raise bad_checkpoint(row.size, "was kept before the one before it")
        self.kept_at[row.origin] = at

    def require_next(self, told: Checkpoint) -> None:
        """Raises ``Unsound`` where one is left out before this one."""
        before = self.previous.get(told.origin, 0)
        if told.previous != before:
            reason = f"was signed after one of {told.previous} records, and follows one of {before}"
            raise bad_checkpoint(told.size, reason)
        self.previous[told.origin] = told.size

    def require_kept(self, told: Checkpoint, beyond: int) -> None:
        """Of a lost log's larger checkpoint, the one before it is there if it was not lost."""
        before = self.previous.get(told.origin, 0)
        needed = told.size if told.size <= beyond else told.previous
        if self.is_whole and needed <= beyond and needed != before:
            raise bad_checkpoint(needed, f"of {told.origin} was not lost, and is gone")


@dataclass(frozen=True)
class Examination:
    """检查点核验: of one ledger, by the keys that it records and the witnesses of a policy."""

    storage: Storage[Any]
    keys: Mapping[str, int | None]
    """What the ledger has announced as public keys, each with its last good size, or None."""
    policy: Policy
    custody: Custody
    losses: Mapping[str, Loss] = field(default_factory=dict)
    """The logs that the ledger was and is no more, by their origins."""

    @cached_property
    def known(self) -> Known:
        """The keys on record."""
        return keys_on_record(self.keys)

    @cached_property
    def beyond(self) -> dict[str, int]:
        """Of each lost log, the size beyond which its checkpoints may say what is not here."""
        return lost_beyond(self.losses, self.known)

    def examine(self, size: int, since: Since | None = None) -> Examined:
        """Hold every checkpoint up to a size against the records, or every one since one.

        Raises ``Unsound`` for the first that is not as it should be.
        """
        since = since or Since(Growing(self.storage))
        growing = since.growing
        found = Examined(previous=since.previous, is_whole=not since.previous)
        for row in self.kept(growing.size - 1 if growing.size else SMALLEST):
            found.goes_on |= row.origin not in self.losses
            if row.size > size and row.origin not in self.beyond:
                self._require_reached(row.size)
            else:
                growing.grow(min(row.size, size))
                self._take_in(row, growing, found)
        for origin, beyond in self.beyond.items():
            found.require_kept(self.losses[origin].last, beyond)
        for (stray,) in self._select(STRAYS):
            raise Unsound(0, f"cosignature of {stray}", "has no checkpoint")
        self._in_custody(size)
        self._require_gone_on(found)
        return found

    def _take_in(self, row: Row, growing: Growing, found: Examined) -> None:
        """Hold a checkpoint against the records, as far as they are asked about."""
        sealed = self.signed(row)
        told = sealed.checkpoint
        beyond = self.beyond.get(told.origin)
        is_lost = beyond is not None and told.size > beyond
        unlike = failure_of(partial(growing.compare, sealed))
        if unlike and not is_lost:
            raise unlike
        witnesses = self._cosigned(sealed, found)
        if beyond is not None and is_lost:
            found.require_kept(told, beyond)
        else:
            found.require_next(told)
            found.require_time(row)
        if unlike:
            found.lost[told.origin] += 1
        else:
            found.add(sealed, witnesses)

    def _require_gone_on(self, found: Examined) -> None:
        """Whoever accepts a loss seals the log that the ledger is from there on."""
        if self.losses and not found.goes_on:
            at = max(each.position for each in self.losses.values())
            reason = "is on record, and no checkpoint of a later log was signed"
            raise Unsound(0, f"loss at record {at}", reason)

    def _require_reached(self, at: int) -> None:
        """A checkpoint may be younger than this verification, but not than the ledger."""
        reached = self.storage.ask(self.storage.size)
        if at > reached:
            raise bad_checkpoint(at, f"is of more records than there are: {reached}")

    def signed(self, row: Row) -> Sealed:
        """A checkpoint that a key has signed which was good for it."""
        at, origin = row.size, row.origin
        try:
            sealed = Sealed.parse(row.note)
            is_signed = is_own(sealed, self.known)
        except BadNote as error:
            raise bad_checkpoint(at, f"cannot be believed: {error}") from error
        told = sealed.checkpoint
        if told.size != at:
            raise bad_checkpoint(at, f"says that it is of {told.size} records")
        if told.origin != origin:
            raise bad_checkpoint(at, f"says that it is of {told.origin}, and is kept as {origin}'s")
        if not is_signed:
            raise bad_checkpoint(at, "is not signed by a key that was good for it")
        return sealed

    def _cosigned(self, sealed: Sealed, found: Examined) -> set[PublicKey]:
        """Which witnesses have signed it; what is kept of them are their words on this text.

        Of strangers nothing is known.
        """
        told, witnesses = sealed.checkpoint, set()
        for witness, line in self._select(COSIGNATURES, told.size, told.origin):
            what = f"cosignature of {told.size} by {witness}"
            try:
                signature = Signature.parse(line)
                if witness not in signature.places:
                    raise Unsound(0, what, f"is by {signature.name}")
                key = self._key_of(signature, sealed.note.text)
            except BadNote as error:
                raise Unsound(0, what, f"cannot be believed: {error}") from error
            found.cosignatures += key is not None
            found.by_strangers += key is None
            witnesses |= {key} if key else set()
        return witnesses

    def _key_of(self, signature: Signature, text: str) -> PublicKey | None:
        """The key of the policy that it is by; None where the policy knows nobody of this name.

        Raises ``BadNote`` where it is not by the key that it names, or by one that it does not. A
        key that a witness had before under the same name is known if the policy names it, too.
        """
        keys = (each.key for each in self.policy.witnesses.values())
        named = [key for key in keys if key.name == signature.name]
        for key in named:
            if signature.is_by(key):
                key.time_of(text, signature.value)
                return key
            if has_signed(key, text, signature.value):
                raise BadNote(f"{key.name} has signed it with another key than it says")
        if named:
            raise BadNote(
                f"no key that the policy has of {signature.name} has signed it; an earlier key of"
                " his belongs there as well, without an address"
            )
        return None

    def _in_custody(self, size: int) -> None:
        """The last checkpoint outside the database is there, too, once nobody is signing one."""
        found = failure_of(lambda: self._require_kept(size))
        if found is not None:
            with suppress(OSError), self.custody.alone():
                found = failure_of(lambda: self._require_kept(size))
        if found is not None:
            raise found

    def _require_kept(self, size: int) -> None:
        sealed = self.custody.sealed()
        if sealed and sealed.checkpoint.origin in self.losses:
            at = self.losses[sealed.checkpoint.origin].position
            reason = f"is of a log whose loss is on record at {at}: it was not carried out"
            raise Unsound(0, "checkpoint in custody", f"{reason}; see wenxiao recover")
        if sealed is None or sealed.checkpoint.size > size:
            return
        at = sealed.checkpoint.size
        kept = self._select(CHECKPOINT, at, sealed.checkpoint.origin)
        if not kept:
            raise bad_checkpoint(at, GONE)
        if Sealed.parse(kept[0][0]).checkpoint != sealed.checkpoint:
            raise bad_checkpoint(at, "is another one in custody")
        self._require_cosigned(sealed)

    def _require_cosigned(self, sealed: Sealed) -> None:
        """What witnesses said of it is there, too."""
        told = sealed.checkpoint
        rows = self._select(COSIGNATURES, told.size, told.origin)
        kept = {(each.name, each.number) for each in (Signature.parse(line) for _, line in rows)}
        for each in sealed.note.signatures:
            if each.name != told.origin and (each.name, each.number) not in kept:
                what = f"cosignature of {told.size} by {each.name}"
                raise Unsound(0, what, GONE)

    def kept(self, after: int = SMALLEST) -> Iterator[Row]:
        """Every checkpoint of more records than so many."""
        last: tuple[int, str] = (after, HIGHEST)
        while page := [Row(*each) for each in self._select(CHECKPOINTS, *last)]:
            for row in page:
                if not isinstance(row.size, int):
                    raise Unsound(0, f"checkpoint {row.size!r}", "is of no size")
                yield row
            last = (page[-1].size, page[-1].origin)

    def _select(self, statement: str, *values: object) -> list[Any]:
        with self.storage.connected() as connection:
            return self.storage.rows(connection, statement, self.storage.ledger, *values)


def has_signed(key: PublicKey, text: str, signature: bytes) -> bool:
    """Has this key signed this text, whatever else is said of it?"""
    try:
        key.time_of(text, signature)
    except BadNote:
        return False
    return True
