"""检查点核验: is every checkpoint what the records say, and signed by a key that was good for it?

To be asked once the records themselves have been verified, for it rests on their leaf hashes. What
was signed is made again from them, in one pass: both trees and both rosters at every size that was
ever sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.ledger.findings import Unsound
from service.ledger.hashes import ALGORITHMS
from service.ledger.storage import Storage
from service.ledger.trees import Frontier
from service.proofs.custody import Custody, Sealed
from service.proofs.notes import BadNote, Note, PublicKey, Signature
from service.proofs.policy import Policy
from service.proofs.roster import Listed, Roster

PORTION = 4_096

CHECKPOINTS = (
    "SELECT size, note FROM checkpoint WHERE ledger = ? AND size > ? ORDER BY size LIMIT 500"
)
COSIGNATURES = "SELECT witness, line FROM cosignature WHERE ledger = ? AND size = ?"
LEAVES = (
    "SELECT position, stream, version, sha256, sm3 FROM record"
    " WHERE ledger = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?"
)
STRAYS = (
    "SELECT size FROM cosignature AS its WHERE ledger = ? AND NOT EXISTS (SELECT 1 FROM checkpoint"
    " WHERE checkpoint.ledger = its.ledger AND checkpoint.size = its.size) LIMIT 1"
)


@dataclass(frozen=True)
class Seals:
    """检查点核验: of one ledger, by the keys that it records and the witnesses of a policy."""

    storage: Storage[Any]
    keys: Mapping[str, int | None]
    """The public keys that the ledger has announced, each with its last good size, or None."""
    policy: Policy
    custody: Custody

    def examine(self, size: int) -> int:
        """Hold every checkpoint up to a size against the records; how many there are.

        Raises ``Unsound`` for the first that is not as it should be.
        """
        known = {PublicKey.parse(key): last for key, last in self.keys.items()}
        growing, count = Growing(self.storage), 0
        for at, text in self._kept():
            if at <= size:
                sealed = self._signed(at, text, known)
                growing.grow(at)
                growing.compare(sealed)
                self._cosigned(sealed)
                count += 1
        for (stray,) in self._select(STRAYS):
            raise Unsound(0, f"cosignature of {stray}", "has no checkpoint")
        self._in_custody(size)
        return count

    def _signed(self, at: int, text: str, known: Mapping[PublicKey, int | None]) -> Sealed:
        """A checkpoint that a key has signed which was good for it."""
        try:
            sealed = Sealed.parse(text)
            by = sealed.note.signed_by(known)
        except (AttributeError, BadNote, TypeError) as error:
            raise bad_checkpoint(at, f"cannot be believed: {error}") from error
        told = sealed.checkpoint
        if told.size != at:
            raise bad_checkpoint(at, f"says that it is of {told.size} records")
        last_sizes = [known[key] for key in by if key.name == told.origin]
        if not any(last is None or at <= last for last in last_sizes):
            raise bad_checkpoint(at, "is not signed by a key that was good for it")
        return sealed

    def _cosigned(self, sealed: Sealed) -> None:
        """What is kept of witnesses are their words on this text; of strangers nothing is known."""
        keys = [each.key for each in self.policy.witnesses.values()]
        for witness, line in self._select(COSIGNATURES, sealed.checkpoint.size):
            try:
                signature = Signature.parse(line)
                Note(sealed.note.text, (signature,)).signed_by(keys)
            except (AttributeError, BadNote, TypeError) as error:
                what = f"cosignature of {sealed.checkpoint.size} by {witness}"
                raise Unsound(0, what, f"cannot be believed: {error}") from error
            if signature.name != witness:
                what = f"cosignature of {sealed.checkpoint.size} by {witness}"
                raise Unsound(0, what, f"is by {signature.name}")

    def _in_custody(self, size: int) -> None:
        """The last checkpoint outside the database is there, too."""
        sealed = self.custody.sealed()
        if sealed is None or sealed.checkpoint.size > size:
            return
        at = sealed.checkpoint.size
        kept = [text for other, text in self._select(CHECKPOINTS, at - 1) if other == at]
        if not kept:
            raise bad_checkpoint(at, "is in custody, and gone from the database")
        if Sealed.parse(kept[0]).checkpoint != sealed.checkpoint:
            raise bad_checkpoint(at, "is another one in custody")

    def _kept(self) -> Iterator[tuple[int, str]]:
        after = -1
        while page := self._select(CHECKPOINTS, after):
            yield from page
            after = page[-1][0]

    def _select(self, statement: str, *values: object) -> list[Any]:
        with self.storage.connected() as connection:
            return self.storage.rows(connection, statement, self.storage.ledger, *values)


class Growing:
    """What the records say at one size after the other."""

    def __init__(self, storage: Storage[Any]) -> None:
        self._storage, self._size = storage, 0
        self._trees = [Frontier(algorithm) for algorithm in ALGORITHMS]
        self._rosters = [Roster(algorithm) for algorithm in ALGORITHMS]

    def grow(self, size: int) -> None:
        """Take in the records up to a size; raises ``Unsound`` where they do not reach."""
        while self._size < size:
            rows = self._rows(size)
            if not rows:
                raise bad_checkpoint(size, f"is of more records than there are: {self._size}")
            *_, sha256, sm3 = zip(*rows, strict=True)
            self._trees = [
                t.grown(each) for t, each in zip(self._trees, (sha256, sm3), strict=True)
            ]
            ended = {stream: (version, position) for position, stream, version, _, _ in rows}
            for roster in self._rosters:
                for stream, place in ended.items():
                    roster.put(Listed(stream, *place))
            self._size += len(rows)

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
            asked = (self._storage.ledger, self._size, size, PORTION)
            return self._storage.rows(connection, LEAVES, *asked)


def bad_checkpoint(size: int, reason: str) -> Unsound:
    """A checkpoint is not what it should be."""
    return Unsound(0, f"checkpoint {size}", reason)
