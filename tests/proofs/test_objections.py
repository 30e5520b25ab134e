"""Rollback of a whole machine, custody and all: its witnesses remember what it has forgotten."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.http.witness import create_witness
from service.ledger.application import Ledger
from service.ledger.errors import HistoryMissing
from service.proofs.anchor import anchor
from service.proofs.custody import BadCustody, Custody, Objection
from service.proofs.patrol import Patrol
from service.proofs.policy import Policy
from service.proofs.rounds import Round, Rounds, keys_of
from service.proofs.witness import Witness
from service.settings import Settings
from tests.ledger.tampering import Backup, backup, restore
from tests.proofs.cast import SLUG, add, sealed_office, settings_in
from tests.proofs.test_notes import witness
from tests.proofs.test_witness_cosigning import served

NAME = "w1"


@dataclass
class Machine:
    """A database, and on the same disk what should have been kept elsewhere."""

    engine: Engine
    settings: Settings

    def copied(self, to: Path) -> Copy:
        """Its disk as it is now."""
        shutil.copytree(self.settings.custody, to)
        return backup(self.engine), to

    def restored(self, copy: Copy) -> None:
        """It starts again from a copy of its disk."""
        rows, folder = copy
        restore(self.engine, rows)
        shutil.rmtree(self.settings.custody)
        shutil.copytree(folder, self.settings.custody)

    def started(self) -> Ledger:
        """The service, with what it finds."""
        anchor(self.engine, Path(self.settings.custody))
        return Ledger(self.engine, SLUG)

    def sealed(self) -> Round:
        """A round of a worker that has just been started."""
        return Rounds(self.started(), self.settings).go()

    @property
    def custody(self) -> Custody:
        return Custody(Path(self.settings.custody), SLUG)


Copy = tuple[Backup, Path]


@pytest.fixture
def serve() -> Iterator[Callable[[Witness], str]]:
    with ExitStack() as stack:
        yield lambda it: stack.enter_context(served(create_witness(it)))


@pytest.fixture
def machine(
    engine: Engine, sqlite_engine: Engine, tmp_path: Path, serve: Callable[[Witness], str]
) -> Machine:
    """301 records, sealed, and cosigned by a witness in another place."""
    alone = settings_in(tmp_path)
    key = keys_of(sealed_office(engine, alone), alone).signer().public
    log, its = f"log {key}\n", witness()
    url = serve(Witness(sqlite_engine, its, Policy.parse(f"{log}quorum none\n")))
    policy = tmp_path / "policy"
    policy.write_text(f"{log}witness {NAME} {its.public} {url}\nquorum {NAME}\n", "utf-8")
    machine = Machine(engine, replace(alone, policy=str(policy)))
    assert machine.sealed().is_enough
    return machine


@pytest.fixture
def old(machine: Machine, tmp_path: Path) -> Copy:
    """A copy of the machine; since then fifty more records were made, and seen by the witness."""
    made = machine.copied(tmp_path / "old")
    add(machine.started(), 50)
    assert machine.sealed().is_enough
    return made


def test_a_copy_of_the_machine_is_not_sealed(machine: Machine, old: Copy) -> None:
    """Not even where it has gone on meanwhile, for the witness is asked first."""
    machine.restored(old)
    add(machine.started(), 20)
    with pytest.raises(HistoryMissing, match="321 records here, and witness w1 has seen 351"):
        machine.sealed()
    kept = machine.custody.sealed()
    assert kept is not None
    assert kept.checkpoint.size == 301


def test_a_service_that_starts_asks_before_it_adds(machine: Machine, old: Copy) -> None:
    machine.restored(old)
    Patrol(machine.engine, (), machine.settings).hear()
    with pytest.raises(HistoryMissing, match="witness w1 has seen 351"):
        add(machine.started(), 1)


def test_a_copy_that_has_outgrown_what_was_seen_is_added_to_no_longer(
    machine: Machine, old: Copy, tmp_path: Path
) -> None:
    """Only the proof shows that it is another history; the disk as it was ends the objection."""
    true = machine.copied(tmp_path / "true")
    machine.restored(old)
    add(machine.started(), 100)
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        machine.sealed()
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        add(machine.started(), 1)
    objection = machine.custody.objection()
    machine.restored(true)
    assert objection == Objection(NAME, 351, is_other=True)
    machine.custody.note_objection(objection)
    with pytest.raises(HistoryMissing, match="w1 has seen others"):
        add(machine.started(), 1)
    machine.sealed()
    assert machine.custody.objection() is None
    add(machine.started(), 1)


def test_a_rewritten_machine_of_the_same_size_is_not_added_to(machine: Machine, old: Copy) -> None:
    machine.restored(old)
    forked = replace(machine.settings, policy="")
    add(machine.started(), 50)
    Rounds(machine.started(), forked).go()
    with pytest.raises(HistoryMissing, match="w1 has seen others among the first 351"):
        machine.sealed()


def test_a_witness_who_is_silent_stops_nobody(machine: Machine) -> None:
    policy = Path(machine.settings.policy)
    away = re.sub(r"(http://127\.0\.0\.1):\d+", r"\1:1", policy.read_text("utf-8"))
    policy.write_text(away, "utf-8")
    Patrol(machine.engine, (), machine.settings).hear()
    add(machine.started(), 1)
    assert machine.sealed().silent


def test_who_has_signed_before_is_kept_once(machine: Machine) -> None:
    for _ in range(2):
        made = machine.sealed()
    assert made.sealed is not None
    assert len(made.sealed.note.signatures) == 2


@pytest.mark.parametrize("text", ["", "less 3 w1\n", "more x w1\n", "more 3\n", "more 3 w1 w2\n"])
def test_an_objection_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    custody = Custody(tmp_path, SLUG)
    custody.objection_file.write_text(text, "utf-8")
    with pytest.raises(BadCustody, match=r"shizong\.objection"):
        custody.objection()
