"""A ledger that only grows, and one that was written anew: as witnesses see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from service.ledger.hashes import SHA256
from service.ledger.trees import Frontier
from service.proofs import merkle
from service.proofs.checkpoints import Checkpoint
from service.proofs.cosigning import Consistency
from service.proofs.notes import Note, Signer
from service.proofs.witness import Submission
from tests.proofs.test_notes import signer


@dataclass(frozen=True)
class Log:
    """A ledger's tree, whose leaves come from a word: another word is another ledger."""

    word: str = "record"
    signer: Signer = field(default_factory=signer)

    def leaves(self, begin: int, end: int) -> list[bytes]:
        return [SHA256.leaf(f"{self.word} {n}".encode()) for n in range(begin, end)]

    def root(self, begin: int, end: int) -> bytes:
        return Frontier(SHA256).grown(self.leaves(begin, end)).root

    def checkpoint(self, size: int) -> Note:
        others = (bytes(32),) * 3
        text = Checkpoint(self.signer.name, size, 0, self.root(0, size), *others).text
        return Note(text, (self.signer.sign(text),))

    def consistency(self, size: int) -> Consistency:
        def complete(height: int, number: int) -> bytes:
            return self.root(number << height, number + 1 << height)

        return partial(merkle.consistency, SHA256, new=size, complete=complete)

    def submission(self, old: int, size: int) -> bytes:
        path = tuple(self.consistency(size)(old))
        return bytes(Submission(old, path, self.checkpoint(size)))
