"""检查点核验: is every checkpoint what the records say, and signed by a key that was good for it?

To be asked once the records themselves have been verified, for it rests on their leaf hashes. What
was signed is made again from them, in one pass: both trees and both rosters at every size that was
ever sealed. Where all was found true before, the pass begins at the checkpoint where that ended.

Of a log whose loss is on record the database may still have checkpoints. They have to be signed as
well as any; that the records here do not bear them out is what was accepted, and is only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from service.ledger.findings import Unsound, failure_of
from service.ledger.hashes import ALGORITHMS
from service.ledger.storage import Storage
from service.ledger.stretch import STRETCH
from service.ledger.trees import Frontier
from service.ledger.verify import Whole
from service.proofs.checkpoints import Checkpoint
from service.proofs.custody import Custody, Sealed
from service.proofs.losses import Loss
from service.proofs.notes import BadNote, PublicKey, Signature
from service.proofs.policy import Policy
from service.proofs.roster import Listed, Roster
from service.proofs.sealing import listed_at
from service.proofs.signed import Known, is_own, keys_on_record
from service.proofs.tiles import Tiles

PORTION = 4_096
SMALLEST = -(2**63)
"""No checkpoint's size; but a row may say anything."""
HIGHEST = "\U0010ffff"
"""Of the names there are, none comes after it."""

CHECKPOINTS = (
    "SELECT size, origin, note FROM checkpoint WHERE ledger = ? AND (size, origin) > (?, ?)"
    " ORDER BY size, origin LIMIT 500"
)
CHECKPOINT = "SELECT note FROM checkpoint WHERE ledger = ? AND size = ? AND origin = ?"
COSIGNATURES = "SELECT witness, line FROM cosignature WHERE ledger = ? AND size = ? AND origin = ?"
LEAVES = (
    "SELECT position, stream, version, sha256, sm3 FROM record"
    " WHERE ledger = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
)
STRAYS = (
    "SELECT size FROM cosignature AS its WHERE ledger = ? AND NOT EXISTS (SELECT 1 FROM checkpoint"
    " WHERE checkpoint.ledger = its.ledger AND checkpoint.size = its.size"
    " AND checkpoint.origin = its.origin) LIMIT 1"
)


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

    def add(self, sealed: Sealed) -> None:
        """Take in the next checkpoint that the records bear out."""
        self.checkpoints += 1
        self.last = sealed

    def require_next(self, told: Checkpoint) -> None:
        """Raises ``Unsound`` where one is left out before this one."""
        before = self.previous.get(told.origin, 0)
        if told.previous != before:
            reason = f"was signed after one of {told.previous} records, and follows one of {before}"
            raise bad_checkpoint(told.size, reason)
        self.previous[told.origin] = told.size


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

    def examine(self, size: int, since: Since | None = None) -> Examined:
        """Hold every checkpoint up to a size against the records, or every one since one.

        Raises ``Unsound`` for the first that is not as it should be.
        """
        since = since or Since(Growing(self.storage))
        known = keys_on_record(self.keys)
        growing, found = since.growing, Examined(previous=since.previous)
        for at, origin, text in self._kept(growing.size - 1 if growing.size else SMALLEST):
            if at > size and origin not in self.losses:
                self._require_reached(at)
            else:
                growing.grow(min(at, size))
                self._take_in(self._signed(at, origin, text, known), growing, found)
        for (stray,) in self._select(STRAYS):
            raise Unsound(0, f"cosignature of {stray}", "has no checkpoint")
        self._in_custody(size)
        return found

    def _take_in(self, sealed: Sealed, growing: Growing, found: Examined) -> None:
        """Hold a checkpoint against the records, as far as they are asked about."""
        told = sealed.checkpoint
        is_lost = told.origin in self.losses
        unlike = failure_of(partial(growing.compare, sealed))
        if unlike and not is_lost:
            raise unlike
        self._cosigned(sealed, found)
        if not is_lost:
            found.require_next(told)
        if unlike:
            found.lost[told.origin] += 1
        else:
            found.add(sealed)

    def _require_reached(self, at: int) -> None:
        """A checkpoint may be younger than this verification, but not than the ledger."""
        reached = self.storage.ask(self.storage.size)
        if at > reached:
            raise bad_checkpoint(at, f"is of more records than there are: {reached}")

    def _signed(self, at: int, origin: str, text: str, known: Known) -> Sealed:
        """A checkpoint that a key has signed which was good for it."""
        try:
            sealed = Sealed.parse(text)
            is_signed = is_own(sealed, known)
        except (AttributeError, BadNote, TypeError) as error:
            raise bad_checkpoint(at, f"cannot be believed: {error}") from error
        told = sealed.checkpoint
        if told.size != at:
            raise bad_checkpoint(at, f"says that it is of {told.size} records")
        if told.origin != origin:
            raise bad_checkpoint(at, f"says that it is of {told.origin}, and is kept as {origin}'s")
        if not is_signed:
            raise bad_checkpoint(at, "is not signed by a key that was good for it")
        return sealed

    def _cosigned(self, sealed: Sealed, found: Examined) -> None:
        """What is kept of witnesses are their words on this text; of strangers nothing is known."""
        told = sealed.checkpoint
        for witness, line in self._select(COSIGNATURES, told.size, told.origin):
            what = f"cosignature of {told.size} by {witness}"
            try:
                signature = Signature.parse(line)
                if signature.name != witness:
                    raise Unsound(0, what, f"is by {signature.name}")
                is_known = self._is_known(signature, sealed.note.text)
            except (AttributeError, BadNote, TypeError) as error:
                raise Unsound(0, what, f"cannot be believed: {error}") from error
            found.cosignatures += is_known
            found.by_strangers += not is_known

    def _is_known(self, signature: Signature, text: str) -> bool:
        """Is it by a witness of the policy, who may also have had another key under his name?

        Raises ``BadNote`` where it is not by the key that it names, or by one that it does not.
        """
        for key in (each.key for each in self.policy.witnesses.values()):
            if signature.is_by(key):
                key.time_of(text, signature.value)
                return True
            if key.name == signature.name and has_signed(key, text, signature.value):
                raise BadNote(f"{key.name} has signed it with another key than it says")
        return False

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
        if sealed is None or sealed.checkpoint.size > size:
            return
        at = sealed.checkpoint.size
        kept = self._select(CHECKPOINT, at, sealed.checkpoint.origin)
        if not kept:
            raise bad_checkpoint(at, "is in custody, and gone from the database")
        if Sealed.parse(kept[0][0]).checkpoint != sealed.checkpoint:
            raise bad_checkpoint(at, "is another one in custody")

    def _kept(self, after: int) -> Iterator[tuple[int, str, str]]:
        """Every checkpoint of more records than so many: size, origin, note."""
        last = (after, HIGHEST)
        while page := self._select(CHECKPOINTS, *last):
            yield from page
            last = page[-1][:2]

    def _select(self, statement: str, *values: object) -> list[Any]:
        with self.storage.connected() as connection:
            return self.storage.rows(connection, statement, self.storage.ledger, *values)


