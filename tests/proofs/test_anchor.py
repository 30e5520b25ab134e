"""Rollback and fork: a database that does not hold what was sealed is not added to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aggregates.ledger import ITSELF, LedgerItself, LossAccepted
from service.ledger.application import Ledger
from service.ledger.engine import make_engine
from service.ledger.errors import HistoryMissing
from service.proofs.anchor import anchor
from service.proofs.custody import Custody, Objection
from service.proofs.recovering import NothingMissing, accept_loss, missing_in
from service.proofs.rounds import Rounds, keys_of
from service.settings import Settings
from tests.ledger.tampering import Backup, backup, restore
from tests.proofs.cast import SLUG, add, sealed_office


@pytest.fixture
def ledger(engine: Engine, settings: Settings) -> Ledger:
    return sealed_office(engine, settings)


@pytest.fixture
def old(engine: Engine, ledger: Ledger, settings: Settings) -> Backup:
    """A backup; since then fifty more records were made and sealed."""
    made = backup(engine)
    add(ledger, 50)
    Rounds(ledger, settings).go()
    return made


def started(engine: Engine, settings: Settings) -> Ledger:
    """The service as it starts on this database, with what is in its custody."""
    anchor(engine, Path(settings.custody))
    return Ledger(engine, SLUG)


@pytest.fixture
def unanchored(engine: Engine) -> Iterator[Ledger]:
    """A service that knows of no custody."""
    own = make_engine(engine.url)
    yield Ledger(own, SLUG)
    own.dispose()


def custody(settings: Settings) -> Custody:
    return Custody(Path(settings.custody), SLUG)


def test_a_database_as_it_was_sealed_is_added_to(
    engine: Engine, ledger: Ledger, settings: Settings
) -> None:
    add(started(engine, settings), 1)
    assert ledger.head_position() == 302


def test_a_restored_backup_is_not_added_to(engine: Engine, old: Backup, settings: Settings) -> None:
    restore(engine, old)
    with pytest.raises(HistoryMissing, match="301 records here, but 351 were sealed"):
        add(started(engine, settings), 1)
    assert backup(engine) == old


def test_a_running_service_notices_the_restoration(
    engine: Engine, ledger: Ledger, old: Backup
) -> None:
    restore(engine, old)
    with pytest.raises(HistoryMissing, match="301 records here, but 351 were sealed"):
        add(ledger, 1)


def test_a_fork_that_has_grown_past_the_seal_is_not_added_to(
    engine: Engine, old: Backup, settings: Settings, unanchored: Ledger
) -> None:
    """Somebody went on after the restoration, with a service that had no custody."""
    restore(engine, old)
    add(unanchored, 100)
    with pytest.raises(HistoryMissing, match="other records here than the 351"):
        add(started(engine, settings), 1)


def test_a_fork_is_not_sealed_either(
    engine: Engine, old: Backup, settings: Settings, unanchored: Ledger
) -> None:
    restore(engine, old)
    add(unanchored, 100)
    with pytest.raises(HistoryMissing, match="other records here than the 351"):
        Rounds(unanchored, settings).go()


def test_the_database_as_it_was_ends_the_refusal(
    engine: Engine, ledger: Ledger, old: Backup, settings: Settings
) -> None:
    whole = backup(engine)
    restore(engine, old)
    with pytest.raises(HistoryMissing, match="were sealed"):
        add(ledger, 1)
    restore(engine, whole)
    add(ledger, 1)
    assert Rounds(ledger, settings).go().is_new


@pytest.mark.usefixtures("ledger")
def test_what_a_witness_has_seen_counts_as_well(engine: Engine, settings: Settings) -> None:
    """Custody was restored from the same old backup as the database; the witness remembers."""
    custody(settings).note_objection(Objection("audit", 351))
    with pytest.raises(HistoryMissing, match="witness audit has seen 351"):
        add(started(engine, settings), 1)


def test_a_loss_is_accepted_on_record_and_the_ledger_goes_on_as_another_log(
    engine: Engine, old: Backup, settings: Settings, unanchored: Ledger
) -> None:
    restore(engine, old)
    other = unanchored
    assert "351 were sealed" in str(missing_in(other, custody(settings)))
    lost = custody(settings).sealed()
    keys = keys_of(other, settings)
    accept_loss(other, custody(settings), keys, "机房失火，备份止于前一日")
    assert Rounds(other, settings).go().is_new
    assert not missing_in(other, custody(settings))
    (accepted,) = [
        each.fact
        for each in other.history(LedgerItself.stream(ITSELF))
        if isinstance(each.fact, LossAccepted)
    ]
    assert lost is not None
    assert (accepted.size, accepted.sealed_size) == (301, 351)
    assert accepted.sealed == str(lost.note)
    ledger = started(engine, settings)
    add(ledger, 1)
    sealed = Rounds(ledger, settings).go().sealed
    assert sealed is not None
    assert sealed.checkpoint.origin == "wenxiao.local/shizong.2"
    assert list(keys.known.keys.values()) == [351, None]


def test_where_nothing_is_missing_nothing_is_accepted(ledger: Ledger, settings: Settings) -> None:
    with pytest.raises(NothingMissing):
        accept_loss(ledger, custody(settings), keys_of(ledger, settings), "误操作")
    assert ledger.head_position() == 301


@pytest.mark.usefixtures("ledger")
def test_a_loss_takes_the_retirement_of_no_key_along(
    engine: Engine, settings: Settings, unanchored: Ledger
) -> None:
    """That the first key was stolen is among the records that are lost."""
    old = backup(engine)
    keys = keys_of(unanchored, settings)
    stolen = keys.signer().public
    keys.rotate("失窃")
    Rounds(unanchored, settings).go()
    restore(engine, old)
    other = Ledger(unanchored.engine, SLUG)
    keys = keys_of(other, settings)
    accept_loss(other, custody(settings), keys, "机房失火")
    assert keys.known.keys[str(stolen)] is not None
    assert [key for key, last in keys.known.keys.items() if last is None] == [
        str(keys.signer().public)
    ]
