"""封签轮次: one round of sealing: sign what was added, ask the witnesses, keep what they said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from service.ledger.application import Ledger
from service.ledger.engine import writing
from service.ledger.hashes import SHA256
from service.ledger.recorder import storage
from service.ledger.tables import cosignature
from service.proofs.anchor import objected, require_unbroken
from service.proofs.checkpoints import Checkpoint
from service.proofs.cosigning import Answer, Consistency, cosigned
from service.proofs.custody import Custody, Objection, Sealed
from service.proofs.keys import Keys
from service.proofs.notes import Signature
from service.proofs.policy import NONE, Policy, Witness
from service.proofs.sealing import Sealer
from service.proofs.tiles import Tiles
from service.settings import Settings


@dataclass(frozen=True)
class Round:
    """一轮: the checkpoint with all its signatures, who is silent, and whether the rest is enough.

    ``sealed`` is None where there was nothing to sign yet.
    """

    sealed: Sealed | None
    is_new: bool = False
    silent: list[str] = field(default_factory=list)
    is_enough: bool = True


def keys_of(ledger: Ledger, settings: Settings) -> Keys:
    """The keys of a ledger, where these settings have them kept."""
    custody = Custody(Path(settings.custody), ledger.slug)
    return Keys(ledger, custody, settings.origin, settings.key_passphrase or None)


def policy_of(settings: Settings) -> Policy:
    """Whose word is wanted; nobody's, where no file says. Raises ``BadPolicy``."""
    return Policy.read(Path(settings.policy)) if settings.policy else Policy(quorum=NONE)


class Rounds:
    """封签轮次: the rounds of one ledger, and what its witnesses have seen of it."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        """Raises ``BadPolicy`` where the file of the policy cannot be understood."""
        self._keys = keys_of(ledger, settings)
        self._storage = storage(ledger.engine, ledger.slug)
        self._custody = self._keys.custody
        self._policy = policy_of(settings)
        self._sealer = Sealer(self._storage, self._custody, ledger.clock)
        self._seen: dict[str, int] = {}

    def go(self) -> Round:
        """Sign what was added since the last time, and ask every witness that has not signed it.

        Nothing is signed before the witnesses have been heard once. Raises ``HistoryMissing`` where
        the database does not hold what was signed, or where a witness has signed more than there is
        here, or something else; and as ``Keys.signer`` does.
        """
        with self._custody.alone():
            signer = self._keys.signer()
            if not self._seen:
                self._hear()
            made = self._sealer.seal(signer)
            sealed = made or self._sealer.last(signer.name)
            return self._witnessed(sealed, is_new=made is not None) if sealed else Round(None)

    def hear(self) -> None:
        """Ask every witness whether it stands by what was signed last; nothing new is signed.

        Raises ``HistoryMissing`` as ``go`` does.
        """
        with self._custody.alone():
            self._hear()

    def _hear(self) -> None:
        """Whoever keeps copies of a machine keeps its custody, too; its witnesses know better."""
        if last := self._custody.sealed():
            require_unbroken(self._storage, self._size, last.checkpoint)
            self._asked(last, [*self._policy.witnesses.values()])

    def _witnessed(self, sealed: Sealed, *, is_new: bool) -> Round:
        signed = sealed.note.signed_by(self._policy.keys())
        silent = [each for each in self._policy.witnesses.values() if each.key not in signed]
        sealed, answers = self._asked(sealed, silent)
        return Round(
            sealed,
            is_new,
            [f"{each.witness.name}: {each.reason}" for each in answers if not each.signature],
            self._policy.is_reached(sealed.note.signed_by(self._policy.keys())),
        )

    def _consistency(self, checkpoint: Checkpoint) -> Consistency:
        return Tiles(self._storage).tree(SHA256, checkpoint.size).consistency

    def _asked(self, sealed: Sealed, whom: list[Witness]) -> tuple[Sealed, list[Answer]]:
        """What these witnesses say of a checkpoint, which is kept with their signatures."""
        answers = cosigned(sealed.note, whom, self._consistency(sealed.checkpoint), self._seen)
        sealed = self._keep(sealed, [each.signature for each in answers if each.signature])
        self._heed(answers)
        return sealed, answers

    @property
    def _size(self) -> int:
        return self._storage.ask(self._storage.size)

    def _heed(self, answers: list[Answer]) -> None:
        """Remember how far each has seen the ledger; it must be the beginning of what is here."""
        for each in answers:
            self._seen[each.witness.name] = each.seen
            objection = Objection(each.witness.name, each.seen, each.contradicts)
            if objection.stands_at(size := self._size):
                self._custody.note_objection(objection)
                raise objected(self._storage.ledger, size, objection)
            if each.signature:
                self._withdraw(each.witness)

    def _withdraw(self, witness: Witness) -> None:
        """Whoever signs what is here has no objection any more."""
        before = self._custody.objection()
        if before and before.witness == witness.name:
            self._custody.drop_objection()

    def _keep(self, sealed: Sealed, new: list[Signature]) -> Sealed:
        """The checkpoint with what witnesses have newly said, kept inside and outside."""
        known = {(each.name, each.number) for each in sealed.note.signatures}
        new = [each for each in new if (each.name, each.number) not in known]
        if new:
            sealed = Sealed(sealed.checkpoint, sealed.note.with_signatures(new))
            self._custody.keep(sealed.note)
        self._record(sealed)
        return sealed

    def _record(self, sealed: Sealed) -> None:
        """Keep in the database, too, what custody has of witnesses."""
        c, told = cosignature.c, sealed.checkpoint
        at = {"ledger": self._storage.ledger, "size": told.size, "origin": told.origin}
        here = sa.select(c.witness).where(*(c[name] == value for name, value in at.items()))
        with writing(self._storage.engine) as connection:
            known = {*connection.execute(here).scalars()}
            for each in sealed.note.signatures:
                if each.name not in {told.origin, *known}:
                    row = {**at, "witness": each.name, "line": str(each)}
                    connection.execute(sa.insert(cosignature).values(row))
                    known.add(each.name)