class Growing:
    """What the records say at one size after the other; of the first, what is kept of it."""

    def __init__(self, storage: Storage[Any], size: int = 0) -> None:
        self._storage, self.size = storage, size
        self._trees = [Tiles(storage).tree(each, size).frontier for each in ALGORITHMS]
        listed = listed_at(storage, size)
        self._rosters = [Roster(each, listed) for each in ALGORITHMS]
        self._versions = {each.stream: each.length for each in listed}

    def whole(self) -> Whole:
        """What is known of a ledger, as long as this has not grown past complete stretches."""
        trees = (Frontier(t.algorithm, self.size // STRETCH, t.peaks) for t in self._trees)
        return Whole(self.size, self.size, tuple(trees), versions=self._versions)

    def grow(self, size: int) -> None:
        """Take in the records up to a size; raises ``Unsound`` where they do not reach."""
        while self.size < size:
            rows = self._rows(size)
            if not rows:
                raise bad_checkpoint(size, f"is of more records than there are: {self.size}")
            *_, sha256, sm3 = zip(*rows, strict=True)
            self._trees = [
                t.grown(each) for t, each in zip(self._trees, (sha256, sm3), strict=True)
            ]
            ended = {stream: (version, position) for position, stream, version, _, _ in rows}
            for roster in self._rosters:
                for stream, place in ended.items():
                    roster.put(Listed(stream, *place))
            self.size += len(rows)

    def compare(self, sealed: Sealed) -> None:
        """Raises ``Unsound`` where a checkpoint says anything else."""
        told = sealed.checkpoint
        pairs = {
            "sha256": (told.sha256, self._trees[0].root),
            "sm3": (told.sm3, self._trees[1].root),
            "roster-sha256": (told.roster_sha256, self._rosters[0].root),
            "roster-sm3": (told.roster_sm3, self._rosters[1].root),
        }
        for name, (said, made) in pairs.items():
            if said != made:
                raise bad_checkpoint(told.size, f"has another {name} root than the records make")

    def _rows(self, size: int) -> list[Any]:
        with self._storage.connected() as connection:
            asked = (self._storage.ledger, self.size, size, PORTION)
            return self._storage.rows(connection, LEAVES, *asked)


@dataclass(frozen=True)
class Since:
    """自此: where a verification begins, and what is known of the ledger until there."""

    growing: Growing
    whole: Whole = field(default_factory=Whole)
    previous: dict[str, int] = field(default_factory=dict)
    """The size of the checkpoint before the one where it begins, by its log."""

    @classmethod
    def checkpoint(cls, storage: Storage[Any], sealed: Sealed) -> Since:
        """Go on from a checkpoint up to which all was found true; its stretch is examined again.

        Raises ``Unsound``, ``NotThere`` where the ledger does not begin as that one says.
        """
        told = sealed.checkpoint
        growing = Growing(storage, (told.size - 1) // STRETCH * STRETCH)
        whole = growing.whole()
        growing.grow(told.size)
        growing.compare(sealed)
        return cls(growing, whole, {told.origin: told.previous})


def has_signed(key: PublicKey, text: str, signature: bytes) -> bool:
    """Has this key signed this text, whatever else is said of it?"""
    try:
        key.time_of(text, signature)
    except BadNote:
        return False
    return True


def bad_checkpoint(size: int, reason: str) -> Unsound:
    """A checkpoint is not what it should be."""
    return Unsound(0, f"checkpoint {size}", reason)
