"""全面核验: all there is of a ledger, held against all the rest of it; and what that does not tell.

First the ledger by itself; then what was signed of it, what is kept outside its database, and, of a
full verification, what people read of it. Where custody remembers a checkpoint up to which all was
found true, a verification goes on from there unless it is to be a full one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from eventsourcing.persistence import PersistenceError

from aggregates.ledger import ITSELF, LedgerItself
from projections.base import ReadModel
from projections.models import MODELS
from projections.places import positions
from service.clock import Clock, utc_now
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing, UnknownLedger
from service.ledger.findings import UNREADABLE, Unsound
from service.ledger.hashes import ALGORITHMS
from service.ledger.recorder import storage
from service.ledger.stretch import is_damage
from service.ledger.verifications import Verdict, Verification
from service.ledger.verify import Told, Whole, verify
from service.projector import Overtaken, Rebuild
from service.proofs.anchor import require_as_kept
from service.proofs.checkpoints import base64_of
from service.proofs.custody import BadCustody, Custody, Sealed
from service.proofs.examining import Examination, Examined
from service.proofs.growing import Growing, Since
from service.proofs.losses import losses_of
from service.proofs.policy import NONE
from service.proofs.rounds import policy_of
from service.proofs.seals import was_sealed
from service.proofs.tiles import NotThere
from service.settings import Settings


@dataclass
class Account:
    """核验说明: what a verification has looked at, and what it has not."""

    begin: int = 0
    """How many records were found true before, and are taken to be so still."""
    checkpoints: int = 0
    roots: dict[str, str | None] = field(
        default_factory=lambda: {algorithm.name: None for algorithm in ALGORITHMS}
    )
    """Those of both trees at the size that was verified, as a checkpoint writes them."""
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)


class Inspection:
    """全面核验: of one ledger, with what these settings know of it."""

    def __init__(self, engine: sa.Engine, ledger: str, settings: Settings, *, full: bool) -> None:
        """Raises ``BadPolicy``, ``OSError`` where the file of the policy cannot be read."""
        self._engine, self._ledger = engine, ledger
        self._storage = storage(engine, ledger)
        self._custody = Custody(Path(settings.custody), ledger)
        self._policy = policy_of(settings)
        self._is_full = full
        self._broken: Unsound | None = None
        self._examined = Examined()
        self.account = Account()

    def verify(
        self,
        *,
        processes: int = 0,
        facts: bool = False,
        told: Told | None = None,
        clock: Clock = utc_now,
    ) -> Verification:
        """Verify all of it. Raises as ``service.ledger.verify`` does, and ``BadCustody``."""
        since = self._since()
        try:
            return verify(
                self._engine,
                self._ledger,
                processes=processes,
                facts=facts,
                told=told,
                clock=clock,
                known=since.whole,
                further=lambda whole: self._further(whole, since),
            )
        except UnknownLedger:
            if sealed := self._custody.sealed():
                finding = f"is gone, though {sealed.checkpoint.size} records were sealed"
                return Verification(self._ledger, clock(), Verdict.FAILED, 0, finding)
            raise

    def remember(self, found: Verification) -> None:
        """Let the next one go on from the last checkpoint, if all was true; else begin anew."""
        last = self._examined.last
        if found.verdict is Verdict.FAILED:
            self._custody.forget_verified()
        elif last and self._custody.sealed() and last != self._verified():
            self._custody.keep_verified(last.note)

    def _verified(self) -> Sealed | None:
        """Where the last one ended; what cannot be read is as good as nothing."""
        with suppress(BadCustody):
            return self._custody.verified()
        return None

    def _since(self) -> Since:
        """From where on; from the beginning, too, where that is not what it was found to be."""
        sealed = None if self._is_full else self._verified()
        if sealed is not None:
            size = sealed.checkpoint.size
            try:
                since = Since.checkpoint(self._storage, sealed)
            except (Unsound, NotThere, PersistenceError, *UNREADABLE) as error:
                if isinstance(error, PersistenceError) and not is_damage(error):
                    raise
                reason = "are others than those that were found true before"
                self._broken = Unsound(0, f"records 1 to {size}", reason)
            else:
                self.account.begin = size
                return since
        return Since(Growing(self._storage))

    def _further(self, whole: Whole, since: Since) -> None:
        """What is beside the ledger itself, which has been found true."""
        for tree in whole.frontiers():
            self.account.roots[tree.algorithm.name] = base64_of(tree.root)
        self._tell_of_records(whole.size)
        self._examine_custody()
        if self._broken:
            raise self._broken
        self._examine_seals(whole.size, since)
        if self._is_full:
            self._examine_storage()
            self._examine_models()
        else:
            self.account.unchecked.append("read models: with --full")

    def _tell_of_records(self, size: int) -> None:
        beside = "requests, source rows and committed values"
        if begin := self.account.begin:
            if size > begin:
                self.account.checked.append(f"records: {begin + 1} to {size}, and their {beside}")
            earlier = f"records: 1 to {begin}, found true before; again, and counted, with --full"
            self.account.unchecked.append(earlier)
        elif size:
            self.account.checked.append(f"records: 1 to {size}, and all {beside}")

    def _examine_seals(self, size: int, since: Since) -> None:
        examination = self._examination()
        found = self._examined = examination.examine(size, since)
        self.account.checkpoints = found.checkpoints
        checked, unchecked = self.account.checked, self.account.unchecked
        for origin, loss in examination.losses.items():
            number = found.lost.get(origin, 0)
            also = f"; {number} of its checkpoints say what is not here" if number else ""
            unchecked.append(f"log {loss}{also}")
        if found.last is None:
            unchecked.append("checkpoints: nothing is signed")
            return
        signed = found.last.checkpoint.size
        checked.append(f"checkpoints: {found.checkpoints}, the last one of {signed} records")
        if signed < size:
            unchecked.append(f"checkpoints: none has records {signed + 1} to {size} yet")
        if found.cosignatures:
            checked.append(f"cosignatures: {found.cosignatures}")
        if self._policy.quorum != NONE:
            is_enough = self._policy.is_reached(found.witnesses)
            said = f"as many as the policy wants have signed that of {signed} records"
            where = checked if is_enough else unchecked
            where.append(f"witnesses: {'' if is_enough else 'not '}{said}")
        if found.by_strangers:
            named_by_none = "by witnesses whom no policy names, only read"
            unchecked.append(f"cosignatures: {found.by_strangers} {named_by_none}")

    def _examination(self) -> Examination:
        ledger = Ledger(self._engine, self._ledger)
        try:
            keys, losses = ledger.load(LedgerItself, ITSELF).keys, losses_of(ledger)
        except UNREADABLE as error:
            raise Unsound(0, "history of the ledger itself", f"cannot be read: {error}") from error
        return Examination(self._storage, keys, self._policy, self._custody, losses)

    def _examine_custody(self) -> None:
        """Nothing is missing that was sealed; what was sealed meanwhile may be more than before."""
        size = self._storage.ask(self._storage.size)
        try:
            require_as_kept(self._storage, size, self._custody)
        except HistoryMissing as missing:
            if self._storage.ask(self._storage.size) == size:
                raise Unsound(
                    size + 1, "database", f"lacks what was sealed: {missing}"
                ) from missing
            self._examine_custody()
            return
        if sealed := self._custody.sealed():
            kept = f"none of the {sealed.checkpoint.size} records that it knows of is missing"
            self.account.checked.append(f"custody: {kept}")
        else:
            lost = "the last checkpoint is lost: see wenxiao recover"
            none = "no checkpoint is kept outside the database"
            said = lost if was_sealed(self._storage) else none
            self.account.unchecked.append(f"custody: {said}")

    def _examine_storage(self) -> None:
        """Rows that are asked for by their keys are answered from indexes; these must fit."""
        flaw = self._storage.flaw()
        if flaw:
            raise Unsound(0, "database", f"is damaged: {flaw}")
        if flaw is None:
            self.account.unchecked.append("indexes: this database tells with pg_amcheck")
        else:
            self.account.checked.append("indexes: as the tables have it")

    def _examine_models(self) -> None:
        ledger = Ledger(self._engine, self._ledger)
        with self._engine.connect() as connection:
            read = positions(connection, self._ledger, [model.NAME for model in MODELS])
        for model in MODELS:
            if read[model.NAME]:
                self._examine_model(ledger, model)
            else:
                self.account.unchecked.append(f"read model {model.NAME}: has read nothing")

    def _examine_model(self, ledger: Ledger, model: ReadModel[Any]) -> None:
        try:
            rebuild = Rebuild(self._engine, ledger, model)
            report = rebuild.fill()
            rebuild.drop()
        except (sa.exc.SQLAlchemyError, Overtaken) as error:
            reason = f"could not be built anew: {type(error).__name__}"
            self.account.unchecked.append(f"read model {model.NAME}: {reason}")
            return
        if not report.is_equal:
            reason = f"differs from the records in {report.differing} of {report.rows} rows"
            raise Unsound(0, f"read model {model.NAME}", reason)
        told = f"{report.rows} rows as of {report.position}"
        self.account.checked.append(f"read model {model.NAME}: {told}")
