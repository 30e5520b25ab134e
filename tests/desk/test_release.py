"""A ledger says which release wrote what."""

from __future__ import annotations

from aggregates.ledger import ITSELF, LedgerItself, ReleaseStarted
from service.ledger.application import Ledger
from service.release import announce, catalogue_digest


def test_a_release_is_recorded_when_it_first_writes(ledger: Ledger) -> None:
    announce(ledger)
    (record,) = ledger.records()
    assert isinstance(record.fact, ReleaseStarted)
    assert record.fact.rules == catalogue_digest()


def test_starting_again_records_nothing(ledger: Ledger) -> None:
    announce(ledger)
    announce(Ledger(ledger.engine, ledger.slug))
    assert ledger.head_position() == 1
    assert ledger.load(LedgerItself, ITSELF).rules == catalogue_digest()
