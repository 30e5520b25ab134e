"""承诺值核验: the digests of personal values in records, held against the values beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from aggregates.base import FACTS, Fact, RecordCorrected
from aggregates.person import PersonValueWithheld
from commands.correction import CorrectRecord
from service.ledger.body import decode
from service.ledger.entry import FIELDS, SALT_SIZE
from service.ledger.findings import UNREADABLE, Unsound, bad_record

KEPT = (
    "SELECT digest, salt, value, withheld_by FROM committed_value"
    " WHERE ledger = ? AND digest IN ({})"
)
PERSONAL = {topic: fact.PERSONAL for topic, fact in FACTS.items() if fact.PERSONAL}
HOLDING = {*PERSONAL, RecordCorrected.TOPIC, PersonValueWithheld.TOPIC}
"""The topics whose facts may hold digests of personal values."""

MARK = re.compile(
    b'"(?:%s)":' % "|".join({"digest", *(n for held in PERSONAL.values() for n in held)}).encode()
)
"""Is in every body that holds one, so that the others need not be read."""


@dataclass(frozen=True)
class Held:
    """A digest in a record's fact, in this field of it.

    ``is_commitment``: the value was put beside the ledger with this record; a correction by hand
    only repeats what it corrects. ``is_order``: the record orders that the value be withheld.
    """

    position: int
    digest: bytes
    field: str = ""
    is_commitment: bool = False
    is_order: bool = False

    def compare(self, kept: Sequence[Any] | None) -> None:
        """What is kept is as this record says. Raises ``Unsound``."""
        if kept is None:
            raise self._unsound("is gone, though its digest is held")
        if self.is_order and tuple(kept) != (None, None, self.position):
            raise self._unsound("is not withheld, though that is ordered")

    def _unsound(self, reason: str) -> Unsound:
        return Unsound(self.position, f"value {self.digest.hex()}", reason)


def held_in(rows: Iterable[tuple[int, str, bytes]]) -> Iterator[Held]:
    """The digests in records, given by position, topic and entry. Raises ``Unsound``."""
    for position, topic, entry in rows:
        if topic in HOLDING and MARK.search(entry):
            try:
                yield from _held(position, topic, entry.split(b"\n", FIELDS)[FIELDS])
            except UNREADABLE as error:
                raise bad_record(position, f"has a fact that cannot be read: {error!r}") from error


def _held(position: int, topic: str, body: bytes) -> Iterator[Held]:
    envelope, fact = decode(topic, body)
    if isinstance(fact, PersonValueWithheld):
        yield Held(position, bytes.fromhex(fact.digest), "digest", is_order=True)
    is_by_hand = isinstance(fact, RecordCorrected) and envelope.act == CorrectRecord.act.name
    for field, digest in _named(fact):
        yield Held(position, bytes.fromhex(digest), field, is_commitment=not is_by_hand)


def _named(fact: Fact[Any]) -> Iterator[tuple[str, str]]:
    """The digests of a fact, or of the one that it puts in another's place, each with its field."""
    path, told = "", fact
    if isinstance(fact, RecordCorrected) and fact.replacement:
        path, told = "replacement.fact.", fact.replacement.fact
    for name, digest in zip(told.PERSONAL, told.committed, strict=True):
        if digest:
            yield path + name, digest


def commits(digest: bytes, salt: bytes, value: str) -> bool:
    """Is this the value that is known by this digest?"""
    try:
        return len(salt) == SALT_SIZE and sha256(salt + value.encode()).digest() == digest
    except UNREADABLE:
        return False
