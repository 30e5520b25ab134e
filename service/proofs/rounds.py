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
from service.proofs.anchor import seen_more
from service.proofs.checkpoints import Checkpoint
from service.proofs.cosigning import Answer, Consistency, cosigned
from service.proofs.custody import Custody, Sealed
from service.proofs.keys import Keys
from service.proofs.notes import Signature
from service.proofs.policy import NONE, Policy
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

        Raises ``HistoryMissing`` where the database does not hold what was signed, or where a
        witness has signed more than there is here; and as ``Keys.signer`` does.
        """
        with self._custody.alone():
            signer = self._keys.signer()
            made = self._sealer.seal(signer)
            sealed = made or self._sealer.last(signer.name)
            return self._witnessed(sealed, is_new=made is not None) if sealed else Round(None)

    def _witnessed(self, sealed: Sealed, *, is_new: bool) -> Round:
        signed = sealed.note.signed_by(self._policy.keys())
        silent = [each for each in self._policy.witnesses.values() if each.key not in signed]
        answers = cosigned(sealed.note, silent, self._consistency(sealed.checkpoint), self._seen)
        sealed = self._keep(sealed, [each.signature for each in answers if each.signature])
        self._heed(sealed.checkpoint, answers)
        return Round(
            sealed,
            is_new,
            [f"{each.witness.name}: {each.reason}" for each in answers if not each.signature],
            self._policy.is_reached(sealed.note.signed_by(self._policy.keys())),
        )

    def _consistency(self, checkpoint: Checkpoint) -> Consistency:
        return Tiles(self._storage).tree(SHA256, checkpoint.size).consistency

    def _heed(self, checkpoint: Checkpoint, answers: list[Answer]) -> None:
        """Remember how far each has seen the ledger; it must not be further than it goes."""
        for each in answers:
            self._seen[each.witness.name] = min(each.seen, checkpoint.size)
            if each.seen > checkpoint.size:
                self._custody.note_seen(each.seen, each.witness.name)
                slug = self._storage.ledger
                raise seen_more(slug, checkpoint.size, each.seen, each.witness.name)

    def _keep(self, sealed: Sealed, new: list[Signature]) -> Sealed:
        """The checkpoint with what witnesses have newly said, kept inside and outside."""
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
