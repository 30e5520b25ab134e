"""听证: what the witnesses of a ledger say, and what custody and the database keep of it.

Whoever keeps copies of a machine keeps its custody with it, and nothing on a machine that was set
back can tell that it was. Its witnesses can: so they are asked about the last checkpoint that is
kept, before anything is signed after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import sqlalchemy as sa

from service.ledger.engine import writing
from service.ledger.hashes import SHA256
from service.ledger.storage import Storage
from service.ledger.tables import cosignature
from service.proofs.anchor import objected, require_unbroken
from service.proofs.cosigning import SECONDS, Answer, cosigned
from service.proofs.custody import Custody, Objection, Sealed
from service.proofs.notes import BadNote, PublicKey, Signature
from service.proofs.policy import Policy, Witness
from service.proofs.seals import is_true
from service.proofs.tiles import Tiles

PATIENCE = 3.0
"""How many seconds a process that begins waits for all witnesses together."""


class TooFewHeard(RuntimeError):
    """听证不足: too few witnesses could be asked whether they have seen more than is here."""


class Hearing:
    """听证: the witnesses of one ledger, and how far each has stood by it in this process.

    ``policy`` says whose word is wanted, and may be another one at any time.
    """

    def __init__(self, storage: Storage[object], custody: Custody, policy: Policy) -> None:
        self.policy = policy
        self._storage, self._custody = storage, custody
        self._heard: dict[PublicKey, int] = {}
        self._silent: list[str] = []

    def hear(self) -> None:
        """Ask whoever has not been heard, or objects, about the last checkpoint that is kept.

        Nobody is kept from sealing meanwhile; so an objection counts only if the checkpoint is
        still the last one. Raises ``HistoryMissing`` where the database does not hold what was
        sealed, or somebody objects; that somebody is silent is no error.
        """
        while (shown := self._custody.sealed()) and (whom := self._unheard()):
            require_unbroken(self._storage, self._size, shown.checkpoint)
            answers = self._answers(shown, whom, PATIENCE)
            self._silent = silent_in(answers)
            if self._is_settled(shown, answers):
                break
        self.require_unopposed()

    @property
    def is_enough(self) -> bool:
        """May something new be signed: have as many stood by the last checkpoint as are wanted?

        Or everybody who can be asked at all, where that is not enough. Before the first checkpoint
        there is nothing to stand by.
        """
        askable = {each.key for each in self.policy.witnesses.values() if each.url}
        standing = self._standing
        is_heard = self.policy.is_reached(standing) or standing.keys() >= askable
        return is_heard or self._custody.sealed() is None

    def too_few(self) -> TooFewHeard:
        """Why nothing new is signed, with what came of asking."""
        told = "; ".join(self._silent) or "nobody was asked"
        return TooFewHeard(
            f"too few witnesses of ledger {self._storage.ledger} could be heard ({told}): nothing"
            " new is signed until as many as the policy wants have signed the last checkpoint"
        )

    def require_unopposed(self) -> None:
        """Raises ``HistoryMissing`` where a witness objects to what is here."""
        if objections := self._custody.objections():
            raise objected(self._storage.ledger, self._size, objections)

    def witnessed(self, sealed: Sealed) -> tuple[Sealed, list[Answer]]:
        """A checkpoint, signed by all witnesses who do so now, and what they answered.

        To be called with custody alone. Raises ``HistoryMissing`` where somebody objects.
        """
        signed = sealed.note.signed_by(self.policy.keys())
        silent = [each for each in self.policy.witnesses.values() if each.key not in signed]
        answers = self._answers(sealed, silent, SECONDS)
        sealed = self._keep(sealed, answers)
        self.require_unopposed()
        return sealed, answers

    @property
    def _size(self) -> int:
        return self._storage.ask(self._storage.size)

    @property
    def _standing(self) -> dict[PublicKey, int]:
        """Who stands by what is kept now; not who has seen more, before it was set back."""
        last = self._custody.sealed()
        size = last.checkpoint.size if last else 0
        return {key: seen for key, seen in self._heard.items() if seen <= size}

    def _unheard(self) -> list[Witness]:
        objecting, standing = self._objecting(), self._standing
        return [
            each
            for each in self.policy.witnesses.values()
            if each.key not in standing or each.name in objecting
        ]

    def _objecting(self) -> set[str]:
        return {each.witness for each in self._custody.objections()}

    def _answers(self, shown: Sealed, whom: Iterable[Witness], seconds: float) -> list[Answer]:
        """What these witnesses say of a checkpoint; whoever signs it has been heard."""
        asked = [*whom]
        seen = {each.name: self._heard[each.key] for each in asked if each.key in self._heard}
        consistency = Tiles(self._storage).tree(SHA256, shown.checkpoint.size).consistency
        answers = cosigned(shown.note, asked, consistency, seen, seconds)
        self._heard |= {each.witness.key: each.seen for each in answers if each.signature}
        return answers

    def _is_settled(self, shown: Sealed, answers: list[Answer]) -> bool:
        """Keep what was answered; not so where it was objected to what is not the last any more."""
        objections = objections_in(shown, answers)
        if not (objections or self._tells_news(shown, answers)):
            return True
        with self._custody.alone():
            last = self._custody.sealed()
            if last is None or last.checkpoint != shown.checkpoint:
                return not objections
            self._keep(last, answers)
        return True

    def _tells_news(self, shown: Sealed, answers: list[Answer]) -> bool:
        known, objecting = {*shown.note.signed_by(self.policy.keys())}, self._objecting()
        signed = [each.witness for each in answers if each.signature]
        return any(each.key not in known or each.name in objecting for each in signed)

    def _keep(self, sealed: Sealed, answers: list[Answer]) -> Sealed:
        """The checkpoint with what is newly signed, kept inside and outside; and who objects."""
        known = {(each.name, each.number) for each in sealed.note.signatures}
        signed = [each for each in answers if each.signature]
        new = [each.signature for each in signed if each.signature]
        new = [each for each in new if (each.name, each.number) not in known]
        if new:
            sealed = Sealed(sealed.checkpoint, sealed.note.with_signatures(new))
            self._custody.keep(sealed.note)
        self._record(sealed)
        self._custody.drop_objections({each.witness.name for each in signed})
        for objection in objections_in(sealed, answers):
            self._custody.note_objection(objection)
        return sealed

    def _record(self, sealed: Sealed) -> None:
        """Keep in the database, too, what custody has of witnesses, whatever is kept there."""
        c, told = cosignature.c, sealed.checkpoint
        at = {"ledger": self._storage.ledger, "size": told.size, "origin": told.origin}
        here = sa.select(c.witness, c.line).where(*(c[name] == value for name, value in at.items()))
        with writing(self._storage.engine) as connection:
            known = {row.witness: row.line for row in connection.execute(here)}
            true = self._true(sealed, known.values())
            for each in sealed.note.signatures:
                free = [place for place in each.places if place not in known]
                is_kept = each.number in true or str(each) in known.values()
                if each.name != told.origin and free and not is_kept:
                    row = {**at, "witness": free[0], "line": str(each)}
                    connection.execute(sa.insert(cosignature).values(row))
                    known[free[0]] = str(each)

    def _true(self, sealed: Sealed, lines: Iterable[str]) -> set[bytes]:
        """The numbers of the policy's keys that have signed one of these lines."""
        found = set()
        for line in lines:
            with suppress(BadNote):
                signature = Signature.parse(line)
                if is_true(sealed.note.text, signature, self.policy.keys()):
                    found.add(signature.number)
        return found


def silent_in(answers: Iterable[Answer]) -> list[str]:
    """Who has not signed what he is shown, and why."""
    return [f"{each.witness.name}: {each.reason}" for each in answers if not each.signature]


def objections_in(shown: Sealed, answers: Iterable[Answer]) -> list[Objection]:
    """Who has seen more than he is shown, or something else."""
    return [
        Objection(each.witness.name, each.seen, each.contradicts)
        for each in answers
        if each.contradicts or each.seen > shown.checkpoint.size
    ]
