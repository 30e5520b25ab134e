"""A process proves what its ledger is now, however long it has been running."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.ledger.errors import HistoryMissing
from service.ledger.hashes import ALGORITHMS
from service.ledger.tables import cosignature
from service.proofs.bundles import Wanted
from service.proofs.custody import Custody
from service.proofs.notes import BadNote
from service.proofs.prover import NotSealed, Prover
from service.proofs.recovering import accept_loss
from service.proofs.rounds import keys_of
from service.settings import Settings
from tests.ledger.tampering import backup, changed, execute, record, restore, unguard
from tests.proofs.cast import SLUG, add, sealed_office
from tests.proofs.checking import seal
from tests.proofs.including import require_inclusion


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    return sealed_office(engine, settings)


def require_proven(prover: Prover, position: int) -> None:
    """Both paths lead from the record to the roots that were signed last."""
    its = prover.covering(position).sealed.checkpoint
    paths = prover.inclusion(position, its.size)
    for algorithm, root in zip(ALGORITHMS, (its.sha256, its.sm3), strict=True):
        leaf = algorithm.leaf(prover.entry(position))
        path = [*map(base64.b64decode, paths[algorithm.name])]
        require_inclusion(algorithm, leaf, position - 1, its.size, path, root)


@pytest.mark.parametrize("position", [1, 256, 257, 301])
def test_every_sealed_record_is_proven(ledger: Ledger, settings: Settings, position: int) -> None:
    require_proven(Prover(ledger, settings), position)


def test_what_came_after_the_last_checkpoint_is_not(ledger: Ledger, settings: Settings) -> None:
    add(ledger, 1)
    prover = Prover(ledger, settings)
    with pytest.raises(NotSealed):
        prover.covering(302)
    seal(ledger, settings)
    require_proven(prover, 302)
    with pytest.raises(NotSealed):
        prover.covering(302, size=301)


def test_after_a_loss_it_proves_the_records_that_took_the_place_of_others(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    prover, before = Prover(ledger, settings), backup(engine)
    add(ledger, 50)
    seal(ledger, settings)
    require_proven(prover, 320)
    restore(engine, before)
    unanchored = make_engine(engine.url)
    other = Ledger(unanchored, SLUG)
    custody = Custody(Path(settings.custody), SLUG)
    accept_loss(other, custody, keys_of(other, settings), "机房失火")
    unanchored.dispose()
    with pytest.raises(NotSealed):
        prover.latest()
    add(ledger, 351 - ledger.head_position())
    seal(ledger, settings)
    require_proven(prover, 320)


def test_what_was_not_hashed_is_not_handed_out(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    """An entry was changed, and what was hashed of it left."""
    unguard(engine)
    prover, row = Prover(ledger, settings), record(engine, 7)
    with changed(engine, row, entry=bytes(row.values["entry"]).replace(b"shizong", b"shizonG")):
        for ask in (
            lambda: prover.entry(7),
            lambda: prover.entries(0, 8),
            lambda: prover.bundle(Wanted(ranges=((1, 8),)), io.BytesIO()),
        ):
            with pytest.raises(HistoryMissing, match="record 7 of shizong is not what was hashed"):
                ask()
    assert prover.entry(7)


@pytest.mark.parametrize(
    "torn", ["checkpoint SET note", "checkpoint SET sealed_at", "cosignature SET line"]
)
def test_what_was_signed_and_is_no_text_any_more_is_told(
    sqlite_engine: Engine, settings: Settings, torn: str
) -> None:
    """As only SQLite keeps whatever it is given."""
    prover = Prover(sealed_office(sqlite_engine, settings), settings)
    line = str(prover.latest().sealed.note.signatures[0])
    row = {"ledger": SLUG, "size": 301, "origin": prover.origin, "witness": "audit", "line": line}
    with sqlite_engine.begin() as connection:
        connection.execute(cosignature.insert().values(row))
    unguard(sqlite_engine)
    execute(sqlite_engine, f"UPDATE {torn} = x'ff00'")
    with pytest.raises(BadNote, match="no text"):
        prover.latest()


def test_an_entry_that_is_text_by_now_is_not_handed_out(
    sqlite_engine: Engine, settings: Settings
) -> None:
    prover = Prover(sealed_office(sqlite_engine, settings), settings)
    unguard(sqlite_engine)
    execute(sqlite_engine, "UPDATE record SET entry = 'x' WHERE position = 7")
    with pytest.raises(HistoryMissing, match="record 7 of shizong is not what was hashed"):
        prover.entries(0, 8)
